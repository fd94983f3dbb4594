# SPDX-License-Identifier: Apache-2.0
"""How long the search for cheap requantisation may take: as long for a hostile model as for a large one.

The search counts work, not time, so that a model always gives the same code. What ends it is that a kernel with more
instructions does the layer, with the same results.
"""

from __future__ import annotations

from dataclasses import dataclass

from mlperf_tiny.firmware.codegen.ir.graph import Graph, Operator

IN_ALL = 1_200_000_000
"""Sums compared in a whole model, about a second. Real networks take a hundredth of that."""
ATTEMPT = 16_000
"""What a slope costs before any sum is compared, in sums."""
_CHANNEL_AXIS = {"CONV_2D": 0, "DEPTHWISE_CONV_2D": -1, "FULLY_CONNECTED": 0}


@dataclass
class Effort:
    """What is left for a layer."""

    left: int

    def spend(self, sums: int) -> bool:
        """Return False, from then on, when ``sums`` more would be too many."""
        self.left = self.left - sums if self.left >= sums else -1
        return self.left >= 0


def layer_effort(graph: Graph, op: Operator) -> Effort:
    """Return a layer's part of the work: half by the number of layers, half by that of channels.

    Args:
        graph: The model.
        op: A convolution or fully-connected layer of it.
    """
    channels = {other.index: _channels(graph, other) for other in graph.operators if other.kind in _CHANNEL_AXIS}
    mine, every = channels[op.index], sum(channels.values())
    return Effort(left=IN_ALL // 2 // len(channels) + IN_ALL // 2 * mine // every)


def _channels(graph: Graph, op: Operator) -> int:
    shape = graph.tensors[op.inputs[1]].shape if len(op.inputs) > 1 and op.inputs[1] >= 0 else ()
    return shape[_CHANNEL_AXIS[op.kind]] if shape else 1
