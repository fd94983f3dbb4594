# SPDX-License-Identifier: Apache-2.0
"""What a data set is to the rest of the project: a named, ordered list of samples that are read when asked for."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal

Source = Literal["real", "synthetic"]
NO_LABEL = -1


@dataclass(frozen=True)
class Sample:
    """One input file. ``load`` reads or makes its bytes, exactly as the benchmark's wire wants them.

    ``label`` is the index in ``Task.labels``, or NO_LABEL in a data set that is not labelled. ``load`` raises
    DataError when the file went away or has not the size its task asks for.
    """

    name: str
    label: int
    load: Callable[[], bytes]


@dataclass(frozen=True)
class Dataset:
    """The samples of one task, in the order of its list.

    ``name`` is the benchmark's id (``kws01``). ``origin`` says in words where the samples come from. ``listed`` is
    the length of the list they were taken from; ``complete`` is true only for every file of an official list.
    ``labelled`` is false where no answer can be right or wrong (made-up inputs for a smoke run): such a set serves
    performance runs only. A sample holds one inference per ``stride_bytes`` once ``window_bytes`` are there.
    """

    name: str
    source: Source
    origin: str
    samples: tuple[Sample, ...]
    listed: int
    window_bytes: int
    stride_bytes: int
    complete: bool
    labelled: bool = True

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
