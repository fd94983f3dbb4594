# SPDX-License-Identifier: Apache-2.0
"""A Keras model as an int8 engine computes it: each convolution fused with its norm and its ReLU.

Only the layers that int8 engines support are read; any other is an error that names it.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any, Literal, cast

from mlperf_tiny.errors import UsageError

FusedKind = Literal["input", "conv", "depthwise", "dense", "add", "pool", "pad", "reshape"]
Relu = Literal["none", "relu", "relu6"]

_KINDS: dict[str, FusedKind] = {
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
_IDENTITY_IN_INFERENCE = ("Dropout", "SpatialDropout2D", "Identity", "GaussianNoise")


@dataclass(frozen=True, kw_only=True)
class FusedLayer:
    """One operator of the int8 network."""

    kind: FusedKind
    """What it computes."""
    name: str
    """Name of its Keras layer."""
    inputs: tuple[int, ...]
    """Indices of the fused layers whose outputs it takes."""
    layer: Any
    """The Keras layer with the weights."""
    norm: Any = None
    """The batch normalisation that is folded into the weights, None: none."""
    relu: Relu = "none"
    """The activation that is part of it."""

    @property
    def channels(self) -> int:
        """Number of output channels."""
        return int(self.layer.output.shape[-1])


def fuse_layers(model: Any) -> tuple[FusedLayer, ...]:
    """Return the fused layers of a functional keras.Model with one input and one output; the last is its output.

    Raises:
        UsageError: A layer is not supported, or a norm or ReLU does not follow a layer it can be fused with.
    """
    fused: list[FusedLayer] = []
    made_by: dict[int, int] = {}  # id of a Keras tensor -> index of its fused layer
    readers = _reader_counts(model)
    for layer in model.operations:
        keras_type = type(layer).__name__
        sources = tuple(made_by[id(tensor)] for tensor in _inputs(layer))
        if keras_type in _KINDS:
            fused.append(
                FusedLayer(kind=_KINDS[keras_type], name=layer.name, inputs=sources, layer=layer, relu=_own_relu(layer))
            )
            made_by[id(layer.output)] = len(fused) - 1
        elif keras_type in ("BatchNormalization", "ReLU", "Activation", "ReLU6"):
            if readers[id(_inputs(layer)[0])] > 1:
                raise UsageError(f"layer {layer.name} ({keras_type}) shares its input with another layer; int8 cannot.")
            fused[sources[0]] = _fused_with(fused[sources[0]], layer)
            made_by[id(layer.output)] = sources[0]
        elif keras_type in _IDENTITY_IN_INFERENCE:
            made_by[id(layer.output)] = sources[0]
        else:
            raise UsageError(
                f"layer {layer.name} is a {keras_type}, which cannot be quantised; supported: {', '.join(_KINDS)}."
            )
    if made_by[id(model.outputs[0])] != len(fused) - 1:
        raise UsageError(f"model {model.name} does not end in its output; build it with one output at its end.")
    return tuple(fused)


def _reader_counts(model: Any) -> dict[int, int]:
    """How many layers read each Keras tensor, by the tensor's id."""
    readers: dict[int, int] = {}
    for layer in model.operations:
        for tensor in _inputs(layer):
            readers[id(tensor)] = readers.get(id(tensor), 0) + 1
    return readers


def _inputs(layer: Any) -> list[Any]:
    if type(layer).__name__ == "InputLayer":
        return []
    return list(layer.input) if isinstance(layer.input, (list, tuple)) else [layer.input]


def _fused_with(fused: FusedLayer, layer: Any) -> FusedLayer:
    if type(layer).__name__ == "BatchNormalization":
        if fused.kind in WEIGHTED and fused.norm is None and fused.relu == "none":
            return replace(fused, norm=layer)
    elif fused.relu == "none" and fused.kind in (*WEIGHTED, "add"):
        return replace(fused, relu=_relu(layer))
    raise UsageError(f"layer {layer.name} ({type(layer).__name__}) after {fused.name} cannot be fused with it.")


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
