# SPDX-License-Identifier: Apache-2.0
"""An engine's model, a wire format and a board row in, a firmware image out.

Everything is laid out in one folder first (``OUT/source``: a program that any makefile could build, self-contained
unless the engine is a prebuilt library) and compiled there with relative paths, so that the image does not depend on
where it was built.
"""

from __future__ import annotations

import hashlib
import shutil
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

from mlperf_tiny.errors import DoesNotFit
from mlperf_tiny.firmware.boards import Board
from mlperf_tiny.firmware.compilers import Compilers
from mlperf_tiny.firmware.config import app_config, board_config, linker_script
from mlperf_tiny.firmware.elf import flash_image, image_bytes, refuse_double_precision
from mlperf_tiny.firmware.engine_model import EngineModel
from mlperf_tiny.firmware.object_cache import ObjectCache, object_key
from mlperf_tiny.firmware.toolchain import Toolchain, ZigToolchain, file_flags
from mlperf_tiny.firmware.wire import WireFormat

FIRMWARE = Path(__file__).parent
ENERGY_BAUD = 9600
# The port is a pipe: no bit times to wait for.
HOST_BAUD = 100_000_000

# The memory functions of an image without a C library.
C_LIBRARY_SOURCES = ("cortex_m/memory.c",)


@dataclass(frozen=True, kw_only=True)
class Firmware:
    """A built image."""

    device: str
    elf: Path
    elf_sha256: str
    flash_bytes: int
    """0 for the host."""
    ram_bytes: int
    """Stack, data and bss; 0 for the host."""
    toolchain: str
    """``zig`` or ``gcc``."""
    compiler: str
    """Its version."""
    flags: tuple[str, ...]
    model_sha256: str
    """Hash of the .tflite."""
    wire: WireFormat
    baud: int
    energy: bool
    """An energy build: 9600 baud, and pulses on the timestamp pin."""


def build_firmware(
    model: EngineModel,
    wire: WireFormat,
    board: Board,
    out_dir: Path,
    toolchain: Toolchain | None = None,
    energy: bool = False,
    baud: int | None = None,
    stack_bytes: int | None = None,
    objects: Path | None = None,
    log: Callable[[str], None] = lambda line: None,
) -> Firmware:
    """Build ``OUT/firmware.elf`` (and ``firmware.bin`` for a board).

    Args:
        model: The engine's model.
        wire: The input and result format of the task.
        board: The row to build for.
        out_dir: The folder, which may hold an earlier build.
        toolchain: The compiler; zig unless given.
        energy: Make an energy build, which always runs at 9600 baud and pulses the timestamp pin.
        baud: The console's rate instead of the row's.
        stack_bytes: The stack instead of the engine's.
        objects: Folder in which the objects of this project's sources are kept; None: all are compiled.
        log: Called with a line of text for each step.

    Returns:
        The image and its sizes.

    Raises:
        DoesNotFit: Flash or RAM are too small.
        CompilerFailed: With the compiler's own messages.
    """
    toolchain = toolchain or ZigToolchain()
    compiler = toolchain.version(board)
    rate = HOST_BAUD if board.is_host else ENERGY_BAUD if energy else baud or board.baud
    stack = model.stack_bytes if stack_bytes is None else stack_bytes
    # Only files named here take part: what an earlier build left in the folder is neither used nor removed.
    files = lay_out(model, wire, board, out_dir / "source", rate, energy, stack)
    log(f"compiling {sum(map(_is_source, files))} files for {board.device} with {compiler}")
    cache = None if objects is None else ObjectCache(objects)
    elf = _compile(model, board, toolchain, files, out_dir, cache)
    flash_bytes, ram_bytes = (0, 0) if board.is_host else _check_image(elf, board, toolchain)
    return Firmware(
        device=board.device,
        elf=elf,
        elf_sha256=hashlib.sha256(elf.read_bytes()).hexdigest(),
        flash_bytes=flash_bytes,
        ram_bytes=ram_bytes,
        toolchain=toolchain.name,
        compiler=compiler,
        flags=(*toolchain.flags(board), *(model.library.flags if model.library else ())),
        model_sha256=model.model_sha256,
        wire=wire,
        baud=rate,
        energy=energy,
    )


def _is_source(name: str) -> bool:
    return name.endswith((".c", ".cc"))


def _compile(
    model: EngineModel,
    board: Board,
    toolchain: Toolchain,
    files: Sequence[str],
    out_dir: Path,
    cache: ObjectCache | None,
) -> Path:
    """Compile and link the program in ``out_dir/source``; return the ELF."""
    source_dir, elf = out_dir / "source", out_dir / "firmware.elf"
    (out_dir / "object").mkdir(parents=True, exist_ok=True)
    sources = [name for name in files if _is_source(name)]
    includes = sorted({str(PurePosixPath(name).parent) for name in files if name.endswith(".h")})
    # An external engine's C++ has a whole C library: it must not find the few headers that replace one in an image.
    glue_includes = ["engine", "model"]
    outputs = {name: f"../object/{name.replace('/', '_')}.o" for name in sources}
    settings = (toolchain.name, toolchain.version(board), *toolchain.flags(board), *includes)
    missing: dict[str, str | None] = {}  # source -> the name of its object in the cache
    for name in sources:
        kept = cache is not None and not name.startswith("model/")
        key = object_key((*settings, *file_flags(name)), name, source_dir, files) if kept else None
        content = cache.fetch(key) if cache is not None and key is not None else None
        if content is None:
            missing[name] = key
        else:
            (source_dir / outputs[name]).write_bytes(content)
    with Compilers(source_dir, toolchain.name) as compilers:
        compilers.run_all(
            [
                toolchain.compile(
                    board, name, outputs[name], glue_includes if name.endswith(".cc") else includes, model.library
                )
                for name in missing
            ]
        )
        compilers.run(toolchain.link(board, list(outputs.values()), "../firmware.elf", "sections.ld", model.library))
    for name, key in missing.items():
        if cache is not None and key is not None:
            cache.store(key, (source_dir / outputs[name]).read_bytes())
    return elf


def _check_image(elf: Path, board: Board, toolchain: Toolchain) -> tuple[int, int]:
    """Write ``firmware.bin`` beside an image that fits its board; return its bytes of flash and RAM."""
    flash_bytes, ram_bytes = image_bytes(elf, board)
    for region, need in (("flash", flash_bytes), ("ram", ram_bytes)):
        have = board.memory(region).size_bytes
        if need > have:
            elf.unlink()
            raise DoesNotFit(board.device, region, need, have)
    refuse_double_precision(elf, board, toolchain.name)
    elf.with_suffix(".bin").write_bytes(flash_image(elf, board))
    return flash_bytes, ram_bytes


def lay_out(
    model: EngineModel,
    wire: WireFormat,
    board: Board,
    folder: Path,
    baud: int,
    energy: bool,
    stack_bytes: int,
) -> list[str]:
    """Write the whole program into a folder.

    Args:
        model: The engine's model.
        wire: The input and result format of the task.
        board: The row to build for.
        folder: Where to write.
        baud: The console's rate.
        energy: Pulse the timestamp pin.
        stack_bytes: The size of the stack.

    Returns:
        The files, sorted, relative to ``folder``.
    """
    # An engine with a library gets the C library it was made for, with its memory functions: an interpreter is
    # measured as its users build it.
    sources = [
        f"ports/{name}" for name in port_sources(board) if model.library is None or name not in C_LIBRARY_SOURCES
    ]
    sources += [f"monitor/{path.name}" for path in (FIRMWARE / "monitor").glob("*.c")]
    sources += model.sources
    port_folders = {str(Path(name).parent) for name in port_sources(board)}
    headers = [path for part in ("monitor", "engine") for path in (FIRMWARE / part).rglob("*.h")]
    headers += [path for part in port_folders for path in (FIRMWARE / "ports" / part).glob("*.h")]
    headers.append(FIRMWARE / "ports" / "port.h")
    copied = [*sources, *(path.relative_to(FIRMWARE).as_posix() for path in headers)]
    generated = {f"model/{name}": text for name, text in model.files.items()}
    generated["config/app_config.h"] = app_config(model.input.size_bytes, wire, board.clock_hz, baud, energy)
    if not board.is_host:
        generated["config/board_config.h"] = board_config(board)
        generated["sections.ld"] = linker_script(board, stack_bytes)
    for name in (*copied, *generated):
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
    for name in copied:
        shutil.copyfile(FIRMWARE / name, folder / name)
    for name, text in generated.items():
        (folder / name).write_text(text, encoding="utf-8")
    return sorted([*copied, *generated])


def port_sources(board: Board) -> list[str]:
    """Return the port's C files, relative to ``firmware/ports``: those of its family and those the row's facts name."""
    sources = (FIRMWARE / "ports" / board.port / "sources.txt").read_text(encoding="utf-8").split()
    if board.chip is not None:
        sources.append(f"{board.port}/{board.chip.family.clock_driver}.c")
        sources.append(f"{board.port}/{board.chip.console_uart.registers}.c")
    if board.memory_system is not None and board.memory_system.data_cache is not None:
        sources.append("cortex_m/cache.c")
    return sources
