# SPDX-License-Identifier: Apache-2.0
"""``submission.json``: what a result of this program is made of, and the sha256 of each of its files.

Everything in it follows from the run, the names and the files, so that a reviewer can make it again and compare: a
change in it shows like a change in any other file. docs/formats.md describes the format.
"""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any

from mlperf_tiny.errors import DataError
from mlperf_tiny.harness.record.record import RunRecord
from mlperf_tiny.results.mlperf.json_text import parse_json
from mlperf_tiny.results.mlperf.names import Names
from mlperf_tiny.results.submission.runner_files import PROGRAM

MANIFEST_FILE = "submission.json"
FORMAT = 1
"""Of ``submission.json``, and of the text of the three runner's files, which are made again to be compared."""

MAX_MANIFEST_BYTES = 4 << 20

DEVICE_KEYS = ("device", "timing", "timing_level", "timing_model")
MODEL_KEYS = ("name", "origin", "sha256", "licence", "url")

_DIGEST = re.compile(r"[0-9a-f]{64}")


@dataclass(frozen=True)
class Manifest:
    """One that was read: its names, and the sha256 (hex) of each file by its path below the submitter's folder."""

    names: Names
    files: dict[str, str]


def sha256(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()


def manifest_text(record: RunRecord, names: Names, files: Mapping[str, str]) -> bytes:
    """Return ``submission.json`` for a run and the sha256 of its files (path below the submitter's folder -> hex)."""
    settings = record.settings
    device, model, firmware = settings.device, settings.model, settings.firmware
    values: dict[str, Any] = {
        "format": FORMAT,
        "program": PROGRAM,
        "version": settings.versions.get(PROGRAM, ""),
        **asdict(names),
        "run_id": settings.run_id,
        "seal": None if record.seal is None else asdict(record.seal),
        "device": {key: getattr(device, key) for key in DEVICE_KEYS},
        "engine": settings.engine,
        "model": {key: getattr(model, key) for key in MODEL_KEYS},
        "image": None if firmware is None else asdict(firmware),
        "files": dict(sorted(files.items())),
    }
    return (json.dumps(values, indent=1) + "\n").encode()


def read_manifest(content: bytes, where: str) -> Manifest:
    """Read a ``submission.json``; raises DataError naming ``where`` for one that is damaged or of another format."""
    value = parse_json(content, where)
    form = value.get("format") if isinstance(value, dict) else None
    if type(form) is int and form > FORMAT:
        raise DataError(f"{where} is of format {form}, this program reads format {FORMAT}. Take a newer version of it.")
    if type(form) is not int or form != FORMAT:
        raise DataError(
            f"{where} is no list of a submission's files: its format is {str(form)[:40]!r}, wanted {FORMAT}."
        )
    keys = ("division", "submitter", "system", "benchmark", "status")
    names, files = [value.get(key) for key in keys], value.get("files")
    if not all(isinstance(name, str) for name in names) or not isinstance(files, dict):
        raise DataError(f"{where} is damaged: wanted texts {', '.join(keys)} and an object files.")
    if not all(isinstance(digest, str) and _DIGEST.fullmatch(digest) for digest in files.values()):
        raise DataError(f"{where} is damaged: wanted 64 hex digits for each of its files.")
    return Manifest(Names(*names), files)
