# SPDX-License-Identifier: Apache-2.0
"""Reproducing runs: the image for real, the run on a fake device; a small model all the way on an emulated board."""

from __future__ import annotations

import json
import shutil
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner

from mlperf_tiny.cli import review as cli
from mlperf_tiny.errors import DataError
from mlperf_tiny.harness.record.record import RunRecord
from mlperf_tiny.harness.record.record_file import read_record
from mlperf_tiny.harness.run.request import Request
from mlperf_tiny.harness.run.run import run_benchmark
from mlperf_tiny.progress import Listener, Progress
from mlperf_tiny.results.reproduce.reproduce import Reproduction, reproduce_path
from mlperf_tiny.results.reproduce.result import Outcome, Reproduced, ReproduceOptions
from mlperf_tiny.results.reproduce.text import render_reproduction
from mlperf_tiny.results.reproduce.tolerance import OTHER_IMAGE_PERCENT, OTHER_MODEL_PERCENT, tolerance
from mlperf_tiny.results.submission.manifest import sha256
from tests.fakes.data_sets import write_tree
from tests.fakes.device import FakeDevice
from tests.fakes.transcripts import forged, killed
from tests.results import submitted_runs
from tests.results.submitted_runs import CODE, RESULTS, Bench, contents, kws_device, one_hot, opener

bench, kws_run, kws_tree = submitted_runs.bench, submitted_runs.kws_run, submitted_runs.kws_tree


def reproduced(bench: Bench, path: Path, device: FakeDevice | None = None, **options: Any) -> Reproduction:
    chosen = ReproduceOptions(**{"data": bench.data, **options})
    return reproduce_path(path, chosen, open_device=opener(device or kws_device()))


def only(reproduction: Reproduction) -> Reproduced:
    (result,) = reproduction.results
    return result


def verdicts(result: Reproduced) -> dict[str, str]:
    return {row.name: row.verdict for row in result.rows}


@pytest.fixture
def run(kws_run: Path, tmp_path: Path) -> Path:
    """A copy of the run folder that may be changed."""
    return Path(shutil.copytree(kws_run, tmp_path / "run"))


@pytest.fixture
def tree(kws_tree: Path, tmp_path: Path) -> Path:
    return Path(shutil.copytree(kws_tree, tmp_path / "tree"))


@pytest.mark.parametrize("form", ["run", "runs", "tree", "zip"])
def test_a_run_is_reproduced(bench: Bench, kws_run: Path, kws_tree: Path, tmp_path: Path, form: str) -> None:
    path = {"run": kws_run, "runs": kws_run.parent, "tree": kws_tree}.get(form)
    path = path or write_tree(tmp_path / "tree", dict(contents(kws_tree)), "zip")
    reproduction = reproduced(bench, path)
    result = only(reproduction)
    assert (result.outcome, reproduction.exit_code) == (Outcome.SAME, 0), result
    assert verdicts(result) == dict.fromkeys(
        ("image", "instructions", "cycles", "windows", "latency", "answers", "top-1", "AUC"), "same"
    )
    rows = {row.name: (row.recorded, row.reproduced, row.difference) for row in result.rows}
    assert rows["image"][2] == "none, bit for bit" and rows["answers"] == ("12", "12, 12 equal", "none")
    assert rows["windows"][0] == "5, 10.100000 to 10.100000 s"
    assert any("from the catalogue" in note for note in result.notes)
    assert result.run_id == read_record(kws_run).settings.run_id


def wrong_once(data: bytes) -> list[str]:
    return ["0.500"] * 12 if data[0] == 7 else one_hot(data)


OTHERS = [
    (kws_device(latency_us=20_001), {"windows": "differs"}, "505 us at most"),
    (kws_device(instructions_per_inference=778), {"instructions": "differs"}, "+0.1287 %"),
    (kws_device(infer=wrong_once), {"answers": "differs", "top-1": "differs"}, "1 differ, tst_000007.bin for one"),
]


@pytest.mark.parametrize(("device", "wanted", "words"), OTHERS, ids=["time", "instructions", "an answer"])
def test_other_results_differ(
    bench: Bench, kws_run: Path, device: FakeDevice, wanted: dict[str, str], words: str
) -> None:
    reproduction = reproduced(bench, kws_run, device)
    result = only(reproduction)
    assert (result.outcome, reproduction.exit_code) == (Outcome.DIFFERS, 4)
    assert wanted.items() <= verdicts(result).items()
    assert any(words in row.difference for row in result.rows), result.rows


def test_answers_are_matched_by_file_name(bench: Bench, run: Path) -> None:
    forged(run, '"sample":"tst_000007.bin","index"', '"sample":"tst_000077.bin","index"')
    result = only(reproduced(bench, run))
    assert verdicts(result)["answers"] == "differs" and result.outcome is Outcome.DIFFERS


def test_limit_reproduces_in_part(bench: Bench, kws_tree: Path) -> None:
    reproduction = reproduced(bench, kws_tree, limit=5)
    result = only(reproduction)
    assert (result.outcome, reproduction.exit_code) == (Outcome.PARTLY, 3)
    assert result.notes[-1] == "partial: 5 of 12 samples were answered again"
    assert verdicts(result)["answers"] == "same" and "top-1" not in verdicts(result)


def test_a_run_without_accuracy_part_is_reproduced(bench: Bench, tmp_path: Path) -> None:
    run = bench.run(tmp_path, modes=("performance",))
    result = only(reproduced(bench, run))
    assert result.outcome is Outcome.SAME and "answers" not in verdicts(result)


def test_an_unfinished_run_is_reproduced_in_part(bench: Bench, tmp_path: Path) -> None:
    run = bench.run(tmp_path)
    killed(run)
    result = only(reproduced(bench, run))
    assert result.outcome is Outcome.DIFFERS  # its last line is torn, which the review says
    killed(run, lines=(run / "transcript.jsonl").read_bytes().count(b"\n"))
    result = only(reproduced(bench, run))
    assert result.outcome is Outcome.PARTLY and result.notes[-1] == "partial: the recorded run is not finished"


def test_limit_above_the_number_of_samples_has_no_effect(bench: Bench, kws_run: Path) -> None:
    assert only(reproduced(bench, kws_run, limit=99)).outcome is Outcome.SAME


@pytest.mark.parametrize(
    ("written", "edited", "first"),
    [
        ('"compiler":"ziglang ', '"compiler":"ziglang 9', "compiler was ziglang 9"),
        ('"-O2"', '"-O9"', "flags was "),
        ('"source_digest":"', '"source_digest":"0', "sources was 0"),
        ('"kernels":"dsp"', '"kernels":"ref"', "kernels was ref, is dsp"),
        ('"kernels":"dsp"', '"kernels":"dsp"', "the bytes in flash differ, although all that is recorded"),
    ],
)
def test_first_cause_of_another_image_is_named(bench: Bench, run: Path, written: str, edited: str, first: str) -> None:
    forged(run, '"elf_sha256":"', '"elf_sha256":"0')
    forged(run, '"flash_sha256":"', '"flash_sha256":"0')
    forged(run, written, edited)
    (run / "firmware.elf").unlink()
    reproduction = reproduced(bench, run, kws_device(latency_us=20_900, instructions_per_inference=800))
    result = only(reproduction)
    assert result.rows[0].difference.startswith(first) and result.rows[0].verdict == "differs"
    assert verdicts(result)["latency"] == "within tolerance" and verdicts(result)["instructions"] == "not compared"
    assert any(note.startswith(f"image: {first}") for note in result.notes)
    assert (result.outcome, reproduction.exit_code) == (Outcome.WITHIN, 0)
    assert "benchmark-review: record.json is missing." in result.notes
    slower = only(reproduced(bench, run, kws_device(latency_us=21_100)))
    assert verdicts(slower)["latency"] == "differs" and slower.outcome is Outcome.DIFFERS


def test_other_symbols_are_the_same_image(bench: Bench, run: Path) -> None:
    forged(run, '"elf_sha256":"', '"elf_sha256":"0')
    (run / "firmware.elf").unlink()
    result = only(reproduced(bench, run))
    assert (result.rows[0].difference, result.rows[0].verdict) == ("none in flash, other ELF file", "same")
    assert set(verdicts(result).values()) == {"same"}


@pytest.mark.parametrize(
    ("at", "difference"),
    [
        ("its end", "none in flash, other ELF file"),
        ("its flash", "sources was 0"),
        ("nothing is left of it", "sources was 0"),
        ("it is gone", "sources was 0"),
    ],
)
def test_the_elf_file_of_an_earlier_run_is_compared(bench: Bench, run: Path, at: str, difference: str) -> None:
    """Records of earlier programs have no hash of the flash: it is taken from the ELF file beside the transcript."""
    elf = run / "firmware.elf"
    content = elf.read_bytes()
    changed = {
        "its end": content + b"more symbols",
        "its flash": content.replace(b"mlperf-tiny", b"tiny-mlperf", 1),
        "nothing is left of it": content[:100],
        "it is gone": content + b"x",
    }[at]
    elf.write_bytes(changed)
    forged(run, sha256(content), sha256(changed))
    firmware = read_record(run).settings.firmware
    assert firmware is not None
    forged(run, firmware.flash_sha256, "")
    forged(run, '"source_digest":"', '"source_digest":"0')
    if at == "it is gone":
        elf.unlink()
    result = only(reproduced(bench, run))
    assert result.rows[0].difference.startswith(difference), result
    assert result.rows[0].verdict == ("same" if at == "its end" else "differs")
    assert any(note.startswith("image: sources was 0") for note in result.notes)


def test_another_source_is_named(bench: Bench, tree: Path) -> None:
    forged(tree / CODE / "run", '"elf_sha256":"', '"elf_sha256":"0')
    (tree / CODE / "source/monitor/monitor.c").write_text("int main(void) { return 0; }\n")
    result = only(reproduced(bench, tree))
    assert "image: source monitor/monitor.c is not as it is here" in result.notes
    assert result.outcome is Outcome.DIFFERS  # found by the review


def test_a_damaged_run_differs_and_is_not_run(bench: Bench, run: Path) -> None:
    path = run / "transcript.jsonl"
    path.write_bytes(path.read_bytes().replace(b"m-results-[0.996", b"m-results-[0.997", 1))
    result = only(reproduced(bench, run, FakeDevice(boots=False)))
    assert (result.outcome, result.rows) == (Outcome.DIFFERS, ())
    assert "is not what was written there" in result.notes[0]


def test_a_changed_text_differs_although_the_run_is_reproduced(bench: Bench, tree: Path) -> None:
    path = tree / RESULTS / "performance/results.txt"
    path.write_text(path.read_text().replace("50.000 inf", "51.000 inf"))
    result = only(reproduced(bench, tree))
    assert result.outcome is Outcome.DIFFERS and set(verdicts(result).values()) == {"same"}
    assert any("throughput is claimed to be 51.000" in note for note in result.notes)


def test_the_enclosed_model_is_taken_where_the_catalogue_has_none(bench: Bench, tmp_path: Path) -> None:
    model = str(shutil.copy(bench.data / "models/tiny.tflite", tmp_path / "mine.tflite"))
    run = bench.run(tmp_path / "runs", model=model)
    Path(model).unlink()
    result = only(reproduced(bench, run))
    assert result.outcome is Outcome.SAME
    assert "it is not the catalogue's: no catalogue has a model 'mine'" in result.notes
    (run / "model.tflite").unlink()
    result = only(reproduced(bench, run))
    assert (result.outcome, result.rows) == (Outcome.NOT_HERE, ())
    assert any(
        "its model is not found: no catalogue has a model 'mine', and no model.tflite" in n for n in result.notes
    )


@pytest.mark.parametrize("name", ["/etc/passwd.tflite", "x */ int y; /*", "\\ud800"])
def test_a_hostile_name_is_never_opened(bench: Bench, run: Path, name: str) -> None:
    forged(run, '"name":"tiny-reference"', f'"name":"{name}"')
    result = only(reproduced(bench, run))
    assert verdicts(result)["image"] == "same" and any("no catalogue has a model" in note for note in result.notes)


def test_a_run_without_its_data_is_not_reproduced(bench: Bench, kws_run: Path, tmp_path: Path) -> None:
    shutil.copytree(bench.data, tmp_path / "data")
    (tmp_path / "data/kws01/y_labels.csv").write_text("tst_000001.bin,12,1\n")
    result = only(reproduced(bench, kws_run, data=tmp_path / "data"))
    assert result.outcome is Outcome.NOT_HERE
    assert any(note.startswith("its inputs are not found: the run had") for note in result.notes)


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"port": "fake://"}, "it was made on a board that held its image already"),
        ({}, "it was made on a board; only its image is compared"),
    ],
)
def test_a_run_on_a_board_is_not_run_here(bench: Bench, tmp_path: Path, changes: dict[str, Any], words: str) -> None:
    run = bench.run(tmp_path, FakeDevice(infer=one_hot, latency_us=20_000), **changes)
    result = only(reproduced(bench, run))
    assert result.outcome is Outcome.NOT_HERE and any(words in note for note in result.notes)


def test_results_of_others_cannot_be_reproduced(bench: Bench, tree: Path) -> None:
    other = tree / "closed/others/results/board/kws"
    shutil.copytree(tree / RESULTS, other)
    for log in other.rglob("log.txt"):
        log.write_text("".join(line for line in log.read_text().splitlines(True) if not line.startswith("Written by")))
    reproduction = reproduced(bench, tree)
    assert [result.outcome for result in reproduction.results] == [Outcome.SAME]
    assert (reproduction.others, reproduction.exit_code) == (("closed others board kws",), 3)
    assert "not a run of this program" in render_reproduction(reproduction)


def test_a_folder_without_results_is_refused(bench: Bench, tmp_path: Path) -> None:
    with pytest.raises(DataError, match=r"holds no result: wanted folders performance and accuracy .* or run folders"):
        reproduced(bench, tmp_path)


def test_an_interrupted_reproduction_goes_on(bench: Bench, kws_run: Path, tmp_path: Path) -> None:
    class Interrupted(submitted_runs.EmulatedFake):
        def write(self, data: bytes) -> None:
            if len(self.inferred) == 12:
                raise KeyboardInterrupt
            super().write(data)

    first = Interrupted(infer=one_hot, latency_us=20_000, timing="emulated", instructions_per_inference=777)
    with pytest.raises(KeyboardInterrupt):
        reproduced(bench, kws_run, first, work=tmp_path / "work")
    (begun,) = (tmp_path / "work").glob("*/*/transcript.jsonl")
    second = kws_device()
    assert only(reproduced(bench, kws_run, second, work=tmp_path / "work")).outcome is Outcome.SAME
    assert len(second.inferred) < 12
    third = kws_device()
    assert only(reproduced(bench, kws_run, third, work=tmp_path / "work")).outcome is Outcome.SAME
    assert third.inferred == [] and list((tmp_path / "work").glob("*/*/transcript.jsonl")) == [begun]


def test_progress_has_the_number_of_the_result(bench: Bench, kws_run: Path) -> None:
    logged: list[str] = []
    steps: list[Progress] = []
    reproduce_path(
        kws_run, ReproduceOptions(data=bench.data), Listener(logged.append, steps.append), opener(kws_device())
    )
    assert logged[0] == "reproducing closed emulated-stm32f746-compiled kws (1 of 1)" and "compiling" in logged[1]
    assert {step.stage for step in steps} == {"review", "1/1 trial", "1/1 performance", "1/1 accuracy"}


def changed(record: RunRecord, **device: Any) -> RunRecord:
    return replace(record, settings=replace(record.settings, device=replace(record.settings.device, **device)))


def test_tolerances(kws_run: Path) -> None:
    record = read_record(kws_run)
    assert record.settings.firmware is not None and record.performance is not None
    model = changed(record, timing_model="pipeline, cores 2")
    host = changed(record, timing="host")
    rows = [
        (record, True, (0.0, None, True)),
        (record, False, (None, OTHER_IMAGE_PERCENT, False)),
        (model, True, (None, OTHER_MODEL_PERCENT, True)),
        (model, False, (None, OTHER_MODEL_PERCENT, False)),
        (host, True, (None, None, False)),
    ]
    for was, same_image, wanted in rows:
        found = tolerance(was, record, same_image)
        assert (found.window_us, found.percent, found.instructions) == wanted
    # Ten digits of ten bits each, at 115200 baud.
    for restarted in (replace(record, resumed=1), replace(record, performance=replace(record.performance, attempts=2))):
        assert tolerance(restarted, record, True).window_us == pytest.approx(868.06, abs=0.01)


def test_a_resumed_run_may_be_off_by_some_digits(bench: Bench, tmp_path: Path) -> None:
    run = bench.run(tmp_path)
    forged(run, '{"e":"end"}', '{"e":"resume"}\n{"e":"end"}')
    bench_device = kws_device(tick_us=1)
    result = only(reproduced(bench, run, bench_device))
    assert verdicts(result)["windows"] == "same"
    result = only(reproduced(bench, run, kws_device(latency_us=20_001)))
    assert verdicts(result)["windows"] == "within tolerance" and result.outcome is Outcome.WITHIN
    result = only(reproduced(bench, run, kws_device(latency_us=20_002)))
    assert verdicts(result)["windows"] == "differs"


def test_json_and_text(bench: Bench, kws_run: Path) -> None:
    reproduction = reproduced(bench, kws_run)
    values = json.loads(json.dumps(reproduction.to_json()))
    assert (values["format"], values["outcomes"]["reproduced"]) == (1, 1)
    assert set(values["results"][0]["rows"][0]) == {"name", "recorded", "reproduced", "difference", "verdict"}
    lines = render_reproduction(reproduction).splitlines()
    assert lines[0] == "REPRODUCED  closed emulated-stm32f746-compiled kws" and lines[-1] == "1 result: 1 reproduced"
    assert any(line.split()[:2] == ["answers", "12"] and line.endswith("same") for line in lines)


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (["--limit", "3"], "error: --limit without --reproduce: add --reproduce."),
        (["--limit", "0"], "Invalid value for '--limit'"),
        (["--reproduce", "--html", "x.html"], "error: --html is not supported with --reproduce"),
        (["--reproduce", "--no-notes"], "error: --no-notes is not supported with --reproduce"),
    ],
)
def test_incompatible_options_are_refused(kws_run: Path, arguments: list[str], sentence: str) -> None:
    result = CliRunner().invoke(cli.main, [str(kws_run), *arguments])
    assert (result.exit_code, result.stdout) == (2, "") and sentence in result.stderr


@pytest.mark.parametrize("device", ["stm32f746", "host"])
def test_a_small_model_is_reproduced_on_real_transports(bench: Bench, tmp_path: Path, device: str) -> None:
    """The whole way by the command, with nothing faked: twenty inferences a window, twelve answers."""
    request = Request(
        task="kws", device=device, model=submitted_runs.MODEL, data=bench.data, iterations=20, synthetic=False
    )
    _, run = run_benchmark(request, tmp_path / "runs", Listener())
    result = CliRunner().invoke(cli.main, [str(run), "--reproduce", "--json", "--data", str(bench.data)])
    assert result.exit_code == 0, result.output
    values = json.loads(result.stdout)["results"][0]
    assert values["outcome"] == "reproduced"
    found = {row["name"]: row["verdict"] for row in values["rows"]}
    assert found["image"] == found["answers"] == "same"
    if device != "host":
        assert set(found.values()) == {"same"}


def test_a_run_on_real_keywords_is_reproduced(tmp_path: Path, data_dir: Path) -> None:
    request = Request(
        task="kws", device="stm32f446", model="mlperf-kws", data=data_dir, iterations=1, limit=2, timing="pipeline"
    )
    _, run = run_benchmark(request, tmp_path / "runs", Listener())
    result = only(reproduce_path(run, ReproduceOptions(data=data_dir)))
    assert result.outcome is Outcome.SAME and set(verdicts(result).values()) == {"same"}
