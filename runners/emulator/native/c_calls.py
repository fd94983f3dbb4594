# SPDX-License-Identifier: Apache-2.0
"""Calls of C functions by their address, and a load and a store by address, from compiled code."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from llvmlite import ir
from numba import types
from numba.extending import intrinsic

_I64 = ir.IntType(64)


def _call_address(builder: Any, result: Any, address: Any, arguments: list[Any]) -> Any:
    function = ir.FunctionType(result, [_I64] * len(arguments))
    return builder.call(builder.inttoptr(address, function.as_pointer()), arguments)


def _call_of(result: Any, returned: Any, count: int) -> tuple[Any, Callable[..., Any]]:
    """An intrinsic that calls an address with ``count`` 64-bit arguments: its signature and what makes its code.

    Args:
        result: The C function's result for LLVM.
        returned: The same for Numba.
        count: Of the arguments.
    """

    def generate(context: Any, builder: Any, signature: Any, args: Any) -> Any:
        return _call_address(builder, result, args[0], list(args[1:]))

    return returned(*[types.int64] * (1 + count)), generate


@intrinsic
def call_1(typing_context: Any, address: Any, a: Any) -> Any:
    """Call the C function at ``address`` with one pointer-sized argument; its int result is dropped.

    Args:
        typing_context: Of Numba.
        address: Of the function.
        a: Its argument.
    """

    def generate(context: Any, builder: Any, signature: Any, args: Any) -> Any:
        _call_address(builder, ir.IntType(32), args[0], [args[1]])
        return context.get_dummy_value()

    return types.void(types.int64, types.int64), generate


@intrinsic
def call_2(typing_context: Any, address: Any, a: Any, b: Any) -> Any:
    """Call ``int64_t f(int64_t, int64_t)`` at ``address``.

    Args:
        typing_context: Of Numba.
        address: Of the function.
        a: First argument.
        b: Second.
    """
    return _call_of(_I64, types.int64, 2)


@intrinsic
def call_3(typing_context: Any, address: Any, a: Any, b: Any, c: Any) -> Any:
    """Call ``int64_t f(int64_t, int64_t, int64_t)`` at ``address``.

    Args:
        typing_context: Of Numba.
        address: Of the function.
        a: First argument.
        b: Second.
        c: Third.
    """
    return _call_of(_I64, types.int64, 3)


@intrinsic
def call_5(typing_context: Any, address: Any, a: Any, b: Any, c: Any, d: Any, e: Any) -> Any:
    """Call ``int f(int64_t, int64_t, int64_t, int64_t, int64_t)`` at ``address``.

    Args:
        typing_context: Of Numba.
        address: Of the function.
        a: First argument.
        b: Second.
        c: Third.
        d: Fourth.
        e: Fifth.
    """
    return _call_of(ir.IntType(32), types.int32, 5)


@intrinsic
def call_4(typing_context: Any, address: Any, a: Any, b: Any, c: Any, d: Any) -> Any:
    """Call ``int64_t f(int64_t, ...)`` at ``address`` with four arguments.

    Args:
        typing_context: Of Numba.
        address: Of the function.
        a: First argument.
        b: Second.
        c: Third.
        d: Fourth.
    """
    return _call_of(_I64, types.int64, 4)


@intrinsic
def call_6(typing_context: Any, address: Any, a: Any, b: Any, c: Any, d: Any, e: Any, f: Any) -> Any:
    """Call ``int64_t f(int64_t, ...)`` at ``address`` with six arguments.

    Args:
        typing_context: Of Numba.
        address: Of the function.
        a: First argument.
        b: Second.
        c: Third.
        d: Fourth.
        e: Fifth.
        f: Sixth.
    """
    return _call_of(_I64, types.int64, 6)


@intrinsic
def as_pointer(typing_context: Any, address: Any) -> Any:
    """An address as a pointer that ``carray`` takes.

    Args:
        typing_context: Of Numba.
        address: What it points to.
    """

    def generate(context: Any, builder: Any, signature: Any, args: Any) -> Any:
        return builder.inttoptr(args[0], ir.IntType(8).as_pointer())

    return types.voidptr(types.int64), generate


@intrinsic
def load_word(typing_context: Any, address: Any) -> Any:
    """Return the 64 bits at ``address``.

    Args:
        typing_context: Of Numba.
        address: Where from.
    """

    def generate(context: Any, builder: Any, signature: Any, args: Any) -> Any:
        return builder.load(builder.inttoptr(args[0], _I64.as_pointer()))

    return types.int64(types.int64), generate


@intrinsic
def store_byte(typing_context: Any, address: Any, value: Any) -> Any:
    """Write the low byte of ``value`` to ``address``.

    Args:
        typing_context: Of Numba.
        address: Where to.
        value: Its low 8 bits are stored.
    """

    def generate(context: Any, builder: Any, signature: Any, args: Any) -> Any:
        byte = ir.IntType(8)
        builder.store(builder.trunc(args[1], byte), builder.inttoptr(args[0], byte.as_pointer()))
        return context.get_dummy_value()

    return types.void(types.int64, types.int64), generate
