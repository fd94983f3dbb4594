# SPDX-License-Identifier: Apache-2.0
"""Each instruction, in all its forms and conditions, does the same translated as in the engine."""

from __future__ import annotations

import random

import pytest

from mlperf_tiny.runners.emulator.translate.guest.running import REST_OF_BLOCK, TRANSFER
from tests.runners.translate.differential import BX_LR, FLASH, RAM, RETURN, Engine, Native, random_start
from tests.runners.translate.instruction_forms import NARROW, NARROW_MEMORY, WIDE, WIDE_MEMORY

FORMS, STATES = 40, 5
# Of the boards.
CORES = pytest.mark.parametrize("core", ["cortex-m4", "cortex-m7"])
# r13 and r15 are no operands of wide instructions, and LR leads out of the block.
_OPERANDS = (*range(13),)
_REGISTER_FIELDS = "dnmalhts"


def filled(pattern: str, rng: random.Random) -> tuple[list[int], dict[str, int]]:
    """An instruction's half-words, and the values of its fields."""
    bits = pattern.replace(" ", "")
    values: dict[str, int] = {}
    for letter in sorted(set(bits) - {"0", "1"}):
        width = bits.count(letter)
        whole = width in (4, 8) and letter in _REGISTER_FIELDS
        values[letter] = rng.choice(_OPERANDS) * (17 if width == 8 else 1) if whole else rng.getrandbits(width)
    left = dict(values)
    out = []
    for bit in reversed(bits):
        if bit in "01":
            out.append(bit)
        else:
            out.append(str(left[bit] & 1))
            left[bit] >>= 1
    whole_code = int("".join(reversed(out)), 2)
    return ([whole_code] if len(bits) == 16 else [whole_code >> 16, whole_code & 0xFFFF]), values


def program(pattern: str, rng: random.Random, condition: int | None) -> tuple[bytes, list[tuple[int, dict[str, int]]]]:
    """Blocks of one instruction each, with a return; in an IT block where there is a condition."""
    code, starts = b"", []
    for _ in range(FORMS):
        halves, values = filled(pattern, rng)
        # Not across a page, and literals follow at a distance.
        if len(code) % 1024 > 1000:
            code += b"\x00\xbf" * ((1024 - len(code) % 1024) // 2)
        starts.append((FLASH.base + len(code), values))
        before = [] if condition is None else [0xBF08 | condition << 4]
        code += b"".join(half.to_bytes(2, "little") for half in (*before, *halves, BX_LR))
    return code + bytes(range(256)) * 2, starts


def check(
    core: str, pattern: str, seed: int, condition: int | None, accesses: bool, keeps_q: bool = True
) -> tuple[int, int]:
    """Run all forms from several states; returns how many runs were compared, and how many did not finish."""
    rng = random.Random(seed)
    code, starts = program(pattern, rng, condition)
    native = Native(code, core, [address for address, _ in starts], keeps_q)
    engine = Engine(code, core)
    compared = left = 0
    for address, values in starts:
        if not native.holds(address):
            continue
        for _ in range(STATES):
            start = random_start(rng)
            if accesses:
                start.registers[values.get("m", 0) & 15] = rng.choice([0, 1, 2, 3, 4, 0x60, 0x1FF, 0xFFFF_FFF0])
                start.registers[values.get("n", 0)] = RAM.base + rng.choice([0, 1, 2, 3, 0x500, 0x801, 0xF00, 0xFFC])
            expected = engine.run(address, start)
            got = native.run(address, start)
            kind = native.context[0]["kind"]
            if kind == REST_OF_BLOCK:
                # Nothing of the instruction may have happened.
                assert (got[0], got[1], got[2]) == (start.registers, start.flags, start.ram)
                left += 1
                continue
            assert kind == TRANSFER and native.context[0]["pc"] == RETURN
            assert expected is not None, f"{code[address - FLASH.base :][:6].hex()} is refused by the engine"
            mask = 0xFFFF_FFFF if keeps_q else ~(1 << 27) & 0xFFFF_FFFF
            what = f"{code[address - FLASH.base :][:6].hex()} from {start}"
            assert (got[0], got[1] & mask) == (expected[0], expected[1] & mask), what
            assert got[2] == expected[2], what
            compared += 1
    return compared, left


@CORES
@pytest.mark.parametrize("name", [*NARROW, *(f"wide {name}" for name in WIDE)])
def test_instruction(core: str, name: str) -> None:
    pattern = WIDE[name[5:]] if name.startswith("wide ") else NARROW[name]
    compared, left = check(core, pattern, 1, None, False)
    assert compared >= STATES * FORMS // 4 and left == 0


@CORES
@pytest.mark.parametrize("name", [*NARROW_MEMORY, *(f"wide {name}" for name in WIDE_MEMORY)])
def test_access(core: str, name: str) -> None:
    pattern = WIDE_MEMORY[name[5:]] if name.startswith("wide ") else NARROW_MEMORY[name]
    compared, _ = check(core, pattern, 2, None, True)
    assert compared >= STATES


@CORES
@pytest.mark.parametrize("condition", range(14))
def test_condition(core: str, condition: int) -> None:
    rows = [NARROW["ADD constant"], NARROW["AND to MVN"], NARROW["CMP constant"], WIDE["data processing, constant"]]
    for number, pattern in enumerate((*rows, WIDE["MOVW"], NARROW_MEMORY["LDR"], NARROW_MEMORY["STRH"])):
        compared, _ = check(core, pattern, 3 + number, condition, number >= 5)
        assert compared >= STATES


@CORES
def test_without_q_all_else_is_equal(core: str) -> None:
    for number, name in enumerate(("SMLAD", "SSAT", "QADD", "SMLAxy", "USAT16")):
        assert check(core, WIDE[name], 20 + number, None, False, keeps_q=False)[0] >= STATES
