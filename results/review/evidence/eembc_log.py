# SPDX-License-Identifier: Apache-2.0
"""The EEMBC runner's ``log.txt`` and ``script.async``: commands as they were sent, device lines as they came.

A line is ``<clock s> <source>: <text>``; in energy mode the device speaks through the IO manager, ``io: [dut]: ...``.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass, field

from mlperf_tiny.results.review.evidence.runner_log import (
    ERROR_LINE,
    MAX_ERRORS,
    MAX_INFERENCES,
    Inference,
    Run,
    vector,
)

_LINE = re.compile(r"(\d{1,9}\.\d{1,6}) ([\w-]{1,40}): (\[dut\]: )?(.*)")
_LOAD = re.compile(r'bloadp?\s+(?:dut\s+)?\\?"([^"]{1,1000}?)\\?"')
_INFER = re.compile(r"(?:io\s+)?dut\s+infer\s+(\d{1,12})(?:\s+(\d{1,12}))?")
_COMMAND = re.compile(r'Command "(.*)"\s*$')
_SCRIPT_COMMAND = re.compile(r"cmd\s*:\s*'([^'\n]{1,2000})'")
_LAP = re.compile(r"m-lap-us-(\d{1,20})")
_RESULTS = re.compile(r"m-results-\[([^\]]*)\]")
_FIELD = re.compile(r"m-(profile|model)-\[([^\]]{0,200})\]")
_VOLTAGE = re.compile(r"m-voltage-mv\[(\d{1,6})\]")
_COUNTER_US = 1 << 32


@dataclass
class _Open:
    """An ``infer`` command whose answer is being read."""

    file: str
    iterations: int
    warmups: int
    laps_us: list[int] = field(default_factory=list)
    scores: tuple[float, ...] | None = None
    started_s: float | None = None
    done_s: float | None = None

    def close(self) -> Inference:
        seconds = None
        if len(self.laps_us) >= 2:
            start_us, end_us = self.laps_us[-2:]
            # A 32-bit counter of microseconds starts again after 71.6 minutes.
            seconds = ((end_us - start_us) % _COUNTER_US if end_us < start_us else end_us - start_us) / 1e6
        return Inference(self.file, self.iterations, self.warmups, seconds, self.scores, self.started_s, self.done_s)


def parse_eembc_log(lines: Iterable[str], source: str) -> Run:
    """Read a log; lines that are none of the runner's are passed over, damaged answers are named in ``problems``."""
    inferences: list[Inference] = []
    errors: list[str] = []
    problems: list[str] = []
    fields: dict[str, str] = {}
    voltages: list[int] = []
    current: _Open | None = None
    file, trace_on_s, begun, finished = "", None, False, False
    for line in lines:
        if "m-" not in line and "e-[" not in line and 'Command "' not in line:
            continue
        if "m-sequencing" in line or not (match := _LINE.match(line)):
            continue
        clock_s, speaker, text = float(match[1]), match[2], match[4]
        if speaker == "parser" and (command := _COMMAND.match(text)):
            if load := _LOAD.search(command[1]):
                file = base_name(load[1])
            elif infer := _INFER.match(command[1]):
                if current is not None:
                    inferences.append(current.close())
                current = _Open(file, int(infer[1]), int(infer[2] or 0))
                if len(inferences) >= MAX_INFERENCES:
                    problems.append(f"{source} holds over {MAX_INFERENCES:,} inferences; the rest was not read")
                    break
            continue
        if error := ERROR_LINE.search(text):
            if len(errors) < MAX_ERRORS:
                errors.append(error[1])
        elif current is not None and (lap := _LAP.search(text)):
            if speaker == "dut" or match[3]:
                current.laps_us.append(int(lap[1]))
        elif current is not None and (answer := _RESULTS.search(text)):
            current.scores = vector(answer[1])
            if current.scores is None and len(problems) < MAX_ERRORS:
                problems.append(f"{source}: the answer for {current.file} is not a list of numbers: {answer[1][:80]!r}")
        elif current is not None and "m-infer-start" in text:
            current.started_s = clock_s
        elif current is not None and "m-infer-done" in text:
            current.done_s = clock_s
        elif said := _FIELD.search(text):
            fields[said[1]] = said[2]
        elif measured := _VOLTAGE.search(text):
            voltages.append(int(measured[1]))
        elif "m-trace[on]" in text:
            trace_on_s = clock_s
        elif "m-session-start" in text or "m-sequencer-start" in text:
            begun = True
        elif "m-session-stop" in text or "m-sequencer-stop" in text:
            finished = True
    if current is not None:
        inferences.append(current.close())
    return Run(
        "EEMBC",
        source,
        tuple(inferences),
        fields.get("profile", ""),
        fields.get("model", ""),
        tuple(voltages),
        begun and finished,
        tuple(errors),
        trace_on_s,
        problems=tuple(problems),
    )


def parse_script(lines: Iterable[str]) -> tuple[tuple[str, int, int], ...]:
    """Return file, iterations and warm-ups of every ``infer`` the command list ``script.async`` holds, in order."""
    planned: list[tuple[str, int, int]] = []
    file = ""
    for line in lines:
        if not (command := _SCRIPT_COMMAND.search(line)):
            continue
        if load := _LOAD.search(command[1]):
            file = base_name(load[1])
        elif infer := _INFER.match(command[1]):
            planned.append((file, int(infer[1]), int(infer[2] or 0)))
            if len(planned) >= MAX_INFERENCES:
                break
    return tuple(planned)


def base_name(path: str) -> str:
    """The file name of a path as Windows or anybody else writes it."""
    return path.replace("\\", "/").rpartition("/")[2]
