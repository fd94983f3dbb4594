# SPDX-License-Identifier: Apache-2.0
"""How a model was quantised when it is not in int8 as a whole: the true reason why its ends are not int8."""

from __future__ import annotations

from mlperf_tiny.firmware.codegen.ir.graph import Graph

_WEIGHTED = frozenset({"CONV_2D", "DEPTHWISE_CONV_2D", "FULLY_CONNECTED", "TRANSPOSE_CONV", "CONV_3D"})
_CONVERT = (
    "convert it with full integer quantisation: a representative_dataset and "
    "supported_ops = [tf.lite.OpsSet.TFLITE_BUILTINS_INT8]"
)


def scheme_problem(graph: Graph) -> str:
    """Return why a model as a whole cannot be computed in int8 and how to convert it, "" for any other model."""
    activations = {index for op in graph.operators for index in op.outputs if index >= 0} | set(graph.inputs)
    if any(graph.tensors[index].dtype == "int16" for index in activations):
        return f"its activations are int16 (16x8 quantisation), the engines take int8; {_CONVERT}"
    weighted = [op for op in graph.operators if op.kind in _WEIGHTED and op.inputs and op.inputs[0] >= 0]
    in_float = [op for op in weighted if graph.tensors[op.inputs[0]].dtype == "float32"]
    if not in_float:
        return ""
    weights = {graph.tensors[op.inputs[1]].dtype for op in in_float if len(op.inputs) > 1 and op.inputs[1] >= 0}
    if "int8" in weights:
        return (
            "its weights are int8 and its activations float32 (dynamic-range quantisation), the engines take int8 "
            f"activations; {_CONVERT}"
        )
    return f"it is not quantised: {in_float[0].kind} at layer {in_float[0].index} computes in float32; {_CONVERT}"
