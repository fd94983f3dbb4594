# SPDX-License-Identifier: Apache-2.0
"""The optimizer of every training of weights: AdamW along half a cosine."""

from __future__ import annotations

from typing import Any

import keras

CLIP_NORM = 5.0
"""Most norm of the gradient of a variable."""


def half_cosine(initial: float, final: float, steps: int) -> Any:
    """Return a Keras schedule that falls from ``initial`` to ``final`` along half a cosine.

    Args:
        initial: Learning rate of the first step; above 0.
        final: Learning rate of the last step.
        steps: Optimizer steps of the whole training, at least 1.
    """
    return keras.optimizers.schedules.CosineDecay(initial, steps, alpha=final / initial)


def decoupled_adam(weights: Any, rate: Any, *, weight_decay: float, clip_norm: float | None = CLIP_NORM) -> Any:
    """Return AdamW (arXiv 1711.05101), built for some variables.

    Args:
        weights: A list of variables. Norms, biases and ranges are few and their size has a meaning: only kernels decay.
        rate: Learning rate, or its schedule.
        weight_decay: Share of a kernel that is taken off in a step, times the learning rate.
        clip_norm: Most norm of the gradient of a variable; None: it is not clipped.
    """
    optimizer = keras.optimizers.AdamW(rate, weight_decay=weight_decay, clipnorm=clip_norm)
    optimizer.exclude_from_weight_decay(var_list=[variable for variable in weights if len(variable.shape) < 2])
    optimizer.build(weights)
    return optimizer
