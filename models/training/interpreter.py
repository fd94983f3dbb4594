# SPDX-License-Identifier: Apache-2.0
"""TFLite's interpreter, from whichever package is installed, and what an int8 model returns for float inputs."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from mlperf_tiny.errors import UsageError
from mlperf_tiny.models.features.pipelines import quantize_inputs

MISSING_TENSORFLOW = "training needs TensorFlow, which is not installed: pip install 'mlperf-tiny-harness[train]'"

Floats = NDArray[np.float32]


def open_interpreter(content: bytes, *, reference_kernels: bool = False) -> Any:
    """Return an interpreter with its tensors allocated, one thread.

    Args:
        content: A .tflite file.
        reference_kernels: Use the slow kernels that devices are compared with; others may differ by one int8 step.

    Raises:
        UsageError: Neither ai-edge-litert nor TensorFlow is installed.
    """
    try:
        from ai_edge_litert import interpreter as litert
    except ImportError:
        try:
            from tensorflow import lite as litert
        except ImportError as error:
            raise UsageError(MISSING_TENSORFLOW) from error
        resolvers = litert.experimental.OpResolverType
    else:
        resolvers = litert.OpResolverType
    resolver = resolvers.BUILTIN_REF if reference_kernels else resolvers.AUTO
    interpreter = litert.Interpreter(model_content=content, experimental_op_resolver_type=resolver, num_threads=1)
    interpreter.allocate_tensors()
    return interpreter


def int8_outputs(interpreter: Any, inputs: Floats) -> Floats:
    """Return the dequantised outputs of an int8 model.

    Args:
        interpreter: A TFLite interpreter with allocated tensors and a batch of one.
        inputs: Float inputs, shape (n, *input_shape).

    Returns:
        Real values, shape (n, *output_shape).
    """
    entry, result = interpreter.get_input_details()[0], interpreter.get_output_details()[0]
    scale, zero_point = result["quantization"]
    outputs = []
    for row in quantize_inputs(inputs, *entry["quantization"]):
        interpreter.set_tensor(entry["index"], row[None])
        interpreter.invoke()
        outputs.append(interpreter.get_tensor(result["index"])[0])
    return (np.asarray(outputs, np.float32) - zero_point) * np.float32(scale)
