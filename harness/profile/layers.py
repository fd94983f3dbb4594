# SPDX-License-Identifier: Apache-2.0
"""Where one layer ends and the next begins, from the trace of the function that runs them.

Straight-line code (``LayerOrder.CALLS``, the compiled engine's ``model_invoke``) has one call for each kernel: a layer
lasts from one return to the next, the few instructions that hand over the arguments included. An interpreter goes
through a loop once for each operator (``LayerOrder.LOOP``): a layer is one turn of it, so what the interpreter does for
an operator counts as part of it.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise

from mlperf_tiny.harness.image.engines import LayerOrder
from mlperf_tiny.harness.image.layer_labels import LayerLabel
from mlperf_tiny.runners.emulator.function_trace import TraceEntry
from mlperf_tiny.runners.emulator.native.counts import Counts
from mlperf_tiny.runners.emulator.timing.decode.thumb import is_wide


@dataclass(frozen=True, kw_only=True)
class LayerProfile:
    """One layer and its counts."""

    title: str
    """Number, operator and shapes."""
    macs: int
    """Multiply-accumulates."""
    counts: Counts
    """What it took: cycles, instructions, stalls, bytes."""

    @property
    def operator(self) -> int:
        """Index of its operator in the file; several layers may be parts of one."""
        return int(self.title.partition(":")[0])


def layer_edges(order: LayerOrder, trace: Sequence[TraceEntry], code: bytes, layers: int) -> tuple[Counts, ...] | None:
    """Return the counts at the ``layers + 1`` edges of the layers of one inference; None when they are not found.

    Args:
        order: How the traced function goes through its layers.
        trace: Its blocks as they ran, the first of which begins at the function's address.
        code: Bytes of the function.
        layers: How many layers there are.
    """
    if order is LayerOrder.LOOP:
        return loop_edges(trace, layers)
    return straight_line_edges(trace, return_addresses(code, trace[0].address), layers)


def return_addresses(code: bytes, address: int) -> tuple[int, ...]:
    """Return where the calls in a function return to, in the order in which they stand in its code.

    Calls are BL, and BLX with a register. Literals after the code may look like some.
    Encodings: ARMv7-M Architecture Reference Manual (DDI 0403), A7.7.18 and A7.7.19.

    Args:
        code: Thumb code of the function.
        address: Where it begins.
    """
    found, at = [], 0
    while at + 2 <= len(code):
        first = int.from_bytes(code[at : at + 2], "little")
        if is_wide(first):
            second = int.from_bytes(code[at + 2 : at + 4], "little")
            is_call = first >> 11 == 0b11110 and second >> 14 == 0b11 and second >> 12 & 1 == 1
            at += 4
        else:
            is_call = first & 0xFF87 == 0x4780
            at += 2
        if is_call:
            found.append(address + at)
    return tuple(found)


def straight_line_edges(trace: Sequence[TraceEntry], returns: Sequence[int], layers: int) -> tuple[Counts, ...] | None:
    """Return the counts at the edges of the layers of code that calls each once.

    Args:
        trace: The blocks of one inference.
        returns: Addresses that calls return to.
        layers: How many layers there are; None is returned when it did not return from as many calls.
    """
    back = [entry.counts for entry in trace if entry.address in returns]
    return (trace[0].counts, *back) if len(back) == layers else None


def loop_edges(trace: Sequence[TraceEntry], layers: int) -> tuple[Counts, ...] | None:
    """Return the counts at the edges of the layers of code that runs them in a loop.

    Edges lie where the first block that ran once for each layer began; the last layer ends with the last entry.

    Args:
        trace: The blocks of one inference.
        layers: How many layers there are; None is returned when no block ran as often.
    """
    times = Counter(entry.address for entry in trace)
    body = next((entry.address for entry in trace if times[entry.address] == layers), None)
    if body is None or trace[-1].address == body:
        return None
    return (*(entry.counts for entry in trace if entry.address == body), trace[-1].counts)


def layers_between(edges: Sequence[Counts], labels: Sequence[LayerLabel]) -> tuple[LayerProfile, ...]:
    """Return the layers that lie between edges.

    Args:
        edges: Counts at them, one more than there are layers.
        labels: One for each layer.
    """
    spans = (end.since(start) for start, end in pairwise(edges))
    return tuple(
        LayerProfile(title=label.title, macs=label.macs, counts=counts)
        for label, counts in zip(labels, spans, strict=True)
    )
