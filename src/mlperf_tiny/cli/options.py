# SPDX-License-Identifier: Apache-2.0
"""Options that several commands share, and their help texts.

A decorator adds a group of options to a command, which gets their values as one dataclass::

    @click_command()
    @image_options()
    def main(image: ImageOptions) -> None: ...
"""

from __future__ import annotations

import functools
import math
from collections.abc import Callable
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Any, TypeVar

import click

from mlperf_tiny.cli.command import OneOf
from mlperf_tiny.errors import UsageError
from mlperf_tiny.models.tasks import ALL_TASKS, task_names
from mlperf_tiny.runners.emulator.executors import set_translates
from mlperf_tiny.runners.emulator.timing.levels import DEFAULT_LEVEL, LEVELS
from mlperf_tiny.runners.open import DEFAULT_BAUD

Function = Callable[..., Any]
Decorator = Callable[[Function], Function]
Options = TypeVar("Options")

DEFAULT_ENGINE = "compiled"
MIN_TIMEOUT_S, MAX_TIMEOUT_S = 0.1, 86_400.0

DIR = click.Path(path_type=Path)
FILE = click.Path(path_type=Path)
COUNT = click.IntRange(min=1)

_HELP = {
    "task": f"Benchmark task: {task_names()}.",
    "model": "A known model or a .tflite file.",
    "device": "Device by chip, e.g. stm32f746; benchmark-devices lists them.",
    "engine": "Inference engine: compiled, or tflm (needs TFLM_DIR).",
    "toolchain": "Cross compiler: zig (installed with this program) or gcc (arm-none-eabi-gcc).",
    "timing": "Timing model of the emulated board: one constant per instruction class; the core's pipeline; or also "
    "caches and wait states.",
    "no-translate": "Emulate without translating hot functions to native code: the same results, slower.",
    "data": "Folder with the official data and models.",
    "repeat": "May be repeated.",
}


def help_text(text: str, default: object) -> str:
    """Return help with a default that is applied later, in the form that click shows its own.

    Args:
        text: One sentence.
        default: The value, or how it is found.

    Examples:
        >>> help_text("Serial baud rate.", 115200)
        'Serial baud rate.  [default: 115200]'
    """
    return f"{text}  [default: {default}]"


def option_group(name: str, options_type: type[Any], *options: Decorator) -> Decorator:
    """Return a decorator that adds options to a command and hands their values over as one dataclass.

    Args:
        name: The parameter of the command that gets the dataclass.
        options_type: The dataclass; each option must be named like one of its fields.
        options: Decorators made by ``click.option``, in the order of the help.
    """

    def decorate(function: Function) -> Function:
        @functools.wraps(function)
        def packed(**values: Any) -> Any:
            own = {field.name: values.pop(field.name) for field in fields(options_type) if field.name in values}
            return function(**{name: options_type(**own)}, **values)

        command: Function = packed
        for option in reversed(options):
            command = option(command)
        return command

    return decorate


def device_option(*, required: bool = False) -> Decorator:
    """Return the option ``--device``; with ``required`` a command line without it is refused."""
    return click.option("--device", required=required, metavar="DEVICE", help=_HELP["device"])


def _choose_executor(context: click.Context, parameter: click.Parameter, leave_to_engine: bool) -> None:
    set_translates(not leave_to_engine)


def timing_option() -> Decorator:
    """Return ``--timing``, None where it is not given; with ``--no-translate``, which acts by itself."""
    timing = click.option("--timing", type=OneOf(LEVELS), help=help_text(_HELP["timing"], DEFAULT_LEVEL))
    translate = click.option(
        "--no-translate", is_flag=True, expose_value=False, callback=_choose_executor, help=_HELP["no-translate"]
    )
    return lambda function: timing(translate(function))


@dataclass(frozen=True, kw_only=True)
class ImageOptions:
    """Which firmware image runs on which device, and how its time is modelled."""

    task: str | None
    """Name of the benchmark task; None: found from the model or the device."""
    models: tuple[str, ...] = ()
    """Known names or paths of .tflite files; at most one unless the command takes several."""
    devices: tuple[str, ...] = ()
    """Devices by chip; at most one unless the command takes several."""
    engines: tuple[str, ...] = ()
    """Inference engines; at most one unless the command takes several."""
    toolchain: str | None
    """Cross compiler; None: the default of the engine."""
    timing: str | None
    """Level of the timing model; None: the default level."""

    @property
    def model(self) -> str | None:
        """The model, for a command that takes one."""
        return self.models[0] if self.models else None

    @property
    def device(self) -> str | None:
        """The device, for a command that takes one."""
        return self.devices[0] if self.devices else None

    @property
    def engine(self) -> str | None:
        """The engine, for a command that takes one."""
        return self.engines[0] if self.engines else None


def _one(context: click.Context, parameter: click.Parameter, value: str | None) -> tuple[str, ...]:
    return () if value is None else (value,)


def image_options(*, several: bool = False, model: bool = True, device_required: bool = False) -> Decorator:
    """Return the decorator for ``ImageOptions``, handed over as ``image``.

    Args:
        several: Models, devices and engines may be repeated, and all that are available are the default.
        model: Offer ``--model``; a command with the model as its argument leaves it out.
        device_required: Refuse a command line without ``--device``.
    """

    def named(option: str, field: str, metavar: str, default: str = "", required: bool = False) -> Decorator:
        text = f"{_HELP[option]} {_HELP['repeat']}" if several else _HELP[option]
        shown = "all available" if several else default
        kind: dict[str, Any] = {"multiple": True} if several else {"callback": _one, "required": required}
        text = help_text(text, shown) if shown else text
        return click.option(f"--{option}", field, metavar=metavar, help=text, **kind)

    # Models can be compared that no benchmark of this program runs yet.
    tasks = task_names(task for task in ALL_TASKS if task.default_model)
    options: tuple[Decorator, ...] = (
        click.option("--task", metavar="TASK", help=f"Only models for {tasks}." if several else _HELP["task"]),
        named("device", "devices", "DEVICE", required=device_required),
        *([named("model", "models", "NAME|PATH", "the model of the task")] if model else []),
        named("engine", "engines", "ENGINE", DEFAULT_ENGINE),
        click.option("--toolchain", metavar="NAME", help=help_text(_HELP["toolchain"], "zig; for tflm the one found")),
        timing_option(),
    )
    return option_group("image", ImageOptions, *options)


@dataclass(frozen=True, kw_only=True)
class DataOptions:
    """Which inputs a model is run on."""

    data: Path | None
    """Folder with the official data; None: MLPERF_TINY_DATA, then the download cache."""
    synthetic: bool = False
    """Use synthetic data even where official data is available."""

    def __post_init__(self) -> None:
        if self.data is not None and self.synthetic:
            raise UsageError("--data and --synthetic exclude each other; give one of them.")


def data_options(*, synthetic: bool = False, text: str = _HELP["data"]) -> Decorator:
    """Return the decorator for ``DataOptions``, handed over as ``data``.

    Args:
        synthetic: Offer ``--synthetic`` too.
        text: Help of ``--data``, where the folder is used for something else.
    """
    data = click.option("--data", type=DIR, metavar="DIR", help=help_text(text, "$MLPERF_TINY_DATA"))
    help_synthetic = "Use synthetic data even where official data is available."
    flag = click.option("--synthetic", is_flag=True, help=help_synthetic)
    return option_group("data", DataOptions, data, *([flag] if synthetic else []))


image_file_option: Decorator = click.option(
    "--image",
    "image_file",
    type=FILE,
    metavar="FILE",
    help="Firmware that was built elsewhere (ELF, HEX or BIN), to run on the emulated --device.",
)


@dataclass(frozen=True, kw_only=True)
class RunOptions:
    """What is measured, over which line, and where the record goes."""

    mode: str | None
    """``performance``, ``accuracy`` or ``all``; None: all that the data can be scored for."""
    port: str | None
    """Serial port or pyserial URL of a board with firmware; None: emulate the device."""
    baud: int | None
    """Rate of the serial line; None: 115200."""
    limit: int | None
    """Files of the accuracy run; None: all."""
    iterations: int | None
    """Inferences in a timed window; None: chosen by a calibration run."""
    timeout: float | None
    """Host seconds for an answer; None: 5, and 120 for the first inference."""
    out: Path
    """Folder for run folders."""
    resume: Path | None
    """Run folder to continue; None: make a new run."""

    def __post_init__(self) -> None:
        if self.timeout is not None and math.isnan(self.timeout):
            raise UsageError("--timeout nan is not a number of seconds; give one.")


run_options = option_group(
    "run",
    RunOptions,
    click.option(
        "--mode",
        type=OneOf(["all", "performance", "accuracy"]),
        help=help_text("What to measure.", "all that the data can be scored for"),
    ),
    click.option(
        "--port",
        metavar="URL",
        help="A board that holds its firmware: /dev/ttyACM0, COM3, socket://HOST:PORT, or any URL of pyserial.",
    ),
    click.option("--baud", type=COUNT, metavar="N", help=help_text("Serial baud rate.", DEFAULT_BAUD)),
    click.option("--limit", type=COUNT, metavar="N", help="Files of the accuracy run; a run with a limit is unranked."),
    click.option(
        "--iterations",
        type=COUNT,
        metavar="N",
        help=help_text("Inferences in each timed window.", "from a calibration run"),
    ),
    click.option(
        "--timeout",
        type=click.FloatRange(MIN_TIMEOUT_S, MAX_TIMEOUT_S),
        metavar="S",
        help=help_text("Seconds to wait for an answer; timed windows get theirs on top.", "5; first inference 120"),
    ),
    click.option("--out", type=DIR, default=Path("runs"), metavar="DIR", help="Folder that gets the run's own folder."),
    click.option(
        "--resume",
        type=DIR,
        metavar="DIR",
        help="Continue the run in this folder, or recompute the record of a complete one.",
    ),
)
