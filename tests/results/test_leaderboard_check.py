# SPDX-License-Identifier: Apache-2.0
"""Published rows against somebody else's table, and the table of all rounds against the folders of the data."""

from __future__ import annotations

from pathlib import Path

import pytest

from mlperf_tiny.errors import DataError
from mlperf_tiny.results.leaderboard.build import build_leaderboard
from mlperf_tiny.results.leaderboard.check import Check, check_rows, read_table, render_check
from mlperf_tiny.results.leaderboard.rows.columns import Row
from tests.results.leaderboard_rows import published_row, run_row

HEADER = "ver,div,submitter,system,task,lat_ms,energy_uJ,lat_ms_energy_mode,top1,auc\n"
SAME = "v1.2,closed,Example Labs,board_one,kws,20.000,1500.000,,90.1,\n"


def checked(folder: Path, lines: str, *rows: Row) -> Check:
    path = folder / "table.csv"
    path.write_text(HEADER + lines)
    return check_rows(rows or (published_row(),), read_table(path))


def test_equal_figures_are_counted(tmp_path: Path) -> None:
    check = checked(tmp_path, SAME)
    assert (check.rows, check.compared, check.equal, check.differences) == (1, 3, 3, ())
    assert render_check(check) == "1 rows of the table are here; 3 of 3 figures are equal, 0 differences"


@pytest.mark.parametrize(
    ("line", "changes", "wanted"),
    [
        (SAME.replace("20.000", "21.000"), {}, ("latency, ms", "21.000", "20.000000", "they differ")),
        (SAME.replace("20.000", ""), {}, ("latency, ms", "", "20.000000", "the table has none")),
        (SAME, {"LatencyMs": ""}, ("latency, ms", "20.000", "", "there is none here")),
        (SAME.replace("20.000", "fast"), {}, ("latency, ms", "fast", "20.000000", "the table's value is not a number")),
        (
            SAME,
            {"EnergyUj": "1700.0000", "ClaimedEnergyUj": "1500.000"},
            ("energy, uJ", "1500.000", "1700.0000", "the table has the claim, the raw lines give another"),
        ),
        (SAME.replace("90.1", "90.2"), {}, ("top-1, percent", "90.2", "90.100", "they differ")),
        (SAME.replace(",,90.1", ",30.4,90.1"), {"EnergyLatencyMs": "30.600000"},
         ("latency in the energy run, ms", "30.4", "30.600000", "they differ")),
        (SAME.replace(",\n", ",0.9\n"), {"Auc": "0.800000"}, ("AUC", "0.9", "0.800000", "they differ")),
        (SAME.replace("board_one", "other"), {}, ("", "", "", "in the table, no row here has that name")),
        (SAME.replace("Example Labs", "Others"), {}, ("", "", "", "in the table, no row here has that name")),
    ],
)  # fmt: skip
def test_each_difference_is_said(
    tmp_path: Path, line: str, changes: dict[str, str], wanted: tuple[str, str, str, str]
) -> None:
    first = checked(tmp_path, line, published_row(**changes)).differences[0]
    assert (first.figure, first.table, first.here, first.text) == wanted
    assert all(word in render_check(checked(tmp_path, line, published_row(**changes))) for word in wanted)


def test_latencies_are_compared_to_the_digits_of_the_rates_they_were_made_of(tmp_path: Path) -> None:
    # The runner prints 4.673 inf./s, the raw lines give 4.67287; the table has 1000 / 4.673.
    row = published_row(LatencyMs="214.001000", ThroughputPerS="4.672870", ClaimedThroughputPerS="4.673")
    assert checked(tmp_path, SAME.replace("20.000", "213.995"), row).differences == ()
    assert checked(tmp_path, SAME.replace("20.000", "213.90"), row).differences != ()


def test_names_are_those_of_the_table(tmp_path: Path) -> None:
    rows = (
        published_row(SystemDesc="pynq-z2", ModelName="RN08", Model="RN08", MlperfModel="ic", Division="open"),
        published_row(MlperfModel="vww", Model="vww", ModelName="the enclosed run's"),
        published_row(Round="v1.3"),
        run_row("a"),
    )
    lines = "v1.2,open,Example Labs,pynq-z2/RN08,image_classification,20.000,1500.000,,90.1,\n"
    lines += "v1.2,closed,Example Labs,board_one,visual_wake_words,20.000,1500.000,,90.1,\n"
    check = checked(tmp_path, lines, *rows)
    assert (check.rows, check.differences) == (2, ())
    (missing,) = checked(tmp_path, lines, *rows, published_row()).differences
    assert missing.text == "a row here that the table does not have"


def test_anomaly_detection_has_no_top_1(tmp_path: Path) -> None:
    row = published_row(MlperfModel="ad", Model="ad", Top1Percent="", Accuracy="0.86", Auc="0.861000")
    assert checked(tmp_path, SAME.replace("kws", "ad").replace("90.1,", "77.4,0.86"), row).differences == ()


@pytest.mark.parametrize(
    ("text", "sentence"),
    [("a,b\n1,2\n", "begins with 'a,b', wanted columns ver"), ("", "wanted columns"), ("\x00", "table.csv")],
)
def test_what_is_no_table_is_said(tmp_path: Path, text: str, sentence: str) -> None:
    path = tmp_path / "table.csv"
    path.write_text(text)
    with pytest.raises(DataError, match=sentence):
        read_table(path)
    with pytest.raises(DataError, match="cannot be read"):
        read_table(tmp_path)


def test_the_published_folders_at_hand_are_as_the_table_of_all_rounds_has_them(data_dir: Path, tmp_path: Path) -> None:
    board = build_leaderboard([data_dir / "published"], tmp_path, data_dir)
    assert len(board.rows) == 9 and board.problems == ()
    check = check_rows(board.rows, read_table(data_dir / "published_results.csv"))
    assert check.rows == 9
    values = [one for one in check.differences if one.figure]
    # One energy is claimed over the wrong intervals; the rest are figures that only one of the two has.
    assert [one.row for one in values if one.table and one.here] == ["v1.1 closed STMicroelectronics NUCLEO_L4R5ZI ic"]
    assert {(one.row.split()[0], one.figure) for one in values if not one.table} == {
        ("v1.3", "top-1, percent"), ("v1.3", "latency in the energy run, ms"),
    }  # fmt: skip
    assert [(one.row, one.figure) for one in values if not one.here] == [
        ("v0.7 closed silicon_labs silicon_labs_xG24_DK2601B vww", "latency in the energy run, ms")
    ]
