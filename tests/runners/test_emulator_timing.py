# SPDX-License-Identifier: Apache-2.0
"""One constant per class of instruction, and what is asked of code without decoding it."""

from __future__ import annotations

import pytest

from mlperf_tiny.errors import UsageError
from mlperf_tiny.runners.emulator.timing.cores import cortex_m4, cortex_m7
from mlperf_tiny.runners.emulator.timing.cores.class_costs import (
    ClassCost,
    cost_function,
    instruction_cycles,
)
from mlperf_tiny.runners.emulator.timing.cores.core_table import find_core
from mlperf_tiny.runners.emulator.timing.decode.block import decode_block
from mlperf_tiny.runners.emulator.timing.decode.core_model import Block
from mlperf_tiny.runners.emulator.timing.decode.thumb import branches_to_itself, uses_floating_point
from mlperf_tiny.runners.emulator.timing.levels import ClassCostModel

CORTEX_M4, CORTEX_M7 = cortex_m4.CLASS_COSTS, cortex_m7.CLASS_COSTS


def halfwords(text: str) -> bytes:
    return b"".join(int(word, 16).to_bytes(2, "little") for word in text.split())


def test_a_block_is_the_sum_of_its_instructions() -> None:
    # movw, ldr, push of 4, beq: on the M4 1 + 1.5 + (1 + 4) + 1 = 8.5; on the M7 0.6 + 0.7 + 2.5 + 0.6 = 4.4
    code = halfwords("f644 4400 6808 b5d0 d000")
    assert cost_function(CORTEX_M4)(code, 0) == ClassCost(instructions=4, cycles=9, taken_cycles=2)
    assert cost_function(CORTEX_M7)(code, 0) == ClassCost(instructions=4, cycles=4, taken_cycles=0)


def test_every_block_costs_at_least_one_cycle() -> None:
    assert cost_function(CORTEX_M4)(halfwords("bf48"), 0).cycles == 1


@pytest.mark.parametrize("code", ["e7fe", "f7ff bffe"])
def test_a_branch_to_itself_is_seen(code: str) -> None:
    assert branches_to_itself(halfwords(code))
    assert not branches_to_itself(halfwords(code + " bf00"))


@pytest.mark.parametrize(
    ("code", "m4", "m7"),
    [
        ("4348", 1, 1),  # muls
        ("fb90 f0f1", 7, 7),  # sdiv
        ("f850 1b04", 1.5, 0.7),  # ldr.w post-indexed
        ("e850 1f00", 1.5, 0.7),  # ldrex
        ("e8df f000", 1.5, 0.7),  # tbb
        ("f8c0 1004", 1, 1),  # str.w
        ("e9d0 1200", 3, 1.5),  # ldrd
        ("e92d 41f0", 7, 3.5),  # push of six
        ("bf48", 0, 0.6),  # it
        ("f3bf 8f4f", 2, 4),  # dsb
        ("ee30 0a20", 1, 1),  # vadd.f32
        ("ee00 0a10", 1, 1),  # vmov s0, r0
        ("eea0 0a20", 3, 2),  # vfma.f32
        ("eeb1 0ac0", 14, 16),  # vsqrt.f32
    ],
)
def test_classes(code: str, m4: float, m7: float) -> None:
    (decoded,) = decode_block(Block(0, halfwords(code)))
    assert instruction_cycles(CORTEX_M4, decoded.operation) == m4
    assert instruction_cycles(CORTEX_M7, decoded.operation) == m7


@pytest.mark.parametrize(
    ("code", "uses"),
    [
        ("ee30 0a20", True),
        ("ed90 0a01", True),
        ("fe80 0a20", True),
        ("fb90 f0f1 bf00", False),
        ("bf00 ee30 0a20", True),
    ],
)
def test_floating_point_is_seen(code: str, uses: bool) -> None:
    assert uses_floating_point(halfwords(code)) == uses


def test_a_core_without_class_costs() -> None:
    with pytest.raises(UsageError, match="no instruction class costs for the core 'cortex-m33'"):
        ClassCostModel(find_core("cortex-m33"))
