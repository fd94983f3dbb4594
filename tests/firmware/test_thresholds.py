# SPDX-License-Identifier: Apache-2.0
"""The thresholds of requantisation, and the cheaper arithmetic that must have the same ones."""

from __future__ import annotations

import numpy as np
import pytest

from mlperf_tiny.firmware.codegen.ir.requant import clamp_int8, quantize_multiplier, requantize
from mlperf_tiny.firmware.codegen.operators.convolution.effort import IN_ALL, Effort, layer_effort
from mlperf_tiny.firmware.codegen.operators.convolution.portable import fit_rounded
from mlperf_tiny.firmware.codegen.operators.convolution.thresholds import (
    CHANNELS_AT_A_TIME,
    LEVELS,
    LinearRequant,
    fit_layer,
    fit_linear,
    thresholds,
    thresholds_of_reals,
)
from mlperf_tiny.firmware.codegen.tflite.read_tflite import read_tflite
from tests.fakes.corrupt_models import residual_model, written

RATIOS = (0.0037, 0.00021, 0.02, 0.3, 0.9999, 1.0, 0.5, 0.0078125, 3.3, 1e-7)


def output(total: int, multiplier: int, shift: int, out_zero: int, low: int, high: int) -> int:
    return min(max(requantize(total, multiplier, shift) + out_zero, low), high)


@pytest.mark.parametrize("out_zero", [-128, -3, 127])
@pytest.mark.parametrize("ratio", RATIOS)
def test_thresholds_are_those_of_the_arithmetic(ratio: float, out_zero: int) -> None:
    multiplier, shift = quantize_multiplier(ratio)
    low, high = max(-128, out_zero - 40), min(127, out_zero + 90)
    table = thresholds(multiplier, shift, out_zero, low, high)
    for level, threshold in zip(LEVELS.tolist(), table.tolist(), strict=True):
        if abs(threshold) < 1 << 28:
            assert output(threshold, multiplier, shift, out_zero, low, high) >= level
            assert output(threshold - 1, multiplier, shift, out_zero, low, high) < level
    assert (table[low >= LEVELS] < -(1 << 31)).all()
    assert (table[high < LEVELS] > 1 << 31).all()


@pytest.mark.parametrize("ratio", RATIOS)
def test_thresholds_of_one_rounding_in_double_precision(ratio: float) -> None:
    table = thresholds_of_reals(np.array([ratio]), 5, -128, 127)[0]
    assert (np.diff(table) >= 0).all()
    for level, threshold in zip(LEVELS.tolist(), table.tolist(), strict=True):
        for total, reached in ((threshold, True), (threshold - 1, False)):
            exact = total * ratio
            rounded = int(np.copysign(np.floor(abs(exact) + 0.5), exact))
            assert (clamp_int8(rounded + 5) >= level) == reached


def linear(total: int, slope: int, bias: int, offset: int, shift: int) -> int:
    """What SMMLAR and SSAT do."""
    return clamp_int8((offset + (((total + bias) * slope + (1 << 31)) >> 32)) >> shift)


@pytest.mark.parametrize("limit", [4000, 40_000, 3_000_000])
def test_a_linear_fit_has_every_threshold(limit: int) -> None:
    """Every sum next to a threshold, both ends, and random sums; most fits must be found."""
    random = np.random.default_rng(limit)
    found = 0
    for _ in range(40):
        ratio = float(random.uniform(0.3, 1.0)) * 200 / limit
        multiplier, shift = quantize_multiplier(ratio)
        table = thresholds(multiplier, shift, -128, -128, 127)
        fit = next(
            (f for s in (4, 2, 6, 8, 1, 10) if (f := fit_linear(table, ratio, -limit, limit, s, Effort(IN_ALL)))), None
        )
        if fit is None:
            continue
        found += 1
        near = [
            total for threshold in table.tolist() for total in (threshold - 1, threshold) if -limit <= total <= limit
        ]
        for total in [*near, -limit, limit, *random.integers(-limit, limit, 200).tolist()]:
            want = output(total, multiplier, shift, -128, -128, 127)
            assert linear(total, fit.slope, fit.bias, fit.offset, fit.shift) == want
    assert found >= 30


def test_no_linear_fit_where_halves_round_away_from_zero() -> None:
    """Halves are rounded away from zero: with a zero point in the middle and ties no line does it."""
    multiplier, shift = quantize_multiplier(0.125)
    assert fit_linear(thresholds(multiplier, shift, 0, -128, 127), 0.125, -5000, 5000, 2, Effort(IN_ALL)) is None


def test_an_output_that_never_changes_needs_no_slope() -> None:
    table = thresholds(*quantize_multiplier(1e-7), 17, -128, 127)
    fit = fit_linear(table, 1e-7, -5000, 5000, 4, Effort(IN_ALL))
    assert fit is not None and fit.slope == 0
    assert linear(1234, fit.slope, fit.bias, fit.offset, fit.shift) == 17


def test_one_rounding_in_fixed_point_has_every_threshold() -> None:
    random = np.random.default_rng(7)
    for out_zero in random.integers(-128, 128, 60).tolist():
        ratios = np.exp(random.uniform(-9, 0.5, CHANNELS_AT_A_TIME + 1))
        tables = thresholds_of_reals(ratios, out_zero, -128, 127)
        ends = np.full(ratios.size, 1 << 20)
        multipliers, shifts, exist = fit_rounded(tables, ratios, out_zero, -ends, ends)
        assert exist.all()
        for table, multiplier, shift in list(zip(tables, multipliers.tolist(), shifts.tolist(), strict=True))[::32]:
            for level, threshold in zip(LEVELS.tolist(), table.tolist(), strict=True):
                for total, reached in ((threshold, True), (threshold - 1, False)):
                    if abs(total) <= 1 << 20:
                        size = (abs(total) * multiplier + (1 << (shift - 1))) >> shift
                        assert (clamp_int8(out_zero + (size if total >= 0 else -size)) >= level) == reached


def test_channels_of_one_scale_share_a_table() -> None:
    tables = thresholds_of_reals(np.array([0.5, 0.0, 0.5, 1e-30]), 3, -128, 127)
    assert tables[0] is tables[2]
    for table in (tables[1], tables[3]):  # the output is always the zero point
        assert (np.abs(table) > 1 << 31).all() and np.count_nonzero(table < 0) == 128 + 3


@pytest.mark.parametrize(
    ("shares", "limit", "out_zero", "found"),
    [
        ((0.3, 1.0), 4000, -128, True),
        ((0.3, 1.0), 400_000, -128, True),
        ((1e-6, 10.0), 40_000, -128, True),
        ((0.0, 1e-3), 4000, -128, True),
        ((0.3, 1.0), 4000, -5, False),
    ],
)
def test_many_channels_have_the_formulas_of_each_alone(
    shares: tuple[float, float], limit: int, out_zero: int, found: bool
) -> None:
    """Also what they spend is the same, and where nothing is left."""
    random = np.random.default_rng(limit)
    ratios = random.uniform(*shares, 2 * CHANNELS_AT_A_TIME + 5) * 200 / limit
    tables = [thresholds(*quantize_multiplier(ratio), out_zero, -128, 127) for ratio in ratios.tolist()]
    low, high = -random.integers(0, limit, ratios.size), random.integers(0, limit, ratios.size)

    def each_alone(effort: Effort) -> list[LinearRequant] | None:
        for shift in (4, 2, 6):
            rows = zip(tables, ratios.tolist(), low.tolist(), high.tolist(), strict=True)
            fits = []
            for row in rows:
                fits.append(fit_linear(*row, shift, effort))
                if fits[-1] is None:
                    break
            complete = [fit for fit in fits if fit is not None]
            if len(complete) == ratios.size:
                return complete
        return None

    whole = Effort(IN_ALL)
    wanted = each_alone(whole)
    assert (wanted is not None) == found
    for left in (IN_ALL, IN_ALL - whole.left, IN_ALL - whole.left - 1, 40_000, 0):
        mine, theirs = Effort(left), Effort(left)
        assert fit_layer(tables, ratios.tolist(), low, high, (4, 2, 6), mine) == each_alone(theirs)
        assert mine.left == theirs.left


def test_a_search_ends_when_its_effort_is_spent() -> None:
    ratio = 0.03
    multiplier, shift = quantize_multiplier(ratio)
    table = thresholds(multiplier, shift, -128, -128, 127)
    enough = Effort(IN_ALL)
    fit = fit_linear(table, ratio, -4000, 4000, 4, enough)
    assert fit is not None
    used = IN_ALL - enough.left
    assert fit_linear(table, ratio, -4000, 4000, 4, Effort(used)) == fit
    spent = Effort(used - 1)
    assert fit_linear(table, ratio, -4000, 4000, 4, spent) is None
    assert not spent.spend(1)


def test_the_layers_of_a_model_share_one_effort() -> None:
    graph = read_tflite(written(residual_model()), "residual")
    layers = [op for op in graph.operators if op.kind in ("CONV_2D", "DEPTHWISE_CONV_2D", "FULLY_CONNECTED")]
    efforts = [layer_effort(graph, op).left for op in layers]
    assert len(efforts) == 3 and min(efforts) >= IN_ALL // 2 // 3
    assert IN_ALL - 6 <= sum(efforts) <= IN_ALL
