# SPDX-License-Identifier: Apache-2.0
"""The third reading of streaming wake words: detections on the frame grid count alike whatever the clocks' skew."""

from __future__ import annotations

import math
import random
from pathlib import Path

import pytest

from mlperf_tiny.results.review.evidence.frame_grid import FRAME_MS, on_frame_grid
from mlperf_tiny.results.review.evidence.mlcommons_json import parse_mlcommons_json
from mlperf_tiny.results.review.evidence.mlcommons_log import parse_mlcommons_log
from mlperf_tiny.results.review.evidence.runner_log import MAX_DETECTIONS, Detections
from mlperf_tiny.results.review.evidence.wakewords import count_wake_words, read_wake_words
from mlperf_tiny.results.review.review import review_path

WORDS = tuple(
    (9.0 + 11.3 * number + 0.7 * (number % 3), 9.6 + 11.3 * number + 0.7 * (number % 3)) for number in range(50)
)
"""As in the official wave, all in the first half."""
HEARD = [number for number in range(50) if number % 9 != 4]
ALARMS_S = (612.5, 715.4, 853.9, 981.0)
MISSES = 50 - len(HEARD)


def frames() -> list[int]:
    """Frames in which a device hears something: 20 in a row at the end of a word, nine of each false alarm."""
    heard = [int(WORDS[number][1] / 0.032) + 2 + frame for number in HEARD for frame in range(20)]
    return sorted(heard + [int(time_s / 0.032) + frame for time_s in ALARMS_S for frame in range(9)])


def stamped(skew: float, drift_frames: float = 0.0, jitter_ms: float = 1.0, seed: int = 1) -> Detections:
    """The same frames by a clock that is off by ``skew``, and wanders by ``drift_frames`` within the wave."""
    noise = random.Random(seed)
    times = []
    for frame in frames():
        wander = drift_frames * math.sin(2 * math.pi * frame / 18_000)
        times.append(85 + int((frame + wander) * FRAME_MS * (1 + skew) + noise.uniform(0, jitter_ms)))
    return Detections((85, *times))


@pytest.mark.parametrize("skew", [-0.0043, -0.0004, 0.0, 0.0017, 0.00234, 0.004])
@pytest.mark.parametrize("drift_frames", [0.0, 0.5])
def test_a_skew_of_the_clocks_is_removed(skew: float, drift_frames: float) -> None:
    readings = read_wake_words(stamped(skew, drift_frames), WORDS)
    wanted = f"{len(HEARD)}/{MISSES}/{len(ALARMS_S)}"
    assert readings.skew == pytest.approx(skew, abs=6e-5)
    assert str(readings.on_grid) == wanted
    if abs(skew) > 0.001:
        assert str(readings.documented) != wanted  # what the grid is for


@pytest.mark.parametrize("seed", range(20))
def test_times_without_a_grid_have_no_third_reading(seed: int) -> None:
    source = random.Random(seed)
    words = sorted(source.uniform(0, 600_000) for _ in range(50))
    times = sorted(int(word + 32.06 * frame) for word in words for frame in range(15))
    readings = read_wake_words(Detections((80, *times)), WORDS)
    assert (readings.on_grid, readings.skew) == (None, None)


@pytest.mark.parametrize("times", [(), (5,), (5, 10_000, 20_000), tuple(range(0, 9 * 320, 320)), (7,) * 100])
def test_few_detections_have_no_grid(times: tuple[int, ...]) -> None:
    assert on_frame_grid(Detections(times)) is None


def test_every_number_of_detections_that_is_read_is_counted_within_a_second() -> None:
    times = tuple(range(0, 320 * MAX_DETECTIONS, 320))
    assert count_wake_words(on_frame_grid(Detections(times)).detections, WORDS, 1.0).true_positives == 50  # type: ignore[union-attr]


BOARD_LIST = ["print_detections%", "RX:Detection Timestamps (ms)", "RX:35,", "RX:9945,", "RX:15782,", "RX:m-ready"]


def test_detections_are_read_from_the_board_list_of_an_energy_log() -> None:
    run = parse_mlcommons_log(BOARD_LIST, "energy/log.txt")
    assert run.detections == Detections((35, 9945, 15782)) and run.contradictions == ()
    both = parse_mlcommons_log([*BOARD_LIST, "[35, 9945, 15782]"], "energy/log.txt")
    assert both.detections == run.detections and both.contradictions == ()


def test_lists_of_detections_that_differ_are_a_contradiction() -> None:
    run = parse_mlcommons_log([*BOARD_LIST, "[35, 9945, 15783]"], "log.txt")
    assert run.contradictions == ("log.txt holds two lists of detections that differ: number 3 is 15782 and 15783 ms",)


def test_more_detections_than_the_board_keeps_are_no_list() -> None:
    listed = list(range(MAX_DETECTIONS + 5))
    run = parse_mlcommons_json([{"infer": {"detections": listed}}], "results.json")
    assert run.detections is None and "over 10,000 detections" in run.problems[0]
    log = parse_mlcommons_log(["RX:Detection Timestamps (ms)", *(f"RX:{time}," for time in listed)], "log.txt")
    assert len(log.detections.times_ms) == MAX_DETECTIONS and "over 10,000 detections" in log.problems[0]  # type: ignore[union-attr]
    long = parse_mlcommons_log(["[" + ", ".join(map(str, range(100_000, 110_000)))[:65_535]], "log.txt")
    assert long.detections is None and "longer than what is read of a line" in long.problems[0]


@pytest.mark.parametrize("times", [[-5, 3], [1, "2"], [1, None], [1, 1e30], [1, True], []])
def test_what_is_no_list_of_times_is_a_problem(times: list[object]) -> None:
    run = parse_mlcommons_json([{"infer": {"detections": times}}], "results.json")
    assert run.detections is None and run.problems == ("results.json: its detections are no list of times",)


# Published runs with their detections: spec of the round v1.3, one count of all of a system.
PUBLISHED = {"syntiant_9120_1v0_49mhz": "46/4/4"}


def test_published_runs_count_alike_on_the_grid(data_dir: Path) -> None:
    """Those that the data folder holds: 14 in the whole round, 44/6/4 in 13 of them and 46/4/4 in one."""
    if not list((data_dir / "published").glob("**/sww/*/log.txt")):
        pytest.skip("the data folder holds no published streaming wake word result (published/**/sww)")
    counted = 0
    for result in review_path(data_dir / "published", data_dir).results:
        for mode, readings in result.raw.wake_words.items():
            wanted = PUBLISHED.get(result.system, "44/6/4")
            assert (str(readings.runner), str(readings.on_grid)) == (wanted, wanted), f"{result.folder} {mode}"
            assert readings.skew is not None and -0.0005 < readings.skew < 0.0025
            counted += 1
    assert counted
