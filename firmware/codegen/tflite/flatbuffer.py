# SPDX-License-Identifier: Apache-2.0
"""Reads FlatBuffers that may be broken or hostile: every offset is checked against the file before it is followed.

A generic library trusts its input: a wrong offset makes it read somewhere else or raise whatever comes. Here every
problem is one ``Broken``. Nothing is copied (vectors are views of the file) and nothing recurses. A cycle of offsets
cannot hang the reader, because the caller walks a fixed schema whose tables nest to a known depth.

Layout, little-endian (FlatBuffers "internals" document): a table starts with an int32, the distance back to its vtable.
The vtable holds uint16: its own size, the table's size, then for each field its place in the table, 0 when absent.
A reference is a uint32 distance forward; a vector is a uint32 count and then its items.
"""

from __future__ import annotations

import struct
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray


class Broken(Exception):
    """The bytes do not follow the schema; the text completes "<file> is not usable: ..."."""


def _unpack(data: bytes, at: int, code: str, what: str) -> int | float | bool:
    size = struct.calcsize(code)
    if at < 0 or at + size > len(data):
        raise Broken(f"{what} lies at byte {at:,}, the file has {len(data):,} bytes")
    value: int | float | bool = struct.unpack_from("<" + code, data, at)[0]
    return value


def _forward(data: bytes, at: int, what: str) -> int:
    target = at + int(_unpack(data, at, "I", f"the reference to {what}"))
    if target == at or target + 4 > len(data):
        raise Broken(f"the reference to {what} points to byte {target:,}, the file has {len(data):,} bytes")
    return target


def _vector_count(data: bytes, at: int, item_bytes: int, what: str) -> int:
    count = int(_unpack(data, at, "I", f"the length of {what}"))
    if count * item_bytes > len(data) - at - 4:
        raise Broken(
            f"{what} claims {count:,} items of {item_bytes} bytes at byte {at:,}, the file has {len(data):,} bytes"
        )
    return count


@dataclass(frozen=True)
class Table:
    """One table of a file."""

    data: bytes
    """The whole file."""
    at: int
    """The byte at which the table starts."""
    vtable: int
    """The byte at which its vtable starts."""
    vtable_bytes: int
    table_bytes: int
    what: str
    """Its name in messages."""

    def _field(self, slot: int, width: int, name: str) -> int | None:
        """The byte where field ``slot`` lies, None when the writer left it out."""
        entry = 4 + 2 * slot
        if entry + 2 > self.vtable_bytes:
            return None
        place = int(_unpack(self.data, self.vtable + entry, "H", "a vtable entry"))
        if place == 0:
            return None
        if place < 4 or place + width > self.table_bytes:
            raise Broken(f"{name} of {self.what} lies at {place} of a table of {self.table_bytes} bytes")
        if (self.at + place) % width:
            # A field of another width: these are the options of another operator.
            raise Broken(f"{name} of {self.what} lies at byte {self.at + place:,}, which is no multiple of {width}")
        return self.at + place

    def scalar(self, slot: int, code: str, default: int, name: str) -> int:
        """Return an integer field.

        Args:
            slot: The field's number.
            code: Its type, as in ``struct``.
            default: The value of an absent field.
            name: Its name in messages.
        """
        at = self._field(slot, struct.calcsize(code), name)
        return default if at is None else int(_unpack(self.data, at, code, name))

    def real(self, slot: int, default: float, name: str) -> float:
        """Return a float32 field.

        Args:
            slot: The field's number.
            default: The value of an absent field.
            name: Its name in messages.
        """
        at = self._field(slot, 4, name)
        return default if at is None else float(_unpack(self.data, at, "f", name))

    def table(self, slot: int, name: str) -> Table | None:
        """Return the table that a field refers to; None when the field is absent.

        Args:
            slot: The field's number.
            name: Its name in messages.
        """
        at = self._field(slot, 4, name)
        return None if at is None else open_table(self.data, _forward(self.data, at, name), name)

    def vector(self, slot: int, dtype: str, name: str) -> NDArray[Any] | None:
        """Return a vector of numbers as a read-only view; None when the field is absent.

        Args:
            slot: The field's number.
            dtype: numpy's name of the numbers' type.
            name: Its name in messages.
        """
        at = self._field(slot, 4, name)
        if at is None:
            return None
        what = f"{name} of {self.what}"
        start = _forward(self.data, at, what)
        item = np.dtype(dtype).newbyteorder("<")
        count = _vector_count(self.data, start, item.itemsize, what)
        return np.frombuffer(self.data, dtype=item, count=count, offset=start + 4)

    def tables(self, slot: int, name: str, limit: int) -> list[Table]:
        """Return the tables of a vector of references; empty when the field is absent.

        Args:
            slot: The field's number.
            name: Its name in messages.
            limit: The most that are read.
        """
        at = self._field(slot, 4, name)
        if at is None:
            return []
        start = _forward(self.data, at, name)
        count = _vector_count(self.data, start, 4, name)
        if count > limit:
            raise Broken(f"{name} number {count:,}, at most {limit:,} are read")
        references = (start + 4 + 4 * i for i in range(count))
        return [
            open_table(self.data, _forward(self.data, reference, f"{name}[{i}]"), f"{name}[{i}]")
            for i, reference in enumerate(references)
        ]

    def text(self, slot: int, name: str, limit: int = 256) -> str:
        """Return a string; bytes that are not UTF-8 are replaced.

        Args:
            slot: The field's number.
            name: Its name in messages.
            limit: Bytes after which it is cut.
        """
        raw = self.vector(slot, "uint8", name)
        return "" if raw is None else raw[:limit].tobytes().decode("utf-8", "replace")


def open_table(data: bytes, at: int, what: str) -> Table:
    """Return the table at a byte; raises Broken unless it and its vtable lie inside the file.

    Args:
        data: The whole file.
        at: The byte at which the table starts.
        what: Its name in messages.
    """
    vtable = at - int(_unpack(data, at, "i", what))
    vtable_bytes = int(_unpack(data, vtable, "H", f"the vtable of {what}"))
    table_bytes = int(_unpack(data, vtable + 2, "H", f"the vtable of {what}"))
    if vtable_bytes < 4 or vtable_bytes % 2 or vtable + vtable_bytes > len(data):
        raise Broken(
            f"{what} has a vtable of {vtable_bytes} bytes at byte {vtable:,}, the file has {len(data):,} bytes"
        )
    if table_bytes < 4 or at + table_bytes > len(data):
        raise Broken(f"{what} claims {table_bytes} bytes at byte {at:,}, the file has {len(data):,} bytes")
    return Table(data, at, vtable, vtable_bytes, table_bytes, what)


def open_root(data: bytes, identifier: bytes, what: str) -> Table:
    """Return the root table of a file.

    Args:
        data: The whole file.
        identifier: What its bytes 4 to 8 must be.
        what: The table's name in messages.
    """
    if len(data) < 8:
        raise Broken(f"it has {len(data)} bytes, too few for a header")
    if data[4:8] != identifier:
        raise Broken(f"its identifier is {data[4:8]!r}, wanted {identifier!r}")
    return open_table(data, _forward(data, 0, what), what)
