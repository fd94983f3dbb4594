# SPDX-License-Identifier: Apache-2.0
"""JSON Schemas of what a run leaves, made from the classes that read and write it.

``python -m mlperf_tiny.harness.record.schema DIR`` writes ``record.schema.json`` (of ``record.json``) and
``transcript-line.schema.json`` (of each line of ``transcript.jsonl``). docs/schemas holds them; a test compares.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

import msgspec

from mlperf_tiny.harness.record import record
from mlperf_tiny.harness.record.record import RunRecord
from mlperf_tiny.harness.record.settings import FORMER_FEATURES, Settings
from mlperf_tiny.harness.wire import transcript
from mlperf_tiny.harness.wire.events import KINDS, Counters
from mlperf_tiny.harness.wire.hash_chain import CHECK_DIGITS

Schema = dict[str, Any]

DRAFT = "https://json-schema.org/draft/2020-12/schema"
_REF = "#/$defs/{name}"


def record_schema() -> Schema:
    """Return the schema of ``record.json`` in the format of today."""
    definitions = _definitions([RunRecord])
    # The list of files is in the transcript only; the text of a violation is computed.
    del definitions["DatasetInfo"]["properties"]["listed"]
    definitions["Violation"]["properties"]["text"] = {"type": "string"}
    for definition in definitions.values():
        if "properties" in definition:
            definition["required"] = list(definition["properties"])
    del definitions["FormerCounts"]
    schema = definitions.pop("RunRecord")
    del schema["properties"]["former_counts"]
    schema["required"].remove("former_counts")
    schema["properties"] = {"format": {"const": record.FORMAT}, **schema["properties"]}
    schema["required"] = ["format", *schema["required"]]
    return {"$schema": DRAFT, **schema, "title": "Record of a benchmark run", "$defs": definitions}


def transcript_line_schema() -> Schema:
    """Return the schema of one line of ``transcript.jsonl``, of all formats that are read; format 1 has no ``h``."""
    definitions = _definitions([Settings, *(kind for kinds in KINDS.values() for kind in kinds)])
    definitions["InputInfo"]["properties"]["format"]["enum"].append(FORMER_FEATURES)
    meta = definitions.pop("Settings")
    meta["properties"] = {"format": {"enum": sorted(transcript.READ_FORMATS)}, **meta["properties"]}
    lines = [_line("meta", {**meta, "required": ["format", *meta["required"]]})]
    for kind, values in KINDS.items():
        lines += [_line(kind, definitions.pop(value.__name__)) for value in values]
    return {"$schema": DRAFT, "title": "Line of a run's transcript", "oneOf": lines, "$defs": definitions}


def _definitions(kinds: list[type[Any]]) -> dict[str, Schema]:
    """A definition of each class, and of those they use; no object has other members."""
    _, definitions = msgspec.json.schema_components(kinds, ref_template=_REF)
    for definition in definitions.values():
        if "properties" in definition:
            definition["additionalProperties"] = False
        if "description" in definition:
            definition["description"] = " ".join(definition["description"].split())
    return definitions


def _line(kind: str, values: Schema) -> Schema:
    """One event: ``e``, its values, and the chain's ``h``."""
    properties = dict(values["properties"])
    rest: Any = False
    if values.get("title") == Counters.__name__:  # each counter is a member of the line
        rest = properties.pop("values")["additionalProperties"]
    return {
        **values,
        "properties": {"e": {"const": kind}, **properties, "h": hex_schema(CHECK_DIGITS)},
        "required": ["e", *values.get("required", ())],
        "additionalProperties": rest,
    }


def hex_schema(digits: int) -> Schema:
    """Return the schema of a string of so many hex digits."""
    return {"type": "string", "pattern": f"^[0-9a-f]{{{digits}}}$"}


def texts() -> dict[str, str]:
    """Return file name -> text of its schema."""
    schemas = {"record.schema.json": record_schema(), "transcript-line.schema.json": transcript_line_schema()}
    return {name: json.dumps(schema, indent=1) + "\n" for name, schema in schemas.items()}


if __name__ == "__main__":
    for name, schema_text in texts().items():
        (Path(sys.argv[1]) / name).write_text(schema_text, encoding="utf-8")
