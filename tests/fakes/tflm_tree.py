# SPDX-License-Identifier: Apache-2.0
"""Source trees and libraries that look like TensorFlow Lite Micro's from where this project stands."""

from __future__ import annotations

import shutil
import subprocess
from collections.abc import Sequence
from pathlib import Path

import ziglang

from mlperf_tiny.firmware.engine_model import Library
from mlperf_tiny.firmware.tflm.tree import ARCHIVE, DOWNLOADS

FAKE = Path(__file__).parent / "tflm"
ZIG = Path(ziglang.__file__).parent / "zig"

INTERPRETER = "_ZN6tflite16MicroInterpreter15AllocateTensorsEv"
CMSIS_NN = "arm_convolve_s8"

HARD = ("--target=thumbv7em-none-eabihf", "-mfloat-abi=hard")
M7 = (*HARD, "-mcpu=cortex-m7", "-mfpu=fpv5-sp-d16")
M7_DOUBLE = (*HARD, "-mcpu=cortex-m7", "-mfpu=fpv5-d16")
M7_SOFTFP = ("--target=thumbv7em-none-eabi", "-mcpu=cortex-m7", "-mfpu=fpv5-sp-d16", "-mfloat-abi=softfp")
M4 = (*HARD, "-mcpu=cortex-m4", "-mfpu=fpv4-sp-d16")
M4_SOFT = ("--target=thumbv7em-none-eabi", "-mcpu=cortex-m4", "-mfloat-abi=soft", "-mfpu=none")
M33 = ("--target=thumbv8m.main-none-eabihf", "-mcpu=cortex-m33", "-mfpu=fpv5-sp-d16", "-mfloat-abi=hard")
PC = ("--target=x86_64-linux-gnu",)


def make_archive(path: Path, members: Sequence[tuple[tuple[str, ...], Sequence[str]]]) -> Path:
    """Make a static library of objects that define the given symbols, each compiled with the given flags."""
    path.parent.mkdir(parents=True, exist_ok=True)
    objects = []
    for number, (flags, symbols) in enumerate(members):
        text = "".join(f'void f{i}(void) __asm__("{name}");\nvoid f{i}(void) {{}}\n' for i, name in enumerate(symbols))
        source = path.parent / f"member{number}.c"
        source.write_text(text + f"float member{number}(float x) {{ return x * 2; }}\n")
        objects.append(str(source.with_suffix(".o")))
        run([str(ZIG), "clang", *flags, "-c", str(source), "-o", objects[-1]])
    run([str(ZIG), "ar", "rcs", str(path), *objects])
    return path


def make_tree(root: Path, builds: dict[str, tuple[str, ...]], kernels: Sequence[str] = (CMSIS_NN,)) -> Path:
    """A tree with the fake's headers and, for each build (folder in gen -> flags), a library with ``kernels``."""
    shutil.copytree(FAKE, root, dirs_exist_ok=True)
    for folder, header in (
        ("flatbuffers/include", "flatbuffers/flatbuffers.h"),
        ("gemmlowp", "fixedpoint/fixedpoint.h"),
        ("ruy", "ruy/profiler/instrumentation.h"),
    ):
        place = root / DOWNLOADS / folder / header
        place.parent.mkdir(parents=True, exist_ok=True)
        place.write_text("")
    for name, flags in builds.items():
        make_archive(root / "gen" / name / "lib" / ARCHIVE, [(flags, (INTERPRETER, *kernels))])
    return root


def fake_library(archive: Path, *defines: str) -> Library:
    """The fake as a library, its behaviour set by ``defines``."""
    return Library(
        archive=archive,
        includes=(FAKE,),
        defines=("CMSIS_NN", *defines),
        flags=(),
        version="0" * 40,
        digest="1" * 64,
    )


def run(command: Sequence[str]) -> None:
    """Run a command that must succeed."""
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, f"{' '.join(command)}\n{done.stderr}"
