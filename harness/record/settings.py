# SPDX-License-Identifier: Apache-2.0
"""What is known of a run before its device is used: the ``meta`` line of a transcript, as typed values.

Fields with a default were not in the transcripts of earlier programs.
"""

from __future__ import annotations

import importlib.metadata
import platform
from dataclasses import asdict, dataclass
from typing import Any, Literal

import msgspec

from mlperf_tiny.errors import RecordError
from mlperf_tiny.harness.wire.events import Event
from mlperf_tiny.harness.wire.transcript import FORMAT
from mlperf_tiny.models.tasks import Metric, find_task

PACKAGES = ("mlperf-tiny-harness", "numpy", "numba", "unicorn", "pyserial", "ziglang")

UNKNOWN_DEVICE = "unknown"
"""Recorded for a port whose board the user did not name."""

FORMER_FEATURES = "own"
"""What ``InputInfo.format`` "features" was called before format 3."""


@dataclass(frozen=True, kw_only=True)
class RunDevice:
    """The device as it was used."""

    device: str
    """Name of its row; ``unknown`` where the user did not name it."""
    boards: tuple[str, ...]
    """Boards with this chip."""
    cpu: str
    """Its core."""
    clock_hz: int
    """Of the core; 0 for the host."""
    url: str
    """What was opened; an image as it lies beside the record."""
    timing: str
    """Whose time a device microsecond is: ``hardware``, ``emulated`` or ``host``."""
    timing_model: str = ""
    """Versions of the model of an emulated core's time; "" for other devices."""
    timing_level: str = ""
    """How closely it was modelled; "" for other devices, and before there were levels."""
    timing_generation: int | None = None
    """Emulated results of one generation are ranked together; 1 in records from before there were generations."""
    active_power_w: float | None = None
    """Mean power measured on such a board while it infers; of emulated boards only."""
    lowest_power_w: float | None = None
    """Least of these measurements."""
    highest_power_w: float | None = None
    """Greatest of them."""
    power_source: str = ""
    """Who measured them."""


@dataclass(frozen=True, kw_only=True)
class ModelInfo:
    """The model file."""

    name: str
    """In the catalogue, or of the file; ``on the device`` when a board came with an unnamed model."""
    sha256: str
    """Of the file, hex; "" when the board came with it."""
    size_bytes: int
    """Of the file."""
    origin: str
    """``shipped``, ``official``, ``path``, or ``device`` when the board came with it."""
    training_data: str
    """``real``, ``synthetic`` or ``unknown``."""
    licence: str
    """Its licence."""
    url: str
    """Where it is published."""


@dataclass(frozen=True, kw_only=True)
class FirmwareInfo:
    """The image that was built; sizes in bytes, 0 where the host has no such memory."""

    elf_sha256: str
    """Of the ELF file, hex."""
    toolchain: str
    """``zig`` or ``gcc``."""
    compiler: str
    """Its version."""
    flags: tuple[str, ...]
    """Compiler flags."""
    kernels: str
    """Such as ``dsp`` or ``CMSIS-NN``."""
    flash_bytes: int
    """Whole image."""
    ram_bytes: int
    """Static memory and stack."""
    arena_bytes: int
    """Activations and scratch."""
    baud: int
    """Serial rate."""
    engine_version: str = ""
    """Of an external engine."""
    model_bytes: int = 0
    """Part of ``flash_bytes`` that is the model."""
    source_digest: str = ""
    """Of this program's kernels, monitor, ports and generator (``image.build.source_digest``)."""
    flash_sha256: str = ""
    """Of the bytes that are written to flash, which unlike the ELF file hold no symbols; "" for the host."""


@dataclass(frozen=True, kw_only=True)
class ForeignImage:
    """An image that was given as a file, and run on an emulated board."""

    file: str
    """Its name in the run's folder."""
    name: str
    """The name it was given under."""
    sha256: str
    """Of the file, hex."""
    size_bytes: int
    """Of the file."""
    kind: Literal["foreign"] = "foreign"
    """It was not built by this program."""


@dataclass(frozen=True, kw_only=True)
class DatasetInfo:
    """The data set."""

    name: str
    """Benchmark id, such as ``kws01``."""
    source: str
    """``real`` or ``synthetic``."""
    origin: str
    """Where it was found."""
    summary: str
    """Description for people."""
    complete: bool
    """Whether it is a whole list of the benchmark."""
    labelled: bool
    """Whether answers can be scored."""
    digest: str
    """sha256 (hex) of its names and labels."""
    listed: tuple[str, ...]
    """Its files in order."""


@dataclass(frozen=True, kw_only=True)
class InputInfo:
    """What the model takes."""

    format: Literal["benchmark", "features"]
    """``benchmark``: the task's official files. ``features``: the model's own int8 input tensor."""
    size_bytes: int
    """Of one inference's int8 input tensor; 0 when it is not known."""
    classes: tuple[str, ...] = ()
    """The model's outputs where they are not the task's: another order, or ids of machines."""


@dataclass(frozen=True, kw_only=True)
class Settings:
    """One run."""

    run_id: str
    """Time, task, device and a random part."""
    started: str
    """UTC, ISO 8601."""
    task: str
    """Name of the task."""
    engine: str
    """Name of the engine; ``on the device`` when nothing was built."""
    division: str
    """``closed`` or ``open``."""
    modes: tuple[str, ...]
    """``performance``, ``accuracy``."""
    limit: int | None
    """Number of samples an accuracy run was cut to."""
    iterations: int | None
    """Per window as the user asked; None: calibrated."""
    inputs: InputInfo
    """What the model takes."""
    device: RunDevice
    """The device."""
    model: ModelInfo
    """The model."""
    firmware: FirmwareInfo | None
    """The image; None when the device held its own."""
    data: DatasetInfo
    """The data set."""
    versions: dict[str, str]
    """Of Python, of the packages that matter to a result, and of the operating system."""
    image: ForeignImage | None = None
    """The image that was given; None where one was built, or the device held its own."""

    @property
    def result_values(self) -> int | None:
        """Numbers of one result of the device; None for a model with its own input and outputs that are not known."""
        if self.inputs.classes:
            return len(self.inputs.classes)
        if self.inputs.format != "benchmark":
            return None
        task = find_task(self.task)
        return 1 if task.metric is Metric.AUC else task.classes

    def to_event(self) -> dict[str, Any]:
        """The values of the ``meta`` event."""
        return {"format": FORMAT, **asdict(self)}

    @staticmethod
    def from_event(event: Event) -> Settings:
        """Read a ``meta`` event of any format; raises RecordError naming what is missing or of another type."""
        try:
            return msgspec.convert(_migrated(event), Settings)
        except (msgspec.ValidationError, ValueError) as error:  # ValueError: a lone surrogate
            raise RecordError(f"the transcript's 'meta' line is damaged: {error}.") from error


def _migrated(event: Event) -> Event:
    """An event of an earlier format as today's."""
    inputs, device = event.get("inputs"), event.get("device")
    if isinstance(inputs, dict) and inputs.get("format") == FORMER_FEATURES:
        event = {**event, "inputs": {**inputs, "format": "features"}}
    if isinstance(device, dict) and device.get("timing_model"):
        event = {**event, "device": {"timing_generation": 1, **device}}
    return event


def versions() -> dict[str, str]:
    """Versions of the project, Python, the packages that matter to a result, and the operating system."""
    found = {"python": platform.python_version(), "os": platform.platform()}
    for package in PACKAGES:
        try:
            found[package] = importlib.metadata.version(package)
        except importlib.metadata.PackageNotFoundError:
            found[package] = ""
    return found
