# SPDX-License-Identifier: Apache-2.0
"""What a comparison is made of: one row for each engine, model and device, wherever its figures come from."""

from __future__ import annotations

import math
from dataclasses import asdict, dataclass, field, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

Answers = dict[str, NDArray[Any]]
"""Input's name -> what the device answered it: int8 output tensors, or the numbers of ``m-results``."""


@dataclass(frozen=True)
class Figures:
    """What one inference costs.

    ``ram_bytes`` is all static memory with the stack, ``constant_bytes`` the part of ``flash_bytes`` that is the model.
    None is what a device did not tell: counts come from an emulated core, sizes from a build.
    """

    latency_us: float
    instructions: float | None = None
    cycles: float | None = None
    arena_bytes: int | None = None
    ram_bytes: int | None = None
    flash_bytes: int | None = None
    constant_bytes: int | None = None

    @property
    def runtime_flash_bytes(self) -> int | None:
        """Flash without the model: start-up code, monitor, kernels, interpreter."""
        if self.flash_bytes is None or self.constant_bytes is None:
            return None
        return self.flash_bytes - self.constant_bytes


@dataclass(frozen=True)
class Difference:
    """How the answers to the same inputs differ from those of the row ``to``.

    Of ``values`` numbers in the answers to ``inputs`` inputs, ``different`` differ, by at most ``largest``: steps of
    the int8 output where ``exact``, else the unit of the results a device prints.
    """

    to: str
    inputs: int
    values: int
    different: int
    largest: float
    exact: bool


@dataclass(frozen=True)
class Row:
    """One engine with one model on one device. ``problem`` says why there are no ``figures``; "" when there are.

    ``timing`` is hardware, emulated or host; ``timing_model`` names an emulated core's cycle model. ``inputs`` says in
    words what was answered. ``difference`` is None in the row the others are compared with, and where there is nothing
    to compare. ``run`` is what a finished run is called here, ``folder`` where it lies.
    """

    model: str
    device: str
    engine: str
    engine_version: str = ""
    kernels: str = ""
    compiler: str = ""
    timing: str = "emulated"
    timing_model: str = ""
    inputs: str = ""
    figures: Figures | None = None
    problem: str = ""
    difference: Difference | None = None
    run: str = ""
    folder: str = ""
    answers: Answers = field(default_factory=dict, repr=False, compare=False)

    def to_json(self) -> dict[str, Any]:
        """Plain values, the answers left out; ``largest`` is None where answers differ in length."""
        values = asdict(replace(self, answers={}))
        del values["answers"]
        if self.difference is not None and math.isinf(self.difference.largest):
            values["difference"]["largest"] = None  # JSON has no infinity
        return values


def compared(row: Row, reference: Row | None) -> Row:
    """Return ``row`` with its difference to ``reference`` over the inputs both answered."""
    if reference is None or not (names := [name for name in row.answers if name in reference.answers]):
        return row
    ours, theirs = ([answers[name] for name in names] for answers in (row.answers, reference.answers))
    exact = all(values.dtype == np.int8 for values in (*ours, *theirs))
    apart = [
        # Wider than int8, in which -128 and 127 would be one apart; an answer of another length is different all over.
        np.abs(a.astype(np.float64) - b) if a.shape == b.shape else np.full(max(a.size, b.size), np.inf)
        for a, b in zip(ours, theirs, strict=True)
    ]
    all_apart = np.concatenate(apart)
    to = reference.run or reference.engine
    difference = Difference(
        to, len(names), all_apart.size, int(np.count_nonzero(all_apart)), float(all_apart.max(initial=0.0)), exact
    )
    return replace(row, difference=difference)
