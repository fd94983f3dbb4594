# SPDX-License-Identifier: Apache-2.0
"""From the decisions of a search to a network that was measured to be within the limits.

A derived network is compiled and run on the emulated board. Where it exceeds a limit, it is made smaller, one decision
at a time, until its estimates, corrected by what was measured, are within the limits, and measured again. What cannot
be made to fit is refused; nothing is returned that was not measured.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from mlperf_tiny.errors import UsageError
from mlperf_tiny.models.arch.arch import Arch
from mlperf_tiny.search.characterize.measure import Measurement, measure
from mlperf_tiny.search.problem.limits import OPTIONS, figure_text
from mlperf_tiny.search.problem.problem import Figures, Problem
from mlperf_tiny.search.space.space import Decisions

MARGIN = 1e-3
"""Share below a limit that corrected estimates are brought to."""

Measure = Callable[[Arch], Figures]
"""Compiles and runs a network; RAM or flash that it lacks is what it would need."""


@dataclass(frozen=True, kw_only=True)
class Attempt:
    """A network that was measured."""

    decisions: Decisions
    """The network."""
    estimated: Figures
    """What was expected of it."""
    measured: Figures
    """What it took."""


@dataclass(frozen=True, kw_only=True)
class Finished:
    """A network within the limits."""

    arch: Arch
    """The network."""
    attempts: tuple[Attempt, ...]
    """All that were measured: the one that the search gave first, the one that is returned last."""

    @property
    def last(self) -> Attempt:
        """The network that is returned."""
        return self.attempts[-1]


def measured_figures(problem: Problem, objects: Path | None) -> Measure:
    """Return the function that measures a network on a problem's target.

    Args:
        problem: Has the target.
        objects: Folder for compiled kernels.
    """

    def figures(arch: Arch) -> Figures:
        return _figures(arch, measure(arch, problem.target, objects=objects))

    return figures


def _figures(arch: Arch, found: Measurement) -> Figures:
    if not found.fits:
        return Figures(ram_bytes=found.ram_bytes or None, flash_bytes=found.flash_bytes or None, ops=2.0 * arch.macs)
    return Figures(
        latency_ms=found.latency_ms,
        energy_uj=found.energy_uj,
        ops=2.0 * arch.macs,
        ram_bytes=found.ram_bytes,
        flash_bytes=found.flash_bytes,
    )


def check_possible(problem: Problem, measure_one: Measure) -> None:
    """Raise UsageError where even the smallest network of a space exceeds a limit, with the nearest one that is met.

    Args:
        problem: The problem.
        measure_one: Measures a network.
    """
    space = problem.space
    figures = measure_one(space.derive(space.smallest()))
    for name in problem.excess(figures):
        got, most = figures.given()[name], problem.limits.given()[name]
        raise UsageError(
            f"the smallest network of space {space.name} takes {figure_text(name, got)} on {problem.target.device}; "
            f"{OPTIONS[name]} allows {figure_text(name, most)}. Allow at least {figure_text(name, got)}, or search "
            "another space."
        )


def finish(problem: Problem, decisions: Decisions, name: str, measure_one: Measure) -> Finished:
    """Return a network within the limits: the one decided, or one that was made smaller.

    Args:
        problem: The problem.
        decisions: What a search has found.
        name: What the network is called.
        measure_one: Measures a network.

    Raises:
        UsageError: No network that is smaller in each decision is within the limits.
    """
    attempts: list[Attempt] = []
    while True:
        arch = problem.space.derive(decisions, name)
        attempt = Attempt(decisions=decisions, estimated=problem.estimate(arch), measured=measure_one(arch))
        attempts.append(attempt)
        fits = _ran(attempt.measured) and not problem.excess(attempt.measured)
        if fits:
            return Finished(arch=arch, attempts=tuple(attempts))
        decisions = _smaller(problem, attempt)


def _ran(measured: Figures) -> bool:
    """Whether a network ran: one that does not fit the device has no latency."""
    return measured.latency_ms is not None


def _smaller(problem: Problem, attempt: Attempt) -> Decisions:
    """Decisions, some of them lower, whose corrected estimates are within the limits; at least one is lower."""
    limits = _corrected(problem, attempt)
    decisions = dict(attempt.decisions)
    while options := _steps_down(problem, decisions):
        now = problem.estimate(problem.space.derive(decisions)).given()
        decisions = max(options, key=lambda row: _relief(problem, row, now, limits))
        after = problem.estimate(problem.space.derive(decisions)).given()
        if all(after[name] <= most * (1.0 - MARGIN) for name, most in limits.items()):
            return decisions
    if decisions != attempt.decisions:
        return decisions  # the smallest: it is measured before it is refused
    raise UsageError(
        f"no network of space {problem.space.name} that was found is within the limits when it is measured: "
        f"{_limits_text(problem)}. Allow more."
    )


def _limits_text(problem: Problem) -> str:
    return ", ".join(f"{OPTIONS[name]} {figure_text(name, most)}" for name, most in problem.limits.given().items())


def _corrected(problem: Problem, attempt: Attempt) -> dict[str, float]:
    """Limits for estimates: those asked for, times how far estimates were off; and those of the device's memories."""
    estimated, measured = attempt.estimated.given(), attempt.measured.given()
    limits = dict(problem.limits.given())
    if not _ran(attempt.measured):
        board = problem.target.board
        for name, most in (
            ("ram_bytes", board.memory("ram").size_bytes),
            ("flash_bytes", board.memory("flash").size_bytes),
        ):
            limits[name] = min(float(most), limits.get(name, float(most)))
    return {
        name: most * (estimated[name] / measured[name] if measured.get(name) else 1.0) for name, most in limits.items()
    }


def _steps_down(problem: Problem, decisions: Mapping[str, Any]) -> list[dict[str, Any]]:
    """Decisions with one of them a step lower, where that gives another network."""
    found = []
    arch = problem.space.derive(decisions)
    for row in problem.space.decisions:
        place = row.options.index(decisions[row.name])
        if place > 0:
            lower = {**decisions, row.name: row.options[place - 1]}
            if problem.space.derive(lower).blocks != arch.blocks or row.name == "input.side":
                found.append(lower)
    return found


def _relief(
    problem: Problem, decisions: Mapping[str, Any], now: Mapping[str, float], limits: Mapping[str, float]
) -> float:
    """By how much decisions lower what is too much, for each share of the operations they lose."""
    after = problem.estimate(problem.space.derive(decisions)).given()
    relief = sum(max(0.0, now[name] / most - 1.0) - max(0.0, after[name] / most - 1.0) for name, most in limits.items())
    lost = max(1e-6, 1.0 - after["ops"] / now["ops"])
    # Where all is within the limits but the last share, the least loss is best.
    return relief / lost if relief > 0.0 else -lost
