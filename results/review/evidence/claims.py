# SPDX-License-Identifier: Apache-2.0
"""What a result's text claims: the metrics of ``results.txt``, or, in rounds without one, at the end of the log.

Metrics are kept as they were printed: the number of digits decides how closely they are checked.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass, field

from mlperf_tiny.results.review.evidence.runner_log import MAX_ERRORS, error_text, number

MAX_WINDOWS = 1000

_NUMBER = r"(\d{1,15}(?:\.\d{1,20})?)"
_WINDOW = re.compile(r"Performance results for window (\d{1,9})")
_ENERGY_WINDOW = re.compile(r"Energy data for (?:window|trial) (\d{1,9})(?: at time ([\d.]{1,20}) for)?")
_COUNT = re.compile(r"(?:# )?Inferences\s*:\s*(\d{1,12})")
_RUNTIME = re.compile(rf"Runtime\s*:\s*{_NUMBER} sec")
_ELAPSED = re.compile(rf"Elapsed time\s*:\s*{_NUMBER}")
_PER_INFERENCE = re.compile(rf"Energy/Inf\.?\s*:\s*{_NUMBER}\s*uJ/inf")
_WAKE_WORDS = re.compile(r"(\d{1,6}) True positives, (\d{1,6}) False negatives, (\d{1,6}) False positives")
_METRICS = {
    "throughput": re.compile(rf"Median throughput is\s+{_NUMBER}\s*inf\./sec"),
    "energy": re.compile(rf"Median energy cost is\s+{_NUMBER}\s*uJ/inf"),
    "top1": re.compile(rf"Top[- ]1%?\s*[:=]\s*{_NUMBER}"),
    "auc": re.compile(rf"AUC\s*[:=]\s*{_NUMBER}"),
    "power_mw": re.compile(rf"Power\s*:\s*{_NUMBER}\s*mW"),
    "duty_cycle": re.compile(rf"Average duty cycle:\s*{_NUMBER}"),
    "sww_throughput": re.compile(rf"Estimated throughput:\s*{_NUMBER}\s*inf"),
}


# No pattern matches a line without one of these; most lines of a log have none.
_WORDS = (
    *("e-[", "Supplied buffer", "Input db has", "Median", "Top", "AUC", "Power", "Energy", "Average", "Estimated"),
    *("results for", "Inferences", "Runtime", "Elapsed", "True positives"),
)


@dataclass
class ClaimedWindow:
    """One window as the text has it; what is missing is None."""

    number: int
    """Its number in the text."""
    iterations: int | None = None
    """Inferences in it."""
    seconds: str | None = None
    """Its length, as printed."""
    energy_uj: str | None = None
    """Energy per inference, as printed."""


@dataclass(frozen=True)
class Claims:
    """What a text claims."""

    source: str
    """Its path."""
    metrics: dict[str, str]
    """Name -> number as printed; of two the last counts."""
    windows: tuple[ClaimedWindow, ...] = ()
    """Of the performance run."""
    energy_windows: tuple[ClaimedWindow, ...] = ()
    """Of the energy run."""
    wake_words: tuple[int, int, int] | None = None
    """True positives, false negatives, false positives."""
    errors: tuple[str, ...] = ()
    """Texts of error messages."""


@dataclass
class _Reading:
    metrics: dict[str, str] = field(default_factory=dict)
    windows: list[ClaimedWindow] = field(default_factory=list)
    energy_windows: list[ClaimedWindow] = field(default_factory=list)
    current: ClaimedWindow | None = None


def parse_claims(lines: Iterable[str], source: str) -> Claims:
    """Read the claims of a text.

    Args:
        lines: Its lines, without ends.
        source: Its path.
    """
    reading = _Reading()
    wake_words: tuple[int, int, int] | None = None
    errors: list[str] = []
    for line in lines:
        if not any(word in line for word in _WORDS):
            continue
        if len(errors) < MAX_ERRORS and (error := error_text(line)):
            errors.append(error)
        for name, pattern in _METRICS.items():
            if match := pattern.search(line):
                reading.metrics[name] = match[1]
        if match := _WAKE_WORDS.search(line):
            wake_words = (int(match[1]), int(match[2]), int(match[3]))
        _window_line(line, reading)
    return Claims(
        source, reading.metrics, tuple(reading.windows), tuple(reading.energy_windows), wake_words, tuple(errors)
    )


def _window_line(line: str, reading: _Reading) -> None:
    if match := _WINDOW.search(line):
        reading.current = ClaimedWindow(int(match[1]))
        if len(reading.windows) < MAX_WINDOWS:
            reading.windows.append(reading.current)
    elif match := _ENERGY_WINDOW.search(line):
        reading.current = ClaimedWindow(int(match[1]))
        if len(reading.energy_windows) < MAX_WINDOWS:
            reading.energy_windows.append(reading.current)
    elif reading.current is not None:
        if match := _COUNT.search(line):
            reading.current.iterations = int(match[1])
        elif match := _RUNTIME.search(line) or _ELAPSED.search(line):
            reading.current.seconds = match[1]
        elif match := _PER_INFERENCE.search(line):
            reading.current.energy_uj = match[1]


def agrees(printed: str, value: float) -> bool:
    """Return whether a printed number is a value rounded or cut to the digits it shows.

    Args:
        printed: The claim.
        value: The recomputed value.

    Examples:
        >>> agrees("5.371", 5.37149), agrees("5.371", 5.3722)
        (True, False)
    """
    claimed = number(printed)
    if claimed is None:
        return False
    decimals = len(printed.partition(".")[2])
    # A cut figure is up to one unit low, a rounded one half a unit off either way; sums may differ in the last bits.
    unit = 10.0**-decimals
    slack = 1e-9 * max(abs(claimed), abs(value))
    return -0.5 * unit - slack <= value - claimed <= unit + slack
