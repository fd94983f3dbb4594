# SPDX-License-Identifier: Apache-2.0
"""An engine's model, a wire format and a board row in, a firmware image out.

Everything is laid out in one folder first (``OUT/source``: a program that any makefile could build, self-contained
unless the engine is a prebuilt library) and compiled there with relative paths, so that the image does not depend on
where it was built.
"""

from __future__ import annotations

import hashlib
import os
import shutil
import string
import subprocess
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

from mlperf_tiny.errors import CompilerFailed, DoesNotFit
from mlperf_tiny.firmware.boards import Board
from mlperf_tiny.firmware.boards.board import pin_number, pin_port
from mlperf_tiny.firmware.elf import UNLIMITED_BYTES, flash_image, image_bytes, refuse_double_precision
from mlperf_tiny.firmware.engine_model import EngineModel
from mlperf_tiny.firmware.toolchain import Toolchain, ZigToolchain
from mlperf_tiny.firmware.wire import InputFormat, ResultFormat, WireFormat

FIRMWARE = Path(__file__).parent
VENDOR = "mlperf-tiny-harness"
ENERGY_BAUD = 9600
# The port is a pipe: no bit times to wait for.
HOST_BAUD = 100_000_000

# The memory functions of an image without a C library.
C_LIBRARY_SOURCES = ("cortex_m/memory.c",)

_INPUT = {InputFormat.INT8: "INPUT_INT8", InputFormat.UINT8: "INPUT_UINT8", InputFormat.FLOAT32: "INPUT_FLOAT32"}
_RESULT = {
    ResultFormat.TRUNCATED: "RESULT_TRUNCATED",
    ResultFormat.ROUNDED: "RESULT_ROUNDED",
    ResultFormat.MSE: "RESULT_MSE",
    ResultFormat.FINE: "RESULT_FINE",
}


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
    progress: Callable[[str], None] = lambda line: None,
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
        progress: Called with a line for each step.

    Returns:
        The image and its sizes.

    Raises:
        DoesNotFit: Flash or RAM are too small.
        CompilerFailed: With the compiler's own messages.
    """
    toolchain = toolchain or ZigToolchain()
    compiler = toolchain.version(board)
    rate = HOST_BAUD if board.is_host else ENERGY_BAUD if energy else baud or board.baud
    source_dir = out_dir / "source"
    (out_dir / "object").mkdir(parents=True, exist_ok=True)
    # Only files named here take part: what an earlier build left in the folder is neither used nor removed.
    stack = model.stack_bytes if stack_bytes is None else stack_bytes
    files = lay_out(model, wire, board, source_dir, rate, energy, stack)
    sources = [name for name in files if name.endswith((".c", ".cc"))]
    includes = sorted({str(PurePosixPath(name).parent) for name in files if name.endswith(".h")})
    # An external engine's C++ has a whole C library: it must not find the few headers that replace one in an image.
    glue_includes = ["engine", "model"]

    progress(f"compiling {len(sources)} files for {board.device} with {compiler}")
    objects = [f"../object/{name.replace('/', '_')}.o" for name in sources]
    commands = [
        toolchain.compile(board, name, output, glue_includes if name.endswith(".cc") else includes, model.library)
        for name, output in zip(sources, objects, strict=True)
    ]
    with ThreadPoolExecutor(os.cpu_count()) as pool:
        list(pool.map(lambda command: _run(command, source_dir, toolchain.name), commands))
    elf = out_dir / "firmware.elf"
    _run(toolchain.link(board, objects, "../firmware.elf", "sections.ld", model.library), source_dir, toolchain.name)

    flash_bytes = ram_bytes = 0
    if not board.is_host:
        flash_bytes, ram_bytes = image_bytes(elf, board)
        for region, need in (("flash", flash_bytes), ("ram", ram_bytes)):
            have = board.memory(region).size_bytes
            if need > have:
                elf.unlink()
                raise DoesNotFit(board.device, region, need, have)
        refuse_double_precision(elf, board, toolchain.name)
        (out_dir / "firmware.bin").write_bytes(flash_image(elf, board))
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
    sources = (FIRMWARE / "ports" / board.port / "sources.txt").read_text().split()
    if board.chip is not None:
        sources.append(f"{board.port}/{board.chip.console.registers}.c")
    if board.memory_system is not None and board.memory_system.data_cache is not None:
        sources.append("cortex_m/cache.c")
    return sources


def app_config(input_bytes: int, wire: WireFormat, clock_hz: int, baud: int, energy: bool) -> str:
    """Return the text of ``app_config.h``: what the monitor needs of the model and of this build.

    Args:
        input_bytes: Values of the model's int8 input.
        wire: The input and result format of the task.
        clock_hz: The core clock, for the ``info`` command.
        baud: The console's rate.
        energy: Pulse the timestamp pin.
    """
    needed = input_bytes * (4 if wire.input is InputFormat.FLOAT32 else 1)
    values = {
        "APP_VENDOR": f'"{VENDOR}"',
        "APP_MODEL_ID": f'"{wire.model_id}"',
        "APP_INPUT_FORMAT": _INPUT[wire.input],
        "APP_RESULT_FORMAT": _RESULT[wire.results],
        "APP_INPUT_BYTES": f"{input_bytes}u",
        "APP_BUFFER_BYTES": f"{max(needed, wire.buffer_bytes)}u",
        "APP_ENERGY_MODE": str(int(energy)),
        "APP_BAUD": f"{baud}u",
        "APP_CLOCK_HZ": f"{clock_hz}u",
    }
    return _header("APP_CONFIG_H", values)


def board_config(board: Board) -> str:
    """Return the text of ``board_config.h``: the row of a board with a chip, as the ports need it."""
    chip, system = board.chip, board.memory_system
    assert chip is not None and system is not None
    clocks, console = chip.clocks, chip.console
    values = {
        "BOARD_HSI_HZ": f"{clocks.hsi_hz}u",
        "BOARD_PLL_M": f"{clocks.pll_m}u",
        "BOARD_PLL_N": f"{clocks.pll_n}u",
        "BOARD_PLL_Q": f"{clocks.pll_q}u",
        "BOARD_PLL_R": f"{clocks.pll_r}u",
        "BOARD_CLOCK_HZ": f"{clocks.core_hz}u",
        "BOARD_TIMER_CLOCK_HZ": f"{clocks.timer1_hz}u",
        "BOARD_FLASH_WAIT_STATES": f"{clocks.flash_wait_states}u",
        "BOARD_FLASH_DATA_LINES": f"{system.accelerator.data_lines}u",
        "BOARD_HAS_CACHES": str(int(system.data_cache is not None)),
        "BOARD_UART_BASE": f"0x{console.base:08X}u",
        "BOARD_UART_CLOCK_HZ": f"{board.uart_clock_hz}u",
        "BOARD_UART_ENABLE_REGISTER": f"APB{console.bus}ENR",
        "BOARD_UART_ENABLE_BIT": f"{console.clock_enable_bit}u",
        "BOARD_UART_TX_PORT": f"'{pin_port(console.tx_pin)}'",
        "BOARD_UART_TX_PIN": f"{pin_number(console.tx_pin)}u",
        "BOARD_UART_RX_PORT": f"'{pin_port(console.rx_pin)}'",
        "BOARD_UART_RX_PIN": f"{pin_number(console.rx_pin)}u",
        "BOARD_UART_FUNCTION": f"{console.alternate_function}u",
        "BOARD_TIMESTAMP_PORT": f"'{pin_port(chip.timestamp_pin)}'",
        "BOARD_TIMESTAMP_PIN": f"{pin_number(chip.timestamp_pin)}u",
    }
    return _header("BOARD_CONFIG_H", values)


def linker_script(board: Board, stack_bytes: int) -> str:
    """Return the text of the linker script, from the template and the row's memories.

    Args:
        board: The row to link for.
        stack_bytes: The size of the stack.
    """
    template = string.Template((FIRMWARE / "ports" / "cortex_m" / "sections.ld").read_text())
    return template.substitute(
        flash_base=f"0x{board.memory('flash').base:08X}",
        flash_bytes=UNLIMITED_BYTES,
        ram_base=f"0x{board.memory('ram').base:08X}",
        ram_bytes=UNLIMITED_BYTES,
        stack_bytes=stack_bytes,
    )


def _header(guard: str, values: Mapping[str, str]) -> str:
    defines = "".join(f"#define {name} {value}\n" for name, value in values.items())
    guarded = f"#ifndef {guard}\n#define {guard}\n\n{defines}\n#endif\n"
    return f"/* SPDX-License-Identifier: Apache-2.0 */\n/* Generated. */\n{guarded}"


def _run(command: Sequence[str], folder: Path, compiler: str) -> None:
    try:
        result = subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False)
    except OSError as error:
        raise CompilerFailed(compiler, f"cannot start {command[0]}: {error.strerror}") from None
    if result.returncode != 0:
        what = next((word for word in command if word.endswith((".c", ".cc"))), "the image")
        raise CompilerFailed(compiler, f"it refused {what}", result.stderr)
