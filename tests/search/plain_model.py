# SPDX-License-Identifier: Apache-2.0
"""A network of a space as a Keras model with the weights it has in a supernet: what a supernet is compared with."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from mlperf_tiny.models.arch.build import build
from mlperf_tiny.search.space.space import Decisions
from mlperf_tiny.search.supernet.gates import Chosen
from mlperf_tiny.search.supernet.supernet import Supernet

Statistics = Mapping[str, tuple[Any, Any]]


def plain_model(supernet: Supernet, decisions: Decisions, statistics: Statistics) -> Any:
    """The network as ``models.arch.build`` makes it, with a part of the supernet's weights and these statistics."""
    arch = supernet.space.derive(decisions)
    model = build(arch)
    weighted = iter([number for number, layer in enumerate(arch.layers) if layer.weights])
    gates = Chosen(decisions)
    for node in supernet.nodes:
        if not (gates.deep(node.depth, node.place) if node.depth else not node.keep or gates.keep(node.keep)):
            continue
        for row in node.layers:
            if not row.layer.weights:
                continue
            number = next(weighted)
            layer = arch.layers[number]
            own = {name: np.asarray(value) for name, value in supernet.variables_of(row).items()}
            out = layer.out_shape[-1]
            kernel = own["kernel"]
            if row.kernel_decision:
                kernel = np.asarray(gates.crop(kernel, row.kernel_decision, row.kernels))
            kernel = kernel[:, :, :out] if layer.kind == "depthwise" else kernel[:, :, : layer.in_shape[-1], :out]
            offset = own["offset"][:out]
            bias = np.zeros_like(offset) if layer.batch_norm else offset
            model.get_layer(f"{layer.kind}_{number}").set_weights([kernel, bias])
            if layer.batch_norm:
                mean, variance = (np.asarray(value)[:out] for value in statistics[row.name])
                model.get_layer(f"norm_{number}").set_weights([own["gain"][:out], offset, mean, variance])
    return model
