# SPDX-License-Identifier: Apache-2.0
"""``record.json`` of a run's folder: written, read, and compared with its transcript."""

from __future__ import annotations

import json
import math
from dataclasses import asdict
from pathlib import Path
from typing import Any

from mlperf_tiny.disk import cannot_write
from mlperf_tiny.errors import RecordError
from mlperf_tiny.file_tree import refuse_placeholder
from mlperf_tiny.harness.record.compute import compute_record
from mlperf_tiny.harness.record.record import RunRecord
from mlperf_tiny.harness.record.settings import FORMER_FEATURES
from mlperf_tiny.harness.wire.hash_chain import ChainDigest
from mlperf_tiny.harness.wire.transcript import TRANSCRIPT_FILE, read_transcript
from mlperf_tiny.whole_file import write_whole

RECORD_FILE = "record.json"
ROUNDING = 1e-12
"""Numbers of a ``record.json`` that differ by no more are the same."""

COMPARED_FORMATS = (3, 2)
"""Formats whose content is compared with the transcript."""


def read_record(folder: Path) -> RunRecord:
    """Return the record of the run in ``folder``, recomputed from its transcript.

    Raises RecordError for a damaged transcript, and for one that contradicts the chain digest in ``record.json``.
    """
    return compute_record(read_transcript(folder / TRANSCRIPT_FILE, stated_digest(folder)))


def stated_digest(folder: Path) -> ChainDigest | None:
    """Return the chain digest in the ``record.json`` of ``folder``; None without that file, or where it has none."""
    written = _written(folder)
    if written is None or digest_entry(written) is None:
        return None
    digest = ChainDigest.from_json(digest_entry(written))
    if digest is None:
        raise RecordError(
            f"{folder / RECORD_FILE} has the chain digest {str(digest_entry(written))[:80]!r}, wanted lines and value."
        )
    return digest


def digest_entry(written: dict[str, Any]) -> Any:
    """Return the chain digest's entry in the content of a ``record.json`` of any format; None where it has none."""
    entry = written.get("chain_digest", written.get("seal"))
    return entry if isinstance(entry, dict) else None


def record_differences(record: RunRecord, folder: Path) -> tuple[str, ...]:
    """Return where the ``record.json`` of a folder differs from its transcript, one phrase each.

    Args:
        record: As the transcript gives it.
        folder: Of the run. Without a ``record.json``, or with one of format 1, nothing differs.
    """
    written = _written(folder)
    return () if written is None else differences_from(record, written)


def differences_from(record: RunRecord, written: dict[str, Any]) -> tuple[str, ...]:
    """Return where the content of a ``record.json`` differs from its transcript, one phrase each.

    Args:
        record: As the transcript gives it.
        written: The content; one of format 1 is not compared.
    """
    if written.get("format") not in COMPARED_FORMATS:
        return ()
    computed = json.loads(json.dumps(record.to_json()))
    for name, former in asdict(record.former_counts).items():
        if former is not None and (written.get(name) == former or _nearly_equal(written.get(name), former)):
            computed[name] = written[name]
    if written["format"] == 2:
        written, computed = _sentences_counted(written), _as_format_2(computed)
    return tuple(_differences("", written, computed))


def _as_format_2(values: dict[str, Any]) -> dict[str, Any]:
    """A record as it was before violations were data; their texts have changed since, so they are only counted."""
    digest = values.pop("chain_digest")
    inputs = values["settings"]["inputs"]
    inputs["format"] = FORMER_FEATURES if inputs["format"] == "features" else inputs["format"]
    del values["settings"]["device"]["timing_generation"]
    seal = digest and {"lines": digest["lines"], "chain": digest["value"]}
    return _sentences_counted({**values, "format": 2, "seal": seal})


def _sentences_counted(values: dict[str, Any]) -> dict[str, Any]:
    sentences = values.get("violations")
    return {**values, "violations": f"{len(sentences)} sentences"} if isinstance(sentences, list) else values


def _written(folder: Path) -> dict[str, Any] | None:
    """What ``record.json`` holds; None when there is none."""
    path = folder / RECORD_FILE
    try:
        content = path.read_bytes()
        refuse_placeholder(content, str(path))
        values = json.loads(content)
    except (FileNotFoundError, NotADirectoryError):
        return None
    except (OSError, ValueError, RecursionError) as error:
        raise RecordError(
            f"{path} cannot be read ({error}). Delete it: --resume recomputes it from the transcript."
        ) from error
    if not isinstance(values, dict):
        raise RecordError(f"{path} is no record. Delete it: --resume recomputes it from the transcript.")
    return values


def _differences(place: str, written: Any, computed: Any) -> list[str]:
    if isinstance(written, dict) and isinstance(computed, dict):
        keys = [*computed, *(key for key in written if key not in computed)]
        return [
            text
            for key in keys
            # An earlier program did not write what its transcripts did not have.
            if key in written or computed[key] not in ("", None)
            for text in _differences(f"{place}.{key}" if place else key, written.get(key), computed.get(key))
        ]
    if written == computed or _nearly_equal(written, computed):
        return []
    return [f"{place} is {str(written)[:60]}, its transcript gives {str(computed)[:60]}"]


def _nearly_equal(written: Any, computed: Any) -> bool:
    """Whether two numbers differ by rounding only: a metric's library may sum in another order than it did then."""
    both_floats = isinstance(written, float) and isinstance(computed, float)
    return both_floats and math.isclose(written, computed, rel_tol=ROUNDING)


def record_text(record: RunRecord) -> bytes:
    """Return the content of ``record.json``; the same transcript gives the same bytes."""
    return (json.dumps(record.to_json(), indent=2) + "\n").encode()


def write_record(record: RunRecord, folder: Path) -> Path:
    """Write ``record.json`` in one step, so that no reader finds half of it; return its path.

    Args:
        record: The record.
        folder: Of the run.

    Raises:
        RecordError: when the file cannot be written; one that was there stays as it was.
    """
    path = folder / RECORD_FILE
    try:
        write_whole(path, record_text(record))
    except OSError as error:
        then = f"then --resume {folder} writes it from the transcript"
        raise RecordError(cannot_write(error, path, then)) from error
    return path
