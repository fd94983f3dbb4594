# SPDX-License-Identifier: Apache-2.0
"""A run before its device is opened; its settings are complete once the device is."""

from __future__ import annotations

import datetime
from dataclasses import dataclass, field
from pathlib import Path

from mlperf_tiny.firmware.boards import Board
from mlperf_tiny.harness.image.build import ELF_FILE
from mlperf_tiny.harness.record.settings import (
    UNKNOWN_DEVICE,
    FirmwareInfo,
    ForeignImage,
    InputInfo,
    ModelInfo,
    RunDevice,
    Settings,
    versions,
)
from mlperf_tiny.harness.run.data_choice import DataChoice
from mlperf_tiny.harness.run.request import Request
from mlperf_tiny.harness.run.run_folder import new_run_id
from mlperf_tiny.models.tasks import Task
from mlperf_tiny.runners.transports.transport import DeviceInfo


@dataclass(frozen=True, kw_only=True)
class PreparedRun:
    """A run that only needs its device."""

    request: Request
    """What the user asked for."""
    task: Task
    """The task."""
    engine: str
    """Name of the engine."""
    board: Board | None
    """Row of the device; None where the user did not name it."""
    model: ModelInfo
    """The model."""
    division: str
    """``closed`` or ``open``."""
    inputs: InputInfo
    """What the model takes."""
    data: DataChoice
    """The data, and the modes to run."""
    url: str
    """What to open."""
    recorded_url: str
    """The same as it is recorded: an image as it lies beside the record, wherever it was built."""
    firmware: FirmwareInfo | None = None
    """The image; None where the device holds its own."""
    elf: Path | None = None
    """The image's file, which is kept with the record."""
    image_file: str = ELF_FILE
    """What it is called there."""
    image: ForeignImage | None = None
    """The image, where it was given as a file."""
    content: bytes | None = None
    """The .tflite, which is kept as well; None where the device came with a model that was not named."""
    started: datetime.datetime = field(default_factory=lambda: datetime.datetime.now(datetime.timezone.utc))
    """UTC."""

    def settings(self, info: DeviceInfo) -> Settings:
        """Return what is recorded of the run, with what is known of its opened device."""
        device = self._device(info)
        return Settings(
            run_id=new_run_id(self.started, self.task.name, device.device),
            started=self.started.isoformat(timespec="seconds"),
            task=self.task.name,
            engine=self.engine,
            division=self.division,
            modes=self.data.modes,
            limit=self.request.limit,
            iterations=self.request.iterations,
            inputs=self.inputs,
            device=device,
            model=self.model,
            firmware=self.firmware,
            data=self.data.info,
            versions=versions(),
            image=self.image,
        )

    def _device(self, info: DeviceInfo) -> RunDevice:
        board = self.board
        power = board.power if board is not None and info.timing == "emulated" else None
        return RunDevice(
            device=board.device if board else UNKNOWN_DEVICE,
            boards=board.boards if board else (),
            cpu=board.cpu if board else "",
            clock_hz=board.clock_hz if board else 0,
            url=self.recorded_url,
            timing=info.timing,
            timing_model=info.timing_model,
            timing_level=info.timing_level,
            timing_generation=info.timing_generation,
            active_power_w=power.active_w if power else None,
            lowest_power_w=power.lowest_w if power else None,
            highest_power_w=power.highest_w if power else None,
            power_source=power.source if power else "",
        )


@dataclass(frozen=True, kw_only=True)
class ResumedRun:
    """A run that was interrupted and only needs its device."""

    data: DataChoice
    """The data, which is that of the run."""
    url: str
    """What to open."""
