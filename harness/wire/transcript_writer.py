# SPDX-License-Identifier: Apache-2.0
"""Writing a transcript: one line for each event, flushed as it happens."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO, Any

from mlperf_tiny.disk import cannot_write
from mlperf_tiny.errors import RecordError
from mlperf_tiny.harness.wire.events import Event
from mlperf_tiny.harness.wire.hash_chain import Chain
from mlperf_tiny.harness.wire.protocol import LineAssembler
from mlperf_tiny.harness.wire.transcript import chain_of
from mlperf_tiny.interruption import HeldInterrupt


def _chain_after(lines: Sequence[bytes]) -> Chain | None:
    """The chain after ``lines``, which ``read_transcript`` has verified; None for a transcript without one."""
    chain = chain_of(lines)
    for line in lines if chain else ():
        assert chain is not None
        chain.verify(line)
    return chain


@dataclass
class _Download:
    """``db <hex>`` commands in a row, all answered as they should be, that are not written yet."""

    started_s: float
    start: int
    chunk_bytes: int = 0
    payload: bytearray = field(default_factory=bytearray)
    done: bool = False


class TranscriptWriter:
    """Appends events to a transcript.

    Opening an existing transcript cuts off a torn last line, and continues in its format. ``listen`` takes the raw
    bytes of both directions; the pieces of a download become one ``download`` event, unless a reply to one is anything
    but ``m-ready`` or ``m-load-done``: then that piece is written as it was. Ctrl-C waits until a line is whole.

    Args:
        path: The file.
        elapsed_s: Gives the host time of a line.
    """

    def __init__(self, path: Path, elapsed_s: Callable[[], float]) -> None:
        self._elapsed_s = elapsed_s
        self._lines = LineAssembler()
        self._download: _Download | None = None
        self._chunk: tuple[float, str, list[str]] | None = None  # (time, command, reply lines) of the piece in flight
        self._loaded = 0
        self.heard = False
        """Whether anything came from the device since the file was opened."""
        self._path = path
        self.begun = path.is_file() and path.stat().st_size > 0
        """Whether a line that a resumed run can begin with is on the disk."""
        try:
            self._file: IO[bytes] = path.open("ab")
        except OSError as error:
            raise self._not_written(error) from error
        self._chain: Chain | None = Chain()
        if self.begun:
            content = path.read_bytes()
            self._file.truncate(content.rfind(b"\n") + 1)
            self._chain = _chain_after(content.split(b"\n")[:-1])

    def event(self, kind: str, **values: Any) -> None:
        """Append one event and flush it; what came on the wire before it is written before it."""
        with HeldInterrupt():
            self._flush_chunk()
            self._flush_download()
            self._write({"e": kind, **values})

    def listen(self, direction: str, data: bytes) -> None:
        """Take raw bytes.

        Args:
            direction: "out" for whole commands, "in" for any piece of the reply text.
            data: The bytes.
        """
        with HeldInterrupt():
            if direction == "out":
                self._sent(data.decode("latin-1").removesuffix("%"))
            else:
                self.heard = True
                for line in self._lines.feed(data):
                    self._received(line)

    def drop_line(self) -> None:
        """Write the beginning of a line, whose end is not waited for any more, as torn."""
        with HeldInterrupt():
            self._flush_chunk()
            self._flush_download()
            self._write_torn()

    def close(self) -> None:
        """Write what is pending and close the file; safe to call twice."""
        if self._file.closed:
            return
        self._flush_chunk()
        self._flush_download()
        self._write_torn()
        with suppress(OSError):  # an error in writing was raised when it happened
            self._file.close()

    def _write_torn(self) -> None:
        if self._lines.pending:
            self._write({"e": "in", "t": self._t(), "s": self._lines.pending, "torn": True})
            self._lines = LineAssembler()

    def _sent(self, command: str) -> None:
        now = self._t()
        self._flush_chunk()
        if _payload(command) is not None:
            self._chunk = (now, command, [])
            return
        self._flush_download()
        if command.startswith("db load"):
            self._loaded = 0
        self._write({"e": "out", "t": now, "s": command})

    def _received(self, line: str) -> None:
        if self._chunk is None:
            self._flush_download()
            self._write({"e": "in", "t": self._t(), "s": line})
            return
        sent_s, command, replies = self._chunk
        replies.append(line)
        if line == "m-ready":
            self._chunk = None
            if replies in (["m-ready"], ["m-load-done", "m-ready"]):
                self._fold(sent_s, command, done=len(replies) == 2)
            else:
                self._write_chunk(sent_s, command, replies)

    def _fold(self, sent_s: float, command: str, done: bool) -> None:
        payload = _payload(command) or b""
        if self._download is None:
            self._download = _Download(sent_s, self._loaded, len(payload))
        self._download.payload += payload
        self._download.done = done
        self._loaded += len(payload)

    def _flush_chunk(self) -> None:
        if self._chunk is not None:
            (sent_s, command, replies), self._chunk = self._chunk, None
            self._write_chunk(sent_s, command, replies)

    def _write_chunk(self, sent_s: float, command: str, replies: list[str]) -> None:
        self._flush_download()
        self._loaded += len(_payload(command) or b"")
        self._write({"e": "out", "t": sent_s, "s": command})
        for line in replies:
            self._write({"e": "in", "t": self._t(), "s": line})

    def _flush_download(self) -> None:
        if self._download is not None:
            part, self._download = self._download, None
            self._write(
                {
                    "e": "download",
                    "t": part.started_s,
                    "from": part.start,
                    "bytes": len(part.payload),
                    "chunk": part.chunk_bytes,
                    "sha256": hashlib.sha256(part.payload).hexdigest(),
                    "done": part.done,
                }
            )

    def _t(self) -> float:
        return round(self._elapsed_s(), 6)

    def _write(self, event: Event) -> None:
        body = json.dumps(event, separators=(",", ":")).encode()
        try:
            self._file.write((self._chain.append(body) if self._chain else body) + b"\n")
            self._file.flush()
        except OSError as error:
            raise self._not_written(error) from error
        self.begun = True

    def _not_written(self, error: OSError) -> RecordError:
        """The error for a line that cannot be written; before the first one there is nothing to resume."""
        if self.begun:
            return RecordError(cannot_write(error, self._path, f"then resume with --resume {self._path.parent}"))
        runs = self._path.parent.parent  # what --out names: the folder of a run that has not begun is removed
        return RecordError(cannot_write(error, runs, "or name another folder with --out"))


def _payload(command: str) -> bytes | None:
    """The bytes a ``db <hex>`` command carries; None for any other command."""
    word, _, digits = command.partition(" ")
    if word != "db" or not digits:
        return None
    try:
        return bytes.fromhex(digits)
    except ValueError:
        return None
