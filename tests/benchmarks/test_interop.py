# SPDX-License-Identifier: Apache-2.0
"""The command that refreshes the tables of docs/interop.md: its options, what it reads, what it prints and keeps."""

from __future__ import annotations

import sys
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result

from benchmarks import interop, interop_runner
from benchmarks.doc_tables import marks
from benchmarks.interop import PAGE, Page, Steps, main
from benchmarks.interop_firmware import ROWS, Elf, events_of_device, measured_run, missing_for, noise_folder, parse_elf
from benchmarks.interop_results import RUNNER_TABLE, Results, read_results, runner_rows
from benchmarks.interop_rows import (
    FIRMWARE_HEAD,
    FIRMWARE_ROWS,
    FIRMWARE_TABLE,
    compared_answers,
    compared_executors,
    firmware_cells,
    merged,
    rows_between,
)
from benchmarks.interop_runner import check_tree, child, performance_script, their_run
from mlperf_tiny.errors import BenchError, UsageError
from mlperf_tiny.harness.run.request import Request
from mlperf_tiny.harness.wire.transcript import Transcript
from mlperf_tiny.models.data.load import load_dataset
from mlperf_tiny.models.tasks import find_task
from mlperf_tiny.progress import Listener
from tests.fakes.data_sets import kws_folder

GOLDEN = Path(__file__).parents[1] / "golden" / "interop"

PERFORMANCE = """\
Performance results for window 1
    # Inferences : 762
    Runtime: 10.106099 sec.
    Throughput: 75.40001339785015 inf./sec.
    Runtime requirements have been met.
Performance results for window 2
    # Inferences : 762
    Runtime: 10.105806 sec.
    Throughput: 75.40219948809626 inf./sec.
    Runtime requirements have been met.
"""
MEDIAN = "1201.032238 ulp-mlperf: Median throughput is     75.400 inf./sec.\n"
ACCURACY = "1201.032315 ulp-mlperf: Top 1% = 90.1\n1201.032315 ulp-mlperf: AUC = 0.995\n"
TOO_FAST = "1201.032238 ulp-mlperf: ERROR 2 - loop exited before 10 seconds elapsed.\n"

SCRIPT = """\
ic01:
  script:
    - loop 5:
      - download
      - infer 20 5
kws01:
  model: kws01
  script:
    - loop 5:
      - download
      - infer 70 10
vww01:
  script:
    - loop 5:
      - infer 20 5
"""

RUNNER = """\
import os, sys
from serial.tools import list_ports
port = list_ports.comports(True)[0]
os.makedirs("sessions/now")
print("Load complete.")
print("Load complete.", flush=True)
words = sys.argv
if {fails}:
    raise RuntimeError("No response to command name")
with open("sessions/now/results.txt", "w") as file:
    file.write(f"{{port.device}} {{port.vid:x}}:{{port.pid:x}} {{words[2]}}\\nTop 1% = 90.1\\nAUC = 0.995\\n")
    file.write("# Inferences : " + open(words[6]).read().split("- infer ")[2].split()[0])
"""


@pytest.fixture
def page(tmp_path: Path) -> Path:
    """A document with both tables, one row measured earlier in each, and one row that the command does not know."""
    document = tmp_path / "interop.md"
    head = f"| {' | '.join(FIRMWARE_HEAD)} |\n|{' --- |' * len(FIRMWARE_HEAD)}\n"
    known = f"| {FIRMWARE_ROWS[1].firmware} | {FIRMWARE_ROWS[1].device} | a | b | c | d |\n"
    other = "| other \\| firmware | both | a | b | c | d |\n"
    (begin, end), (begin_2, end_2) = marks(FIRMWARE_TABLE), marks(RUNNER_TABLE)
    runner = "|  | theirs | ours |\n| --- | --: | --: |\n| AUC | 1 | 2 |\n"
    document.write_text(
        f"before\n\n{begin}\n\n{head}{known}{other}\n{end}\n\nbetween\n\n{begin_2}\n\n{runner}\n{end_2}\n"
    )
    return document


def call(page: Path, *words: str) -> Result:
    return CliRunner().invoke(main, [*words, "--document", str(page)], prog_name="interop")


@pytest.mark.parametrize(
    ("name", "tail", "baud"),
    [("kws.elf", "", None), ("a@b.elf", "", None), ("ad.elf", "@921600", 921600), ("a@1.elf", "@9600", 9600)],
)
def test_an_image_is_named_with_its_row_and_perhaps_its_rate(
    name: str, tail: str, baud: int | None, tmp_path: Path
) -> None:
    (tmp_path / name).write_bytes(b"")
    elf = parse_elf(f"ad={tmp_path / name}{tail}")
    assert (elf.row, elf.path, elf.baud) == (ROWS["ad"], tmp_path / name, baud)


def test_a_path_is_quoted_in_the_port() -> None:
    assert (
        Elf(row=ROWS["kws"], path=Path("/a b/c&d#e.elf")).url
        == "emu://stm32f746?elf=/a%20b/c%26d%23e.elf&timing=pipeline"
    )


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["--elf", "kws"], "--elf is 'kws'; wanted NAME=FILE or NAME=FILE@BAUD, with NAME one of kws, "),
        (["--elf", "kws="], "--elf is 'kws='; wanted NAME=FILE"),
        (["--elf", "kw=HERE"], "Did you mean 'kws'?"),
        (["--elf", "kws=nowhere.elf"], "--elf kws: nowhere.elf is not there or no file. Name an image for stm32f746."),
        (["--elf", "kws=HERE@0"], "has the rate 0; wanted a number above 0 after @."),
        (["--elf", "kws=HERE", "--elf", "kws=HERE"], "--elf names the row 'kws' twice; give one image for it."),
        (
            ["--mlcommons", "nowhere"],
            "nowhere has no benchmark/runner/main.py: wanted a tree of MLCommons' repository.",
        ),
    ],
)
def test_bad_input_gets_one_sentence(words: list[str], said: str, page: Path) -> None:
    before = page.read_text()
    result = call(page, *(word.replace("HERE", str(page)) for word in words))
    assert result.exit_code == 2
    assert result.stderr.startswith("error: ") and said in result.stderr and result.stderr.count("\n") == 1
    assert result.stdout == "" and page.read_text() == before


@pytest.mark.parametrize("text", [None, "no tables\n", "\n".join((*marks(FIRMWARE_TABLE), "| a |"))])
def test_a_page_without_the_tables_is_refused_before_anything_is_measured(text: str | None, tmp_path: Path) -> None:
    document = tmp_path / "page.md"
    if text is not None:
        document.write_text(text)
    result = call(document)
    assert result.exit_code == 2
    assert f"{document} cannot be refreshed: " in result.stderr and "with --document." in result.stderr


def test_without_inputs_nothing_changes_and_each_row_is_named(page: Path) -> None:
    before = page.read_text()
    result = call(page)
    assert result.exit_code == 0 and page.read_text() == before
    assert all(f"no image (--elf {name}=FILE)" in result.stderr for name in ROWS)
    assert "not measured: MLCommons' runner: no tree (--mlcommons TREE)" in result.stderr
    assert "| AUC | 1 | 2 |" in result.stdout and "| other \\| firmware | both | a | b | c | d |" in result.stdout


def test_what_was_measured_before_a_failure_is_kept(
    page: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def measure(elf: Elf, listener: Listener) -> tuple[str, ...]:
        if elf.row.name == "ic":
            raise BenchError("the device is silent.")
        return (*elf.row.cells, "new", "1", "2", "3")

    monkeypatch.setattr(interop, "measure_firmware", measure)
    monkeypatch.setattr(interop, "missing_for", lambda row, elf: "" if elf else "no image")
    result = call(page, *(word for name in ("ic", "kws") for word in ("--elf", f"{name}={page}")))
    assert result.exit_code == 1 and result.stderr.endswith("error: the device is silent.\n")
    assert "about 8 min left" in result.stderr and "about 1 min left" in result.stderr
    rows = rows_between(page.read_text(), *marks(FIRMWARE_TABLE))
    assert rows == [
        (*ROWS["kws"].cells, "new", "1", "2", "3"),
        (*ROWS["kws-f446"].cells, "a", "b", "c", "d"),
        ("other | firmware", "both", "a", "b", "c", "d"),
    ]


def test_rows_come_in_their_order_and_unknown_ones_last() -> None:
    old = [("z", "1", "old"), ("b", "1", "old"), ("a", "1", "old")]
    assert merged(
        old, {("a", "1"): ("a", "1", "new"), ("c", "1"): ("c", "1", "new")}, [("a", "1"), ("c", "1"), ("b", "1")]
    ) == [
        ("a", "1", "new"),
        ("c", "1", "new"),
        ("b", "1", "old"),
        ("z", "1", "old"),
    ]


def test_the_time_that_is_left_follows_from_the_steps_before() -> None:
    said: list[str] = []
    now = iter((0.0, 600.0))
    steps = Steps(said.append, 8.0, lambda: next(now))
    steps.begin("one", 2.0)
    steps.begin("two", 6.0)
    assert said == ["--- one; about 8 min left", "--- two; about 30 min left"]


def test_the_page_of_the_project_has_known_rows_only() -> None:
    Page(PAGE)
    rows = rows_between(PAGE.read_text(), *marks(FIRMWARE_TABLE))
    assert {row[:2] for row in rows} <= {row.cells for row in FIRMWARE_ROWS}


def test_a_row_without_real_data_is_not_measured(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MLPERF_TINY_DATA", str(tmp_path))
    monkeypatch.setenv("MLPERF_TINY_CACHE", str(tmp_path))
    elf = Elf(row=ROWS["kws"], path=tmp_path)
    assert missing_for(elf.row, elf) == "no real data of kws (name its folder with MLPERF_TINY_DATA)"
    assert missing_for(ROWS["ic"], elf) == ""


def test_random_samples_are_a_data_set(tmp_path: Path) -> None:
    dataset = load_dataset(find_task("ic"), noise_folder(ROWS["ic"], tmp_path))
    assert len(dataset.samples) == ROWS["ic"].limit
    assert len({sample.load() for sample in dataset.samples}) == len(dataset.samples)


def test_a_recorded_run_becomes_a_row(tmp_path: Path) -> None:
    port = f"replay://{GOLDEN / 'reference-firmware-kws.jsonl'}"
    request = Request(task="kws", device="stm32f746", data=kws_folder(tmp_path / "data"), port=port)
    translated, plain = (measured_run(request, how, tmp_path / str(how), Listener()) for how in (True, False))
    cells = firmware_cells(ROWS["kws"], translated, plain, translated.answers)
    assert cells[:5] == (
        *ROWS["kws"].cells,
        "1 of 12, AUC 0.5000; windows of 10.06 s, 391 inferences each",
        "-",
        "all 12 equal",
    )
    assert cells[5].startswith("the same record; ")
    changed = tuple(event.replace("m-ready", "m-other") for event in plain.events)
    other = replace(plain, events=changed, cpu_s=1.0)
    assert firmware_cells(ROWS["kws"], translated, other, {})[4:] == (
        "not comparable: 12 and 0 answers",
        'DIFFERENT, first {"e": "in", "s": "m-ready"} and {"e": "in", "s": "m-other"}; '
        f"{translated.cpu_s:.0f} and 1 s of processor time",
    )
    shorter = replace(plain, events=plain.events[:-1])
    assert 'first {"e": "end"} and nothing; ' in compared_executors(translated, shorter)


def test_times_of_the_host_are_no_difference() -> None:
    """How long the host took for the trial, and how long a board that is awake waited for the first command."""

    def transcript(host_s: float, first_us: int, elapsed_us: int = 5) -> Transcript:
        lines = [f"m-lap-us-{first_us}", "m-ready", f"m-lap-us-{first_us + 9}", f"m-lap-us-{first_us + 9 + elapsed_us}"]
        events: list[dict[str, Any]] = [
            {"e": "meta", "run": host_s},
            {"e": "choice", "host_s": host_s, "iterations": 3, "t": host_s, "h": str(host_s)},
            *({"e": "in", "s": line, "t": host_s} for line in lines),
        ]
        return Transcript(tuple(events))

    assert events_of_device(transcript(1.0, 100)) == events_of_device(transcript(2.0, 700))
    assert events_of_device(transcript(1.0, 100)) != events_of_device(transcript(1.0, 100, elapsed_us=6))


@pytest.mark.parametrize(
    ("theirs", "noise", "cell"),
    [
        ([0.5, 0.25, 0.0], False, "all 3 equal"),
        ([0.5, 0.25, 0.0], True, "all 3 to random inputs equal"),
        ([0.5, 0.27, 0.01], False, "1 of 3 equal, the others differ by 0.020 at most"),
        ([0.5, 0.25], False, "not comparable: 2 and 3 answers"),
        ([], False, "not comparable: 0 and 3 answers"),
    ],
)
def test_answers_are_compared_one_by_one(theirs: list[float], noise: bool, cell: str) -> None:
    ours = {(number, 0): (value,) for number, value in enumerate([0.5, 0.25, 0.0])}
    assert compared_answers({(number, 0): (value,) for number, value in enumerate(theirs)}, ours, noise) == cell


@pytest.mark.parametrize(
    ("text", "results"),
    [
        ("", Results()),
        (ACCURACY, Results(top1="90.1", auc="0.995")),
        (
            PERFORMANCE + MEDIAN,
            Results(iterations=(762, 762), windows_s=(10.106099, 10.105806), throughput="75.400"),
        ),
        (
            PERFORMANCE + TOO_FAST,
            Results(
                iterations=(762, 762),
                windows_s=(10.106099, 10.105806),
                errors=("ERROR 2 - loop exited before 10 seconds elapsed.",),
            ),
        ),
    ],
)
def test_results_of_the_runner_are_read(text: str, results: Results) -> None:
    assert read_results(text) == results


OURS: list[dict[str, Any]] = [
    {"performance": {"iterations": 762, "windows": [{"elapsed_us": 10_106_099}], "throughput_per_s": 75.40009}},
    {"accuracy": {"samples": 1000, "correct": 901, "auc_mlcommons": 0.99531}},
]


@pytest.mark.parametrize(
    ("performance", "windows", "median"),
    [
        (PERFORMANCE + MEDIAN, "10.1058 to 10.1061 s", "75.400 inf./s"),
        (PERFORMANCE + TOO_FAST, "10.1058 to 10.1061 s", "ERROR 2 - loop exited before 10 seconds elapsed."),
        (PERFORMANCE.replace("762", "70") + MEDIAN, "others", "75.400 inf./s"),
        ("", "others", "none"),
    ],
)
def test_the_two_runners_stand_side_by_side(performance: str, windows: str, median: str) -> None:
    rows = runner_rows(read_results(performance), read_results(ACCURACY), OURS, (53.4, 41.2))
    assert rows == [
        ("windows, 762 inferences each", windows, "10.1061 to 10.1061 s"),
        ("median throughput", median, "75.400 inf./s"),
        ("top-1, 1,000 files", "90.1", "901 of 1,000"),
        ("AUC", "0.995", "0.9953 (MLCommons' method)"),
        ("whole accuracy run", "53 s", "41 s"),
    ]


def test_only_the_keyword_inferences_of_the_script_are_changed() -> None:
    assert performance_script(SCRIPT, 762) == SCRIPT.replace("infer 70 10", "infer 762 10")
    for text in ("", SCRIPT.replace("kws01:\n", "kws02:\n", 1)):
        with pytest.raises(UsageError, match="has no line '- infer N W' for kws01"):
            performance_script(text, 762)


def fake_tree(folder: Path, fails: bool = False) -> Path:
    runner = folder / "tree" / "benchmark" / "runner"
    runner.mkdir(parents=True)
    (runner / "main.py").write_text(RUNNER.format(fails=fails))
    (runner / "tests_performance.yaml").write_text(SCRIPT)
    for name in ("devices_kws_ic_vww.yaml", "tests_accuracy.yaml"):
        (runner / name).write_text("")
    return folder / "tree"


def test_the_runner_gets_the_port_and_the_script(tmp_path: Path) -> None:
    loaded: list[int] = []
    (tmp_path / "sets").mkdir()
    results, took_s = their_run(fake_tree(tmp_path), "/dev/pts/77", "p", 762, tmp_path / "sets", loaded.append)
    assert results == Results(iterations=(762,), top1="90.1", auc="0.995")
    assert loaded == [1, 2] and took_s > 0
    assert not (tmp_path / "sessions").exists()


def test_a_runner_that_fails_is_named_with_its_last_line(tmp_path: Path) -> None:
    with pytest.raises(BenchError, match=r"\(-m p\) ended with exit status 1 .* No response to command name$"):
        their_run(fake_tree(tmp_path, fails=True), "/dev/pts/77", "p", 762, tmp_path, lambda done: None)


@pytest.mark.parametrize(("too_fast", "asked"), [(0, [None]), (1, [None, 1524]), (9, [None, 1524, 3048])])
def test_windows_grow_where_the_runner_calls_them_too_fast(
    too_fast: int, asked: list[int | None], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """An emulated board may take less than 10 s of the host's time for five windows of 10 s of its own."""
    ours: list[int | None] = []
    theirs: list[int] = []

    def our_run(port: str, mode: str, iterations: int | None, folder: Path) -> tuple[dict[str, Any], float]:
        ours.append(iterations)
        return {"performance": {"iterations": iterations or 762}}, 1.0

    def their_run(tree: Path, port: str, mode: str, iterations: int, *rest: object) -> tuple[Results, float]:
        theirs.append(iterations)
        return read_results(TOO_FAST if len(theirs) <= too_fast else MEDIAN), 1.0

    monkeypatch.setattr(interop_runner, "our_run", our_run)
    monkeypatch.setattr(interop_runner, "their_run", their_run)
    record, results = interop_runner.matching_performance(tmp_path, "/dev/pts/77", tmp_path, Listener())
    assert ours == asked and theirs == [iterations or 762 for iterations in asked]
    assert record["performance"]["iterations"] == theirs[-1]
    assert results == read_results(TOO_FAST if too_fast == 9 else MEDIAN)


def test_a_tree_is_checked_and_missing_packages_are_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("benchmarks.interop_runner.MODULES", {"no_such_module": "no-such-package", "json": "json"})
    with pytest.raises(UsageError, match="pip install --target DIR no-such-package, and start this again with DIR"):
        check_tree(fake_tree(tmp_path))
    monkeypatch.setattr("benchmarks.interop_runner.MODULES", {"json": "json"})
    check_tree(tmp_path / "tree")


def test_a_process_ends_with_its_block() -> None:
    with (
        pytest.raises(KeyboardInterrupt),
        child(
            [sys.executable, "-c", "import signal, time; signal.signal(15, lambda *_: 0); time.sleep(60)"]
        ) as process,
    ):
        raise KeyboardInterrupt
    assert process.poll() == -9
