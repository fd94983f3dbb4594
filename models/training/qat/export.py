# SPDX-License-Identifier: Apache-2.0
"""From a network trained as int8 to its .tflite: the weights on their grids, the ranges as trained."""

from __future__ import annotations

import warnings
from typing import Any

import tensorflow as tf

from mlperf_tiny.models.training.qat.quantised_network import quantised_network_of


def to_tflite(model: Any) -> bytes:
    """Return a ``quantised_model`` as .tflite with int8 input, output, weights and activations.

    Kernels are constants on the int8 grid, from which the converter finds the very same scales again. Ranges are
    fake-quantisation operators with constant ends, which it takes over.
    """
    network = quantised_network_of(model)
    constants = network.constants()
    holder = tf.Module()
    holder.infer = tf.function(
        lambda inputs: network.forward(inputs, *constants),
        input_signature=[tf.TensorSpec((1, *model.input_shape[1:]), tf.float32)],
    )
    converter = tf.lite.TFLiteConverter.from_concrete_functions([holder.infer.get_concrete_function()], holder)
    converter.optimizations = [tf.lite.Optimize.DEFAULT]
    converter.inference_input_type = tf.int8
    converter.inference_output_type = tf.int8
    with warnings.catch_warnings():
        # The converter misses statistics of the input, which the graph's own ranges give it.
        warnings.filterwarnings("ignore", message="Statistics for quantized inputs")
        return bytes(converter.convert())
