# SPDX-License-Identifier: Apache-2.0
"""The JSON Schema of ``submission.json``, made from the classes it is written and read with.

``python -m mlperf_tiny.results.submission.schema DIR`` writes ``submission.schema.json``; docs/schemas holds it, a test
compares.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

import msgspec

from mlperf_tiny.harness.record.schema import DRAFT
from mlperf_tiny.results.submission.manifest import Manifest

SCHEMA_FILE = "submission.schema.json"


def submission_schema() -> dict[str, Any]:
    """Return the schema of ``submission.json`` in the format of today."""
    (schema,), definitions = msgspec.json.schema_components([Manifest], ref_template="#/$defs/{name}")
    for definition in definitions.values():
        # Members of a later format are passed over when a file is read, but no file of this format has them.
        definition["additionalProperties"] = False
    return {"$schema": DRAFT, **schema, "$defs": definitions}


def text() -> str:
    """Return the schema as it is published."""
    return json.dumps(submission_schema(), indent=1) + "\n"


if __name__ == "__main__":
    (Path(sys.argv[1]) / SCHEMA_FILE).write_text(text(), encoding="utf-8")
