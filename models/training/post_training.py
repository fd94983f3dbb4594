# SPDX-License-Identifier: Apache-2.0
"""Post-training quantisation: from a trained float model to .tflite with int8 input, output, weights, activations."""

from __future__ import annotations

from typing import Any

import numpy as np
import tensorflow as tf
from numpy.typing import NDArray
from tensorflow.python.framework.convert_to_constants import convert_variables_to_constants_v2


def post_training_tflite(model: Any, calibration: NDArray[np.float32]) -> bytes:
    """Return a float model as int8 .tflite.

    Dense layers get one weight scale per tensor, as the reference model has: every engine can run that.

    Args:
        model: A keras.Model without batch normalisation (``arch.build.fold``).
        calibration: Typical inputs, shape (n, *input_shape); the value ranges of all tensors come from them.
    """
    signature = tf.TensorSpec((1, *model.input_shape[1:]), tf.float32)
    concrete = tf.function(lambda inputs: model(inputs, training=False)).get_concrete_function(signature)
    frozen = convert_variables_to_constants_v2(concrete)  # the calibrator cannot read variables
    converter = tf.lite.TFLiteConverter.from_concrete_functions([frozen])
    converter.optimizations = [tf.lite.Optimize.DEFAULT]
    converter.representative_dataset = lambda: ([row[None]] for row in calibration)
    converter.target_spec.supported_ops = [tf.lite.OpsSet.TFLITE_BUILTINS_INT8]
    converter.inference_input_type = tf.int8
    converter.inference_output_type = tf.int8
    converter._experimental_disable_per_channel_quantization_for_dense_layers = True
    return bytes(converter.convert())
