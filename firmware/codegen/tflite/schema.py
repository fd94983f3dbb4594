# SPDX-License-Identifier: Apache-2.0
"""The numbers of the TFLite schema, version 3 (``schema.fbs``), as tables: element types, operators, options.

Only what the compiler can use is described field by field; other operators have a name here so that refusing them is
readable.
"""

from __future__ import annotations

from dataclasses import dataclass

# Numpy's names where numpy has the type. The others cannot be held as an array and are refused where they are used.
TYPE_NAMES: tuple[str, ...] = (
    "float32", "float16", "int32", "uint8", "int64", "string", "bool", "int16", "complex64", "int8", "float64",
    "complex128", "uint64", "resource", "variant", "uint32", "uint16", "int4", "bfloat16", "int2", "uint4",
    "float8_e4m3fn", "float8_e5m2",
)  # fmt: skip
READABLE_TYPES = frozenset({"int8", "uint8", "int16", "int32", "int64", "float32", "bool"})

CUSTOM = 32
_OPERATORS = """
ADD AVERAGE_POOL_2D CONCATENATION CONV_2D DEPTHWISE_CONV_2D DEPTH_TO_SPACE DEQUANTIZE EMBEDDING_LOOKUP FLOOR
FULLY_CONNECTED HASHTABLE_LOOKUP L2_NORMALIZATION L2_POOL_2D LOCAL_RESPONSE_NORMALIZATION LOGISTIC LSH_PROJECTION LSTM
MAX_POOL_2D MUL RELU RELU_N1_TO_1 RELU6 RESHAPE RESIZE_BILINEAR RNN SOFTMAX SPACE_TO_DEPTH SVDF TANH CONCAT_EMBEDDINGS
SKIP_GRAM CALL CUSTOM EMBEDDING_LOOKUP_SPARSE PAD UNIDIRECTIONAL_SEQUENCE_RNN GATHER BATCH_TO_SPACE_ND
SPACE_TO_BATCH_ND TRANSPOSE MEAN SUB DIV SQUEEZE UNIDIRECTIONAL_SEQUENCE_LSTM STRIDED_SLICE BIDIRECTIONAL_SEQUENCE_RNN
EXP TOPK_V2 SPLIT LOG_SOFTMAX DELEGATE BIDIRECTIONAL_SEQUENCE_LSTM CAST PRELU MAXIMUM ARG_MAX MINIMUM LESS NEG PADV2
GREATER GREATER_EQUAL LESS_EQUAL SELECT SLICE SIN TRANSPOSE_CONV SPARSE_TO_DENSE TILE EXPAND_DIMS EQUAL NOT_EQUAL LOG
SUM SQRT RSQRT SHAPE POW ARG_MIN FAKE_QUANT REDUCE_PROD REDUCE_MAX PACK LOGICAL_OR ONE_HOT LOGICAL_AND LOGICAL_NOT
UNPACK REDUCE_MIN FLOOR_DIV REDUCE_ANY SQUARE ZEROS_LIKE FILL FLOOR_MOD RANGE RESIZE_NEAREST_NEIGHBOR LEAKY_RELU
SQUARED_DIFFERENCE MIRROR_PAD ABS SPLIT_V UNIQUE CEIL REVERSE_V2 ADD_N GATHER_ND COS WHERE RANK ELU REVERSE_SEQUENCE
MATRIX_DIAG QUANTIZE MATRIX_SET_DIAG ROUND HARD_SWISH IF WHILE NON_MAX_SUPPRESSION_V4 NON_MAX_SUPPRESSION_V5
SCATTER_ND SELECT_V2 DENSIFY SEGMENT_SUM BATCH_MATMUL
""".split()  # noqa: SIM905 (a list of 127 quoted names is longer and no clearer)


def operator_name(code: int) -> str:
    """TFLite's name of a builtin operator, ``BUILTIN_<n>`` for a code this table does not know."""
    return _OPERATORS[code] if 0 <= code < len(_OPERATORS) else f"BUILTIN_{code}"


@dataclass(frozen=True)
class Whole:
    """An integer option with the range a usable model can have."""

    slot: int
    name: str
    low: int
    high: int
    default: int = 0


@dataclass(frozen=True)
class Choice:
    """An option stored as a small number that stands for one of ``names``; 0 when absent."""

    slot: int
    name: str
    names: tuple[str, ...]


@dataclass(frozen=True)
class Flag:
    """A boolean option, False when absent."""

    slot: int
    name: str


@dataclass(frozen=True)
class Real:
    """A float32 option that must be finite and positive."""

    slot: int
    name: str


@dataclass(frozen=True)
class Whole32s:
    """A vector of int32 with at most as many items as a tensor may have dimensions; empty when absent."""

    slot: int
    name: str


OptionField = Whole | Choice | Flag | Real | Whole32s


@dataclass(frozen=True)
class OptionTable:
    """The options of one operator. ``union_type`` is its number in the BuiltinOptions union.

    ``optional``: the schema's defaults describe a real operator, so that a file may leave the whole table out.
    """

    union_type: int
    fields: tuple[OptionField, ...]
    optional: bool = False


ACTIVATIONS = ("NONE", "RELU", "RELU_N1_TO_1", "RELU6", "TANH", "SIGN_BIT")
_PADDINGS = ("SAME", "VALID")
MAX_STEP = 32_767  # strides, dilations and windows: what LiteRT takes, and larger than any image at hand


def _step(slot: int, name: str, default: int = 0) -> Whole:
    return Whole(slot, name, 1, MAX_STEP, default)


_POOL = OptionTable(
    5,
    (
        Choice(0, "padding", _PADDINGS),
        _step(1, "stride_w"),
        _step(2, "stride_h"),
        _step(3, "filter_w"),
        _step(4, "filter_h"),
        Choice(5, "activation", ACTIVATIONS),
    ),
)

OPTIONS: dict[str, OptionTable] = {
    "CONV_2D": OptionTable(
        1,
        (
            Choice(0, "padding", _PADDINGS),
            _step(1, "stride_w"),
            _step(2, "stride_h"),
            Choice(3, "activation", ACTIVATIONS),
            _step(4, "dilation_w", 1),
            _step(5, "dilation_h", 1),
        ),
    ),
    "DEPTHWISE_CONV_2D": OptionTable(
        2,
        (
            Choice(0, "padding", _PADDINGS),
            _step(1, "stride_w"),
            _step(2, "stride_h"),
            # Some converters write 0: the multiplier then follows from the shapes.
            Whole(3, "depth_multiplier", 0, MAX_STEP),
            Choice(4, "activation", ACTIVATIONS),
            _step(5, "dilation_w", 1),
            _step(6, "dilation_h", 1),
        ),
    ),
    "AVERAGE_POOL_2D": _POOL,
    "MAX_POOL_2D": _POOL,
    "FULLY_CONNECTED": OptionTable(
        8,
        (
            Choice(0, "activation", ACTIVATIONS),
            Choice(1, "weights_format", ("DEFAULT", "SHUFFLED4x16INT8")),
            Flag(2, "keep_num_dims"),
        ),
        optional=True,
    ),
    "SOFTMAX": OptionTable(9, (Real(0, "beta"),)),
    "CONCATENATION": OptionTable(10, (Whole(0, "axis", -8, 7), Choice(1, "activation", ACTIVATIONS))),
    "ADD": OptionTable(11, (Choice(0, "activation", ACTIVATIONS),), optional=True),
    "RESHAPE": OptionTable(17, (Whole32s(0, "new_shape"),), optional=True),
    "MUL": OptionTable(21, (Choice(0, "activation", ACTIVATIONS),), optional=True),
    "MEAN": OptionTable(27, (Flag(0, "keep_dims"),), optional=True),
    "SUB": OptionTable(28, (Choice(0, "activation", ACTIVATIONS),), optional=True),
}
