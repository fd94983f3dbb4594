# SPDX-License-Identifier: Apache-2.0
"""Visits to a watched function: noted before their blocks are counted, once each, and without changing a count."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest
from unicorn import UC_ARCH_ARM, UC_MODE_THUMB, Uc

from mlperf_tiny.errors import UsageError
from mlperf_tiny.runners.emulator.function_trace import FunctionTrace
from mlperf_tiny.runners.emulator.memory.elf_image import ElfImage
from mlperf_tiny.runners.emulator.native.counts import Counts

BASE = 0x1000
# nop; bl 0x1010; nop; bx lr ... at 0x1010: bx lr
CODE = bytes.fromhex("00bf 00f0 05f8 00bf 7047 0000 0000 0000 7047".replace(" ", ""))


def core(function_trace: FunctionTrace, image: ElfImage) -> Uc:
    uc = Uc(UC_ARCH_ARM, UC_MODE_THUMB)
    uc.mem_map(BASE, 0x1000)
    uc.mem_write(BASE, CODE)
    function_trace.watch(uc, image, "runner")
    return uc


IMAGE = ElfImage(
    name="image",
    segments=(),
    functions=((BASE, 10, "runner"), (BASE + 0x10, 2, "kernel"), (BASE + 0x20, 0, "label")),
    symbols={},
)


def test_trace_has_the_blocks_of_the_function_only() -> None:
    totals = iter(range(100))
    function_trace = FunctionTrace(lambda: Counts(instructions=next(totals)))
    uc = core(function_trace, IMAGE)
    uc.emu_start(BASE | 1, BASE + 8)
    assert [(entry.address, entry.counts.instructions) for entry in function_trace] == [(BASE, 0), (BASE + 6, 1)]


def test_block_announced_twice_is_one_entry() -> None:
    totals = iter(
        [Counts(instructions=5, cycles=7), Counts(instructions=5, cycles=9), Counts(instructions=6, cycles=12)]
    )
    function_trace = FunctionTrace(lambda: next(totals))
    uc = core(function_trace, IMAGE)
    for _ in range(2):
        uc.emu_start(BASE | 1, BASE + 2)
    uc.emu_start((BASE + 6) | 1, BASE + 8)
    assert [(entry.address, entry.counts.cycles) for entry in function_trace] == [(BASE, 9), (BASE + 6, 12)]


@pytest.mark.parametrize("name", ["missing", "label"])
def test_only_a_function_with_a_size_can_be_traced(name: str, tmp_path: Path) -> None:
    uc = Uc(UC_ARCH_ARM, UC_MODE_THUMB)
    with pytest.raises(UsageError, match=f"the image has no function '{name}' to watch"):
        FunctionTrace(Counts).watch(uc, replace(IMAGE, name="the image"), name)
