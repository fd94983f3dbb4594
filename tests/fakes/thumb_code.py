# SPDX-License-Identifier: Apache-2.0
"""Thumb-2 code from assembly text, by the project's own cross-assembler."""

from __future__ import annotations

import subprocess
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path

from elftools.elf.elffile import ELFFile

from mlperf_tiny.runners.emulator.timing.decode.core_model import Block

ALIGN_BYTES = 64
AHEAD_BYTES = 12
"""How far behind its block the label ``9`` stands, for forward branches."""


def assemble(texts: Sequence[str], cpu: str = "cortex_m7", base: int = 0x0800_0000) -> list[Block]:
    """One block for each text (instructions between semicolons), each on a 64-byte boundary, in one assembler run."""
    lines = [".syntax unified", ".thumb", ".fpu fpv5-sp-d16", ".text"]
    for number, text in enumerate(texts):
        lines += [f".balign {ALIGN_BYTES}", f"begin{number}:", *text.split(";")]
        lines += [f"end{number}:", f".space {AHEAD_BYTES}", "9:"]
    with tempfile.TemporaryDirectory() as folder:
        source, target = Path(folder, "code.s"), Path(folder, "code.o")
        source.write_text("\n".join(lines) + "\n")
        command = [sys.executable, "-m", "ziglang", "cc", "-target", "thumb-freestanding-eabihf", f"-mcpu={cpu}"]
        subprocess.run([*command, "-c", str(source), "-o", str(target)], check=True)
        with target.open("rb") as file:
            image = ELFFile(file)
            code = image.get_section_by_name(".text").data()
            symbols = {one.name: one["st_value"] & ~1 for one in image.get_section_by_name(".symtab").iter_symbols()}
    marks = [(symbols[f"begin{number}"], symbols[f"end{number}"]) for number in range(len(texts))]
    return [Block(base + begin, code[begin:end]) for begin, end in marks]
