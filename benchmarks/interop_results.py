# SPDX-License-Identifier: Apache-2.0
"""What MLCommons' runner wrote into its ``results.txt``, and the table that has it beside our record."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

RUNNER_TABLE = "python -m benchmarks.interop --mlcommons"
RUNNER_HEAD = ("", "MLCommons' `results.txt`", "our record")


@dataclass(frozen=True, kw_only=True)
class Results:
    """What a ``results.txt`` of MLCommons' runner says."""

    iterations: tuple[int, ...] = ()
    """Inferences of each window."""
    windows_s: tuple[float, ...] = ()
    """Seconds of each window."""
    throughput: str = ""
    """Median, in inferences a second."""
    top1: str = ""
    """Per cent."""
    auc: str = ""
    """Area under the ROC curve."""
    errors: tuple[str, ...] = ()
    """Lines with ERROR, from that word on."""


def read_results(text: str) -> Results:
    """Return what a ``results.txt`` says."""

    def last(pattern: str) -> str:
        found = re.findall(pattern, text)
        return found[-1] if found else ""

    return Results(
        iterations=tuple(int(number) for number in re.findall(r"# Inferences : (\d+)", text)),
        windows_s=tuple(float(number) for number in re.findall(r"Runtime: ([\d.]+) sec\.", text)),
        throughput=last(r"Median throughput is +([\d.]+) inf"),
        top1=last(r"Top 1% = ([\d.]+)"),
        auc=last(r"AUC = ([\d.]+)"),
        errors=tuple(re.findall(r"ERROR.*", text)),
    )


def runner_rows(
    performance: Results, accuracy: Results, ours: Sequence[dict[str, Any]], took_s: Sequence[float]
) -> list[tuple[str, str, str]]:
    """Return the rows of the second table.

    Args:
        performance: Of MLCommons' runner.
        accuracy: Of MLCommons' runner.
        ours: Our records of the performance and of the accuracy run.
        took_s: Seconds of both accuracy runs, theirs first.
    """
    measured, answered = ours[0]["performance"], ours[1]["accuracy"]
    windows_s = [window["elapsed_us"] / 1e6 for window in measured["windows"]]
    said = "; ".join(performance.errors)
    return [
        (
            f"windows, {measured['iterations']:,} inferences each",
            _range(performance.windows_s) if set(performance.iterations) == {measured["iterations"]} else "others",
            _range(windows_s),
        ),
        (
            "median throughput",
            f"{performance.throughput} inf./s" if performance.throughput else said or "none",
            f"{measured['throughput_per_s']:.3f} inf./s",
        ),
        (
            f"top-1, {answered['samples']:,} files",
            accuracy.top1 or "; ".join(accuracy.errors) or "none",
            f"{answered['correct']:,} of {answered['samples']:,}",
        ),
        ("AUC", accuracy.auc or "none", f"{answered['auc_mlcommons']:.4f} (MLCommons' method)"),
        ("whole accuracy run", f"{took_s[0]:.0f} s", f"{took_s[1]:.0f} s"),
    ]


def _range(seconds: Sequence[float]) -> str:
    return f"{min(seconds):.4f} to {max(seconds):.4f} s" if seconds else "none"
