# SPDX-License-Identifier: Apache-2.0
"""A TFLite model as plain data: what ``read_tflite`` gives and ``lower`` takes."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

Option = int | float | str | bool | tuple[int, ...]


def dims(shape: tuple[int, ...]) -> str:
    """Return a shape as a title shows it, without the batch.

    Examples:
        >>> dims((1, 25, 5, 64)), dims(())
        ('25x5x64', 'scalar')
    """
    return "x".join(map(str, shape[1:] if len(shape) > 1 and shape[0] == 1 else shape)) or "scalar"


@dataclass(frozen=True, eq=False)
class Quantization:
    """Affine quantisation: real = scale * (q - zero_point)."""

    scales: NDArray[np.float32]
    """(1,) for the whole tensor, or one per slice along ``axis``."""
    zero_points: NDArray[np.int64]
    """As many as there are scales."""
    axis: int = 0

    @property
    def per_channel(self) -> bool:
        """True when every slice along ``axis`` has its own scale."""
        return self.scales.size > 1


@dataclass(frozen=True, eq=False)
class Tensor:
    """One tensor of a model."""

    index: int
    """Its number in the file."""
    name: str
    shape: tuple[int, ...]
    """Every dimension is at least 1; the batch dimension of an activation is 1."""
    dtype: str
    """numpy's name: int8, uint8, int16, int32, int64, float32, bool."""
    quant: Quantization | None = None
    data: NDArray[Any] | None = None
    """The values of a constant in ``shape``, read-only; None for an activation."""

    @property
    def elements(self) -> int:
        """Number of values; 1 for a scalar."""
        return int(np.prod(self.shape, dtype=np.int64))

    @property
    def scale(self) -> float:
        """The per-tensor scale, as the float32 in the file; the tensor must be quantised per tensor."""
        assert self.quant is not None and not self.quant.per_channel
        return float(self.quant.scales[0])

    @property
    def zero_point(self) -> int:
        """The per-tensor zero point."""
        assert self.quant is not None
        return int(self.quant.zero_points[0])

    def __str__(self) -> str:
        return f"tensor {self.index} ({self.name!r}, {'x'.join(map(str, self.shape)) or 'scalar'} {self.dtype})"


@dataclass(frozen=True)
class Operator:
    """One operator of a model.

    ``options`` by kind (all present, defaults filled in):

    * CONV_2D, FULLY_CONNECTED: also quantized_bias_type, numpy's name, which int8 layers do not use
    * CONV_2D, DEPTHWISE_CONV_2D: padding ("SAME" | "VALID"), stride_h, stride_w, dilation_h, dilation_w, activation
      ("NONE" | "RELU" | "RELU_N1_TO_1" | "RELU6"), and depth_multiplier for the depthwise one
    * FULLY_CONNECTED: activation, keep_num_dims, weights_format ("DEFAULT", ...)
    * AVERAGE_POOL_2D, MAX_POOL_2D: padding, stride_h, stride_w, filter_h, filter_w, activation
    * ADD, SUB, MUL: activation        * CONCATENATION: axis, activation
    * SOFTMAX: beta                    * MEAN: keep_dims          * RESHAPE: new_shape (may be empty)
    * SQUEEZE: squeeze_dims (empty: all of size 1)

    Any other kind is carried by name with no options, so that ``lower`` can refuse it.
    """

    index: int
    """Its number in the file."""
    kind: str
    """TFLite's name: ``CONV_2D``."""
    inputs: tuple[int, ...]
    """Tensor indices, -1 for an optional input that is absent (no bias)."""
    outputs: tuple[int, ...]
    """Tensor indices."""
    options: Mapping[str, Option] = field(default_factory=dict)


@dataclass(frozen=True, eq=False, kw_only=True)
class Graph:
    """A whole model: one subgraph."""

    source: str
    """The model's name in messages, usually the file's."""
    tensors: tuple[Tensor, ...]
    operators: tuple[Operator, ...]
    """In the order of the file, in which every input is computed before its use."""
    inputs: tuple[int, ...]
    """Tensor indices."""
    outputs: tuple[int, ...]
    """Tensor indices."""
    description: str = ""
