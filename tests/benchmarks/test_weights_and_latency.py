# SPDX-License-Identifier: Apache-2.0
"""Networks measured again with other weights, and convolutions whose channels are not divisible by four."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from benchmarks import channel_widths, weights_and_latency
from benchmarks.weights_and_latency import OTHER_SEED, measured_again, text_of
from mlperf_tiny.models.arch.arch import Arch
from mlperf_tiny.search.characterize.measure import LayerMeasurement, Measurement, Target
from tests.search.test_predictor import SETTINGS, table

TARGET = {"device": "stm32f746", "engine": "compiled", "timing": "full"}


def test_the_same_networks_are_measured_with_other_weights(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    settings = {**SETTINGS, "target": TARGET, "space": "kws", "seed": 1}
    found = table("kws", 1, 8, tmp_path / "kws", settings, 216e6)
    by_macs = found.models.set_index("macs")["latency_ms"]
    seeds = []

    def measure(arch: Arch, target: Target, objects: Path, seed: int) -> Measurement:
        seeds.append(seed)
        return Measurement(fits=True, latency_ms=1.02 * by_macs[arch.macs])

    monkeypatch.setattr(weights_and_latency, "measure", measure)
    with ThreadPoolExecutor(1) as pool:
        row = measured_again(found, 5, pool)
    assert row == ["kws", "stm32f746", "5", "2.00 %", "2.00 %", "1.0000"]
    assert seeds == [OTHER_SEED + index for index in range(5)]
    assert text_of([["kws-s", "stm32f746", "1", "1", "1", "+0 %"]], [row]).count("\n|") == 5


def test_the_first_layer_is_what_is_compared(monkeypatch: pytest.MonkeyPatch) -> None:
    def measure(arch: Arch, target: Target, *rest: Any) -> Measurement:
        width = arch.input_shape[-1]
        assert arch.layers[0].macs == width * width * (125 if arch.layers[0].kernel == (1, 1) else 225)
        layers = (LayerMeasurement(layer=0, cycles=216 * width, instructions=1),)
        return replace(Measurement(fits=True, cycles=10**9), layers=layers)

    monkeypatch.setattr(channel_widths, "measure", measure)
    monkeypatch.setattr(channel_widths, "ProcessPoolExecutor", ThreadPoolExecutor)
    rows = channel_widths.rows_of(["compiled"], 1)
    assert [row[:3] for row in rows][1] == ["1x1 on 25x5", "stm32f746", "compiled"] and len(rows) == 4
    assert rows[1][3:] == ["0.14", "0.14", "0.14", "0.14", "0.14", f"{138 / 140:.2f}"]
