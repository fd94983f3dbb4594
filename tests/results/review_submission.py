# SPDX-License-Identifier: Apache-2.0
"""A small synthetic submission without rule violations, in both runners' formats; tests break one thing of it."""

from __future__ import annotations

import json
import struct
from pathlib import Path

FILES = tuple(f"picture_{number:02}.bin" for number in range(20))
LABELS = tuple(number % 10 for number in range(20))
N = 50
WINDOW_S = 11.0
PAUSE_S = 2.0
HEAD_S = 1.0
UJ_PER_MS = 40.0
IDLE_UJ_PER_MS = 30.0

DESCRIPTION = {
    "Submitter": "Example Labs",
    "Division": "Closed",
    "Status": "Available",
    "Board Name": "Board One",
    "SoC Name": "Chip One",
    "Processor(s) Name": "Cortex-M4",
    "Hardware Notes": "supplied with 1.8 V",
    "Inference Framework": "none",
}

PROFILE = "ULPMark for tinyML Firmware V0.0.1"


def write_eembc(root: Path) -> Path:
    """Write a clean result of EEMBC's runner with energy below ``root``; returns its folder."""
    result = _place(root)
    _write(result / "performance/log.txt", _eembc_log(FILES[:5], N, 1))
    _write(result / "performance/script.async", _script(FILES[:5], N, 1))
    _write(result / "performance/results.txt", _eembc_windows() + "00099.000 ulp-mlperf: " + _throughput())
    _write(result / "accuracy/log.txt", _eembc_log(FILES, 1, 0))
    _write(result / "accuracy/script.async", _script(FILES, 1, 0))
    _write(result / "accuracy/results.txt", "00099.000 ulp-mlperf: Top-1: 100.0%\n00099.001 ulp-mlperf: AUC: 1.00\n")
    _write(result / "energy/log.txt", _eembc_log(FILES[:5], N, 1, energy=True))
    _write(result / "energy/script.async", _script(FILES[:5], N, 1, "io "))
    energy_uj = WINDOW_S * 1000 * UJ_PER_MS / N
    claim = f"00099.000 ulp-ml: Median energy cost is {energy_uj:.3f} uJ/inf.\n"
    _write(result / "energy/results.txt", claim + "00099.000 ulp-ml: " + _throughput())
    (result / "energy/trace1-energy.bin").write_bytes(trace())
    _write(result / "energy/trace1-timestamps.json", json.dumps(stamps()))
    return result


def write_mlcommons(root: Path) -> Path:
    """Write a clean result of MLCommons' runner with energy below ``root``; returns its folder."""
    result = _place(root)
    log = (
        f"Logging initialized. Writing output to x\nDevice profile retrieved: {PROFILE}\nDevice model retrieved: ic01\n"
    )
    windows = "".join(
        f"Performance results for window {number}\n    # Inferences : {N}\n    Runtime: {WINDOW_S} sec.\n"
        "    Runtime requirements have been met.\n"
        for number in range(1, 6)
    )
    _write(result / "performance/log.txt", log)
    _write(result / "performance/results.txt", windows + "0101.000000 ulp-mlperf: " + _throughput())
    _write(result / "performance/results.json", json.dumps([_timed(file) for file in FILES[:5]]))
    _write(result / "accuracy/log.txt", log)
    _write(
        result / "accuracy/results.txt", "0101.000000 ulp-mlperf: Top 1% = 100.0\n0101.000000 ulp-mlperf: AUC = 1.000\n"
    )
    _write(result / "accuracy/results.json", json.dumps([_answered(file) for file in FILES]))
    _write(result / "energy/log.txt", log)
    _write(result / "energy/results.txt", f"Median energy cost is {1e6 * 0.55 / N:.4f} uJ/inf.\n")
    _write(result / "energy/results.json", json.dumps([_measured(file) for file in FILES[:5]]))
    return result


def write_lists(root: Path) -> Path:
    """Write the label list of the synthetic images into a data folder and return it."""
    lines = "".join(f"{file},10,{label}\n" for file, label in zip(FILES, LABELS, strict=True))
    _write(root / "labels/ic01/y_labels.csv", lines)
    return root


def stamps() -> list[float]:
    """The stand-alone timestamp, then start and end of each window, seconds since the trace began, between samples."""
    times = [0.015]
    for number in range(5):
        start = HEAD_S + 5e-4 + number * (WINDOW_S + PAUSE_S)
        times += [start, start + WINDOW_S]
    return times


def trace() -> bytes:
    """Samples of 1 ms: more energy inside the windows than between them."""
    edges = stamps()[1:]
    samples = []
    for number in range(int((edges[-1] + 1) * 1000)):
        at_s = number / 1000
        busy = any(a <= at_s <= b for a, b in zip(edges[::2], edges[1::2], strict=True))
        samples.append(UJ_PER_MS if busy else IDLE_UJ_PER_MS)
    return b"\xf1" + struct.pack("<f", 1000.0) + struct.pack(f"<{len(samples)}f", *samples)


def _place(root: Path) -> Path:
    submitter = root / "closed/ExampleLabs"
    _write(submitter / "systems/board_one.json", json.dumps(DESCRIPTION))
    return submitter / "results/board_one/ic"


def _eembc_log(files: tuple[str, ...], iterations: int, warmups: int, energy: bool = False) -> str:
    """``files`` loaded and inferred one after the other; each window takes WINDOW_S on the device's clock."""
    dut, sent = ("io: [dut]", "io dut") if energy else ("dut", "dut")
    lines = ["session: m-session-start-id[1]", f"{dut}: m-profile-[{PROFILE}]", f"{dut}: m-model-[ic01]"]
    lines += ["emon: m-trace[on]"] if energy else [f"{dut}: m-lap-us-1000"]
    text = [f"00010.000 {line}" for line in lines]
    for number, file in enumerate(files):
        start_s = 10.0 + HEAD_S + number * (WINDOW_S + PAUSE_S)
        scores = ",".join("0.900" if index == LABELS[FILES.index(file)] else "0.010" for index in range(10))
        start_us = int(start_s * 1e6)
        laps = [] if energy else [f"m-lap-us-{start_us}", f"m-lap-us-{start_us + int(WINDOW_S * 1e6)}"]
        before = [
            f'parser: Command "bload dut "C:\\data\\ic01\\{file}""',
            f'parser: Command "{sent} infer {iterations} {warmups}"',
        ]
        inside = [f"{dut}: m-infer-start-{iterations}", *(f"{dut}: {lap}" for lap in laps[:1])]
        after = [*(f"{dut}: {lap}" for lap in laps[1:]), f"{dut}: m-infer-done", f"{dut}: m-results-[{scores}]"]
        text += [f"{start_s:09.3f} {line}" for line in (*before, *inside)]
        text += [f"{start_s + WINDOW_S:09.3f} {line}" for line in after]
    text += [f"00999.000 {line}" for line in (["emon: m-voltage-mv[1800]"] if energy else [])]
    return "\r\n".join([*text, "00999.000 session: m-session-stop-id[1]"]) + "\r\n"


def _script(files: tuple[str, ...], iterations: int, warmups: int, io: str = "") -> str:
    commands = [
        c
        for file in files
        for c in (f'bload dut "C:\\\\data\\\\ic01\\\\{file}"', f"{io}dut infer {iterations} {warmups}")
    ]
    return "[\n" + ",\n".join(f"    {{\n        cmd: '{command}'\n    }}" for command in commands) + "\n]\n"


def _eembc_windows() -> str:
    return "".join(
        f"00099.000 ulp-mlperf: Performance results for window {number}:\n"
        f"00099.000 ulp-mlperf:   # Inferences :           {N}\n"
        f"00099.000 ulp-mlperf:   Runtime      :       {WINDOW_S:.3f} sec.\n"
        "00099.000 ulp-mlperf: Runtime requirements have been met.\n"
        for number in (2, 4, 6, 8, 10)
    )


def _throughput() -> str:
    return f"Median throughput is {N / WINDOW_S:.3f} inf./sec.\n"


def _entry(file: str, infer: dict[str, object], **more: object) -> dict[str, object]:
    label = LABELS[FILES.index(file)]
    scores = [0.9 if index == label else 0.01 for index in range(10)]
    return {"file": file, "class": str(label), "infer": {"results": scores, **infer}, **more}


def _timed(file: str) -> dict[str, object]:
    return _entry(file, {"start_time": 1000, "end_time": 1000 + int(WINDOW_S * 1e6), "iterations": N, "warmups": 1})


def _answered(file: str) -> dict[str, object]:
    return _entry(file, {"start_time": 1000, "end_time": 2000, "iterations": 1, "warmups": 0})


def _measured(file: str) -> dict[str, object]:
    power = {"samples": [5e-5] * 11_500, "timestamps": [["00", 5], ["01", 300], ["02", 11_300]], "voltage": 1.8}
    return _entry(file, {"iterations": N, "warmups": 1}, power=power)


def _write(path: Path, text: str) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(text.encode())
