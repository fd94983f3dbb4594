# SPDX-License-Identifier: Apache-2.0
"""A record to its row."""

from __future__ import annotations

from collections.abc import Sequence

from mlperf_tiny.harness.record.record import RunRecord
from mlperf_tiny.harness.record.rules import WINDOWS
from mlperf_tiny.harness.record.settings import FirmwareInfo
from mlperf_tiny.results.leaderboard.rows.cells import findings_cell, plain
from mlperf_tiny.results.leaderboard.rows.columns import Row, new_row, written
from mlperf_tiny.results.mlperf.findings import Finding, Kind, verdict_of

PROGRAM = "mlperf-tiny-harness"


def row_of_record(record: RunRecord, place: str, differences: Sequence[str] = ()) -> Row:
    """Return the row of one record, unranked; a figure it does not have is empty.

    Args:
        record: A run's record.
        place: The column Record.
        differences: Differences between the run's ``record.json`` and its transcript.
    """
    settings, device, model = record.settings, record.settings.device, record.settings.model
    findings = _findings(record, differences)
    version = settings.versions.get(PROGRAM, "")
    own = {
        "Division": settings.division,
        "BoardName": ", ".join(device.boards) or device.device,
        "MlperfModel": settings.task,
        "HostProcessorModelName": device.cpu,
        "Timing": device.timing,
        "TimingLevel": device.timing_level,
        "TimingModel": device.timing_model,
        "TimingGeneration": "" if device.timing_generation is None else str(device.timing_generation),
        "DataSource": settings.data.source,
        "Device": device.device,
        "ClockHz": str(device.clock_hz or ""),
        "Engine": settings.engine,
        "ModelName": model.name,
        "ModelOrigin": model.origin,
        "TrainingData": model.training_data,
        "ModelSha256": model.sha256,
        "InstructionsPerInference": written("InstructionsPerInference", record.instructions_per_inference),
        "CyclesPerInference": written("CyclesPerInference", record.cycles_per_inference),
        **_performance(record),
        **_energy(record),
        **_accuracy(record),
        **_firmware(settings.firmware),
        "Runner": f"{PROGRAM} {version}".rstrip(),
        "Complete": "yes" if not _lacking(record) else "no",
        "Verdict": verdict_of(findings).text,
        "Findings": findings_cell(findings),
        "Started": settings.started,
        "RunId": settings.run_id,
        "ChainDigest": record.chain_digest.text if record.chain_digest else "",
        "Record": place,
    }
    return run_row({name: plain(value, 10 * len(value) + 1) for name, value in own.items()})


def run_row(own: dict[str, str]) -> Row:
    """Return the row of a run from our own columns; the columns of ``summary.csv`` follow from them."""
    value = {**new_row(own), "Source": "run"}
    clock, auc, top1 = value["ClockHz"], value["Auc"], value["Top1Percent"]
    kind = {"emulated": f"emulated, time modelled: {value['TimingModel']}", "host": "a process on a host"}
    accuracy = str(round(float(top1), 1)) if top1 else str(round(float(auc), 3)) if auc else ""
    measured = value["EnergyKind"] == "measured" and value["EnergyUj"]
    place = "" if value["Timing"] in ("hardware", value["Device"]) else f"{value['Timing']}-"
    return {
        **value,
        "BoardName": value["BoardName"] or value["Device"],
        "SystemDesc": place + "-".join(filter(None, (value["Device"], value["Engine"]))),
        "Model": value["ModelName"] if value["Division"] == "open" else value["MlperfModel"],
        "Result": str(round(float(value["ThroughputPerS"]), 3)) if value["ThroughputPerS"] else "",
        "ResultUnit": "inf./sec.",
        "Accuracy": accuracy,
        "HasPower": "True" if measured else "False",
        "Power": str(float(value["EnergyUj"])) if measured else "0",
        "PowerUnit": "uJ/inf.",
        "HostProcessorFrequency": f"{int(clock) / 1e6:g} MHz" if clock else "",
        "HardwareNotes": kind.get(value["Timing"], ""),
        "InferenceFramework": f"{value['Engine']} {value['EngineVersion']}".strip(),
        "SoftwareLibraries": f"{value['Kernels']} kernels" if value["Kernels"] else "",
        "SoftwareNotes": value["Compiler"],
    }


def _performance(record: RunRecord) -> dict[str, str]:
    performance = record.performance
    if performance is None:
        return {}
    latencies = [1000.0 / window.throughput_per_s for window in performance.windows]
    several = len(latencies) > 1
    return {
        "LatencyMs": written("LatencyMs", performance.latency_ms),
        "LatencyLowMs": written("LatencyLowMs", min(latencies) if several else None),
        "LatencyHighMs": written("LatencyHighMs", max(latencies) if several else None),
        "LatencyBasis": "recomputed",
        "ThroughputPerS": written("ThroughputPerS", performance.throughput_per_s),
        "Iterations": str(performance.iterations),
        "Windows": str(len(performance.windows)),
    }


def _energy(record: RunRecord) -> dict[str, str]:
    energy = record.energy
    if energy is None:
        return {}
    return {
        "EnergyUj": written("EnergyUj", energy.uj_per_inference),
        "EnergyLowUj": written("EnergyLowUj", energy.lowest_uj),
        "EnergyHighUj": written("EnergyHighUj", energy.highest_uj),
        "EnergyKind": energy.kind,
        "EnergyBasis": "recomputed",
        "EnergySource": energy.source,
    }


def _accuracy(record: RunRecord) -> dict[str, str]:
    accuracy = record.accuracy
    if accuracy is None:
        return {}
    return {
        "Top1Percent": written("Top1Percent", accuracy.top1_percent),
        "Auc": written("Auc", accuracy.auc),
        "AccuracyBasis": "recomputed" if (accuracy.top1_percent, accuracy.auc) != (None, None) else "",
        "SamplesAnswered": str(accuracy.samples),
        "SamplesListed": str(accuracy.listed),
    }


def _firmware(firmware: FirmwareInfo | None) -> dict[str, str]:
    if firmware is None:
        return {}
    return {
        "EngineVersion": firmware.engine_version,
        "Kernels": firmware.kernels,
        "Compiler": firmware.compiler,
        "ArenaBytes": str(firmware.arena_bytes or ""),
        "RamBytes": str(firmware.ram_bytes or ""),
        "FlashBytes": str(firmware.flash_bytes or ""),
        "ModelBytes": str(firmware.model_bytes or ""),
        "ElfSha256": firmware.elf_sha256,
    }


def _findings(record: RunRecord, differences: Sequence[str]) -> list[Finding]:
    return [
        *(Finding(Kind.VIOLATION, "", violation.text) for violation in record.violations),
        *(Finding(Kind.DEVIATION, "record and transcript", f"record.json: {text}") for text in differences),
        *(Finding(Kind.MISSING, "", text) for text in _lacking(record)),
    ]


def _lacking(record: RunRecord) -> list[str]:
    """What a run lacks of a whole one: both parts of the benchmark, and every sample."""
    performance, accuracy = record.performance, record.accuracy
    windows = len(performance.windows) if performance else 0
    lacking = []
    if not record.complete:
        lacking.append("the run was not finished")
    if windows != WINDOWS:
        lacking.append(f"{windows} performance windows were run, needs {WINDOWS}")
    if accuracy is None:
        lacking.append("there is no accuracy run")
    elif accuracy.samples != accuracy.listed:
        lacking.append(f"{accuracy.samples} of {accuracy.listed} files were answered")
    return lacking
