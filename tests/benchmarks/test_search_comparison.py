# SPDX-License-Identifier: Apache-2.0
"""The comparison of searched with published networks: its interval, its table, and what it searches."""

from __future__ import annotations

import numpy as np
import pytest

from benchmarks.search import ROWS
from benchmarks.search_table import HEAD, difference_interval, table
from mlperf_tiny.models.arch.zoo import find_arch
from mlperf_tiny.search.methods import METHODS


def marks(share: float, clips: int, seed: int) -> str:
    return "".join(str(int(value)) for value in np.random.default_rng(seed).random(clips) < share)


@pytest.mark.parametrize(("first", "second"), [(0.9, 0.9), (0.93, 0.88)])
def test_interval_holds_the_difference(first: float, second: float) -> None:
    one = [marks(first, 1500, seed) for seed in (1, 2, 3)]
    other = [marks(second, 1500, seed) for seed in (4, 5, 6)]
    middle, low, high = difference_interval(one, other)
    exact = sum(text.count("1") for text in one) / 4500 - sum(text.count("1") for text in other) / 4500
    assert low < middle < high and middle == pytest.approx(exact)
    assert low < first - second < high
    # Two independent shares of 1,500 clips: 1.96 standard errors of their difference, or less as seeds are averaged.
    assert high - low < 2 * 1.96 * (2 * first * (1 - first) / 1500) ** 0.5 * 1.3


def test_networks_of_the_comparison_exist() -> None:
    methods = {row.name for row in METHODS} | {""}
    assert len({row.name for row in ROWS}) == len(ROWS)
    for row in ROWS:
        assert row.method in methods and find_arch(row.published).input_shape == (49, 10, 1)


def test_table_compares_with_the_published_network() -> None:
    takes = {"ops": 16.6e6, "latency_ms": 70.6, "energy_uj": 9e3, "ram_bytes": 55_000, "flash_bytes": 104_000}
    common = {
        "size": "s",
        "measured": {"stm32f446": takes, "stm32f746": {**takes, "latency_ms": 0.0}},
        "training_data": {
            "source": "clips",
            "clips": {"train": 2655, "validation": 4, "test": 4},
            "speakers": {"train": 118, "validation": 1, "test": 1},
        },
    }
    answers = {"validation": "1111", "test": "1100"}
    networks = {
        "s-published": {**common, "method": "", "search_s": None, "seeds": {"1": answers}},
        "s-dnas-latency": {**common, "method": "dnas", "search_s": 600.0, "seeds": {"1": {**answers, "test": "1110"}}},
    }
    training = {"epochs": 40, "int8_epochs": 8, "augmented_epochs": 30}
    stored = {"device": "stm32f446", "timing_model": "full", "training": training, "search_epochs": 24}
    text = table({**stored, "networks": networks})
    assert text.count("|") == (len(HEAD) + 1) * 4
    assert "| s-published | 1 | 100.00 % | 50.00 % |  | 16.60 | 70.60 | does not fit | 9.00 |" in text
    assert "+25.00 %" in text and "| 10 |" in text and "2,655 clips of 118 speakers" in text
