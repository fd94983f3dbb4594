# SPDX-License-Identifier: Apache-2.0
"""A recorded run as a device: to the recorded commands it gives the recorded replies.

The events it reads are described in ``mlperf_tiny.harness.wire.transcript``. Downloads are recorded by their hash
alone; the pieces of one are answered as a device does, and the payload must have that hash.
"""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from mlperf_tiny.errors import DeviceGone, RecordError, WrongRequest
from mlperf_tiny.file_tree import refuse_placeholder
from mlperf_tiny.runners.transports.transport import DeviceInfo

_MAX_SHOWN = 80
_PIECE = re.compile(r"db ([0-9a-fA-F]{2})+")
_VALUES: dict[str, dict[str, type]] = {
    "meta": {"device": dict},
    "out": {"s": str},
    "in": {"s": str},
    "download": {"bytes": int, "sha256": str, "done": bool},
}


class ReplayTransport:
    """Plays the ``out``, ``in`` and ``download`` events of a transcript back.

    It brings its own ``clock`` (host seconds, moved by waiting), so that silence of the recorded device takes no time.
    A command that was not sent at this point of the recording raises DeviceGone with both commands.
    """

    def __init__(self, source: Path | Iterable[dict[str, Any]]) -> None:
        """``source`` is a transcript file or its events; raises RecordError when it cannot be read."""
        self.url = f"replay://{source}" if isinstance(source, Path) else "replay://events"
        events = _read(source) if isinstance(source, Path) else list(source)
        self._events = [event for event in events if event.get("e") in ("out", "in", "download", "resume")]
        meta = next((event for event in events if event.get("e") == "meta"), {})
        device = meta.get("device", {})
        timing: str = device.get("timing", "hardware")
        if timing not in ("hardware", "emulated", "host"):
            raise RecordError(f"{self.url} was recorded in {timing!r} time: wanted hardware, emulated or host.")
        # A recording that starts with the device's lines starts with its boot: a board behind a port had booted before.
        boots = self._events[:1] != [] and self._events[0]["e"] == "in"
        self.device_info = DeviceInfo(timing=timing, just_started=timing != "hardware" and boots)
        self._next = 0
        self._reply = b""
        self._payload = bytearray()
        self._now_s = 0.0
        self._queue_replies()

    def clock(self) -> float:
        """Host seconds of the replay."""
        return self._now_s

    def write(self, data: bytes) -> None:
        """Take one command; raises DeviceGone when it is not the recorded one."""
        command = data.decode("latin-1").removesuffix("%")
        event = self._events[self._next] if self._next < len(self._events) else None
        if event is not None and event["e"] == "out" and event["s"] == command:
            self._next += 1
            self._queue_replies()
        elif event is not None and event["e"] == "download" and _PIECE.fullmatch(command):
            self._take_piece(event, bytes.fromhex(command[3:]))
        else:
            wanted = "the end of the recording" if event is None else repr(event.get("s", event["e"]))[:_MAX_SHOWN]
            raise DeviceGone(self.url, f"{command[:_MAX_SHOWN]!r} was sent where the recording has {wanted}")

    def read(self, timeout_s: float) -> bytes:
        """Return the recorded reply; b"" at once when the recorded device sent nothing more."""
        if not self._reply:
            if self.device_info.timing != "emulated":
                self._now_s += timeout_s
            return b""
        reply, self._reply = self._reply, b""
        return reply

    def close(self) -> None:
        """Nothing to release."""

    def _queue_replies(self) -> None:
        """Queue the lines that come before the next command."""
        while self._next < len(self._events) and self._events[self._next]["e"] in ("in", "resume"):
            event = self._events[self._next]
            if event["e"] == "in":
                end = b"" if event.get("torn") else b"\r\n"
                self._reply += event["s"].encode("latin-1") + end
            self._next += 1

    def _take_piece(self, event: dict[str, Any], piece: bytes) -> None:
        self._payload += piece
        if len(self._payload) < event["bytes"]:
            self._reply += b"m-ready\r\n"
            return
        digest = hashlib.sha256(self._payload).hexdigest()
        if len(self._payload) > event["bytes"] or digest != event["sha256"]:
            raise DeviceGone(
                self.url, f"{len(self._payload)} bytes with sha256 {digest} were sent where the recording has "
                f"{event['bytes']} with {event['sha256']}",
            )  # fmt: skip
        self._payload.clear()
        self._reply += b"m-load-done\r\nm-ready\r\n" if event["done"] else b"m-ready\r\n"
        self._next += 1
        self._queue_replies()


def _read(path: Path) -> list[dict[str, Any]]:
    events = []
    try:
        content = path.read_bytes()
        refuse_placeholder(content, str(path))
        for line in content.split(b"\n")[:-1]:
            event = json.loads(line)
            if any(type(event[name]) is not kind for name, kind in _VALUES.get(event["e"], {}).items()):
                raise ValueError(f"{line[:_MAX_SHOWN]!r} is no event of a transcript")
            events.append(event)
    except (OSError, ValueError, TypeError, KeyError, RecursionError) as error:
        raise WrongRequest(f"{path} is not a transcript: {error}. Name the transcript.jsonl of a run.") from error
    return events
