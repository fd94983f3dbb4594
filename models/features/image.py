# SPDX-License-Identifier: Apache-2.0
"""Images as network inputs: resized, gray, 0..1.

MLPerf's person detector takes 96 x 96 RGB bytes and its CIFAR network 32 x 32 RGB bytes, both as they are. The Arm
MicroNets take one gray channel of 0..1 (their input tensors cover -0.45..1.54), of 50 x 50 or 128 x 128. Networks of
a space with a choice of resolutions, as MCUNet's, take RGB of 0..1 at any side.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

GRAY_WEIGHTS = np.array([0.2989, 0.5870, 0.1140], np.float32)
"""Of red, green and blue: ITU-R BT.601 as TensorFlow and PIL use it."""

Floats = NDArray[np.float32]


def unit_rgb(images: NDArray[np.uint8]) -> Floats:
    """Return (n, height, width, 3) bytes as 0..1."""
    return images.astype(np.float32) / np.float32(255)


def byte_rgb(images: NDArray[np.uint8]) -> Floats:
    """Return (n, height, width, 3) bytes as floats 0..255."""
    return images.astype(np.float32)


def gray(images: NDArray[np.uint8], side: int) -> Floats:
    """Return gray images.

    Args:
        images: Bytes of shape (n, height, width, 3).
        side: Height and width of the result.

    Returns:
        Values of 0..1, shape (n, side, side, 1).
    """
    return resized(images.astype(np.float32) @ GRAY_WEIGHTS / np.float32(255), side, side)[..., None]


def rgb(images: NDArray[np.uint8], side: int) -> Floats:
    """Return RGB images at another side.

    Args:
        images: Bytes of shape (n, height, width, 3).
        side: Height and width of the result.

    Returns:
        Values of 0..1, shape (n, side, side, 3).
    """
    unit = unit_rgb(images)
    return np.stack([resized(unit[..., channel], side, side) for channel in range(3)], axis=-1)


def resized(images: Floats, height: int, width: int) -> Floats:
    """Return images at another size.

    Bilinear with pixels as areas, as ``tf.image.resize`` defines it: the centre of output pixel i lies at
    (i + 1/2) h / height - 1/2 of the input, and pixels beyond the edge repeat the edge. When an image shrinks, the
    triangle filter grows with the ratio (``antialias=True``), so that every input pixel contributes.

    Args:
        images: Shape (n, h, w).
        height: Height of the result.
        width: Width of the result.

    Returns:
        Shape (n, height, width).
    """
    rows, columns = _weights(images.shape[1], height), _weights(images.shape[2], width)
    return np.asarray(rows @ images @ columns.T, np.float32)


def _weights(size: int, wanted: int) -> Floats:
    """The weight of each of ``size`` pixels in each of ``wanted``: shape (wanted, size), rows sum to 1."""
    radius = max(size / wanted, 1.0)
    centres = (np.arange(wanted) + 0.5) * (size / wanted) - 0.5
    distance = np.abs(centres[:, None] - np.arange(size)[None, :]) / radius
    weights = np.maximum(0.0, 1.0 - distance)
    return (weights / weights.sum(axis=1, keepdims=True)).astype(np.float32)
