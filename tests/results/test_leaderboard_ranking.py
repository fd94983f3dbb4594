# SPDX-License-Identifier: Apache-2.0
"""Who shares a ranking, who has a rank, and that nothing but the rows decides about the order."""

from __future__ import annotations

import random
from itertools import pairwise
from typing import Any

import pytest

from mlperf_tiny.harness.record.record import AccuracyMetrics
from mlperf_tiny.results.leaderboard.ranking import GROUP, ranked
from mlperf_tiny.results.leaderboard.rows.columns import Row
from tests.results.leaderboard_rows import published_row, refused, run_row

MEASURED: dict[str, Any] = {
    "timing": "hardware", "timing_model": "", "timing_level": "", "timing_generation": None,
}  # fmt: skip


def ranks(*rows: Row) -> dict[str, str]:
    return {row["RunId"] or row["SystemDesc"]: row["Rank"] for row in ranked(rows)}


def test_equal_latencies_share_a_rank() -> None:
    assert ranks(run_row("a", 3.0), run_row("b", 2.0), run_row("c", 2.0)) == {"a": "3", "b": "1", "c": "1"}


@pytest.mark.parametrize(
    "changes",
    [
        MEASURED,
        {**MEASURED, "timing": "host"},
        {"timing_level": "full"},
        {"timing_generation": 2},
        {"division": "open"},
        {"task": "ic"},
    ],
    ids=["hardware", "host", "level", "generation", "division", "task"],
)
def test_what_may_not_be_compared_has_rankings_of_its_own(changes: dict[str, Any]) -> None:
    assert ranks(run_row("a", 3.0), run_row("b", 5.0, **changes)) == {"a": "1", "b": "1"}


def test_cores_of_one_generation_share_a_ranking() -> None:
    """Each core's model has versions of its own."""
    other = run_row("b", 5.0, device="stm32f446", timing_model="pipeline, cortex-m4 2")
    assert ranks(run_row("a", 3.0), other) == {"a": "1", "b": "2"}


def test_runs_on_hardware_and_published_results_share_a_ranking() -> None:
    own = run_row("a", 3.0, **MEASURED)
    assert ranks(own, published_row(), published_row(SystemDesc="fast", LatencyMs="1.000000")) == {
        "fast": "1", "a": "2", "board_one": "3",
    }  # fmt: skip


@pytest.mark.parametrize(
    ("unranked", "why"),
    [
        (run_row("x", 1.0, source="synthetic", violations=(refused("synthetic"),)), "synthetic data"),
        (run_row("x", 1.0, violations=(refused("busy"),)), "rule violation"),
        (run_row("x", 1.0, complete=False), "not complete"),
        (run_row("x", 1.0, accuracy=None), "not complete"),
        (run_row("x", 1.0, accuracy=AccuracyMetrics(1, 2, 1)), "not complete"),
        (run_row("x", performance=None), "not complete"),
        (run_row("x", 1.0, device="unknown"), "device unknown"),
        (run_row("x", 1.0, sha256=""), "model unknown"),
        (published_row(SystemDesc="x", Verdict="rule violation"), "rule violation"),
        (published_row(SystemDesc="x", Verdict="deviates"), "deviates"),
        (published_row(SystemDesc="x", LatencyBasis="claimed"), "latency not recomputed"),
        (published_row(SystemDesc="x", Complete="no", Accuracy=""), "not complete"),
        (published_row(SystemDesc="x", Timing="emulated"), "model of emulated time unknown"),
        (published_row(SystemDesc="x", Division=""), "task or division unknown"),
        (published_row(SystemDesc="x", MlperfModel=""), "task or division unknown"),
    ],
)
def test_unrankable_row_has_a_reason(unranked: Row, why: str) -> None:
    others = [run_row("a", 3.0), published_row(SystemDesc="b", LatencyMs="0.500000")]
    rows = ranked([unranked, *others])
    (row,) = [row for row in rows if (row["RunId"] or row["SystemDesc"]) == "x"]
    assert (row["Rank"], row["Unranked"]) == ("", why)


def test_a_result_that_cannot_be_confirmed_has_a_rank_when_its_latency_can() -> None:
    assert ranks(published_row(Verdict="cannot be confirmed")) == {"board_one": "1"}


def test_the_order_is_that_of_the_rows_whatever_came_first() -> None:
    rows = [
        *(run_row(f"run-{n}", 1.0 + n % 3, timing_generation=1 + n % 2) for n in range(8)),
        *(published_row(SystemDesc=f"s{n}", LatencyMs=f"{n % 2}.5", Verdict=v) for n in range(4)
          for v in ("confirmed", "deviates")),
        run_row("none", performance=None), run_row("synthetic", source="synthetic"),
    ]  # fmt: skip
    wanted = ranked(rows)
    assert ranked(wanted) == wanted
    for seed in range(5):
        assert ranked(random.Random(seed).sample(rows, len(rows))) == wanted
    # Groups stand together, the ranked before the others, the fastest first.
    groups = [tuple(row[name] for name in GROUP) for row in wanted]
    assert len(set(groups)) == sum(a != b for a, b in pairwise(groups)) + 1
    for group in set(groups):
        members = [row for row, own in zip(wanted, groups, strict=True) if own == group]
        places = [int(row["Rank"]) for row in members if row["Rank"]]
        assert places == sorted(places)
        assert [bool(row["Rank"]) for row in members] == sorted((bool(row["Rank"]) for row in members), reverse=True)
