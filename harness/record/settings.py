# SPDX-License-Identifier: Apache-2.0
"""What was decided before the device was spoken to: the ``meta`` line of a transcript, as typed values."""

from __future__ import annotations

import importlib.metadata
import platform
from dataclasses import asdict, dataclass, fields, replace
from types import UnionType
from typing import Any, TypeVar, get_args, get_origin, get_type_hints

from mlperf_tiny.errors import RecordError
from mlperf_tiny.harness.wire.transcript import FORMAT, Event

PACKAGES = ("mlperf-tiny-harness", "numpy", "numba", "unicorn", "pyserial", "ziglang")

UNKNOWN_DEVICE = "unknown"
"""Recorded for a port whose board the user did not name."""

T = TypeVar("T")


@dataclass(frozen=True)
class RunDevice:
    """The device row as it was used.

    Of an emulated core ``timing_level`` says how closely its time was modelled and ``timing_model`` with which versions
    of what, else both are ""; records from before there were levels have no level. The powers are those of the board's
    row, of emulated devices only: what was measured on such a board, and by whom.
    """

    device: str
    boards: tuple[str, ...]
    cpu: str
    clock_hz: int
    url: str
    timing: str
    timing_model: str = ""
    timing_level: str = ""
    active_power_w: float | None = None
    lowest_power_w: float | None = None
    highest_power_w: float | None = None
    power_source: str = ""


@dataclass(frozen=True)
class ModelInfo:
    """The model file. ``sha256`` is "" and ``origin`` "device" when a board came with its model."""

    name: str
    sha256: str
    size_bytes: int
    origin: str
    training_data: str
    licence: str
    url: str


@dataclass(frozen=True)
class FirmwareInfo:
    """The image that was built; sizes in bytes, 0 where the host has no such memory.

    ``model_bytes`` of ``flash_bytes`` hold the model. ``engine_version`` is that of an engine from outside, else "".
    ``source_digest`` is that of this program's kernels, monitor, ports and generator (``harness.image.build``). All
    three are "" and 0 in transcripts that were written before they existed.
    """

    elf_sha256: str
    toolchain: str
    compiler: str
    flags: tuple[str, ...]
    kernels: str
    flash_bytes: int
    ram_bytes: int
    arena_bytes: int
    baud: int
    engine_version: str = ""
    model_bytes: int = 0
    source_digest: str = ""


@dataclass(frozen=True)
class DatasetInfo:
    """The data set. ``listed`` are its files in order; ``digest`` is the sha256 of its names and labels."""

    name: str
    source: str
    origin: str
    summary: str
    complete: bool
    labelled: bool
    digest: str
    listed: tuple[str, ...]


@dataclass(frozen=True)
class InputInfo:
    """``format`` is "benchmark" for the task's official files, "features" for a model's own int8 input tensor.

    ``size_bytes`` is the size of one inference's int8 input tensor; 0 when it is not known. ``classes`` are the model's
    outputs where they are not the task's: another order, or the machines whose sounds it tells apart.
    """

    format: str
    size_bytes: int
    classes: tuple[str, ...] = ()


@dataclass(frozen=True)
class Settings:
    """One run. ``limit`` is the number of samples an accuracy run was cut to, ``iterations`` what the user asked for.

    ``started`` is UTC.
    """

    run_id: str
    started: str
    task: str
    engine: str
    division: str
    modes: tuple[str, ...]
    limit: int | None
    iterations: int | None
    inputs: InputInfo
    device: RunDevice
    model: ModelInfo
    firmware: FirmwareInfo | None
    data: DatasetInfo
    versions: dict[str, str]

    def to_event(self) -> dict[str, Any]:
        """The values of the ``meta`` event."""
        return {"format": FORMAT, **asdict(self)}

    @staticmethod
    def from_event(event: Event) -> Settings:
        """Read a ``meta`` event back; raises RecordError naming what it lacks."""
        try:
            values = {field.name: event[field.name] for field in fields(Settings)}
            firmware = values["firmware"]
            values.update(
                modes=_tuples(values)["modes"],
                inputs=_input_info(values["inputs"]),
                device=_row(RunDevice, values["device"]),
                model=_row(ModelInfo, values["model"]),
                firmware=None if firmware is None else _row(FirmwareInfo, firmware),
                data=_row(DatasetInfo, values["data"]),
            )
            settings = Settings(**values)
            for row in (settings, settings.inputs, settings.device, settings.model, settings.firmware, settings.data):
                _check_types(row)
            return settings
        except (KeyError, TypeError, AttributeError) as error:
            raise RecordError(f"the transcript's 'meta' line is damaged ({error!r}).") from error


def _input_info(values: Any) -> InputInfo:
    info = _row(InputInfo, values)
    # Older transcripts call this format "own".
    return replace(info, format="features") if info.format == "own" else info


def versions() -> dict[str, str]:
    """Versions of the project, Python, the packages that matter to a result, and the operating system."""
    found = {"python": platform.python_version(), "os": platform.platform()}
    for package in PACKAGES:
        try:
            found[package] = importlib.metadata.version(package)
        except importlib.metadata.PackageNotFoundError:
            found[package] = ""
    return found


def _row(kind: type[T], values: dict[str, Any]) -> T:
    return kind(**_tuples(values))


def _tuples(values: dict[str, Any]) -> dict[str, Any]:
    return {key: tuple(value) if isinstance(value, list) else value for key, value in values.items()}


def _check_types(row: Any) -> None:
    """Raise TypeError for a row whose values are not of the types its class says."""
    for name, wanted in () if row is None else get_type_hints(type(row)).items():
        value = getattr(row, name)
        kinds = get_args(wanted) if isinstance(wanted, UnionType) else (get_origin(wanted) or wanted,)
        items = value.values() if isinstance(value, dict) else value if isinstance(value, tuple) else ()
        if type(value) not in kinds or any(type(item) is not str for item in items):
            raise TypeError(f"{name} is {str(value)[:80]!r}")
