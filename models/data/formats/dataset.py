# SPDX-License-Identifier: Apache-2.0
"""A data set: a named, ordered list of samples that are read on demand."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal

Source = Literal["real", "synthetic"]
NO_LABEL = -1


@dataclass(frozen=True)
class Sample:
    """One input file."""

    name: str
    """Its file name."""
    label: int
    """Index in ``Task.labels``, or NO_LABEL in a data set that is not labelled."""
    load: Callable[[], bytes]
    """Returns its bytes as they are sent over the wire; raises DataError for a file that is gone or of another size."""


@dataclass(frozen=True, kw_only=True)
class Dataset:
    """The samples of one task, in the order of its list."""

    name: str
    """The benchmark's id, as ``kws01``."""
    source: Source
    """Whether the samples are real or synthetic."""
    origin: str
    """Where they come from, for records."""
    samples: tuple[Sample, ...]
    """Each holds one inference per ``stride_bytes`` once ``window_bytes`` are there."""
    listed: int
    """Length of the list they were taken from."""
    window_bytes: int
    """Input of one inference."""
    stride_bytes: int
    """Distance between the starts of two windows of a sample."""
    complete: bool
    """True only for every file of an official list."""
    labelled: bool = True
    """False where no answer can be right or wrong: such a set serves performance runs only."""

    def windows(self, content: bytes) -> tuple[bytes, ...]:
        """Cut the bytes of one sample into the inputs of its inferences, each ``window_bytes`` long."""
        last = len(content) - self.window_bytes
        return tuple(content[at : at + self.window_bytes] for at in range(0, last + 1, self.stride_bytes))

    @property
    def summary(self) -> str:
        """One line for records and tables: what it is, how much of it is here, and where it is from."""
        have = len(self.samples)
        part = f"{have} samples" if have == self.listed else f"{have} of {self.listed} samples"
        return f"{self.name}, {self.source}: {part}, {self.origin}"
