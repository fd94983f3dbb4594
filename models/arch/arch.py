# SPDX-License-Identifier: Apache-2.0
"""A network as data: a name, an input shape and a tuple of block rows. No framework is imported here.

``models.arch.layers`` takes a row apart into its layers and counts them; ``models.arch.build`` makes a Keras model of
them. A new kind of block is a new class in ``models.arch.blocks`` and one function in ``models.arch.layers``.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

from mlperf_tiny.models.arch.blocks import Block
from mlperf_tiny.models.arch.layers import Layer, expand


@dataclass(frozen=True)
class Arch:
    """One network. ``input_shape`` is without the batch; blocks are applied in order.

    ``features`` is the row of ``models.features.pipelines`` that makes its inputs, "" where the benchmark's own files
    are its inputs. ``note`` says where its widths are from.
    """

    name: str
    input_shape: tuple[int, ...]
    blocks: tuple[Block, ...]
    features: str = ""
    note: str = ""

    @cached_property
    def layers(self) -> tuple[Layer, ...]:
        """The layers in the order of execution, with their shapes. Raises ValueError for blocks that do not fit."""
        return expand(self.input_shape, self.blocks)

    @property
    def macs(self) -> int:
        """Multiply-accumulates of one inference; padding counts as if it were multiplied."""
        return sum(layer.macs for layer in self.layers)

    @property
    def parameters(self) -> int:
        """Weights and biases after batch normalisation is folded into them."""
        return sum(layer.parameters for layer in self.layers)

    @property
    def classes(self) -> int:
        """The length of the output."""
        return self.layers[-1].out_shape[-1]
