# SPDX-License-Identifier: Apache-2.0
"""The text of LLVM instructions, and the guest's registers and flags as values in it.

Values are names such as ``%v12`` or decimal constants; ``i32`` where nothing else is said. Between blocks registers and
flags are in the context, within a block the last value of each is known here. Blocks are long (24 to 30 instructions on
average where the time goes), so this costs little, and LLVM's time grows with the length of the code only.
"""

from __future__ import annotations

import operator
from collections.abc import Callable
from typing import Any

from mlperf_tiny.runners.emulator.native.state import LAYOUT
from mlperf_tiny.runners.emulator.translate.guest.running import CONTEXT

REGISTERS = tuple(f"r{number}" for number in range(15))
# N is the sign of one value, Z says that the other is zero: mostly both are the last result.
FLAG_TYPES = {"n": "i32", "z": "i32", "c": "i1", "v": "i1", "q": "i1", "ge": "i32"}
TYPES = {**dict.fromkeys(REGISTERS, "i32"), **FLAG_TYPES}
MASK = 0xFFFF_FFFF
OFFSETS: dict[str, int] = {name: CONTEXT.fields[name][1] for name in CONTEXT.names}  # type: ignore[index, union-attr]
_PLACES = {
    **{name: OFFSETS["registers"] + 4 * number for number, name in enumerate(REGISTERS)},
    **{name: OFFSETS[name] for name in FLAG_TYPES},
}

_ALWAYS = 14
_FOLDED: dict[str, Callable[[int, int], int]] = {
    "add": operator.add,
    "sub": operator.sub,
    "and": operator.and_,
    "or": operator.or_,
    "xor": operator.xor,
    "shl": operator.lshift,
}


def is_constant(value: str) -> bool:
    """Whether a value is a number."""
    return value[0] != "%" and value not in ("true", "false")


def constant(value: int) -> str:
    """A word as LLVM writes it: in two's complement."""
    return str(value - (1 << 32) if value & 0x8000_0000 else value)


class Untranslatable(Exception):
    """The block holds something that is left to the other executor."""


class Code:
    """Lines of one function's text; names are unique in it."""

    def __init__(self) -> None:
        self.lines: list[str] = []
        self._names = 0

    def fresh(self, prefix: str = "v") -> str:
        """A new name, without its sign."""
        self._names += 1
        return f"{prefix}{self._names}"

    def put(self, text: str) -> None:
        """Append an instruction without a result."""
        self.lines.append(f"  {text}")

    def op(self, text: str) -> str:
        """Append an instruction and return the name of its result."""
        name = f"%{self.fresh()}"
        self.lines.append(f"  {name} = {text}")
        return name

    def label(self, name: str) -> None:
        """Begin a basic block."""
        self.lines.append(f"{name}:")

    def binary(self, name: str, a: str, b: str, kind: str = "i32") -> str:
        """Append a two-operand instruction; of 32-bit constants the result is a constant.

        Args:
            name: Of LLVM.
            a: First operand.
            b: Second operand.
            kind: Their type.
        """
        if kind == "i32" and is_constant(a) and is_constant(b) and name in _FOLDED:
            return constant(_FOLDED[name](int(a), int(b)) & MASK)
        return self.op(f"{name} {kind} {a}, {b}")

    def convert(self, name: str, value: str, to: str, from_: str = "i32") -> str:
        """Append a conversion.

        Args:
            name: ``zext``, ``sext`` or ``trunc``.
            value: What is converted.
            to: The type of the result.
            from_: The type of ``value``.
        """
        return self.op(f"{name} {from_} {value} to {to}")

    def compare(self, how: str, a: str, b: str, kind: str = "i32") -> str:
        """Append a comparison; the result is an ``i1``.

        Args:
            how: Of LLVM: ``eq``, ``ult``, ``slt`` ...
            a: First operand.
            b: Second operand.
            kind: Their type.
        """
        return self.op(f"icmp {how} {kind} {a}, {b}")

    def select(self, condition: str, a: str, b: str, kind: str = "i32") -> str:
        """Append a choice between two values.

        Args:
            condition: An ``i1``.
            a: The result where it holds.
            b: The result where not.
            kind: Their type.
        """
        return self.op(f"select i1 {condition}, {kind} {a}, {kind} {b}")


class Machine(Code):
    """The guest's registers and flags in the block that is being written."""

    def __init__(self, keeps_q: bool) -> None:
        super().__init__()
        self.keeps_q = keeps_q
        self._known: dict[str, str] = {}
        self._changed: dict[str, None] = {}
        # The operands of the subtraction that set the flags last, where nothing has changed them since.
        self._subtracted: tuple[str, str] | None = None
        # Values that are another one and a constant.
        self._sums: dict[str, tuple[str, int]] = {}
        self.is_conditional = False
        """Whether what is written may be skipped."""

    def forget(self) -> None:
        """A basic block begins: all values are in the context."""
        self._known.clear()
        self._changed.clear()
        self._subtracted = None
        self._sums.clear()
        self.is_conditional = False

    def flush(self) -> None:
        """Store what has changed, so that another basic block finds it in the context."""
        self.store_changed()
        self._changed.clear()
        self.count_bytes()

    def count_bytes(self) -> None:
        """Count what has been accessed."""

    def store_changed(self) -> None:
        """Store what has changed on a way that leaves the block; here it still counts as changed."""
        for name in self._changed:
            value = self._known[name]
            wide = self.convert("zext", value, "i32", "i1") if TYPES[name] == "i1" else value
            self.put(f"store i32 {wide}, ptr {self._place(name)}")

    def begin_conditional(self, condition: str) -> tuple[dict[str, str], str]:
        """What follows is done only where a condition holds; returns what ``end_conditional`` takes."""
        self.flush()
        number = self.fresh("")
        self.put(f"br i1 {condition}, label %then{number}, label %after{number}")
        self.label(f"then{number}")
        self.is_conditional = True
        return dict(self._known), number

    def end_conditional(self, begun: tuple[dict[str, str], str]) -> None:
        """What follows is done in any case."""
        known, number = begun
        self.is_conditional = False
        self.store_changed()
        self._known = {name: value for name, value in known.items() if name not in self._changed}
        if not FLAG_TYPES.keys().isdisjoint(self._changed):
            self._subtracted = None
        self._changed.clear()
        self.put(f"br label %after{number}")
        self.label(f"after{number}")

    def variable(self, name: str) -> str:
        """The present value of a register or flag."""
        value = self._known.get(name)
        if value is None:
            value = self.op(f"load i32, ptr {self._place(name)}")
            if TYPES[name] == "i1":
                value = self.convert("trunc", value, "i1")
            self._known[name] = value
        return value

    def _place(self, name: str) -> str:
        return self.op(f"getelementptr i8, ptr %ctx, i64 {_PLACES[name]}")

    def assign(self, name: str, value: str) -> None:
        """Give a register or flag a new value.

        Args:
            name: Of the variable.
            value: Its new value.
        """
        self._known[name] = value
        self._changed[name] = None

    def get(self, register: int) -> str:
        """The value of r0 to r14."""
        if register == 15:
            raise Untranslatable("pc as an operand")
        return self.variable(REGISTERS[register])

    def set(self, register: int, value: str) -> None:
        """Set r0 to r14.

        The low two bits of the stack pointer are kept, as the engine does; a core has none.

        Args:
            register: Its number.
            value: The new value.
        """
        if register == 15:
            raise Untranslatable("pc as a result")
        self.assign(REGISTERS[register], value)

    def _note_sum(self, result: str, a: str, b: str, sign: int) -> None:
        if is_constant(b) and not is_constant(a):
            root, offset = self.parts_of_sum(a)
            self._sums[result] = root, offset + sign * int(b)

    def parts_of_sum(self, value: str) -> tuple[str, int]:
        """A value as the sum of another one and a constant; a constant is the sum of "" and itself."""
        if is_constant(value):
            return "", int(value) & MASK
        return self._sums.get(value, (value, 0))

    # Flags.

    def set_nz(self, result: str) -> None:
        """N and Z of a result."""
        self.assign("n", result)
        self.assign("z", result)
        self._subtracted = None

    def set_carry(self, carry: str | None) -> None:
        """C; None leaves it."""
        if carry is not None:
            self.assign("c", carry)
            self._subtracted = None

    def saturated(self, condition: str) -> None:
        """Set Q where a condition holds; nothing where the image cannot read it."""
        if self.keeps_q:
            self.assign("q", self.binary("or", self.variable("q"), condition, "i1"))

    def add(self, a: str, b: str, flags: bool) -> str:
        """a + b.

        Args:
            a: First operand.
            b: Second operand.
            flags: Whether NZCV are set.
        """
        result = self.binary("add", a, b)
        self._note_sum(result, a, b, 1)
        if flags:
            self.set_nz(result)
            self.assign("c", self.compare("ult", result, a))
            overflow = self.binary("and", self.binary("xor", a, result), self.binary("xor", b, result))
            self.assign("v", self.compare("slt", overflow, "0"))
        return result

    def subtract(self, a: str, b: str, flags: bool) -> str:
        """a - b.

        Args:
            a: First operand.
            b: Second operand.
            flags: Whether NZCV are set.
        """
        result = self.binary("sub", a, b)
        self._note_sum(result, a, b, -1)
        if flags:
            self.set_nz(result)
            self.assign("c", self.compare("uge", a, b))
            overflow = self.binary("and", self.binary("xor", a, b), self.binary("xor", a, result))
            self.assign("v", self.compare("slt", overflow, "0"))
            self._subtracted = a, b
        return result

    def add_with_carry(self, a: str, b: str, flags: bool) -> str:
        """a + b + C.

        Args:
            a: First operand.
            b: Second operand.
            flags: Whether NZCV are set.
        """
        carry = self.convert("zext", self.variable("c"), "i64", "i1")
        wide = self.binary("add", self.convert("zext", a, "i64"), self.convert("zext", b, "i64"), "i64")
        wide = self.binary("add", wide, carry, "i64")
        result = self.convert("trunc", wide, "i32", "i64")
        if flags:
            self.set_nz(result)
            self.assign("c", self.compare("ugt", wide, str(MASK), "i64"))
            overflow = self.binary("and", self.binary("xor", a, result), self.binary("xor", b, result))
            self.assign("v", self.compare("slt", overflow, "0"))
        return result

    def condition(self, number: int) -> str:
        """Whether a condition holds, as an ``i1``.

        Args:
            number: 0 (EQ) to 13 (LE).
        """
        if number >= _ALWAYS:
            raise Untranslatable("a condition that always holds")
        positive = self._condition(number >> 1)
        return self.binary("xor", positive, "true", "i1") if number & 1 else positive

    def _condition(self, pair: int) -> str:
        compared = self._subtracted
        if pair == 0:  # EQ
            return self.compare("eq", *compared) if compared else self.compare("eq", self.variable("z"), "0")
        if pair == 1:  # CS
            return self.variable("c")
        if pair == 2:  # MI
            return self.compare("slt", self.variable("n"), "0")
        if pair == 3:  # VS
            return self.variable("v")
        if pair == 4:  # HI
            if compared:
                return self.compare("ugt", *compared)
            return self.binary("and", self.variable("c"), self.compare("ne", self.variable("z"), "0"), "i1")
        if compared:
            return self.compare("sge" if pair == 5 else "sgt", *compared)
        differ = self.binary("xor", self.compare("slt", self.variable("n"), "0"), self.variable("v"), "i1")
        equal = self.binary("xor", differ, "true", "i1")
        if pair == 5:  # GE
            return equal
        return self.binary("and", equal, self.compare("ne", self.variable("z"), "0"), "i1")  # GT


def offset_of(group: str, field: str = "") -> int:
    """Where a field of the state lies.

    Args:
        group: Its group.
        field: Its name there; "": the group itself.
    """
    fields: Any = LAYOUT.fields  # numpy's type stubs do not know structures
    kind, at = fields[group][:2]
    inner = kind.subdtype[0] if kind.subdtype else kind
    return int(at) + (int(inner.fields[field][1]) if field else 0)


def state_word(code: Code, offset: int) -> str:
    """The address of a word of the state.

    Args:
        code: Where the text goes.
        offset: Of the word.
    """
    return code.op(f"getelementptr i8, ptr %s, i64 {offset}")


def add_to(code: Code, offset: int, amount: int | str) -> None:
    """Add to a word of the state.

    Args:
        code: Where the text goes.
        offset: Of the word.
        amount: What is added.
    """
    if not amount:
        return
    at = state_word(code, offset)
    total = code.binary("add", code.op(f"load i64, ptr {at}"), str(amount), "i64")
    code.put(f"store i64 {total}, ptr {at}")
