# SPDX-License-Identifier: Apache-2.0
"""The image for a model and a device: built once, then taken from the user's cache folder."""

from __future__ import annotations

import hashlib
import json
import os
import shutil
import tempfile
from collections.abc import Callable
from dataclasses import asdict, dataclass, replace
from pathlib import Path

from mlperf_tiny.errors import DataError
from mlperf_tiny.firmware.boards import Board
from mlperf_tiny.firmware.build import FIRMWARE, build_firmware
from mlperf_tiny.firmware.engine_model import EngineModel
from mlperf_tiny.firmware.tflm.model import TflmModel
from mlperf_tiny.firmware.toolchain import Toolchain
from mlperf_tiny.firmware.wire import WireFormat
from mlperf_tiny.harness.image.arena import build_with_least_arena
from mlperf_tiny.harness.record.settings import FirmwareFacts
from mlperf_tiny.models.data.download.cache import CACHE_VARIABLE
from mlperf_tiny.models.data.download.download import file_sha256

ELF_FILE = "firmware.elf"
FACTS_FILE = "firmware.json"
SOURCE_SUFFIXES = (".c", ".cc", ".h", ".S", ".s", ".ld", ".txt")


@dataclass(frozen=True)
class Image:
    """A linked image and what a record says of it."""

    elf: Path
    facts: FirmwareFacts


def build_image(
    model: EngineModel,
    wire: WireFormat,
    board: Board,
    toolchain: Toolchain,
    baud: int | None,
    cache: Path,
    say: Callable[[str], None] = lambda text: None,
) -> Image:
    """Return the image of ``model`` for ``board``; from ``cache`` when the very same was built before.

    Of a model whose arena is not known yet (0 bytes) the least is found; ``Image.facts`` tells it.
    Raises DoesNotFit, CompilerFailed, or UnsupportedOperator when an interpreter does not take the model.
    """
    kept = cache / "images" / _key(model, wire, board, toolchain, baud)
    image = _kept(kept)
    if image is not None:
        say(f"taking the image for {board.device} that was built before")
        return image
    try:
        kept.parent.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise DataError(
            f"the folder for built images {kept.parent} cannot be made: {error.strerror}. "
            f"Name a folder that may be written with {CACHE_VARIABLE}."
        ) from error
    _give_zig_a_home(cache)
    with tempfile.TemporaryDirectory(dir=kept.parent, prefix="building-") as folder:
        out = Path(folder)
        if isinstance(model, TflmModel) and model.arena_bytes == 0:
            model, firmware = build_with_least_arena(model, wire, board, out, toolchain, baud, say)
        else:
            firmware = build_firmware(model, wire, board, out / "build", toolchain, baud=baud, progress=say)
        facts = FirmwareFacts(
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
        )
        finished = out / "finished"
        finished.mkdir()
        shutil.copy2(firmware.elf, finished / ELF_FILE)
        (finished / FACTS_FILE).write_text(json.dumps(asdict(facts), indent=1) + "\n")
        try:
            finished.replace(kept)
        except OSError:
            # Another run built the same at the same time, and may be using it; or what is there is damaged.
            if (meanwhile := _kept(kept)) is not None:
                return meanwhile
            shutil.rmtree(kept, ignore_errors=True)
            finished.replace(kept)
    return Image(kept / ELF_FILE, facts)


def _give_zig_a_home(cache: Path) -> None:
    """Where HOME is missing or read-only, let zig keep what it compiles of the C library in our cache.

    Without one it fails or, with a HOME that does not exist, waits for ever.
    """
    home = os.environ.get("HOME", "")
    if os.name == "posix" and not os.access(home, os.W_OK):
        os.environ.setdefault("ZIG_GLOBAL_CACHE_DIR", str((cache / "zig").absolute()))


def _kept(folder: Path) -> Image | None:
    """The image in ``folder``, if it is all there and still what it was."""
    try:
        values = json.loads((folder / FACTS_FILE).read_text())
        facts = FirmwareFacts(**{**values, "flags": tuple(values["flags"])})
        elf = folder / ELF_FILE
        if file_sha256(elf) != facts.elf_sha256:
            return None
        # The image is that of today's sources, whatever in them has changed that is no part of it.
        return Image(elf, replace(facts, source_digest=source_digest()))
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
    """A sha256 (hex) of this program's sources that images are made from: kernels, monitor, ports and the generator.

    It covers, for each of them in order of path, ``path NUL sha256-of-content newline``. Two programs with the same
    digest and the same compiler make the same image of the same model; those with different ones may.
    """
    digest = hashlib.sha256()
    for path in sorted(FIRMWARE.rglob("*")):
        if path.suffix in (*SOURCE_SUFFIXES, ".py"):
            digest.update(f"{path.relative_to(FIRMWARE).as_posix()}\0{file_sha256(path)}\n".encode())
    return digest.hexdigest()
