# SPDX-License-Identifier: Apache-2.0
"""How decisions reach a supernet: as the options of one network, or as probabilities of all of them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import tensorflow as tf

from mlperf_tiny.search.space.space import Decisions
from mlperf_tiny.search.supernet.channels import Channels, First, width_mask


@dataclass(frozen=True)
class Chosen:
    """One network of the space: only its own weights are used and trained."""

    decisions: Decisions
    """A value for each decision."""

    def channels(self, name: str, options: tuple[int, ...]) -> Channels:
        """Return the channels of a layer whose width is decided.

        Args:
            name: Of the decision.
            options: Its widths.
        """
        return First(self.decisions[name])

    def sized(self, inputs: Any) -> Any:
        """Return inputs at the side that is decided, if one is."""
        side = self.decisions.get("input.side")
        return inputs if side in (None, inputs.shape[1]) else tf.image.resize(inputs, (side, side), antialias=True)

    def keep(self, name: str) -> Any:
        """Return whether a block is there."""
        return self.decisions[name]

    def deep(self, name: str, place: int) -> Any:
        """Return whether a stage has a block.

        Args:
            name: Of the decision of its depth.
            place: Of the block in the stage, from 0.
        """
        return place < self.decisions[name]

    def crop(self, kernel: Any, name: str, options: tuple[tuple[int, int], ...]) -> Any:
        """Return the middle of a kernel whose size is decided.

        Args:
            kernel: The largest, shape (height, width, ...).
            name: Of the decision.
            options: Its sizes.
        """
        height, width = self.decisions[name]
        top, left = (kernel.shape[0] - height) // 2, (kernel.shape[1] - width) // 2
        return kernel[top : top + height, left : left + width]


@dataclass(frozen=True)
class Mixed:
    """All networks of a space at once."""

    probabilities: Mapping[str, Any]
    """For each decision a tensor of the probability of each option; for blocks: of (not there, there)."""
    used: Mapping[str, int] = field(default_factory=dict)
    """For widths: how many of their options, from the first, are used; a width that is not named has all of them."""

    def channels(self, name: str, options: tuple[int, ...]) -> Channels:
        """Return the mask of a layer whose width is decided.

        Args:
            name: Of the decision.
            options: Its widths.
        """
        count = self.used.get(name, len(options))
        shares = self.probabilities[name][:count]
        return width_mask(options[:count], shares / tf.reduce_sum(shares))

    def sized(self, inputs: Any) -> Any:
        """Return inputs as they are."""
        return inputs

    def keep(self, name: str) -> Any:
        """Return the probability that a block is there."""
        return self.probabilities[name][1]

    def deep(self, name: str, place: int) -> Any:
        """Return the probability that a stage has a block.

        Args:
            name: Of the decision of its depth.
            place: Of the block in the stage, from 0.
        """
        raise TypeError(f"{name}: depths of stages have no probabilities; the space is for networks that are chosen")

    def crop(self, kernel: Any, name: str, options: tuple[tuple[int, int], ...]) -> Any:
        """Return a kernel with each element times the probability of a size that has it.

        Args:
            kernel: The largest, shape (height, width, ...).
            name: Of the decision.
            options: Its sizes.
        """
        shares: Any = 0.0
        for place, (height, width) in enumerate(options):
            top, left = (kernel.shape[0] - height) // 2, (kernel.shape[1] - width) // 2
            inside = tf.pad(
                tf.ones((height, width)),
                [[top, kernel.shape[0] - height - top], [left, kernel.shape[1] - width - left]],
            )
            shares += self.probabilities[name][place] * inside
        return kernel * shares[:, :, None, None]


Gates = Chosen | Mixed
