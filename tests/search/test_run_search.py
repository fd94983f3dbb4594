# SPDX-License-Identifier: Apache-2.0
"""Small searches by each method, from the problem to the files: what is returned was measured within the limits."""

from __future__ import annotations

import csv
import json
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any

import pytest

from mlperf_tiny.errors import DataError, UsageError, WrongRequest
from mlperf_tiny.models.arch.row_file import read_arch
from mlperf_tiny.search.characterize.measure import Target
from mlperf_tiny.search.methods import METHODS, MethodRow, find_method
from mlperf_tiny.search.problem.estimate import make_problem
from mlperf_tiny.search.problem.finish import measured_figures
from mlperf_tiny.search.problem.method import SearchRun
from mlperf_tiny.search.problem.problem import Figures, Problem
from mlperf_tiny.search.run_search import Request, run_search

pytest.importorskip("tensorflow")

from mlperf_tiny.search.baselines.random_search import search_random
from mlperf_tiny.search.dnas.search import search_dnas
from mlperf_tiny.search.tinynas.search import search_tinynas
from tests.search.test_dnas import QUIET, RECIPE, SPACE, training_set
from tests.search.test_dnas import SETTINGS as DNAS
from tests.search.test_tinynas import SETTINGS as TINYNAS

SMALL: dict[str, Any] = {
    "dnas": partial(search_dnas, settings=DNAS),
    "tinynas": partial(search_tinynas, settings=TINYNAS),
    "random": partial(search_random, networks=3),
}


def small(name: str) -> MethodRow:
    row = find_method(name)
    return replace(row, load=lambda: SMALL[name]) if name in SMALL else row


@pytest.fixture(scope="module")
def asked(tmp_path_factory: pytest.TempPathFactory) -> tuple[Problem, Path]:
    objects = tmp_path_factory.mktemp("objects")
    limits = Figures(ops=40_000.0, ram_bytes=4_000.0, flash_bytes=32_000.0)
    target = Target(device="stm32f446", timing="instructions")
    return make_problem(SPACE, target, limits, None, by="latency", objects=objects), objects


def searched(asked: tuple[Problem, Path], method: str, out: Path, **changes: Any) -> dict[str, Any]:
    problem, objects = asked
    request = Request(method=small(method), problem=problem, by="latency", seed=1, epochs=1)
    out.mkdir(exist_ok=True)
    data = (RECIPE, training_set(out / "cache"))
    return run_search(replace(request, **changes), data, measured_figures(problem, objects), out, QUIET)


@pytest.mark.parametrize("method", [row.name for row in METHODS])
def test_network_was_measured_within_its_limits(method: str, asked: tuple[Problem, Path], tmp_path: Path) -> None:
    report = searched(asked, method, tmp_path)
    assert report == json.loads((tmp_path / "search.json").read_text())
    for name, most in asked[0].limits.given().items():
        assert report["measured"][name] <= most
    found = read_arch(tmp_path / "network.json")
    assert (found.name, 2 * found.macs) == (f"small-{method}", report["ops"])
    assert report["attempts"][-1]["too_much"] == {} and report["method"] == method
    assert (tmp_path / "history.csv").read_text().startswith("step,") and (tmp_path / "history.png").is_file()
    if method != "width":
        assert 0.0 < report["validation"] <= 1.0
    (tmp_path / "search.json").unlink()
    again = searched(asked, method, tmp_path)
    assert (again["network"], again["attempts"]) == (report["network"], report["attempts"])


def test_random_search_that_is_stopped_gives_the_same(
    asked: tuple[Problem, Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Stopped in the second epoch of the second network, and once more when all networks are trained."""
    whole = searched(asked, "random", tmp_path / "whole", epochs=2)
    epochs, samples = 0, SearchRun.samples

    def stopping(run: SearchRun, epoch: int) -> Any:
        nonlocal epochs
        epochs += 1
        if epochs == 6:  # three of each network: its first samples also give the shape
            raise KeyboardInterrupt
        return samples(run, epoch)

    with monkeypatch.context() as patch:
        patch.setattr(SearchRun, "samples", stopping)
        with pytest.raises(KeyboardInterrupt):
            searched(asked, "random", tmp_path / "part", epochs=2)
    assert len(json.loads((tmp_path / "part" / "random.json").read_text())["scores"]) == 1
    assert list((tmp_path / "part").glob("random-001*"))
    searched(asked, "random", tmp_path / "part", epochs=2)
    again = searched(asked, "random", tmp_path / "part", epochs=2)
    for name in ("network", "attempts", "validation"):
        assert again[name] == whole[name]
    tables = [list(csv.DictReader((tmp_path / name / "history.csv").open())) for name in ("whole", "part")]
    shown = [[{name: row[name] for name in row if name != "seconds"} for row in table] for table in tables]
    assert shown[0] == shown[1] and len(shown[0]) == 3


def test_folder_of_another_search_is_refused(asked: tuple[Problem, Path], tmp_path: Path) -> None:
    searched(asked, "width", tmp_path)
    with pytest.raises(WrongRequest, match=r"holds a search with another seed\. Use the same, or another --out folder"):
        searched(asked, "width", tmp_path, seed=2)
    other = {**asked[0].costs, "ops": replace(asked[0].costs["ops"], constant=1.0)}
    with pytest.raises(WrongRequest, match="holds a search with another estimates of the largest"):
        searched((replace(asked[0], costs=other), asked[1]), "width", tmp_path)


@pytest.mark.parametrize("content", [b"", b"{", b"[]", b"\xff"])
def test_folder_with_a_damaged_request_is_refused(content: bytes, asked: tuple[Problem, Path], tmp_path: Path) -> None:
    (tmp_path / "request.json").write_bytes(content)
    with pytest.raises(DataError, match=r"request.json is damaged.* Delete it, or name another folder with --out"):
        searched(asked, "width", tmp_path)


def test_impossible_limits_are_refused_before_anything_is_trained(asked: tuple[Problem, Path], tmp_path: Path) -> None:
    tight = replace(asked[0], limits=Figures(flash_bytes=1000.0))
    with pytest.raises(UsageError, match=r"--flash allows 1\.0 kB\. Allow at least \d+\.\d kB"):
        searched((tight, asked[1]), "dnas", tmp_path)
    assert not list(tmp_path.glob("*.npz"))


def test_unknown_method_is_refused_with_those_that_there_are() -> None:
    with pytest.raises(UsageError, match="unknown method 'dna'; known: dnas, tinynas, random, width"):
        find_method("dna")
