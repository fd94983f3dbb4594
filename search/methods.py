# SPDX-License-Identifier: Apache-2.0
"""The methods of searching, one row each. Their modules, and TensorFlow, are imported when a method is used."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING

from mlperf_tiny.errors import UsageError, did_you_mean

if TYPE_CHECKING:
    from mlperf_tiny.search.problem.method import Method
    from mlperf_tiny.search.space.space import SearchSpace


def _dnas() -> Method:
    from mlperf_tiny.search.dnas.search import search_dnas

    return search_dnas


def _tinynas() -> Method:
    from mlperf_tiny.search.tinynas.search import search_tinynas

    return search_tinynas


def _random() -> Method:
    from mlperf_tiny.search.baselines.random_search import search_random

    return search_random


def _width() -> Method:
    from mlperf_tiny.search.baselines.width_scaling import scale_width

    return scale_width


def _same(space: SearchSpace) -> SearchSpace:
    return space


def _finer(space: SearchSpace) -> SearchSpace:
    from mlperf_tiny.search.space.restrict import finer

    return finer(space)


@dataclass(frozen=True, kw_only=True)
class MethodRow:
    """A method of searching."""

    name: str
    """As ``--method`` names it."""
    summary: str
    """What it does, in a few words."""
    load: Callable[[], Method]
    """Returns the function."""
    space: Callable[[SearchSpace], SearchSpace] = _same
    """From the space that is named to the one that is searched."""


METHODS = (
    MethodRow(name="dnas", summary="differentiable search of the MicroNets paper", load=_dnas),
    MethodRow(
        name="tinynas", summary="MCUNet's two stages with a weight-sharing supernet and evolution", load=_tinynas
    ),
    MethodRow(name="random", summary="the best of random networks within the limits", load=_random),
    MethodRow(name="width", summary="the widest network with one multiplier for all widths", load=_width, space=_finer),
)


def find_method(name: str) -> MethodRow:
    """Return a method by its name; raises UsageError for an unknown one."""
    rows = {row.name: row for row in METHODS}
    if name not in rows:
        raise UsageError(f"unknown method {name!r}; known: {', '.join(rows)}.{did_you_mean(name, rows)}")
    return rows[name]
