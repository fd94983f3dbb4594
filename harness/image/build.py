# SPDX-License-Identifier: Apache-2.0
"""The image for a model and a device: built once, then taken from the user's cache folder."""

from __future__ import annotations

import hashlib
import json
import os
import re
import shutil
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass, replace
from pathlib import Path

from mlperf_tiny.disk import FULL, full_disk, write_error
from mlperf_tiny.errors import CompilerFailed, DataError
from mlperf_tiny.file_lock import locked_name
from mlperf_tiny.firmware.boards import Board
from mlperf_tiny.firmware.build import FIRMWARE, Firmware
from mlperf_tiny.firmware.elf import flash_image
from mlperf_tiny.firmware.engine_model import EngineModel
from mlperf_tiny.firmware.toolchain import Toolchain
from mlperf_tiny.firmware.wire import WireFormat
from mlperf_tiny.harness.image.engines import find_engine
from mlperf_tiny.harness.record.settings import FirmwareInfo
from mlperf_tiny.models.data.download.cache import CACHE_VARIABLE
from mlperf_tiny.models.data.download.download import file_sha256

ELF_FILE = "firmware.elf"
INFO_FILE = "firmware.json"
SOURCE_SUFFIXES = (".c", ".cc", ".h", ".S", ".s", ".ld", ".txt")


@dataclass(frozen=True)
class BuiltImage:
    """A linked image."""

    elf: Path
    """The file, in the cache."""
    info: FirmwareInfo
    """What a record holds of it."""


def build_image(
    model: EngineModel,
    wire: WireFormat,
    board: Board,
    toolchain: Toolchain,
    baud: int | None,
    cache: Path,
    log: Callable[[str], None] = lambda text: None,
) -> BuiltImage:
    """Return the image of a model for a board; from the cache when the same was built before.

    Args:
        model: The model. Where its arena is not known (0 bytes) the least is found; it is in ``BuiltImage.info``.
        wire: What the device takes and answers.
        board: The board's row.
        toolchain: The compiler.
        baud: Serial rate; None for the board's own.
        cache: The user's cache folder; images lie in ``images`` below it, the objects of this
            project's sources in ``objects``.
        log: Takes one sentence for each step.

    Raises:
        DoesNotFit: when flash or RAM of the board are too small.
        CompilerFailed: with the compiler's message.
        UnsupportedOperator: when an interpreter refuses the model.
        DataError: when the cache folder cannot be made.
    """
    kept = cache / "images" / _key(model, wire, board, toolchain, baud)
    with _only_builder(kept, cache, board, log) as image:
        if image is not None:
            log(f"using the cached image for {board.device}")
            return image
        _give_zig_a_home(cache)
        engine, objects = find_engine(model.engine), cache / "objects"
        return _built(kept, board, lambda out: engine.build(model, wire, board, out, toolchain, baud, log, objects))


@contextmanager
def _only_builder(kept: Path, cache: Path, board: Board, log: Callable[[str], None]) -> Iterator[BuiltImage | None]:
    """The image where it is kept, at once; else the block is the only builder of it, and its cache folder exists."""
    image = _kept(kept)
    if image is not None:
        yield image
        return
    try:
        kept.parent.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        sentence = (
            f"the folder for built images {kept.parent} cannot be made: {error.strerror}. "
            f"Name a writable folder with {CACHE_VARIABLE}."
        )
        raise write_error(error, kept.parent, "", DataError, sentence) from error

    def waiting(holder: str) -> None:
        log(f"waiting for {holder}, which builds the same image for {board.device}")

    with locked_name(cache / "locks", kept.name, waiting):
        yield _kept(kept)


def _built(kept: Path, board: Board, build: Callable[[Path], tuple[EngineModel, Firmware]]) -> BuiltImage:
    """Build an image in a folder of its own, which gets its name in the cache when all of it is there."""
    try:
        with tempfile.TemporaryDirectory(dir=kept.parent, prefix="building-") as folder:
            out = Path(folder)
            with _full_disk_named(kept.parent):
                model, firmware = build(out)
            info = _info(firmware, model, board)
            finished = out / "finished"
            finished.mkdir()
            shutil.copy2(firmware.elf, finished / ELF_FILE)
            (finished / INFO_FILE).write_text(json.dumps(asdict(info), indent=1) + "\n", encoding="utf-8")
            try:
                finished.replace(kept)
            except OSError:
                # Without locks another run may have built the same meanwhile; or the folder there is damaged.
                if (meanwhile := _kept(kept)) is not None:
                    return meanwhile
                shutil.rmtree(kept, ignore_errors=True)
                finished.replace(kept)
    except OSError as error:
        if error.errno not in FULL and not str(error.filename).startswith(str(kept.parent)):
            raise
        raise write_error(error, kept.parent, f"or name another folder with {CACHE_VARIABLE}", DataError) from error
    return BuiltImage(kept / ELF_FILE, info)


@contextmanager
def _full_disk_named(folder: Path) -> Iterator[None]:
    """Where a compiler stops for want of space, name the folder: its own message names one of its files, or none."""
    try:
        yield
    except CompilerFailed as error:
        zig = os.environ.get("ZIG_GLOBAL_CACHE_DIR") or folder
        # Python passes over a TMPDIR that is full; compilers do not.
        full = full_disk((folder, Path(os.environ.get("TMPDIR") or tempfile.gettempdir()), Path(zig)))
        if full is None and not re.search("No space left|NoSpaceLeft", error.detail):
            raise
        raise DataError(
            f"{error.compiler} could not write: the disk of {full or folder} is full. Free space there, or name "
            f"another folder with {CACHE_VARIABLE} (images) or TMPDIR (the compiler's own files)."
        ) from error


def _info(firmware: Firmware, model: EngineModel, board: Board) -> FirmwareInfo:
    return FirmwareInfo(
        elf_sha256=firmware.elf_sha256,
        toolchain=firmware.toolchain,
        compiler=firmware.compiler,
        flags=firmware.flags,
        kernels=model.kernels,
        flash_bytes=firmware.flash_bytes,
        ram_bytes=firmware.ram_bytes,
        arena_bytes=model.arena_bytes,
        baud=firmware.baud,
        engine_version=model.engine_version,
        model_bytes=model.constant_bytes,
        source_digest=source_digest(),
        flash_sha256="" if board.is_host else hashlib.sha256(flash_image(firmware.elf, board)).hexdigest(),
    )


def _give_zig_a_home(cache: Path) -> None:
    """Where HOME is missing or read-only, let zig keep its compiled C library in our cache.

    Without a cache folder zig fails or, with a HOME that does not exist, hangs.
    """
    home = os.environ.get("HOME", "")
    if os.name == "posix" and not os.access(home, os.W_OK):
        os.environ.setdefault("ZIG_GLOBAL_CACHE_DIR", str((cache / "zig").absolute()))


def _kept(folder: Path) -> BuiltImage | None:
    """The image in a folder; None when files are missing or the ELF does not have its recorded hash."""
    try:
        values = json.loads((folder / INFO_FILE).read_text(encoding="utf-8"))
        info = FirmwareInfo(**{**values, "flags": tuple(values["flags"])})
        elf = folder / ELF_FILE
        if "flash_sha256" not in values:  # from an earlier version of this program
            return None
        if file_sha256(elf) != info.elf_sha256:
            return None
        # The key covers all sources that decide the image; those that do not may have changed since.
        return BuiltImage(elf, replace(info, source_digest=source_digest()))
    except (OSError, ValueError, TypeError, KeyError):
        return None


def _key(model: EngineModel, wire: WireFormat, board: Board, toolchain: Toolchain, baud: int | None) -> str:
    """A hash of all that decides the image: the generated C, our sources, the rows and the compiler."""
    digest = hashlib.sha256()
    for part in (wire, board, baud, toolchain.name, toolchain.version(board), toolchain.flags(board)):
        digest.update(repr(part).encode() + b"\0")
    library = model.library
    if library is not None:
        digest.update(repr((library.digest, library.version, library.defines, library.flags)).encode() + b"\0")
    digest.update(repr((model.sources, model.stack_bytes)).encode() + b"\0")
    for name, text in sorted(model.files.items()):
        digest.update(f"{name}\0{text}\0".encode())
    for path in sorted(FIRMWARE.rglob("*")):
        if path.suffix in SOURCE_SUFFIXES or (path.parent in (FIRMWARE, FIRMWARE / "boards") and path.suffix == ".py"):
            digest.update(path.relative_to(FIRMWARE).as_posix().encode() + b"\0" + path.read_bytes())
    return digest.hexdigest()[:32]


def source_digest() -> str:
    """Return the sha256 (hex) of this program's firmware sources: kernels, monitor, ports and the generator.

    It covers ``path NUL sha256-of-content newline`` of each, in order of path. Two programs with the same digest and
    the same compiler build the same image of the same model.
    """
    digest = hashlib.sha256()
    for path in sorted(FIRMWARE.rglob("*")):
        if path.suffix in (*SOURCE_SUFFIXES, ".py"):
            digest.update(f"{path.relative_to(FIRMWARE).as_posix()}\0{file_sha256(path)}\n".encode())
    return digest.hexdigest()
