# SPDX-License-Identifier: Apache-2.0
"""The part of a search's loss that keeps costs within limits."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import tensorflow as tf

from mlperf_tiny.search.cost.expected import Probabilities, expected_layers
from mlperf_tiny.search.problem.problem import Problem


def expected_costs(problem: Problem, probabilities: Probabilities) -> dict[str, Any]:
    """Return each cost of a problem as an expectation over its space, differentiable.

    Args:
        problem: Its space decides widths and depths only.
        probabilities: For each decision a tensor.
    """
    layers = expected_layers(problem.space, probabilities)
    return {name: tf.cast(cost.of_layers(layers), tf.float32) for name, cost in problem.costs.items()}


def penalty(costs: Mapping[str, Any], limits: Mapping[str, float]) -> Any:
    """Return the sum of max(0, cost / limit - 1) over the limits: no cost within its limit has a gradient.

    Relative to its limit each cost counts alike, whatever its unit. The form is that of DUCCIO in PLiNIO.

    Args:
        costs: By name.
        limits: By name; each has a cost.
    """
    return tf.add_n([tf.nn.relu(costs[name] / most - 1.0) for name, most in limits.items()])
