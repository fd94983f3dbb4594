# SPDX-License-Identifier: Apache-2.0
"""Run folders brought into a state they may be found in."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

from mlperf_tiny.harness.record.record_file import RECORD_FILE
from mlperf_tiny.harness.wire.hash_chain import Chain
from mlperf_tiny.harness.wire.transcript import TRANSCRIPT_FILE


def killed(folder: Path, lines: int | None = None, torn_bytes: int = 40) -> None:
    """Leave of a run what remains when its process is killed: its first ``lines`` lines, or all but the last bytes, and
    no record."""
    path = folder / TRANSCRIPT_FILE
    content = path.read_bytes()
    kept = (
        content[: len(content) - torn_bytes] if lines is None else b"".join(content.splitlines(keepends=True)[:lines])
    )
    path.write_bytes(kept)
    (folder / RECORD_FILE).unlink(missing_ok=True)


def chained(bodies: Iterable[bytes]) -> bytes:
    """Lines of JSON objects as a transcript with its chain."""
    chain = Chain()
    return b"".join(chain.append(body) + b"\n" for body in bodies)


def forged(folder: Path, written: str, edited: str) -> None:
    """Change the transcript of a run, chain its lines again, and remove its record."""
    path = folder / TRANSCRIPT_FILE
    old, chain = path.read_bytes(), Chain()
    bodies = b"\n".join(chain.verify(line) for line in old.splitlines()).decode()
    assert written in bodies
    path.write_bytes(chained(bodies.replace(written, edited, 1).encode().split(b"\n")))
    (folder / RECORD_FILE).unlink(missing_ok=True)
