# SPDX-License-Identifier: Apache-2.0
"""The memory that a network will need on a device, predicted from its row before anything is trained.

All sizes are of int8 networks. The constants of TFLite Micro are fitted: to arenas measured with tflite-micro of
August 2026 (within 4 % on 13 of 15 models; MLPerf's person detector and wake word take a tenth more), and to the file
sizes in the MicroNets paper's Table 4. ``python -m benchmarks.zoo`` prints predicted and published sizes.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from math import prod

from mlperf_tiny.models.arch.arch import Arch
from mlperf_tiny.models.arch.layers import INPUT

# TFLite Micro keeps a multiplier and a shift, 32 bits each, for every output channel of a convolution.
CHANNEL_BYTES = 8
OPERATOR_BYTES, INTERPRETER_BYTES = 150, 300
ALIGNMENT_BYTES = 16
# A file keeps scale (32 bits) and zero point (64 bits) of each channel, for weights and for biases; names and shapes
# of tensors are counted by the operator.
FILE_CHANNEL_BYTES, FILE_OPERATOR_BYTES, FILE_BYTES = 24, 680, 3_000


@dataclass(frozen=True)
class ActivationBuffer:
    """Memory for an activation, or scratch of a layer."""

    size_bytes: int
    """Its size."""
    first: int
    """Index of the first layer that needs it."""
    last: int
    """Index of the last layer that needs it."""


def buffers(arch: Arch, scratch: bool = False) -> tuple[ActivationBuffer, ...]:
    """Return the buffers of a network; a reshape needs none, its result is its input.

    Args:
        arch: The network.
        scratch: Whether to add the im2col columns of CMSIS-NN's convolutions.

    Returns:
        The input, then the activation and the scratch of each layer.
    """
    layers = arch.layers
    same = {INPUT: INPUT}
    for number, layer in enumerate(layers):
        same[number] = same[layer.inputs[0]] if layer.kind == "reshape" else number
    last: dict[int, int] = {same[len(layers) - 1]: len(layers) - 1}
    for number, layer in enumerate(layers):
        for index in layer.inputs:
            last[same[index]] = max(number, last.get(same[index], 0))
    found = [ActivationBuffer(prod(arch.input_shape), 0, last[INPUT])]
    for number, layer in enumerate(layers):
        if same[number] == number:
            found.append(ActivationBuffer(prod(layer.out_shape), number, last[number]))
        if scratch and layer.kind == "conv" and layer.kernel != (1, 1):
            # Two columns of 16-bit values are unfolded at a time.
            found.append(ActivationBuffer(4 * prod(layer.kernel) * layer.in_shape[-1], number, number))
    return tuple(found)


def peak_bytes(arch: Arch) -> int:
    """Return the most bytes that are live at once; only an engine that overwrites inputs in index needs fewer."""
    found = buffers(arch)
    return max(sum(b.size_bytes for b in found if b.first <= at <= b.last) for at in range(len(arch.layers)))


def greedy_bytes(found: Iterable[ActivationBuffer], alignment: int = ALIGNMENT_BYTES) -> int:
    """Return the size of an arena with greedy placement: largest first, each at the lowest offset free while live.

    Args:
        found: The buffers.
        alignment: What offsets and sizes are rounded up to, in bytes.

    Returns:
        Bytes up to the end of the last buffer.

    Examples:
        >>> greedy_bytes([ActivationBuffer(32, 0, 1), ActivationBuffer(16, 1, 2), ActivationBuffer(32, 2, 3)])
        48
    """
    placed: list[tuple[int, int, ActivationBuffer]] = []
    for buffer in sorted(found, key=lambda buffer: -buffer.size_bytes):
        size = -(-buffer.size_bytes // alignment) * alignment
        start = 0
        for low, high, other in sorted(placed, key=lambda row: row[0]):
            if other.first <= buffer.last and buffer.first <= other.last:
                if low - start >= size:
                    break
                start = max(start, high)
        placed.append((start, start + size, buffer))
    return max(high for _, high, _ in placed)


def tflm_ram_bytes(arch: Arch) -> int:
    """Return the tensor arena of TFLite Micro with CMSIS-NN, without its own 1.1 KB of data and its stack."""
    channels = sum(layer.out_shape[-1] for layer in arch.layers if layer.kind in ("conv", "depthwise"))
    persistent = CHANNEL_BYTES * channels + OPERATOR_BYTES * len(arch.layers) + INTERPRETER_BYTES
    return greedy_bytes(buffers(arch, scratch=True)) + persistent


def tflite_bytes(arch: Arch) -> int:
    """Return the size of the .tflite file."""
    biases = sum(layer.biases for layer in arch.layers)
    channels = sum(layer.biases for layer in arch.layers if layer.kind != "dense")
    weights = sum(layer.weights for layer in arch.layers)
    return weights + 4 * biases + FILE_CHANNEL_BYTES * channels + FILE_OPERATOR_BYTES * len(arch.layers) + FILE_BYTES
