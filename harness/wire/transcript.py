# SPDX-License-Identifier: Apache-2.0
"""The transcript of a run: one JSON object a line, appended and flushed as it happens.

===========  =========================================================================================================
``e``        the rest of the line
===========  =========================================================================================================
``meta``     first line: everything that is known before the device is used (``harness/record/settings.py``)
``out``      ``t``, ``s``: a command as it was sent, without its ``%``
``in``       ``t``, ``s``: a line that came, without its line end; ``torn`` when the line end was never seen
``download`` ``t``, ``from``, ``bytes``, ``chunk``, ``sha256``, ``done``: consecutive ``db <hex>`` commands which were
             all answered as they should be. The payload is a sample of the data set; only its hash is written
``mark``     what the lines after it belong to: ``mode``, ``sample`` ... (see ``harness/run/modes.py``)
``choice``   the number of iterations chosen, and from what
``counters`` an emulated device's instruction and cycle counters at this point
``note``     ``s``: something that was corrected on the way
``resume``   the run continues here, in another process
``stop``     ``s``: why the run stopped before its end
``end``      the run is complete
===========  =========================================================================================================

``t`` is host seconds since the process that wrote the line began; only the order of lines means anything. ``h``, the
last member of every line, is the hash chain over the lines (``harness/wire/hash_chain.py``). Transcripts of earlier
formats are read and continued as they are: format 2 names a model's own input tensor "own" instead of "features",
format 1 has no hash chain either.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import overload

from mlperf_tiny.errors import RecordError, WrongRequest
from mlperf_tiny.file_tree import refuse_placeholder
from mlperf_tiny.harness.wire.events import Event
from mlperf_tiny.harness.wire.hash_chain import Chain, ChainBroken, ChainDigest

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
        raise WrongRequest(f"{path} cannot be read: {error.strerror}. Name the folder of a run.") from error
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
    refuse_placeholder(content, path)
    lines = content.split(b"\n")[:-1]
    chain = chain_of(lines)
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


def chain_of(lines: Sequence[bytes]) -> Chain | None:
    """A new chain for a transcript of a format that has one, by its first line; None for others."""
    try:
        first = json.loads(lines[0]) if lines else {"format": FORMAT}
    except (ValueError, RecursionError):
        return None
    return Chain() if isinstance(first, dict) and first.get("format") in CHAINED_FORMATS else None
