# SPDX-License-Identifier: Apache-2.0
"""The energy of published results computed again from their traces, beside what their runners printed.

``python -m benchmarks.published_energy TREE...`` takes folders or zip archives of results, such as the repositories of
whole rounds. It prints a row for each energy run with a trace, and fails when a window differs from its print by more
than 1e-6 of it: sums as printed, powers and energies of one inference beyond half of their last digit. A trace that is
refused is named with its reason; that is no failure.
"""

from __future__ import annotations

import re
import sys
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from mlperf_tiny.errors import TraceRefused
from mlperf_tiny.file_tree import FileTree, open_file_tree
from mlperf_tiny.harness.energy.windows import EnergyWindow, Trial, eembc_windows, median_uj, mlcommons_windows
from mlperf_tiny.results.mlperf.json_text import MAX_JSON_BYTES, parse_json
from mlperf_tiny.results.mlperf.layout import FoundResult, find_results
from mlperf_tiny.results.mlperf.system import find_descriptions
from mlperf_tiny.results.review.evidence.evidence import Evidence, gather
from mlperf_tiny.results.review.evidence.label_lists import LabelLists
from mlperf_tiny.terminal import text_table

TOLERANCE = 1e-6

_PRINTED = {
    "energy": re.compile(r"Energy\s*:\s*([\d.]+) uJ$"),
    "power": re.compile(r"Power\s*:\s*([\d.]+) (uW|mW\.)$"),
    "per inference": re.compile(r"Energy/Inf\.?\s*:\s*([\d.]+) uJ/inf\.?$"),
}
_MEDIAN = re.compile(r"Median energy cost is\s+([\d.]+)\s*uJ/inf")


@dataclass(frozen=True, kw_only=True)
class Comparison:
    """One energy run."""

    folder: str
    """Where it lies."""
    windows: tuple[EnergyWindow, ...] = ()
    """As computed; empty for a trace that is refused."""
    refused: str = ""
    """Why the trace is refused."""
    printed: str = ""
    """The median, as it was printed."""
    worst: float = 0.0
    """Largest relative difference of a window's printed sum, and, beyond half of their last digit, of its other
    numbers."""


def compare(tree: FileTree) -> Iterator[Comparison]:
    """Yield the comparison of each energy run with a trace, in order of folder."""
    found, _ = find_results(tree)
    lists, descriptions = LabelLists(None), find_descriptions(tree)
    for result in found:
        files = result.files.get("energy", {})
        if "text" in files and ("trace" in files or "json" in files):
            evidence = gather(tree, result, descriptions, lists)
            try:
                windows = _windows(tree, result, evidence)
            except TraceRefused as error:
                yield Comparison(folder=result.folder, refused=str(error))
                continue
            if windows:
                lines = list(tree.lines(files["text"]))
                yield Comparison(
                    folder=result.folder, windows=windows, printed=_median(lines), worst=_worst(lines, windows)
                )


def _windows(tree: FileTree, result: FoundResult, evidence: Evidence) -> tuple[EnergyWindow, ...]:
    run = evidence.runs.get("energy")
    if run is None:
        return ()
    if evidence.trace is not None and evidence.stamps is not None:
        counts = [inference.iterations for inference in run.inferences]
        return eembc_windows(evidence.trace, evidence.stamps, counts, evidence.path("energy", "trace"))
    path = evidence.path("energy", "json")
    if path not in tree.sizes:
        return ()
    import numpy as np

    trials = [
        Trial(
            samples_j=np.array(entry["power"]["samples"]),
            events=tuple((int(number), at) for number, at in entry["power"]["timestamps"]),
            iterations=entry["infer"]["iterations"],
        )
        for entry in parse_json(tree.read(path, MAX_JSON_BYTES), path)
        if entry.get("power")
    ]
    return mlcommons_windows(trials, path)


def _median(lines: Sequence[str]) -> str:
    found = [match[1] for line in lines if (match := _MEDIAN.search(line))]
    return found[-1] if found else ""


def _worst(lines: Sequence[str], windows: Sequence[EnergyWindow]) -> float:
    """The largest relative difference; infinite where another number of windows was printed."""
    worst = 0.0
    for name, pattern in _PRINTED.items():
        found = [match for line in lines if (match := pattern.search(line.rstrip()))]
        if len(found) != len(windows):
            return float("inf")
        for match, window in zip(found, windows, strict=True):
            scale = 1000.0 if name == "power" and match[2] == "mW." else 1.0
            value = {"energy": window.energy_uj, "power": window.power_uw, "per inference": window.uj_per_inference}
            computed = value[name] / scale
            half_digit = 0.5 * 10.0 ** -len(match[1].partition(".")[2])
            rounding = 0.0 if name == "energy" else half_digit * (1 + 1e-9)
            off = max(0.0, abs(float(match[1]) - computed) - rounding)
            worst = max(worst, off / computed)
    return worst


def main(paths: Sequence[str]) -> int:
    """Print the table; return the exit status."""
    rows = [("energy run", "windows", "median uJ/inf.", "printed", "worst difference")]
    compared = [one for path in paths for one in compare(open_file_tree(Path(path)))]
    for one in compared:
        if one.windows:
            median = f"{median_uj(one.windows):.4f}"
            rows.append((one.folder, str(len(one.windows)), median, one.printed, f"{one.worst:.1e}"))
        else:
            rows.append((one.folder, "refused", "", "", ""))
    print(text_table(rows))
    for one in compared:
        if one.refused:
            print(one.refused)
    failed = [one.folder for one in compared if one.worst > TOLERANCE]
    windows = sum(len(one.windows) for one in compared)
    print(f"{len(compared)} energy runs, {windows} windows, {len(failed)} differ by more than {TOLERANCE:g}")
    return 1 if failed or not compared else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
