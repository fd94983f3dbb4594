# SPDX-License-Identifier: Apache-2.0
"""Which call of TFLM's op resolver adds an operator: read from the header of the tree that the library is from.

Only the operators a model has are added, and in their int8 form where the kernels have one: that is what keeps unused
kernels out of the image.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path

from mlperf_tiny.errors import LibraryUnusable, UnsupportedOperator
from mlperf_tiny.firmware.codegen.ir.graph import Graph, Operator
from mlperf_tiny.firmware.tflm.tree import MICRO, RESOLVER

_RETURN_TYPE = "TfLiteStatus"
_CALL = re.compile(
    r"\s+(?P<call>Add\w+)\((?P<parameters>[^{;]*)\)\s*\{\s*"
    r'return\s+Add(?:Builtin\(\s*BuiltinOperator_(?P<builtin>\w+)|Custom\(\s*"(?P<custom>[^"]+)")',
)
_INT8 = re.compile(r"^TFLMRegistration\s+(Register_\w+_INT8)\(\);", re.MULTILINE)
_DEFAULT = re.compile(r"=\s*(?:tflite::)?(Register_\w+)\(\)")


@dataclass(frozen=True)
class Resolver:
    """What a tree's op resolver offers: operator (``CONV_2D``, ``CUSTOM:name``) -> (call, its default registration).

    ``int8`` are the registrations that there are for int8 only, each with the header that declares it.
    """

    calls: Mapping[str, tuple[str, str]]
    int8: Mapping[str, str]


@dataclass(frozen=True)
class Call:
    """How one operator is added: ``AddConv2D(tflite::Register_CONV_2D_INT8())``, and the header that needs, or ""."""

    text: str
    header: str = ""


def read_resolver(root: Path) -> Resolver:
    """Read the headers of the tree at ``root``; raises LibraryUnusable when they are missing or not understood."""
    path = root / RESOLVER
    try:
        text = path.read_text(encoding="utf-8", errors="replace")
        kernels = {path: path.read_text(errors="replace") for path in sorted((root / MICRO / "kernels").glob("*.h"))}
    except OSError as error:
        raise LibraryUnusable(path, f"it cannot be read: {error.strerror}. Name a complete tree.") from error
    calls = {}
    for declaration in text.split(_RETURN_TYPE)[1:]:
        match = _CALL.match(declaration)
        if match is None:
            continue
        default = _DEFAULT.search(match["parameters"])
        kind = match["builtin"] or f"CUSTOM:{match['custom']}"
        calls[kind] = (match["call"], default[1] if default else "")
    if not calls:
        raise LibraryUnusable(path, "no Add... calls were found in it; this version of TFLM is not supported.")
    int8 = {
        name: header.relative_to(root).as_posix()
        for header, kernel in kernels.items()
        for name in _INT8.findall(kernel)
    }
    return Resolver(calls, int8)


def resolver_calls(graph: Graph, resolver: Resolver) -> tuple[Call, ...]:
    """Return the calls that add the operators of a model, each once.

    Args:
        graph: The model.
        resolver: The operators that this version of TFLM can add.

    Raises:
        UnsupportedOperator: There is no call for an operator.
    """
    calls = []
    for kind in sorted({operator.kind for operator in graph.operators}):
        users = [operator for operator in graph.operators if operator.kind == kind]
        if kind not in resolver.calls:
            raise UnsupportedOperator(
                kind,
                f"layer {users[0].index}",
                f"{RESOLVER.name} of this version of TensorFlow Lite Micro has no call that adds it",
            )
        call, default = resolver.calls[kind]
        int8 = f"{default}_INT8"
        only_int8 = default and int8 in resolver.int8 and _all_int8(graph, users)
        calls.append(Call(f"{call}(tflite::{int8}())", resolver.int8[int8]) if only_int8 else Call(f"{call}()"))
    return tuple(calls)


def _all_int8(graph: Graph, operators: Iterable[Operator]) -> bool:
    """Whether all activations of the operators, and the weights in second place, are int8."""
    tensors = (
        graph.tensors[index]
        for operator in operators
        for index in (*operator.inputs[:2], *operator.outputs)
        if index >= 0
    )
    return all(tensor.dtype == "int8" or (tensor.data is not None and tensor.dtype == "int32") for tensor in tensors)
