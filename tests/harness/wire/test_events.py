# SPDX-License-Identifier: Apache-2.0
"""The events of a transcript as typed values: every kind, every bound, and what is refused."""

from __future__ import annotations

from typing import Any

import pytest

from mlperf_tiny.errors import RecordError
from mlperf_tiny.harness.wire.events import (
    AccuracyMark,
    Calibration,
    Counters,
    Download,
    End,
    Event,
    Mark,
    Note,
    Received,
    Resume,
    Sent,
    Stop,
    WindowMark,
    typed_event,
)

SHA256 = "0123456789abcdef" * 4
DOWNLOAD: Event = {"e": "download", "t": 1.5, "from": 0, "bytes": 490, "chunk": 38, "sha256": SHA256, "done": True}
MARK: Event = {"e": "mark", "mode": "trial", "sample": "a.bin"}
WINDOW: Event = {"e": "mark", "mode": "window", "sample": "a.bin", "attempt": 1, "window": 4}
ACCURACY: Event = {
    "e": "mark", "mode": "accuracy", "sample": "a.bin", "index": 7, "label": -1, "window": 0, "windows": 1,
}  # fmt: skip
CHOICE: Event = {"e": "choice", "attempt": 1, "iterations": 10, "latency_us": 0.5, "host_s": 2.0}

TYPED: list[tuple[Event, Any]] = [
    ({"e": "out", "t": 0.25, "s": "name", "h": "0" * 16}, Sent(t=0.25, s="name")),
    ({"e": "in", "t": 0.25, "s": "m-ready"}, Received(t=0.25, s="m-ready", torn=False)),
    ({"e": "in", "t": 0, "s": "m-re", "torn": True}, Received(t=0.0, s="m-re", torn=True)),
    (DOWNLOAD, Download(t=1.5, start=0, size_bytes=490, chunk=38, sha256=SHA256, done=True)),
    (MARK, Mark(mode="trial", sample="a.bin")),
    (MARK | {"mode": "count"}, Mark(mode="count", sample="a.bin")),
    (WINDOW, WindowMark(mode="window", sample="a.bin", attempt=1, window=4)),
    (ACCURACY, AccuracyMark(mode="accuracy", sample="a.bin", index=7, label=-1, window=0, windows=1)),
    (CHOICE, Calibration(attempt=1, iterations=10, latency_us=0.5, host_s=2.0)),
    (
        {"e": "counters", "at": "before", "cycles": 0, "instructions": 5, "h": "0" * 16},
        Counters(at="before", values={"cycles": 0, "instructions": 5}),
    ),
    ({"e": "counters", "at": "after"}, Counters(at="after", values={})),
    ({"e": "note", "s": "x"}, Note(s="x")),
    ({"e": "stop", "s": "x"}, Stop(s="x")),
    ({"e": "resume"}, Resume()),
    ({"e": "end"}, End()),
    ({"e": "meta"}, None),
    ({"e": "of a later format", "s": 5}, None),
]


@pytest.mark.parametrize(("event", "wanted"), TYPED)
def test_each_kind(event: Event, wanted: Any) -> None:
    assert typed_event(event) == wanted


# The extreme values of each kind of number, and the nearest ones beyond.
BOUNDS = [
    (DOWNLOAD, "from", [0, 2**63 - 1], [-1, 2**63, 1.5, "1"]),
    (DOWNLOAD, "bytes", [0, 2**63 - 1], [-1, 2**63]),
    (DOWNLOAD, "chunk", [0, 2**63 - 1], [-1, 2**63]),
    (DOWNLOAD, "sha256", ["f" * 64], ["f" * 63, "f" * 65, "F" * 64, "g" * 64, 5]),
    (DOWNLOAD, "done", [True, False], [1, "true"]),
    (ACCURACY, "label", [-(2**31), 2**31 - 1], [-(2**31) - 1, 2**31, 0.5]),
    (ACCURACY, "index", [0, 2**63 - 1], [-1, 2**63]),
    (ACCURACY, "windows", [1, 196], [0, -1]),
    (WINDOW, "attempt", [0, 2**63 - 1], [-1]),
    (WINDOW, "window", [0, 2**63 - 1], [-1]),
    (CHOICE, "latency_us", [-1e300, 1e300, 0], [1.0001e300, -1.0001e300, float("-inf"), float("nan"), "0"]),
    (CHOICE, "host_s", [-1e300, 1e300], [1.0001e300, -1.0001e300, float("nan")]),
    (CHOICE, "iterations", [0, 2**63 - 1], [-1, 2**63]),
    (MARK, "mode", ["trial", "count"], ["other", 5]),
    ({"e": "counters", "at": "after"}, "cycles", [0, 2**63 - 1], [-1, 2**63, 0.5]),
    ({"e": "counters", "at": "after"}, "at", ["before", "after"], ["x"]),
    ({"e": "out", "t": 0.5, "s": "x"}, "t", [-1e300, 1e300, 0], [1.0001e300, -1.0001e300, float("nan"), None]),
    ({"e": "note", "s": "x"}, "s", [""], [5, None]),
]  # fmt: skip


@pytest.mark.parametrize(("event", "member", "good", "bad"), BOUNDS, ids=lambda value: str(value)[:40])
def test_bounds(event: Event, member: str, good: list[Any], bad: list[Any]) -> None:
    for value in good:
        assert typed_event(event | {member: value}) is not None, value
    for value in bad:
        with pytest.raises(RecordError, match=r"the transcript's event .* is damaged"):
            typed_event(event | {member: value})


@pytest.mark.parametrize("event", [row[0] for row in TYPED if row[1] is not None], ids=str)
def test_a_member_that_is_missing(event: Event) -> None:
    for member in event.keys() - {"e", "h", "torn", "cycles", "instructions"}:
        rest = {name: value for name, value in event.items() if name != member}
        with pytest.raises(RecordError, match="is damaged"):
            typed_event(rest)


@pytest.mark.parametrize(("window", "windows"), [(0, 0), (1, 1), (2, 1), (196, 196)])
def test_a_window_that_a_file_does_not_have(window: int, windows: int) -> None:
    assert typed_event(ACCURACY | {"window": window, "windows": window + 1}) is not None
    with pytest.raises(RecordError, match=rf"window {window} of {windows}"):
        typed_event(ACCURACY | {"window": window, "windows": windows})


def test_an_error_shows_200_characters_of_the_event() -> None:
    event = {"e": "note", "s": 5, "x": "a" * 500}
    with pytest.raises(RecordError) as caught:
        typed_event(event)
    shown = str(caught.value).removeprefix("the transcript's event ").partition(" is damaged: ")[0]
    assert len(shown) == 200 and str(event).startswith(shown)
