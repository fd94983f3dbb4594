# SPDX-License-Identifier: Apache-2.0
"""The oracle of bit-exactness: TFLite's reference kernels, one thread, no delegate."""

from __future__ import annotations

import numpy as np
import pytest


def run_reference(model: bytes, inputs: np.ndarray) -> np.ndarray:
    """Return the outputs, (n, bytes) as stored, of a .tflite for ``inputs`` (n, values), both of the model's types.

    Skips the calling test where ai-edge-litert is not installed.
    """
    litert = pytest.importorskip("ai_edge_litert.interpreter")
    interpreter = litert.Interpreter(
        model_content=model,
        num_threads=1,
        experimental_op_resolver_type=litert.OpResolverType.BUILTIN_REF,
    )
    interpreter.allocate_tensors()
    (source,), (target,) = interpreter.get_input_details(), interpreter.get_output_details()
    outputs = []
    for row in inputs:
        interpreter.set_tensor(source["index"], row.reshape(source["shape"]).astype(source["dtype"]))
        interpreter.invoke()
        outputs.append(interpreter.get_tensor(target["index"]).reshape(-1).copy())
    return np.stack(outputs)
