# SPDX-License-Identifier: Apache-2.0
"""Well-formed .tflite files with wrong values: one to three fields of a parsed model are changed, from a seed.

What is changed: operands (left out, repeated, of another tensor), shapes, types, scales, zero points, quantised axes,
options, operator codes, buffers, inputs and outputs of the model, the order of operators.
"""

from __future__ import annotations

import pickle
import random
import struct
from collections.abc import Callable, MutableSequence
from functools import lru_cache
from typing import Any

import numpy as np

INTEGERS = (-(2**31), -128, -2, -1, 0, 1, 2, 3, 4, 5, 7, 9, 15, 64, 127, 128, 1000, 32768, 65536, 2**31 - 1)
REALS = (0.0, -1.0, 1e-45, 1e-30, 1e-9, 0.5, 1.0, 3.0, 1e9, 3e38, float("nan"), float("inf"))
_CODES = 160  # builtin operators known to the schema, about
_TYPES = 20
_OPTIONS = 125

Draw = random.Random


def mutate_model(model: bytes, seed: int) -> bytes | None:
    """Change a few fields of a model.

    Args:
        model: The bytes of a valid .tflite.
        seed: The same seed gives the same file.

    Returns:
        The file; None where the format's writer cannot hold the values.
    """
    import flatbuffers

    draw = Draw(seed)
    tree: Any = pickle.loads(_parsed(model))
    try:
        for _ in range(draw.randint(1, 3)):
            draw.choice(WAYS)(tree, tree.subgraphs[0], draw)
        writer = flatbuffers.Builder(len(model) + 1024)
        writer.Finish(tree.Pack(writer), file_identifier=b"TFL3")
    except (TypeError, ValueError, OverflowError, AttributeError, IndexError, struct.error):
        return None
    return bytes(writer.Output())


@lru_cache(maxsize=64)
def _parsed(model: bytes) -> bytes:
    """The tree of a model, pickled: a copy of it takes a fifth of the time of reading the file again."""
    import ai_edge_litert.schema_py_generated as schema

    return pickle.dumps(schema.ModelT.InitFromPackedBuf(model, 0))


def _integer(old: int, draw: Draw) -> int:
    return old + draw.choice((-1, 1, 2)) if draw.random() < 0.4 else draw.choice(INTEGERS)


def _change_list(values: MutableSequence[int], highest: int, draw: Draw) -> list[int]:
    """A list of numbers with one entry dropped, added, repeated, swapped or replaced, or without any."""
    listed = [int(value) for value in values]
    way = draw.randrange(6)
    if way == 0:
        return []
    if way == 1 and listed:
        del listed[draw.randrange(len(listed))]
    elif way == 2:
        listed.insert(draw.randint(0, len(listed)), draw.choice((-1, draw.randint(0, highest))))
    elif way == 3 and listed:
        listed.append(draw.choice(listed))
    elif way == 4 and listed:
        listed[draw.randrange(len(listed))] = draw.choice((-1, draw.randint(0, highest + 1), 2**31 - 1))
    else:
        draw.shuffle(listed)
    return listed


def _operands(tree: Any, graph: Any, draw: Draw) -> None:
    operator = draw.choice(graph.operators)
    name = draw.choice(("inputs", "inputs", "outputs"))
    old = getattr(operator, name)
    setattr(operator, name, _change_list([] if old is None else old, len(graph.tensors) - 1, draw))


def _model_edges(tree: Any, graph: Any, draw: Draw) -> None:
    name = draw.choice(("inputs", "outputs"))
    setattr(graph, name, _change_list(getattr(graph, name), len(graph.tensors) - 1, draw))


def _shape(tree: Any, graph: Any, draw: Draw) -> None:
    tensor = draw.choice(graph.tensors)
    name = "shapeSignature" if draw.random() < 0.1 else "shape"
    old = getattr(tensor, name)
    shape = [1] if old is None else [int(size) for size in old]
    way = draw.randrange(5)
    if way == 0 and shape:
        at = draw.randrange(len(shape))
        shape[at] = _integer(shape[at], draw)
    elif way == 1:
        shape = [1] * draw.randint(1, 3) + shape
    elif way == 2:
        shape = shape[draw.randint(1, 2) :]
    elif way == 3:
        draw.shuffle(shape)
    else:
        shape = [int(np.prod(shape))]
    setattr(tensor, name, shape)


def _type(tree: Any, graph: Any, draw: Draw) -> None:
    draw.choice(graph.tensors).type = draw.randrange(-1, _TYPES)


def _quantization(tree: Any, graph: Any, draw: Draw) -> None:
    tensor = draw.choice(graph.tensors)
    quant = tensor.quantization
    way = draw.randrange(6)
    if way == 0 or quant is None or quant.scale is None:
        tensor.quantization = draw.choice(graph.tensors).quantization
        return
    scales, zeros = np.array(quant.scale, np.float32), np.array(quant.zeroPoint, np.int64)
    if way == 1:
        scales[draw.randrange(scales.size)] *= np.float32(draw.choice((0.5, 0.9, 1.02, 2.0, 100.0)))
    elif way == 2:
        scales[draw.randrange(scales.size)] = draw.choice(REALS)
    elif way == 3:
        zeros[draw.randrange(zeros.size)] = _integer(int(zeros[0]), draw)
    elif way == 4:
        quant.quantizedDimension = _integer(int(quant.quantizedDimension), draw)
    else:
        size = draw.choice((0, 1, scales.size + 1, 4))
        scales, zeros = np.resize(scales, size), np.resize(zeros, draw.choice((size, zeros.size)))
    quant.scale, quant.zeroPoint = scales, zeros


def _options(tree: Any, graph: Any, draw: Draw) -> None:
    operator = draw.choice(graph.operators)
    options = operator.builtinOptions
    if options is None or draw.random() < 0.1:
        operator.builtinOptions = draw.choice(graph.operators).builtinOptions
        operator.builtinOptionsType = draw.randrange(_OPTIONS) if draw.random() < 0.5 else operator.builtinOptionsType
        return
    fields = sorted(vars(options))
    if not fields:
        return
    name = draw.choice(fields)
    old = getattr(options, name)
    new: Any
    if isinstance(old, float):
        new = draw.choice(REALS)
    elif isinstance(old, (bool, int)):
        new = _integer(int(old), draw)
    else:
        new = _change_list([] if old is None else old, 9, draw)
    setattr(options, name, new)


def _code(tree: Any, graph: Any, draw: Draw) -> None:
    code = draw.choice(tree.operatorCodes)
    number = draw.randrange(-1, _CODES)
    code.builtinCode, code.deprecatedBuiltinCode = number, min(number, 127)


def _buffer(tree: Any, graph: Any, draw: Draw) -> None:
    tensor = draw.choice(graph.tensors)
    way = draw.randrange(4)
    buffer = tree.buffers[draw.choice(graph.tensors).buffer]
    if way == 0 or buffer.data is None or not len(buffer.data):
        tensor.buffer = draw.randint(0, len(tree.buffers))
    elif way == 1:
        buffer.data = np.resize(np.asarray(buffer.data, np.uint8), max(0, len(buffer.data) + draw.choice((-4, -1, 4))))
    elif way == 2:
        buffer.data = np.frombuffer(draw.randbytes(len(buffer.data)), np.uint8)
    else:
        buffer.data = np.full(len(buffer.data), draw.choice((0, 1, 127, 128, 255)), np.uint8)


def _order(tree: Any, graph: Any, draw: Draw) -> None:
    way = draw.randrange(4)
    if way == 0:
        draw.shuffle(graph.operators)
    elif way == 1:
        del graph.operators[draw.randrange(len(graph.operators))]
    elif way == 2:
        graph.operators.append(draw.choice(graph.operators))
    else:
        draw.choice(graph.operators).opcodeIndex = draw.randint(0, len(tree.operatorCodes))


WAYS: tuple[Callable[[Any, Any, Draw], None], ...] = (
    _operands,
    _operands,
    _model_edges,
    _shape,
    _shape,
    _type,
    _quantization,
    _quantization,
    _options,
    _options,
    _code,
    _buffer,
    _order,
)
