# SPDX-License-Identifier: Apache-2.0
"""A network as data: a name, an input shape and a tuple of block rows. No framework is imported here.

``models.build`` turns a row into a Keras model. A new kind of layer is a new block class here and one function there.
"""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Dense:
    """A fully connected layer with bias, then batch normalisation and ReLU where asked for."""

    units: int
    batch_norm: bool = True
    relu: bool = True


Block = Dense


@dataclass(frozen=True)
class Arch:
    """One network. ``input_shape`` is without the batch; blocks are applied in order."""

    name: str
    input_shape: tuple[int, ...]
    blocks: tuple[Block, ...]

    @property
    def macs(self) -> int:
        """Multiply-accumulates of one inference."""
        return sum(inputs * block.units for inputs, block in self._with_inputs())

    @property
    def parameters(self) -> int:
        """Weights and biases after batch normalisation is folded into them."""
        return sum((inputs + 1) * block.units for inputs, block in self._with_inputs())

    def _with_inputs(self) -> list[tuple[int, Block]]:
        (inputs,) = self.input_shape
        pairs = []
        for block in self.blocks:
            pairs.append((inputs, block))
            inputs = block.units
        return pairs
