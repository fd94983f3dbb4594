# SPDX-License-Identifier: Apache-2.0
"""Anomaly scores and their AUC on this machine: for model cards, and to check device runs against.

The int8 interpreter is an argument, so that this works with TensorFlow's and with ai-edge-litert's alike.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import numpy as np
from numpy.typing import NDArray

from mlperf_tiny.models.features.machine_sound import FRAMES, MEL_BANDS, windows

Floats = NDArray[np.float64]


def ad_windows(content: bytes) -> NDArray[np.float32]:
    """Return the model inputs, shape (196, 640), of one feature file."""
    return windows(np.frombuffer(content, dtype="<f4").astype(np.float32).reshape(FRAMES, MEL_BANDS))


def ad_score(reconstructed: NDArray[np.floating], inputs: NDArray[np.floating]) -> float:
    """Return the anomaly score of a clip: the squared error, mean over all windows and values.

    Args:
        reconstructed: Outputs of the auto-encoder, shape (windows, 640).
        inputs: Its inputs, same shape.

    Examples:
        >>> ad_score(np.zeros((1, 2)), np.array([[1.0, 3.0]]))
        5.0
    """
    return float(np.mean((reconstructed.astype(np.float64) - inputs.astype(np.float64)) ** 2))


def int8_ad_scores(interpreter: Any, files: Iterable[bytes]) -> Floats:
    """Return the score of each feature file as a device computes it.

    Inputs are quantised as the reference firmware does it, x / scale rounded half away from zero, and the score
    compares with the unquantised input.

    Args:
        interpreter: A TFLite interpreter of an int8 auto-encoder.
        files: Contents of feature files.

    Returns:
        Scores, shape (files,).
    """
    interpreter.resize_tensor_input(interpreter.get_input_details()[0]["index"], [196, 640])
    interpreter.allocate_tensors()
    entry, result = interpreter.get_input_details()[0], interpreter.get_output_details()[0]
    in_scale, in_zero = entry["quantization"]
    out_scale, out_zero = result["quantization"]
    scores = []
    for content in files:
        inputs = ad_windows(content)
        steps = (inputs / np.float32(in_scale)).astype(np.float64)
        rounded = np.copysign(np.floor(np.abs(steps) + 0.5), steps) + in_zero
        interpreter.set_tensor(entry["index"], np.clip(rounded, -128, 127).astype(np.int8))
        interpreter.invoke()
        output = (interpreter.get_tensor(result["index"]).astype(np.float32) - out_zero) * np.float32(out_scale)
        scores.append(ad_score(output, inputs))
    return np.asarray(scores)


def auc(labels: NDArray[np.integer], scores: Floats) -> float:
    """Return the area under the ROC curve: how often an anomalous clip scores above a normal one, ties half.

    Args:
        labels: 1 anomalous, 0 normal, shape (n,); both must occur.
        scores: Anomaly scores, shape (n,).

    Examples:
        >>> auc(np.array([0, 0, 1]), np.array([0.1, 0.4, 0.4]))
        0.75
    """
    from sklearn.metrics import roc_auc_score

    return float(roc_auc_score(labels, scores))
