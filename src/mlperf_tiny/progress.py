# SPDX-License-Identifier: Apache-2.0
"""How long work reports its progress: the library never prints, it calls back."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass


@dataclass(frozen=True)
class Progress:
    """One step of a longer task."""

    stage: str
    """Kind of step, e.g. ``accuracy``."""
    done: int
    """Steps finished."""
    total: int
    """Steps in this stage."""
    text: str
    """What is being done now."""


def _ignore(value: object) -> None:
    """The callback of a caller that needs no report."""


@dataclass(frozen=True)
class Listener:
    """Where a run reports its progress; both callbacks are called on the caller's thread."""

    log: Callable[[str], None] = _ignore
    """Gets one sentence, to be shown on a line of its own."""
    progress: Callable[[Progress], None] = _ignore
    """Gets each step, as often as there are some."""
