# SPDX-License-Identifier: Apache-2.0
"""Models that are quick to compile and to run, with the input and output of a real task."""

from __future__ import annotations

import numpy as np

from tests.fakes.tflite_builder import Builder


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
