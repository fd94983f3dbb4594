# SPDX-License-Identifier: Apache-2.0
"""A differentiable search on a small space: probabilities, limits, the same result by seed, after a stop, and a log."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from mlperf_tiny.errors import UsageError, WrongRequest
from mlperf_tiny.models.arch.blocks import Conv, Flatten, GlobalPool, Separable
from mlperf_tiny.models.training.datasets.augmentation_cache import AugmentationCache, AugmentedEpoch
from mlperf_tiny.models.training.datasets.training_set import TrainingSet
from mlperf_tiny.models.training.recipes.recipe import Recipe
from mlperf_tiny.progress import Listener
from mlperf_tiny.search.characterize.measure import Target
from mlperf_tiny.search.cost.analytic import CONSTANTS, LIVE, OPS
from mlperf_tiny.search.problem.method import SearchRun
from mlperf_tiny.search.problem.problem import Figures, Problem
from mlperf_tiny.search.space.choice import Choice, open_block
from mlperf_tiny.search.space.space import Decisions, SearchSpace
from mlperf_tiny.search.space.spaces import find_space

tf = pytest.importorskip("tensorflow")

from mlperf_tiny.search.dnas.architecture import ArchitectureWeights, annealed  # noqa: E402
from mlperf_tiny.search.dnas.constraint import expected_costs, penalty  # noqa: E402
from mlperf_tiny.search.dnas.search import Dnas, search_dnas  # noqa: E402
from mlperf_tiny.search.dnas.settings import DnasSettings  # noqa: E402
from mlperf_tiny.search.dnas.to_limits import to_limits  # noqa: E402

STAGES = SearchSpace(
    name="stages",
    task="kws",
    input_shape=(8, 8, 1),
    sides=Choice((8, 12)),
    parts=(Conv(4), GlobalPool(), Conv(3, (1, 1), relu="none", batch_norm=False), Flatten()),
)
SPACE = SearchSpace(
    name="small",
    task="kws",
    input_shape=(8, 6, 1),
    parts=(
        open_block(Conv, filters=Choice((4, 8, 16)), kernel=(3, 3)),
        open_block(Separable, filters=Choice((4, 8, 16)), stride=(2, 2), skip=True),
        open_block(Separable, filters=Choice((4, 8, 16)), skip=True),
        GlobalPool(),
        Conv(3, (1, 1), relu="none", batch_norm=False),
        Flatten(),
    ),
)
COSTS = {"ops": OPS, "ram_bytes": LIVE, "flash_bytes": CONSTANTS}
RECIPE = Recipe(
    task="kws",
    dataset="keywords",
    epochs=1,
    int8_epochs=0,
    batch=16,
    learning_rate=1e-2,
    final_learning_rate=1e-4,
    augmented_epochs=2,
)
SETTINGS = DnasSettings(epochs=6, batch=16, learning_rate=1e-2, architecture_learning_rate=0.3)
QUIET = Listener(lambda _: None, lambda _: None)


def problem(**limits: float) -> Problem:
    return Problem(space=SPACE, target=Target(device="stm32f446"), limits=Figures(**limits), costs=COSTS)


def blobs(seed: int) -> tuple[Any, Any]:
    """Maps with a bright row, whose place is the class."""
    random = np.random.default_rng(seed)
    labels = random.integers(0, 3, 96)
    inputs = random.normal(0.0, 0.3, (96, 8, 6, 1))
    for number, label in enumerate(labels):
        inputs[number, 1 + 2 * label, :, 0] += 1.0 + label
    return inputs.astype(np.float32), labels


def training_set(folder: Path) -> TrainingSet:
    inputs, labels = blobs(99)
    return TrainingSet(
        classes=3,
        cache=AugmentationCache(folder=folder, settings={"blobs": 1}, make=lambda n: AugmentedEpoch(*blobs(n))),
        evaluate=lambda predict: {},
        metric="accuracy",
        validation=lambda predict: float(np.mean(predict(inputs).argmax(axis=1) == labels)),
        provenance={"source": "blobs"},
        input={},
        description="",
        licence="",
    )


def search(asked: Problem, out: Path, settings: DnasSettings = SETTINGS, stop_after: int | None = None) -> Any:
    rows: dict[int, Mapping[str, float]] = {}

    def log(step: int, figures: Mapping[str, float]) -> None:
        rows[step] = figures
        if len(rows) == stop_after:
            raise KeyboardInterrupt

    dnas = Dnas(run(asked, out, log), settings)
    return dnas.search(), rows, [np.asarray(variable) for variable in dnas.supernet.variables]


def run(asked: Problem, out: Path, log: Any = None) -> SearchRun:
    out.mkdir(exist_ok=True)
    return SearchRun(
        problem=asked,
        recipe=RECIPE,
        training_set=training_set(out / "cache"),
        seed=1,
        epochs=None,
        out=out,
        log=log,
        listener=QUIET,
    )


def test_probabilities_follow_the_logits_and_the_temperature() -> None:
    weights = ArchitectureWeights(SPACE)
    assert weights.entropy(1.0) == pytest.approx(1.0)
    weights.assign("0.filters", [0.0, 2.0, 1.0])
    weights.assign("1.keep", [1.0, 0.0])
    hot, cold = weights.probabilities(1.0), weights.probabilities(0.05)
    np.testing.assert_allclose(hot["0.filters"], np.exp([0, 2, 1]) / np.exp([0, 2, 1]).sum(), rtol=1e-5)
    np.testing.assert_allclose(cold["0.filters"], [0.0, 1.0, 0.0], atol=1e-6)
    derived = weights.derive()
    assert (derived["0.filters"], derived["1.keep"], derived["2.keep"]) == (8, False, False)
    same, other = (weights.drawn(1.0, 1.0, tf.constant([1, step])) for step in (5, 6))
    assert not np.allclose(same["0.filters"], other["0.filters"])
    np.testing.assert_array_equal(same["0.filters"], weights.drawn(1.0, 1.0, tf.constant([1, 5]))["0.filters"])


def test_no_option_is_lost_for_good() -> None:
    weights = ArchitectureWeights(SPACE)
    weights.assign("0.filters", [-50.0, 3.0, 1.0])
    weights.bound(2.0)
    np.testing.assert_allclose(
        weights.probabilities(1.0)["0.filters"], np.exp([-2, 0, -2]) / np.exp([-2, 0, -2]).sum(), rtol=1e-5
    )


@pytest.mark.parametrize("temperature", [1.0, 0.2])
def test_each_option_is_drawn_as_often_as_its_probability_says(temperature: float) -> None:
    weights = ArchitectureWeights(SPACE)
    weights.assign("0.filters", temperature * np.log([0.6, 0.3, 0.1]))
    draw = tf.function(lambda step: weights.drawn(temperature, 0.01, tf.stack([3, step]))["0.filters"])
    drawn = [draw(tf.constant(step)).numpy() for step in range(600)]
    np.testing.assert_allclose(np.mean(drawn, axis=0), weights.probabilities(temperature)["0.filters"], atol=0.06)
    np.testing.assert_allclose(np.max(drawn, axis=1), 1.0, atol=0.5)


def test_widths_that_are_hardly_drawn_are_not_used() -> None:
    weights = ArchitectureWeights(find_space("kws"))
    assert set(weights.used(1.0).values()) == {10}
    weights.assign("0.filters", np.log([0.5, 0.4, 0.0959, 0.001, *[0.0005] * 6]))
    assert weights.used(1.0) == {**dict.fromkeys(weights.used(1.0), 10), "0.filters": 4}
    assert weights.used(5.0)["0.filters"] == 10  # at a high temperature they are drawn
    assert not ArchitectureWeights(SPACE).used(1.0)  # of three options none are left out


def test_targets_fall_from_what_is_expected_to_the_limits(tmp_path: Path) -> None:
    _, rows, _ = search(problem(ops=15_000.0, ram_bytes=1e6), tmp_path, replace(SETTINGS, epochs=10, descent=0.5))
    targets = [rows[epoch]["target ops"] for epoch in sorted(rows)]
    assert targets[0] > 20_000.0 and targets == sorted(targets, reverse=True)
    assert targets[5:] == pytest.approx([15_000.0] * 5)
    assert {row["target ram_bytes"] for row in rows.values()} == {1e6}  # a limit above what is expected
    assert rows[10]["expected ops"] < 16_500.0


def test_temperature_falls_exponentially() -> None:
    assert [annealed(4.0, 1.0, share) for share in (0.0, 0.5, 1.0)] == pytest.approx([4.0, 2.0, 1.0])


def test_penalty_has_a_gradient_only_above_a_limit() -> None:
    weights = ArchitectureWeights(SPACE)
    for most, pushes in ((1e9, False), (1e3, True)):
        with tf.GradientTape() as tape:
            value = penalty(expected_costs(problem(), weights.probabilities(1.0)), {"ops": most})
        gradient = tape.gradient(value, weights.trainable_variables[0])
        assert (float(value) > 0.0) is pushes
        assert bool(np.any(np.asarray(gradient) != 0.0)) is pushes


def assert_is_full(asked: Problem, found: Decisions) -> None:
    """The network is within the limits, and none with one decision an option higher is."""
    arch = SPACE.derive(found)
    assert asked.fits(arch)
    for row in SPACE.decisions:
        place = row.options.index(found[row.name])
        for option in row.options[place + 1 : place + 2]:
            more = SPACE.derive({**found, row.name: option})
            assert more.blocks == arch.blocks or not asked.fits(more)


@pytest.mark.parametrize(("limit", "most"), [("ops", 15_000.0), ("ram_bytes", 500.0)])
def test_search_ends_within_its_limit_and_learns(tmp_path: Path, limit: str, most: float) -> None:
    asked = problem(**{limit: most})
    found, rows, _ = search(asked, tmp_path, replace(SETTINGS, epochs=20))
    assert list(rows) == list(range(1, 21))
    assert rows[20]["accuracy"] > 0.7 and rows[20]["entropy"] < rows[1]["entropy"]
    assert_is_full(asked, found)


def test_room_below_a_limit_is_filled_with_what_loses_least() -> None:
    asked = problem(ops=25_000.0)
    for name in ("0.filters", "2.filters"):
        wanted = {"0.filters": 0.0, "2.filters": 0.0, name: -1.0}
        found = to_limits(
            asked,
            {**SPACE.smallest(), "2.keep": True},
            lambda row, by=wanted: sum(by.get(key, 0.0) * value for key, value in row.items()),  # type: ignore[misc]
        )
        assert found[name] == 16
        assert_is_full(asked, found)


def test_network_above_a_limit_is_lowered_where_it_loses_least() -> None:
    asked = problem(ops=25_000.0)
    for name in ("0.filters", "2.filters"):
        found = to_limits(asked, SPACE.largest(), lambda row, key=name: -float(row[key]))  # type: ignore[misc]
        assert not asked.excess(asked.estimate(SPACE.derive(found)))
        assert found[name] == SPACE.largest()[name]
    assert SPACE.derive(to_limits(problem(ops=1.0), SPACE.largest(), lambda _: 0.0)) == SPACE.derive(SPACE.smallest())


def test_stopped_search_ends_as_one_that_was_not(tmp_path: Path) -> None:
    asked = problem(ops=15_000.0)
    found, rows, weights = search(asked, tmp_path / "whole")
    with pytest.raises(KeyboardInterrupt):
        search(asked, tmp_path / "stopped", stop_after=3)
    again, more, same = search(asked, tmp_path / "stopped")
    assert (again, more) == (found, {step: rows[step] for step in (3, 4, 5, 6)})
    assert all(map(np.array_equal, weights, same))
    with pytest.raises(WrongRequest, match=r"dnas.npz is a checkpoint of a training with other settings"):
        search(problem(ops=16_000.0), tmp_path / "stopped")


def test_costs_can_be_swapped_during_a_search(tmp_path: Path) -> None:
    """From operations to flash, halfway: the limit that counts at the end is met."""
    swapped = problem(flash_bytes=700.0)
    searches: list[Dnas] = []

    def log(step: int, figures: Mapping[str, float]) -> None:
        if step == 5:
            searches[0].use(swapped)

    searches.append(Dnas(run(problem(ops=200_000.0), tmp_path, log), replace(SETTINGS, epochs=15)))
    found = SPACE.derive(searches[0].search())
    assert not swapped.excess(swapped.estimate(found))
    assert swapped.estimate(found).given()["flash_bytes"] > 500.0


def test_search_without_rows_to_choose_by_is_refused(tmp_path: Path) -> None:
    asked = run(problem(ops=1e6), tmp_path)
    blind = replace(asked, training_set=replace(asked.training_set, validation=None))
    with pytest.raises(UsageError, match="blobs has no validation rows, which a search compares networks on"):
        search_dnas(blind)
    several = replace(asked, problem=replace(asked.problem, space=STAGES))
    with pytest.raises(UsageError, match=r"space stages decides more than widths and depth.* Use --method tinynas"):
        search_dnas(several)
    with pytest.raises(UsageError, match="96 training samples are fewer than one batch of 512"):
        search_dnas(asked, replace(SETTINGS, batch=512))
