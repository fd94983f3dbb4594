# SPDX-License-Identifier: Apache-2.0
"""The blocks of a guest function, cut where the engine cuts them, and the edges between them.

The engine begins a block wherever a jump leads, so blocks overlap. It ends one at a branch, at YIELD, and at the end of
a page of 1 KiB: before a wide instruction that would lie across it, unless that is the block's first. Where its own
code for a block becomes too long it ends it earlier; that is seen only by asking it, see ``GuestFunction.cuts``.
"""

from __future__ import annotations

from dataclasses import dataclass

from mlperf_tiny.runners.emulator.timing.decode.block import decode, decode_block, it_state_after
from mlperf_tiny.runners.emulator.timing.decode.core_model import Block, BranchKind
from mlperf_tiny.runners.emulator.timing.decode.operation import InsnKind, Operation
from mlperf_tiny.runners.emulator.timing.decode.thumb import is_wide

PAGE_BYTES = 1024
_ENDS = (InsnKind.SYSTEM, InsnKind.FLUSH)
_YIELDS = ((0xBF10, 0), (0xF3AF, 0x8001))


@dataclass(frozen=True, kw_only=True)
class Instruction:
    """One instruction of a block."""

    address: int
    """Where it is."""
    first: int
    """Its first half-word."""
    second: int
    """Its second; 0 for a 16-bit instruction."""
    operation: Operation
    """What the timing model sees of it."""


@dataclass(frozen=True, kw_only=True)
class GuestBlock:
    """A block as the engine runs it."""

    address: int
    """Of its first instruction."""
    code: bytes
    """Its bytes."""
    instructions: tuple[Instruction, ...]
    """What is in it."""

    @property
    def end(self) -> int:
        """The address after it."""
        return self.address + len(self.code)

    @property
    def last(self) -> Instruction:
        """Its last instruction."""
        return self.instructions[-1]

    @property
    def ends_in_it(self) -> bool:
        """Whether the code after it belongs to an IT block that has begun in it."""
        return bool(it_state_after(decode_block(Block(self.address, self.code))))

    @property
    def target(self) -> int | None:
        """Where a direct branch at its end leads."""
        offset = self.last.operation.target_offset
        return None if offset is None else self.last.address + offset


@dataclass(frozen=True, kw_only=True)
class GuestFunction:
    """A function of the image."""

    name: str
    """Its symbol, for messages."""
    address: int
    """Where it is."""
    code: bytes
    """Its bytes, with what lies between its instructions."""
    cuts: tuple[tuple[int, int], ...] = ()
    """Address and size in bytes of blocks that the engine ends earlier, as its own code for them would be too long."""

    @property
    def end(self) -> int:
        """The address after it."""
        return self.address + len(self.code)

    def half_word(self, address: int) -> int:
        """The half-word at an address; -1 outside."""
        at = address - self.address
        return int.from_bytes(self.code[at : at + 2], "little") if 0 <= at <= len(self.code) - 2 else -1


def block_at(function: GuestFunction, address: int) -> GuestBlock | None:
    """The block that begins at an address; None where it does not lie in the function.

    Args:
        function: The function.
        address: Of the block.
    """
    page, at = address & -PAGE_BYTES, address
    most = dict(function.cuts).get(address, PAGE_BYTES)
    halves: list[tuple[int, int]] = []
    while True:
        first = function.half_word(at)
        wide = is_wide(first)
        second = function.half_word(at + 2) if wide else 0
        if first < 0 or second < 0:
            return None
        operation = decode(first, second)
        halves.append((first, second))
        at += 4 if wide else 2
        following = function.half_word(at)
        crosses = at - page == PAGE_BYTES - 2 and (following < 0 or is_wide(following))
        if (
            operation.branch is not None
            or operation.kind in _ENDS
            or (first, second) in _YIELDS
            or at - page >= PAGE_BYTES
            or crosses
            or at - address >= most
        ):
            break
    code = function.code[address - function.address : at - function.address]
    decoded = decode_block(Block(address, code))
    instructions = tuple(
        Instruction(address=one.address, first=first, second=second, operation=one.operation)
        for one, (first, second) in zip(decoded, halves, strict=True)
    )
    return GuestBlock(address=address, code=code, instructions=instructions)


def may_begin_in_it(address: int) -> bool:
    """Whether a block at an address may be the second part of one that was cut within an IT block."""
    return address % PAGE_BYTES < 4


def successors(block: GuestBlock) -> tuple[tuple[int, ...], tuple[int, ...]]:
    """Where a block leads: within its function by jumps or by falling through, and where calls return to.

    Args:
        block: The block.

    Returns:
        (addresses of next blocks, addresses of return sites).
    """
    operation = block.last.operation
    branch, target = operation.branch, block.target
    if block.ends_in_it:
        return (), ()
    if branch is None:
        return ((block.end,), ()) if operation.kind not in _ENDS else ((), (block.end,))
    if branch is BranchKind.CALL or (branch is BranchKind.INDIRECT and _links(block.last)):
        return (), (block.end,)
    jumps = () if target is None else (target,)
    return (*jumps, *((block.end,) if operation.may_fall_through else ())), ()


def _links(last: Instruction) -> bool:
    return last.first >> 7 == 0b010001111


def find_blocks(function: GuestFunction, roots: tuple[int, ...]) -> dict[int, GuestBlock]:
    """All blocks that direct jumps and returns of calls lead to, by address.

    Args:
        function: The function.
        roots: Where to begin.
    """
    blocks: dict[int, GuestBlock] = {}
    wanted = list(roots)
    while wanted:
        address = wanted.pop()
        if address in blocks or (block := block_at(function, address)) is None:
            continue
        blocks[address] = block
        jumps, returns = successors(block)
        wanted.extend(one for one in (*jumps, *returns) if function.address <= one < function.end)
    return blocks
