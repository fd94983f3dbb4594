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
SCATTER_ND SELECT_V2 DENSIFY SEGMENT_SUM BATCH_MATMUL PLACEHOLDER_FOR_GREATER_OP_CODES CUMSUM CALL_ONCE BROADCAST_TO
RFFT2D CONV_3D IMAG REAL COMPLEX_ABS HASHTABLE HASHTABLE_FIND HASHTABLE_IMPORT HASHTABLE_SIZE REDUCE_ALL
CONV_3D_TRANSPOSE VAR_HANDLE READ_VARIABLE ASSIGN_VARIABLE BROADCAST_ARGS RANDOM_STANDARD_NORMAL BUCKETIZE
RANDOM_UNIFORM MULTINOMIAL GELU DYNAMIC_UPDATE_SLICE RELU_0_TO_1 UNSORTED_SEGMENT_PROD UNSORTED_SEGMENT_MAX
UNSORTED_SEGMENT_SUM ATAN2 UNSORTED_SEGMENT_MIN SIGN BITCAST BITWISE_XOR RIGHT_SHIFT STABLEHLO_LOGISTIC STABLEHLO_ADD
STABLEHLO_DIVIDE STABLEHLO_MULTIPLY STABLEHLO_MAXIMUM STABLEHLO_RESHAPE STABLEHLO_CLAMP STABLEHLO_CONCATENATE
STABLEHLO_BROADCAST_IN_DIM STABLEHLO_CONVOLUTION STABLEHLO_SLICE STABLEHLO_CUSTOM_CALL STABLEHLO_REDUCE STABLEHLO_ABS
STABLEHLO_AND STABLEHLO_COSINE STABLEHLO_EXPONENTIAL STABLEHLO_FLOOR STABLEHLO_LOG STABLEHLO_MINIMUM STABLEHLO_NEGATE
STABLEHLO_OR STABLEHLO_POWER STABLEHLO_REMAINDER STABLEHLO_RSQRT STABLEHLO_SELECT STABLEHLO_SUBTRACT STABLEHLO_TANH
STABLEHLO_SCATTER STABLEHLO_COMPARE STABLEHLO_CONVERT STABLEHLO_DYNAMIC_SLICE STABLEHLO_DYNAMIC_UPDATE_SLICE
STABLEHLO_PAD STABLEHLO_IOTA STABLEHLO_DOT_GENERAL STABLEHLO_REDUCE_WINDOW STABLEHLO_SORT STABLEHLO_WHILE
STABLEHLO_GATHER STABLEHLO_TRANSPOSE DILATE STABLEHLO_RNG_BIT_GENERATOR REDUCE_WINDOW STABLEHLO_COMPOSITE
STABLEHLO_SHIFT_LEFT STABLEHLO_CBRT STABLEHLO_CASE
""".split()  # noqa: SIM905 (a list of 210 quoted names is longer and no clearer)


def operator_name(code: int) -> str:
    """TFLite's name of a builtin operator, ``BUILTIN_<n>`` for a code outside this table."""
    return _OPERATORS[code] if 0 <= code < len(_OPERATORS) else f"BUILTIN_{code}"


@dataclass(frozen=True, kw_only=True)
class IntOption:
    """An integer option with the range that a usable model can have."""

    slot: int
    """The field's number in the table."""
    name: str
    low: int
    high: int
    default: int = 0


@dataclass(frozen=True, kw_only=True)
class EnumOption:
    """An option stored as a small number that stands for one of ``names``; 0 when absent."""

    slot: int
    name: str
    names: tuple[str, ...]


@dataclass(frozen=True, kw_only=True)
class BoolOption:
    """A boolean option, False when absent."""

    slot: int
    name: str


@dataclass(frozen=True, kw_only=True)
class FloatOption:
    """A float32 option that must be finite and positive."""

    slot: int
    name: str


@dataclass(frozen=True, kw_only=True)
class IntListOption:
    """A vector of int32 with at most as many items as a tensor may have dimensions; empty when absent."""

    slot: int
    name: str


OptionField = IntOption | EnumOption | BoolOption | FloatOption | IntListOption


@dataclass(frozen=True, kw_only=True)
class OptionTable:
    """The options of one operator."""

    union_type: int
    """Its number in the BuiltinOptions union."""
    fields: tuple[OptionField, ...]
    optional: bool = False
    """The schema's defaults describe a real operator: a file may omit the whole table."""


ACTIVATIONS = ("NONE", "RELU", "RELU_N1_TO_1", "RELU6", "TANH", "SIGN_BIT")
_PADDINGS = ("SAME", "VALID")
MAX_STEP = 32_767  # strides, dilations and windows: LiteRT's own limit, and more than any image has


def _step(slot: int, name: str, default: int = 0) -> IntOption:
    return IntOption(slot=slot, name=name, low=1, high=MAX_STEP, default=default)


_POOL = OptionTable(
    union_type=5,
    fields=(
        EnumOption(slot=0, name="padding", names=_PADDINGS),
        _step(1, "stride_w"),
        _step(2, "stride_h"),
        _step(3, "filter_w"),
        _step(4, "filter_h"),
        EnumOption(slot=5, name="activation", names=ACTIVATIONS),
    ),
)

# Of int16 layers; a number that is no type is refused by TFLite whatever the layer is.
_BIAS_TYPE_4, _BIAS_TYPE_6 = (EnumOption(slot=slot, name="quantized_bias_type", names=TYPE_NAMES) for slot in (4, 6))

OPTIONS: dict[str, OptionTable] = {
    "CONV_2D": OptionTable(
        union_type=1,
        fields=(
            EnumOption(slot=0, name="padding", names=_PADDINGS),
            _step(1, "stride_w"),
            _step(2, "stride_h"),
            EnumOption(slot=3, name="activation", names=ACTIVATIONS),
            _step(4, "dilation_w", 1),
            _step(5, "dilation_h", 1),
            _BIAS_TYPE_6,
        ),
    ),
    "DEPTHWISE_CONV_2D": OptionTable(
        union_type=2,
        fields=(
            EnumOption(slot=0, name="padding", names=_PADDINGS),
            _step(1, "stride_w"),
            _step(2, "stride_h"),
            # Some converters write 0: the multiplier then follows from the shapes.
            IntOption(slot=3, name="depth_multiplier", low=0, high=MAX_STEP),
            EnumOption(slot=4, name="activation", names=ACTIVATIONS),
            _step(5, "dilation_w", 1),
            _step(6, "dilation_h", 1),
        ),
    ),
    "AVERAGE_POOL_2D": _POOL,
    "MAX_POOL_2D": _POOL,
    "FULLY_CONNECTED": OptionTable(
        union_type=8,
        fields=(
            EnumOption(slot=0, name="activation", names=ACTIVATIONS),
            EnumOption(slot=1, name="weights_format", names=("DEFAULT", "SHUFFLED4x16INT8")),
            BoolOption(slot=2, name="keep_num_dims"),
            _BIAS_TYPE_4,
        ),
        optional=True,
    ),
    "SOFTMAX": OptionTable(union_type=9, fields=(FloatOption(slot=0, name="beta"),)),
    "CONCATENATION": OptionTable(
        union_type=10,
        fields=(
            IntOption(slot=0, name="axis", low=-8, high=7),
            EnumOption(slot=1, name="activation", names=ACTIVATIONS),
        ),
    ),
    "ADD": OptionTable(
        union_type=11, fields=(EnumOption(slot=0, name="activation", names=ACTIVATIONS),), optional=True
    ),
    "RESHAPE": OptionTable(union_type=17, fields=(IntListOption(slot=0, name="new_shape"),), optional=True),
    "MUL": OptionTable(
        union_type=21, fields=(EnumOption(slot=0, name="activation", names=ACTIVATIONS),), optional=True
    ),
    "SQUEEZE": OptionTable(union_type=30, fields=(IntListOption(slot=0, name="squeeze_dims"),), optional=True),
    "MEAN": OptionTable(union_type=27, fields=(BoolOption(slot=0, name="keep_dims"),), optional=True),
    "SUB": OptionTable(
        union_type=28, fields=(EnumOption(slot=0, name="activation", names=ACTIVATIONS),), optional=True
    ),
    # Options without a field that counts: a table of another operator's is refused all the same.
    **{
        kind: OptionTable(union_type=union_type, fields=(), optional=True)
        for kind, union_type in {
            "PAD": 22,
            "TRANSPOSE": 26,
            "DEQUANTIZE": 38,
            "PADV2": 43,
            "EXPAND_DIMS": 52,
            "QUANTIZE": 89,
            "HARD_SWISH": 91,
            "LOGISTIC": 0,
            "RELU": 0,
            "RELU6": 0,
            "RELU_N1_TO_1": 0,
            "TANH": 0,
        }.items()
    },
}
