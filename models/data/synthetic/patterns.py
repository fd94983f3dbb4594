# SPDX-License-Identifier: Apache-2.0
"""Synthetic inputs of the right size and texture for the tasks whose real data cannot be synthesised.

They exercise device and protocol. No answer to them is right or wrong, so they carry no label.
"""

from __future__ import annotations

import zlib

import numpy as np
from numpy.typing import NDArray

from mlperf_tiny.models.tasks import Task


def pattern_bytes(task: Task, number: int) -> bytes:
    """Return a pattern of a task, the same on every machine and in every run.

    Args:
        task: The task.
        number: Which pattern.

    Returns:
        ``task.file_bytes`` bytes.
    """
    rng = np.random.default_rng([zlib.crc32(task.model_id.encode()), number])
    return _smooth(rng, task.file_bytes)


def random_bytes(count: int, number: int) -> bytes:
    """Return smooth pseudo-random bytes for a model that no data set fits.

    Args:
        count: Size of the model's input tensor.
        number: Which input.

    Returns:
        ``count`` bytes.
    """
    return _smooth(np.random.default_rng([0, number, count]), count)


def _smooth(rng: np.random.Generator, count: int) -> bytes:
    """A slow wave, a plateau and noise: values over the whole range of a byte, neighbours alike."""
    at = np.arange(count) / count
    periods, phase, depth = rng.integers(2, 40), rng.random(), 30.0 + 60.0 * rng.random()
    # A triangle wave needs only exact operations, so every machine rounds alike.
    wave: NDArray[np.float64] = np.abs((at * periods + phase) % 1.0 * 4.0 - 2.0) - 1.0
    step = np.where(at < rng.random(), 20.0, -20.0)
    noise = rng.integers(-24, 25, count)
    return (np.clip(np.round(depth * wave) + step + noise, -128, 127)).astype(np.int8).tobytes()
