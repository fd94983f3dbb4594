# SPDX-License-Identifier: Apache-2.0
"""Which channels of a map a network of a space has: the first few, or a share of each.

A network that is chosen has the first channels of each layer, and its weights are cut out of the shared ones. Under
probabilities p over widths w, channel c counts with the sum of p over the widths above c, the channel mask of FBNetV2
(arXiv 2004.05565, section 3.1).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import tensorflow as tf


@dataclass(frozen=True)
class First:
    """The first channels of a map, all in full."""

    count: int
    """How many."""

    def cut(self, values: Any, axis: int) -> Any:
        """Return the part of shared values that belongs to the channels.

        Args:
            values: A tensor.
            axis: Its axis of channels, from 0.
        """
        if values.shape[axis] == self.count:
            return values
        return values[(slice(None),) * axis + (slice(None, self.count),)]

    def gate(self, tensor: Any) -> Any:
        """Return a map as it is."""
        return tensor

    def mask(self, width: int) -> Any:
        """Return 1 for each channel, 0 up to ``width``."""
        return tf.constant([1.0] * self.count + [0.0] * (width - self.count))


@dataclass(frozen=True)
class Mask:
    """All channels of a map, each in part."""

    shares: Any
    """Tensor, shape (channels,): 1 in full, 0 not at all; it does not rise from one channel to the next."""

    def cut(self, values: Any, axis: int) -> Any:
        """Return the part of shared values that belongs to the channels, whatever their shares.

        Args:
            values: A tensor.
            axis: Its axis of channels, from 0.
        """
        return First(self.shares.shape[0]).cut(values, axis)

    def gate(self, tensor: Any) -> Any:
        """Return a map with each channel times its share."""
        return tensor * self.shares

    def mask(self, width: int) -> Any:
        """Return the shares, with zeros up to ``width``."""
        return tf.pad(self.shares, [[0, width - self.shares.shape[0]]])


Channels = First | Mask


def width_mask(options: tuple[int, ...], probabilities: Any) -> Mask:
    """Return the mask of a width that is decided by probabilities.

    Args:
        options: The widths, rising.
        probabilities: Tensor of one value for each.
    """
    table = tf.constant([[float(channel < width) for channel in range(options[-1])] for width in options])
    return Mask(tf.linalg.matvec(table, probabilities, transpose_a=True))


def pad_channels(tensor: Any, width: int) -> Any:
    """Return a map with channels of zeros up to a width.

    Args:
        tensor: Shape (n, height, width, channels).
        width: Channels wanted.
    """
    more = width - tensor.shape[-1]
    return tensor if more == 0 else tf.pad(tensor, [[0, 0], [0, 0], [0, 0], [0, more]])


def wider(first: Channels, second: Channels, width: int) -> Channels:
    """Return the channels of a sum of two maps.

    Args:
        first: Of one.
        second: Of the other.
        width: Channels of the sum's tensor.
    """
    if isinstance(first, First) and isinstance(second, First):
        return First(max(first.count, second.count))
    return Mask(tf.maximum(first.mask(width), second.mask(width)))


def mixed(around: Channels, inside: Channels, keep: Any, width: int) -> Mask:
    """Return the channels after a block that is there with a probability.

    Args:
        around: Of its input.
        inside: Of its output.
        keep: The probability, a scalar tensor.
        width: Channels of the tensor.
    """
    return Mask(keep * inside.mask(width) + (1.0 - keep) * around.mask(width))
