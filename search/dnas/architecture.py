# SPDX-License-Identifier: Apache-2.0
"""The architecture weights of a differentiable search: one logit for each option of each decision.

A step of training uses probabilities drawn with Gumbel noise (Jang et al., arXiv 1611.01144):
softmax((logits + noise) / temperature). Costs use those without noise, softmax(logits / temperature). At a high
temperature options are nearly equal; as it falls both approach the option with the largest logit, which is the one that
is derived.
"""

from __future__ import annotations

from typing import Any

import keras
import numpy as np
import tensorflow as tf

from mlperf_tiny.search.space.space import Decisions, SearchSpace


class ArchitectureWeights(keras.layers.Layer):
    """The logits of a space."""

    def __init__(self, space: SearchSpace, most: float = 0.0) -> None:
        """Start with logits that rise evenly from 0 for the first option of a decision to ``most`` for the last.

        Args:
            space: Its decisions have one to many options.
            most: 0: all options are equal.
        """
        super().__init__(name="architecture")
        self._decisions = space.decisions
        self._logits = {}
        for row in self._decisions:
            made = self.add_weight(name=row.name.replace(".", "_"), shape=(len(row.options),), trainable=True)
            made.assign(np.linspace(0.0, most, len(row.options)) if len(row.options) > 1 else [0.0])
            self._logits[row.name] = made
        self.built = True

    def probabilities(self, temperature: Any, noise: Any = None) -> dict[str, Any]:
        """Return the probabilities of each decision's options.

        Args:
            temperature: More than 0.
            noise: Seed of Gumbel noise, a tensor of two integers; None: no noise.
        """
        found = {}
        for number, row in enumerate(self._decisions):
            logits = tf.convert_to_tensor(self._logits[row.name])
            if noise is not None:
                logits = logits + _gumbel(tf.stack([noise[0] * 1000 + number, noise[1]]), len(row.options))
            found[row.name] = tf.nn.softmax(logits / temperature)
        return found

    def derive(self) -> Decisions:
        """Return the option with the largest logit of each decision."""
        return {row.name: row.options[int(np.argmax(self._logits[row.name]))] for row in self._decisions}

    def assign(self, name: str, logits: Any) -> None:
        """Set the logits of a decision.

        Args:
            name: Of the decision.
            logits: One for each option.
        """
        self._logits[name].assign(logits)

    def bound(self, span: Any) -> None:
        """Raise logits that are further than ``span`` below the largest of their decision.

        A softmax that has settled has no gradient left; bounded, every option can still come back.
        """
        for logits in self._logits.values():
            logits.assign(tf.maximum(logits, tf.reduce_max(logits) - span))

    def entropy(self, temperature: float) -> float:
        """Return how undecided the decisions are: 1 where all options are equal, 0 where all are certain."""
        shares = []
        for row in self._decisions:
            if len(row.options) > 1:
                chances = tf.nn.softmax(tf.convert_to_tensor(self._logits[row.name]) / temperature).numpy()
                shares.append(-float(np.sum(chances * np.log(np.maximum(chances, 1e-12)))) / np.log(len(row.options)))
        return float(np.mean(shares)) if shares else 0.0


def _gumbel(seed: Any, count: int) -> Any:
    uniform = tf.random.stateless_uniform((count,), seed, minval=1e-6, maxval=1.0 - 1e-6)
    return -tf.math.log(-tf.math.log(uniform))


def annealed(first: float, last: float, share: float) -> float:
    """Return a temperature that falls exponentially.

    Args:
        first: At the start.
        last: At the end.
        share: Of the search that is done, 0 to 1.
    """
    return float(first * (last / first) ** share)
