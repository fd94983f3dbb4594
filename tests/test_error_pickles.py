# SPDX-License-Identifier: Apache-2.0
"""Errors: they arrive whole from worker processes."""

from __future__ import annotations

import pickle
from pathlib import Path

import pytest

from mlperf_tiny.errors import BenchError, DoesNotFit, LibraryUnusable, UnexpectedReply, UnsupportedOperator, UsageError


@pytest.mark.parametrize(
    "error",
    [
        UsageError("no such board"),
        DoesNotFit("stm32f446", "ram", 200_000, 131_072),
        UnexpectedReply("infer 1", "a lap", "m-ready"),
        UnsupportedOperator("ADD", "model", "its scale is 0"),
        LibraryUnusable(Path("library.a"), "it is damaged"),
    ],
    ids=lambda error: type(error).__name__,
)
def test_an_error_arrives_whole(error: BenchError) -> None:
    back = pickle.loads(pickle.dumps(error))
    assert type(back) is type(error) and str(back) == str(error) and vars(back) == vars(error)
