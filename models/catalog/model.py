# SPDX-License-Identifier: Apache-2.0
"""What is known of a model before it is compiled, and its file by path."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from mlperf_tiny.errors import DataError, WrongRequest
from mlperf_tiny.models.catalog.official import FeatureInput, InputFormat
from mlperf_tiny.models.tasks import BY_NAME

Origin = Literal["shipped", "official", "path"]

MAX_MODEL_BYTES = 64 * 1024 * 1024


@dataclass(frozen=True, kw_only=True)
class CatalogModel:
    """One model that can be run."""

    name: str
    """Its name, or the stem of its file."""
    task: str
    """The name of its task."""
    origin: Origin
    """Where it comes from."""
    load: Callable[[], bytes]
    """Returns the file's bytes, checked against ``sha256``; it may download, and raises DataError."""
    sha256: str
    """The hash of the file."""
    input_format: InputFormat | None
    """Which inputs it takes; None for a path: the caller reads the file and calls ``benchmark_format``."""
    input_bytes: int | None
    """Size of the int8 input tensor; None for a path."""
    training_data: Literal["real", "synthetic", "unknown"]
    """What it was trained on."""
    licence: str
    """Its licence, or "unknown"."""
    url: str
    """Its address; "" where it has none."""
    feature_input: FeatureInput | None = None
    """How its inputs are made where it does not take the official files."""


def read_model(path: Path) -> bytes:
    """Return the bytes of a model file; raises DataError for one that cannot be read or is larger than any model."""
    try:
        with path.open("rb") as stream:
            content = stream.read(MAX_MODEL_BYTES + 1)
    except OSError as error:
        raise WrongRequest(f"model file {path} cannot be read: {error.strerror}. Check the path.") from error
    if len(content) > MAX_MODEL_BYTES:
        raise DataError(f"{path} is larger than the {MAX_MODEL_BYTES:,} bytes any model may have. Check the path.")
    return content


def benchmark_format(task: str, input_bytes: int, scale: float, zero_point: int) -> InputFormat:
    """Return whether a model takes the official files of a task.

    The official keyword files are already quantised: a model of the same shape but another scale needs other inputs.

    Args:
        task: Name of the model's task; it need not be runnable.
        input_bytes: Size of the int8 input tensor.
        scale: Quantisation scale of that tensor.
        zero_point: Quantisation zero point of that tensor.

    Returns:
        "benchmark" for a model that takes them, "features" for any other.
    """
    tensor = BY_NAME[task].tensor if task in BY_NAME else None
    if tensor is None or input_bytes != tensor.size_bytes:
        return "features"
    same_scale = tensor.scale is None or abs(scale - tensor.scale) <= 1e-4 * tensor.scale
    same_zero = tensor.zero_point is None or zero_point == tensor.zero_point
    return "benchmark" if same_scale and same_zero else "features"
