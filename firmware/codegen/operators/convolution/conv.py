# SPDX-License-Identifier: Apache-2.0
"""CONV_2D, DEPTHWISE_CONV_2D and FULLY_CONNECTED: for each instruction set the kernels to try, in order."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from mlperf_tiny.firmware.codegen.ir.graph import Graph, Operator
from mlperf_tiny.firmware.codegen.ir.plan import Isa, Step
from mlperf_tiny.firmware.codegen.operators.convolution.conv_dsp import lower_conv_dsp
from mlperf_tiny.firmware.codegen.operators.convolution.depthwise_dsp import lower_depthwise_dsp
from mlperf_tiny.firmware.codegen.operators.convolution.layer import (
    ConvLayer,
    read_conv_layer,
    read_dense_layer,
    read_depthwise_layer,
)
from mlperf_tiny.firmware.codegen.operators.convolution.portable import lower_conv, lower_dense, lower_depthwise
from mlperf_tiny.firmware.codegen.operators.operands.checks import Lowering

LowerLayer = Callable[[ConvLayer], Step | None]
"""A checked layer to the call of one kernel; None where that kernel's arithmetic would not be exact."""


@dataclass(frozen=True, kw_only=True)
class ConvOperator:
    """One operator of this family."""

    read: Callable[[Operator, Graph], ConvLayer]
    """Checks the operator; raises UnsupportedOperator."""
    kernels: Mapping[Isa, tuple[LowerLayer, ...]]
    """The kernels of an instruction set in the order in which they are tried. The last one does every layer."""


CONV_OPERATORS: Mapping[str, ConvOperator] = {
    "CONV_2D": ConvOperator(
        read=read_conv_layer, kernels={Isa.REF: (lower_conv,), Isa.DSP: (lower_conv_dsp, lower_conv)}
    ),
    "DEPTHWISE_CONV_2D": ConvOperator(
        read=read_depthwise_layer,
        kernels={Isa.REF: (lower_depthwise,), Isa.DSP: (lower_depthwise_dsp, lower_depthwise)},
    ),
    "FULLY_CONNECTED": ConvOperator(
        read=read_dense_layer, kernels={Isa.REF: (lower_dense,), Isa.DSP: (lower_conv_dsp, lower_dense)}
    ),
}


def lower_layer(op: Operator, graph: Graph, isa: Isa) -> tuple[Step, ...]:
    """Return the call of the first kernel that computes the layer exactly.

    Args:
        op: An operator of ``CONV_OPERATORS``.
        graph: The graph it is part of.
        isa: The instruction set of the core.

    Raises:
        UnsupportedOperator: No kernel does it.
    """
    row = CONV_OPERATORS[op.kind]
    layer = row.read(op, graph)
    if layer.rounds_once and isa is not Isa.REF:
        # Only this kernel's lowering refuses layers; a model that one build takes, the other takes too.
        lower_dense(layer)
    steps = (lower(layer) for lower in row.kernels[isa])
    return (next(step for step in steps if step is not None),)


OPERATORS: dict[str, Lowering] = dict.fromkeys(CONV_OPERATORS, lower_layer)
