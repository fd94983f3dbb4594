# SPDX-License-Identifier: Apache-2.0
"""Models that are quick to compile and to run, with the input and output of a real task."""

from __future__ import annotations

import numpy as np

from mlperf_tiny.models.arch.tflite_builder import Builder


def tiny_kws(seed: int = 1) -> bytes:
    """One fully-connected layer and a softmax on the input of the official keyword files: 12 random classes."""
    random = np.random.default_rng(seed)
    b = Builder()
    x = b.tensor((1, 490), scale=0.5847029089927673, zero_point=83)
    w = b.tensor((12, 490), scale=0.002, data=random.integers(-127, 128, (12, 490)))
    bias = b.tensor((12,), "int32", scale=0.5847029089927673 * 0.002, data=random.integers(-999, 1000, 12))
    logits = b.tensor((1, 12), scale=0.4, zero_point=-3)
    y = b.tensor((1, 12), scale=1 / 256, zero_point=-128)
    b.operator("FULLY_CONNECTED", [x, w, bias], [logits], {})
    b.operator("SOFTMAX", [logits], [y], {"beta": 1.0})
    return b.build([x], [y])


def weighted(activations: str, weights: str) -> bytes:
    """A network with float ends whose middle is quantised in another way than int8, or not at all."""
    b = Builder()
    scaled = {"scale": 0.1} if activations == "int16" else {}
    x, y = b.tensor((1, 8), activations, **scaled), b.tensor((1, 4), activations, **scaled)
    w = b.tensor((4, 8), weights, data=np.zeros((4, 8)), **({"scale": 0.1} if weights == "int8" else {}))
    ends = [b.tensor((1, 8), "float32"), b.tensor((1, 4), "float32")] if activations == "int16" else [x, y]
    if activations == "int16":
        b.operator("QUANTIZE", ends[:1], [x])
    b.operator("FULLY_CONNECTED", [x, w, -1], [y])
    if activations == "int16":
        b.operator("DEQUANTIZE", [y], ends[1:])
    return b.build(ends[:1], ends[1:])
