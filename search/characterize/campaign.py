# SPDX-License-Identifier: Apache-2.0
"""Random networks of a space, measured one by one on a target, on as many processes or machines as there are.

Networks are drawn in a fixed order from a seed, and the table holds the first of them that fit, so the same seed gives
the same table whatever the workers did. A row is kept as soon as it is measured.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import FIRST_COMPLETED, Executor, Future, wait
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np

from mlperf_tiny.disk import write_error
from mlperf_tiny.errors import DataError
from mlperf_tiny.file_lock import locked
from mlperf_tiny.models.arch.arch import Arch
from mlperf_tiny.progress import Listener, Progress
from mlperf_tiny.search.characterize.measure import Measurement, Target, measure, target_settings
from mlperf_tiny.search.characterize.table import MEASURED, MeasuredFile, Row, write_tables
from mlperf_tiny.search.space.space import Decisions, SearchSpace

MAX_DRAWN = 50
"""Networks drawn at most for each one that is wanted: of a space whose networks hardly fit, fewer are measured."""


@dataclass(frozen=True, kw_only=True)
class Candidate:
    """A network that was drawn."""

    index: int
    """Its number among those drawn, from 0."""
    decisions: Decisions
    """What makes it a network of the space."""
    arch: Arch
    """The network."""


@dataclass(frozen=True, kw_only=True)
class Campaign:
    """What is characterised."""

    space: SearchSpace
    """Where networks are drawn from."""
    target: Target
    """What they are measured on."""
    models: int
    """How many networks that fit are measured."""
    seed: int
    """Of the networks drawn, their weights and inputs."""
    widest: float = 1.0
    """Share of the options of each decision that networks are drawn from, from the cheapest: of a backbone that is far
    too large for a board hardly any network of all widths fits."""

    def candidates(self) -> Iterator[Candidate]:
        """Yield networks in the order in which they are drawn, each of them once."""
        random = np.random.default_rng(self.seed)
        seen: set[tuple[Any, ...]] = set()
        for index in range(MAX_DRAWN * self.models):
            decisions = self.space.sample(random, self.widest)
            arch = self.space.derive(decisions, f"{self.space.name}-{self.seed}-{index}")
            if (key := (arch.input_shape, arch.blocks)) not in seen:
                seen.add(key)
                yield Candidate(index=index, decisions=decisions, arch=arch)

    def settings(self) -> dict[str, Any]:
        """Return all that the table depends on, as JSON values."""
        return {
            "space": self.space.name,
            **target_settings(self.target, self.space.derive(self.space.smallest())),
            "seed": self.seed,
            "models": self.models,
            "widest": self.widest,
        }


def characterize(
    campaign: Campaign, out: Path, pool: tuple[Executor, int], objects: Path | None, listener: Listener
) -> None:
    """Measure a campaign and write its tables; what an earlier call has measured is kept.

    Args:
        campaign: What is characterised.
        out: Folder of the tables.
        pool: Where networks are measured, and how many it measures at once.
        objects: Folder for compiled kernels, shared by workers; None: each network compiles them.
        listener: Gets each network.

    Raises:
        WrongRequest: ``out`` holds another characterisation.
        DataError: ``out`` cannot be written.
        BenchError: A network could not be measured for another reason than its size.
    """
    settings = campaign.settings()
    try:
        out.mkdir(parents=True, exist_ok=True)
        with locked(out):
            kept = MeasuredFile(out / MEASURED, settings)
            drawn = _measure_all(
                campaign, kept, pool, partial(measure, target=campaign.target, objects=objects), listener
            )
            write_tables(out, settings, ((kept.rows[one.index], one.arch) for one in drawn))
    except OSError as error:
        raise write_error(error, out, "or name another folder with --out", DataError) from error


def _measure_all(
    campaign: Campaign,
    kept: MeasuredFile,
    pool: tuple[Executor, int],
    measure_one: Callable[..., Measurement],
    listener: Listener,
) -> list[Candidate]:
    """Measure until enough of the networks fit, counted in the order drawn; return those up to the last one."""
    executor, workers = pool
    candidates = campaign.candidates()
    drawn: list[Candidate] = []
    running: dict[Future[Measurement], Candidate] = {}
    clock = _Clock(measured_before=len(kept.rows))
    try:
        while True:
            # One more than there are workers, so that none waits; no more than are needed if all of them fit.
            while len(running) < workers + 1 and _fitting(drawn, kept) + len(running) < campaign.models:
                candidate = next(candidates, None)
                if candidate is None:
                    break
                drawn.append(candidate)
                if candidate.index not in kept.rows:
                    running[executor.submit(measure_one, candidate.arch, seed=candidate.index)] = candidate
            if not running:
                return drawn
            for future in wait(running, return_when=FIRST_COMPLETED).done:
                done = running.pop(future)
                kept.add(Row(index=done.index, decisions=done.decisions, measurement=future.result()))
                listener.progress(clock.progress(campaign, kept))
    finally:
        for future in running:
            future.cancel()


def _fitting(drawn: Sequence[Candidate], kept: MeasuredFile) -> int:
    """How many of the networks drawn are known to fit."""
    return sum(kept.rows[one.index].measurement.fits for one in drawn if one.index in kept.rows)


class _Clock:
    """Time used and left."""

    def __init__(self, measured_before: int) -> None:
        self._start_s, self._before = time.monotonic(), measured_before

    def progress(self, campaign: Campaign, kept: MeasuredFile) -> Progress:
        """The step that was just done."""
        fitting = sum(row.measurement.fits for row in kept.rows.values())
        left = max(0, campaign.models - fitting)
        each_s = (time.monotonic() - self._start_s) / max(1, len(kept.rows) - self._before)
        # As many more will not fit as did not until now.
        eta_s = each_s * left * len(kept.rows) / max(1, fitting)
        text = f"{len(kept.rows) - fitting} too large, {each_s:.1f} s each, {eta_s:.0f} s left"
        return Progress("measuring", min(fitting, campaign.models), campaign.models, text)
