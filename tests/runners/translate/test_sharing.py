# SPDX-License-Identifier: Apache-2.0
"""Models share compiled kernels: where two images link the same ones, they are the same at the same addresses."""

from __future__ import annotations

from benchmarks.shared_translations import Kernel, image_of, kernels_of, random_network
from mlperf_tiny.firmware.boards import find_board

# Networks of three search spaces with other shapes and weights, which fit.
SEEDS = (0, 4, 8, 12, 18)


def test_models_with_the_same_operators_share_all_kernels() -> None:
    found: dict[frozenset[str], list[dict[str, Kernel]]] = {}
    for seed in SEEDS:
        kernels = kernels_of(image_of(find_board("stm32f746"), f"network {seed}", random_network(seed)))
        found.setdefault(frozenset(kernels), []).append(kernels)
    assert all(kernels == group[0] for group in found.values() for kernels in group)
    assert len(found) < len(SEEDS)
