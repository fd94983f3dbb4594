# SPDX-License-Identifier: Apache-2.0
"""The files of a submission: what MLCommons' checker looks for, the form of its runner, the same bytes every time."""

from __future__ import annotations

import json
import re
from dataclasses import replace
from pathlib import Path
from typing import Any

import jsonschema
import numpy as np
import pytest

from mlperf_tiny.errors import BenchError, RecordError
from mlperf_tiny.harness.record.record_file import read_record
from mlperf_tiny.harness.run.request import Request
from mlperf_tiny.harness.run.run import resume_benchmark
from mlperf_tiny.harness.wire.hash_chain import Chain
from mlperf_tiny.harness.wire.transcript import TRANSCRIPT_FILE, parse_transcript, read_transcript
from mlperf_tiny.models.tasks import find_task
from mlperf_tiny.progress import Listener
from mlperf_tiny.results.mlperf.names import Names
from mlperf_tiny.results.mlperf.system import NEEDED_KEYS
from mlperf_tiny.results.submission import schema
from mlperf_tiny.results.submission.description import NO_BOARD, TEMPLATE, description, read_overrides
from mlperf_tiny.results.submission.inferences import inferences_of
from mlperf_tiny.results.submission.runner_files import quality_of, runner_files
from mlperf_tiny.results.submission.submit import files_of_run
from tests.fakes.transcripts import chained, killed
from tests.results import submitted_runs
from tests.results.submitted_runs import (
    BASE,
    CODE,
    ENTRY,
    LATENCY_US,
    MODEL,
    RESULTS,
    SYSTEM,
    Bench,
    EmulatedFake,
    ad_device,
    contents,
    kws_device,
    opener,
)

bench, kws_run, kws_tree = submitted_runs.bench, submitted_runs.kws_run, submitted_runs.kws_tree

# What mlcommons/tiny's submission_checker.py (1afd2c98) takes out of a tree, and what it must find: file, pattern as
# that program matches it from the beginning of each line, the last match's value.
CHECKED = [
    ("performance", r".* Median throughput is\s+([\d\.]+) inf\./sec\..*", "50.000"),
    ("accuracy", r".* Top[- ]1%?\s?[:=] ([\d\.]+).*", "91.7"),
    ("accuracy", r".* AUC\s?[:=] ([\d\.]+).*", "0.955"),
]
REQUIRED_FILES = ["log.txt", "results.json", "results.txt"]


def names(division: str, submitter: str, system: str, benchmark: str, status: str) -> Names:
    return Names(division=division, submitter=submitter, system=system, benchmark=benchmark, status=status)


@pytest.mark.parametrize(("mode", "pattern", "wanted"), CHECKED)
def test_the_checker_finds_the_metrics(kws_tree: Path, mode: str, pattern: str, wanted: str) -> None:
    lines = (kws_tree / RESULTS / mode / "results.txt").read_text().splitlines()
    assert [match[1] for line in lines if (match := re.match(pattern, line))][-1] == wanted


def test_the_checker_accepts_the_tree(kws_tree: Path) -> None:
    paths = list(kws_tree.rglob("*"))
    assert not any(path.is_symlink() or path.name.startswith(".") or " " in path.name for path in paths)
    assert not any(path.is_dir() and not any(path.iterdir()) for path in paths)
    assert [path.name for path in (kws_tree / RESULTS).iterdir()] != []
    for mode in ("performance", "accuracy"):
        assert sorted(path.name for path in (kws_tree / RESULTS / mode).iterdir()) == REQUIRED_FILES
    system = json.loads((kws_tree / BASE / f"systems/{SYSTEM}.json").read_text())
    assert system["Status"] in ("available", "preview", "rdi")


def test_the_description_has_every_key_and_marks_emulation(kws_tree: Path) -> None:
    text = (kws_tree / BASE / f"systems/{SYSTEM}.json").read_text()
    system = json.loads(text)
    assert tuple(system) == TEMPLATE and set(NEEDED_KEYS) <= system.keys()
    assert (system["Submitter"], system["Division"], system["Status"]) == ("example-labs", "closed", "rdi")
    assert system["Board Name"] == "emulated NUCLEO-F746ZG"
    assert system["Hardware Notes"].startswith(f"{NO_BOARD} SILICON") and "No energy was measured" in text
    assert system["SoC Memory capacity (not including processor or accelerator)"] == "320 KiB"
    assert system["Processor(s) Frequencies"] == "216 MHz"
    assert system["General Compiler(s)"].startswith("ziglang ") and "-O2" in system["General Compiler(s)"]
    assert "MLCommons' runner, which was not used" in system["Software Notes"]
    assert MODEL not in text and "kws" not in text  # other tasks of the system share it


@pytest.mark.parametrize(
    ("timing", "device", "board", "says"),
    [
        ("hardware", "stm32f446", "NUCLEO-F446RE", False),
        ("emulated", "stm32f446", "emulated NUCLEO-F446RE", True),
        ("host", "host", "host: a process on a computer, no board", True),
    ],
)
def test_the_description_names_the_device(kws_run: Path, timing: str, device: str, board: str, says: bool) -> None:
    record = read_record(kws_run)
    boards = ("NUCLEO-F446RE",) if device != "host" else ("this machine",)
    facts = replace(record.settings.device, timing=timing, device=device, boards=boards)
    record = replace(record, settings=replace(record.settings, device=facts))
    system = json.loads(description(record, names("closed", "x", "y", "kws", "rdi")))
    assert system["Board Name"] == board
    assert (NO_BOARD in system["Hardware Notes"]) == says


@pytest.mark.parametrize(
    ("timing", "words", "wrong"),
    [
        ("emulated", {"Training framework (open division)": "TensorFlow 2.16"}, ""),
        ("emulated", {"Operating System": "Zephyr"}, ""),
        ("hardware", {"Board Name": "Board One", "Hardware Notes": "supplied with 1.8 V"}, ""),
        ("emulated", {"Hardware Notes": "a real board"}, "--describe cannot set Hardware Notes of this run; remove it"),
        (
            "host",
            {"Board Name": "x", "SoC Name": "y"},
            "--describe cannot set Board Name, SoC Name of this run; remove th",
        ),
        ("hardware", {"Status": "available"}, "--describe cannot set Status of this run"),
        ("hardware", {"Bord Name": "x"}, "unknown key 'Bord Name'"),
        ("hardware", {"Board Name": 7}, "value of 'Board Name' is not a text of at most 1000 characters"),
        ("hardware", {"Board Name": "x" * 1001}, "value of 'Board Name' is not a text of at most 1000 characters"),
        ("hardware", ["x"], "is not a JSON object of keys and texts"),
    ],
)
def test_overrides_of_the_description_are_checked(
    kws_run: Path, tmp_path: Path, timing: str, words: Any, wrong: str
) -> None:
    record = read_record(kws_run)
    facts = replace(record.settings.device, timing=timing)
    record = replace(record, settings=replace(record.settings, device=facts))
    path = tmp_path / "words.json"
    path.write_text(json.dumps(words))
    try:
        text = description(record, names("closed", "x", "y", "kws", "rdi"), read_overrides(path))
    except BenchError as error:
        assert wrong and wrong in str(error)
        return
    system = json.loads(text)
    assert not wrong and tuple(system) == TEMPLATE
    assert {key.strip(): value for key, value in system.items()}.items() >= words.items()


def test_the_json_is_that_of_the_runner(kws_tree: Path) -> None:
    performance = json.loads((kws_tree / RESULTS / "performance/results.json").read_text())
    accuracy = json.loads((kws_tree / RESULTS / "accuracy/results.json").read_text())
    assert [entry["file"] for entry in performance] == [f"tst_{n:06d}.bin" for n in range(5)]
    first = performance[0]
    infer = first.pop("infer")
    assert first == {
        "file": "tst_000000.bin", "classes": "12", "class": "0", "bytes_to_send": None, "stride": None,
        "total_length": None, "mode": "p",
    }  # fmt: skip
    assert infer.pop("end_time") - infer.pop("start_time") == infer["elapsed_time"] == 505 * LATENCY_US
    assert (infer["iterations"], infer["warmups"], infer["total_inferences"]) == (505, 1, 1)
    assert infer["throughput"] == pytest.approx(50.0)
    assert len(accuracy) == 12 and "throughput" not in accuracy[0]["infer"]
    assert [entry["class"] for entry in accuracy] == [str(n) for n in range(12)]
    assert [int(np.argmax(entry["infer"]["results"])) for entry in accuracy] == [*range(11), 0]


def shape(line: str) -> str:
    """A line without its numbers and names."""
    line = re.sub(r"(Loading file) \S+", r"\1 F", line.strip())
    line = re.sub(r"(retrieved:|Writing output to|logged in file) .*", r"\1 X", line)
    line = re.sub(r"\[.*\]", "[]", line)
    return re.sub(r"[\d.]*\d", "#", re.sub(r" +", " ", line))


def test_logs_and_texts_have_the_shape_of_published_ones(kws_tree: Path, data_dir: Path) -> None:
    published = data_dir / "published/v1.3/closed/STMicroelectronics/results/NUCLEO_U385RG_Q/ic"
    if not published.is_dir():
        pytest.skip("needs the official models and data (MLPERF_TINY_DATA): it has no folder published/v1.3")
    for mode in ("performance", "accuracy"):
        for name in ("log.txt", "results.txt"):
            ours = [shape(line) for line in (kws_tree / RESULTS / mode / name).read_text().splitlines()]
            theirs = {shape(line) for line in (published / mode / name).read_text().splitlines()}
            assert {line for line in ours if line not in theirs and not line.startswith("Written by")} == set()
        ours_json, theirs_json = (
            json.loads((f / mode / "results.json").read_text())[0] for f in (kws_tree / RESULTS, published)
        )
        assert list(ours_json) == list(theirs_json) and list(ours_json["infer"]) == list(theirs_json["infer"])
        for key, value in ours_json.items():
            assert type(value) is type(theirs_json[key]), key


def test_the_log_names_its_writer(kws_run: Path, kws_tree: Path) -> None:
    record = read_record(kws_run)
    assert record.chain_digest is not None
    lines = (kws_tree / RESULTS / "accuracy/log.txt").read_text().splitlines()
    assert lines[1] == (
        f"Written by mlperf-tiny-harness {record.settings.versions['mlperf-tiny-harness']} from run {kws_run.name}, "
        f"timing emulated, transcript of {record.chain_digest.lines} lines, chain {record.chain_digest.value}"
    )


def test_the_same_run_gives_the_same_bytes_without_machine_paths(
    bench: Bench, kws_run: Path, kws_tree: Path, tmp_path: Path
) -> None:
    files = contents(kws_tree)
    assert contents(bench.submit(kws_run, tmp_path / "again")) == files
    for word in (str(bench.folder), str(bench.folder.parent), str(Path.home())):
        assert [path for path, content in files.items() if word.encode() in content] == []


def test_the_code_folder_holds_all_that_the_image_is_made_of(kws_run: Path, kws_tree: Path) -> None:
    code = kws_tree / CODE
    assert (code / "model.tflite").read_bytes() == (kws_run / "model.tflite").read_bytes()
    for name in ("transcript.jsonl", "record.json"):
        assert (code / "run" / name).read_bytes() == (kws_run / name).read_bytes()
    assert {path.name for path in (code / "source").iterdir()} >= {"model", "engine", "monitor", "ports", "sections.ld"}
    readme = (code / "README.md").read_text()
    record = read_record(kws_run)
    assert record.settings.firmware is not None
    for words in (
        f"benchmark-run --task kws --model {MODEL} --device stm32f746 --engine compiled --toolchain zig --baud 115200 "
        "--timing pipeline --iterations 505",
        record.settings.firmware.elf_sha256,
        record.settings.firmware.source_digest,
        record.settings.firmware.compiler,
    ):
        assert words in readme
    manifest = json.loads((code / "submission.json").read_text())
    assert manifest["format"] == 1 and manifest["image"]["elf_sha256"] == record.settings.firmware.elf_sha256
    listed = {f"{BASE}/{path}" for path in manifest["files"]}
    assert listed == contents(kws_tree).keys() - {f"{CODE}/submission.json"}


def test_the_manifest_matches_its_published_schema(kws_tree: Path) -> None:
    written = (Path(__file__).parents[2] / "docs/schemas/submission.schema.json").read_text()
    assert written == schema.text(), "run: python -m mlperf_tiny.results.submission.schema docs/schemas"
    validator = jsonschema.Draft202012Validator(json.loads(written))
    manifest = json.loads((kws_tree / CODE / "submission.json").read_text())
    validator.validate(manifest)
    for key in manifest:
        assert not validator.is_valid({name: value for name, value in manifest.items() if name != key}), key
    assert not validator.is_valid({**manifest, "format": 2})


@pytest.mark.slow
def test_anomaly_detection_has_an_entry_for_each_window(bench: Bench, tmp_path: Path) -> None:
    run = bench.run(
        tmp_path / "runs", ad_device(), task="ad", port="fake://", model=str(bench.data / "models/tiny.tflite")
    )
    tree = bench.submit(run, tmp_path / "tree")
    (results,) = (tree / "open/example-labs/results").glob("*/ad")
    accuracy = json.loads((results / "accuracy/results.json").read_text())
    performance = json.loads((results / "performance/results.json").read_text())
    assert len(accuracy) == 6 * 196
    keys = ("file", "classes", "class", "bytes_to_send", "stride", "total_length")
    assert [accuracy[197][key] for key in keys] == ["clip_1.bin", "2", "1", "2560", "512", 196]
    assert [performance[1][key] for key in keys] == ["clip_1.bin", "2", "1", "2560", "512", 1]
    log = (results / "accuracy/log.txt").read_text()
    assert "Loading file clip_1.bin segment 195\n" in log
    # Scores rank the files 0..5, of which 1, 3, 5 are faulty: six of nine pairs are the right way round.
    assert "AUC = 0.667" in (results / "accuracy/results.txt").read_text()


def test_a_wrapped_counter_ends_after_its_start(bench: Bench, tmp_path: Path) -> None:
    run = bench.run(tmp_path / "runs", kws_device(counter_us=2**32 - 15_000_000))
    timed = inferences_of(read_transcript(run / TRANSCRIPT_FILE)).performance
    assert all(one.elapsed_us == 505 * LATENCY_US for one in timed)
    assert any(one.start_us < 2**32 <= one.end_us for one in timed)


def test_a_resumed_run_gives_the_same_inferences(bench: Bench, kws_run: Path, tmp_path: Path) -> None:

    run = bench.run(tmp_path / "runs")
    killed(run, lines=(run / TRANSCRIPT_FILE).read_bytes().count(b"\n") // 2)
    resume_benchmark(run, Request(data=bench.data), Listener(), opener(kws_device()))
    whole, resumed = (inferences_of(read_transcript(folder / TRANSCRIPT_FILE)) for folder in (kws_run, run))

    def timeless(timed: Any) -> list[Any]:
        return [(one.file, one.label, one.iterations, one.elapsed_us, one.results) for one in timed]

    assert timeless(resumed.performance) == timeless(whole.performance)
    assert timeless(resumed.accuracy) == timeless(whole.accuracy)
    times = [t for one in (*resumed.performance, *resumed.accuracy) for t in (one.loading_s, one.loaded_s, one.done_s)]
    assert times == sorted(times) and times[-1] <= resumed.last_s


class Hurrying(EmulatedFake):
    """Faster once it is warm: its windows fall short, and are run again with more iterations."""

    def _run(self, count: int, warmup: int) -> list[str]:
        self.latency_us = LATENCY_US if len(self.inferred) < 4 else LATENCY_US // 2
        return super()._run(count, warmup)


def test_windows_that_were_run_again_count_as_in_the_record(bench: Bench, tmp_path: Path) -> None:
    fake = Hurrying(infer=submitted_runs.one_hot, timing="emulated", instructions_per_inference=1)
    run = bench.run(tmp_path / "runs", fake)
    performance = read_record(run).performance
    assert performance is not None and performance.attempts == 2
    timed = inferences_of(read_transcript(run / TRANSCRIPT_FILE)).performance
    assert [(one.file, one.iterations, one.elapsed_us) for one in timed] == [
        (window.sample, window.iterations, window.elapsed_us) for window in performance.windows
    ]


@pytest.mark.parametrize("t", ['"x"', "1e400", "-1e99", "true"])
def test_a_transcript_with_invalid_times_is_refused(kws_run: Path, t: str) -> None:

    chain = Chain()
    lines = [chain.verify(line) for line in (kws_run / TRANSCRIPT_FILE).read_bytes().splitlines()]
    lines[5] = re.sub(rb'"t":[\d.]+', b'"t":' + t.encode(), lines[5])
    with pytest.raises(RecordError, match="is damaged"):
        inferences_of(parse_transcript(chained(lines), "x"))


def test_metrics_are_computed_as_the_runner_does(kws_run: Path) -> None:
    """Rows divided by their sum and scikit-learn's one-vs-rest area; the best of 100 thresholds for machines."""
    sklearn = pytest.importorskip("sklearn.metrics")
    timed = inferences_of(read_transcript(kws_run / TRANSCRIPT_FILE)).accuracy
    random = np.random.default_rng(3)
    scores = random.random((12, 12)).round(3)
    answers = [replace(one, results=tuple(row)) for one, row in zip(timed, scores, strict=True)]
    labels = np.arange(12)
    wanted = sklearn.roc_auc_score(labels, scores / scores.sum(axis=1, keepdims=True), multi_class="ovr")
    quality = quality_of(answers, find_task("kws"))
    assert quality.auc == pytest.approx(wanted)
    assert quality.top1 == pytest.approx(100 * (scores.argmax(axis=1) == labels).mean())
    machine = [
        replace(one, results=(float(row[0]),), label=n % 2)
        for n, (one, row) in enumerate(zip(timed, scores, strict=True))
    ]
    assert quality_of(machine, find_task("ad")).auc == pytest.approx(sklearn.roc_auc_score(labels % 2, scores[:, 0]))
    assert quality_of([], find_task("kws")).top1 is None


def test_text_that_cannot_be_encoded_is_replaced(kws_run: Path) -> None:
    record = read_record(kws_run)
    assert record.identity is not None
    record = replace(record, identity=replace(record.identity, vendor="\ud800"))
    files = runner_files(record, inferences_of(read_transcript(kws_run / TRANSCRIPT_FILE)))
    assert b"Device name retrieved: ?\n" in files["accuracy/log.txt"]


def test_a_board_that_held_its_image_is_submitted_without_sources(bench: Bench, tmp_path: Path) -> None:
    device = EmulatedFake(infer=submitted_runs.one_hot, latency_us=LATENCY_US, timing="hardware")
    run = bench.run(tmp_path / "runs", device, port="fake://")
    files = files_of_run(run, replace(ENTRY, availability="available"))
    assert files.names == names("closed", "example-labs", "NUCLEO-F746ZG", "kws", "available")
    assert sorted(files.code) == [
        "README.md",
        "model.tflite",
        "run/record.json",
        "run/transcript.jsonl",
        "submission.json",
    ]
    system = json.loads(files.description)
    assert (system["Board Name"], system["Status"]) == ("NUCLEO-F746ZG", "available")
    assert NO_BOARD not in system["Hardware Notes"] and "not known" in system["General Compiler(s)"]
    assert "--port PORT" in files.code["README.md"].decode()
