# SPDX-License-Identifier: Apache-2.0
"""The review of any one result is bounded in seconds, bytes and memory, and says where it stopped."""

from __future__ import annotations

import os
import time
from pathlib import Path

import pytest

from mlperf_tiny.file_tree import Allowance
from mlperf_tiny.results.mlperf.findings import MAX_OF_KIND, MAX_TEXT, Finding, Kind, bounded, verdict_of
from mlperf_tiny.results.mlperf.system import MAX_CANDIDATES, find_description, find_descriptions
from mlperf_tiny.results.review import review as review_module
from mlperf_tiny.results.review.checks.evidence_checks import _is_part
from mlperf_tiny.results.review.evidence import eembc_log
from mlperf_tiny.results.review.evidence.eembc_log import parse_eembc_log
from mlperf_tiny.results.review.own import own_runs
from mlperf_tiny.results.review.review import MAX_UNEXPECTED, review_path
from tests.results.review_submission import write_eembc, write_lists, write_mlcommons


@pytest.mark.parametrize(
    ("allowance", "words"),
    [
        (Allowance(what="one result", max_bytes=2000, max_s=60), "at most 2,000 bytes of one result are read"),
        (
            Allowance(what="one result", max_bytes=1 << 30, max_s=-1),
            "at most -1 s of computing are spent on one result",
        ),
    ],
)
def test_a_result_over_its_allowance_is_not_confirmed_and_the_next_has_its_own(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, allowance: Allowance, words: str
) -> None:
    write_eembc(tmp_path / "tree")
    monkeypatch.setattr(review_module, "ONE_RESULT", allowance)
    (result,) = review_path(tmp_path / "tree", write_lists(tmp_path / "data")).results
    assert result.verdict.text == "cannot be confirmed"
    assert any(words in finding.text for finding in result.findings)


def test_a_part_is_found_in_linear_time() -> None:
    whole = (("a.bin", 1, 0),) * 200_000
    started_s = time.process_time()
    assert _is_part(whole[:100_000], whole)
    assert not _is_part((*whole[:100_000], ("b.bin", 1, 0)), whole)
    assert time.process_time() - started_s < 3


def test_values_of_a_log_are_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(eembc_log, "MAX_ANSWERED", 5)
    lines = ['1.0 parser: Command "dut infer 1 0"', "1.0 dut: m-results-[0.1,0.2,0.3]"] * 3
    run = parse_eembc_log(lines, "log.txt")
    assert len(run.inferences) == 2 and "holds over 5 values; the rest was not read" in run.problems[-1]


def test_a_transcript_of_many_lines_is_not_read(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(own_runs, "MAX_TRANSCRIPT_LINES", 10)
    (tmp_path / "run").mkdir()
    (tmp_path / "run/transcript.jsonl").write_bytes(b'{"e":"meta","format":1}\n' + b'{"e":"x"}\n' * 20)
    (result,) = review_path(tmp_path / "run").results
    assert any("it holds 21 lines and" in finding.text for finding in result.findings)


def test_many_findings_become_few_and_the_verdict_stays() -> None:
    many = [Finding(Kind.NOTE, "reading", f"{n}") for n in range(5000)] + [
        Finding(Kind.VIOLATION, "metrics", "x" * 9999)
    ]
    few = bounded(many)
    assert len(few) == MAX_OF_KIND + 1 and verdict_of(few) is verdict_of(many)
    assert max(len(finding.text) for finding in few) == MAX_TEXT
    assert any(finding.text.startswith("and 4,901 more, the first of them: 99") for finding in few)
    assert bounded(many[:3]) == tuple(many[:3])


def test_unexpected_files_are_counted_when_there_are_many(tmp_path: Path) -> None:
    result = write_mlcommons(tmp_path)
    for number in range(MAX_UNEXPECTED + 5):
        (result / f"{number}.dat").write_bytes(b"")
    listed = review_path(tmp_path).unexpected_files
    assert len(listed) == MAX_UNEXPECTED + 1 and listed[-1] == "and 5 more files and folders"


def test_among_many_descriptions_the_one_of_the_system_is_found(tmp_path: Path) -> None:
    from mlperf_tiny.file_tree import open_file_tree
    from mlperf_tiny.results.mlperf.layout import find_results

    write_mlcommons(tmp_path)
    for number in range(MAX_CANDIDATES + 1):
        (tmp_path / f"closed/ExampleLabs/systems/other{number}.json").write_bytes(b"{}")
    tree = open_file_tree(tmp_path)
    (found,) = find_results(tree)[0]
    assert find_description(find_descriptions(tree), found) == "closed/ExampleLabs/systems/board_one.json"


def test_a_folder_that_cannot_be_entered_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A folder that may be listed but not entered: every ``stat`` in it fails."""
    from mlperf_tiny.file_tree.sources import FolderSource

    write_mlcommons(tmp_path)
    (tmp_path / "closed/ExampleLabs/secret.txt").write_bytes(b"")
    as_it_is = FolderSource._stat

    def refuse(source: FolderSource, entry: os.DirEntry[str]) -> os.stat_result:
        if entry.name == "secret.txt":
            raise PermissionError(13, "Permission denied")
        return as_it_is(source, entry)

    monkeypatch.setattr(FolderSource, "_stat", refuse)
    review = review_path(tmp_path)
    assert len(review.results) == 1
    assert "closed/ExampleLabs/secret.txt: cannot be read: Permission denied" in review.unexpected_files
