# SPDX-License-Identifier: Apache-2.0
"""JSON Schemas of what a run leaves, made from the classes that write it, so that the two cannot part.

``python -m harness.schema DIR`` writes ``record.schema.json`` (of ``record.json``) and
``transcript-line.schema.json`` (of each line of ``transcript.jsonl``). docs/schemas holds them; a test compares.
"""

from __future__ import annotations

import dataclasses
import json
import sys
from pathlib import Path
from types import NoneType, UnionType
from typing import Any, get_args, get_origin, get_type_hints

from mlperf_tiny.harness.record import record
from mlperf_tiny.harness.record.record import RunRecord
from mlperf_tiny.harness.record.settings import DatasetInfo, Settings
from mlperf_tiny.harness.wire import transcript
from mlperf_tiny.harness.wire.hash_chain import SHOWN_DIGITS

Schema = dict[str, Any]

DRAFT = "https://json-schema.org/draft/2020-12/schema"
_PLAIN = {str: "string", int: "integer", float: "number", bool: "boolean", NoneType: "null"}


def record_schema() -> Schema:
    """The schema of ``record.json`` in the format of today."""
    schema = object_schema(RunRecord)
    schema["properties"] = {"format": {"const": record.FORMAT}, **schema["properties"]}
    schema["required"] = ["format", *schema["required"]]
    return {"$schema": DRAFT, "title": "Record of a benchmark run", **schema}


def transcript_line_schema() -> Schema:
    """The schema of one line of ``transcript.jsonl``, of format 2 and of format 1, which has no ``h``."""
    seconds, text = {"type": "number"}, {"type": "string"}
    whole, switch = {"type": "integer", "minimum": 0}, {"type": "boolean"}
    meta = object_schema(Settings, whole_list=True)
    lines = [
        _line("meta", {"format": {"enum": [transcript.UNSEALED_FORMAT, transcript.FORMAT]}, **meta["properties"]}),
        _line("out", {"t": seconds, "s": text}),
        _line("in", {"t": seconds, "s": text}, {"torn": switch}),
        _line("download", {"t": seconds, "from": whole, "bytes": whole, "chunk": whole, "sha256": hex_schema(64),
                           "done": switch}),
        _line("mark", {"mode": {"enum": ["trial", "count"]}, "sample": text}),
        _line("mark", {"mode": {"const": "window"}, "sample": text, "attempt": whole, "window": whole}),
        _line("mark", {"mode": {"const": "accuracy"}, "sample": text, "index": whole, "label": whole,
                       "window": whole, "windows": whole}),
        _line("choice", {"attempt": whole, "iterations": whole, "latency_us": seconds, "host_s": seconds}),
        {**_line("counters", {"at": {"enum": ["before", "after"]}}), "additionalProperties": whole},
        _line("note", {"s": text}),
        _line("resume", {}),
        _line("stop", {"s": text}),
        _line("end", {}),
    ]  # fmt: skip
    return {"$schema": DRAFT, "title": "Line of a run's transcript", "oneOf": lines}


def _line(kind: str, needed: Schema, optional: Schema | None = None) -> Schema:
    """One event: ``e``, what it needs, what it may have, and the chain's ``h``."""
    properties = {"e": {"const": kind}, **needed, **(optional or {}), "h": hex_schema(SHOWN_DIGITS)}
    return {
        "type": "object",
        "properties": properties,
        "required": ["e", *needed],
        "additionalProperties": False,
    }


def hex_schema(digits: int) -> Schema:
    return {"type": "string", "pattern": f"^[0-9a-f]{{{digits}}}$"}


def object_schema(kind: type, whole_list: bool = False) -> Schema:
    """A dataclass as an object with all its fields.

    The list of files is in the transcript only; what has a default may be missing there, for earlier versions of this
    program had not all of it.
    """
    left_out = {"listed"} if kind is DatasetInfo and not whole_list else set()
    hints = {name: hint for name, hint in get_type_hints(kind).items() if name not in left_out}
    return {
        "type": "object",
        "description": " ".join((kind.__doc__ or "").split()),
        "properties": {name: _value(hint, whole_list) for name, hint in hints.items()},
        "required": [field.name for field in dataclasses.fields(kind)
                     if field.name in hints and not (whole_list and field.default is not dataclasses.MISSING)],
        "additionalProperties": False,
    }  # fmt: skip


def _value(hint: Any, whole_list: bool) -> Schema:
    if hint in _PLAIN:
        return {"type": _PLAIN[hint]}
    if dataclasses.is_dataclass(hint) and isinstance(hint, type):
        return object_schema(hint, whole_list)
    if isinstance(hint, UnionType):
        return {"anyOf": [_value(part, whole_list) for part in get_args(hint)]}
    inner = get_args(hint)
    if get_origin(hint) is tuple:
        return {"type": "array", "items": _value(inner[0], whole_list)}
    if get_origin(hint) is dict:
        return {"type": "object", "additionalProperties": _value(inner[1], whole_list)}
    raise TypeError(f"no schema for {hint}")


def texts() -> dict[str, str]:
    """File name to the text of its schema."""
    schemas = {"record.schema.json": record_schema(), "transcript-line.schema.json": transcript_line_schema()}
    return {name: json.dumps(schema, indent=1) + "\n" for name, schema in schemas.items()}


if __name__ == "__main__":
    for name, schema_text in texts().items():
        (Path(sys.argv[1]) / name).write_text(schema_text)
