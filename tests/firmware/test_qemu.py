# SPDX-License-Identifier: Apache-2.0
"""The engine on QEMU's Cortex-M4 and M7, built by both compilers: outputs equal to TFLite's reference kernels.

QEMU boots the image on boards of its own (mps2); neither our emulator nor our ports take part.
"""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path

import numpy as np
import pytest

from mlperf_tiny.firmware.boards import Board, find_board
from mlperf_tiny.firmware.codegen.ir.plan import Isa
from mlperf_tiny.firmware.codegen.pipeline import CompiledModel, compile_model
from mlperf_tiny.firmware.toolchain import GccToolchain, Toolchain, ZigToolchain
from mlperf_tiny.models.catalog.catalog import find_model
from tests.fakes.reference import run_reference

FIRMWARE = Path(__file__).parents[2] / "firmware"
PROGRAM = Path(__file__).parents[1] / "fakes" / "qemu"
MACHINES = {"cortex-m4": "mps2-an386", "cortex-m7": "mps2-an500"}
INPUTS = 3


def build(folder: Path, board: Board, toolchain: Toolchain, model: CompiledModel, inputs: np.ndarray) -> Path:
    """Compile model, engine and ``main.c`` for QEMU's board with the core of ``board``; return the ELF."""
    for name, text in model.files.items():
        (folder / name).write_text(text)
    rows = ",\n".join("{" + ",".join(map(str, row)) + "}" for row in inputs)
    (folder / "inputs.h").write_text(
        f"#define OUTPUT_BYTES {model.output.size_bytes}\n"
        f"static const signed char inputs[{len(inputs)}][{inputs.shape[1]}] = {{{rows}}};\n"
    )
    includes = [
        str(path) for path in (folder, FIRMWARE / "engine", FIRMWARE / "engine/dsp", FIRMWARE / "ports/cortex_m")
    ]
    sources = [folder / "model.c", PROGRAM / "main.c"]
    sources += [FIRMWARE / source for source in model.sources]
    sources += [FIRMWARE / "ports/cortex_m" / name for name in ("memory.c", "arithmetic.c")]
    objects = []
    for number, source in enumerate(sources):
        objects.append(str(folder / f"{number}.o"))
        run(toolchain.compile(board, str(source), objects[-1], includes))
    run(toolchain.link(board, objects, str(folder / "image.elf"), str(PROGRAM / "image.ld")))
    return folder / "image.elf"


def run(command: list[str]) -> str:
    done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=120)
    assert done.returncode == 0, f"{' '.join(command)}\n{done.stdout}{done.stderr}"
    return done.stdout + done.stderr


@pytest.mark.parametrize("device", ["stm32f446", "stm32f746"])
@pytest.mark.parametrize("toolchain", [ZigToolchain(), GccToolchain()], ids=lambda row: row.name)
@pytest.mark.parametrize("name", ["kws-s", "ad-autoencoder"])
def test_engine_equals_the_reference_on_qemu(tmp_path: Path, name: str, toolchain: Toolchain, device: str) -> None:
    if shutil.which("qemu-system-arm") is None:
        pytest.skip("needs qemu-system-arm (Debian: apt-get install qemu-system-arm)")
    if toolchain.name == "gcc" and shutil.which("arm-none-eabi-gcc") is None:
        pytest.skip("needs arm-none-eabi-gcc (Debian: apt-get install gcc-arm-none-eabi)")
    board, content = find_board(device), find_model(name).load()
    model = compile_model(content, name, Isa.DSP)
    inputs = np.random.default_rng(7).integers(-128, 128, (INPUTS, model.input.size_bytes)).astype(np.int8)
    elf = build(tmp_path, board, toolchain, model, inputs)
    semihosting = ("-semihosting-config", "enable=on,target=native")
    text = run(["qemu-system-arm", "-M", MACHINES[board.cpu], "-display", "none", *semihosting, "-kernel", str(elf)])
    outputs = np.array([np.frombuffer(bytes.fromhex(line), np.int8) for line in text.split()])
    np.testing.assert_array_equal(outputs, run_reference(content, inputs))
