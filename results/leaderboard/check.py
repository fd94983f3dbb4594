# SPDX-License-Identifier: Apache-2.0
"""Published rows compared with another table of the same rounds, as CSV.

The table's columns are ``ver div submitter system task`` and any of ``lat_ms energy_uJ lat_ms_energy_mode top1 auc``.
Its systems may have the model's folder after them (``pynq-z2/RN08``), its tasks may be spelt out.
"""

from __future__ import annotations

import csv
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

from mlperf_tiny.errors import DataError, WrongRequest
from mlperf_tiny.file_tree import refuse_placeholder
from mlperf_tiny.results.leaderboard.rows.columns import Row, number
from mlperf_tiny.results.mlperf.benchmarks import benchmark_of
from mlperf_tiny.results.review.evidence.claims import agrees
from mlperf_tiny.results.review.evidence.runner_log import number as parsed
from mlperf_tiny.terminal import sanitize_for_terminal

KEYS = ("ver", "div", "submitter", "system", "task")
MAX_BYTES = 16 << 20
RATE_STEP = 0.001
"""The runners print rates, inferences a second, with three decimals."""

Key = tuple[str, ...]


@dataclass(frozen=True, kw_only=True)
class ComparedMetric:
    """A metric of the table and where a row has it."""

    column: str
    """Column of the table."""
    name: str
    best: str
    """Column of a row: recomputed if possible."""
    claim: str = ""
    """Column of a row: as the runner printed it."""
    time: bool = False
    """Whether it is a time in ms that the table computed from a rate."""


METRICS = (
    ComparedMetric(column="lat_ms", name="latency, ms", best="LatencyMs", claim="ClaimedThroughputPerS", time=True),
    ComparedMetric(column="energy_uJ", name="energy, uJ", best="EnergyUj", claim="ClaimedEnergyUj"),
    ComparedMetric(
        column="lat_ms_energy_mode", name="latency in the energy run, ms", best="EnergyLatencyMs", time=True
    ),
    ComparedMetric(column="top1", name="top-1, percent", best="Top1Percent", claim="ClaimedAccuracy"),
    ComparedMetric(column="auc", name="AUC", best="Auc", claim="ClaimedAuc"),
)


@dataclass(frozen=True)
class RowDifference:
    """One difference between the table and the rows."""

    row: str
    figure: str
    """The metric's name; empty when a whole row is missing."""
    table: str
    """The table's value as text; empty where it has none."""
    here: str
    """The row's value as text; empty where it has none."""
    text: str


@dataclass(frozen=True)
class Check:
    """The result of a comparison."""

    rows: int
    """Rows that both have."""
    compared: int
    """Figures that were compared."""
    equal: int
    """Figures that are equal."""
    differences: tuple[RowDifference, ...]


def read_table(path: Path) -> dict[Key, dict[str, str]]:
    """Return a table's lines by KEYS. Raises DataError for a file that is not such a table."""
    try:
        if path.stat().st_size > MAX_BYTES:
            raise DataError(f"{path} has over {MAX_BYTES >> 20} MiB, which no table of results has.")
        with path.open("rb") as head:
            refuse_placeholder(head.read(4096), str(path))
        with path.open(newline="", encoding="utf-8-sig") as file:
            reader = csv.DictReader(file)
            lines = [{k: v or "" for k, v in line.items() if k} for line in reader]
            header = reader.fieldnames or ()
    except OSError as error:
        raise WrongRequest(f"{path} cannot be read: {error.strerror}. Name another file with --check.") from error
    except (ValueError, csv.Error) as error:
        raise WrongRequest(f"{path} is not CSV text ({error}). Name another file with --check.") from error
    if not set(KEYS) <= set(header):
        raise WrongRequest(
            f"{path} begins with {sanitize_for_terminal(','.join(header), 100)!r}, wanted columns {', '.join(KEYS)}."
        )
    table = {}
    for line in lines:
        row = benchmark_of(line["task"])
        table[(*(line[key] for key in KEYS[:-1]), row.name if row else line["task"])] = line
    return table


def check_rows(rows: Iterable[Row], table: dict[Key, dict[str, str]]) -> Check:
    """Compare the published rows of the table's rounds with it, in the order of the table.

    Args:
        rows: Rows of a leaderboard.
        table: Lines of the table by KEYS, as ``read_table`` returns them.
    """
    rounds = {key[0] for key in table}
    here = {_key(row): row for row in rows if row["Source"] == "published" and row["Round"] in rounds}
    found: list[RowDifference] = []
    compared = equal = 0
    for key, line in table.items():
        name = sanitize_for_terminal(" ".join(key), 120)
        if key not in here:
            found.append(RowDifference(name, "", "", "", "in the table, no row here has that name"))
            continue
        for metric in METRICS:
            if key[-1] == "ad" and metric.column == "top1":
                continue  # what the runners print there is precision and recall, which no rule uses
            difference = _compared(name, metric, line.get(metric.column, ""), here[key])
            if difference is None:
                continue
            compared += 1
            if difference.text:
                found.append(difference)
            else:
                equal += 1
    for key in here:
        if key not in table:
            found.append(
                RowDifference(
                    sanitize_for_terminal(" ".join(key), 120), "", "", "", "a row here that the table does not have"
                )
            )
    return Check(sum(key in here for key in table), compared, equal, tuple(found))


def _key(row: Row) -> Key:
    several = row["Model"] != row["MlperfModel"]  # models for one benchmark, each in a folder of its own
    system = f"{row['SystemDesc']}/{row['Model']}" if several else row["SystemDesc"]
    return row["Round"], row["Division"], row["Organization"], system, row["MlperfModel"]


def _compared(name: str, metric: ComparedMetric, printed: str, row: Row) -> RowDifference | None:
    """None where neither has the metric; without a text where both have the same."""
    best = number(row, metric.best)
    claim = number(row, metric.claim) if metric.claim else None
    if metric.time and claim is not None:
        claim = 1000 / claim if claim else None
    here = row[metric.best]
    if not printed:
        return None if best is None else RowDifference(name, metric.name, "", here, "the table has none")
    if parsed(printed) is None:
        value = sanitize_for_terminal(printed, 40)
        return RowDifference(name, metric.name, value, here, "the table's value is not a number")
    if best is None:
        return RowDifference(name, metric.name, printed, "", "there is none here")
    if _same(printed, best, metric.time):
        return RowDifference(name, metric.name, printed, here, "")
    if claim is not None and _same(printed, claim, metric.time):
        # Areas are claimed by the runner's method and given exactly here; the review holds the claim to its method.
        text = "" if metric.column == "auc" else "the table has the claim, the raw lines give another"
        return RowDifference(name, metric.name, printed, here, text)
    return RowDifference(name, metric.name, printed, here, "they differ")


def _same(printed: str, value: float, time: bool) -> bool:
    """Whether a table's figure is ``value``, to its digits; of a time also to those of the rate it was made of."""
    if agrees(printed, value):
        return True
    digit = 10.0 ** -len(printed.partition(".")[2])
    return time and abs(float(printed) - value) <= digit + RATE_STEP * value * value / 1000


def render_check(check: Check, differences: Sequence[RowDifference] | None = None) -> str:
    """Return the comparison as text: counts, then one line for each difference.

    Args:
        check: The comparison.
        differences: Those to list; all of them by default.
    """
    shown_ones = check.differences if differences is None else differences
    lines = [
        f"{check.rows} rows of the table are here; {check.equal} of {check.compared} figures are equal, "
        f"{len(check.differences)} differences"
    ]
    for one in shown_ones:
        values = f": {one.figure} {one.table or '-'} in the table, {one.here or '-'} here" if one.figure else ""
        lines.append(f"  {one.row}{values}: {one.text}" if values else f"  {one.row}: {one.text}")
    return "\n".join(lines)
