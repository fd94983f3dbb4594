# SPDX-License-Identifier: Apache-2.0
"""A search from its problem to the files of its result: the same for all methods.

``network.json`` is the row that ``micronet-train`` takes; ``search.json`` says what was asked, found and measured;
``history.csv``, ``history.png`` and ``tensorboard/`` show the steps.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass, replace
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from mlperf_tiny.disk import write_error
from mlperf_tiny.errors import DataError, WrongRequest
from mlperf_tiny.file_lock import locked
from mlperf_tiny.harness.image.build import source_digest
from mlperf_tiny.harness.record.settings import versions
from mlperf_tiny.models.arch.row_file import arch_json, write_arch
from mlperf_tiny.models.training.datasets.training_set import TrainingSet
from mlperf_tiny.models.training.recipes.recipe import Recipe
from mlperf_tiny.progress import Listener
from mlperf_tiny.search.methods import MethodRow
from mlperf_tiny.search.problem.finish import Finished, Measure, check_possible, finish
from mlperf_tiny.search.problem.history import History
from mlperf_tiny.search.problem.method import SearchRun
from mlperf_tiny.search.problem.problem import Figures, Problem
from mlperf_tiny.search.space.restrict import feasible
from mlperf_tiny.whole_file import write_whole

FORMAT = 1
HEADROOM = 0.02
"""Share of each limit that methods keep free, for the difference between an estimate and what is measured."""
NETWORK, REPORT, REQUEST, PLOT = "network.json", "search.json", "request.json", "history.png"


@dataclass(frozen=True, kw_only=True)
class Request:
    """What a search is, besides its data."""

    method: MethodRow
    """How networks are searched."""
    problem: Problem
    """What is searched for."""
    by: str
    """What stands for latency: ops, latency or energy."""
    seed: int
    """Of everything that is drawn."""
    epochs: int | None
    """As of ``SearchRun``."""

    def settings(self, training_set: TrainingSet) -> dict[str, Any]:
        """Return what the result depends on, as JSON values.

        Args:
            training_set: What is trained on.
        """
        return {
            "method": self.method.name,
            "space": self.problem.space.name,
            "target": asdict(self.problem.target),
            "timing_model": self.problem.target.timing_model,
            "limits": self.problem.limits.given(),
            "cost": self.by,
            "estimates of the largest": self._largest(),
            "seed": self.seed,
            "epochs": self.epochs,
            "training_set": dict(training_set.cache.settings),
        }

    def _largest(self) -> dict[str, float]:
        """Other costs, such as another latency model, give other estimates."""
        return self.problem.estimate(self.problem.space.derive(self.problem.space.largest())).given()


def run_search(
    request: Request,
    data: tuple[Recipe, TrainingSet],
    measure_one: Measure,
    out: Path,
    listener: Listener,
) -> dict[str, Any]:
    """Search, measure what is found, and write the files of the result; an interrupted search is continued.

    Args:
        request: What is searched for, and how.
        data: The task's recipe, and what is trained on.
        measure_one: Measures a network on the target.
        out: Folder of the search.
        listener: Gets log lines and progress.

    Returns:
        What ``search.json`` holds.

    Raises:
        UsageError: No network of the space can meet the limits, or none that was found does.
        WrongRequest: ``out`` holds another search.
        DataError: ``out`` cannot be written.
    """
    try:
        out.mkdir(parents=True, exist_ok=True)
        with locked(out):
            return _search(request, data, measure_one, out, listener)
    except OSError as error:
        raise write_error(error, out, "or name another folder with --out", DataError) from error


def _search(
    request: Request, data: tuple[Recipe, TrainingSet], measure_one: Measure, out: Path, listener: Listener
) -> dict[str, Any]:
    recipe, training_set = data
    settings = request.settings(training_set)
    _claim(out / REQUEST, settings)
    check_possible(request.problem, measure_one)
    problem = replace(request.problem, space=request.method.space(request.problem.space))
    tight = problem.tightened(HEADROOM)
    narrowed = replace(tight, space=feasible(problem.space, tight.fits))
    history = History(out)
    decisions = request.method.load()(
        SearchRun(
            problem=narrowed,
            recipe=recipe,
            training_set=training_set,
            seed=request.seed,
            epochs=request.epochs,
            out=out,
            log=history.log,
            listener=listener,
        )
    )
    finished = finish(problem, decisions, f"{problem.space.name}-{request.method.name}", measure_one)
    report = _report(request, {**settings, "training_data": training_set.provenance}, history, finished)
    write_arch(out / NETWORK, finished.arch)
    write_whole(out / REPORT, f"{json.dumps(report, indent=1)}\n".encode())
    history.write_table()
    _plot(history, problem.limits, out / PLOT, listener)
    return report


def _claim(path: Path, settings: Mapping[str, Any]) -> None:
    """Write what a folder's search is, or refuse a folder that holds another one."""
    wanted = json.loads(json.dumps(settings))
    if path.is_file():
        try:
            stored = json.loads(path.read_text(encoding="utf-8"))
        except ValueError:
            stored = None
        if not isinstance(stored, dict):
            raise DataError(
                f"{path} is damaged: it holds no JSON object. Delete it, or name another folder with --out."
            )
        if stored != wanted:
            names = ", ".join(name for name in wanted if stored.get(name) != wanted[name])
            raise WrongRequest(
                f"{path.parent} holds a search with another {names}. Use the same, or another --out folder."
            )
        return
    write_whole(path, f"{json.dumps(wanted, indent=1)}\n".encode())


def _report(request: Request, settings: Mapping[str, Any], history: History, finished: Finished) -> dict[str, Any]:
    """All that a search has found."""
    scores = [row["accuracy"] for _, row in sorted(history.rows.items()) if "accuracy" in row]
    return {
        "format": FORMAT,
        "sources": source_digest(),
        "versions": versions(),
        **settings,
        "network": arch_json(finished.arch),
        "ops": 2 * finished.arch.macs,
        "parameters": finished.arch.parameters,
        "measured": finished.last.measured.given(),
        "estimated": finished.last.estimated.given(),
        "validation": scores[-1] if scores else None,
        "search_s": round(history.seconds, 1),
        "attempts": [
            {
                "decisions": dict(attempt.decisions),
                "estimated": attempt.estimated.given(),
                "measured": attempt.measured.given(),
                "too_much": request.problem.excess(attempt.measured),
            }
            for attempt in finished.attempts
        ],
    }


def _plot(history: History, limits: Figures, path: Path, listener: Listener) -> None:
    if find_spec("matplotlib") is None:
        listener.log("no picture is drawn without Matplotlib: pip install 'mlperf-tiny-harness[plot]'")
        return
    from mlperf_tiny.search.problem.plots import plot_history

    plot_history(history.rows, limits, path)
