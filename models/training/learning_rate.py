# SPDX-License-Identifier: Apache-2.0
"""The learning rate schedule of every training: half a cosine."""

from __future__ import annotations

from typing import Any

import keras


def half_cosine(initial: float, final: float, steps: int) -> Any:
    """Return a Keras schedule that falls from ``initial`` to ``final`` along half a cosine.

    Args:
        initial: Learning rate of the first step; above 0.
        final: Learning rate of the last step.
        steps: Optimizer steps of the whole training.
    """
    return keras.optimizers.schedules.CosineDecay(initial, steps, alpha=final / initial)
