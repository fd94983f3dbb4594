# SPDX-License-Identifier: Apache-2.0
"""Costs of plain networks against the published counts, and expected costs against enumeration of tiny spaces."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from mlperf_tiny.models.arch.arch import Arch
from mlperf_tiny.models.arch.blocks import Bottleneck, Broadcast, Conv, Flatten, GlobalPool, Separable
from mlperf_tiny.models.arch.memory import peak_bytes
from mlperf_tiny.models.arch.zoo import ARCHS, find_arch
from mlperf_tiny.search.cost.analytic import CONSTANTS, IN_AND_OUT, LIVE, OPS, PARAMETERS
from mlperf_tiny.search.cost.cost import Cost, CostRow, plain_layers
from mlperf_tiny.search.cost.expected import expected_layers
from mlperf_tiny.search.cost.latency import kind_of
from mlperf_tiny.search.cost.numbers import largest, multiple_above
from mlperf_tiny.search.space.choice import Choice, open_block
from mlperf_tiny.search.space.space import Decisions, SearchSpace
from mlperf_tiny.search.space.spaces import find_space

SUMS = (OPS, PARAMETERS, CONSTANTS)
LARGEST = (IN_AND_OUT, LIVE)
HEAD = (GlobalPool(), Conv(3, (1, 1), relu="none", batch_norm=False), Flatten())
WIDTHS = Choice((4, 8))

SEPARABLE = SearchSpace(
    name="separable",
    task="kws",
    input_shape=(7, 5, 1),
    parts=(
        open_block(Conv, filters=WIDTHS, kernel=(3, 2)),
        open_block(Separable, filters=Choice((4, 8, 12)), stride=(2, 2), skip=True),
        open_block(Separable, filters=WIDTHS, skip=True),
        *HEAD,
    ),
)
BOTTLENECK = SearchSpace(
    name="bottleneck",
    task="vww",
    input_shape=(8, 8, 1),
    parts=(
        open_block(Conv, filters=WIDTHS),
        open_block(Bottleneck, expansion=Choice((8, 16)), filters=WIDTHS, stride=(2, 2)),
        open_block(Bottleneck, expansion=Choice((8, 12)), filters=WIDTHS, residual=True),
        *HEAD,
    ),
)


BROADCAST = SearchSpace(
    name="broadcast",
    task="kws",
    input_shape=(7, 6, 1),
    parts=(
        open_block(Conv, filters=WIDTHS),
        open_block(Broadcast, filters=Choice((4, 8, 12)), stride=2, transition=True),
        open_block(Broadcast, filters=None, dilation=2, skip=True),
        open_block(Broadcast, filters=WIDTHS, transition=True),
        *HEAD,
    ),
)
SPACES = (SEPARABLE, BOTTLENECK, BROADCAST)


def of(cost: Cost, arch: Arch) -> Any:
    return cost.of_layers(plain_layers(arch.layers))


def certain(space: SearchSpace, decisions: Decisions) -> dict[str, list[float]]:
    return {row.name: [float(option == decisions[row.name]) for option in row.options] for row in space.decisions}


@pytest.mark.parametrize("arch", ARCHS, ids=lambda arch: arch.name)
def test_costs_of_the_zoo(arch: Arch) -> None:
    assert of(OPS, arch) == 2 * arch.macs and of(PARAMETERS, arch) == arch.parameters
    assert of(LIVE, arch) == peak_bytes(arch) >= of(IN_AND_OUT, arch)


@pytest.mark.parametrize(
    "name, mops, parameters, in_and_out",
    # Recomputed from the paper's Table 5 with whole maps.
    [
        ("micronet-kws-l", 131.43, 500_328, 169_740),
        ("micronet-kws-m", 31.11, 111_984, 86_100),
        ("micronet-kws-s", 16.65, 60_240, 51_660),
        ("micronet-ad-s", 37.48, None, 98_304),
        ("micronet-vww-2", 6.29, 89_302, 27_904),
        ("micronet-vww-4", 37.66, 233_948, 49_152),
    ],
)
def test_published_counts(name: str, mops: float, parameters: int | None, in_and_out: int) -> None:
    arch = find_arch(name)
    assert of(OPS, arch) / 1e6 == pytest.approx(mops, abs=0.01) and of(IN_AND_OUT, arch) == in_and_out
    assert parameters in (None, of(PARAMETERS, arch))


@pytest.mark.parametrize("space", SPACES, ids=lambda space: space.name)
def test_certain_decisions_cost_what_their_network_costs(space: SearchSpace) -> None:
    for decisions in space.all():
        arch = space.derive(decisions)
        layers = expected_layers(space, certain(space, decisions))
        for cost in SUMS:
            assert cost.of_layers(layers) == pytest.approx(of(cost, arch)), (cost.name, decisions)
        padded = any(layer.kind == "pad" for layer in arch.layers)
        for cost in LARGEST:
            assert cost.of_layers(layers) == pytest.approx(of(cost, arch)) or padded, (cost.name, decisions)


@pytest.mark.parametrize("cost", SUMS, ids=lambda cost: cost.name)
@pytest.mark.parametrize("space", SPACES, ids=lambda space: space.name)
@pytest.mark.parametrize("seed", range(3))
def test_expected_sums_are_those_of_all_networks(cost: Cost, space: SearchSpace, seed: int) -> None:
    random = np.random.default_rng(seed)
    chances = {row.name: random.dirichlet(np.ones(len(row.options))) for row in space.decisions}
    expectation = 0.0
    for decisions in space.all():
        chance = np.prod([chances[row.name][row.options.index(decisions[row.name])] for row in space.decisions])
        expectation += chance * of(cost, space.derive(decisions))
    assert cost.of_layers(expected_layers(space, chances)) == pytest.approx(expectation)


def test_gradients_of_expected_costs_are_those_of_differences() -> None:
    tf = pytest.importorskip("tensorflow")
    logits = {
        row.name: np.random.default_rng(5).normal(size=len(row.options)).astype(np.float32)
        for row in SEPARABLE.decisions
    }

    def costs(values: dict[str, Any]) -> list[Any]:
        layers = expected_layers(SEPARABLE, {name: tf.nn.softmax(row) for name, row in values.items()})
        return [tf.cast(cost.of_layers(layers), tf.float32) / 1e3 for cost in (*SUMS, *LARGEST)]

    tensors = {name: tf.constant(row) for name, row in logits.items()}
    random = np.random.default_rng(6)
    direction = {name: random.normal(size=row.shape).astype(np.float32) for name, row in logits.items()}
    with tf.GradientTape(persistent=True) as tape:
        tape.watch(tensors)
        values = costs(tensors)
    ends = [costs({name: row + side * 1e-2 * direction[name] for name, row in tensors.items()}) for side in (1, -1)]
    for number, value in enumerate(values):
        gradients = tape.gradient(value, tensors)
        along = sum(float(tf.reduce_sum(g * direction[name])) for name, g in gradients.items() if g is not None)
        slope = (float(ends[0][number]) - float(ends[1][number])) / 2e-2
        assert along == pytest.approx(slope, rel=2e-2, abs=2e-2) and abs(along) > 1e-3, number


@pytest.mark.parametrize("name", ["tinynas-vww"])
def test_a_space_of_other_decisions_has_no_expected_layers(name: str) -> None:
    space = find_space(name)
    with pytest.raises(TypeError, match="more than widths and depth"):
        expected_layers(space, certain(space, space.smallest()))


def test_rows_that_conflict_and_layers_without_a_row_are_errors() -> None:
    row = CostRow(name="convs", matches=lambda layer: layer.kind == "conv", value=lambda gated: 1)
    again = CostRow(name="again", matches=lambda layer: layer.kind == "conv", value=lambda gated: 2)
    layers = plain_layers(find_arch("micronet-kws-s").layers)
    with pytest.raises(ValueError, match="rows convs and again of cost two are both for a layer of kind conv"):
        Cost(name="two", unit="", rows=(row, again)).of_layers(layers)
    with pytest.raises(ValueError, match="no row of cost one is for a layer of kind depthwise"):
        Cost(name="one", unit="", rows=(row,), unmatched="fail").of_layers(layers)
    assert Cost(name="one", unit="", rows=(row,), constant=5).of_layers(layers) == 12


def test_layers_with_kernels_of_their_own_are_kinds_of_their_own() -> None:
    others = {kind_of(layer) for name in ("micronet-kws-s", "mlperf-ic") for layer in find_arch(name).layers}
    kinds = {kind_of(layer) for layer in find_arch("bcresnet-1").layers}
    assert {"add", "broadcast add", "depthwise 3x1/1", "depthwise 3x1/1 dilated 8x1"} <= kinds
    assert "add" in others and "broadcast add" not in others


def test_numbers() -> None:
    tf = pytest.importorskip("tensorflow")
    assert (multiple_above(12, 4), multiple_above(13, 4), largest([1, 7, 3])) == (12, 16, 7)
    width = tf.Variable(13.5)
    with tf.GradientTape() as tape:
        rounded = multiple_above(width, 4)
    assert float(rounded) == 16.0 and float(tape.gradient(rounded, width)) == 1.0
