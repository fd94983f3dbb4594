# SPDX-License-Identifier: Apache-2.0
"""From a network trained for int8 to its .tflite: the weights on their grids, the ranges as learnt."""

from __future__ import annotations

import warnings
from typing import Any

from mlperf_tiny.models.training.qat.quantised import body_of


def to_tflite(model: Any) -> bytes:
    """Return a ``quantised_model`` as .tflite with int8 input, output, weights and activations.

    Kernels go in as constants on the int8 grid, from which the converter finds the very same scales again; ranges go
    in as fake-quantisation with constant ends, which it takes over.
    """
    import tensorflow as tf

    body = body_of(model)
    constants = body.constants()
    holder = tf.Module()
    holder.infer = tf.function(
        lambda inputs: body.walk(inputs, *constants),
        input_signature=[tf.TensorSpec((1, *model.input_shape[1:]), tf.float32)],
    )
    converter = tf.lite.TFLiteConverter.from_concrete_functions([holder.infer.get_concrete_function()], holder)
    converter.optimizations = [tf.lite.Optimize.DEFAULT]
    converter.inference_input_type = tf.int8
    converter.inference_output_type = tf.int8
    with warnings.catch_warnings():
        # It misses statistics of the input, which the graph's own ranges give it.
        warnings.filterwarnings("ignore", message="Statistics for quantized inputs")
        return bytes(converter.convert())
