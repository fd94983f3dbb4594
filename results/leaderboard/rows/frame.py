# SPDX-License-Identifier: Apache-2.0
"""Rows as a pandas table of texts, and back. pandas is imported here when it is first needed."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING, Any

from mlperf_tiny.results.leaderboard.rows.columns import NAMES, Row

if TYPE_CHECKING:
    import pandas as pd


def frame_of(rows: Iterable[Row]) -> pd.DataFrame:
    """Return ``rows`` as a table: one column of texts for each column of the leaderboard, in its order."""
    import pandas as pd

    return pd.DataFrame(list(rows), columns=[*NAMES], dtype=str)


def rows_of(frame: pd.DataFrame) -> list[Row]:
    """Return the rows of such a table, in its order; further columns are left out."""
    records: list[Any] = frame[[*NAMES]].to_dict("records")
    return records
