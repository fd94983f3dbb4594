# SPDX-License-Identifier: Apache-2.0
"""Tables laid out by hand: valid ones, and one that is broken in each place."""

from __future__ import annotations

import struct

import pytest

from mlperf_tiny.firmware.codegen.tflite.flatbuffer import Broken, Table, open_root


def file(
    vtable_bytes: int = 8, table_bytes: int = 12, place: int = 4, vtable_back: int = 8, root: int = 16, count: int = 3
) -> bytes:
    """A root table with an int32 in slot 0 and, in slot 1, a vector of three bytes.

    Bytes 0: root reference, 4: identifier, 8: vtable, 16: table (vtable distance, int32, reference), 28: the vector.
    """
    vtable = struct.pack("<HHHH", vtable_bytes, table_bytes, place, 8)
    table = struct.pack("<iiI", vtable_back, -77, 4)
    return struct.pack("<I", root) + b"TEST" + vtable + table + struct.pack("<I", count) + b"abc\0"


def read(data: bytes) -> tuple[Table, int, bytes]:
    table = open_root(data, b"TEST", "the root")
    vector = table.vector(1, "uint8", "the vector")
    assert vector is not None
    return table, table.scalar(0, "i", 5, "the number"), vector.tobytes()


def test_a_valid_file() -> None:
    table, number, vector = read(file())
    assert (number, vector) == (-77, b"abc")
    assert table.text(1, "the text") == "abc" and table.text(1, "the text", limit=2) == "ab"
    assert table.scalar(2, "i", 5, "beyond the vtable") == 5
    assert table.vector(2, "int32", "beyond the vtable") is None and table.table(2, "beyond the vtable") is None
    assert open_root(file(place=0), b"TEST", "the root").scalar(0, "i", 5, "absent") == 5


BROKEN = [
    (file(vtable_bytes=3), "the root has a vtable of 3 bytes"),
    (file(vtable_bytes=2), "the root has a vtable of 2 bytes"),
    (file(vtable_bytes=40), "the root has a vtable of 40 bytes at byte 8, the file has 36 bytes"),
    (file(table_bytes=2), "the root claims 2 bytes at byte 16"),
    (file(table_bytes=21), "the root claims 21 bytes at byte 16, the file has 36 bytes"),
    (file(place=9), "the number of the root lies at 9 of a table of 12 bytes"),
    (file(place=2), "the number of the root lies at 2 of a table of 12 bytes"),
    (file(vtable_back=17), "the vtable of the root lies at byte -1"),
    (file(vtable_back=-19), "the vtable of the root lies at byte 35"),
    (file(vtable_back=-(2**31)), "the vtable of the root lies at byte 2,147,483,664"),
    (file(root=0), "the reference to the root points to byte 0"),
    (file(root=33), "the reference to the root points to byte 33"),
    (file(root=2**32 - 1), "the reference to the root points to byte 4,294,967,295"),
    (file(count=5), "the vector of the root claims 5 items of 1 bytes at byte 28"),
    (file(count=2**32 - 1), "the vector of the root claims 4,294,967,295 items"),
    (file()[:-8], "the reference to the vector of the root points to byte 28"),
    (file()[:7], "it has 7 bytes, too few for a header"),
    (file().replace(b"TEST", b"TFL3"), "its identifier is b'TFL3', wanted b'TEST'"),
]


@pytest.mark.parametrize(("data", "problem"), BROKEN, ids=[problem[:40] for _, problem in BROKEN])
def test_broken_files(data: bytes, problem: str) -> None:
    with pytest.raises(Broken) as caught:
        read(data)
    assert problem in str(caught.value)
