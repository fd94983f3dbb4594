# SPDX-License-Identifier: Apache-2.0
"""Fitted latency models as files: those of this project in ``search/cost/fitted/``, one for each device and engine."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import asdict
from pathlib import Path
from typing import Any

import msgspec

from mlperf_tiny.errors import DataError, WrongRequest
from mlperf_tiny.search.cost.latency import LatencyModel
from mlperf_tiny.whole_file import write_whole

FORMAT = 1
FITTED = Path(__file__).parent / "fitted"


class _File(msgspec.Struct, forbid_unknown_fields=True, kw_only=True):
    format: int
    settings: dict[str, Any]
    clock_hz: float
    outside_cycles: float
    cycles: dict[str, dict[str, float]]


def fitted_path(device: str, engine: str) -> Path:
    """Return where the model of a target is kept, whether there is one or not.

    Args:
        device: The board.
        engine: The engine.
    """
    return FITTED / f"{device}-{engine}.json"


def write_latency_model(path: Path, model: LatencyModel) -> None:
    """Write a model.

    Args:
        path: The file.
        model: The model.

    Raises:
        OSError: The file cannot be written.
    """
    write_whole(path, f"{json.dumps({'format': FORMAT, **asdict(model)}, indent=1, sort_keys=True)}\n".encode())


def read_latency_model(path: Path) -> LatencyModel:
    """Return the model in a file.

    Raises:
        WrongRequest: The file cannot be read.
        DataError: It holds no model.
    """
    try:
        content = path.read_bytes()
    except OSError as error:
        raise WrongRequest(f"the latency model {path} cannot be read: {error.strerror}. Check the path.") from error
    try:
        found = msgspec.json.decode(content, type=_File)
    except (msgspec.DecodeError, ValueError) as error:
        raise DataError(f"{path} holds no latency model: {error}. Fit one with micronet-characterize.") from error
    if found.format != FORMAT:
        raise DataError(f"{path} has format {found.format}, wanted {FORMAT}. Fit it again with micronet-characterize.")
    return LatencyModel(
        settings=found.settings, clock_hz=found.clock_hz, outside_cycles=found.outside_cycles, cycles=found.cycles
    )


def differences(model: LatencyModel, settings: Mapping[str, object]) -> tuple[str, ...]:
    """Return the names of settings that a model was fitted under with other values than those given.

    Args:
        model: The model.
        settings: Values as JSON gives them.
    """
    return tuple(name for name, value in settings.items() if model.settings.get(name) != value)
