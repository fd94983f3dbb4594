# SPDX-License-Identifier: Apache-2.0
"""The report of a crash of the emulated core."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from mlperf_tiny.runners.emulator.memory.elf_image import ElfImage


@dataclass(frozen=True, kw_only=True)
class Crash:
    """The moment of a crash."""

    registers: Mapping[str, int]
    """r0 to r12, sp, lr, pc and xpsr."""
    address: int | None
    """What was accessed, where that is the point."""
    instructions: int
    """Executed since power-on."""
    device_time_s: float
    """Since power-on, by the device's clock."""
    last_line: str
    """The last line of output; "" for none."""


def _place(image: ElfImage, address: int) -> str:
    symbol = image.describe(address & ~1)
    return f"{address:#010x}" + (f" in {symbol}" if symbol else " (no symbol)")


def report(crash: Crash, image: ElfImage) -> str:
    """Return several lines: where, called from where, on what address, after how long, the registers, the last output.

    Args:
        crash: The moment of the crash.
        image: Names the addresses.
    """
    registers = crash.registers
    lines = [f"  pc    {_place(image, registers['pc'])}", f"  lr    {_place(image, registers['lr'])}"]
    if crash.address is not None:
        lines.append(f"  access {crash.address:#010x}")
    lines.append(f"  after {crash.instructions:,} instructions, {crash.device_time_s:.6f} s of device time")
    names = [name for name in registers if name not in ("pc", "lr")]
    for start in range(0, len(names), 4):
        lines.append("  " + "  ".join(f"{name:>4} {registers[name]:08x}" for name in names[start : start + 4]))
    lines.append(f"  last output: {crash.last_line!r}" if crash.last_line else "  last output: none")
    return "\n".join(lines)
