# SPDX-License-Identifier: Apache-2.0
"""Every network of small spaces: the supernet's outputs equal those of the plain Keras model with the same weights."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from mlperf_tiny.errors import UsageError
from mlperf_tiny.models.arch.blocks import (
    AveragePool,
    Bottleneck,
    Broadcast,
    Conv,
    Depthwise,
    Flatten,
    GlobalPool,
    Residual,
    Separable,
    TimeChannelSeparable,
)
from mlperf_tiny.search.cost.analytic import LIVE, OPS
from mlperf_tiny.search.cost.cost import plain_layers
from mlperf_tiny.search.space.choice import Choice, Stage, TimesInput, open_block
from mlperf_tiny.search.space.restrict import feasible, restrict
from mlperf_tiny.search.space.space import Decisions, SearchSpace

tf = pytest.importorskip("tensorflow")

from mlperf_tiny.search.supernet.channels import First, Mask, mixed, width_mask  # noqa: E402
from mlperf_tiny.search.supernet.gates import Chosen, Mixed  # noqa: E402
from mlperf_tiny.search.supernet.sorted_channels import sort_channels  # noqa: E402
from mlperf_tiny.search.supernet.supernet import Supernet  # noqa: E402
from tests.search.plain_model import plain_model  # noqa: E402

HEAD = (GlobalPool(), Conv(3, (1, 1), relu="none", batch_norm=False), Flatten())
WIDTHS = Choice((4, 8))


def space(*parts: Any, **fields: Any) -> SearchSpace:
    return SearchSpace(name="small", task="kws", input_shape=(9, 6, 1), parts=(*parts, *HEAD), **fields)


SEPARABLE = space(
    open_block(Conv, filters=WIDTHS, kernel=(3, 2)),
    open_block(Separable, filters=Choice((4, 8, 12)), stride=(2, 2), skip=True),
    open_block(Separable, filters=WIDTHS, skip=True),
)
BOTTLENECK = space(
    open_block(Conv, filters=WIDTHS),
    open_block(Bottleneck, expansion=Choice((8, 16)), filters=WIDTHS, stride=(2, 2)),
    open_block(Bottleneck, expansion=Choice((8, 12)), filters=WIDTHS, residual=True),
    AveragePool((2, 2)),
    Depthwise((3, 3)),
)
BROADCAST = space(
    open_block(Conv, filters=WIDTHS),
    open_block(Broadcast, filters=WIDTHS, stride=2, transition=True),
    open_block(Broadcast, filters=None, dilation=2, skip=True),
    open_block(Broadcast, filters=Choice((4, 8, 12)), transition=True),
    open_block(TimeChannelSeparable, filters=WIDTHS, kernel=5),
)
STAGES = SearchSpace(
    name="stages",
    task="vww",
    input_shape=(8, 8, 1),
    sides=Choice((8, 12)),
    parts=(
        Conv(8),
        Stage(
            tuple(
                open_block(
                    Bottleneck,
                    kernel=Choice(((3, 3), (5, 5))),
                    expansion=TimesInput(Choice((1, 2))),
                    filters=8,
                    residual=place > 0,
                )
                for place in range(2)
            ),
            Choice((1, 2)),
        ),
        *HEAD,
    ),
)


def one_hot(searched: SearchSpace, decisions: Decisions) -> dict[str, Any]:
    return {
        row.name: tf.constant([float(option == decisions[row.name]) for option in row.options])
        for row in searched.decisions
    }


SPACES = {"separable": SEPARABLE, "bottleneck": BOTTLENECK, "broadcast": BROADCAST, "stages": STAGES}


@pytest.mark.parametrize("searched", SPACES.values(), ids=SPACES)
def test_every_network_computes_what_its_plain_model_does(searched: SearchSpace) -> None:
    random = np.random.default_rng(5)
    supernet = Supernet(searched, seed=1, int8=False)
    for variable in supernet.variables:
        variable.assign(variable + 0.1 * np.abs(random.normal(size=variable.shape)))
    for decisions in list(searched.all())[:: 1 if searched is SEPARABLE else 3]:
        inputs = random.normal(size=(2, *searched.derive(decisions).input_shape)).astype(np.float32)
        statistics: dict[str, Any] = {}
        seen = random.normal(size=inputs.shape).astype(np.float32)
        supernet.forward(tf.constant(seen), Chosen(decisions), collect=statistics)
        wanted = plain_model(supernet, decisions, statistics)(inputs).numpy()
        chosen = supernet.forward(tf.constant(inputs), Chosen(decisions), statistics=statistics).numpy()
        np.testing.assert_allclose(chosen, wanted, rtol=1e-4, atol=1e-5)
        if searched is not STAGES:
            wanted = supernet.forward(tf.constant(inputs), Chosen(decisions)).numpy()
            for used in ({}, {row.name: row.options.index(decisions[row.name]) + 1 for row in searched.decisions}):
                mixture = supernet.forward(tf.constant(inputs), Mixed(one_hot(searched, decisions), used))
                np.testing.assert_allclose(mixture.numpy(), wanted, rtol=1e-4, atol=1e-5)


def test_chosen_network_trains_only_its_own_weights() -> None:
    supernet = Supernet(SEPARABLE, seed=1)
    decisions = {**SEPARABLE.smallest(), "2.keep": True}
    with tf.GradientTape() as tape:
        outputs = supernet.forward(tf.ones((2, 9, 6, 1)), Chosen(decisions))
        loss = tf.reduce_sum(outputs**2)
    named = {variable.name: variable for variable in supernet.trainable_variables}
    gradients = tape.gradient(loss, list(named.values()))
    by_name = dict(zip(named, gradients, strict=True))
    assert by_name["1_0_kernel"] is None and by_name["2_0_kernel"] is not None
    kernel = tf.convert_to_tensor(by_name["2_1_kernel"]).numpy()
    assert np.abs(kernel[:, :, :4, :4]).max() > 0.0
    assert np.abs(kernel[:, :, 4:]).max() == np.abs(kernel[:, :, :, 4:]).max() == 0.0


@pytest.mark.parametrize("probabilities", [(1.0, 0.0, 0.0), (0.2, 0.3, 0.5), (0.0, 0.0, 1.0)])
def test_mask_of_a_width_is_the_sum_of_the_masks_of_its_options(probabilities: tuple[float, ...]) -> None:
    options = (2, 3, 6)
    wanted = sum(
        chance * np.array([1.0] * width + [0.0] * (6 - width))
        for chance, width in zip(probabilities, options, strict=True)
    )
    np.testing.assert_allclose(width_mask(options, tf.constant(probabilities)).shares, wanted, atol=1e-7)
    around = mixed(First(4), width_mask(options, tf.constant(probabilities)), tf.constant(0.25), 6)
    np.testing.assert_allclose(around.shares, 0.25 * wanted + 0.75 * np.array([1, 1, 1, 1, 0, 0]), atol=1e-7)
    assert isinstance(around, Mask)


def test_space_with_blocks_that_share_no_weights_is_refused() -> None:
    with pytest.raises(UsageError, match="block 0 of space small has a layer of kind pad, which no supernet has"):
        Supernet(space(Residual(4)), seed=1)


def test_space_whose_broadcasts_add_their_input_at_some_widths_is_refused() -> None:
    with pytest.raises(UsageError, match=r"block 1 of space small .* make it a transition"):
        Supernet(space(Conv(4), open_block(Broadcast, filters=WIDTHS)), seed=1)


def test_sorted_channels_of_added_maps_stay_in_one_order() -> None:
    supernet = Supernet(BROADCAST, seed=1, int8=False)
    inputs = tf.constant(np.random.default_rng(2).normal(size=(3, 9, 6, 1)), tf.float32)
    gates = Chosen(BROADCAST.largest())
    before = supernet.forward(inputs, gates)
    kernels = {variable.name: variable.numpy() for variable in supernet.variables}
    sort_channels(supernet)
    np.testing.assert_allclose(supernet.forward(inputs, gates), before, rtol=1e-4, atol=1e-5)
    moved = {variable.name for variable in supernet.variables if not np.array_equal(kernels[variable.name], variable)}
    assert {"1_0_kernel", "1_1_kernel", "1_3_kernel", "1_4_kernel", "2_0_kernel", "3_0_kernel"} <= moved


@pytest.mark.parametrize("share", [0.05, 0.2, 0.5, 0.9])
@pytest.mark.parametrize("cost", [OPS, LIVE], ids=lambda row: row.name)
@pytest.mark.parametrize("searched", [SEPARABLE, BOTTLENECK], ids=("separable", "bottleneck"))
def test_no_network_within_a_limit_is_lost_with_options_that_are_left_out(
    searched: SearchSpace, cost: Any, share: float
) -> None:
    def of(decisions: Decisions) -> float:
        return float(cost.of_layers(plain_layers(searched.derive(decisions).layers)))

    every = {tuple(decisions.values()): of(decisions) for decisions in searched.all()}
    low, high = min(every.values()), max(every.values())
    most = low + share * (high - low)
    left = feasible(searched, lambda arch: float(cost.of_layers(plain_layers(arch.layers))) <= most)
    names = [row.name for row in left.decisions]
    assert names == [row.name for row in searched.decisions]
    kept = {tuple(decisions.values()) for decisions in left.all()}
    # A width of a block that is left out is any of the options.
    networks = {searched.derive(dict(zip(names, values, strict=True))).blocks for values in kept}
    for values, value in every.items():
        if value <= most:
            assert searched.derive(dict(zip(names, values, strict=True))).blocks in networks


def test_restricted_space_keeps_names_and_refuses_to_be_empty() -> None:
    narrow = restrict(STAGES, {"input.side": (8,), "1.depth": (2,), "1.0.kernel": ((3, 3),), "1.1.expansion": (1,)})
    assert [row.name for row in narrow.decisions] == [row.name for row in STAGES.decisions]
    assert narrow.size == 2 * 2
    with pytest.raises(ValueError, match="a choice needs options"):
        restrict(STAGES, {"1.depth": ()})
