# SPDX-License-Identifier: Apache-2.0
"""What every pipeline model must do, whatever its figures."""

from __future__ import annotations

import random
from itertools import pairwise

import pytest

from mlperf_tiny.errors import UsageError
from mlperf_tiny.firmware.boards import BOARDS
from mlperf_tiny.runners.emulator.timing.cores.core_models import CORE_MODELS, find_core_model
from mlperf_tiny.runners.emulator.timing.decode.core_model import Block, CoreModel


def test_every_emulated_board_has_a_model() -> None:
    for board in BOARDS:
        if board.cpu.startswith("cortex"):
            assert find_core_model(board.cpu).name == board.cpu


def test_unknown_core() -> None:
    with pytest.raises(UsageError, match="no pipeline model for the core 'cortex-m85'; there are cortex-m4"):
        find_core_model("cortex-m85")


@pytest.mark.parametrize("model", CORE_MODELS.values(), ids=CORE_MODELS)
def test_any_bytes_have_a_price(model: CoreModel) -> None:
    """Code the core would refuse is met too: data behind a branch that is never taken."""
    source = random.Random(7)
    before = None
    for _ in range(80):
        block = Block(0x0800_0000 + 2 * source.randrange(512), source.randbytes(2 * source.randrange(1, 40)))
        for taken in (False, True):
            price = model.price(block, before, taken)
            steps = model.explain(block, before, taken)
            assert price.cycles == price.issue_cycles + sum(price.stalls.values()) >= 0
            assert len(steps) == price.instructions > 0
            assert all(first.cycle <= second.cycle for first, second in pairwise(steps))
            assert price == model.price(block, before, taken)
        before = block
