# SPDX-License-Identifier: Apache-2.0
"""Reads what tests need from published result folders: the device's lines of a log, and label lists."""

from __future__ import annotations

import csv
import json
import re
from pathlib import Path

import numpy as np

from mlperf_tiny.harness.wire.inference import Inference, read_inference
from mlperf_tiny.harness.wire.protocol import Lap, Results, decode_line

_DEVICE_LINE = re.compile(r"^\d+\.\d+ dut: (.*)$")
_INFER = re.compile(r'parser: Command "dut infer (\d+) (\d+)"')
_LOAD = re.compile(r'Command "bload dut "[^"]*[/\\]([^"/\\]+)"')


def eembc_inferences(log: Path) -> list[tuple[str, Inference]]:
    """(input file, reply) of every ``infer`` in an EEMBC runner's log, in order."""
    found: list[tuple[str, Inference]] = []
    file, infer, lines = "", (0, 0), []
    for raw in log.read_text(encoding="latin-1").splitlines():
        if load := _LOAD.search(raw):
            file = load[1]
        elif command := _INFER.search(raw):
            infer, lines = (int(command[1]), int(command[2])), []
        elif infer[0] and (device := _DEVICE_LINE.match(raw)):
            if device[1].strip() == "m-ready":
                found.append((file, read_inference(*infer, lines)))
                infer = (0, 0)
            else:
                lines.append(device[1])
    return found


def mlcommons_inferences(results: Path) -> list[tuple[str, Inference]]:
    """(input file, reply) of every entry in an MLCommons runner's results.json, in order."""
    found = []
    for entry in json.loads(results.read_text()):
        infer = entry["infer"]
        laps = (Lap(infer["start_time"]), Lap(infer["end_time"]))
        values = decode_line(f"m-results-[{','.join(map(str, infer['results']))}]")
        assert isinstance(values, Results)
        elapsed_us = laps[1].device_us - laps[0].device_us
        found.append((entry["file"], Inference(infer["iterations"], elapsed_us, False, values.values)))
    return found


def inferences(folder: Path, mode: str) -> list[tuple[str, Inference]]:
    """The inferences of a published folder's ``performance`` or ``accuracy`` run, whichever runner wrote it."""
    if (folder / mode / "results.json").exists():
        return mlcommons_inferences(folder / mode / "results.json")
    return eembc_inferences(next((folder / mode).glob("*log.txt")))


def labels(path: Path) -> dict[str, int]:
    """File name -> label of a y_labels list."""
    return {row[0].strip(): int(row[2]) for row in csv.reader(path.read_text().splitlines())}


def scored(found: list[tuple[str, Inference]], label_of: dict[str, int]) -> tuple[np.ndarray, np.ndarray]:
    """Score rows and labels of an accuracy run."""
    return (
        np.array([inference.results for _, inference in found]),
        np.array([label_of[file] for file, _ in found]),
    )
