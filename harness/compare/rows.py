# SPDX-License-Identifier: Apache-2.0
"""What a comparison consists of: one row for each engine, model and device, whether measured now or read from a run."""

from __future__ import annotations

import math
from dataclasses import asdict, dataclass, field, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

Answers = dict[str, NDArray[Any]]
"""Input's name -> what the device answered it: int8 output tensors, or the numbers of ``m-results``."""


@dataclass(frozen=True, kw_only=True)
class InferenceCost:
    """What one inference costs; None is what the device does not report."""

    latency_us: float
    """Device microseconds."""
    instructions: float | None = None
    """Of an emulated core."""
    cycles: float | None = None
    """Of an emulated core, modelled."""
    arena_bytes: int | None = None
    """RAM for activations and scratch."""
    ram_bytes: int | None = None
    """All static memory and the stack."""
    flash_bytes: int | None = None
    """The whole image."""
    constant_bytes: int | None = None
    """The part of ``flash_bytes`` that is the model."""

    @property
    def runtime_flash_bytes(self) -> int | None:
        """Flash without the model: start-up code, monitor, kernels, interpreter."""
        if self.flash_bytes is None or self.constant_bytes is None:
            return None
        return self.flash_bytes - self.constant_bytes


@dataclass(frozen=True, kw_only=True)
class OutputDifference:
    """How the answers to the same inputs differ from those of another row."""

    to: str
    """The other row's run or engine."""
    inputs: int
    """Inputs that both answered."""
    values: int
    """Numbers in these answers."""
    different: int
    """How many of them differ."""
    largest: float
    """By how much at most; infinite where answers differ in length."""
    exact: bool
    """Whether ``largest`` is in steps of the int8 output; else in the unit of the printed results."""


@dataclass(frozen=True, kw_only=True)
class ComparisonRow:
    """One engine with one model on one device."""

    model: str
    """Name of the model."""
    device: str
    """Name of the device."""
    engine: str
    """Name of the engine."""
    engine_version: str = ""
    """Of an external engine."""
    kernels: str = ""
    """Such as ``dsp`` or ``CMSIS-NN``."""
    compiler: str = ""
    """Name and version."""
    timing: str = "emulated"
    """``hardware``, ``emulated`` or ``host``."""
    timing_model: str = ""
    """Versions of an emulated core's cycle model."""
    inputs: str = ""
    """Description of the inputs."""
    cost: InferenceCost | None = None
    """None where there is a ``problem``."""
    problem: str = ""
    """Why there is no ``cost``."""
    difference: OutputDifference | None = None
    """None in the reference row, and where no input was answered by both."""
    run: str = ""
    """What a finished run is called here."""
    folder: str = ""
    """Where a finished run lies."""
    answers: Answers = field(default_factory=dict, repr=False, compare=False)
    """What the difference is computed from."""

    def to_json(self) -> dict[str, Any]:
        """Plain values without the answers; ``largest`` is None where answers differ in length."""
        values = asdict(replace(self, answers={}))
        del values["answers"]
        if self.difference is not None and math.isinf(self.difference.largest):
            values["difference"]["largest"] = None  # JSON has no infinity
        # The key is older than the attribute's name.
        return {"figures" if name == "cost" else name: value for name, value in values.items()}


def compared(row: ComparisonRow, reference: ComparisonRow | None) -> ComparisonRow:
    """Return a row with its difference to a reference, over the inputs both answered.

    Args:
        row: The row.
        reference: The row it is compared with; None for the reference itself.
    """
    if reference is None or not (names := [name for name in row.answers if name in reference.answers]):
        return row
    ours, theirs = ([answers[name] for name in names] for answers in (row.answers, reference.answers))
    exact = all(values.dtype == np.int8 for values in (*ours, *theirs))
    distances = [
        # As float64: in int8, -128 and 127 would be one apart. An answer of another length differs in every value.
        np.abs(a.astype(np.float64) - b) if a.shape == b.shape else np.full(max(a.size, b.size), np.inf)
        for a, b in zip(ours, theirs, strict=True)
    ]
    all_distances = np.concatenate(distances)
    difference = OutputDifference(
        to=reference.run or reference.engine,
        inputs=len(names),
        values=all_distances.size,
        different=int(np.count_nonzero(all_distances)),
        largest=float(all_distances.max(initial=0.0)),
        exact=exact,
    )
    return replace(row, difference=difference)
