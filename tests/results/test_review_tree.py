# SPDX-License-Identifier: Apache-2.0
"""Nothing in a submission is trusted: links, bombs, long lines, deep nesting, foreign bytes."""

from __future__ import annotations

import json
import os
import shutil
import struct
import zipfile
from collections.abc import Callable
from pathlib import Path

import pytest

from mlperf_tiny.errors import DataError, RecordError
from mlperf_tiny.harness.record.record import EnergyMetrics
from mlperf_tiny.results.leaderboard.build import build_leaderboard
from mlperf_tiny.results.leaderboard.file import check_row, read_leaderboard, write_leaderboard
from mlperf_tiny.results.leaderboard.rows.record_rows import row_of_record
from mlperf_tiny.results.mlperf.findings import Kind, Verdict
from mlperf_tiny.results.mlperf.json_text import parse_json
from mlperf_tiny.results.review import review as review_module
from mlperf_tiny.results.review.html import render_html
from mlperf_tiny.results.review.review import Review, review_path
from mlperf_tiny.results.review.text import render_text
from tests.results.leaderboard_rows import published_row, record
from tests.results.review_submission import write_eembc, write_lists, write_mlcommons


def zipped(folder: Path, archive: Path) -> Path:
    with zipfile.ZipFile(archive, "w", zipfile.ZIP_DEFLATED) as out:
        for path in sorted(folder.rglob("*")):
            out.write(path, path.relative_to(folder))
    return archive


def texts(review: Review) -> list[str]:
    return [finding.text for result in review.results for finding in result.findings]


def test_a_zip_gives_what_its_folder_gives(tmp_path: Path) -> None:
    write_eembc(tmp_path / "tree")
    data = write_lists(tmp_path / "data")
    folder = review_path(tmp_path / "tree", data).to_json()
    archive = review_path(zipped(tmp_path / "tree", tmp_path / "tree.zip"), data).to_json()
    assert {**folder, "path": ""} == {**archive, "path": ""}


def _json_value(path: str, *keys: str | int, value: object) -> Callable[[Path], None]:
    """Damage of a result: one value of a JSON file, a path below the submitter's folder."""

    def damage(submitter: Path) -> None:
        file = submitter / path
        content = json.loads(file.read_text())
        place = content
        for key in keys[:-1]:
            place = place[key]
        place[keys[-1]] = value
        file.write_text(json.dumps(content))

    return damage


def _renamed(path: str, name: bytes) -> Callable[[Path], None]:
    """Damage of a result: a folder with a name that is not UTF-8."""

    def damage(submitter: Path) -> None:
        (submitter / path).rename((submitter / path).with_name(os.fsdecode(name)))

    return damage


ACCURACY = "results/board_one/ic/accuracy/results.json"
BAD_RESULTS = {
    "surrogate in a file name": _json_value(ACCURACY, 0, "file", value="\ud800.bin"),
    "surrogate in a description": _json_value("systems/board_one.json", "Board Name", value="\udcff"),
    "counter of 401 digits": _json_value(ACCURACY, 0, "infer", "start_time", value=10**400),
    "system's name is not UTF-8": _renamed("results/board_one", b"board_\xff"),
    "description's name is not UTF-8": _renamed("systems/board_one.json", b"\xff\xfe.json"),
    "folder's name is not UTF-8": _renamed("results/board_one/ic/accuracy", b"accuracy\xff"),
}


@pytest.mark.parametrize("damage", BAD_RESULTS.values(), ids=BAD_RESULTS)
def test_one_bad_result_does_not_end_a_review_or_a_leaderboard(tmp_path: Path, damage: Callable[[Path], None]) -> None:
    tree, data = tmp_path / "tiny_results_v1.3", write_lists(tmp_path / "data")
    write_mlcommons(tree)
    shutil.copytree(tree / "closed/ExampleLabs", tree / "closed/OtherLabs")
    good = tree / "closed/OtherLabs/systems/board_one.json"
    good.write_text(good.read_text().replace("Example Labs", "Other Labs"))
    wanted = [r for r in review_path(tree, data).results if r.submitter == "OtherLabs"]
    damage(tree / "closed/ExampleLabs")

    review = review_path(tree, data)
    assert [r for r in review.results if r.submitter == "OtherLabs"] == wanted
    assert len(review.results) == 2
    for text in (render_text(review), json.dumps(review.to_json())):
        text.encode()
    render_html(review).encode(errors="backslashreplace")

    board = build_leaderboard([tree], tmp_path, data)
    assert [row["Organization"] for row in board.rows] == ["ExampleLabs", "OtherLabs"]
    write_leaderboard(tmp_path / "x.csv", board.rows)
    assert read_leaderboard(tmp_path / "x.csv") == list(board.rows)


def test_content_that_no_check_foresaw_is_a_finding(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    write_mlcommons(tmp_path / "tree")
    for error in (OverflowError("too large"), UnicodeEncodeError("utf-8", "x", 0, 1, "no"), IndexError("gone")):

        def fail(*_: object, error: Exception = error) -> None:
            raise error

        monkeypatch.setattr(review_module, "recompute", fail)
        (result,) = review_path(tmp_path / "tree").results
        assert result.verdict is Verdict.UNCONFIRMED and "cannot be reviewed" in result.findings[0].text


@pytest.mark.parametrize(
    ("column", "cell"), [("EnergyUj", "inf"), ("LatencyMs", "nan"), ("Iterations", "9" * 19), ("Record", "a\udcff")]
)
def test_a_leaderboard_never_writes_what_it_refuses_to_read(tmp_path: Path, column: str, cell: str) -> None:
    write_leaderboard(tmp_path / "x.csv", [published_row()])
    before = (tmp_path / "x.csv").read_bytes()
    with pytest.raises(RecordError, match=column):
        write_leaderboard(tmp_path / "x.csv", [published_row(**{column: cell})])
    assert (tmp_path / "x.csv").read_bytes() == before


@pytest.mark.parametrize("value", [float("inf"), float("nan"), 1e300])
def test_a_figure_that_is_none_is_an_empty_cell(value: float) -> None:
    energy = EnergyMetrics("modelled", value, value, value, "a table")
    row = row_of_record(record("run-1", energy=energy), "runs/run-1")
    check_row(row)
    assert row["EnergyUj"] == ""


@pytest.mark.parametrize("mode", ["performance", "accuracy", "energy"])
@pytest.mark.parametrize("share", [0.3, 0.6, 0.9])
def test_a_log_that_is_cut_short_cannot_be_confirmed_and_refutes_nothing(
    tmp_path: Path, mode: str, share: float
) -> None:
    log = write_eembc(tmp_path / "tree") / mode / "log.txt"
    content = log.read_bytes()
    log.write_bytes(content[: int(len(content) * share)])
    (result,) = review_path(tmp_path / "tree", write_lists(tmp_path / "data")).results
    counting = {f.kind for f in result.findings if f.kind is not Kind.NOTE and "official list" not in f.text}
    assert counting == {Kind.MISSING}, result.findings


def test_an_accuracy_folder_of_post_processing_is_there_and_its_figures_are_claims(tmp_path: Path) -> None:
    folder = write_mlcommons(tmp_path / "tree") / "accuracy"
    for path in folder.iterdir():
        path.unlink()
    (folder / "postprocess.txt").write_text("Top-1: 93.1\nAUC: 0.97\n")
    review = review_path(tmp_path / "tree", write_lists(tmp_path / "data"))
    assert "there is no accuracy folder" not in texts(review)
    assert "accuracy/log.txt is missing" in texts(review)
    assert [text for text in texts(review) if text.startswith("top-1 93.1 % cannot be recomputed")]


def test_several_results_begin_with_a_table(tmp_path: Path) -> None:
    for name in ("v1.1", "v1.2"):
        write_mlcommons(tmp_path / f"tree/tiny_results_{name}")
    first, *rows = render_text(review_path(tmp_path / "tree")).splitlines()
    assert first.split() == ["verdict", "findings", "result"]
    assert ["v1.1 closed" in rows[0], "v1.2 closed" in rows[1]] == [True, True]


@pytest.mark.parametrize("inside", [True, False])
def test_links_are_not_followed(tmp_path: Path, inside: bool) -> None:
    result = write_eembc(tmp_path / "tree")
    log = result / "accuracy/log.txt"
    real = (result if inside else tmp_path) / "elsewhere.txt"
    log.rename(real)
    log.symlink_to(real)
    (result / "loop").symlink_to(tmp_path / "tree", target_is_directory=True)
    review = review_path(tmp_path / "tree", write_lists(tmp_path / "data"))
    assert "accuracy/log.txt is missing" in texts(review)
    assert [text for text in review.unexpected_files if "is a link" in text and "accuracy/log.txt" in text]
    assert [text for text in review.unexpected_files if "is a link" in text and "loop" in text]


def test_a_pipe_is_not_opened(tmp_path: Path) -> None:
    result = write_eembc(tmp_path / "tree")
    (result / "accuracy/log.txt").unlink()
    os.mkfifo(result / "accuracy/log.txt")
    review = review_path(tmp_path / "tree")
    assert any("is not a plain file" in text for text in review.unexpected_files)


@pytest.mark.parametrize("content", [b"", b"PK\3\4 not really", b"PK\5\6" + bytes(18) + b"junk"])
def test_a_file_that_is_not_an_archive_is_refused(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "a.zip").write_bytes(content)
    with pytest.raises(DataError, match=r"a\.zip"):
        review_path(tmp_path / "a.zip")


JSON: list[tuple[bytes, str]] = [
    (b"[" * 100_000, "nested too deeply"),
    (b'{"a":' * 100_000, "nested too deeply"),
    (b"[NaN]", "NaN is not a JSON number"),
    (b"[-Infinity]", "-Infinity is not a JSON number"),
    (b"", "not usable JSON"),
    (b"\xff\xfe\x00", "not usable JSON"),
    (b"[" + b"9" * 10_000 + b"]", "not usable JSON"),
]


@pytest.mark.parametrize(("content", "words"), JSON, ids=range(len(JSON)))
def test_invalid_json_is_refused(content: bytes, words: str) -> None:
    with pytest.raises(DataError, match=words):
        parse_json(content, "results.json")


def answers(value: object) -> Callable[[Path], None]:
    def write(result: Path) -> None:
        (result / "accuracy/results.json").write_text(json.dumps(value) if not isinstance(value, str) else value)

    return write


def file(path: str, content: bytes) -> Callable[[Path], None]:
    return lambda result: (result / path).write_bytes(content) and None


HOSTILE: list[Callable[[Path], None]] = [
    answers({}),
    answers([1]),
    answers([]),
    answers([{"infer": None, "power": 3, "file": {"a": 1}}]),
    answers([{"infer": {"results": [[[1]]], "start_time": True}}]),
    answers('[{"infer":{"results":[1e999],"iterations":1e400}}]'),
    answers([{"file": "picture_00.bin", "class": "9" * 5000, "infer": {"results": ["a"]}}]),
    answers([{"infer": {"results": [10**400]}}]),
    file("energy/results.json", json.dumps([{"infer": {"iterations": 0}, "power": {
        "samples": [1, "x"], "timestamps": [[0, -5], [1, 10**9]]}}]).encode()),
    file("energy/results.txt", b"Median energy cost is " + b"9" * 10_000 + b" uJ/inf\n"),
    file("performance/results.txt", b"Median throughput is 0 inf./sec\n"),
    file("performance/log.txt", bytes(range(256)) * 100),
    file("accuracy/log.txt", b"\0" * 100_000),
    file("performance/results.json", json.dumps(
        [{"infer": {"start_time": 5, "end_time": 5, "iterations": 10**30}}] * 5).encode()),
    file("../../../systems/board_one.json", b"[1]"),
    file("../../../systems/board_one.json", json.dumps({"Submitter": {"a": 1}, "Status": None}).encode()),
]  # fmt: skip


@pytest.mark.parametrize("number", range(len(HOSTILE)))
def test_hostile_files_never_confirm_and_never_crash(tmp_path: Path, number: int) -> None:
    HOSTILE[number](write_mlcommons(tmp_path / "tree"))
    review = review_path(tmp_path / "tree", write_lists(tmp_path / "data"))
    assert review.results[0].verdict is not Verdict.CONFIRMED
    json.dumps(review.to_json(), allow_nan=False)
    render_text(review), render_html(review)


TRACES: list[tuple[str, bytes]] = [
    ("trace1-energy.bin", b""),
    ("trace1-energy.bin", b"\xf1" + struct.pack("<f", float("nan")) + bytes(400)),
    ("trace1-energy.bin", b"\xf1" + struct.pack("<f", 1000.0) + struct.pack("<f", float("inf")) * 10),
    ("trace1-energy.bin", b"\xf1" + bytes(9)),
    ("trace1-timestamps.json", b'{"a": 1}'),
    ("trace1-timestamps.json", b"[3, 2, 1]"),
    ("trace1-timestamps.json", b"[]"),
    ("trace1-timestamps.json", b"[1e300]"),
    ("trace1-timestamps.json", json.dumps(list(range(20_000))).encode()),
]


@pytest.mark.parametrize(("name", "content"), TRACES, ids=range(len(TRACES)))
def test_broken_traces_are_reported(tmp_path: Path, name: str, content: bytes) -> None:
    result = write_eembc(tmp_path / "tree")
    (result / "energy" / name).write_bytes(content)
    (review,) = review_path(tmp_path / "tree", write_lists(tmp_path / "data")).results
    assert review.verdict is not Verdict.CONFIRMED
    assert any(f.kind is not Kind.NOTE and ("energy" in f.text or "trace" in f.text) for f in review.findings)


def test_escape_codes_and_markup_are_sanitized(tmp_path: Path) -> None:
    result = write_mlcommons(tmp_path / "tree")
    evil = "\x1b]0;x\x07<script>alert(1)</script>"
    path = result / "../../../systems/board_one.json"
    values = json.loads(path.read_text())
    path.write_text(json.dumps({**values, "Submitter": evil, "Status": evil}))
    review = review_path(tmp_path / "tree")
    assert "\x1b" not in render_text(review) and "\\x1b" in render_text(review)
    page = render_html(review)
    assert "<script" not in page and "\x1b" not in page and "&lt;script&gt;" in page


def test_the_page_has_no_outside_resources(tmp_path: Path) -> None:
    write_eembc(tmp_path)
    page = render_html(review_path(tmp_path))
    assert not [found for found in ("http:", "https:", "src=", "<link", "@import") if found in page]
