# SPDX-License-Identifier: Apache-2.0
"""The CSV file: written and read back, converted from format 1, refused with a sentence when it is something else."""

from __future__ import annotations

import csv
import re
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from mlperf_tiny.errors import RecordError
from mlperf_tiny.results.leaderboard.build import update_leaderboard
from mlperf_tiny.results.leaderboard.file import (
    check_leaderboard,
    leaderboard_text,
    read_leaderboard,
    write_leaderboard,
)
from mlperf_tiny.results.leaderboard.ranking import ranked
from mlperf_tiny.results.leaderboard.rows.cells import escape_formula, unescape_formula
from mlperf_tiny.results.leaderboard.rows.columns import NAMES
from tests.results.leaderboard_rows import published_row, record, refused, run_row

GOLDEN = Path(__file__).parents[1] / "golden/leaderboard_format_1.csv"
GOLDEN_2 = GOLDEN.with_name("leaderboard_format_2.csv")


def test_the_file_is_read_back_as_written(tmp_path: Path) -> None:
    path = tmp_path / "leaderboard.csv"
    assert read_leaderboard(path) == []
    rows = ranked(
        [
            run_row("a", violations=(refused("one, with a comma"), refused('and "quotes"'))),
            run_row("b", name="=1+1"),
            published_row(BoardName="@board", HardwareNotes="'=already", SoftwareNotes="-1 V", Engine="Ünïcode ™"),
        ]
    )
    write_leaderboard(path, rows)
    assert read_leaderboard(path) == rows
    assert [entry.name for entry in tmp_path.iterdir()] == ["leaderboard.csv"]


def test_the_text_is_as_the_official_checker_writes_it() -> None:
    """The header bare, every cell quoted."""
    lines = leaderboard_text([published_row()]).splitlines()
    assert lines[0] == ",".join(NAMES)
    assert len(lines) == 2 and re.fullmatch(r'("[^"]*",)+"[^"]*"', lines[1])


@pytest.mark.parametrize(
    "text", ["=HYPERLINK(1)", "+1+1", "-2+3", "@SUM(A1)", "\t=1", "\r=1", "'=1", "''=1", "+x", "-"]
)
def test_no_cell_is_a_formula(text: str) -> None:
    cell = escape_formula(text)
    assert cell[0] == "'" and cell[1:] == text
    assert unescape_formula(cell) == text


@pytest.mark.parametrize("text", ["", "a=b", "-5", "+5", "-1.5e-3", "'quoted'", "'", "x@y", "1-2"])
def test_other_cells_stay_as_they_are(text: str) -> None:
    assert escape_formula(text) == text
    assert unescape_formula(text) == text


def test_format_1_is_converted() -> None:
    """The golden file was written by the program when it had format 1."""
    with GOLDEN.open(newline="") as file:
        old = {row["run_id"]: row for row in csv.DictReader(file)}
    rows = read_leaderboard(GOLDEN)
    assert len(rows) == len(old) == 11
    for row in rows:
        was = old[row["RunId"]]
        same = {
            "MlperfModel": "task", "Division": "division", "Timing": "timing", "DataSource": "data",
            "Device": "device", "ModelName": "model", "Engine": "engine", "EnergyUj": "energy_uj",
            "EnergyKind": "energy", "LatencyMs": "latency_ms", "ThroughputPerS": "throughput_per_s",
            "Iterations": "iterations", "Top1Percent": "top1_percent", "Auc": "auc", "ArenaBytes": "arena_bytes",
            "InstructionsPerInference": "instructions_per_inference", "FlashBytes": "flash_bytes",
            "RamBytes": "ram_bytes", "ClockHz": "clock_hz", "TimingModel": "timing_model", "Compiler": "compiler",
            "ModelSha256": "model_sha256", "ElfSha256": "elf_sha256", "Complete": "complete", "Started": "started",
        }  # fmt: skip
        assert {new: row[new] for new in same} == {new: was[name] for new, name in same.items()}
        assert f"{row['SamplesAnswered']}/{row['SamplesListed']}" == (was["samples"] or "/")
        assert all(f"violation: {text}" in row["Findings"] for text in was["violations"].split("; ") if text)
        good = "confirmed" if was["complete"] == "yes" else "cannot be confirmed"
        assert row["Verdict"] == ("rule violation" if was["violations"] else good)
    assert {row["RunId"]: row["Rank"] for row in ranked(rows)} == {name: row["rank"] for name, row in old.items()}


def test_format_2_is_converted() -> None:
    """The golden file was written by the program when it had format 2."""
    with GOLDEN_2.open(newline="") as file:
        old = list(csv.DictReader(file))
    rows = read_leaderboard(GOLDEN_2)
    assert len(rows) == len(old) == 6
    renamed = {"Seal": "ChainDigest"}
    changed = ("Verdict", "Findings", "Unranked", "Format")
    for row, was in zip(rows, old, strict=True):
        assert {
            renamed.get(name, name): unescape_formula(cell) for name, cell in was.items() if name not in changed
        } == {name: cell for name, cell in row.items() if name not in (*changed, "TimingGeneration")}
        assert row["TimingGeneration"] == ("1" if was["Timing"] == "emulated" else "")
        assert row["Verdict"] == was["Verdict"].replace("breaks a rule", "rule violation")
        assert row["Findings"] == re.sub(r"\bbreach: ", "violation: ", was["Findings"])
    assert [row["Rank"] for row in ranked(rows)] == [row["Rank"] for row in old]


def test_a_run_goes_into_a_file_of_format_1(tmp_path: Path) -> None:
    path = tmp_path / "leaderboard.csv"
    path.write_bytes(GOLDEN.read_bytes())
    update_leaderboard(path, record("new", 9.0), tmp_path / "runs/new")
    rows = read_leaderboard(path)
    assert len(rows) == 12
    assert {row["Format"] for row in rows} == {"3"}
    converted = {row["RunId"]: row for row in read_leaderboard(GOLDEN)}
    skip = ("Rank", "Unranked")
    for row in rows:
        if row["RunId"] != "new":
            assert [row[n] for n in NAMES if n not in skip] == [
                converted[row["RunId"]][n] for n in NAMES if n not in skip
            ]


ROW = leaderboard_text(ranked([run_row("a")]))


def cell(name: str, value: str) -> Callable[[str], str]:
    """A change of one cell of a file with one row."""

    def change(text: str) -> str:
        header, line = text.splitlines()
        cells = next(csv.reader([line]))
        cells[NAMES.index(name)] = value
        return header + "\n" + ",".join(f'"{cell}"' for cell in cells) + "\n"

    return change


@pytest.mark.parametrize(
    ("change", "sentence"),
    [
        (lambda text: "something,else\n1,2\n", "is not a leaderboard, it begins with 'something,else'"),
        (lambda text: "", "is not a leaderboard, it begins with ''"),
        (lambda text: "\x00\n", "is not a leaderboard|is not CSV text"),
        (lambda text: text.replace('"3"\n', '"4"\n').replace(",Format", ",More,Format").replace(
            '","4"', '","x","4"'), "is of format 4, this program reads up to 3. Update this program"),
        (lambda text: text.splitlines()[0] + ",Format2,Format\n", "is of another format, this program reads up to 3"),
        (lambda text: text + '"1","2"\n', r"row 3 has 2 columns, wanted 8\d"),
        (lambda text: text.replace('"3"\n', '"3","more"\n'), r"row 2 has 8\d columns, wanted 8\d"),
        (cell("Format", "4"), "row 2: Format is '4', wanted 3 in every row"),
        (cell("LatencyMs", "fast"), "row 2: LatencyMs is 'fast', wanted a number"),
        (cell("LatencyMs", "nan"), "LatencyMs is 'nan', wanted a number"),
        (cell("LatencyMs", "1e999"), "LatencyMs is '1e999', wanted a number"),
        (cell("LatencyMs", "1_0"), "LatencyMs is '1_0', wanted a number"),
        (cell("RamBytes", "-1"), "RamBytes is '-1', wanted a whole number"),
        (cell("RamBytes", "1.5"), "RamBytes is '1.5', wanted a whole number"),
        (cell("Timing", "guessed"), "Timing is 'guessed', wanted one of hardware, emulated, host"),
        (cell("Verdict", ""), "Verdict is empty, wanted confirmed or cannot be confirmed or"),
        (cell("Power", ""), "Power is empty, wanted a value"),
        (cell("LatencyMs", "9" * 16), "LatencyMs is '9+', wanted a number below 1e.15"),
        (cell("ModelSha256", "xyz"), "ModelSha256 is 'xyz', wanted hex digits"),
        (cell("BoardName", "a\x1bb"), "BoardName is 'a.x1bb', wanted printable text on one line"),
        (cell("BoardName", "two\nlines"), "BoardName is 'two.x0alines', wanted printable text"),
        (cell("BoardName", "x" * 30_000), "BoardName is 'xxx.*, wanted printable text"),
        (cell("BoardName", "x" * 200_000), "is not CSV text .field larger than field limit"),
        (cell("RunId", ""), "RunId is empty, wanted the name of the run"),
    ],
)  # fmt: skip
def test_what_is_no_leaderboard_is_said(tmp_path: Path, change: Callable[[str], str], sentence: str) -> None:
    path = tmp_path / "leaderboard.csv"
    path.write_bytes(change(ROW).encode())
    with pytest.raises(RecordError, match=sentence) as caught:
        read_leaderboard(path)
    assert str(path) in str(caught.value) and "\n" not in str(caught.value)
    before = path.read_bytes()
    with pytest.raises(RecordError):
        update_leaderboard(path, record("b"), tmp_path)
    assert path.read_bytes() == before


def test_a_damaged_row_of_format_1_is_said(tmp_path: Path) -> None:
    path = tmp_path / "leaderboard.csv"
    for written, edited in [("13.262509", "soon"), ("216000000", "2e8"), ("emulated", "felt")]:
        path.write_text(GOLDEN.read_text().replace(written, edited, 1))
        with pytest.raises(RecordError, match=r"row \d+: "):
            read_leaderboard(path)


def test_bytes_that_are_no_text_are_said(tmp_path: Path) -> None:
    path = tmp_path / "leaderboard.csv"
    path.write_bytes(b"\xff\xfe\x00a")
    with pytest.raises(RecordError, match="is not CSV text"):
        read_leaderboard(path)
    with pytest.raises(RecordError, match="cannot be read: Is a directory"):
        read_leaderboard(tmp_path)


def test_what_a_spreadsheet_wrote_is_read(tmp_path: Path) -> None:
    """With a byte order mark, its own line ends, and quotes only where they are needed."""
    path = tmp_path / "leaderboard.csv"
    rows = ranked([run_row("a"), published_row()])
    with path.open("w", newline="", encoding="utf-8-sig") as file:
        writer = csv.writer(file)
        writer.writerow(NAMES)
        writer.writerows([escape_formula(row[name]) for name in NAMES] for row in rows)
    assert read_leaderboard(path) == rows


def test_the_file_is_checked_before_a_run(tmp_path: Path) -> None:
    check_leaderboard(tmp_path / "new/leaderboard.csv")
    (tmp_path / "file").write_text("")
    with pytest.raises(RecordError, match="cannot be read: Not a directory"):
        check_leaderboard(tmp_path / "file/leaderboard.csv")


@pytest.mark.slow
def test_runs_that_end_at_the_same_time_all_get_their_row(tmp_path: Path) -> None:
    path = tmp_path / "leaderboard.csv"
    with ThreadPoolExecutor(8) as pool:
        list(pool.map(lambda n: update_leaderboard(path, record(f"run-{n}", 1.0 + n), tmp_path / f"r{n}"), range(24)))
    rows = read_leaderboard(path)
    assert sorted(int(row["Rank"]) for row in rows) == list(range(1, 25))
    assert [row["Record"] for row in rows] == [f"r{n}" for n in range(24)]
