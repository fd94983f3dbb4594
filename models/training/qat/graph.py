# SPDX-License-Identifier: Apache-2.0
"""A Keras model as the steps an int8 engine takes: each convolution with its norm and its ReLU in one.

Only the layers that int8 engines run are known; any other is an error that names it.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any, Literal, cast

from mlperf_tiny.errors import UsageError

Kind = Literal["input", "conv", "depthwise", "dense", "add", "pool", "pad", "reshape"]
Relu = Literal["none", "relu", "relu6"]

_KINDS: dict[str, Kind] = {
    "InputLayer": "input",
    "Conv2D": "conv",
    "DepthwiseConv2D": "depthwise",
    "Dense": "dense",
    "Add": "add",
    "AveragePooling2D": "pool",
    "GlobalAveragePooling2D": "pool",
    "ZeroPadding2D": "pad",
    "Pad": "pad",
    "Reshape": "reshape",
    "Flatten": "reshape",
}
WEIGHTED = ("conv", "depthwise", "dense")
_NOTHING_IN_INFERENCE = ("Dropout", "SpatialDropout2D", "Identity", "GaussianNoise")


@dataclass(frozen=True)
class Step:
    """One step. ``inputs`` are numbers of earlier steps; ``layer`` and ``norm`` are the Keras layers it stands for."""

    kind: Kind
    name: str
    inputs: tuple[int, ...]
    layer: Any
    norm: Any = None
    relu: Relu = "none"


def steps_of(model: Any) -> tuple[Step, ...]:
    """Return the steps of a functional keras.Model with one input and one output, the last step being its output.

    Raises UsageError for a layer that is not known, or a norm or ReLU that does not follow a layer it can join.
    """
    steps: list[Step] = []
    made_by: dict[int, int] = {}  # id of a Keras tensor -> number of its step
    readers: dict[int, int] = {}
    for layer in model.operations:
        for tensor in _inputs(layer):
            readers[id(tensor)] = readers.get(id(tensor), 0) + 1
    for layer in model.operations:
        sort = type(layer).__name__
        sources = () if sort == "InputLayer" else tuple(made_by[id(tensor)] for tensor in _inputs(layer))
        if sort in _KINDS:
            steps.append(Step(_KINDS[sort], layer.name, sources, layer, relu=_own_relu(layer)))
        elif sort in ("BatchNormalization", "ReLU", "Activation", "ReLU6"):
            (source,) = sources
            if readers[id(_inputs(layer)[0])] > 1:
                raise UsageError(f"layer {layer.name} ({sort}) shares its input with another layer; int8 cannot.")
            steps[source] = _joined(steps[source], layer)
            made_by[id(layer.output)] = source
            continue
        elif sort in _NOTHING_IN_INFERENCE:
            made_by[id(layer.output)] = sources[0]
            continue
        else:
            raise UsageError(f"layer {layer.name} is a {sort}, which cannot be quantised; known: {', '.join(_KINDS)}.")
        made_by[id(layer.output)] = len(steps) - 1
    if made_by[id(model.outputs[0])] != len(steps) - 1:
        raise UsageError(f"model {model.name} does not end in its output; build it with one output at its end.")
    return tuple(steps)


def _inputs(layer: Any) -> list[Any]:
    if type(layer).__name__ == "InputLayer":
        return []
    return list(layer.input) if isinstance(layer.input, (list, tuple)) else [layer.input]


def _joined(step: Step, layer: Any) -> Step:
    if type(layer).__name__ == "BatchNormalization":
        if step.kind in WEIGHTED and step.norm is None and step.relu == "none":
            return replace(step, norm=layer)
    elif step.relu == "none" and step.kind in (*WEIGHTED, "add"):
        return replace(step, relu=_relu(layer))
    raise UsageError(f"layer {layer.name} ({type(layer).__name__}) after {step.name} cannot become part of it.")


def _own_relu(layer: Any) -> Relu:
    function = getattr(layer, "activation", None)
    name = getattr(function, "__name__", "linear")
    if name not in ("linear", "relu", "relu6"):
        raise UsageError(f"layer {layer.name} has the activation {name}; wanted none, relu or relu6.")
    return cast(Relu, "none" if name == "linear" else name)


def _relu(layer: Any) -> Relu:
    if type(layer).__name__ == "Activation":
        return _own_relu(layer)
    if type(layer).__name__ == "ReLU6":
        return "relu6"
    limit = layer.max_value
    if limit not in (None, 6.0) or layer.negative_slope or layer.threshold:
        raise UsageError(f"layer {layer.name} is not a plain ReLU or ReLU6.")
    return "relu" if limit is None else "relu6"
