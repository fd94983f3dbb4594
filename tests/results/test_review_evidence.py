# SPDX-License-Identifier: Apache-2.0
"""Single steps of the recomputation, against values worked out by hand or by another way."""

from __future__ import annotations

import json
import struct

import numpy as np
import pytest

from mlperf_tiny.harness.energy.trace import parse_trace
from mlperf_tiny.results.review.evidence.claims import agrees, parse_claims
from mlperf_tiny.results.review.evidence.eembc_log import parse_eembc_log, parse_script
from mlperf_tiny.results.review.evidence.energy_trace import inference_windows, runner_windows
from mlperf_tiny.results.review.evidence.mlcommons_json import parse_mlcommons_json
from mlperf_tiny.results.review.evidence.mlcommons_log import parse_mlcommons_log
from mlperf_tiny.results.review.evidence.runner_log import Detections, LoggedInference
from mlperf_tiny.results.review.evidence.wakewords import WakeWordCounts, count_wake_words, duty_cycle

AGREEMENTS = [
    ("5.371", 5.371393, True),
    ("5.371", 5.37149, True),  # cut
    ("5.371", 5.3705, True),  # rounded up
    ("5.371", 5.3704, False),
    ("5.371", 5.37201, False),
    ("85", 85.4, True),
    ("0.99", 0.98778, True),
    ("0.99", 0.9849, False),
    ("0", 0.0, True),
    ("57268.135", 57268.135279, True),
]


@pytest.mark.parametrize(("printed", "value", "wanted"), AGREEMENTS)
def test_claims_agree_to_their_printed_digits(printed: str, value: float, wanted: bool) -> None:
    assert agrees(printed, value) is wanted


WORDS = ((10.0, 11.0), (20.0, 21.0))
# detections in ms, the first marks zero; grace in s -> hits, misses, false alarms
COUNTS = [
    ((100,), 1.0, (0, 2, 0)),
    ((100, 10_100, 20_100), 1.0, (2, 0, 0)),
    ((0, 9_999, 20_500), 1.0, (1, 1, 1)),
    ((0, 12_000, 22_001), 1.0, (1, 1, 1)),  # the window ends included, one millisecond later is outside
    ((0, 12_000, 22_001), 2.0, (2, 0, 0)),
    ((0, 30_000, 30_900, 31_800, 32_801), 1.0, (0, 2, 2)),  # in a row counts once, while no gap is over a second
    ((0, 10_500, 10_600, 11_900), 1.0, (1, 1, 0)),
]


@pytest.mark.parametrize(("times", "grace", "wanted"), COUNTS)
def test_wake_words_are_counted(times: tuple[int, ...], grace: float, wanted: tuple[int, int, int]) -> None:
    assert count_wake_words(Detections(times), WORDS, grace) == WakeWordCounts(*wanted)


def test_duty_cycle_is_mean_on_time_over_mean_period() -> None:
    duty = duty_cycle(Detections((0,), (1.0, 2.0, 3.0), (1.25, 2.25, 3.25)))
    assert duty == (0.25, 4.0)
    assert duty_cycle(Detections((0,), (1.0,), (1.2,))) is None


def test_window_energy_sums_samples_by_accumulated_time() -> None:
    samples = np.arange(1, 20_001, dtype=np.float32)
    trace = parse_trace(b"\xf1" + struct.pack("<f", 1000.0) + samples.tobytes(), "trace")
    time_s, inside = 0.0, 0.0
    for sample in samples:
        inside += float(sample) if 1.5 <= time_s <= 11.7 else 0.0
        time_s += 1 / 1000.0
    assert trace.window_uj((1.5, 11.7)) == inside


def test_runner_windows_and_inference_windows_are_paired() -> None:
    runs = tuple(LoggedInference("a", 10, 1, started_s=100.0 + 20 * k, done_s=110.0 + 20 * k) for k in range(3))
    stamps = (0.1, 10.02, 20.0, 30.01, 40.0, 50.0, 60.03)
    whole = ((10.02, 20.0), (30.01, 40.0), (50.0, 60.03))
    assert runner_windows(stamps) == whole
    assert inference_windows(stamps, runs, 90.0) == whole
    lost = (0.1, 20.0, 30.01, 40.0, 50.0, 60.03)
    assert runner_windows(lost) == ((20.0, 30.01), (40.0, 50.0))
    assert inference_windows(lost, runs, 90.0) == (None, *whole[1:])
    assert inference_windows(stamps, runs, None) is None


EEMBC = """\
00001.000 session: m-session-start-id[1]
00001.000 dut: profile%m-profile-[Firmware 1]
00001.000 dut: m-model-[ic01]
00001.000 parser: Command "bload dut "C:\\a b\\ic01\\x 1.bin" 0 2560"
00001.000 parser: Command "dut infer 12 3"
00001.000 io: m-lap-us-999
00001.000 dut: m-lap-us-4294967000
00001.000 dut: m-lap-us-704
00001.000 dut: m-results-[0.5,-0.25,]
00001.000 parser: e-[something] m-x
""".splitlines()


def test_an_eembc_log_is_read() -> None:
    run = parse_eembc_log(EEMBC, "log.txt")
    assert (run.profile, run.model_id, run.finished, run.errors) == ("Firmware 1", "ic01", False, ("something",))
    # The 32-bit counter went over; the IO manager's stamp is another clock's.
    assert run.inferences == (LoggedInference("x 1.bin", 12, 3, 0.001, (0.5, -0.25)),)


@pytest.mark.parametrize(
    ("text", "errors"),
    [
        ("e-[Unknown command: foo] more", ("Unknown command: foo",)),
        ("Supplied buffer size 9 exceeds maximum of 8", ("Supplied buffer size 9 exceeds maximum of 8",)),
        ("Input db has 8 elemented, expected 9", ("Input db has 8 elemented, expected 9",)),
        ("Input db has 8 elemented, expected 8", ()),
        ("m-profile-[e]", ()),
    ],
)
def test_errors_of_a_log_are_those_of_the_wire_protocol(text: str, errors: tuple[str, ...]) -> None:
    assert parse_eembc_log([f"00001.000 dut: {text}"], "log.txt").errors == errors
    assert parse_eembc_log([f"00001.000 io: [dut]: {text}"], "log.txt").errors == errors
    assert parse_mlcommons_log([text], "log.txt").errors == errors
    assert parse_claims([f"0725.1 ulp-mlperf: {text}"], "results.txt").errors == errors


def test_unreadable_answer_is_a_problem() -> None:
    log = ['1.0 parser: Command "dut infer 1 0"', "1.0 dut: m-results-[0.5,x]", "1.0 dut: m-lap-us-7 debug"]
    run = parse_eembc_log(log, "log.txt")
    assert run.inferences == (LoggedInference("", 1, 0),)
    assert run.problems == ("log.txt: the answer for  is not a list of numbers: 'm-results-[0.5,x]'",)


def test_a_script_is_read() -> None:
    script = ["cmd: 'bload dut \"C:\\\\a\\\\x.bin\"',", "cmd: 'io dut infer 50 1',", "cmd: 'dut infer 7'"]
    assert parse_script(script) == (("x.bin", 50, 1), ("x.bin", 7, 0))


MLCOMMONS = """\
Device profile retrieved: Firmware 2
Device model retrieved: kws01
0725.180340 ulp-mlperf: Loading file a.bin segment 0
Running inference with 1/60 (warmup/measured) iterations ...
0725.180352 ulp-mlperf:   # Inferences :            60
0725.180352 ulp-mlperf:   Runtime      :     10.947 sec.
0725.180352 ulp-mlperf:   m-results    : [0.25, 0.75]
Session logged in file x
""".splitlines()


def test_an_mlcommons_log_is_read() -> None:
    run = parse_mlcommons_log(MLCOMMONS, "log.txt")
    assert (run.profile, run.model_id, run.finished) == ("Firmware 2", "kws01", True)
    assert run.inferences == (LoggedInference("a.bin", 60, 1, 10.947, (0.25, 0.75)),)


def test_detections_are_read_from_the_log_without_json() -> None:
    lines = ["[35, 9945, 15782]", "RX:Duty cycle start times (s)", "RX:6718, 9924,", "RX:Duty cycle stop times (s)",
             "RX:6787, 9994, m-ready"]  # fmt: skip
    detections = parse_mlcommons_log(lines, "log.txt").detections
    assert detections is not None and detections.times_ms == (35, 9945, 15782)
    assert detections.starts_s == pytest.approx((0.06718, 0.09924))
    assert detections.stops_s == pytest.approx((0.06787, 0.09994))


def test_mlcommons_window_energy_is_between_its_last_two_events() -> None:
    power = {"samples": [1.0, 2.0, 4.0, 8.0, 16.0], "timestamps": [["00", 0], ["01", 1], ["02", 4]], "voltage": 3.0}
    value = json.loads(json.dumps([{"file": "a", "infer": {"iterations": 2, "results": [1]}, "power": power}]))
    run = parse_mlcommons_json(value, "results.json")
    assert run.inferences[0].window_j == 14.0
    assert run.inferences[0].window_s == pytest.approx(0.003)
    assert run.voltages_mv == (3000,)


CLAIMS = [
    ("00121.663 ulp-mlperf: Median throughput is      4.673 inf./sec.", "throughput", "4.673"),
    ("Median energy cost is 965.5817 uJ/inf.", "energy", "965.5817"),
    ("00238.752 ulp-mlperf: Top-1: 85.0%", "top1", "85.0"),
    ("0725.180656 ulp-mlperf: Top 1% = 87.0", "top1", "87.0"),
    ("00238.774 ulp-mlperf: AUC: 0.99", "auc", "0.99"),
    ("0725.180656 ulp-mlperf: AUC = 0.988", "auc", "0.988"),
    ("  Power         : 3.9752 mW.", "power_mw", "3.9752"),
    ("Average duty cycle: 0.60618", "duty_cycle", "0.60618"),
    ("Estimated throughput: 51.44 inf./sec.", "sww_throughput", "51.44"),
]


@pytest.mark.parametrize(("line", "name", "wanted"), CLAIMS)
def test_claims_of_both_runners_are_read(line: str, name: str, wanted: str) -> None:
    assert parse_claims(["noise", line], "results.txt").metrics == {name: wanted}


def test_last_of_two_claims_counts() -> None:
    lines = ["Median throughput is 1.0 inf./sec.", "Median throughput is 2.0 inf./sec."]
    assert parse_claims(lines, "x").metrics["throughput"] == "2.0"


def test_windows_and_wake_words_are_read() -> None:
    lines = ["u: Performance results for window 2:", "u:   # Inferences :  50", "u:   Runtime      :       10.700 sec.",
             "Energy data for trial 0", "Elapsed time  : 10.9", "Energy/Inf    : 965.663 uJ/inf",
             "Accuracy: 44 True positives, 6 False negatives, 4 False positives", "e-[bad]"]  # fmt: skip
    claims = parse_claims(lines, "x")
    (window,), (energy,) = claims.windows, claims.energy_windows
    assert (window.number, window.iterations, window.seconds) == (2, 50, "10.700")
    assert (energy.seconds, energy.energy_uj) == ("10.9", "965.663")
    assert claims.wake_words == (44, 6, 4)
    assert claims.errors == ("bad",)
