# SPDX-License-Identifier: Apache-2.0
"""Rounding to int8 grids in floats, such that gradients pass: weights, activations, and where ranges start."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import tensorflow as tf
from numpy.typing import NDArray

MIN_RANGE = 1e-3
"""Smallest upper end of an activation's range."""
MAX_WEIGHT = 127
"""Largest magnitude of an int8 weight."""
CALIBRATION_PERCENTILE = 0.9995
"""Share of a tensor's values that are below the upper end of its first range; as many are above the lower end."""


def fake_quant_kernel(kernel: Any, axes: Sequence[int]) -> Any:
    """Return the kernel rounded to int8 steps, one scale per output channel; the gradient passes straight through.

    Args:
        kernel: Float tensor.
        axes: Its axes that belong to one output channel.
    """
    largest = tf.reduce_max(tf.abs(kernel), axis=axes, keepdims=True)
    scale = tf.stop_gradient(tf.maximum(largest, 1e-9)) / MAX_WEIGHT
    rounded = tf.clip_by_value(tf.round(kernel / scale), -MAX_WEIGHT, MAX_WEIGHT) * scale
    return kernel + tf.stop_gradient(rounded - kernel)


def fake_quant_activation(tensor: Any, low: Any, high: Any) -> Any:
    """Return a tensor rounded to 256 steps of a range; values beyond an end have a gradient on that end.

    Args:
        tensor: Activations.
        low: Lower end, at most 0.
        high: Upper end, at least ``MIN_RANGE``.
    """
    return tf.quantization.fake_quant_with_min_max_vars(tensor, low, high)


def calibrated_range(values: NDArray[np.float32]) -> tuple[float, float]:
    """Return the first range of a tensor: nearly all of ``values``, and 0."""
    low, high = np.quantile(values.ravel(), [1.0 - CALIBRATION_PERCENTILE, CALIBRATION_PERCENTILE])
    return min(0.0, float(low)), max(MIN_RANGE, float(high))
