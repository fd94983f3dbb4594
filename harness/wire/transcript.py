# SPDX-License-Identifier: Apache-2.0
"""The transcript of a run: one JSON object a line, appended and flushed as it happens.

===========  =========================================================================================================
``e``        the rest of the line
===========  =========================================================================================================
``meta``     first line: everything that is known before the device is used (see ``harness.record.settings``)
``out``      ``t``, ``s``: a command as it was sent, without its ``%``
``in``       ``t``, ``s``: a line that came, without its line end; ``torn`` when the line end was never seen
``download`` ``t``, ``from``, ``bytes``, ``chunk``, ``sha256``, ``done``: consecutive ``db <hex>`` commands which were
             all answered as they should be. The payload is a sample of the data set; only its hash is written
``mark``     what the lines after it belong to: ``mode``, ``sample`` ... (see ``harness.run.modes``)
``choice``   the number of iterations chosen, and from what
``counters`` an emulated device's instruction and cycle counters at this point
``note``     ``s``: something that was corrected on the way
``resume``   the run continues here, in another process
``stop``     ``s``: why the run stopped before its end
``end``      the run is complete
===========  =========================================================================================================

``t`` is host seconds since the process that wrote the line began; only the order of lines means anything. ``h``, the
last member of every line, is the hash chain over the lines (``harness.wire.hash_chain``). Transcripts of earlier
formats are read and continued as they are: format 2 names a model's own input tensor "own" instead of "features",
format 1 has no hash chain either.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO, Any, overload

from mlperf_tiny.errors import RecordError
from mlperf_tiny.harness.wire.events import Event
from mlperf_tiny.harness.wire.hash_chain import Chain, ChainBroken, ChainDigest
from mlperf_tiny.harness.wire.protocol import LineAssembler

TRANSCRIPT_FILE = "transcript.jsonl"
FORMAT = 3
CHAINED_FORMATS = (3, 2)
READ_FORMATS = (3, 2, 1)


@dataclass(frozen=True)
class Transcript(Sequence[Event]):
    """The events of a transcript."""

    events: tuple[Event, ...]
    """One for each line."""
    chain_digest: ChainDigest | None = None
    """Of its lines; None in format 1, which has no hash chain."""

    @overload
    def __getitem__(self, index: int) -> Event: ...
    @overload
    def __getitem__(self, index: slice) -> tuple[Event, ...]: ...
    def __getitem__(self, index: int | slice) -> Event | tuple[Event, ...]:
        return self.events[index]

    def __len__(self) -> int:
        return len(self.events)


def read_transcript(path: Path, stated: ChainDigest | None = None) -> Transcript:
    """Read a transcript; a last line without its end, torn by a crash, is skipped.

    Args:
        path: The file.
        stated: A digest that its first lines, or all of them, must have.

    Raises:
        RecordError: when the file cannot be read, does not begin with ``meta``, has another format, is damaged before
            its last line, or contradicts ``stated``.
    """
    try:
        content = path.read_bytes()
    except OSError as error:
        raise RecordError(f"{path} cannot be read: {error.strerror}. Name the folder of a run.") from error
    return parse_transcript(content, str(path), stated)


def parse_transcript(content: bytes, path: str, stated: ChainDigest | None = None) -> Transcript:
    """Read the bytes of a transcript.

    Args:
        content: The file.
        path: What messages call it.
        stated: A digest that its first lines, or all of them, must have.

    Raises:
        RecordError: as ``read_transcript`` does.
    """
    lines = content.split(b"\n")[:-1]
    chain = _chain_of(lines)
    events: list[Event] = []
    for number, line in enumerate(lines, start=1):
        events.append(_event(line, number, chain, path))
        if chain is not None and stated is not None and chain.digest.lines == stated.lines and chain.digest != stated:
            raise RecordError(
                f"{path} is not the transcript of its record: the chain digest of its first {stated.lines} lines is "
                f"{chain.digest.value[:16]}..., recorded was {stated.value[:16]}.... Restore the original transcript."
            )
    if not events or events[0]["e"] != "meta" or events[0].get("format") not in READ_FORMATS:
        raise RecordError(
            f"{path} does not begin with the 'meta' line of a transcript in format "
            f"{' or '.join(map(str, READ_FORMATS))}."
        )
    if stated is not None and (chain is None or chain.digest.lines < stated.lines):
        what = f"has {len(events)} whole lines, {stated.lines} were recorded" if chain else "has no hash chain"
        raise RecordError(f"{path} {what}: its end was cut off. Restore the original transcript.")
    return Transcript(tuple(events), chain.digest if chain else None)


def _event(line: bytes, number: int, chain: Chain | None, path: str) -> Event:
    try:
        event = json.loads(line if chain is None else chain.verify(line))
        if not isinstance(event, dict) or not isinstance(event.get("e"), str):
            raise ValueError("not an event")
        return event
    except ChainBroken as error:
        raise RecordError(
            f"{path} line {number} is not what was written there: {error}. It or a line before it was changed, lost "
            "or inserted. Restore the original transcript."
        ) from error
    except (ValueError, RecursionError) as error:
        raise RecordError(
            f"{path} line {number} is damaged ({line[:60]!r}: {error}). Only its last line may be torn."
        ) from error


def _chain_of(lines: Sequence[bytes]) -> Chain | None:
    """A new chain for a transcript of a format that has one, by its first line; None for others."""
    try:
        first = json.loads(lines[0]) if lines else {"format": FORMAT}
    except (ValueError, RecursionError):
        return None
    return Chain() if isinstance(first, dict) and first.get("format") in CHAINED_FORMATS else None


def _chain_after(lines: Sequence[bytes]) -> Chain | None:
    """The chain after ``lines``, which ``read_transcript`` has verified; None for a transcript without one."""
    chain = _chain_of(lines)
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
    but ``m-ready`` or ``m-load-done``: then that piece is written as it was.

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
        self._file: IO[bytes] = path.open("ab")
        self._chain: Chain | None = Chain()
        if self._file.tell():
            content = path.read_bytes()
            self._file.truncate(content.rfind(b"\n") + 1)
            self._chain = _chain_after(content.split(b"\n")[:-1])

    def event(self, kind: str, **values: Any) -> None:
        """Append one event and flush it; what came on the wire before it is written before it."""
        self._flush_chunk()
        self._flush_download()
        self._write({"e": kind, **values})

    def listen(self, direction: str, data: bytes) -> None:
        """Take raw bytes.

        Args:
            direction: "out" for whole commands, "in" for any piece of the reply text.
            data: The bytes.
        """
        if direction == "out":
            self._sent(data.decode("latin-1").removesuffix("%"))
        else:
            for line in self._lines.feed(data):
                self._received(line)

    def close(self) -> None:
        """Write what is pending and close the file; safe to call twice."""
        if self._file.closed:
            return
        self._flush_chunk()
        self._flush_download()
        if self._lines.pending:
            self._write({"e": "in", "t": self._t(), "s": self._lines.pending, "torn": True})
        with suppress(OSError):  # an error in writing was raised when it happened
            self._file.close()

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
            raise RecordError(
                f"{self._file.name} cannot be written: {error.strerror}. Free disk space, then resume with --resume."
            ) from error


def _payload(command: str) -> bytes | None:
    """The bytes a ``db <hex>`` command carries; None for any other command."""
    word, _, digits = command.partition(" ")
    if word != "db" or not digits:
        return None
    try:
        return bytes.fromhex(digits)
    except ValueError:
        return None
