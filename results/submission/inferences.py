# SPDX-License-Identifier: Apache-2.0
"""The inferences of a run that count, with the device's stamps around each: what the runner's files are made of.

Which ones count is decided as in ``mlperf_tiny.harness.record.measured``: the windows of the last attempt, and of what
was answered twice the second answer.
"""

from __future__ import annotations

import math
import re
from collections.abc import Iterator
from dataclasses import dataclass, replace

from mlperf_tiny.errors import ProtocolError, RecordError
from mlperf_tiny.harness.record.measured import measure
from mlperf_tiny.harness.record.settings import Settings
from mlperf_tiny.harness.wire.events import Event
from mlperf_tiny.harness.wire.inference import read_inference
from mlperf_tiny.harness.wire.protocol import Lap, Ready, decode_line
from mlperf_tiny.harness.wire.transcript import Transcript

_INFER = re.compile(r"infer (\d{1,10}) (\d{1,10})$")
LONGEST_RUN_S = 1e8


@dataclass(frozen=True, kw_only=True)
class TimedInference:
    """One ``infer`` and its reply."""

    file: str
    """Name of the input file."""
    label: int
    """Its label; -1 where it is not known."""
    segment: int
    """Number of the window within its file, from 0."""
    segments: int
    """Windows of the file."""
    iterations: int
    """Timed inferences."""
    warmups: int
    """Inferences before them."""
    start_us: int
    """The device's counter before the window."""
    end_us: int
    """The device's counter after it; where it wrapped in between, 2^32 is added."""
    results: tuple[float, ...]
    """The answer."""
    loading_s: float
    """Host time since the start of the run: the input is sent."""
    loaded_s: float
    """Host time since the start of the run: the command is sent."""
    done_s: float
    """Host time since the start of the run: the reply is complete."""

    @property
    def elapsed_us(self) -> int:
        """Device time of the window."""
        return self.end_us - self.start_us

    @property
    def throughput_per_s(self) -> float:
        """Inferences per second of device time."""
        return self.iterations / (self.elapsed_us / 1e6)


@dataclass(frozen=True)
class Inferences:
    """The inferences of a run that count."""

    performance: tuple[TimedInference, ...]
    """The timed windows."""
    accuracy: tuple[TimedInference, ...]
    """The answers of the accuracy part, in list order."""
    last_s: float
    """Host time of the last event."""


def inferences_of(transcript: Transcript) -> Inferences:
    """Return the inferences that count; raises RecordError for an event that makes no sense."""
    calibration = measure(transcript).calibration
    windows: dict[int, TimedInference] = {}
    answers: dict[tuple[int, int], TimedInference] = {}
    reader = _Reader()
    for mark, timed in reader.inferences(transcript):
        if mark["mode"] == "window" and calibration is not None and mark["attempt"] == calibration.attempt:
            windows[mark["window"]] = timed
        elif mark["mode"] == "accuracy":
            answers[mark["index"], mark["window"]] = timed
    labels = {timed.file: timed.label for timed in answers.values()}
    performance = tuple(_labelled(timed, labels) for _, timed in sorted(windows.items()))
    return Inferences(performance, tuple(timed for _, timed in sorted(answers.items())), reader.now_s)


def _labelled(timed: TimedInference, labels: dict[str, int]) -> TimedInference:
    return replace(timed, label=labels.get(timed.file, -1))


class _Reader:
    """Walks the events; ``now_s`` is the host's clock, which continues where a run was resumed."""

    def __init__(self) -> None:
        self.now_s = 0.0
        self._began_s = 0.0
        self._result_values: int | None = None

    def inferences(self, transcript: Transcript) -> Iterator[tuple[Event, TimedInference]]:
        mark: Event | None = None
        command: re.Match[str] | None = None
        lines: list[str] = []
        loading_s = sent_s = 0.0
        for event in transcript:
            kind = event["e"]
            self._pass(event)
            if kind == "meta":
                self._result_values = Settings.from_event(event).result_values
            elif kind == "mark":
                mark = event
            elif kind == "resume":
                mark, self._began_s = None, self.now_s
            elif kind == "out":
                command, lines, sent_s = _INFER.match(event["s"]), [], self.now_s
                loading_s = self.now_s if event["s"].startswith("db load") else loading_s
            elif kind == "in" and command is not None and mark is not None and not event.get("torn"):
                if not isinstance(decode_line(event["s"]), Ready):
                    lines.append(event["s"])
                    continue
                timed = _timed_inference(mark, command, lines, (loading_s, sent_s, self.now_s), self._result_values)
                command = None
                if timed is not None:
                    yield mark, timed

    def _pass(self, event: Event) -> None:
        since_s = event.get("t", 0.0)
        if type(since_s) not in (int, float) or not math.isfinite(since_s) or abs(since_s) > LONGEST_RUN_S:
            raise RecordError(f"the transcript's event {str(event)[:200]} is damaged (t is {str(since_s)[:40]}).")
        self.now_s = min(max(self.now_s, self._began_s + since_s), 10 * LONGEST_RUN_S)


def _timed_inference(
    mark: Event,
    command: re.Match[str],
    lines: list[str],
    at_s: tuple[float, float, float],
    result_values: int | None,
) -> TimedInference | None:
    count, warmups = int(command[1]), int(command[2])
    try:
        inference = read_inference(count, warmups, lines, result_values)
    except ProtocolError:
        return None  # it measured nothing
    laps = [reply.device_us for line in lines if isinstance(reply := decode_line(line), Lap)]
    loading_s, loaded_s, done_s = at_s
    return TimedInference(
        file=mark["sample"],
        label=mark.get("label", -1),
        segment=mark["window"] if mark["mode"] == "accuracy" else 0,
        segments=mark.get("windows", 1),
        iterations=count,
        warmups=warmups,
        start_us=laps[0],
        end_us=laps[0] + inference.elapsed_us,
        results=inference.results,
        loading_s=loading_s,
        loaded_s=loaded_s,
        done_s=done_s,
    )
