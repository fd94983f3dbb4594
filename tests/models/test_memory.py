# SPDX-License-Identifier: Apache-2.0
"""Predicted memory against what was measured and published."""

from __future__ import annotations

from itertools import pairwise

import numpy as np
import pytest

from benchmarks.zoo import TABLE_4, row_of
from mlperf_tiny.models.arch.arch import Arch
from mlperf_tiny.models.arch.blocks import Conv, Dense, Flatten, GlobalPool, Residual
from mlperf_tiny.models.arch.memory import (
    ActivationBuffer,
    buffers,
    greedy_bytes,
    peak_bytes,
    tflite_bytes,
    tflm_ram_bytes,
)
from mlperf_tiny.models.arch.zoo import ARCHS, find_arch

# ``arena_used_bytes`` of tflite-micro 90b983c2 with CMSIS-NN 4ab83cc3 on a Cortex-M7.
TFLM_ARENAS = {
    "micronet-kws-s": 62_932,
    "micronet-kws-m": 100_948,
    "micronet-ad-s": 114_324,
    "micronet-ad-m": 271_188,
    "micronet-ad-l": 378_820,
    "micronet-vww-2": 66_452,
    "micronet-vww-3": 134_308,
    "micronet-vww-4": 119_524,
    "mlperf-kws": 22_820,
    "ad-autoencoder": 2_580,
    "mlperf-ic": 54_996,
    "mlperf-sww": 16_596,
    "hello-edge-dscnn-s": 22_916,
    "hello-edge-dscnn-m": 68_884,
}


@pytest.mark.parametrize("name", TFLM_ARENAS)
def test_ram_of_tflm_is_predicted(name: str) -> None:
    # The wake word's long depthwise kernels need scratch that is not counted.
    assert tflm_ram_bytes(find_arch(name)) == pytest.approx(TFLM_ARENAS[name], rel=0.08 if "sww" in name else 0.04)


# Of the paper's own figures for KWS-S the operators' share alone would be negative: it is below what its activations
# and channels take. VWW-2 and the auto-encoder are so small that the interpreter of 2020 shows.
@pytest.mark.parametrize("name", sorted(TABLE_4.keys() - {"micronet-kws-s", "ad-autoencoder"}))
def test_ram_and_flash_are_close_to_the_paper(name: str) -> None:
    arch, paper = find_arch(name), TABLE_4[name]
    assert tflm_ram_bytes(arch) / 1024 == pytest.approx(paper.sram_kib, rel=0.09)
    assert tflite_bytes(arch) / 1024 == pytest.approx(paper.flash_kib, rel=0.05)


@pytest.mark.parametrize("arch", ARCHS, ids=lambda arch: arch.name)
def test_arena_is_at_least_the_peak(arch: Arch) -> None:
    assert peak_bytes(arch) <= greedy_bytes(buffers(arch), alignment=1) <= tflm_ram_bytes(arch)


def test_lifetimes_of_buffers() -> None:
    arch = Arch(name="x", input_shape=(4, 4, 1), blocks=(Conv(2), Residual(2), GlobalPool(), Flatten(), Dense(3)))
    assert buffers(arch) == (
        ActivationBuffer(16, 0, 0),  # the input
        ActivationBuffer(32, 0, 3),  # the first convolution, wanted again by the addition
        ActivationBuffer(32, 1, 2),
        ActivationBuffer(32, 2, 3),
        ActivationBuffer(32, 3, 4),  # the sum
        ActivationBuffer(2, 4, 6),  # the pool; flattening it moves nothing
        ActivationBuffer(3, 6, 6),
    )
    assert peak_bytes(arch) == 96
    more = set(buffers(arch, scratch=True)) - set(buffers(arch))
    assert more == {
        ActivationBuffer(36, 0, 0),
        ActivationBuffer(72, 1, 1),
        ActivationBuffer(72, 2, 2),
    }  # two columns of 3 x 3 x channels, 16 bits


def test_greedy_placement_is_between_peak_and_sum() -> None:
    rng = np.random.default_rng(3)
    for _ in range(50):
        found = [
            ActivationBuffer(int(s), int(f), int(f + n)) for s, f, n in rng.integers((1, 0, 0), (50, 9, 5), (8, 3))
        ]
        peak = max(sum(b.size_bytes for b in found if b.first <= at <= b.last) for at in range(14))
        assert peak <= greedy_bytes(found, alignment=1) <= sum(b.size_bytes for b in found)
    chain = [ActivationBuffer(10, at, at + 1) for at in range(6)]
    assert all(first.last == second.first for first, second in pairwise(chain))
    assert greedy_bytes(chain, alignment=1) == 20


def test_table_has_a_row_for_every_network() -> None:
    rows = [row_of(arch) for arch in ARCHS if arch.name in ("micronet-vww-2", "dscnn-s", "ad-autoencoder-wide")]
    assert all(row.count("|") == 12 for row in rows) and "| 6.29 | 5.3 | 89,302 |" in rows[1]
