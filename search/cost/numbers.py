# SPDX-License-Identifier: Apache-2.0
"""Arithmetic that costs are written in: on numbers of a network, and on tensors of a search with gradients.

A channel count is an int of a plain network, or the expected width of a searched one, a tensor. Sums and products are
the operators of either; what is not is here.
"""

from __future__ import annotations

from collections.abc import Sequence
from math import exp
from typing import Any

Value = Any
"""A Python number, or a scalar tensor."""


def is_number(value: Value) -> bool:
    """Return whether a value is a plain number."""
    return isinstance(value, (int, float)) or type(value).__module__ == "numpy"


def largest(values: Sequence[Value]) -> Value:
    """Return the largest of some values; its gradient is that of the largest."""
    if all(map(is_number, values)):
        return max(values)
    import tensorflow as tf

    return tf.reduce_max(tf.stack([tf.cast(value, tf.float32) for value in values]))


def multiple_above(value: Value, step: int) -> Value:
    """Return the next multiple, such as what a kernel that takes four channels at a time computes.

    The gradient passes straight through: an expected width has no multiple to stand on.

    Args:
        value: A count.
        step: What it is rounded up to a multiple of.

    Examples:
        >>> multiple_above(138, 4)
        140
    """
    if is_number(value):
        return -(-value // step) * step
    import tensorflow as tf

    return value + tf.stop_gradient(tf.math.ceil(value / step) * step - value)


def excess(value: Value, limit: float) -> Value:
    """Return by how much a value exceeds a limit; 0 where it does not.

    Args:
        value: A count.
        limit: What does not count.
    """
    if is_number(value):
        return max(0, value - limit)
    import tensorflow as tf

    return tf.nn.relu(value - limit)


def exceeds(value: Value, limit: float) -> Value:
    """Return 1.0 where a value exceeds a limit, else 0.0; it has no gradient.

    Args:
        value: A count.
        limit: The largest value for which it is 0.0.
    """
    if is_number(value):
        return float(value > limit)
    import tensorflow as tf

    return tf.stop_gradient(tf.cast(value > limit, value.dtype))


def decay(value: Value) -> Value:
    """Return exp(-value)."""
    if is_number(value):
        return exp(-value)
    import tensorflow as tf

    return tf.exp(-value)
