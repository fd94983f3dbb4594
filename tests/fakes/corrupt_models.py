# SPDX-License-Identifier: Apache-2.0
"""Models that are broken on purpose, from fixed seeds.

Two ways to corrupt a model: bytes of the file (truncated, flipped, huge words where offsets and lengths are, regions
swapped), which tests the reader; and values of the object tree before it is written, which gives well-formed files with
wrong values and tests the steps after the reader. Bombs are small files that claim huge sizes.
"""

from __future__ import annotations

import random
import struct
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np

from mlperf_tiny.firmware.codegen.tflite.flatbuffer import open_root
from mlperf_tiny.models.arch.tflite_builder import Builder

WORDS = (
    0,
    1,
    2,
    3,
    4,
    8,
    127,
    255,
    256,
    0x7FFF,
    0x8000,
    0xFFFF,
    0x10000,
    0x7FFFFFFF,
    0x80000000,
    0xFFFFFFFC,
    0xFFFFFFFF,
)


def residual_model() -> Builder:
    """conv, depthwise, add, average pool, reshape, fully connected, softmax; tensors 0 in, last out."""
    draw = np.random.default_rng(1)
    b = Builder()

    def weights(*shape: int, axis: int = 0) -> tuple[int, int]:
        channels = shape[axis]
        scales = draw.uniform(0.002, 0.02, channels)
        kernel = b.tensor(shape, scale=scales, axis=axis, data=draw.integers(-127, 128, shape))
        return kernel, b.tensor((channels,), "int32", scale=scales * 0.5, data=draw.integers(-999, 999, channels))

    x = b.tensor((1, 6, 5, 2), scale=0.5, zero_point=4)
    conv = b.tensor((1, 6, 5, 8), scale=0.5, zero_point=-128)
    depthwise = b.tensor((1, 6, 5, 8), scale=0.5, zero_point=-3)
    total = b.tensor((1, 6, 5, 8), scale=0.75, zero_point=1)
    pooled = b.tensor((1, 2, 1, 8), scale=0.75, zero_point=1)
    flat = b.tensor((1, 16), scale=0.75, zero_point=1)
    logits = b.tensor((1, 4), scale=0.25, zero_point=0)
    out = b.tensor((1, 4), scale=1 / 256, zero_point=-128)
    b.operator("CONV_2D", [x, *weights(8, 3, 3, 2)], [conv], {"padding": "SAME", "activation": "RELU"})
    b.operator("DEPTHWISE_CONV_2D", [conv, *weights(1, 3, 3, 8, axis=3)], [depthwise], {"padding": "SAME"})
    b.operator("ADD", [conv, depthwise], [total], {"activation": "RELU6"})
    pool = {"padding": "VALID", "filter_h": 3, "filter_w": 5, "stride_h": 3, "stride_w": 5}
    b.operator("AVERAGE_POOL_2D", [total], [pooled], pool)
    b.operator("RESHAPE", [pooled, b.tensor((2,), "int32", data=[-1, 16])], [flat], {"new_shape": (-1, 16)})
    b.operator("FULLY_CONNECTED", [flat, *weights(4, 16)], [logits])
    b.operator("SOFTMAX", [logits], [out], {"beta": 1.0})
    b.build([x], [out])
    return b


def mixed_model() -> Builder:
    """pad, dilated conv, max pool, concatenation, mul, quantize, mean, logistic."""
    draw = np.random.default_rng(2)
    b = Builder()
    x = b.tensor((1, 7, 7, 3), scale=0.03, zero_point=-9)
    padded = b.tensor((1, 9, 9, 3), scale=0.03, zero_point=-9)
    kernel = b.tensor((4, 2, 3, 3), scale=0.01, data=draw.integers(-127, 128, (4, 2, 3, 3)))
    bias = b.tensor((4,), "int32", scale=0.0003, data=draw.integers(-9999, 9999, 4))
    conv = b.tensor((1, 7, 3, 4), scale=0.1, zero_point=5)
    pooled = b.tensor((1, 4, 2, 4), scale=0.1, zero_point=5)
    other = b.tensor((1, 4, 2, 4), scale=0.2, zero_point=2)
    joined = b.tensor((1, 4, 2, 8), scale=0.1, zero_point=5)
    product = b.tensor((1, 4, 2, 8), scale=0.4, zero_point=0)
    mean = b.tensor((1, 8), scale=0.4, zero_point=0)
    out = b.tensor((1, 8), scale=1 / 256, zero_point=-128)
    b.operator("PAD", [x, b.tensor((4, 2), "int32", data=[0, 0, 1, 1, 1, 1, 0, 0])], [padded])
    window = {"padding": "VALID", "dilation_h": 2, "dilation_w": 3}
    b.operator("CONV_2D", [padded, kernel, bias], [conv], window)
    pool = {"padding": "SAME", "filter_h": 2, "filter_w": 2, "stride_h": 2, "stride_w": 2}
    b.operator("MAX_POOL_2D", [conv], [pooled], pool)
    b.operator("QUANTIZE", [pooled], [other])
    b.operator("CONCATENATION", [pooled, pooled], [joined], {"axis": 3})
    factor = b.tensor((1, 1, 1, 8), scale=0.05, zero_point=1, data=draw.integers(-128, 128, 8))
    b.operator("MUL", [joined, factor], [product])
    b.operator("MEAN", [product, b.tensor((2,), "int32", data=[1, 2])], [mean], {"keep_dims": False})
    b.operator("LOGISTIC", [mean], [out])
    b.build([x], [out])
    return b


MODELS: dict[str, Callable[[], Builder]] = {"residual": residual_model, "mixed": mixed_model}


def written(b: Builder) -> bytes:
    return b.build(b.subgraph.inputs, b.subgraph.outputs)


def structure_words(model: bytes) -> list[int]:
    """Offsets of the aligned words that are not constants: offsets, lengths, vtables, options, indices."""
    inside: set[int] = set()
    for buffer in open_root(model, b"TFL3", "model").tables(4, "buffers", 1 << 16):
        data = buffer.vector(0, "uint8", "data")
        if data is not None and data.size:
            # The view's offset in the file: the difference of its address and that of the file's first byte.
            start = data.__array_interface__["data"][0] - np.frombuffer(model, np.uint8).__array_interface__["data"][0]
            inside.update(range(start // 4, (start + data.size) // 4))
    return [at for at in range(0, len(model) - 4, 4) if at // 4 not in inside]


def corrupt_bytes(model: bytes, words: list[int], seed: int) -> bytes:
    """One deterministic mutation of the file."""
    draw = random.Random(seed)
    data = bytearray(model)
    way = draw.randrange(6)
    if way == 0:
        return bytes(data[: draw.randrange(len(data))])
    if way == 1:
        for _ in range(draw.randint(1, 8)):
            data[draw.randrange(len(data))] ^= 1 << draw.randrange(8)
    elif way == 2:
        for _ in range(draw.randint(1, 3)):
            value = draw.choice((*WORDS, len(data), draw.randrange(len(data)), draw.getrandbits(32)))
            struct.pack_into("<I", data, draw.choice(words), value & 0xFFFFFFFF)
    elif way == 3:
        at = draw.choice(words)
        value = struct.unpack_from("<I", data, at)[0] + draw.choice((-4, -2, -1, 1, 2, 4, 8, 64))
        struct.pack_into("<I", data, at, value & 0xFFFFFFFF)
    elif way == 4:
        size = draw.choice((4, 16, 64))
        a, b = draw.choice(words), draw.choice(words)
        if max(a, b) + size <= len(data) and abs(a - b) >= size:
            data[a : a + size], data[b : b + size] = data[b : b + size], data[a : a + size]
    else:
        at = draw.choice(words)
        if draw.random() < 0.5:
            del data[at : at + 4 * draw.randint(1, 4)]
        else:
            data[at:at] = draw.randbytes(4)
    return bytes(data)


def _fields(tree: Any) -> Iterator[tuple[Any, Any]]:
    """Every (holder, key) of a number in an object tree; holders are lists, arrays and objects."""
    stack = [tree]
    while stack:
        holder = stack.pop()
        listed = isinstance(holder, (list, np.ndarray))
        for key, value in enumerate(holder[:64]) if listed else sorted(vars(holder).items()):
            if isinstance(value, (bool, int, float, np.generic)):
                yield holder, key
            elif isinstance(value, (list, np.ndarray)) or hasattr(value, "__dict__"):
                stack.append(value)


def corrupt_values(b: Builder, seed: int) -> bytes | None:
    """Changes one to three values of a model and writes it; None when the schema's writer cannot hold them."""
    draw = random.Random(seed)
    # Names and constants are most of the values, but few of the checks.
    places = [(h, k) for h, k in _fields(b.subgraph) if not (isinstance(h, np.ndarray) and h.dtype == np.uint8)]
    places += list(_fields(b.model.operatorCodes))
    if draw.random() < 0.2:
        places += [(h, k) for h, k in _fields(b.model.buffers)]
    for _ in range(draw.randint(1, 3)):
        holder, key = draw.choice(places)
        old = holder[key] if isinstance(holder, (list, np.ndarray)) else getattr(holder, key)
        new: Any
        if isinstance(old, (float, np.floating)):
            new = draw.choice((0.0, -1.0, 1e-45, 1e-30, 1e-9, 0.5, 1.0, 3.0, 1e9, 3e38, float("nan"), float("inf")))
        else:
            new = draw.choice((-128, -2, -1, 0, 1, 2, 3, 4, 5, 7, 9, 15, 64, 127, 128, 1000, 32768, 65536, 2**31 - 1))
            if draw.random() < 0.4:
                new = int(old) + draw.choice((-1, 1, 2))
        if isinstance(holder, np.ndarray) and holder.dtype == np.uint8:
            new = int(new) & 255 if np.isfinite(new) else 0
        if isinstance(holder, (list, np.ndarray)):
            holder[key] = new
        else:
            setattr(holder, key, new)
    if draw.random() < 0.1:
        draw.shuffle(b.subgraph.operators)
    try:
        return written(b)
    except (TypeError, ValueError, OverflowError, struct.error):
        return None


def bomb_of_operators() -> bytes:
    """Every operator and every tensor is one and the same table, a few bytes each in the file."""
    b = residual_model()
    b.subgraph.operators = [b.subgraph.operators[0]] * 2000
    return written(b)


def bomb_of_scales() -> bytes:
    b = residual_model()
    b.subgraph.tensors[0].quantization.scale = np.full(16_384, 0.5, np.float32)
    b.subgraph.tensors[0].quantization.zeroPoint = np.zeros(16_384, np.int64)
    b.subgraph.tensors[0].shape = [16_384]
    return written(b)


def bomb_of_shape() -> bytes:
    """A chain that is valid except for its size: 64 million values in a file of a kilobyte."""
    b = Builder()
    x, y = b.tensor((1, 8192, 8192, 1), scale=0.5), b.tensor((1, 8192, 8192, 1), scale=0.5)
    b.operator("RELU", [x], [y])
    return b.build([x], [y])


def bomb_of_padding() -> bytes:
    b = Builder()
    x, y = b.tensor((1, 4), scale=0.5), b.tensor((1, 2**26), scale=0.5)
    b.operator("PAD", [x, b.tensor((2, 2), "int32", data=[0, 0, 0, 2**26 - 4])], [y])
    return b.build([x], [y])


BOMBS = (bomb_of_operators, bomb_of_scales, bomb_of_shape, bomb_of_padding)
