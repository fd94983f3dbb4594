# SPDX-License-Identifier: Apache-2.0
"""Whole runs against the fake device: figures, interruptions at every point, replays."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import asdict
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from mlperf_tiny.errors import (
    BenchError,
    DataError,
    DeviceGone,
    PortUnavailable,
    RecordError,
    Refused,
    UnexpectedReply,
    UsageError,
)
from mlperf_tiny.harness.record.record import RunRecord
from mlperf_tiny.harness.record.record_file import RECORD_FILE, read_record
from mlperf_tiny.harness.record.violation import RuleId
from mlperf_tiny.harness.run.request import Request
from mlperf_tiny.harness.run.run import resume_benchmark, run_benchmark
from mlperf_tiny.harness.wire.transcript import TRANSCRIPT_FILE, read_transcript
from mlperf_tiny.progress import Listener, Progress
from mlperf_tiny.runners.open import open_transport
from tests.fakes.data_sets import ad_folder, kws_folder, one_hot
from tests.fakes.device import FakeDevice
from tests.fakes.transcripts import forged, killed

LATENCY_US = 20_000


def kws_device(**changes: Any) -> FakeDevice:
    values = {"infer": one_hot, "latency_us": LATENCY_US, "timing": "emulated", "instructions_per_inference": 777}
    return FakeDevice(**{**values, **changes})


def opener(device: FakeDevice) -> Callable[..., FakeDevice]:
    return lambda url, *, baud=None: device


def request(data: Path, **changes: Any) -> Request:
    return Request(**{"task": "kws", "device": "stm32f746", "data": data, "port": "fake://", **changes})


def run(folder: Path, device: FakeDevice | None = None, **changes: Any) -> tuple[RunRecord, Path]:
    data = folder / "data"
    if not data.exists():
        kws_folder(data)
    return run_benchmark(request(data, **changes), folder / "runs", Listener(), opener(device or kws_device()))


def metrics_of(record: RunRecord) -> dict[str, Any]:
    """What an interruption may not change."""
    values = asdict(record)
    for name in ("notes", "resumed", "chain_digest", "settings"):
        del values[name]
    return values


def texts(record: RunRecord) -> tuple[str, ...]:
    return tuple(violation.text for violation in record.violations)


def test_a_whole_run(tmp_path: Path) -> None:
    device = kws_device()
    record, folder = run(tmp_path, device)
    assert record.complete
    performance, accuracy = record.performance, record.accuracy
    assert performance is not None and accuracy is not None
    assert performance.iterations == 505  # 10 s and a hundredth, 20 ms each
    assert [window.elapsed_us for window in performance.windows] == [505 * LATENCY_US] * 5
    assert [window.sample for window in performance.windows] == [f"tst_{n:06d}.bin" for n in range(5)]
    assert performance.throughput_per_s == pytest.approx(50.0)
    assert performance.latency_ms == pytest.approx(20.0)
    assert (accuracy.correct, accuracy.samples, accuracy.listed) == (11, 12, 12)
    assert accuracy.top1_percent == pytest.approx(100 * 11 / 12)
    assert record.instructions_per_inference == 777
    assert texts(record) == ("the 12 files are not a complete official list of kws01",)
    assert record.identity is not None and record.identity.model_id == "kws01"
    timed = [(count, warmup) for _, count, warmup in device.inferred]
    assert timed == [(1, 1), (15, 1), (1, 0), (14, 0)] + [(505, 1)] * 5 + [(1, 0)] * 12
    written = json.loads((folder / RECORD_FILE).read_text())
    assert written["performance"]["latency_ms"] == pytest.approx(20.0)
    assert written["settings"]["device"]["timing"] == "emulated"
    assert set(written["settings"]["versions"]) >= {"python", "os", "unicorn", "ziglang"}
    assert read_record(folder) == record


def test_every_input_reaches_the_device_in_order(tmp_path: Path) -> None:
    device = kws_device()
    run(tmp_path, device, modes=("accuracy",))
    wanted = [path.read_bytes() for path in sorted((tmp_path / "data/kws01").glob("*.bin"))]
    assert [tensor for tensor, _, _ in device.inferred] == wanted


def ad_device() -> FakeDevice:
    """Its score of a window is the mean of the first value of its five frames."""

    def score(data: bytes) -> list[str]:
        return [f"{np.frombuffer(data, '<f4').reshape(5, 128)[:, 0].mean():.3f}"]

    return FakeDevice(
        model_id="ad01", input_bytes=2560, infer=score, latency_us=LATENCY_US, timing="emulated", piece_bytes=999
    )


def test_resume_continues_within_a_file_of_many_windows(tmp_path: Path) -> None:
    asked = request(ad_folder(tmp_path / "data"), task="ad", modes=("accuracy",))
    whole, folder = run_benchmark(asked, tmp_path / "runs", Listener(), opener(ad_device()))
    lines = (folder / TRANSCRIPT_FILE).read_bytes().splitlines()
    ends = [number for number, line in enumerate(lines) if b'"m-infer-done"' in line]
    killed(folder, lines=ends[199] + 3)  # 196 windows of the first file, 4 of the second
    device = ad_device()
    record, _ = resume_benchmark(folder, asked, Listener(), opener(device))
    assert metrics_of(record) == metrics_of(whole)
    assert len(device.inferred) == 192


def test_anomaly_detection_scores_windows_and_files(tmp_path: Path) -> None:
    device = ad_device()
    data = ad_folder(tmp_path / "data")
    record, _ = run_benchmark(request(data, task="ad"), tmp_path / "runs", Listener(), opener(device))
    accuracy = record.accuracy
    assert accuracy is not None and accuracy.file_scores is not None
    assert accuracy.inferences == 2 * 196
    # The mean over frames f..f+4 of k + f/100, and the mean of that over f = 0..195.
    assert accuracy.file_scores == pytest.approx({"clip_0.bin": 0.995, "clip_1.bin": 1.995}, abs=1e-3)
    assert accuracy.auc == 1.0
    assert accuracy.top1_percent is None
    windows = [tensor for tensor, count, warmup in device.inferred if (count, warmup) == (1, 0)]
    first = (data / "ad01/clip_0.bin").read_bytes()
    assert windows[:196] == [first[512 * n : 512 * n + 2560] for n in range(196)]
    assert [tensor for tensor, count, _ in device.inferred if count > 100][:2] == [
        first[:2560],
        (data / "ad01/clip_1.bin").read_bytes()[:2560],
    ]
    assert "windows on 2 different inputs (5 required)" in texts(record)


def test_a_limited_run_violates_the_complete_list(tmp_path: Path) -> None:
    record, _ = run(tmp_path, modes=("accuracy",), limit=5)
    assert record.accuracy is not None and record.performance is None
    assert (record.accuracy.samples, record.accuracy.listed) == (5, 12)
    assert record.accuracy.auc is None
    assert "7 of the 12 listed files were not answered" in texts(record)


def test_given_iterations_are_used_and_checked(tmp_path: Path) -> None:
    record, _ = run(tmp_path, modes=("performance",), iterations=9)
    assert record.performance is not None
    assert [window.iterations for window in record.performance.windows] == [9] * 5
    assert texts(record)[:2] == (
        "shortest window 0.180 s (minimum 10 s): windows 1, 2, 3, 4, 5",
        "shortest window 9 iterations (minimum 10): windows 1, 2, 3, 4, 5",
    )


class Hurrying(FakeDevice):
    """Faster once it is warm: the trial promises less than the windows keep."""

    def _run(self, count: int, warmup: int) -> list[str]:
        self.latency_us = LATENCY_US if len(self.inferred) < 4 else LATENCY_US // 2
        return super()._run(count, warmup)


def test_short_windows_are_run_again_with_more_iterations(tmp_path: Path) -> None:
    device = Hurrying(infer=one_hot, timing="emulated", instructions_per_inference=1)
    record, _ = run(tmp_path, device, modes=("performance",))
    assert record.performance is not None
    assert (record.performance.attempts, record.performance.iterations) == (2, 1010)
    assert len(record.performance.windows) == 5
    assert RuleId.WINDOW_LENGTH not in {violation.rule for violation in record.violations}
    assert [count for _, count, _ in device.inferred].count(505) == 1


@pytest.mark.parametrize("latency_us", [1, 30, 1000, 400_000, 3_000_000])
@pytest.mark.parametrize("tick_us", [1, 1000])
def test_windows_are_long_enough_for_any_device(tmp_path: Path, latency_us: int, tick_us: int) -> None:
    device = kws_device(latency_us=latency_us, tick_us=tick_us, instructions_per_inference=None, counter_us=2**32 - 999)
    record, _ = run(tmp_path, device, modes=("performance",))
    assert record.performance is not None
    assert all(window.elapsed_us >= 10e6 for window in record.performance.windows)
    assert all(window.iterations >= 10 for window in record.performance.windows)
    assert record.performance.latency_ms == pytest.approx(latency_us / 1000, rel=1e-3)
    assert sum("wrapped" in note for note in record.notes) == 1
    assert record.instructions_per_inference is None


def test_a_window_longer_than_the_counter_is_refused(tmp_path: Path) -> None:
    device = kws_device()
    with pytest.raises(UsageError, match=r"200,000 iterations would take 4,000 s a window, more than the 3,865 s"):
        run(tmp_path, device, modes=("performance",), iterations=200_000)
    assert max(count for _, count, _ in device.inferred) == 15


def test_a_clock_that_does_not_advance_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(UnexpectedReply, match="a counter that moves"):
        run(tmp_path, kws_device(latency_us=0), modes=("performance",))


def test_the_firmware_must_be_for_the_task(tmp_path: Path) -> None:
    log: list[str] = []
    asked = request(kws_folder(tmp_path / "data"))
    with pytest.raises(UsageError, match="holds firmware for 'vww01', this run is for 'kws01'"):
        run_benchmark(asked, tmp_path / "runs", Listener(log.append), opener(kws_device(model_id="vww01")))
    assert not any("--resume" in text for text in log)


def test_task_is_read_from_the_device_at_the_port(tmp_path: Path) -> None:
    data = kws_folder(tmp_path / "data")
    asked = request(data, task=None, device=None, modes=("accuracy",))
    record, _ = run_benchmark(asked, tmp_path / "runs", Listener(), lambda url, *, baud=None: kws_device())
    assert record.settings.task == "kws"
    assert (record.settings.device.device, record.settings.model.origin) == ("unknown", "device")


@pytest.mark.parametrize(
    ("changes", "error", "sentence"),
    [
        ({"task": "ads"}, UsageError, "there is no task 'ads'"),
        ({"device": "stm"}, UsageError, "there is no device 'stm'"),
        ({"device": None, "port": None}, UsageError, "missing option --device"),
        ({"engine": "tvm"}, UsageError, "there is no engine 'tvm'; choose one of compiled, tflm"),
        ({"engine": "tflm", "toolchain": "zig"}, UsageError, "toolchain zig cannot build engine tflm"),
        ({"engine": "tflm", "port": None}, UsageError, "name it with TFLM_DIR"),
        ({"engine": "tflm", "port": None, "device": "host"}, UsageError, "name it with TFLM_DIR"),
        ({"task": None, "port": None, "model": None}, UsageError, "missing option --task"),
        ({"data": Path("/nowhere/at/all")}, DataError, "is not a folder"),
        ({"data": Path("/nowhere/at/all"), "port": None}, DataError, "is not a folder"),
        ({"device": ""}, UsageError, "there is no device ''"),
        ({"model": ""}, UsageError, "there is no model ''"),
        ({"model": "mlperf-sww", "task": None, "port": None}, UsageError, "is for task sww, which cannot be run here"),
        ({"baud": 823, "port": None}, UsageError, r"baud rate 823 not supported by stm32f746 \(824 to 3375000\)"),
        ({"baud": 3_375_001, "port": None}, UsageError, "baud rate 3375001 not supported"),
        ({"toolchain": "tcc", "port": None}, UsageError, "there is no toolchain 'tcc'"),
        ({"task": "kws", "model": "mlperf-ad"}, UsageError, "is for task ad, not kws"),
    ],
)
def test_invalid_requests_are_refused(
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    changes: dict[str, Any],
    error: type[BenchError],
    sentence: str,
) -> None:
    monkeypatch.delenv("TFLM_DIR", raising=False)
    asked = request(**{"data": kws_folder(tmp_path / "data"), **changes})
    with pytest.raises(error, match=sentence):
        run_benchmark(asked, tmp_path / "runs", Listener(), opener(kws_device()))
    assert not (tmp_path / "runs").exists()


def test_a_port_that_cannot_be_opened_leaves_no_folder(tmp_path: Path) -> None:
    data = kws_folder(tmp_path / "data")
    with pytest.raises(PortUnavailable):
        run_benchmark(request(data, port=str(tmp_path / "no-port")), tmp_path / "runs", Listener())
    assert not (tmp_path / "runs").exists()


def test_the_cause_of_a_stop_is_recorded_with_what_was_measured(tmp_path: Path) -> None:
    left = [30]

    def refuse_later(command: str, reply: bytes) -> bytes:
        left[0] -= command == "infer 1 0"
        return b"e-[too warm]\r\nm-ready\r\n" if left[0] < 20 else reply

    with pytest.raises(Refused, match="too warm"):
        run(tmp_path, kws_device(spoil=refuse_later))
    (folder,) = (tmp_path / "runs").iterdir()
    assert read_transcript(folder / TRANSCRIPT_FILE)[-1] == {
        "e": "stop",
        "s": "the device refused 'infer 1 0': too warm",
    }
    record = json.loads((folder / RECORD_FILE).read_text())
    assert record["complete"] is False
    assert (record["accuracy"]["samples"], len(record["performance"]["windows"])) == (9, 5)
    again, _ = resume_benchmark(folder, request(tmp_path / "data", port=None), Listener(), opener(kws_device()))
    assert again.complete and again.accuracy is not None and again.accuracy.samples == 12
    assert "the device answered e-[too warm]" in texts(again)


def test_ctrl_c_keeps_what_was_measured(tmp_path: Path) -> None:
    def interrupt(progress: Progress) -> None:
        if (progress.stage, progress.done) == ("accuracy", 3):
            raise KeyboardInterrupt

    kws_folder(tmp_path / "data")
    with pytest.raises(KeyboardInterrupt):
        run_benchmark(request(tmp_path / "data"), tmp_path / "runs", Listener(progress=interrupt), opener(kws_device()))
    (folder,) = (tmp_path / "runs").iterdir()
    assert read_transcript(folder / TRANSCRIPT_FILE)[-1] == {"e": "stop", "s": "interrupted by the user"}
    record = read_record(folder)
    assert record.accuracy is not None and record.accuracy.samples == 3


@pytest.mark.slow
def test_a_run_can_be_resumed_after_a_failure_at_any_command(tmp_path: Path) -> None:
    class Dying(FakeDevice):
        lives = 10**9

        def write(self, data: bytes) -> None:
            self.lives -= 1
            if self.lives < 0:
                raise DeviceGone(self.url, "unplugged")
            super().write(data)

    whole_device = kws_device()
    whole, _ = run(tmp_path, whole_device, limit=3)
    for lives in range(0, len(whole_device.commands), 3):
        device = Dying(infer=one_hot, latency_us=LATENCY_US, timing="emulated", instructions_per_inference=777)
        device.lives = lives
        out = tmp_path / f"runs{lives}"
        with pytest.raises(DeviceGone):
            run_benchmark(request(tmp_path / "data", limit=3), out, Listener(), opener(device))
        (folder,) = out.iterdir()
        record, _ = resume_benchmark(folder, request(tmp_path / "data"), Listener(), opener(kws_device()))
        assert metrics_of(record) == metrics_of(whole), lives


@pytest.mark.slow
def test_a_transcript_cut_anywhere_is_resumed_to_the_same_record(tmp_path: Path) -> None:
    whole, folder = run(tmp_path, limit=3)
    lines = (folder / TRANSCRIPT_FILE).read_bytes().splitlines(keepends=True)
    all_inferred = 4 + 5 + 3
    for kept in range(1, len(lines)):
        cut = tmp_path / f"cut{kept}"
        cut.mkdir()
        torn = lines[kept][: len(lines[kept]) // 2] if kept % 2 else b""
        (cut / TRANSCRIPT_FILE).write_bytes(b"".join(lines[:kept]) + torn)
        measured = sum(b'"m-infer-done"' in line for line in lines[: max(kept - 2, 0)])
        device = kws_device()
        record, _ = resume_benchmark(cut, request(tmp_path / "data"), Listener(), opener(device))
        assert metrics_of(record) == metrics_of(whole), kept
        assert record.resumed == 1
        # What was measured is not measured again, but for the trial and the pair of counts, which go together.
        assert len(device.inferred) <= all_inferred - (measured if measured > 4 else 0), kept


@pytest.mark.parametrize(
    ("changes", "sentence"),
    [
        ({"task": "ad"}, "task was kws, is ad"),
        ({"device": "stm32f446"}, "device was stm32f746, is stm32f446"),
        ({"iterations": 3}, "iterations was None, is 3"),
        ({"modes": ("accuracy",)}, "modes was"),
        ({"limit": 7}, "limit was 3, is 7"),
    ],
)
def test_resume_refuses_other_settings(tmp_path: Path, changes: dict[str, Any], sentence: str) -> None:
    _, folder = run(tmp_path, limit=3)
    killed(folder)
    with pytest.raises(RecordError, match=sentence):
        resume_benchmark(folder, request(tmp_path / "data", **changes), Listener(), opener(kws_device()))


def test_resume_refuses_other_data_and_other_time(tmp_path: Path) -> None:
    _, folder = run(tmp_path, limit=3)
    killed(folder)
    with pytest.raises(RecordError, match="was measured in emulated time"):
        resume_benchmark(folder, request(tmp_path / "data"), Listener(), opener(kws_device(timing="hardware")))
    other = kws_folder(tmp_path / "other", samples=13)
    with pytest.raises(RecordError, match=r"on other data: it was 'kws01, real: 12 samples.*is 'kws01"):
        resume_benchmark(folder, request(other), Listener(), opener(kws_device()))


def test_a_complete_run_is_recomputed_without_its_device(tmp_path: Path) -> None:
    record, folder = run(tmp_path, limit=3)
    written = (folder / RECORD_FILE).read_bytes()
    transcript = (folder / TRANSCRIPT_FILE).read_bytes()
    (folder / RECORD_FILE).unlink()

    def no_device(url: str, *, baud: int | None = None) -> FakeDevice:
        raise AssertionError(url)

    again, _ = resume_benchmark(folder, Request(), Listener(), no_device)
    assert again == record
    assert (folder / RECORD_FILE).read_bytes() == written
    assert (folder / TRANSCRIPT_FILE).read_bytes() == transcript
    with pytest.raises(RecordError, match="task was kws, is ad"):
        resume_benchmark(folder, Request(task="ad"), Listener(), no_device)


def test_a_changed_record_is_logged_and_rewritten(tmp_path: Path) -> None:
    record, folder = run(tmp_path, limit=3)
    path = folder / RECORD_FILE
    written = path.read_text()
    path.write_text(written.replace('"latency_ms": 20.0', '"latency_ms": 12.0'))
    log: list[str] = []
    again, _ = resume_benchmark(folder, Request(), Listener(log.append))
    assert again == record
    assert log[-1] == (
        "record.json was changed and is rewritten: performance.latency_ms is 12.0, its transcript gives 20.0"
    )
    assert path.read_text() == written


def test_a_run_whose_transcript_was_changed_or_cut_is_refused(tmp_path: Path) -> None:
    _, folder = run(tmp_path, limit=3)
    path = folder / TRANSCRIPT_FILE
    whole = path.read_bytes()
    lines = whole.splitlines(keepends=True)
    path.write_bytes(b"".join(lines[:-2]))
    for act in (lambda: resume_benchmark(folder, Request(), Listener()), lambda: read_record(folder)):
        with pytest.raises(RecordError, match=f"{len(lines) - 2} whole lines, {len(lines)} were recorded: its end was"):
            act()
    path.write_bytes(whole.replace(b"m-results-[0.000", b"m-results-[0.001", 1))
    with pytest.raises(RecordError, match="is not what was written there"):
        read_record(folder)
    path.write_bytes(whole)
    record = (folder / RECORD_FILE).read_text()
    forged(folder, "m-results-[0.000", "m-results-[0.001")
    (folder / RECORD_FILE).write_text(record)
    with pytest.raises(RecordError, match="is not the transcript of its record"):
        read_record(folder)


@pytest.mark.parametrize(
    ("content", "sentence"),
    [
        ("{", "cannot be read"),
        ("[]", "is no record"),
        ('{"seal":{"lines":"x"}}', "has the chain digest"),
        ('{"chain_digest":{"lines":1}}', "has the chain digest"),
    ],
)
def test_a_damaged_record_is_refused(tmp_path: Path, content: str, sentence: str) -> None:
    _, folder = run(tmp_path, limit=3)
    (folder / RECORD_FILE).write_text(content)
    with pytest.raises(RecordError, match=rf"record\.json {sentence}"):
        read_record(folder)


EDITS = [
    ('"clock_hz":216000000', '"clock_hz":"fast"'),
    ('"modes":["performance","accuracy"]', '"modes":5'),
    ('"device":{', '"device":[],"x":{'),
    ('"url":"fake://"', '"uri":"fake://"'),
    ('"iterations":505', '"iterations":"many"'),
    ('"latency_us":20000.0', '"latency_us":NaN'),
    ('"latency_us":20000.0', '"latency_us":1' + "0" * 400),
    ('"attempt":1,"window":3', '"attempt":"1","window":3'),
    ('"window":0,"windows":1', '"window":1,"windows":1'),
    ('"s":"m-infer-start-505"', '"s":7'),
    ('"at":"before","instructions":', '"at":"before","instructions":"x","y":'),
]


@pytest.mark.parametrize(("written", "edited"), EDITS, ids=[edited for _, edited in EDITS])
def test_an_edited_transcript_is_refused(tmp_path: Path, written: str, edited: str) -> None:
    _, folder = run(tmp_path, limit=3)
    forged(folder, written, edited)
    for torn_bytes in (0, 40):
        killed(folder, torn_bytes=torn_bytes)
        with pytest.raises(RecordError, match="is damaged"):
            resume_benchmark(folder, request(tmp_path / "data"), Listener(), opener(kws_device()))


def test_an_interrupted_run_logs_how_to_resume(tmp_path: Path) -> None:
    def interrupt(progress: Progress) -> None:
        if progress.stage == "accuracy":
            raise BrokenPipeError(32, "Broken pipe")

    log: list[str] = []
    kws_folder(tmp_path / "data")
    with pytest.raises(BrokenPipeError):
        run_benchmark(
            request(tmp_path / "data"), tmp_path / "runs", Listener(log.append, interrupt), opener(kws_device())
        )
    (folder,) = (tmp_path / "runs").iterdir()
    assert log[-1] == f"what was measured is kept; resume it with --resume {folder}"
    assert read_transcript(folder / TRANSCRIPT_FILE)[-1]["e"] == "stop"
    assert (folder / RECORD_FILE).is_file()


@pytest.mark.parametrize(("noise", "kept"), [(b"", False), (b"$GPGGA,noise\r\n", True)], ids=["silent", "noise"])
def test_a_port_that_never_answered_leaves_no_run_folder(tmp_path: Path, noise: bytes, kept: bool) -> None:
    log: list[str] = []
    kws_folder(tmp_path / "data")
    mute = FakeDevice(spoil=lambda command, reply: noise)
    with pytest.raises(BenchError):
        run_benchmark(request(tmp_path / "data"), tmp_path / "runs", Listener(log.append), opener(mute))
    assert len(list((tmp_path / "runs").iterdir())) == kept
    assert ("no run folder is kept" in log[-1]) is not kept


@pytest.mark.parametrize("timing", ["hardware", "emulated"])
def test_a_replayed_transcript_gives_the_same_record(tmp_path: Path, timing: str) -> None:
    def stutter(command: str, reply: bytes) -> bytes:
        return b"e-[late]\r\n" + reply if command == "name" else reply

    device = kws_device(timing=timing, instructions_per_inference=None, spoil=stutter)
    record, folder = run(tmp_path, device)
    url = f"replay://{folder / TRANSCRIPT_FILE}"
    again, _ = run_benchmark(request(tmp_path / "data", port=url), tmp_path / "replayed", Listener(), open_transport)
    assert metrics_of(again) == metrics_of(record)
    assert again.settings.device.timing == timing
    with pytest.raises(DeviceGone, match="was sent where the recording has"):
        run_benchmark(
            request(tmp_path / "data", port=url, iterations=3), tmp_path / "other", Listener(), open_transport
        )
