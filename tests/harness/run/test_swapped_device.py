# SPDX-License-Identifier: Apache-2.0
"""Another device than the run's: it is found within a run and at a resumption, and the run stays resumable."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from mlperf_tiny.errors import DeviceGone, UnexpectedReply, UsageError
from mlperf_tiny.harness.run.request import Request
from mlperf_tiny.harness.run.run import resume_benchmark, run_benchmark
from mlperf_tiny.progress import Listener
from mlperf_tiny.runners.transports.faults import BY_NAME, FaultyTransport, Moment
from mlperf_tiny.runners.transports.transport import Transport
from tests.fakes.data_sets import kws_folder, one_hot
from tests.fakes.device import FakeDevice


def device(model_id: str = "kws01") -> FakeDevice:
    return FakeDevice(model_id=model_id, infer=one_hot, latency_us=20_000)


def opener(transport: Transport) -> Callable[..., Transport]:
    return lambda url, *, baud=None: transport


def request(data: Path) -> Request:
    return Request(task="kws", device="stm32f746", data=data, port="fake://", modes=("accuracy",), limit=4)


def test_another_device_that_boots_within_a_download_is_found(tmp_path: Path) -> None:
    other = FaultyTransport(
        device(), BY_NAME["another device"], Moment(word="db", occurrence=20), other=lambda: device("vww01")
    )
    with pytest.raises(UnexpectedReply, match=r"'kws01' and .* of the device that the session began with"):
        run_benchmark(request(kws_folder(tmp_path / "data")), tmp_path / "runs", Listener(), opener(other))


def test_a_refused_device_does_not_change_what_the_run_is_for(tmp_path: Path) -> None:
    data = kws_folder(tmp_path / "data")
    cut = FaultyTransport(device(), BY_NAME["disconnected before"], Moment(word="infer", occurrence=2))
    with pytest.raises(DeviceGone):
        run_benchmark(request(data), tmp_path / "runs", Listener(), opener(cut))
    (folder,) = (tmp_path / "runs").iterdir()
    for _ in range(2):  # the second time, the transcript holds the answer of the wrong device
        with pytest.raises(UsageError, match="firmware for 'vww01', this run is for 'kws01'"):
            resume_benchmark(folder, Request(data=data), Listener(), opener(device("vww01")))
    record, _ = resume_benchmark(folder, Request(data=data), Listener(), opener(device()))
    assert record.complete and record.accuracy is not None and record.accuracy.samples == 4
    assert record.identity is not None and record.identity.model_id == "kws01"
