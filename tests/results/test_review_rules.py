# SPDX-License-Identifier: Apache-2.0
"""A clean synthetic submission is confirmed; each thing broken in it is found, by its rule."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

from mlperf_tiny.models.data.formats import labels
from mlperf_tiny.models.data.formats.labels import Listed, list_digest
from mlperf_tiny.models.tasks.task import OfficialList
from mlperf_tiny.results.mlperf.findings import Kind, Verdict
from mlperf_tiny.results.mlperf.submitter import is_person
from mlperf_tiny.results.review.checks import violations
from mlperf_tiny.results.review.review import Reviewed, review_path
from tests.results.review_submission import DESCRIPTION, FILES, LABELS, write_eembc, write_lists, write_mlcommons

Edit = Callable[[Path], None]
WRITERS = {"EEMBC": write_eembc, "MLCommons": write_mlcommons}


@pytest.fixture(autouse=True)
def official(monkeypatch: pytest.MonkeyPatch) -> None:
    """The synthetic label list counts as official."""
    digest = list_digest([Listed(file, label) for file, label in zip(FILES, LABELS, strict=True)])
    official = OfficialList(digest=digest, files=len(FILES), title="the official list")
    monkeypatch.setitem(labels.OFFICIAL_LISTS, "ic01", (*labels.OFFICIAL_LISTS["ic01"], official))


def reviewed(tmp_path: Path, runner: str, *edits: Edit) -> Reviewed:
    result = WRITERS[runner](tmp_path / "tree")
    for edit in edits:
        edit(result)
    (review,) = review_path(tmp_path / "tree", write_lists(tmp_path / "data")).results
    return review


def replaced(path: str, old: str, new: str, count: int = -1) -> Edit:
    def edit(result: Path) -> None:
        file = result / path
        text = file.read_bytes().decode()
        assert old in text, f"{old!r} is not in {path}"
        file.write_bytes(text.replace(old, new, count).encode())

    return edit


def removed(path: str) -> Edit:
    def edit(result: Path) -> None:
        file = result / path
        shutil.rmtree(file) if file.is_dir() else file.unlink()

    return edit


def moved(old: str, new: str) -> Edit:
    def edit(result: Path) -> None:
        (result / new).parent.mkdir(parents=True, exist_ok=True)
        (result / old).rename(result / new)

    return edit


def described(**changes: str | None) -> Edit:
    def edit(result: Path) -> None:
        values = {key: value for key, value in {**DESCRIPTION, **changes}.items() if value is not None}
        (result / "../../../systems/board_one.json").write_text(json.dumps(values))

    return edit


def cut(path: str, keep: float) -> Edit:
    def edit(result: Path) -> None:
        content = (result / path).read_bytes()
        (result / path).write_bytes(content[: int(len(content) * keep)])

    return edit


def json_edit(path: str, change: Callable[[list], object]) -> Edit:
    def edit(result: Path) -> None:
        value = json.loads((result / path).read_text())
        change(value)
        (result / path).write_text(json.dumps(value))

    return edit


def lost_stamp(result: Path) -> None:
    json_edit("energy/trace1-timestamps.json", lambda stamps: stamps.pop(1))(result)


def too_short(result: Path) -> None:
    replaced("performance/log.txt", "m-lap-us-22000000", "m-lap-us-20990000")(result)


@pytest.mark.parametrize("runner", WRITERS)
def test_a_clean_submission_is_confirmed(tmp_path: Path, runner: str) -> None:
    review = reviewed(tmp_path, runner)
    assert [f for f in review.findings if f.kind is not Kind.NOTE] == []
    assert review.verdict is Verdict.CONFIRMED
    assert (review.division, review.submitter, review.system, review.benchmark, review.runner) == (
        "closed", "ExampleLabs", "board_one", "ic", runner,
    )  # fmt: skip
    assert {f.name: f.agrees for f in review.metrics if f.claimed is not None} == {
        "throughput": True, "top-1": True, "AUC": True, "energy": True,
        **({"energy throughput": True} if runner == "EEMBC" else {}),
    }  # fmt: skip


# what is broken -> runner, edits, kind of the finding, its rule, words of its sentence
BROKEN: dict[str, tuple[str, list[Edit], Kind, str, str]] = {
    "window of 9.99 s": (
        "EEMBC", [too_short],
        Kind.VIOLATION, "performance windows", "shortest window 9.990 s (minimum 10 s): window 1"),
    "window of 9.99 s, MLCommons": (
        "MLCommons", [json_edit("performance/results.json", lambda v: v[2]["infer"].update(end_time=9_991_000))],
        Kind.VIOLATION, "performance windows", "shortest window 9.990 s (minimum 10 s): window 3"),
    "nine iterations": (
        "EEMBC", [replaced("performance/log.txt", "infer 50 1", "infer 9 1")],
        Kind.VIOLATION, "performance windows", "9 iterations (minimum 10)"),
    "four windows": (
        "MLCommons", [json_edit("performance/results.json", lambda v: v.pop()),
                      removed("performance/results.txt")],
        Kind.VIOLATION, "performance windows", "4 windows (5 required)"),
    "one input five times": (
        "EEMBC", [replaced("performance/log.txt", f, FILES[0]) for f in FILES[1:5]],
        Kind.VIOLATION, "performance windows", "windows on 1 different inputs (5 required)"),
    "short energy window": (
        "MLCommons", [json_edit("energy/results.json", lambda v: v[0]["power"]["timestamps"].append(["03", 11_500]))],
        Kind.VIOLATION, "energy windows", "energy run: shortest window 0.200 s (minimum 10 s): window 1"),
    "lost timestamp": (
        "EEMBC", [lost_stamp], Kind.VIOLATION, "energy over the inferences",
        "10 timestamps, 5 inferences make 11; one of inference 1 is lost"),
    "lost timestamp's metric": (
        "EEMBC", [lost_stamp], Kind.VIOLATION, "energy over the inferences", "do not lie over the inferences"),
    "a file not answered": (
        "MLCommons", [json_edit("accuracy/results.json", lambda v: v.pop())],
        Kind.VIOLATION, "accuracy set and target", "1 of the 20 listed files were not answered"),
    "a file answered twice": (
        "MLCommons", [json_edit("accuracy/results.json", lambda v: v.append(v[0]))],
        Kind.VIOLATION, "accuracy set and target", "answered more than once"),
    "another order": (
        "MLCommons", [json_edit("accuracy/results.json", lambda v: v.reverse())],
        Kind.VIOLATION, "accuracy set and target", "not answered in the order of the list"),
    "a file of another name": (
        "MLCommons", [json_edit("accuracy/results.json", lambda v: v[3].update(file="other.bin"))],
        Kind.VIOLATION, "accuracy set and target", "1 answered files are not in the list, such as other.bin"),
    "files of another list": (
        "EEMBC", [replaced("accuracy/log.txt", "picture_", "photo_")],
        Kind.VIOLATION, "official file list", "none of the 20 answered files"),
    "below the target": (
        "EEMBC", [replaced("accuracy/log.txt", "m-results-[0.900", "m-results-[0.000"),
                  replaced("accuracy/log.txt", "0.010,0.900", "0.900,0.010")],
        Kind.VIOLATION, "accuracy set and target", "(closed division target 85)"),
    "claimed below the target": (
        "EEMBC", [removed("accuracy/log.txt"), replaced("accuracy/results.txt", "100.0%", "84.9%")],
        Kind.VIOLATION, "quality target as claimed", "claimed to be 84.9, the closed division needs 85"),
    "error line in the text": (
        "EEMBC", [replaced("performance/results.txt", "Runtime requirements have been met.", "e-[too short]", 2)],
        Kind.VIOLATION, "no error lines", "2 x e-[too short]"),
    "error line in a log": (
        "MLCommons", [replaced("accuracy/log.txt", "Device model", "e-[Unknown command]\nDevice model")],
        Kind.VIOLATION, "no error lines", "1 x e-[Unknown command]"),
    "another model id": (
        "EEMBC", [replaced("accuracy/log.txt", "m-model-[ic01]", "m-model-[vww01]")],
        Kind.VIOLATION, "model id equals folder", "'vww01'"),
    "another firmware": (
        "MLCommons", [replaced("energy/log.txt", "V0.0.1", "V0.0.2")],
        Kind.VIOLATION, "one firmware", "V0.0.2"),
    "slower energy run": (
        "MLCommons", [json_edit("energy/results.json",
                                lambda v: [e["power"]["timestamps"].__setitem__(2, ["02", 10_700]) for e in v])],
        Kind.VIOLATION, "energy run at the same speed", "+5.8 %"),
    "other performance inputs": (
        "EEMBC", [replaced("performance/log.txt", FILES[4], FILES[7])],
        Kind.VIOLATION, "performance inputs", f"input 5 is {FILES[7]}, in the official list it is {FILES[4]}"),
    "another submitter": (
        "EEMBC", [described(Submitter="Sample Works")], Kind.VIOLATION, "system description", "'Sample Works'"),
    "another division": (
        "EEMBC", [described(Division="Open")], Kind.VIOLATION, "system description", "division 'Open'"),
    "no known status": (
        "EEMBC", [described(Status="soon")], Kind.VIOLATION, "system description", "status 'soon'"),
    "throughput claimed too high": (
        "EEMBC", [replaced("performance/results.txt", "4.545", "4.645")],
        Kind.DEVIATION, "metrics", "throughput is claimed to be 4.645 inf./s, the raw lines give 4.545 (+2.2 %)"),
    "accuracy claimed too high": (
        "MLCommons", [json_edit("accuracy/results.json", lambda v: v[0]["infer"]["results"].reverse())],
        Kind.DEVIATION, "metrics", "top-1 is claimed to be 100.0 %, the raw lines give 95.000"),
    "energy claimed too low": (
        "EEMBC", [replaced("energy/results.txt", "8800.000", "8000.000")],
        Kind.DEVIATION, "metrics", "energy is claimed to be 8000.000 uJ/inf., the raw lines give 8800.000"),
    "window claimed longer": (
        "EEMBC", [replaced("performance/results.txt", "11.000 sec", "12.000 sec", 1)],
        Kind.DEVIATION, "windows as claimed", "window 2 is claimed to last 12.000 s, the stamps give 11.000000 s"),
    "script of another run": (
        "EEMBC", [replaced("performance/script.async", "infer 50 1", "infer 60 1")],
        Kind.DEVIATION, "script and log", "'infer 60 1'"),
    "no accuracy log": (
        "EEMBC", [removed("accuracy/log.txt")], Kind.MISSING, "required files", "accuracy/log.txt is missing"),
    "no accuracy run": (
        "EEMBC", [removed("accuracy")], Kind.MISSING, "required files", "there is no accuracy folder"),
    "no script": (
        "EEMBC", [removed("energy/script.async")], Kind.MISSING, "required files", "energy/script.async is missing"),
    "no trace": (
        "EEMBC", [removed("energy/trace1-energy.bin")], Kind.MISSING, "required files",
        "energy 8800.000 uJ/inf. cannot be recomputed: no energy trace is published"),
    "no claim": (
        "EEMBC", [removed("performance/results.txt")], Kind.MISSING, "required files", "no throughput is claimed"),
    "log cut short": (
        "EEMBC", [cut("accuracy/log.txt", 0.5)], Kind.MISSING, "log is whole", "lacks its beginning or end"),
    "no description": (
        "EEMBC", [removed("../../../systems/board_one.json")], Kind.MISSING, "required files",
        "systems/board_one.json is not in the tree"),
    "broken description": (
        "EEMBC", [cut("../../../systems/board_one.json", 0.5)], Kind.MISSING, "readable files", "is not usable JSON"),
    "broken results.json": (
        "MLCommons", [cut("accuracy/results.json", 0.5)], Kind.MISSING, "readable files", "is not usable JSON"),
    "not a number among the answers": (
        "MLCommons", [replaced("accuracy/results.json", "0.9", "NaN", 1)],
        Kind.MISSING, "readable files", "NaN is not a JSON number"),
    "not a number in a log": (
        "EEMBC", [replaced("accuracy/log.txt", "0.900", "nan", 1)],
        Kind.MISSING, "readable files", "is not a list of numbers"),
    "other N for energy": (
        "MLCommons", [json_edit("energy/results.json", lambda v: [e["infer"].update(iterations=49) for e in v]),
                      replaced("energy/results.txt", "11000.0000", "11224.4898")],
        Kind.NOTE, "same N in both runs", "N is 50 in the performance run and 49 in the energy run"),
    "other voltage": (
        "EEMBC", [replaced("energy/log.txt", "m-voltage-mv[1800]", "m-voltage-mv[3000]")],
        Kind.NOTE, "supply voltage", "supply was 3000 mV"),
    "misspelt folder": (
        "EEMBC", [moved("energy", "enegy")], Kind.NOTE, "reading", "folder 'enegy' is read as 'energy'"),
    "a person as submitter": (
        "EEMBC", [described(Submitter="Alexander Montgomerie-Corcoran")], Kind.NOTE, "submitter is an organisation",
        "names a person as submitter, 'Alexander Montgomerie-Corcoran', where the rules speak of an organisation; the "
        "folder is that of 'ExampleLabs'"),
    "description lacks a key": (
        "EEMBC", [described(**{"SoC Name": None})], Kind.NOTE, "system description", "lacks SoC Name"),
}  # fmt: skip


@pytest.mark.parametrize("case", BROKEN)
def test_a_broken_submission_is_found(tmp_path: Path, case: str) -> None:
    runner, edits, kind, rule, words = BROKEN[case]
    review = reviewed(tmp_path, runner, *edits)
    found = [f for f in review.findings if f.rule == rule and f.kind is kind]
    assert any(words in f.text for f in found), "\n".join(f"{f.kind.value} {f.rule}: {f.text}" for f in review.findings)
    if kind is not Kind.NOTE:
        wanted = {
            Kind.VIOLATION: Verdict.VIOLATION, Kind.DEVIATION: Verdict.DEVIATES, Kind.MISSING: Verdict.UNCONFIRMED,
        }[kind]  # fmt: skip
        assert review.verdict.exit_code >= wanted.exit_code
    else:
        assert review.verdict is Verdict.CONFIRMED


def test_the_open_division_has_no_target(tmp_path: Path) -> None:
    write_mlcommons(tmp_path / "tree")
    (tmp_path / "tree/closed").rename(tmp_path / "tree/open")
    file = tmp_path / "tree/open/ExampleLabs/results/board_one/ic/accuracy/results.json"
    answers = json.loads(file.read_text())
    for answer in answers:
        answer["infer"]["results"].reverse()
    file.write_text(json.dumps(answers))
    (review,) = review_path(tmp_path / "tree", write_lists(tmp_path / "data")).results
    assert not [f for f in review.findings if f.rule == "accuracy set and target"]


def test_classes_of_results_json_replace_a_missing_label_list(tmp_path: Path) -> None:
    write_mlcommons(tmp_path)
    (review,) = review_path(tmp_path).results
    assert review.verdict is Verdict.CONFIRMED
    assert any("by its digest" in f.text for f in review.findings)


def test_without_label_lists_other_answers_cannot_be_confirmed(tmp_path: Path) -> None:
    write_eembc(tmp_path)
    (review,) = review_path(tmp_path).results
    assert review.verdict is Verdict.UNCONFIRMED
    assert any("top-1 100.0 % cannot be recomputed" in f.text and "--data" in f.text for f in review.findings)


def test_the_larger_classifier_needs_the_smaller(tmp_path: Path) -> None:
    result = write_mlcommons(tmp_path)
    result.rename(result.parent / "ic2")
    (review,) = review_path(tmp_path).results
    assert review.benchmark == "ic2"
    assert [f.text for f in review.findings if f.rule == "ic2 needs ic"] == [
        "ic2 is submitted without ic of the same system"
    ]


SWW_LOG = (
    "Logging initialized.\nDevice profile retrieved: Firmware\nDevice model retrieved: sww01\n[100, 10100, 20100]\n"
    "RX:Duty cycle start times (s)\nRX:100, 3100, 6100,\nRX:Duty cycle stop times (s)\nRX:600, 3600, 6600,\n"
    "Session logged in file x\n"
)
SWW_TEXT = (
    "Accuracy: {} True positives, {} False negatives, {} False positives\nAverage duty cycle: 0.16667\n"
    "Estimated throughput: 200.00 inf./sec.\n"
)

# hits, misses, false alarms as claimed; words in the wave; latest start of the others -> kind, rule, words
WAKE_WORDS = {
    "too many misses": (
        (41, 9, 0),
        Kind.VIOLATION,
        "wake word limits",
        "9 false negatives and 0 false positives",
    ),
    "too many false alarms": (
        (50, 0, 9),
        Kind.VIOLATION,
        "wake word limits",
        "0 false negatives and 9 false positives",
    ),
    "too few words": ((48, 0, 0), Kind.VIOLATION, "fifty wake words", "48 wake words, the wave has 50"),
    "other counts": (
        (3, 0, 0),
        Kind.DEVIATION,
        "metrics",
        "true positives is claimed to be 3 , the raw lines give 2",
    ),
}


def wake_word_review(tmp_path: Path, hits: int, misses: int, alarms: int, log: str = SWW_LOG) -> Reviewed:
    submitter = tmp_path / "tree/closed/ExampleLabs"
    run = submitter / "results/board_one/sww/performance"
    run.mkdir(parents=True)
    (submitter / "systems").mkdir()
    (submitter / "systems/board_one.json").write_text(json.dumps(DESCRIPTION))
    (run / "log.txt").write_text(log)
    (run / "results.txt").write_text(SWW_TEXT.format(hits, misses, alarms))
    words = [{"wav_file": "long_wav.wav", "length_sec": 1200.0, "detection_windows": [[9.5, 10.5], [18.5, 18.6]]}]
    (tmp_path / "data/sww01").mkdir(parents=True)
    (tmp_path / "data/sww01/long.json").write_text(json.dumps(words))
    (review,) = review_path(tmp_path / "tree", tmp_path / "data").results
    return review


@pytest.mark.parametrize("case", WAKE_WORDS)
def test_broken_wake_word_results_are_found(tmp_path: Path, case: str) -> None:
    counts, kind, rule, words = WAKE_WORDS[case]
    review = wake_word_review(tmp_path, *counts)
    texts = [f.text.replace(" ,", ",") for f in review.findings if f.kind is kind and f.rule == rule]
    assert any(words.replace(" ,", ",") in text for text in texts), review.findings


def test_wake_words_are_counted_with_both_windows(tmp_path: Path) -> None:
    """The second detection is 1.4 s after its word: a hit with the runner's window, a false alarm with the other."""
    metrics = {metric.name: metric for metric in wake_word_review(tmp_path, 2, 0, 0).metrics}
    assert [metrics[f"performance {name}"].recomputed for name in ("true positives", "false negatives")] == [2, 0]
    documented = [metrics[f"performance documented {name}"] for name in ("true positives", "false positives")]
    assert [metric.recomputed for metric in documented] == [1, 1]
    assert "performance frame grid true positives" not in metrics  # two detections show no grid
    assert metrics["performance duty cycle"].agrees and metrics["performance throughput"].agrees


def test_the_documented_window_is_noted(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(violations, "WAKE_WORD_ERROR_LIMIT", 0)
    notes = [f.text for f in wake_word_review(tmp_path, 2, 0, 0).findings if f.kind is Kind.NOTE]
    assert any("documented window of 1 s it has 1 false negatives and 1 false positives" in note for note in notes)


def test_two_lists_of_detections_deviate(tmp_path: Path) -> None:
    def change(log: str) -> str:
        return log.replace("[100, 10100", "RX:Detection Timestamps (ms)\nRX:100,\nRX:10200,\nRX:20100,\n[100, 10100")

    review = wake_word_review(tmp_path, 2, 0, 0, change(SWW_LOG))
    assert [f.kind for f in review.findings if f.rule == "one list of detections"] == [Kind.DEVIATION]


# As submitters were named in the published rounds, and what is like them.
SUBMITTERS = {
    True: ["Kai_Jiang", "Alexander Montgomerie-Corcoran", "Honson Tran (@honson1)", "Anna de Vries", "john q. public"],
    False: [
        "Silicon Labs", "Robert Bosch GmbH", "Peng Cheng Laboratory", "Greenwaves Technologies", "hls4ml-FINN",
        "OctoML", "Andes Technology Corporation", "Renesas Electronics Corporation", "Kai", "", "Max Planck Institute",
        "@acme", "Latent AI", "Robert Bosch Research", "Acme Works (@acme)", "Kai 2", "a" * 100_000, "a " * 100_000,
    ],
}  # fmt: skip


@pytest.mark.parametrize(("person", "name"), [(person, name) for person, names in SUBMITTERS.items() for name in names])
def test_names_of_persons_are_told_from_those_of_organisations(person: bool, name: str) -> None:
    assert is_person(name) is person


ROUNDS = [("v1.2", []), ("v1.3", ["EEMBC_RUNNER"]), ("v1.4", ["EEMBC_RUNNER", "runner permitted"])]


@pytest.mark.parametrize(("name", "wanted"), ROUNDS)
def test_eembc_runner_is_permitted_up_to_its_last_round(tmp_path: Path, name: str, wanted: list[str]) -> None:
    write_eembc(tmp_path / name)
    (review,) = review_path(tmp_path / name, write_lists(tmp_path / "data")).results
    assert sorted(f.rule for f in review.findings if f.rule in ("EEMBC_RUNNER", "runner permitted")) == wanted
