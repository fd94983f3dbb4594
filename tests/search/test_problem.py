# SPDX-License-Identifier: Apache-2.0
"""Limits, estimates against measurements, and networks that are made smaller until they are within the limits."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from mlperf_tiny.errors import DataError, UsageError, WrongRequest
from mlperf_tiny.models.arch.arch import Arch
from mlperf_tiny.search.baselines.width_scaling import scaled
from mlperf_tiny.search.characterize.measure import Target
from mlperf_tiny.search.cost.analytic import CONSTANTS, OPS
from mlperf_tiny.search.cost.latency import LatencyModel
from mlperf_tiny.search.cost.latency_file import (
    differences,
    fitted_path,
    read_latency_model,
    write_latency_model,
)
from mlperf_tiny.search.cost.memory import ARENA
from mlperf_tiny.search.problem.estimate import make_problem
from mlperf_tiny.search.problem.finish import check_possible, finish, measured_figures
from mlperf_tiny.search.problem.history import History
from mlperf_tiny.search.problem.limits import figure_text, parse_limits
from mlperf_tiny.search.problem.problem import Figures, Problem
from mlperf_tiny.search.space.restrict import finer
from mlperf_tiny.search.space.spaces import find_space

KWS = find_space("kws")
TARGET = Target(device="stm32f446", timing="pipeline")
COSTS = {
    "ops": OPS,
    "ram_bytes": replace(ARENA, constant=2200.0),
    "flash_bytes": replace(CONSTANTS, constant=30_000.0),
    "latency_ms": replace(OPS, constant=4e6),
}


@pytest.mark.parametrize(
    ("texts", "wanted"),
    [
        ({"latency": "100ms"}, {"latency_ms": 100.0}),
        ({"latency": "0.1 s", "energy": None}, {"latency_ms": 100.0}),
        ({"latency": "250us"}, {"latency_ms": 0.25}),
        ({"energy": "4mJ"}, {"energy_uj": 4000.0}),
        ({"ops": "16.6M"}, {"ops": 16.6e6}),
        ({"ram": "110kB", "flash": "64KiB"}, {"ram_bytes": 110_000.0, "flash_bytes": 65_536.0}),
        ({"flash": "110000"}, {"flash_bytes": 110_000.0}),
    ],
)
def test_limits_are_read(texts: dict[str, str | None], wanted: dict[str, float]) -> None:
    assert parse_limits(texts).given() == pytest.approx(wanted)


@pytest.mark.parametrize(
    ("texts", "message"),
    [
        ({"latency": "100"}, "--latency is '100'; wanted a number above 0 with one of the units us, ms, s"),
        ({"latency": "0ms"}, "--latency is '0ms'"),
        ({"latency": "-5ms"}, "--latency is '-5ms'"),
        ({"latency": "1e3ms"}, "--latency is '1e3ms'"),
        ({"latency": "ms"}, "--latency is 'ms'"),
        ({"ram": "110ms"}, "--ram is '110ms'; wanted a number above 0 with one of the units B, kB"),
        ({"ops": "9" * 400}, "--ops is '9"),
        ({"ram": None}, "a search needs a limit, such as --latency 100ms"),
    ],
)
def test_what_is_no_limit_is_refused(texts: dict[str, str | None], message: str) -> None:
    with pytest.raises(UsageError) as raised:
        parse_limits(texts)
    assert message in str(raised.value)


def test_figures_are_written_with_their_units() -> None:
    texts = [
        figure_text(*row)
        for row in (("latency_ms", 70.636), ("energy_uj", 6942.0), ("ops", 8.8e6), ("ram_bytes", 512.0))
    ]
    assert texts == ["70.64 ms", "6.942 mJ", "8.80 Mops", "0.5 kB"]


def test_latency_model_is_the_same_from_its_file(tmp_path: Path) -> None:
    model = LatencyModel(
        settings={"timing_model": "full"}, clock_hz=1e6, outside_cycles=5.0, cycles={"add": {"layer": 1.5}}
    )
    write_latency_model(tmp_path / "model.json", model)
    assert read_latency_model(tmp_path / "model.json") == model
    assert differences(model, {"timing_model": "full", "sources": "x"}) == ("sources",)
    (tmp_path / "bad.json").write_text('{"format": 1}')
    with pytest.raises(DataError, match=r"bad.json holds no latency model"):
        read_latency_model(tmp_path / "bad.json")
    with pytest.raises(WrongRequest, match=r"none.json cannot be read: No such file"):
        read_latency_model(tmp_path / "none.json")


@pytest.mark.parametrize("device", ["stm32f446", "stm32f746"])
def test_models_of_this_project_know_the_layers_of_the_keyword_space(device: str) -> None:
    model = read_latency_model(fitted_path(device, "compiled"))
    problem = Problem(space=KWS, target=TARGET, limits=Figures(), costs={"latency_ms": model.cost()})
    random = np.random.default_rng(3)
    for _ in range(20):
        assert problem.estimate(KWS.derive(KWS.sample(random))).given()["latency_ms"] > 1.0


def within(problem: Problem, measured: Figures) -> bool:
    return measured.latency_ms is not None and not problem.excess(measured)


def test_networks_are_within_200_random_limits(tmp_path: Path) -> None:
    """What is measured differs from what is estimated by up to a tenth, another for each network and figure."""
    random = np.random.default_rng(11)
    base = Problem(space=KWS, target=TARGET, limits=Figures(), costs=COSTS)
    low = base.estimate(KWS.derive(KWS.smallest())).given()
    high = base.estimate(KWS.derive(KWS.largest())).given()

    def measure_one(arch: Arch) -> Figures:
        noise = np.random.default_rng(arch.macs)
        got = base.estimate(arch).given()
        return Figures(**{name: value * noise.uniform(0.9, 1.1) for name, value in got.items()})

    refused = 0
    for _ in range(200):
        names = [name for name in low if random.random() < 0.6] or ["latency_ms"]
        limits = Figures(**{name: low[name] + random.random() ** 2 * (high[name] - low[name]) for name in names})
        problem = replace(base, limits=limits)
        decisions = KWS.sample(random)
        try:
            found = finish(problem, decisions, "found", measure_one)
        except UsageError:
            refused += 1
            assert problem.excess(measure_one(KWS.derive({**KWS.smallest()})))
            continue
        assert within(problem, found.last.measured) and found.last.measured == measure_one(found.arch)
        assert all(not within(problem, attempt.measured) for attempt in found.attempts[:-1])
        assert len(found.attempts) < 12
    assert refused < 20  # by limits that the smallest network exceeds


def test_network_that_exceeds_measured_limits_is_made_smaller(tmp_path: Path) -> None:
    problem = make_problem(
        KWS,
        TARGET,
        Figures(ram_bytes=60_000.0, flash_bytes=90_000.0, ops=12e6),
        None,
        by="latency",
        objects=tmp_path,
    )
    measure_one = measured_figures(problem, tmp_path)
    wide = scaled(KWS, 1.0)
    found = finish(problem, wide, "found", measure_one)
    assert len(found.attempts) >= 2 and found.arch.name == "found"
    assert found.attempts[0].measured.latency_ms is None  # it does not fit the flash
    got = found.last.measured.given()
    assert got["ram_bytes"] <= 60_000 and got["flash_bytes"] <= 90_000 and got["ops"] <= 12e6
    estimated = found.last.estimated.given()
    assert estimated["ram_bytes"] == pytest.approx(got["ram_bytes"], abs=300)
    assert estimated["flash_bytes"] == pytest.approx(got["flash_bytes"], rel=0.03)
    with pytest.raises(
        UsageError, match=r"smallest network of space kws takes .* kB on stm32f446; --ram allows 9.0 kB"
    ):
        check_possible(replace(problem, limits=Figures(ram_bytes=9_000.0)), measure_one)


def test_limit_without_a_cost_is_refused(tmp_path: Path) -> None:
    with pytest.raises(
        UsageError, match=r"there is no latency model of stm32f446 with engine compiled\. Measure networks"
    ):
        make_problem(KWS, TARGET, Figures(latency_ms=10.0), None, by="latency", objects=tmp_path)


@pytest.mark.parametrize("limits", [Figures(latency_ms=10.0), Figures(energy_uj=10.0)])
def test_latency_model_that_lacks_layers_of_the_space_is_refused(limits: Figures, tmp_path: Path) -> None:
    model = LatencyModel(settings={}, clock_hz=1e6, outside_cycles=0.0, cycles={"conv": {"layer": 1.0}})
    wanted = r"no layers of kind pool, .*space kws has\. Measure networks with micronet-characterize kws "
    with pytest.raises(UsageError, match=wanted):
        make_problem(KWS, TARGET, limits, model, by="latency", objects=tmp_path)
    with pytest.raises(UsageError, match=wanted):
        make_problem(KWS, TARGET, limits, model, by="ops", objects=tmp_path)


def test_without_such_limits_it_is_not_used(tmp_path: Path) -> None:
    model = LatencyModel(settings={}, clock_hz=1e6, outside_cycles=0.0, cycles={"conv": {"layer": 1.0}})
    problem = make_problem(KWS, TARGET, Figures(ram_bytes=60_000.0), model, by="latency", objects=tmp_path)
    assert sorted(problem.costs) == ["flash_bytes", "ops", "ram_bytes"]


def test_steps_of_a_search_are_kept_once(tmp_path: Path) -> None:
    first = History(tmp_path)
    first.log(1, {"loss": 2.0})
    first.log(2, {"loss": 1.0, "accuracy": 0.5})
    with (tmp_path / "steps.jsonl").open("a") as stream:
        stream.write('{"step": 2, "loss": 1.0, "accuracy": 0.5, "seconds": 7.0}\n{"step": 3, "lo')
    again = History(tmp_path)
    assert sorted(again.rows) == [1, 2]
    again.log(2, {"loss": 0.5, "accuracy": 0.6})
    assert 7.0 <= again.seconds < 60.0  # what the step took before the stop counts
    again.write_table()
    lines = (tmp_path / "history.csv").read_text().splitlines()
    assert lines[0] == "step,loss,seconds,accuracy" and [line.split(",")[1] for line in lines[1:]] == ["2.0", "0.5"]


def test_widths_are_scaled_together() -> None:
    space: Any = finer(KWS)
    half = scaled(space, 0.5)
    assert {value for name, value in half.items() if name.endswith("filters")} == {136}
    assert all(half[name] for name in half if name.endswith("keep"))
