# SPDX-License-Identifier: Apache-2.0
"""The memories of a board, as host buffers the core reads and writes directly."""

from __future__ import annotations

import ctypes
import mmap

from unicorn import UC_PROT_EXEC, UC_PROT_READ, UC_PROT_WRITE, Uc

from mlperf_tiny.errors import UsageError
from mlperf_tiny.firmware.boards import Board, Chip, Memory
from mlperf_tiny.runners.emulator.memory.elf_image import ElfImage
from mlperf_tiny.runners.emulator.native.state import RAM_PATTERN

ERASED = b"\xff"
PAGE_BYTES = 0x1000


class MappedMemory:
    """One memory in a host buffer, mapped at its base and at all its aliases: they show the same bytes."""

    def __init__(self, uc: Uc, memory: Memory, *, writable: bool) -> None:
        self.base, self.size_bytes, self.name = memory.base, memory.size_bytes, memory.name
        self.writable = writable
        self.bytes = mmap.mmap(-1, memory.size_bytes)
        self._anchor = ctypes.c_char.from_buffer(self.bytes)
        protection = UC_PROT_READ | UC_PROT_EXEC | (UC_PROT_WRITE if writable else 0)
        self._views = [(base, base + memory.size_bytes) for base in (memory.base, *memory.aliases)]
        self._views += [(address, address + size_bytes) for address, _, size_bytes in memory.windows]
        for base in (memory.base, *memory.aliases):
            uc.mem_map_ptr(base, memory.size_bytes, protection, ctypes.addressof(self._anchor))
        for address, offset, size_bytes in memory.windows:
            uc.mem_map_ptr(address, size_bytes, protection, ctypes.addressof(self._anchor) + offset)

    def host_address(self, address: int) -> int:
        """Where the byte at ``address`` lies in this process."""
        return ctypes.addressof(self._anchor) + address - self.base

    def holds(self, address: int, size_bytes: int) -> bool:
        """Return whether all of a range lies in this memory.

        Args:
            address: Of its first byte.
            size_bytes: Of the range.
        """
        return self.base <= address and address + size_bytes <= self.base + self.size_bytes

    def shows(self, address: int, size_bytes: int) -> bool:
        """Return whether a range can be seen in this memory, at its base or at any other of its addresses.

        Args:
            address: Of its first byte.
            size_bytes: Of the range.
        """
        return any(first <= address and address + size_bytes <= end for first, end in self._views)

    def store(self, address: int, data: bytes) -> None:
        """Write bytes from the host's side.

        Args:
            address: Of the first byte.
            data: What to write.
        """
        self.bytes[address - self.base : address - self.base + len(data)] = data

    def load(self, address: int, size_bytes: int) -> bytes:
        """Return bytes, read from the host's side.

        Args:
            address: Of the first byte.
            size_bytes: How many.
        """
        return self.bytes[address - self.base : address - self.base + size_bytes]


def map_memories(uc: Uc, board: Board, chip: Chip, image: ElfImage) -> dict[str, MappedMemory]:
    """Map all memories of a board and the chip's identity page, and load an image.

    Args:
        uc: The engine.
        board: Its row lists the memories.
        chip: Its identity page.
        image: What is loaded.

    Returns:
        The memories by name.

    Raises:
        UsageError: when the image does not lie in the board's memories.
    """
    memories = {row.name: MappedMemory(uc, row, writable=row.name != "flash") for row in board.memories}
    for memory in memories.values():
        fill = ERASED if memory.name == "flash" else RAM_PATTERN
        memory.bytes[:] = fill * memory.size_bytes
    identity = MappedMemory(uc, Memory(name="identity", base=chip.identity.page, size_bytes=PAGE_BYTES), writable=False)
    identity.store(chip.identity.unique_id, b"emulated\x00\x00\x00\x01")
    identity.store(chip.identity.flash_size, (memories["flash"].size_bytes // 1024).to_bytes(2, "little"))
    memories["identity"] = identity
    for address, data in image.segments:
        memory_of_it = next((memory for memory in memories.values() if memory.holds(address, len(data))), None)
        if memory_of_it is None:
            raise UsageError(
                f"{image.name} puts {len(data):,} bytes at {address:#010x}, where {board.device} has no memory "
                "for them. Was it built for another device?"
            )
        memory_of_it.store(address, data)
    return memories
