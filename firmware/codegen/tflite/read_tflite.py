# SPDX-License-Identifier: Apache-2.0
"""Turns the bytes of a .tflite file into a ``Graph``, or reports what is wrong with them.

The file is not trusted. What the shape of the file promises is checked here (offsets, lengths, indices, quantisation,
the order of the operators), so that later steps may index freely; whether an operator's shapes and options go together
is for ``lower``. Constants are views of ``data``: reading costs a small multiple of the file's size at most.
"""

from __future__ import annotations

import math
from collections.abc import Mapping

from mlperf_tiny.errors import ModelInvalid, NotAModel, UnsupportedOperator
from mlperf_tiny.file_tree import content_kind
from mlperf_tiny.firmware.codegen.ir.graph import Graph, Operator, Option
from mlperf_tiny.firmware.codegen.tflite.check_graph import check_operands, check_order, check_reshape, check_size
from mlperf_tiny.firmware.codegen.tflite.check_subgraphs import refuse_other_subgraphs
from mlperf_tiny.firmware.codegen.tflite.flatbuffer import Broken, Table, open_root
from mlperf_tiny.firmware.codegen.tflite.read_tensor import MAX_RANK, read_tensor, unused_tensor
from mlperf_tiny.firmware.codegen.tflite.schema import (
    CUSTOM,
    OPTIONS,
    BoolOption,
    EnumOption,
    FloatOption,
    IntOption,
    OptionField,
    operator_name,
)

IDENTIFIER = b"TFL3"
"""Bytes 4 to 8 of a .tflite file."""

# Far above anything a microcontroller can run; they bound time and memory when a file claims more.
MAX_OPERATORS = 512
MAX_OPERANDS = 256
MAX_TENSORS = 16_384

_INT8_ACTIVATIONS = ("NONE", "RELU", "RELU_N1_TO_1", "RELU6")


def read_tflite(data: bytes, source: str) -> Graph:
    """Read a .tflite file.

    Operators stay in the order of the file, and every input is computed before its use. A batch dimension that the file
    leaves open is 1. Tensors that no operator uses are carried as scalars.

    Args:
        data: The file's bytes, which need not be trusted.
        source: Its name in messages.

    Raises:
        ModelInvalid: The file is broken.
        UnsupportedOperator: The file is valid, but an operator has a tensor of a kind that the compiler lacks: 4-bit or
            half-float values, sparse storage, state kept between inferences.
    """
    try:
        return _read(data, source)
    except Broken as problem:
        # Only where the file does not say that it is a model: a kind that is found under its name by mistake.
        if data[4:8] != IDENTIFIER:
            if kind := content_kind(data):
                raise NotAModel(source, f"it is {kind.what} ({len(data):,} bytes)", kind.advice) from None
            raise NotAModel(source, str(problem)) from None
        raise ModelInvalid(source, str(problem)) from None


def _read(data: bytes, source: str) -> Graph:
    model = open_root(data, IDENTIFIER, "the model")
    version = model.scalar(0, "I", 0, "version")
    if version != 3:
        raise Broken(f"its schema version is {version}, wanted 3")
    codes = model.tables(1, "operator codes", MAX_OPERATORS)
    subgraphs = model.tables(2, "subgraphs", 64)
    if not subgraphs:
        raise Broken("it has no subgraph, wanted one")
    subgraph = subgraphs[0]
    operator_tables = subgraph.tables(3, "operators", MAX_OPERATORS)
    kinds = [_kind(table, i, codes) for i, table in enumerate(operator_tables)]
    refuse_other_subgraphs(kinds, len(subgraphs), source)
    tensor_tables = subgraph.tables(0, "tensors", MAX_TENSORS)
    buffers = model.tables(4, "buffers", MAX_TENSORS + 1)
    inputs = _indices(subgraph, 1, "model inputs", len(tensor_tables))
    outputs = _indices(subgraph, 2, "model outputs", len(tensor_tables))
    if not inputs or not outputs:
        raise Broken(f"it has {len(inputs)} inputs and {len(outputs)} outputs, wanted at least one of each")
    operators = [_operator(table, i, kinds[i], len(tensor_tables)) for i, table in enumerate(operator_tables)]
    if not operators:
        raise Broken("it has no operators")
    check_operands(operators)

    user: dict[int, Operator] = {}
    for operator in reversed(operators):
        user.update((t, operator) for t in (*operator.inputs, *operator.outputs) if t >= 0)
    used = user.keys() | set(inputs) | set(outputs)
    description = model.text(3, "description")
    toco = description.startswith("TOCO")
    tensors = tuple(
        read_tensor(table, i, buffers, user.get(i), toco) if i in used else unused_tensor(table, i)
        for i, table in enumerate(tensor_tables)
    )
    check_size(tensors, operators, len(data))
    check_order(tensors, operators, inputs, outputs)
    for operator in operators:
        check_reshape(operator, tensors)
    return Graph(
        source=source,
        tensors=tensors,
        operators=tuple(operators),
        inputs=inputs,
        outputs=outputs,
        description=description,
    )


def _indices(table: Table, slot: int, name: str, tensors: int, left_out: bool = False) -> tuple[int, ...]:
    """Tensor numbers of a vector, each inside the tensor table; -1 only where an operand may be left out."""
    values = table.vector(slot, "int32", name)
    if values is None:
        return ()
    if values.size > MAX_OPERANDS:
        raise Broken(f"{table.what} has {values.size:,} {name}, at most {MAX_OPERANDS} are read")
    indices = tuple(int(v) for v in values)
    for index in indices:
        if not (0 <= index < tensors or (left_out and index == -1)):
            raise Broken(f"{name} of {table.what} name tensor {index}, there are {tensors} tensors")
    return indices


def _kind(table: Table, index: int, codes: list[Table]) -> str:
    """The name of an operator."""
    code_index = table.scalar(0, "I", 0, "operator code")
    if code_index >= len(codes):
        raise Broken(f"operator {index} has operator code {code_index}, there are {len(codes)}")
    code = codes[code_index]
    # The code outgrew its first field, an int8; files carry both, and the larger one counts.
    number = max(code.scalar(0, "b", 0, "builtin code"), code.scalar(3, "i", 0, "builtin code"))
    if number < 0:
        raise Broken(f"operator {index} has builtin code {number}")
    return f"CUSTOM:{code.text(1, 'custom code', 64)}" if number == CUSTOM else operator_name(number)


def _operator(table: Table, index: int, kind: str, tensors: int) -> Operator:
    inputs = _indices(table, 1, "inputs", tensors, left_out=True)
    outputs = _indices(table, 2, "outputs", tensors)
    if not outputs:
        raise Broken(f"operator {index} ({kind}) has no output")
    if (not inputs or inputs[0] < 0) and not kind.startswith("CUSTOM:"):
        raise Broken(f"operator {index} ({kind}) has no first input")
    return Operator(index, kind, inputs, outputs, _options(table, index, kind))


def _options(operator: Table, index: int, kind: str) -> Mapping[str, Option]:
    layout = OPTIONS.get(kind)
    if layout is None:
        return {}
    what = f"operator {index} ({kind})"
    union_type = operator.scalar(3, "B", 0, "options type")
    table = operator.table(4, f"the options of {what}")
    if table is None:
        if not layout.optional:
            raise Broken(f"{what} has no options")
    elif union_type != layout.union_type:
        raise Broken(f"{what} has options of type {union_type}, wanted {layout.union_type}")
    options = {field.name: _option(table, field, what) for field in layout.fields}
    activation = options.get("activation", "NONE")
    if activation not in _INT8_ACTIVATIONS:
        raise UnsupportedOperator(kind, f"layer {index}", f"its fused activation is {activation}")
    return options


def _option(table: Table | None, field: OptionField, what: str) -> Option:
    """One option's value, the schema's default when there is no ``table`` or the field is absent."""
    if isinstance(field, IntOption):
        number = field.default if table is None else table.scalar(field.slot, "i", field.default, field.name)
        if not field.low <= number <= field.high:
            raise Broken(f"{what} has {field.name} {number}, wanted {field.low} to {field.high}")
        return number
    if isinstance(field, EnumOption):
        number = 0 if table is None else table.scalar(field.slot, "b", 0, field.name)
        if not 0 <= number < len(field.names):
            raise Broken(f"{what} has {field.name} number {number}, wanted 0 to {len(field.names) - 1}")
        return field.names[number]
    if isinstance(field, BoolOption):
        return table is not None and table.scalar(field.slot, "B", 0, field.name) != 0
    if isinstance(field, FloatOption):
        real = 0.0 if table is None else table.real(field.slot, 0.0, field.name)
        if not (math.isfinite(real) and real > 0):
            raise Broken(f"{what} has {field.name} {real}, wanted a positive number")
        return real
    numbers = None if table is None else table.vector(field.slot, "int32", field.name)
    if numbers is None:
        return ()
    if numbers.size > MAX_RANK:
        raise Broken(f"{what} has {field.name} of {numbers.size:,} dimensions, at most {MAX_RANK} are read")
    return tuple(int(n) for n in numbers)
