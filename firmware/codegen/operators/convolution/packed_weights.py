# SPDX-License-Identifier: Apache-2.0
"""Filters, biases and requantisation parameters in the order in which the kernels of ``dsp/dot.h`` read them."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from mlperf_tiny.firmware.codegen.operators.convolution.requantization import Requantization
from mlperf_tiny.firmware.codegen.operators.convolution.weights import product_range


def pair_order(runs: int, run_values: int) -> NDArray[np.int64]:
    """Return (pairs, 2): the index in the im2col column of each value of a pair; -1 for none.

    It is the order that ``dsp/conv2d_s8_dsp.h`` describes.

    Args:
        runs: Runs of neighbouring input values in an im2col column, at least 1.
        run_values: Values of each, at least 1.

    Examples:
        >>> pair_order(1, 5).tolist()
        [[0, 2], [1, 3], [4, -1]]
    """
    run: list[tuple[int, int]] = []
    for start in range(0, run_values - 3, 4):
        run += [(start, start + 2), (start + 1, start + 3)]
    rest = list(range(run_values & ~3, run_values))
    if len(rest) >= 2:
        run.append((rest[0], rest[1]))
        rest = rest[2:]
    if rest:
        run.append((rest[0], -1))
    one = np.array(run)
    return np.concatenate([np.where(one < 0, -1, one + index * run_values) for index in range(runs)])


def can_pack_pairs(requant: Requantization, pairs: int) -> bool:
    """Return True where two filters may share an int16 as 256 * second + first, and where that is a gain.

    Splitting costs eight instructions for eight outputs, widening one for each pair of values.

    Args:
        requant: The layer's filters and biases.
        pairs: Pairs of values in an im2col column.
    """
    first, second = _filter_pairs(requant.values)
    bias = requant.bias[1 : 2 * len(second) : 2]
    smallest, greatest = product_range(second)
    largest = np.maximum(np.abs(bias + smallest), np.abs(bias + greatest))
    exists = not np.any((second == -128) & (first < 0))
    return pairs > 8 and len(second) > 0 and exists and bool((largest < 1 << 23).all())


def pack_weights(requant: Requantization, order: NDArray[np.int64], packed_pairs: bool) -> NDArray[np.int32]:
    """Return the words that the kernel reads in order.

    Args:
        requant: The layer's filters, biases and requantisation parameters.
        order: (pairs, 2): the order of the values, from ``pair_order``.
        packed_pairs: Two filters share an int16 (``packed_pairs`` in ``dsp/dot.h``).
    """
    channels = requant.values.shape[0]
    values, bias_values = requant.values, requant.bias
    if packed_pairs:
        first, second = _filter_pairs(values)
        values, bias_values = values.copy(), bias_values.copy()
        values[1 : 2 * len(second) : 2] = second - (first < 0)
        bias_values[1 : 2 * len(second) : 2] = (
            256 * requant.bias[1 : 2 * len(second) : 2] + (requant.bias[0 : 2 * len(second) : 2])
        )
    padded = np.concatenate([values, np.zeros((channels, 1), np.int8)], axis=1)
    pairs = padded[:, order]  # (channels, pairs, 2); -1 picks the zero
    parameters = (requant.parameters & 0xFFFFFFFF).astype(np.uint32)
    bias = (bias_values & 0xFFFFFFFF).astype(np.uint32)
    words: list[NDArray[np.uint32]] = []
    for first_channel in range(0, channels - 1, 2):
        both = slice(first_channel, first_channel + 2)
        bytes_ = pairs[both].transpose(1, 2, 0)  # pair, half, filter
        words += [bias[both], _words(bytes_), parameters[both].reshape(-1)]
    if channels % 2:
        last = pairs[-1]
        if len(last) % 2:
            last = np.concatenate([last, np.zeros((1, 2), np.int8)])
        words += [bias[-1:], _words(last.reshape(-1, 2, 2).transpose(0, 2, 1)), parameters[-1]]
    return np.concatenate(words).view(np.int32)


def _filter_pairs(values: NDArray[np.int8]) -> tuple[NDArray[np.int8], NDArray[np.int8]]:
    """Return the first and the second filters of all pairs; an odd last one is left out."""
    whole = len(values) & ~1
    return values[0:whole:2], values[1:whole:2]


def _words(bytes_: NDArray[np.int8]) -> NDArray[np.uint32]:
    return np.ascontiguousarray(bytes_).reshape(-1).view("<u4").astype(np.uint32)
