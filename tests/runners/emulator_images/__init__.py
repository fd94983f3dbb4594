# SPDX-License-Identifier: Apache-2.0
"""Small firmware images for the emulator's tests, compiled on the spot with the pinned cross compiler."""

from __future__ import annotations

import subprocess
import sys
import tempfile
from functools import cache
from pathlib import Path

HERE = Path(__file__).parent
_CPU = {"stm32f446": "cortex_m4", "stm32f746": "cortex_m7"}


@cache
def build_image(source: str, device: str, *defines: str) -> bytes:
    """Compile ``source`` of this folder for ``device``; returns the ELF file's bytes."""
    flags = ["-target", "thumb-freestanding-eabihf", f"-mcpu={_CPU[device]}", "-O2", "-ffreestanding", "-nostdlib"]
    chip = "-DF446" if device == "stm32f446" else "-DF746"
    with tempfile.TemporaryDirectory() as folder:
        elf = Path(folder) / "image.elf"
        command = [sys.executable, "-m", "ziglang", "cc", *flags, "-Wno-unused-function", chip]
        command += [f"-D{define}" for define in defines]
        command += ["-T", str(HERE / "image.ld"), str(HERE / source), "-o", str(elf)]
        subprocess.run(command, check=True, capture_output=True, timeout=120)
        return elf.read_bytes()
