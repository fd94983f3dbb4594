# SPDX-License-Identifier: Apache-2.0
"""Records and reviewed results to ``leaderboard.csv``, a table and a page; docs/leaderboard.md has the account."""

from results.leaderboard.build import Leaderboard, build_leaderboard, update_leaderboard
from results.leaderboard.columns import COLUMNS, FORMAT, NAMES, Row
from results.leaderboard.file import check_leaderboard, read_leaderboard, write_leaderboard
from results.leaderboard.ranking import ranked
from results.leaderboard.record_rows import row_of_record
from results.leaderboard.review_rows import row_of_review

__all__ = [
    "COLUMNS",
    "FORMAT",
    "NAMES",
    "Leaderboard",
    "Row",
    "build_leaderboard",
    "check_leaderboard",
    "ranked",
    "read_leaderboard",
    "row_of_record",
    "row_of_review",
    "update_leaderboard",
    "write_leaderboard",
]
