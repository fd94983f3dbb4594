# SPDX-License-Identifier: Apache-2.0
"""What a differentiable search depends on besides problem and data.

The paper prints none of these but rounding to int8 during the search: the values are ours.
"""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, kw_only=True)
class DnasSettings:
    """How architecture and weights are trained."""

    epochs: int = 60
    """Passes over the training rows."""
    warm_up: float = 0.1
    """Share of them in which only weights are trained."""
    batch: int = 64
    """Samples of one step."""
    learning_rate: float = 5e-3
    """AdamW's, of the weights, at the start."""
    final_learning_rate: float = 1e-5
    """At the end of half a cosine."""
    weight_decay: float = 0.01
    """Of the kernels."""
    architecture_learning_rate: float = 6e-2
    """Adam's, of the logits divided by the temperature."""
    first_logits: float = 2.0
    """Of the largest option of each decision; the smallest starts at 0. A search that starts above its limits comes
    down to them, while nothing drives one that starts below up to them."""
    first_temperature: float = 0.5
    """After the warm-up. Low from the start: from options that are nearly equal a limit moves probability to the
    smallest, and the derived network is far below what was expected; a peak moves down option by option."""
    last_temperature: float = 0.1
    """At the end; it falls exponentially between them."""
    relaxation: float = 1.0
    """Of the draws at the first temperature; it falls with the temperature."""
    span: float = 7.0
    """Logits, divided by the temperature, are at most so far below the largest of their decision: no option has less
    than a thousandth of its probability, and gradients never vanish."""
    strength: float = 2.0
    """Loss for a cost at twice its target."""
    descent: float = 0.7
    """Share of the search after the warm-up in which targets fall, exponentially, from the costs that are expected at
    the start to the limits. An optimiser that scales its steps, as Adam does, goes at one speed whatever the strength:
    under the limits themselves costs fall to them before the weights have learnt which widths matter."""
    int8: bool = True
    """Whether values are rounded to int8 steps during the search."""
    seed: int = 1
    """Of weights, noise and order."""
