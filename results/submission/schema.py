# SPDX-License-Identifier: Apache-2.0
"""The JSON Schema of ``submission.json``, made from the classes whose values it holds.

``python -m results.submission.schema DIR`` writes ``submission.schema.json``; docs/schemas holds it, a test compares.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path

from mlperf_tiny.harness.record.schema import DRAFT, Schema, hex_schema, object_schema
from mlperf_tiny.harness.record.settings import FirmwareInfo
from mlperf_tiny.harness.wire.hash_chain import Seal
from mlperf_tiny.results.mlperf.names import Names
from mlperf_tiny.results.submission.manifest import DEVICE_KEYS, FORMAT, MODEL_KEYS

SCHEMA_FILE = "submission.schema.json"


def submission_schema() -> Schema:
    """The schema of ``submission.json`` in the format of today."""
    text = {"type": "string"}
    properties = {
        "format": {"const": FORMAT},
        "program": text,
        "version": text,
        **object_schema(Names)["properties"],
        "run_id": text,
        "seal": object_schema(Seal),
        "device": _texts(DEVICE_KEYS),
        "engine": text,
        "model": _texts(MODEL_KEYS),
        "image": {"anyOf": [object_schema(FirmwareInfo), {"type": "null"}]},
        "files": {"type": "object", "additionalProperties": hex_schema(64)},
    }
    return {
        "$schema": DRAFT,
        "title": "What a submitted result is made of",
        "type": "object",
        "properties": properties,
        "required": list(properties),
        "additionalProperties": False,
    }


def _texts(keys: tuple[str, ...]) -> Schema:
    return {
        "type": "object",
        "properties": {key: {"type": "string"} for key in keys},
        "required": list(keys),
        "additionalProperties": False,
    }


def text() -> str:
    """The schema as it is published."""
    return json.dumps(submission_schema(), indent=1) + "\n"


if __name__ == "__main__":
    (Path(sys.argv[1]) / SCHEMA_FILE).write_text(text())
