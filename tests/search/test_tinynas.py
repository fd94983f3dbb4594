# SPDX-License-Identifier: Apache-2.0
"""TinyNAS on small spaces: the part searched, sorted channels, evolution against enumeration, a whole search."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from mlperf_tiny.errors import UsageError
from mlperf_tiny.models.training.datasets.registry import make_training_set
from mlperf_tiny.models.training.datasets.training_set import DataFolders, TrainingSetOptions
from mlperf_tiny.models.training.recipes.recipes import VWW
from mlperf_tiny.search.characterize.measure import Target
from mlperf_tiny.search.cost.analytic import CONSTANTS, LIVE, OPS
from mlperf_tiny.search.problem.method import SearchRun
from mlperf_tiny.search.problem.problem import Figures, Problem
from mlperf_tiny.search.space.space import SearchSpace
from mlperf_tiny.search.space.spaces import find_space
from mlperf_tiny.search.tinynas import subspace
from mlperf_tiny.search.tinynas.evolution import Evolution, EvolutionSettings
from mlperf_tiny.search.tinynas.subspace import subspaces

tf = pytest.importorskip("tensorflow")

from mlperf_tiny.search.supernet.gates import Chosen  # noqa: E402
from mlperf_tiny.search.supernet.sorted_channels import sort_channels  # noqa: E402
from mlperf_tiny.search.supernet.supernet import Supernet  # noqa: E402
from mlperf_tiny.search.tinynas.search import TinyNasSettings, search_tinynas  # noqa: E402
from tests.search.test_dnas import QUIET, SPACE, problem, run  # noqa: E402
from tests.search.test_supernet import BOTTLENECK, SEPARABLE, STAGES  # noqa: E402

SETTINGS = TinyNasSettings(
    largest_epochs=1,
    shared_epochs=2,
    batch=16,
    learning_rate=1e-2,
    evolution=EvolutionSettings(population=4, parents=2, generations=1),
)


@pytest.mark.parametrize(
    "searched", [SEPARABLE, BOTTLENECK, STAGES, SPACE], ids=("separable", "bottleneck", "stages", "s")
)
def test_sorting_channels_leaves_the_largest_network_as_it_is(searched: SearchSpace) -> None:
    random = np.random.default_rng(2)
    supernet = Supernet(searched, seed=3, int8=False)
    for variable in supernet.variables:
        variable.assign(variable + 0.1 * np.abs(random.normal(size=variable.shape)))
    gates = Chosen(searched.largest())
    inputs = tf.constant(random.normal(size=(2, *searched.derive(searched.largest()).input_shape)), tf.float32)
    before = supernet.forward(inputs, gates).numpy()
    weights = {variable.name: variable.numpy() for variable in supernet.variables}
    sort_channels(supernet)
    np.testing.assert_allclose(supernet.forward(inputs, gates).numpy(), before, rtol=1e-4, atol=1e-5)
    moved = any(not np.array_equal(weights[variable.name], variable) for variable in supernet.variables)
    assert moved == (searched is not SEPARABLE)  # branches tie maps of different widths there


def test_important_channels_come_first() -> None:
    supernet = Supernet(BOTTLENECK, seed=3)
    project = next(variable for variable in supernet.variables if variable.name == "1_2_kernel")
    project.assign(np.arange(project.shape[2])[None, None, :, None] * np.ones(project.shape))
    sort_channels(supernet)
    assert np.all(np.diff(np.abs(project.numpy()).sum(axis=(0, 1, 3))) <= 0.0)


def test_evolution_finds_the_best_network_within_the_limits() -> None:
    asked = problem(ops=60_000.0)

    def score(decisions: Any) -> float:
        return sum(decisions[name] for name in ("0.filters", "1.filters", "2.filters")) + 3.0 * decisions["2.keep"]

    def fits(arch: Any) -> bool:
        return not asked.excess(asked.estimate(arch))

    best = max(score(decisions) for decisions in SPACE.all() if fits(SPACE.derive(decisions)))
    settings = EvolutionSettings(population=16, parents=4, generations=10, mutation=0.3)
    found = []
    for _ in range(2):
        evolution = Evolution(SPACE, fits, 7, settings)
        for generation in range(settings.generations):
            for decisions in evolution.next() if generation else evolution.first():
                assert fits(SPACE.derive(decisions))
                evolution.score(decisions, score(decisions))
        found.append(evolution.best(1)[0])
    assert found[0] == found[1] and found[0].score == best
    with pytest.raises(UsageError, match="none of 2000 random networks of space small is within the limits"):
        Evolution(SPACE, lambda arch: False, 7, settings).first()


def test_part_of_a_space_has_the_most_operations_within_the_limits(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(subspace, "SAMPLES", 200)
    asked = Problem(
        space=find_space("kws"),
        target=Target(device="stm32f446"),
        limits=Figures(ops=16.6e6, ram_bytes=52_000.0, flash_bytes=80_000.0),
        costs={"ops": OPS, "ram_bytes": LIVE, "flash_bytes": CONSTANTS},
    )
    parts = subspaces(asked, seed=1)
    assert [row.mean_ops for row in parts] == sorted((row.mean_ops for row in parts), reverse=True)
    assert sorted(row.multiplier for row in parts) == pytest.approx([n / 10 for n in range(2, 11)])
    first = parts[0]
    widest = max(row.options[-1] for row in first.space.decisions if row.name.endswith("filters"))
    assert widest <= 276 * first.multiplier + 4
    none = replace(asked, limits=Figures(ops=1000.0))
    with pytest.raises(UsageError, match="fewer than 10 are within the limits ops 1000"):
        subspaces(none, seed=1)


def test_search_gives_the_same_network_after_a_stop(tmp_path: Path) -> None:
    asked = problem(ops=60_000.0)
    steps: dict[int, Any] = {}

    def log(step: int, figures: Any) -> None:
        steps[step] = figures
        if step == 2 and stops:
            raise KeyboardInterrupt

    stops: list[bool] = []
    whole = search_tinynas(run(asked, tmp_path / "whole", log), SETTINGS)
    wanted = dict(steps)
    stops.append(True)
    with pytest.raises(KeyboardInterrupt):
        search_tinynas(run(asked, tmp_path / "stopped", log), SETTINGS)
    stops.clear()
    assert search_tinynas(run(asked, tmp_path / "stopped", log), SETTINGS) == whole
    assert steps == wanted and sorted(steps) == list(range(1, 6))
    assert not asked.excess(asked.estimate(SPACE.derive(whole)))
    assert steps[5]["accuracy"] > 0.4


def test_inputs_have_the_resolution_of_the_network(tmp_path: Path) -> None:
    """MCUNet searches resolution: each network is trained on the images at its own side."""
    space = find_space("tinynas-vww")
    recipe = replace(VWW, synthetic_per_class=5)
    smallest = space.derive(space.smallest())
    options = TrainingSetOptions(
        pipeline=smallest.pipeline,
        classes=smallest.classes,
        recipe=recipe,
        folders=DataFolders(named=None, cached=tmp_path),
        cache=tmp_path / "training",
    )
    asked = SearchRun(
        problem=Problem(space=space, target=Target(device="stm32f446"), limits=Figures(), costs={}),
        recipe=recipe,
        training_set=make_training_set(options),
        seed=1,
        epochs=1,
        out=tmp_path,
        log=lambda step, figures: None,
        listener=QUIET,
    )
    assert asked.for_network(smallest) is asked
    for side in (48, 112):
        arch = space.derive({**space.smallest(), "input.side": side})
        inputs, _ = asked.for_network(arch).samples(0)
        assert inputs.shape == (10, side, side, 3)
