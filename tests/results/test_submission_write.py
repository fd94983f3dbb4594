# SPDX-License-Identifier: Apache-2.0
"""Which runs may be submitted, under which names, and that a tree never holds half a result or loses one."""

from __future__ import annotations

import dataclasses
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from mlperf_tiny.errors import BenchError, DataError, UsageError
from mlperf_tiny.harness.record.record import RunRecord
from mlperf_tiny.harness.record.record_file import read_record
from mlperf_tiny.harness.run.request import Request
from mlperf_tiny.harness.wire.transcript import TRANSCRIPT_FILE
from mlperf_tiny.results.mlperf.names import Entry, names_of
from mlperf_tiny.results.submission.eligible import reasons_after_run, reasons_before_run
from mlperf_tiny.results.submission.files import ResultFiles
from mlperf_tiny.results.submission.runner_files import Quality
from mlperf_tiny.results.submission.submit import check_request, files_of_run, submit
from mlperf_tiny.results.submission.write import DRAFT, write_result
from tests.fakes.transcripts import forged, killed
from tests.results import submitted_runs
from tests.results.leaderboard_rows import refused
from tests.results.submitted_runs import BASE, CODE, ENTRY, MODEL, RESULTS, SYSTEM, Bench, contents, kws_device

bench, kws_run, kws_tree = submitted_runs.bench, submitted_runs.kws_run, submitted_runs.kws_tree

GOOD = Quality(91.7, 0.955)
Change = Callable[[RunRecord], RunRecord]


def settings(**changes: Any) -> Change:
    return lambda record: dataclasses.replace(record, settings=dataclasses.replace(record.settings, **changes))


def part(name: str, **changes: Any) -> Change:
    def change(record: RunRecord) -> RunRecord:
        changed = dataclasses.replace(getattr(record.settings, name), **changes)
        return settings(**{name: changed})(record)

    return change


def record(**changes: Any) -> Change:
    return lambda record: dataclasses.replace(record, **changes)


# Change, quality, text of the reason, when it is given. Reasons "before" a run are found by a rule after it.
REASONS: list[tuple[Change, Quality, str, str]] = [
    (settings(modes=("performance",)), GOOD, "it has no accuracy part", "always"),
    (settings(modes=("accuracy",)), GOOD, "it has no performance part", "always"),
    (settings(limit=7), GOOD, "it is cut to 7 samples", "before"),
    (part("data", source="synthetic"), GOOD, "its data is synthetic, not the benchmark's own", "before"),
    (part("data", complete=False), GOOD, "its 12 files are not a complete official list of kws01", "before"),
    (part("data", digest="0"), GOOD, "its files are not those of kws01", "always"),
    (part("model", sha256=""), GOOD, "the model on the board is not known", "always"),
    (part("device", device="unknown"), GOOD, "the board is not known", "always"),
    (part("firmware", source_digest="1" * 64), GOOD, "its image was made from sources 111111111111, this", "always"),
    (part("firmware", source_digest=""), GOOD, "its image was made before sources were recorded", "always"),
    (record(complete=False), GOOD, "it is not finished", "after"),
    (record(chain_digest=None), GOOD, "its transcript is of a format without a hash chain", "after"),
    (record(violations=(refused("busy"),)), GOOD, "rule violation: the device answered e-[busy]", "after"),
    (record(), Quality(91.7, None), "its answers give no AUC by MLCommons' method", "after"),
    (record(), Quality(89.94, 0.9), "top1 is printed as 89.9, the closed division needs 90", "after"),
    # MLCommons' runner prints three digits of an AUC, and its checker compares those.
    (settings(task="ad"), Quality(70.0, 0.8494), "auc is printed as 0.849, the closed division needs 0.85", "after"),
]


@pytest.mark.parametrize(("change", "quality", "words", "when"), REASONS, ids=[row[2][:40] for row in REASONS])
def test_reasons_of_an_ineligible_run(kws_run: Path, change: Change, quality: Quality, words: str, when: str) -> None:
    run = read_record(kws_run)
    assert reasons_before_run(run.settings) == () and reasons_after_run(run, GOOD) == ()
    changed = change(run)
    assert any(words in reason for reason in reasons_before_run(changed.settings)) == (when in ("before", "always"))
    assert any(words in reason for reason in reasons_after_run(changed, quality)) == (when in ("after", "always"))


def test_all_reasons_are_one_sentence(bench: Bench, tmp_path: Path) -> None:
    run = bench.run(tmp_path / "runs", limit=5, iterations=9)
    killed(run)
    with pytest.raises(DataError) as caught:
        submit(run, ENTRY, tmp_path / "tree", request=Request(data=bench.data))
    text = str(caught.value)
    assert text.startswith(
        f"{run} may not be submitted: it is not finished (resume it with --resume); rule violation: shortest"
    )
    assert "8 of the 12 listed files were not answered" in text and "(minimum 10 s)" in text and text.endswith(".")
    assert not (tmp_path / "tree").exists()


@pytest.mark.toolchain
def test_open_runs_have_no_target(bench: Bench, tmp_path: Path) -> None:
    def wrong(data: bytes) -> list[str]:
        return ["0.100" if label != (data[0] + 1) % 12 else "0.500" for label in range(12)]

    model = str(bench.data / "models/tiny.tflite")
    run = bench.run(tmp_path / "runs", kws_device(infer=wrong), model=model)
    tree = bench.submit(run, tmp_path / "tree")
    assert (tree / f"open/example-labs/results/{SYSTEM}-tiny/kws/accuracy/results.txt").is_file()


def test_a_missing_model_is_named(bench: Bench, tmp_path: Path) -> None:
    model = str(shutil.copy(bench.data / "models/tiny.tflite", tmp_path / "mine.tflite"))
    run = bench.run(tmp_path / "runs", model=model)
    (run / "model.tflite").unlink()
    with pytest.raises(DataError, match=r"the model mine of .* is not found. Name its file with --model"):
        files_of_run(run, ENTRY)
    assert files_of_run(run, ENTRY, Request(model=model)).code["model.tflite"] == Path(model).read_bytes()


@pytest.mark.parametrize(
    ("values", "words"),
    [
        ({"submitter": ""}, "--submitter '' cannot be a folder"),
        ({"submitter": "a b"}, "--submitter 'a b' cannot be a folder"),
        ({"submitter": "../x"}, "cannot be a folder"),
        ({"submitter": ".hidden"}, "cannot be a folder"),
        ({"submitter": "x" * 65}, "cannot be a folder"),
        ({"submitter": "x", "system": "a/b"}, "--system 'a/b' cannot be a folder"),
        (
            {"submitter": "x", "availability": "soon"},
            "--availability 'soon' is not supported; choose one of available",
        ),
    ],
)
def test_invalid_folder_names_are_refused(values: dict[str, str], words: str) -> None:
    with pytest.raises(UsageError, match=words):
        Entry(**values)


@pytest.mark.parametrize(
    ("timing", "device", "division", "requested", "system"),
    [
        ("emulated", "stm32f446", "closed", None, "emulated-stm32f446-compiled"),
        ("emulated", "stm32f446", "open", None, "emulated-stm32f446-compiled-tiny-reference"),
        ("emulated", "unknown", "closed", None, "emulated-compiled"),
        ("emulated", "stm32f446", "open", "mine", "emulated-mine"),
        ("emulated", "stm32f446", "closed", "emulated-mine", "emulated-mine"),
        ("host", "host", "closed", None, "host-compiled"),
        ("host", "host", "closed", "mine", "host-mine"),
        ("hardware", "stm32f446", "closed", None, "NUCLEO-F746ZG"),
        ("hardware", "stm32f446", "closed", "mine", "mine"),
    ],
)
def test_system_names_of_runs_without_a_board_have_the_timing(
    kws_run: Path, timing: str, device: str, division: str, requested: str | None, system: str
) -> None:
    run = read_record(kws_run).settings
    run = dataclasses.replace(
        run, division=division, device=dataclasses.replace(run.device, timing=timing, device=device)
    )
    assert names_of(run, Entry("x", system=requested)).system == system
    if timing != "hardware":
        with pytest.raises(UsageError, match="--availability available is for hardware"):
            names_of(run, Entry("x", "available"))


def test_a_forged_run_cannot_leave_the_tree(bench: Bench, tmp_path: Path) -> None:
    run = bench.run(tmp_path / "runs")
    forged(run, '"division":"closed"', '"division":"../../closed"')
    with pytest.raises(UsageError, match="cannot be folders of a submission"):
        files_of_run(run, ENTRY)


@pytest.fixture
def two(bench: Bench, kws_run: Path, tmp_path: Path) -> tuple[ResultFiles, ResultFiles]:
    """The files of two runs that have the same place."""
    other = bench.run(tmp_path / "other", kws_device(latency_us=10_000))
    return files_of_run(kws_run, ENTRY), files_of_run(other, ENTRY)


def below(root: Path, files: ResultFiles) -> dict[str, bytes]:
    return {f"{files.names.base}/{path}": content for path, content in files.by_path().items()}


def test_another_result_is_only_replaced_on_request(two: tuple[ResultFiles, ResultFiles], tmp_path: Path) -> None:
    first, second = two
    root = tmp_path / "tree"
    assert not write_result(root, first).unchanged
    assert contents(root) == below(root, first)
    assert write_result(root, first).unchanged
    with pytest.raises(UsageError, match=r"results/.*/kws exists already and is not of this run. Replace it with --re"):
        write_result(root, second)
    assert contents(root) == below(root, first)
    assert not write_result(root, second, replace=True).unchanged
    assert contents(root) == below(root, second)


def test_a_changed_file_is_another_result(two: tuple[ResultFiles, ResultFiles], tmp_path: Path) -> None:
    root = tmp_path / "tree"
    write_result(root, two[0])
    (root / CODE / "README.md").write_text("mine")
    with pytest.raises(UsageError, match=r"code/kws/.* exists already"):
        write_result(root, two[0])
    (root / CODE / "README.md").unlink()
    (root / CODE / "extra").write_text("mine")
    with pytest.raises(UsageError, match=r"code/kws/.* exists already"):
        write_result(root, two[0])


def test_a_shared_description_is_never_changed(two: tuple[ResultFiles, ResultFiles], tmp_path: Path) -> None:
    root = tmp_path / "tree"
    write_result(root, two[0])
    changed = dataclasses.replace(two[0], description=b"{}\n")
    with pytest.raises(UsageError, match="exists already"):
        write_result(root, changed)
    write_result(root, changed, replace=True)
    assert (root / BASE / f"systems/{SYSTEM}.json").read_bytes() == b"{}\n"
    (root / BASE / f"results/{SYSTEM}/vww").mkdir()
    before = contents(root)
    with pytest.raises(
        UsageError, match=r"differs from the description of this run, and .*vww shares it. Name another"
    ):
        write_result(root, two[0], replace=True)
    assert contents(root) == before


@pytest.mark.toolchain
def test_a_tree_takes_other_tasks_and_systems(bench: Bench, kws_run: Path, tmp_path: Path) -> None:
    root = bench.submit(kws_run, tmp_path / "tree")
    first = contents(root)
    bench.submit(kws_run, root, system="second")
    bench.submit(bench.run(tmp_path / "m4", device="stm32f446"), root)
    assert first.items() <= contents(root).items()
    assert sorted(path.name for path in (root / BASE / "systems").iterdir()) == [
        "emulated-second.json", "emulated-stm32f446-compiled.json", f"{SYSTEM}.json",
    ]  # fmt: skip


@pytest.mark.parametrize("replaced", [False, True])
def test_a_failing_disk_leaves_the_former_result(
    two: tuple[ResultFiles, ResultFiles], tmp_path: Path, monkeypatch: pytest.MonkeyPatch, replaced: bool
) -> None:
    first, second = two
    rename = Path.rename
    for failing in range(10):
        root = tmp_path / f"tree{failing}"
        if replaced:
            write_result(root, first)
        before = contents(root) if replaced else {}
        calls = [0]

        def failing_rename(self: Path, target: Path, calls: list[int] = calls, failing: int = failing) -> Path:
            calls[0] += 1
            if calls[0] == failing + 1:
                raise OSError(28, "No space left on device")
            return rename(self, target)

        with monkeypatch.context() as patch:
            patch.setattr(Path, "rename", failing_rename)
            try:
                write_result(root, second, replace=True)
            except DataError as error:
                assert f"{root} cannot be written: the disk of {root} is full" in str(error)
                assert contents(root) == before, failing
                assert not any(path.is_dir() and not any(path.iterdir()) for path in root.rglob("*"))
                continue
        assert contents(root) == below(root, second)
        assert calls[0] == (6 if replaced and first.description != second.description else 4 if replaced else 3)
        return
    raise AssertionError("it never succeeded")


def test_an_interruption_leaves_no_draft(
    two: tuple[ResultFiles, ResultFiles], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def interrupted(self: Path, target: Path) -> Path:
        raise KeyboardInterrupt

    monkeypatch.setattr(Path, "rename", interrupted)
    with pytest.raises(KeyboardInterrupt):
        write_result(tmp_path / "tree", two[0])
    assert not list((tmp_path / "tree").rglob(f"{DRAFT}*")) and contents(tmp_path / "tree") == {}


def test_links_and_files_in_the_way_are_refused(two: tuple[ResultFiles, ResultFiles], tmp_path: Path) -> None:
    root = tmp_path / "tree"
    (root / BASE / "code/kws").mkdir(parents=True)
    (tmp_path / "elsewhere").mkdir()
    (root / CODE).symlink_to(tmp_path / "elsewhere")
    with pytest.raises(UsageError, match="is a link, which no submission may hold"):
        write_result(root, two[0], replace=True)
    assert list((tmp_path / "elsewhere").iterdir()) == []


def asked(bench: Bench, **changes: Any) -> Request:
    return Request(**{"task": "kws", "device": "stm32f746", "model": MODEL, "data": bench.data, **changes})


def test_ineligible_requests_are_refused_before_the_run(bench: Bench, kws_tree: Path, tmp_path: Path) -> None:
    check_request(asked(bench), ENTRY, tmp_path / "tree")
    check_request(asked(bench), ENTRY, kws_tree, replace=True)
    check_request(asked(bench, device="stm32f446"), ENTRY, kws_tree)
    check_request(asked(bench, port="emu://stm32f746?elf=x"), ENTRY, kws_tree)
    (tmp_path / "file").write_text("")
    cases: list[tuple[Request, Entry, Path, type[BenchError], str]] = [
        (asked(bench), ENTRY, kws_tree, UsageError, "results/.*/kws exists already and is not of this run"),
        (asked(bench), ENTRY, tmp_path / "file", UsageError, "file is not a folder. Name another one with --submit"),
        (asked(bench), Entry("x", "preview"), tmp_path / "tree", UsageError, "--availability preview is for hardware"),
        (
            asked(bench, device="host"),
            Entry("x", "preview"),
            tmp_path,
            UsageError,
            "nothing of a host run ran on a board",
        ),
        (asked(bench), Entry("x", overrides={"SoC Name": "y"}), tmp_path, UsageError, "--describe cannot set SoC Name"),
        (asked(bench, synthetic=True), ENTRY, tmp_path, DataError, "its data is synthetic"),
        (asked(bench, port="/dev/x", model=None), ENTRY, tmp_path, DataError, "the model on the board is not known"),
    ]
    for request, entry, root, error, words in cases:
        with pytest.raises(error, match=words):
            check_request(request, entry, root)
    assert RESULTS.endswith("kws") and not (tmp_path / "tree").exists()


def test_a_damaged_run_is_not_submitted(bench: Bench, tmp_path: Path) -> None:
    run = bench.run(tmp_path / "runs")
    content = (run / TRANSCRIPT_FILE).read_bytes()
    (run / TRANSCRIPT_FILE).write_bytes(content.replace(b"m-results-[0.996", b"m-results-[0.997", 1))
    with pytest.raises(BenchError, match="is not what was written there"):
        files_of_run(run, ENTRY)
    with pytest.raises(BenchError, match=r"cannot be read: No such file or directory. Name the folder of a run"):
        files_of_run(tmp_path / "nowhere", ENTRY)
