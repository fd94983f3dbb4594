# SPDX-License-Identifier: Apache-2.0
"""The published schemas are those of today's classes, and hold for what runs leave."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import jsonschema
import pytest

from mlperf_tiny.harness.record.record_file import RECORD_FILE
from mlperf_tiny.harness.record.schema import record_schema, texts, transcript_line_schema
from mlperf_tiny.harness.run.run import run_benchmark
from mlperf_tiny.harness.wire.transcript import TRANSCRIPT_FILE
from mlperf_tiny.progress import Listener
from tests.fakes.data_sets import ad_folder
from tests.fakes.device import FakeDevice
from tests.harness.run.test_whole_runs import EDITS, ad_device, kws_device, opener, request, run

ROOT = Path(__file__).parents[3]
LINES = jsonschema.Draft202012Validator(transcript_line_schema())
RECORDS = jsonschema.Draft202012Validator(record_schema())


def lines_of(folder: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in (folder / TRANSCRIPT_FILE).read_bytes().splitlines()]


@pytest.mark.parametrize("name", list(texts()))
def test_the_published_schema_is_current(name: str) -> None:
    jsonschema.Draft202012Validator.check_schema(json.loads(texts()[name]))
    written = (ROOT / "docs/schemas" / name).read_text()
    assert written == texts()[name], "run: python -m mlperf_tiny.harness.record.schema docs/schemas"


CASES = ["emulated", "hardware, part", pytest.param("anomaly detection", marks=pytest.mark.slow), "stopped"]


@pytest.mark.parametrize("case", CASES)
def test_files_of_runs_are_valid_by_the_schemas(tmp_path: Path, case: str) -> None:
    if case == "anomaly detection":
        asked = request(ad_folder(tmp_path / "data"), task="ad")
        _, folder = run_benchmark(asked, tmp_path / "runs", Listener(), opener(ad_device()))
    elif case == "stopped":

        def dies(command: str, reply: bytes) -> bytes:
            return b"e-[no]\r\nm-ready\r\n" if command == "infer 1 0" else reply

        with pytest.raises(Exception, match="no"):
            run(tmp_path, kws_device(spoil=dies))
        (folder,) = (tmp_path / "runs").iterdir()
    else:
        device: FakeDevice = kws_device() if case == "emulated" else kws_device(timing="hardware")
        _, folder = run(tmp_path, device, limit=3)
    RECORDS.validate(json.loads((folder / RECORD_FILE).read_text()))
    lines = lines_of(folder)
    for line in lines:
        LINES.validate(line)
    assert {"meta", "in", "out", "mark"} <= {line["e"] for line in lines}


def test_other_values_are_invalid_by_the_schemas(tmp_path: Path) -> None:
    _, folder = run(tmp_path, limit=3)
    whole = [json.dumps(line, separators=(",", ":")) for line in lines_of(folder)]
    for written, edited in EDITS:
        (line,) = [line for line in whole if written in line][:1]
        changed = line.replace(written, edited, 1)
        if "NaN" in edited or "0" * 400 in edited or edited == '"window":1,"windows":1':
            continue  # no JSON, or a matter of two values, which the reader looks at
        assert not LINES.is_valid(json.loads(changed)), edited
    record = json.loads((folder / RECORD_FILE).read_text())
    wrong: list[tuple[tuple[str, ...], object]] = [
        (("format",), 1),
        (("complete",), "yes"),
        (("performance", "windows"), {}),
        (("chain_digest",), "x"),
        (("violations",), ["a sentence"]),
    ]
    for path, value in wrong:
        place = record
        for key in path[:-1]:
            place = place[key]
        kept, place[path[-1]] = place[path[-1]], value
        assert not RECORDS.is_valid(record), path
        place[path[-1]] = kept
    RECORDS.validate(record)
