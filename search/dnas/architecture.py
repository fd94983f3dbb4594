# SPDX-License-Identifier: Apache-2.0
"""The architecture weights of a differentiable search: one logit for each option of each decision.

Options have the probabilities softmax(logits / temperature), which costs use. As the temperature falls they approach
the option with the largest logit, which is the one that is derived. A step of training draws from these very
probabilities with Gumbel noise (Jang et al., arXiv 1611.01144): softmax((logits / temperature + noise) / relaxation).
At a low relaxation nearly one option is drawn, at a high one a mixture.
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

    def probabilities(self, temperature: Any) -> dict[str, Any]:
        """Return the probabilities of each decision's options.

        Args:
            temperature: More than 0.
        """
        return {
            name: tf.nn.softmax(tf.convert_to_tensor(logits) / temperature) for name, logits in self._logits.items()
        }

    def drawn(self, temperature: Any, relaxation: Any, seed: Any) -> dict[str, Any]:
        """Return a draw from each decision's options: their shares, which add up to 1.

        Args:
            temperature: Of the probabilities that are drawn from; more than 0.
            relaxation: How far the draw is from one option; more than 0.
            seed: Of the noise, a tensor of two integers.
        """
        found = {}
        for number, row in enumerate(self._decisions):
            logits = tf.convert_to_tensor(self._logits[row.name]) / temperature
            noise = _gumbel(tf.stack([seed[0] * 1000 + number, seed[1]]), len(row.options))
            found[row.name] = tf.nn.softmax((logits + noise) / relaxation)
        return found

    def used(self, temperature: Any, rest: float = 0.01) -> dict[str, int]:
        """Return, for each width of more than four options, how many of them are drawn, from the first, but for a rest.

        The count is even: each change costs the seconds in which a step is traced.

        Args:
            temperature: Of the probabilities.
            rest: Most probability of the options that are left out.
        """
        found = {}
        for row in self._decisions:
            if row.is_width and len(row.options) > 4:
                chances = tf.nn.softmax(tf.convert_to_tensor(self._logits[row.name]) / temperature).numpy()
                count = int(np.sum(np.cumsum(chances) < 1.0 - rest)) + 1
                found[row.name] = min(len(row.options), count + count % 2)
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
    """Return a value that falls exponentially.

    Args:
        first: At the start.
        last: At the end.
        share: Of the search that is done, 0 to 1.
    """
    return float(first * (last / first) ** share)
