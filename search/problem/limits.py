# SPDX-License-Identifier: Apache-2.0
"""Limits as they are written on a command line: ``100ms``, ``110kB``, ``16.6M``."""

from __future__ import annotations

import re
from collections.abc import Mapping

from mlperf_tiny.errors import UsageError
from mlperf_tiny.search.problem.problem import Figures

_BYTES = {"": 1.0, "B": 1.0, "kB": 1e3, "KB": 1e3, "KiB": 1024.0, "MB": 1e6, "MiB": 1024.0**2}
_UNITS: Mapping[str, tuple[str, Mapping[str, float]]] = {
    "latency": ("latency_ms", {"us": 1e-3, "ms": 1.0, "s": 1e3}),
    "energy": ("energy_uj", {"uJ": 1.0, "mJ": 1e3}),
    "ops": ("ops", {"": 1.0, "k": 1e3, "M": 1e6, "G": 1e9}),
    "ram": ("ram_bytes", _BYTES),
    "flash": ("flash_bytes", _BYTES),
}
"""Name of a limit to its figure, and what its units are in that of the figure."""
_AMOUNT = re.compile(r"(\d{1,15}(?:\.\d{1,15})?) ?([A-Za-z]{0,3})")


def parse_limits(texts: Mapping[str, str | None]) -> Figures:
    """Return limits.

    Args:
        texts: Value of each of latency, energy, ops, ram and flash; None: not limited.

    Raises:
        UsageError: A value is no positive number with a unit of its kind, or nothing is limited.

    Examples:
        >>> parse_limits({"latency": "0.1s", "ram": "64KiB"}).given()
        {'latency_ms': 100.0, 'ram_bytes': 65536.0}
    """
    found = {}
    for name, text in texts.items():
        if text is not None:
            figure, units = _UNITS[name]
            found[figure] = _amount(name, text, units)
    if not found:
        raise UsageError("a search needs a limit, such as --latency 100ms, --ram 110kB or --flash 120kB.")
    return Figures(**found)


def _amount(name: str, text: str, units: Mapping[str, float]) -> float:
    match = _AMOUNT.fullmatch(text.strip())
    if match is None or match[2] not in units or float(match[1]) == 0.0:
        known = ", ".join(unit for unit in units if unit)
        raise UsageError(f"--{name} is {text!r}; wanted a number above 0 with one of the units {known}.")
    return float(match[1]) * units[match[2]]


def figure_text(name: str, value: float) -> str:
    """Return a figure as people write it.

    Args:
        name: Of the field of ``Figures``.
        value: In its unit.

    Examples:
        >>> figure_text("ram_bytes", 55280.0)
        '55.3 kB'
    """
    if name == "latency_ms":
        return f"{value:.2f} ms"
    if name == "energy_uj":
        return f"{value / 1e3:.3f} mJ"
    return f"{value / 1e6:.2f} Mops" if name == "ops" else f"{value / 1e3:.1f} kB"


OPTIONS = {figure: f"--{name}" for name, (figure, _) in _UNITS.items()}
"""Name of a figure to the option that limits it."""
