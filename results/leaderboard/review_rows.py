# SPDX-License-Identifier: Apache-2.0
"""A reviewed published result to its row: figures computed anew where the raw lines allow it, else as claimed."""

from __future__ import annotations

import math
import re

from results.leaderboard.cells import findings_cell, plain
from results.leaderboard.columns import Row, new_row, written
from results.review.figures import Figure
from results.review.review import Reviewed
from results.review.system import STATUSES

DESCRIBED = {
    "BoardName": "Board Name",
    "HostProcessorModelName": "Processor(s) Name",
    "HostProcessorFrequency": "Processor(s) Frequencies",
    "HostProcessorMemory": "Processor memory type and capacity",
    "AcceleratorModelName": "Accelerator",
    "AcceleratorFrequency": "Accelerator(s) Frequencies",
    "AcceleratorMemory": "Accelerator memory type and capacity",
    "HardwareNotes": "Hardware Notes",
    "InferenceFramework": "Inference Framework",
    "SoftwareLibraries": "Software Libraries",
    "SoftwareNotes": "Software Notes",
    "Engine": "Inference Framework",
    "Compiler": "General Compiler(s)",
}
"""Column -> key of the system description, as the official checker has it."""

NOTHING = ("", "n/a", "na", "none", "-")
LARGEST = 1e29
_FREQUENCY = re.compile(r"(\d{1,4}(?:\.\d{1,3})?)\s*(M|G)Hz", re.IGNORECASE)
_NO_SILICON = re.compile(r"\b(emulated|host)\b", re.IGNORECASE)


def row_of_review(reviewed: Reviewed, place: str) -> Row:
    """Return the row of one published result, unranked; ``place`` is the column Record."""
    said = reviewed.description
    described = {column: plain(said.get(key, "")) for column, key in DESCRIBED.items()}
    status = said.get("Status", "").lower()
    system, variant = plain(reviewed.system), plain(reviewed.variant)
    streaming = reviewed.benchmark == "sww"
    figures = (_wake_words if streaming else _figures)(reviewed)
    whole = figures.get("ThroughputPerS") and figures.get("Accuracy")
    return new_row(
        {
            **described,
            "Organization": plain(reviewed.submitter),
            "Availability": status if status in STATUSES else "",
            "Division": reviewed.division,
            "SystemDesc": system,
            "Model": variant or reviewed.benchmark,
            "MlperfModel": reviewed.benchmark,
            "ResultUnit": "inf./sec.",
            "HasPower": "False",
            "Power": "0",
            "PowerUnit": "mW" if streaming else "uJ/inf.",
            "Source": "published",
            "Round": reviewed.round,
            "Timing": _timing(reviewed),
            "DataSource": "real",
            "Device": _first(plain(said.get("SoC Name", "")), described["BoardName"], system),
            "Engine": _first(described["Engine"]),
            "Compiler": _first(described["Compiler"]),
            "ClockHz": _clock_hz(described["HostProcessorFrequency"]),
            "ModelName": variant,
            **figures,
            "Runner": reviewed.runner,
            "Complete": "yes" if whole else "no",
            "Verdict": reviewed.verdict.text,
            "Findings": findings_cell(reviewed.findings),
            "Record": place,
        }
    )


def _timing(reviewed: Reviewed) -> str:
    """``hardware``, unless the system's name or board says otherwise: submissions of emulated runs say so there."""
    words = (reviewed.system, *(reviewed.description.get(key, "") for key in ("Board Name", "SoC Name")))
    found = next((match for word in words if (match := _NO_SILICON.search(word))), None)
    return found[1].lower() if found else "hardware"


def _first(*names: str) -> str:
    """The first that says something."""
    return next((name for name in names if name.lower() not in NOTHING), "")


def _clock_hz(text: str) -> str:
    match = _FREQUENCY.fullmatch(text.strip())
    return str(round(float(match[1]) * {"m": 1e6, "g": 1e9}[match[2].lower()])) if match else ""


def _figures(reviewed: Reviewed) -> dict[str, str]:
    raw = reviewed.raw
    throughput, energy = raw.figure("throughput"), raw.figure("energy")
    ad = reviewed.benchmark == "ad"
    accuracy, area = raw.figure("AUC" if ad else "top-1"), raw.figure("AUC")
    exact = _finite(found.recomputed) if (found := raw.figure("AUC exact")) else None
    accurate = _best(accuracy)
    rate = _best(raw.figure("energy throughput"))
    values = {
        **_speed(throughput),
        "Result": _official(throughput, 3),
        "Accuracy": _official(accuracy, 3 if ad else 1),
        "AccuracyBasis": _basis(accuracy),
        "ClaimedAccuracy": _claimed(accuracy),
        "ClaimedAuc": _claimed(area),
        "Top1Percent": "" if ad else written("Top1Percent", accurate),
        "Auc": written("Auc", exact if exact is not None else _best(area)),
        "SamplesAnswered": str(len(raw.accuracy.answered)) if raw.accuracy else "",
        "SamplesListed": str(reviewed.listed or ""),
        "EnergyLatencyMs": written("EnergyLatencyMs", 1000 / rate if rate else None),
    }
    if throughput and throughput.recomputed is not None and raw.windows:
        values |= _windows([1000 * w.seconds / w.iterations for w in raw.windows if w.iterations > 0])
        values |= {"Iterations": str(raw.windows[0].iterations), "Windows": str(len(raw.windows))}
    if energy and _best(energy) is not None:
        values |= {
            "HasPower": "True",
            "Power": _official(energy, 3),
            "EnergyUj": written("EnergyUj", _best(energy)),
            "EnergyKind": "measured",
            "EnergyBasis": _basis(energy),
            "EnergySource": plain(energy.basis),
            "ClaimedEnergyUj": _claimed(energy),
        }
        if energy.recomputed is not None and raw.energy is not None:
            shifted = raw.figure("energy as cut") is not None and raw.energy.over_uj
            values |= _span("EnergyLowUj", "EnergyHighUj", shifted or raw.energy.per_inference_uj)
    return values


def _wake_words(reviewed: Reviewed) -> dict[str, str]:
    """Of streaming wake words: the energy run where there is one, as the official checker takes it."""
    raw = reviewed.raw
    mode = "energy" if raw.figure("energy throughput") else "performance"
    counts = {name: raw.figure(f"{mode} {name}") for name in ("true positives", "false negatives", "false positives")}
    hits, misses, alarms = (_best(figure) for figure in counts.values())
    power = raw.figure("power")
    all_right = hits is not None and misses is not None and alarms is not None and hits + misses + alarms > 0
    f1 = 2 * hits / (2 * hits + misses + alarms) if all_right else None  # type: ignore[operator]
    timed = raw.figure("performance throughput")
    values = {
        **_speed(timed if timed and timed.recomputed is not None else raw.figure(f"{mode} throughput")),
        "Result": _official(raw.figure(f"{mode} throughput"), 3),
        "Accuracy": "" if f1 is None else str(f1),
        "AccuracyBasis": _basis(counts["true positives"]),
        "FalsePositives": "" if alarms is None else f"{alarms:.0f}",
        "FalseNegatives": "" if misses is None else f"{misses:.0f}",
        "DutyCycle": _official(raw.figure(f"{mode} duty cycle"), 5),
    }
    if power and _best(power) is not None:
        values |= {"HasPower": "True", "Power": _official(power, 4)}
    return values


def _speed(throughput: Figure | None) -> dict[str, str]:
    rate = _best(throughput)
    return {
        "LatencyMs": written("LatencyMs", 1000 / rate if rate else None),
        "LatencyBasis": _basis(throughput) if rate else "",
        "ThroughputPerS": written("ThroughputPerS", rate),
        "ClaimedThroughputPerS": _claimed(throughput),
    }


def _windows(latencies_ms: list[float]) -> dict[str, str]:
    return _span("LatencyLowMs", "LatencyHighMs", latencies_ms)


def _span(low: str, high: str, values: tuple[float, ...] | list[float]) -> dict[str, str]:
    known = [value for value in values if _finite(value) is not None]
    return {low: written(low, min(known)), high: written(high, max(known))} if len(known) > 1 else {}


def _official(figure: Figure | None, decimals: int) -> str:
    """A figure as the official checker has it: the claim, unless something else was recomputed."""
    if figure is None:
        return ""
    recomputed = _finite(figure.recomputed)
    if figure.claimed is not None and figure.agrees is not False:
        return str(float(figure.claimed))
    return "" if recomputed is None else str(round(recomputed, decimals))


def _best(figure: Figure | None) -> float | None:
    """The recomputed value, else the claim."""
    if figure is None:
        return None
    recomputed = _finite(figure.recomputed)
    return recomputed if recomputed is not None else _finite(float(figure.claimed) if figure.claimed else None)


def _basis(figure: Figure | None) -> str:
    if figure is None or _best(figure) is None:
        return ""
    return "claimed" if _finite(figure.recomputed) is None else "recomputed"


def _claimed(figure: Figure | None) -> str:
    return figure.claimed or "" if figure else ""


def _finite(value: float | None) -> float | None:
    return value if value is not None and math.isfinite(value) and abs(value) < LARGEST else None
