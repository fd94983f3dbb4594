# SPDX-License-Identifier: Apache-2.0
"""Code at random is cut into blocks where the engine cuts it: at branches, pages, and where its own code is long."""

from __future__ import annotations

import random
from dataclasses import replace
from typing import Any

import pytest
import unicorn.arm_const as arm
from unicorn import UC_ARCH_ARM, UC_HOOK_BLOCK, UC_HOOK_MEM_READ, UC_HOOK_MEM_WRITE, UC_MODE_THUMB, Uc

from mlperf_tiny.runners.emulator.timing.cores.core_table import find_core
from mlperf_tiny.runners.emulator.timing.levels import CostModel
from mlperf_tiny.runners.emulator.translate.function import translate
from mlperf_tiny.runners.emulator.translate.guest.blocks import GuestFunction
from mlperf_tiny.runners.emulator.translate.guest.costs import Setting
from tests.runners.translate.differential import FLASH, RAM, RETURN
from tests.runners.translate.instruction_forms import NARROW, NARROW_MEMORY, WIDE, WIDE_MEMORY
from tests.runners.translate.test_instructions import filled

PLAIN = (*NARROW.values(), *NARROW_MEMORY.values(), *WIDE.values(), *WIDE_MEMORY.values())
# Long code of the engine's: many words in one instruction.
HEAVY = ("1110100010011100 00000000rrrrrr11", "1110100010001100 00000000rrrrrr11", "111110101000n011 1111dddd0pp00010")
ENDS = (
    "1101cccciiiiiiii",  # B with a condition
    "11100iiiiiiiiiii",  # B
    "1011o0i1iiiiinnn",  # CBZ, CBNZ
    "0100011100001110",  # BX r1
    "0100011110001000",  # BLX r1
    "11110siiiiiiiiii 11j1kiiiiiiiiiii",  # BL
    "11110sccccii0000 10j0kiiiiiiiiiii",  # B.W with a condition
    "111010001101nnnn 111100000000mmmm",  # TBB
    "10111101rrrrrrrr",  # POP with PC
    "11011111iiiiiiii",  # SVC
    "10111111001h0000",  # WFE, WFI
    "1011011001100010",  # CPSIE
    "1111001110111111 1000111101101111",  # ISB
)
IF_THEN = "10111111ccccmmmm"
BYTES = 5 * 1024


def code_at_random(rng: random.Random, kinds: tuple[str, ...], every: int) -> tuple[bytes, list[int]]:
    """Code with a branch or the like about every so many instructions, and where its instructions start."""
    code, starts = b"", []
    while len(code) < BYTES:
        pattern = rng.choice(ENDS) if rng.randrange(every) == 0 else rng.choice(kinds)
        if rng.randrange(40) == 0:
            pattern = IF_THEN
        halves, _ = filled(pattern, rng)
        starts.append(FLASH.base + len(code))
        code += b"".join(half.to_bytes(2, "little") for half in halves)
    return code, starts


def engine_for(code: bytes, hooks: tuple[int, ...]) -> Any:
    engine = Uc(UC_ARCH_ARM, UC_MODE_THUMB)
    engine.ctl_set_cpu_model(arm.UC_CPU_ARM_CORTEX_M7)
    engine.mem_map(FLASH.base, FLASH.size_bytes)
    engine.mem_write(FLASH.base, code)
    engine.mem_write(RETURN, b"\x00\xbf")
    for kind in hooks:
        engine.hook_add(kind, lambda *_: None)
    # Until it has run it takes code for Arm's other instruction set.
    engine.emu_start(RETURN | 1, RETURN + 2)
    return engine


@pytest.mark.parametrize("hooks", [(UC_HOOK_BLOCK,), (UC_HOOK_BLOCK, UC_HOOK_MEM_READ | UC_HOOK_MEM_WRITE)])
@pytest.mark.parametrize(("kinds", "every"), [(PLAIN, 5), (PLAIN, 50), (PLAIN, 10_000), (HEAVY, 10_000)])
def test_blocks_at_random(hooks: tuple[int, ...], kinds: tuple[str, ...], every: int) -> None:
    rng = random.Random(every + len(kinds))
    code, starts = code_at_random(rng, kinds, every)
    # Half-words within instructions too, and what lies around the ends of pages.
    roots = {*rng.sample(starts, 60), *(FLASH.base + 2 * rng.randrange(BYTES // 2) for _ in range(20))}
    roots |= {FLASH.base + 1024 * page + near for page in range(1, 5) for near in range(-6, 6, 2)}
    function = GuestFunction(name="f", address=FLASH.base, code=code)
    setting = Setting("pipeline", False, False, True, RAM, FLASH, None)
    engine, model = engine_for(code, hooks), CostModel(find_core("cortex-m7"))
    for _ in range(12):
        made = translate(function, tuple(sorted(roots)), setting, model, True)
        blocks = [block for block, is_there in zip(made.blocks, made.translated, strict=True) if is_there]
        other = {at: there for at, size, _ in blocks if (there := engine.ctl_request_cache(at)[2]) != size}
        sizes = {at: size for at, size, _ in blocks}
        # Only ever earlier, and never in a block of few instructions.
        assert [(hex(at), sizes[at], there) for at, there in other.items() if not 40 < there < sizes[at]] == []
        if not other:
            break
        function = replace(function, cuts=tuple(sorted({**dict(function.cuts), **other}.items())))
    assert not other and len(blocks) > 10
    assert bool(function.cuts) == (kinds is HEAVY)
