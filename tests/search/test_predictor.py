# SPDX-License-Identifier: Apache-2.0
"""The latency model: it finds coefficients that are known, predicts what it was not fitted to, and has gradients."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

from mlperf_tiny.errors import UsageError
from mlperf_tiny.models.arch.layers import Layer
from mlperf_tiny.models.arch.zoo import find_arch
from mlperf_tiny.search.characterize.measure import LayerMeasurement, Measurement
from mlperf_tiny.search.characterize.predictor import (
    SAME,
    fit_latency,
    layer_of,
    predict_ms,
    prediction_error,
)
from mlperf_tiny.search.characterize.table import SETTINGS as SETTINGS_FILE
from mlperf_tiny.search.characterize.table import Characterization, Row, read_characterization, write_tables
from mlperf_tiny.search.cost.cost import plain_layers
from mlperf_tiny.search.cost.expected import expected_layers
from mlperf_tiny.search.cost.latency import LatencyModel, kind_of
from mlperf_tiny.search.cost.loops import Memories, loop_counts, memories_of
from mlperf_tiny.search.space.spaces import find_space

CLOCK_HZ = 100e6
SETTINGS = dict.fromkeys(SAME, "this one")
OUTSIDE = 5_000


def known_cycles(layer: Layer) -> int:
    """A device whose loops take a few whole cycles each."""
    each = {"layer": 200, "outputs": 3, "pixels": 7, "tile filters": 75, "tile products packed": 13, "windows": 31}
    each |= {"channel lines": 40, "output pairs": 17, "whole words": 9, "tile rounding": 24}
    return round(sum(each.get(name, 0) * float(count) for name, count in loop_counts(layer, Memories()).items()))


def table(
    space: str,
    seed: int,
    count: int,
    folder: Path,
    settings: Mapping[str, Any] = SETTINGS,
    clock_hz: float = CLOCK_HZ,
) -> Characterization:
    random = np.random.default_rng(seed)
    found = find_space(space)
    rows = []
    for index in range(count):
        decisions = found.sample(random)
        arch = found.derive(decisions)
        layers = tuple(
            LayerMeasurement(layer=number, cycles=known_cycles(layer), instructions=1)
            for number, layer in enumerate(arch.layers)
            if layer.kind != "reshape"
        )
        cycles = sum(row.cycles for row in layers) + OUTSIDE
        measured = Measurement(
            fits=True, cycles=cycles, arena_bytes=1000, latency_ms=1e3 * cycles / clock_hz, layers=layers
        )
        rows.append((Row(index=index, decisions=decisions, measurement=measured), arch))
    folder.mkdir()
    write_tables(folder, settings, rows)
    return read_characterization(folder)


@pytest.mark.parametrize("space", ["kws", "cifar10", "vww-50"])
def test_known_loops_are_found_and_other_networks_predicted(space: str, tmp_path: Path) -> None:
    model = fit_latency([table(space, 1, 12, tmp_path / "fitted")], CLOCK_HZ)
    others = table(space, 2, 12, tmp_path / "others")
    predicted = predict_ms(model, others.layers)
    error = prediction_error(predicted.to_numpy(), others.models["latency_ms"].to_numpy())
    assert error.mape < 2e-3 and error.worst < 5e-3 and error.kendall_tau > 0.9999 and error.networks == 12
    assert model.outside_cycles == OUTSIDE
    assert all(value > 0 for row in model.cycles.values() for value in row.values())


def test_the_cost_of_a_row_is_what_the_tables_give(tmp_path: Path) -> None:
    found = table("kws", 1, 12, tmp_path / "fitted")
    model = fit_latency([found], CLOCK_HZ)
    arch = find_arch("micronet-kws-s")
    measured_ms = 1e3 * (sum(map(known_cycles, arch.layers[:-1])) + OUTSIDE) / CLOCK_HZ
    assert model.cost().of_layers(plain_layers(arch.layers)) == pytest.approx(measured_ms, rel=5e-3)


@pytest.mark.parametrize("space", ["vww-50", "bcresnet-kws"])
def test_layers_come_back_from_their_table(space: str, tmp_path: Path) -> None:
    found = table(space, 3, 2, tmp_path / "table")
    arch = find_space(space).derive(find_space(space).sample(np.random.default_rng(3)))
    first = [layer for layer in arch.layers if layer.kind != "reshape"]
    rows = found.layers[found.layers["index"] == 0].to_dict("records")
    for row, layer in zip(rows, first, strict=True):
        back = layer_of(row)
        assert kind_of(back) == kind_of(layer) and back.macs == layer.macs == row["macs"]
        assert loop_counts(back, memories_of("stm32f746")) == loop_counts(layer, memories_of("stm32f746"))


def test_tables_of_format_2_are_read_as_of_layers_without_dilation_and_repeats(tmp_path: Path) -> None:
    found = table("kws", 3, 2, tmp_path / "table")
    settings = json.loads((tmp_path / "table" / SETTINGS_FILE).read_text(encoding="utf-8"))
    (tmp_path / "table" / SETTINGS_FILE).write_text(json.dumps({**settings, "format": 2}), encoding="utf-8")
    columns = ["dilation_h", "dilation_w", "repeats"]
    found.layers.drop(columns=columns).to_csv(tmp_path / "table" / "layers.csv", index=False)
    pd.testing.assert_frame_equal(
        read_characterization(tmp_path / "table").layers[list(found.layers)], found.layers, check_dtype=False
    )


def test_a_kind_that_was_not_measured_is_an_error_not_a_zero(tmp_path: Path) -> None:
    model = fit_latency([table("cifar10", 1, 6, tmp_path / "table")], CLOCK_HZ)
    with pytest.raises(ValueError, match="no row of cost latency is for a layer of kind depthwise"):
        model.cost().of_layers(plain_layers(find_arch("micronet-kws-s").layers))


@pytest.mark.parametrize("name", SAME)
def test_tables_of_different_targets_are_not_fitted_together(name: str, tmp_path: Path) -> None:
    one = table("kws", 1, 2, tmp_path / "one")
    other = table("kws", 2, 2, tmp_path / "other", {**SETTINGS, name: "another"})
    with pytest.raises(UsageError, match=f"different {name} do not go together"):
        fit_latency([one, other], CLOCK_HZ)


@pytest.mark.parametrize("device", ["stm32f446", "stm32f746"])
def test_expected_latency_has_gradients(device: str) -> None:
    tf = pytest.importorskip("tensorflow")
    space = find_space("kws")
    cycles: dict[str, dict[str, float]] = {}
    for layer in space.derive(space.largest()).layers + find_arch("dscnn-l").layers:
        cycles.setdefault(kind_of(layer), {}).update(dict.fromkeys(loop_counts(layer, memories_of(device)), 1.0))
    cycles["pool"] = cycles["global pool"]
    del cycles["reshape"]
    settings = {**SETTINGS, "target": {"device": device}}
    model = LatencyModel(settings=settings, clock_hz=CLOCK_HZ, outside_cycles=0.0, cycles=cycles)
    logits = {row.name: tf.zeros(len(row.options)) for row in space.decisions}
    with tf.GradientTape() as tape:
        tape.watch(logits)
        chances = {name: tf.nn.softmax(row) for name, row in logits.items()}
        latency = model.cost().of_layers(expected_layers(space, chances))
    gradients = tape.gradient(latency, logits)
    # Wider and deeper costs more, everywhere.
    assert float(latency) > 0 and all(float(row[-1]) > 0 > float(row[0]) for row in gradients.values())


def test_errors_of_predictions() -> None:
    error = prediction_error(np.array([1.1, 1.9, 3.0]), np.array([1.0, 2.0, 3.0]))
    assert (error.mape, error.worst, error.kendall_tau) == pytest.approx((0.05, 0.1, 1.0))
