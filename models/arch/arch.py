# SPDX-License-Identifier: Apache-2.0
"""A network as data: a name, an input shape and a tuple of block rows. No framework is imported here.

``mlperf_tiny.models.arch.layers`` expands a row into its layers and counts them; ``mlperf_tiny.models.arch.build``
makes a Keras model of them. A new kind of block is a new class in ``mlperf_tiny.models.arch.blocks`` and one function
in ``mlperf_tiny.models.arch.layers``.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

from mlperf_tiny.models.arch.blocks import Block
from mlperf_tiny.models.arch.layers import Layer, expand


@dataclass(frozen=True, kw_only=True)
class Arch:
    """One network."""

    name: str
    """What ``micronet-train`` and the documentation call it."""
    input_shape: tuple[int, ...]
    """Shape of one input, without the batch."""
    blocks: tuple[Block, ...]
    """The blocks, applied in order."""
    pipeline: str = ""
    """Row of ``mlperf_tiny.models.features.pipelines`` that computes its inputs; "" where it takes official files."""
    note: str = ""
    """Where its widths are from."""

    @cached_property
    def layers(self) -> tuple[Layer, ...]:
        """The layers in the order of execution, with their shapes. Raises ValueError for blocks that do not fit."""
        return expand(self.input_shape, self.blocks)

    @property
    def macs(self) -> int:
        """Multiply-accumulates of one inference; padded positions are counted."""
        return sum(layer.macs for layer in self.layers)

    @property
    def parameters(self) -> int:
        """Weights and biases after batch normalisation is folded into them."""
        return sum(layer.parameters for layer in self.layers)

    @property
    def classes(self) -> int:
        """The length of the output."""
        return self.layers[-1].out_shape[-1]
