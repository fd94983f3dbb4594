# SPDX-License-Identifier: Apache-2.0
"""Reviews of this program's own submissions and run folders: confirmed as they are; every change is found."""

from __future__ import annotations

import json
import random
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

from mlperf_tiny.errors import BenchError
from mlperf_tiny.harness.record.compute import compute_record
from mlperf_tiny.harness.record.record_file import RECORD_FILE, record_text
from mlperf_tiny.harness.wire.transcript import TRANSCRIPT_FILE, parse_transcript
from mlperf_tiny.results.mlperf.findings import Kind, Verdict
from mlperf_tiny.results.review.review import Review, Reviewed, review_path
from mlperf_tiny.results.submission.inferences import inferences_of
from mlperf_tiny.results.submission.manifest import sha256
from mlperf_tiny.results.submission.runner_files import runner_files
from tests.fakes.data_sets import write_tree
from tests.fakes.tiny_models import tiny_kws
from tests.fakes.transcripts import forged, killed
from tests.results import submitted_runs
from tests.results.submitted_runs import BASE, CODE, RESULTS, SYSTEM, Bench, contents, kws_device

bench, kws_run, kws_tree = submitted_runs.bench, submitted_runs.kws_run, submitted_runs.kws_tree

MANIFEST = f"{CODE}/submission.json"
LINE = "m-results-[0.996"


@pytest.fixture
def tree(kws_tree: Path, tmp_path: Path) -> Path:
    """A copy of the submission that may be changed."""
    return Path(shutil.copytree(kws_tree, tmp_path / "tree"))


@pytest.fixture
def run(kws_run: Path, tmp_path: Path) -> Path:
    """A copy of the run folder that may be changed."""
    return Path(shutil.copytree(kws_run, tmp_path / "run"))


def only(review: Review) -> Reviewed:
    (result,) = review.results
    return result


def counting(result: Reviewed) -> list[str]:
    return [f"{finding.kind.value} {finding.text}" for finding in result.findings if finding.kind is not Kind.NOTE]


@pytest.mark.parametrize("form", ["folder", "zip", "submitter"])
def test_a_submission_is_confirmed(bench: Bench, kws_tree: Path, tmp_path: Path, form: str) -> None:
    path = kws_tree / BASE if form == "submitter" else kws_tree
    if form == "zip":
        path = write_tree(
            tmp_path / "tree", {str(name): content for name, content in contents(kws_tree).items()}, "zip"
        )
    review = review_path(path, bench.data)
    result = only(review)
    assert counting(result) == [] and review.unexpected_files == ()
    assert (review.exit_code, result.runner, result.benchmark, result.system) == (0, "MLCommons", "kws", SYSTEM)
    metrics = {metric.name: (metric.claimed, metric.agrees) for metric in result.metrics}
    assert metrics["throughput"] == ("50.000", True) and metrics["top-1"] == ("91.7", True)
    assert metrics["AUC"] == ("0.955", True)
    assert result.record is not None and review.to_json()["results"][0]["run_id"] == result.record.settings.run_id


def test_a_run_folder_and_a_folder_of_them_are_confirmed(bench: Bench, kws_run: Path, tmp_path: Path) -> None:
    bench.run(tmp_path, kws_device(latency_us=10_000))
    shutil.copytree(kws_run, tmp_path / kws_run.name)
    review = review_path(tmp_path, bench.data)
    assert [result.verdict for result in review.results] == [Verdict.CONFIRMED] * 2 and review.exit_code == 0
    result = only(review_path(kws_run))
    assert counting(result) == [] and result.folder == "."
    assert (result.division, result.benchmark, result.system) == ("closed", "kws", SYSTEM)
    rows = {metric.name: (metric.claimed, metric.recomputed) for metric in result.metrics}
    assert rows["latency"] == ("20.000", pytest.approx(20.0)) and rows["top-1"][0] == "91.7"


@pytest.mark.slow
def test_every_changed_byte_of_a_submission_is_found(bench: Bench, tree: Path) -> None:
    chance = random.Random(7)
    for name, content in contents(tree).items():
        path = tree / name
        places = {len(content) // 2} if "/source/" in name else {0, len(content) - 1, chance.randrange(len(content))}
        for at in places:
            path.write_bytes(content[:at] + bytes([content[at] ^ 1]) + content[at + 1 :])
            result = only(review_path(tree, bench.data))
            assert result.verdict is not Verdict.CONFIRMED, (name, at)
            assert any(name in text for text in counting(result)), (name, at, counting(result))
        path.write_bytes(content)
    assert counting(only(review_path(tree, bench.data))) == []


@pytest.mark.slow
@pytest.mark.parametrize("what", ["truncated", "removed", "exchanged"])
def test_every_missing_file_of_a_submission_is_found(bench: Bench, tree: Path, what: str) -> None:
    before = contents(tree)
    for name, content in before.items():
        path = tree / name
        if what == "removed":
            path.unlink()
        else:
            path.write_bytes(content[:-1] if what == "truncated" else before[f"{CODE}/README.md"] + content[:9])
        result = only(review_path(tree, bench.data))
        assert result.verdict is not Verdict.CONFIRMED, name
        assert any(name in text for text in counting(result)), (name, counting(result))
        path.write_bytes(content)


def relisted(tree: Path, name: str) -> None:
    """Put the present hash of a file into the manifest, as somebody does who knows how."""
    path = tree / MANIFEST
    manifest = json.loads(path.read_text())
    manifest["files"][name.removeprefix(f"{BASE}/")] = sha256((tree / name).read_bytes())
    path.write_text(json.dumps(manifest, indent=1) + "\n")


def change(tree: Path, name: str, old: str, new: str) -> None:
    content = (tree / name).read_text()
    assert old in content, name
    (tree / name).write_text(content.replace(old, new, 1))
    relisted(tree, name)


# File, text, what it becomes, words of a finding. The manifest is made to fit each time.
EDITS = [
    (f"{RESULTS}/performance/results.txt", "Median throughput is     50.000", "Median throughput is     50.001",
     "performance/results.txt line 27 column"),
    (f"{RESULTS}/accuracy/results.txt", "Top 1% = 91.7", "Top 1% = 97.9", "accuracy/results.txt line 1"),
    (f"{RESULTS}/accuracy/log.txt", "Loading file tst_000002", "Loading file tst_000003",
     "accuracy/log.txt line 25 column"),
    (f"{RESULTS}/performance/results.json", '"elapsed_time": 10100000', '"elapsed_time": 10100001',
     "performance/results.json line 1 column"),
    (f"{CODE}/run/transcript.jsonl", LINE, "m-results-[0.997", "run/transcript.jsonl line"),
    (f"{CODE}/run/record.json", '"latency_ms": 20.0', '"latency_ms": 19.0', "performance.latency_ms is 19.0, its"),
    (f"{CODE}/model.tflite", "TFL3", "TFL4", "model.tflite has sha256"),
    (f"{BASE}/systems/{SYSTEM}.json", '"rdi"', '"available"', "is of status 'rdi', it lies in that of 'available'"),
    (f"{BASE}/systems/{SYSTEM}.json", "NOTHING OF THIS SYSTEM RAN ON", "ALL OF THIS SYSTEM RAN ON",
     "lacks 'NOTHING"),
]  # fmt: skip


@pytest.mark.parametrize(
    ("name", "old", "new", "words"), EDITS, ids=[f"{row[0].rpartition('/')[2]} {row[2][:20]}" for row in EDITS]
)
def test_a_change_with_a_matching_hash_is_found_by_the_transcript(
    bench: Bench, tree: Path, name: str, old: str, new: str, words: str
) -> None:
    if name.endswith(".tflite"):
        content = (tree / name).read_bytes()
        (tree / name).write_bytes(content.replace(old.encode(), new.encode()))
        relisted(tree, name)
    else:
        change(tree, name, old, new)
    result = only(review_path(tree, bench.data))
    assert result.verdict in (Verdict.DEVIATES, Verdict.VIOLATION)
    assert any(words in text for text in counting(result)), counting(result)


# What the manifest says of itself.
CLAIMS = [
    ('"version": "', '"version": "9', "submission.json line 4 is"),
    ('"status": "rdi"', '"status": "available"', "is of status 'available', it lies in that of 'rdi'"),
    ('"status": "rdi"', '"status": "available"', "its status is 'available', wanted 'rdi': the run's time is emulated"),
    ('"submitter": "example-labs"', '"submitter": "others"', "is of submitter 'others', it lies in that of 'example"),
    ('"system": "emulated', '"system": "real', "does not begin with 'emulated'"),
    ('"benchmark": "kws"', '"benchmark": "vww"', "is of benchmark 'vww', it lies in that of 'kws'"),
    ('"timing": "emulated"', '"timing": "hardware"', '"timing": "hardware",'),
    ('"elf_sha256": "', '"elf_sha256": "0', "elf_sha256"),
    ('"format": 1', '"format": 2', "submission.json is of format 2, this program reads format 1. Take a newer version"),
    ('"format": 1', '"format": true', "is not a submission.json: its format is 'True', wanted 1"),
    ('"files": {', '"files": 7, "x": {', "submission.json is damaged"),
    ('"files": {', '"files": {"x": "y", ', "submission.json is damaged"),
    ('{\n "format"', '[\n "format"', "submission.json is not usable JSON"),
]  # fmt: skip


@pytest.mark.parametrize(("old", "new", "words"), CLAIMS, ids=[row[1] for row in CLAIMS])
def test_a_changed_manifest_is_found(bench: Bench, tree: Path, old: str, new: str, words: str) -> None:
    text = (tree / MANIFEST).read_text()
    assert old in text
    (tree / MANIFEST).write_text(text.replace(old, new, 1))
    result = only(review_path(tree, bench.data))
    assert result.verdict is not Verdict.CONFIRMED
    assert any(words in found for found in counting(result)), counting(result)


@pytest.mark.parametrize("name", [f"{CODE}/more.c", f"{RESULTS}/energy/results.txt", f"{RESULTS}/performance/x"])
def test_an_added_file_is_reported(bench: Bench, tree: Path, name: str) -> None:
    (tree / name).parent.mkdir(exist_ok=True)
    (tree / name).write_text("Median energy cost is 1.0 uJ/inf.\n")
    assert any(
        f"{name} was added: {MANIFEST} does not list it" in text
        for text in counting(only(review_path(tree, bench.data)))
    )
    (tree / name).unlink()
    (tree / name).symlink_to(tree / MANIFEST)
    assert any(f"{name} was added" in text for text in counting(only(review_path(tree, bench.data))))


def test_checklists_and_macos_files_are_accepted(bench: Bench, tree: Path) -> None:
    (tree / BASE / "systems/TinyMLPerf_v1.4_Submission_Checklist.pdf").write_bytes(b"%PDF")
    (tree / CODE / ".DS_Store").write_bytes(b"x")
    assert counting(only(review_path(tree, bench.data))) == []


def test_a_result_without_its_code_cannot_be_confirmed(bench: Bench, tree: Path) -> None:
    shutil.rmtree(tree / BASE / "code")
    result = only(review_path(tree, bench.data))
    assert counting(result) == [
        f"missing {MANIFEST} is missing: it lists the files of this result, which mlperf-tiny-harness made."
    ]
    result = only(review_path(tree / RESULTS, bench.data))
    assert result.verdict is Verdict.UNCONFIRMED


def forge_submission(tree: Path, written: str, edited: str) -> None:
    """Change a submission as its own maker could: transcript, record, all that is made from them, and every hash."""
    path = tree / CODE / "run"
    forged(path, written, edited)
    transcript = parse_transcript((path / TRANSCRIPT_FILE).read_bytes(), "x")
    record = compute_record(transcript)
    (path / RECORD_FILE).write_bytes(record_text(record))
    for name, content in runner_files(record, inferences_of(transcript)).items():
        (tree / RESULTS / name).write_bytes(content)


def test_rules_are_those_of_the_transcript(bench: Bench, tree: Path) -> None:
    forge_submission(tree, '"source":"real"', '"source":"synthetic"')
    assert "violation not rankable: synthetic data" in counting(only(review_path(tree, bench.data)))


CHANGES: list[tuple[str, Callable[[Path], None], Verdict, str]] = [
    ("a line", lambda run: edit(run / TRANSCRIPT_FILE, LINE, "m-results-[0.997"), Verdict.DEVIATES,
     "transcript.jsonl line"),
    ("a line, chained again", lambda run: rechained(run), Verdict.DEVIATES, "is not the transcript of its record"),
    ("the end", lambda run: cut(run), Verdict.DEVIATES, "its end was cut off"),
    ("a torn line", lambda run: append(run, b'{"e":"note"'), Verdict.DEVIATES, "ends in a torn line"),
    ("a killed run", lambda run: killed(run), Verdict.VIOLATION, "ends in a torn line"),
    ("no record", lambda run: (run / RECORD_FILE).unlink(), Verdict.UNCONFIRMED, "record.json is missing"),
    ("a metric of the record", lambda run: edit(run / RECORD_FILE, '"latency_ms": 20.0', '"latency_ms": 2.0'),
     Verdict.DEVIATES, "record.json: performance.latency_ms is 2.0, its transcript gives 20.0"),
    ("a record of a newer format", lambda run: edit(run / RECORD_FILE, '"format": 3', '"format": 4'),
     Verdict.UNCONFIRMED, "record.json is of format 4, this program compares format 3 and 2"),
    ("a record that is none", lambda run: edit(run / RECORD_FILE, "{", "[", ), Verdict.DEVIATES, "is not usable JSON"),
    ("the model", lambda run: append(run, b"x", "model.tflite"), Verdict.DEVIATES, "model.tflite has sha256"),
    ("the image", lambda run: append(run, b"x", "firmware.elf"), Verdict.DEVIATES, "firmware.elf has sha256"),
    ("the first line", lambda run: edit(run / TRANSCRIPT_FILE, "{", "["), Verdict.DEVIATES, "transcript.jsonl line 1"),
    ("another format", lambda run: reformed(run), Verdict.DEVIATES, "format 3 or 2 or 1"),
    ("an empty transcript", lambda run: (run / TRANSCRIPT_FILE).write_bytes(b""), Verdict.DEVIATES,
     "does not begin with"),
]  # fmt: skip


def edit(path: Path, old: str, new: str) -> None:
    content = path.read_text()
    assert old in content
    path.write_text(content.replace(old, new, 1))


def append(run: Path, content: bytes, name: str = TRANSCRIPT_FILE) -> None:
    with (run / name).open("ab") as file:
        file.write(content)


def rechained(run: Path) -> None:
    record = (run / RECORD_FILE).read_bytes()
    forged(run, LINE, "m-results-[0.997")
    (run / RECORD_FILE).write_bytes(record)


def cut(run: Path) -> None:
    lines = (run / TRANSCRIPT_FILE).read_bytes().splitlines(keepends=True)
    (run / TRANSCRIPT_FILE).write_bytes(b"".join(lines[:-3]))


def reformed(run: Path) -> None:
    forged(run, '"format":3', '"format":7')


@pytest.mark.parametrize(("act", "verdict", "words"), [row[1:] for row in CHANGES], ids=[row[0] for row in CHANGES])
def test_a_changed_run_folder_is_reported(run: Path, act: Callable[[Path], None], verdict: Verdict, words: str) -> None:
    act(run)
    result = only(review_path(run))
    assert result.verdict is verdict, counting(result)
    assert any(words in text for text in counting(result)), counting(result)


def test_every_changed_byte_of_a_transcript_is_found(run: Path) -> None:
    content = (run / TRANSCRIPT_FILE).read_bytes()
    chance = random.Random(11)
    for at in (*range(0, 40), *(chance.randrange(len(content)) for _ in range(60)), len(content) - 1):
        (run / TRANSCRIPT_FILE).write_bytes(content[:at] + bytes([content[at] ^ 1]) + content[at + 1 :])
        assert only(review_path(run)).verdict is Verdict.DEVIATES, at


def test_synthetic_data_violates_a_rule_and_a_missing_part_is_reported(bench: Bench, tmp_path: Path) -> None:
    bench.run(tmp_path / "a", limit=5)
    result = only(review_path(tmp_path / "a"))
    assert result.verdict is Verdict.VIOLATION and "violation 7 of the 12 listed files were not answered" in counting(
        result
    )
    bench.run(tmp_path / "b", modes=("performance",))
    assert counting(only(review_path(tmp_path / "b"))) == ["missing the run has no accuracy part"]


@pytest.mark.toolchain
def test_another_model_is_not_confirmed_in_the_closed_division(bench: Bench, tmp_path: Path) -> None:
    model = tmp_path / "mine.tflite"
    model.write_bytes(tiny_kws(seed=2))
    run = bench.run(tmp_path / "runs", model=str(model))
    assert counting(only(review_path(run))) == []
    forged(run, '"division":"open"', '"division":"closed"')
    (finding,) = [text for text in counting(only(review_path(run))) if "record.json" not in text]
    assert finding.startswith("missing the model (sha256 ") and finding.endswith(" is not the reference file of kws")


@pytest.mark.slow
def test_hostile_transcripts_are_findings(run: Path) -> None:
    """Whole runs with values exchanged for odd ones, chained as if that were right."""
    path = run / TRANSCRIPT_FILE
    content = path.read_bytes()
    chance = random.Random(5)
    odd = ["null", "-1", "1e308", "[]", "{}", '"\\ud800"', '""', "99999999999999999999", "true", '"../../x"']
    bodies = [json.loads(line) for line in content.splitlines()]
    for _ in range(150):
        path.write_bytes(content)
        (run / RECORD_FILE).unlink(missing_ok=True)
        event = bodies[0] if chance.random() < 0.5 else chance.choice(bodies)
        place = event
        key = chance.choice([key for key in place if key != "h"])
        while isinstance(place[key], dict) and place[key]:
            place = place[key]
            key = chance.choice(list(place))
        value = json.dumps(place[key], separators=(",", ":"))
        try:
            forged(run, f'"{key}":{value}', f'"{key}":{chance.choice(odd)}')
        except AssertionError:
            continue
        try:
            only(review_path(run))
        except BenchError as error:
            raise AssertionError(f"a review of a damaged run ended with {error}") from error


def test_a_tree_may_hold_submissions_and_run_folders(bench: Bench, tree: Path, kws_run: Path) -> None:
    shutil.copytree(kws_run, tree / "runs" / kws_run.name)
    review = review_path(tree, bench.data)
    assert [result.runner for result in review.results] == ["MLCommons", "mlperf-tiny-harness"]
    assert review.exit_code == 0
