# SPDX-License-Identifier: Apache-2.0
"""How long work reports what it is doing; the library never prints, it calls back."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass


@dataclass(frozen=True)
class Progress:
    """One step of a longer task."""

    stage: str
    """What kind of step, e.g. ``accuracy``."""
    done: int
    """Steps finished."""
    total: int
    """Steps in this stage."""
    text: str
    """What is being done now."""


def _ignore(value: object) -> None:
    """The callback of a caller that does not want to be told."""


@dataclass(frozen=True)
class Listener:
    """Where a run reports to: both callbacks are called on the caller's thread."""

    log: Callable[[str], None] = _ignore
    """Takes one sentence."""
    progress: Callable[[Progress], None] = _ignore
    """Takes each step."""
