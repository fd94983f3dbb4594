# SPDX-License-Identifier: Apache-2.0
"""Rows of records and of reviews, column by column; the doc has the columns of the code."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from mlperf_tiny.harness.record.record import AccuracyMetrics
from mlperf_tiny.harness.record.rules import TimedWindow
from mlperf_tiny.results.leaderboard.json_text import SCHEMA_FILE, schema_text
from mlperf_tiny.results.leaderboard.rows.cells import check_cell
from mlperf_tiny.results.leaderboard.rows.columns import COLUMNS, NAMES, SUMMARY, Row, column_table
from mlperf_tiny.results.leaderboard.rows.record_rows import row_of_record
from mlperf_tiny.results.leaderboard.rows.review_rows import row_of_review
from mlperf_tiny.results.mlperf.findings import Finding, Kind
from mlperf_tiny.results.review.checks.metrics import CheckedMetric, EnergyInfo, Recomputed
from mlperf_tiny.results.review.own.reviewed import Reviewed
from mlperf_tiny.results.review.review import review_path
from tests.results.leaderboard_rows import RECORD, SETTINGS, record, refused
from tests.results.review_submission import write_eembc, write_lists, write_mlcommons

ROOT = Path(__file__).parents[2]

# The header of round v1.2's summary.csv, and what round v1.3 put behind it.
OFFICIAL = [
    *("Organization", "Availability", "Division", "BoardName", "SystemDesc", "Model", "MlperfModel", "Result"),
    *("ResultUnit", "Accuracy", "HasPower", "Power", "PowerUnit", "HostProcessorModelName", "HostProcessorFrequency"),
    *("HostProcessorMemory", "AcceleratorModelName", "AcceleratorFrequency", "AcceleratorMemory", "HardwareNotes"),
    *("InferenceFramework", "SoftwareLibraries", "SoftwareNotes", "FalsePositives", "FalseNegatives", "DutyCycle"),
]


def valid(row: Row) -> Row:
    """The row, all of whose cells are what their columns want."""
    assert tuple(row) == NAMES
    for column in COLUMNS:
        check_cell(column, row[column.name])
        assert row[column.name] or column.empty, column.name
    return row


def test_the_columns_begin_with_those_of_summary_csv() -> None:
    assert [column.name for column in SUMMARY] == OFFICIAL
    assert list(NAMES[: len(OFFICIAL)]) == OFFICIAL
    assert len(set(NAMES)) == len(COLUMNS)
    assert NAMES[-1] == "Format"


def test_the_doc_has_the_columns_of_the_code() -> None:
    text = (ROOT / "docs/leaderboard.md").read_text()
    assert column_table() in text, "put the output of column_table() into docs/leaderboard.md"


def test_the_published_schema_is_that_of_the_columns() -> None:
    written = (ROOT / "docs/schemas" / SCHEMA_FILE).read_text()
    assert written == schema_text(), "run: python -m mlperf_tiny.results.leaderboard.json_text docs/schemas"


def test_a_run_fills_the_columns() -> None:
    row = valid(row_of_record(RECORD, "../runs/run-1"))
    wanted = {
        "Organization": "", "Division": "closed", "BoardName": "NUCLEO-F746ZG",
        "SystemDesc": "emulated-stm32f746-compiled", "Model": "kws", "MlperfModel": "kws", "Result": "99.0",
        "ResultUnit": "inf./sec.", "Accuracy": "50.0", "HasPower": "False", "Power": "0", "PowerUnit": "uJ/inf.",
        "HostProcessorModelName": "cortex-m7", "HostProcessorFrequency": "216 MHz",
        "HardwareNotes": "emulated, time modelled: pipeline, cortex-m7 1, branches 1",
        "InferenceFramework": "compiled", "SoftwareLibraries": "dsp kernels", "SoftwareNotes": "ziglang 0.17.0",
        "Source": "run", "Timing": "emulated", "TimingLevel": "pipeline", "DataSource": "real", "Device": "stm32f746",
        "ClockHz": "216000000", "Engine": "compiled", "ModelName": "mlperf-kws", "LatencyMs": "10.101010",
        "LatencyLowMs": "10.000000", "LatencyHighMs": "10.204082", "LatencyBasis": "recomputed",
        "ThroughputPerS": "99.000000", "Iterations": "1000", "Windows": "5", "EnergyUj": "5901.8174",
        "EnergyLowUj": "5570.0000", "EnergyHighUj": "6101.0000", "EnergyKind": "modelled", "Top1Percent": "50.000",
        "Auc": "0.750000", "SamplesAnswered": "2", "SamplesListed": "2", "InstructionsPerInference": "2000000.0",
        "CyclesPerInference": "2100000.0", "ArenaBytes": "21000", "RamBytes": "30000", "FlashBytes": "90000",
        "ModelBytes": "29828", "Runner": "mlperf-tiny-harness 0.1.0", "Complete": "yes", "Verdict": "confirmed",
        "Findings": "", "RunId": "run-1", "ChainDigest": f"1234:{'d' * 64}", "Record": "../runs/run-1", "Format": "3",
    }  # fmt: skip
    assert {name: row[name] for name in wanted} == wanted


EMULATED = SETTINGS.device


@pytest.mark.parametrize(
    ("changes", "wanted"),
    [
        ({"timing": "hardware", "timing_model": ""}, {"SystemDesc": "stm32f746-compiled", "HardwareNotes": ""}),
        (
            {"device": "host", "timing": "host", "timing_model": "", "boards": (), "clock_hz": 0},
            {"SystemDesc": "host-compiled", "BoardName": "host", "HostProcessorFrequency": "", "ClockHz": ""},
        ),
        ({"division": "open"}, {"Model": "mlperf-kws", "MlperfModel": "kws"}),
        ({"task": "ad", "accuracy": AccuracyMetrics(2, 2, 2, auc=0.8614)}, {"Accuracy": "0.861", "Auc": "0.861400"}),
        ({"energy": replace(RECORD.energy, kind="measured")}, {"HasPower": "True", "Power": "5901.8174"}),
        (
            {"violations": (refused("a | b"), refused("second"))},
            {
                "Verdict": "rule violation",
                "Findings": "violation: the device answered e-[a / b] | violation: the device answered e-[second]",
            },
        ),
        (
            {"complete": False},
            {"Verdict": "cannot be confirmed", "Complete": "no", "Findings": "missing: the run was not finished"},
        ),
        ({"accuracy": AccuracyMetrics(1, 2, 1)}, {"Complete": "no", "Findings": "missing: 1 of 2 files were answered"}),
        ({"accuracy": None}, {"Complete": "no", "AccuracyBasis": "", "Accuracy": "", "SamplesListed": ""}),
        ({"performance": None}, {"Complete": "no", "LatencyBasis": "", "Result": "", "LatencyMs": "", "Windows": ""}),
        ({"firmware": None}, {"ArenaBytes": "", "ElfSha256": "", "Compiler": "", "SoftwareLibraries": ""}),
        ({"chain_digest": None}, {"ChainDigest": ""}),
    ],
)
def test_what_changes_in_the_row_of_another_run(changes: dict[str, Any], wanted: dict[str, str]) -> None:
    row = valid(row_of_record(record("run-1", **changes), "x"))
    assert {name: row[name] for name in wanted} == wanted


def test_a_record_that_differs_from_its_transcript_deviates() -> None:
    row = row_of_record(RECORD, "x", ["latency is 1, its transcript gives 2"])
    assert row["Verdict"] == "deviates"
    assert row["Findings"].startswith("deviation: record.json: latency is 1, its transcript gives 2")


@pytest.mark.parametrize("write", [write_eembc, write_mlcommons])
def test_a_published_result_fills_the_columns(tmp_path: Path, write: Any) -> None:
    write(tmp_path / "tiny_results_v1.2")
    (reviewed,) = review_path(tmp_path / "tiny_results_v1.2", write_lists(tmp_path / "data")).results
    row = valid(row_of_review(reviewed, "there"))
    wanted = {
        "Organization": "ExampleLabs", "Availability": "available", "Division": "closed", "BoardName": "Board One",
        "SystemDesc": "board_one", "Model": "ic", "MlperfModel": "ic", "Result": "4.545", "Accuracy": "100.0",
        "HasPower": "True", "HostProcessorModelName": "Cortex-M4", "HardwareNotes": "supplied with 1.8 V",
        "InferenceFramework": "none", "Source": "published", "Round": "v1.2", "Timing": "hardware",
        "Device": "Chip One", "Engine": "", "LatencyMs": "220.000000",
        "LatencyLowMs": "220.000000", "LatencyHighMs": "220.000000",
        "LatencyBasis": "recomputed", "ThroughputPerS": "4.545455", "ClaimedThroughputPerS": "4.545",
        "Iterations": "50", "Windows": "5", "EnergyKind": "measured", "EnergyBasis": "recomputed",
        "Top1Percent": "100.000", "Auc": "1.000000", "AccuracyBasis": "recomputed", "SamplesAnswered": "20",
        "SamplesListed": "20", "Complete": "yes", "RunId": "", "Record": "there",
    }  # fmt: skip
    assert {name: row[name] for name in wanted} == wanted
    assert float(row["Power"]) == pytest.approx(float(row["EnergyUj"]), rel=1e-4)
    assert float(row["EnergyLowUj"]) <= float(row["EnergyUj"]) <= float(row["EnergyHighUj"])
    assert row["Runner"] == {write_eembc: "EEMBC", write_mlcommons: "MLCommons"}[write]


def reviewed(metrics: list[CheckedMetric], benchmark: str = "kws", **changes: Any) -> Reviewed:
    values: dict[str, Any] = {
        "folder": "f", "round": "v1.3", "division": "closed", "submitter": "Labs", "system": "board",
        "benchmark": benchmark, "variant": "", "runner": "EEMBC", "metrics": tuple(metrics), "findings": (),
        "raw": Recomputed(metrics, (TimedWindow("a", 10, 10.0), TimedWindow("b", 10, 12.0))),
        "description": {}, "listed": 2,
    }  # fmt: skip
    return Reviewed(**{**values, **changes})


metric = CheckedMetric
RATE = metric("throughput", "inf./s", "10.000", 10.0)


@pytest.mark.parametrize(
    ("made", "wanted"),
    [
        # Claims that the raw lines bear out are kept as printed, in numbers of the checker; others give way.
        (reviewed([metric("throughput", "", "5.370", 5.3704)]), {"Result": "5.37", "LatencyMs": "186.205869"}),
        (reviewed([metric("throughput", "", "9.000", 5.3704)]), {"Result": "5.37", "ClaimedThroughputPerS": "9.000"}),
        (reviewed([metric("throughput", "", "9.000", None)]), {"Result": "9.0", "LatencyBasis": "claimed"}),
        (reviewed([metric("throughput", "", None, 4.0)]), {"Result": "4.0", "LatencyBasis": "recomputed"}),
        (reviewed([metric("throughput", "", None, None)]), {"Result": "", "LatencyBasis": "", "Complete": "no"}),
        (reviewed([metric("throughput", "", "0.000", None)]), {"LatencyMs": "", "LatencyBasis": ""}),
        (reviewed([RATE]), {"LatencyLowMs": "1000.000000", "LatencyHighMs": "1200.000000", "Iterations": "10"}),
        (reviewed([RATE, metric("top-1", "%", "90.1", None)]), {"Accuracy": "90.1", "AccuracyBasis": "claimed"}),
        (
            reviewed([RATE, metric("AUC", "", "0.86", None)], "ad"),
            {"Accuracy": "0.86", "Top1Percent": "", "Auc": "0.860000", "ClaimedAccuracy": "0.86"},
        ),
        (
            reviewed([RATE, metric("AUC", "", "0.86", 0.8612), metric("AUC exact", "", None, 0.8649)], "ad"),
            {"Accuracy": "0.86", "Auc": "0.864900", "AccuracyBasis": "recomputed"},
        ),
        (
            reviewed([RATE, metric("energy", "", "7019.085", None)]),
            {"HasPower": "True", "Power": "7019.085", "EnergyBasis": "claimed", "EnergyLowUj": ""},
        ),
        (
            reviewed([], raw=Recomputed(
                [RATE, metric("energy", "", "7019.085", 10019.607, "over the inferences"),
                 metric("energy as cut", "", None, 7019.085)],
                energy=EnergyInfo(per_inference_uj=(7000.0, 7100.0), over_uj=(10000.0, 10100.0)),
            )),
            {"Power": "10019.607", "EnergyUj": "10019.6070", "EnergyBasis": "recomputed", "EnergyLowUj": "10000.0000",
             "EnergyHighUj": "10100.0000", "ClaimedEnergyUj": "7019.085", "EnergySource": "over the inferences"},
        ),
        # Streaming wake words: the official checker takes the energy run's figures; F1 is its accuracy.
        (
            reviewed([
                metric("performance throughput", "", "235.23", 235.2277),
                *(metric(f"energy {name}", "", claim, count) for name, claim, count in
                  (("true positives", "44", 44), ("false negatives", "6", 6), ("false positives", "4", 4))),
                metric("energy duty cycle", "", "0.13259", None), metric("energy throughput", "", "235.22", None),
                metric("power", "", "30.4526", None),
            ], "sww"),
            {"Result": "235.22", "Accuracy": "0.8979591836734694", "FalsePositives": "4", "FalseNegatives": "6",
             "DutyCycle": "0.13259", "Power": "30.4526", "PowerUnit": "mW", "HasPower": "True", "EnergyUj": "",
             "LatencyMs": "4.251200", "LatencyBasis": "recomputed", "Complete": "yes"},
        ),
        (reviewed([RATE], description={"SoC Name": "N/A", "Board Name": "Board"}), {"Device": "Board"}),
        (reviewed([RATE], description={"Processor(s) Frequencies": "1.5Ghz"}), {"ClockHz": "1500000000"}),
        (reviewed([RATE], description={"Processor(s) Frequencies": "80 and 160 MHz"}), {"ClockHz": ""}),
        (reviewed([RATE], description={"Status": "Perhaps"}), {"Availability": ""}),
        (reviewed([RATE], description={"Board Name": "one\nline\x1b[31m"}), {"BoardName": "one line\\x1b[31m"}),
        (reviewed([RATE], system="emulated-stm32f746-compiled"), {"Timing": "emulated"}),
        (reviewed([RATE], description={"Board Name": "emulated NUCLEO"}), {"Timing": "emulated"}),
        (reviewed([RATE], system="host-compiled"), {"Timing": "host"}),
        (reviewed([RATE], system="a-host-board", description={"SoC Name": "Hostess"}), {"Timing": "hardware"}),
        (reviewed([RATE], variant="RN08"), {"Model": "RN08", "ModelName": "RN08"}),
        (
            reviewed([RATE], findings=(Finding(Kind.NOTE, "r", "no"), Finding(Kind.DEVIATION, "figures", "yes"))),
            {"Findings": "deviation: yes [figures]", "Verdict": "deviates"},
        ),
        (reviewed([metric("throughput", "", None, float("inf"))]), {"ThroughputPerS": "", "Result": ""}),
    ],
)  # fmt: skip
def test_claimed_and_recomputed_figures(made: Reviewed, wanted: dict[str, str]) -> None:
    row = valid(row_of_review(made, "x"))
    assert {name: row[name] for name in wanted} == wanted


def test_submission_row_has_the_values_of_its_enclosed_run() -> None:
    """Timing, device, sizes and chain digest are those of the enclosed run; figures and verdict are the review's."""
    bare = reviewed([RATE, metric("top-1", "%", "90.1", 90.1)], description={"SoC Name": "a chip"}, system="some")
    assert row_of_review(bare, "x")["Timing"] == "hardware"
    row = valid(row_of_review(replace(bare, record=RECORD), "x"))
    wanted = {
        "Source": "published", "Organization": "Labs", "SystemDesc": "some", "Timing": "emulated",
        "TimingModel": RECORD.settings.device.timing_model, "Device": "stm32f746", "RamBytes": "30000",
        "RunId": "run-1", "ChainDigest": f"1234:{'d' * 64}", "LatencyMs": "100.000000", "Top1Percent": "90.100",
        "EnergyUj": "", "Verdict": "confirmed", "Record": "x",
    }  # fmt: skip
    assert {name: row[name] for name in wanted} == wanted
    silicon = replace(RECORD, settings=replace(SETTINGS, device=replace(SETTINGS.device, timing="hardware")))
    row = row_of_review(replace(bare, record=silicon, system="emulated-some"), "x")
    assert row["Timing"] == "emulated"


def test_a_reviewed_run_folder_has_the_row_of_its_run() -> None:
    finding = Finding(Kind.DEVIATION, "record", "it says something else")
    row = valid(row_of_review(reviewed([], submitter="", round="", record=RECORD, findings=(finding,)), "there"))
    changed = {"Verdict": "deviates", "Findings": "deviation: it says something else [record]"}
    assert row == {**row_of_record(RECORD, "there"), **changed}


def test_rows_of_round_v1_2_are_those_of_its_summary(data_dir: Path) -> None:
    """The one published folder of that round, against its row in the only official CSV that is public."""
    review = review_path(data_dir / "published" / "v1.2", data_dir)
    (row,) = [row_of_review(result, "") for result in review.results if result.benchmark == "ic"]
    official = {
        "Organization": "bosch", "Availability": "available", "Division": "closed", "BoardName": "CY8CPROTO-062-4343W",
        "SystemDesc": "CY8CPROTO_062_4343W_float", "Model": "ic", "MlperfModel": "ic", "Result": "2.084",
        "ResultUnit": "inf./sec.", "Accuracy": "87.0", "HasPower": "False", "Power": "0", "PowerUnit": "uJ/inf.",
        "HostProcessorModelName": "32-bit Arm® Cortex®-M4 (DSP + FPU)", "HostProcessorFrequency": "150 MHz",
        "HostProcessorMemory": "", "AcceleratorModelName": "", "AcceleratorFrequency": "", "AcceleratorMemory": "",
        "HardwareNotes": "", "SoftwareLibraries": "", "SoftwareNotes": "",
        "InferenceFramework": "Bosch Hardware-Aware Lowering Engine (HALE) version 1.0.175",
    }  # fmt: skip
    assert {name: row[name] for name in OFFICIAL if name in official} == official
    # Its windows are too short and its description names another submitter: the review finds both, that CSV neither.
    assert row["Verdict"] == "rule violation"
