# SPDX-License-Identifier: Apache-2.0
"""Loads and stores of a translation: the place in the host, and what the timing level charges.

An access to anything but the RAM and the flash leaves the rest of the block to the engine, before anything of the
instruction has been done.
"""

from __future__ import annotations

from dataclasses import dataclass

from mlperf_tiny.runners.emulator.translate.guest.code import OFFSETS, Machine, Untranslatable, offset_of, state_word
from mlperf_tiny.runners.emulator.translate.guest.running import REST_OF_BLOCK

# Of a count of bytes: those read from the flash are above so many bits.
FLASH_BITS = 32
# A line of the flash accelerator holds four words.
_MOST_WORDS = 4


def charge_name(kind: str, size_bytes: int, words: int) -> str:
    """The name of the function that charges one kind of access.

    Args:
        kind: ``r`` or ``w``.
        size_bytes: Of a word.
        words: How many.
    """
    return f"charge_{kind}{size_bytes}" + (f"x{words}" if words > 1 else "")


@dataclass(frozen=True, kw_only=True)
class Place:
    """A memory that translations access themselves."""

    base: int
    """Its first address."""
    size_bytes: int
    """Its size."""

    def holds(self, address: int) -> bool:
        """Whether an address lies in it."""
        return self.base <= address < self.base + self.size_bytes


@dataclass(kw_only=True)
class Reached:
    """What a block accesses at constant distances from one value, not counting what it may skip."""

    number: int
    """In the order in which the values are first used."""
    first: int
    """The lowest distance."""
    end: int
    """The one after the highest."""
    is_write: bool
    """Whether any of it is written."""

    def holds(self, offset: int, size_bytes: int) -> bool:
        """Whether an access lies within it.

        Args:
            offset: Its distance.
            size_bytes: Its size.
        """
        return self.first <= offset and offset + size_bytes <= self.end

    def add(self, offset: int, size_bytes: int, is_write: bool) -> None:
        """Take in an access.

        Args:
            offset: Its distance.
            size_bytes: Its size.
            is_write: Whether it is a store.
        """
        self.first, self.end = min(self.first, offset), max(self.end, offset + size_bytes)
        self.is_write |= is_write


class Guest(Machine):
    """The block that is being written, with the memories around it."""

    def __init__(self, keeps_q: bool, ram: Place, flash: Place, charges: bool) -> None:
        """Begin a function.

        Args:
            keeps_q: Whether Q is kept.
            ram: What can be read and written.
            flash: What can be read.
            charges: Whether each access is charged: see ``charges.py``.
        """
        super().__init__(keeps_q)
        self._ram, self._flash, self._charges = ram, flash, charges
        self.charged: set[tuple[str, int, int]] = set()
        self.instruction = 0
        """Address of the instruction that is being written."""
        self.it_state = 0
        """The IT state at it."""
        self.block_label = ""
        """The end of the name of the label where the block leaves the function."""

    def context(self, field: str) -> str:
        """The address of a field of the context."""
        return self.op(f"getelementptr i8, ptr %ctx, i64 {OFFSETS[field]}")

    def set_context(self, field: str, value: str, kind: str = "i32") -> None:
        """Write a field of the context.

        Args:
            field: Its name.
            value: What is written.
            kind: Its type.
        """
        self.put(f"store {kind} {value}, ptr {self.context(field)}")

    def leave_rest(self) -> None:
        """Leave the rest of the block, from this instruction on, to the engine."""
        self.store_changed()
        for kind, count in self._bytes.items():
            self._add_bytes(kind, count)
        self.set_context("pc", str(self.instruction))
        self.set_context("it", str(self.it_state))
        self.set_context("kind", str(REST_OF_BLOCK))
        self.put(f"br label %leave{self.block_label}")

    def leave_unless(self, condition: str) -> None:
        """Go on where a condition holds, else leave the rest of the block to the engine."""
        number = self.fresh("")
        self.put(f"br i1 {condition}, label %on{number}, label %off{number}, !prof !0")
        self.label(f"off{number}")
        self.leave_rest()
        self.label(f"on{number}")

    def begin_block(self, reaches: list[Reached] | None) -> None:
        """Begin a block.

        Args:
            reaches: What its accesses reach, as an earlier writing of the same block has found; None: this is it.
        """
        self.forget()
        self.reaches = [] if reaches is None else reaches
        self._finds = reaches is None
        self._reached: dict[str, Reached] = {}
        self._bytes: dict[str, str] = {}
        self._places: dict[int, tuple[str, bool]] = {}

    def pointer(self, address: str, size_bytes: int, is_write: bool) -> str:
        """Where bytes lie in the host; leaves the rest of the block where it is not known.

        All that a block reads and writes at constant distances from one value is looked at once, before the first of
        these accesses.

        Args:
            address: Of the first byte.
            size_bytes: How many.
            is_write: Whether they are written.
        """
        root, offset = self.parts_of_sum(address)
        if not root:
            return self._fixed_pointer(offset, size_bytes, is_write)
        if self.is_conditional:
            reached = self._reached.get(root)
            known = reached is not None and reached.number in self._places and reached.holds(offset, size_bytes)
            if self._finds or reached is None or not known or (is_write and not reached.is_write):
                return self._checked_pointer(address, size_bytes, is_write)
            return self._from(reached, offset)
        reached = self._reached.get(root)
        if reached is None:
            if self._finds:
                self.reaches.append(Reached(number=len(self.reaches), first=offset, end=offset, is_write=False))
            reached = self._reached[root] = self.reaches[len(self._reached)]
        if self._finds:
            reached.add(offset, size_bytes, is_write)
            return self._checked_pointer(address, size_bytes, is_write)
        if reached.number not in self._places:
            start = self.binary("add", address, str(reached.first - offset)) if offset != reached.first else address
            place = self._checked_pointer(start, reached.end - reached.first, reached.is_write)
            self._places[reached.number] = place, reached.is_write
        return self._from(reached, offset)

    def _from(self, reached: Reached, offset: int) -> str:
        place = self._places[reached.number][0]
        return self.op(f"getelementptr i8, ptr {place}, i64 {offset - reached.first}")

    def _fixed_pointer(self, address: int, size_bytes: int, is_write: bool) -> str:
        for place, base in ((self._ram, "ram"), (self._flash, "flash")):
            if place.holds(address) and place.holds(address + size_bytes - 1) and not (is_write and base == "flash"):
                return self.op(f"getelementptr i8, ptr %{base}, i64 {address - place.base}")
        raise Untranslatable("an access to a register")

    def _checked_pointer(self, address: str, size_bytes: int, is_write: bool) -> str:
        number = self.fresh("")
        in_ram = self._within(address, self._ram, size_bytes)
        other = "off" if is_write else "flash"
        self.put(f"br i1 {in_ram}, label %ram{number}, label %{other}{number}")
        if not is_write:
            self.label(f"flash{number}")
            in_flash = self._within(address, self._flash, size_bytes)
            at_flash = self._inside(address, self._flash, "flash")
            self.put(f"br i1 {in_flash}, label %join{number}, label %off{number}, !prof !0")
        self.label(f"off{number}")
        self.leave_rest()
        self.label(f"ram{number}")
        at_ram = self._inside(address, self._ram, "ram")
        if is_write:
            return at_ram
        self.put(f"br label %join{number}")
        self.label(f"join{number}")
        return self.op(f"phi ptr [ {at_ram}, %ram{number} ], [ {at_flash}, %flash{number} ]")

    def _within(self, address: str, place: Place, size_bytes: int) -> str:
        offset = self.binary("sub", address, str(place.base))
        return self.compare("ult", offset, str(place.size_bytes - size_bytes + 1))

    def _inside(self, address: str, place: Place, base: str) -> str:
        offset = self.convert("zext", self.binary("sub", address, str(place.base)), "i64")
        return self.op(f"getelementptr i8, ptr %{base}, i64 {offset}")

    def charge(self, address: str, size_bytes: int, is_write: bool, words: int = 1) -> None:
        """Charge an access, where the level does.

        The bytes are summed up in a value, and counted at the end of the block: a counter in memory that each access
        adds to would take longer than all else. Those of the flash are in its upper half.

        Args:
            address: Of the first byte.
            size_bytes: 1, 2 or 4.
            is_write: A store, not a load.
            words: How many of this size follow each other.
        """
        if not self._charges:
            return
        if words > _MOST_WORDS:
            self.charge(address, size_bytes, is_write, _MOST_WORDS)
            self.charge(self._plus(address, size_bytes * _MOST_WORDS), size_bytes, is_write, words - _MOST_WORDS)
            return
        kind = "w" if is_write else "r"
        self.charged.add((kind, size_bytes, words))
        count = self.op(f"call i64 @{charge_name(kind, size_bytes, words)}(i32 {address}, ptr %s, ptr %ctx)")
        if self.is_conditional:
            self._add_bytes(kind, count)
        else:
            before = self._bytes.get(kind)
            self._bytes[kind] = count if before is None else self.binary("add", before, count, "i64")

    def count_bytes(self) -> None:
        """Count what has been accessed and is not counted yet."""
        for kind, count in self._bytes.items():
            self._add_bytes(kind, count)
        self._bytes.clear()

    def _add_bytes(self, kind: str, count: str) -> None:
        if kind == "w":
            self._add("ram_written_bytes", count)
            return
        self._add("ram_read_bytes", self.binary("and", count, str((1 << FLASH_BITS) - 1), "i64"))
        self._add("flash_read_bytes", self.binary("lshr", count, str(FLASH_BITS), "i64"))

    def _add(self, field: str, count: str) -> None:
        at = state_word(self, offset_of("losses", field))
        self.put(f"store i64 {self.binary('add', self.op(f'load i64, ptr {at}'), count, 'i64')}, ptr {at}")

    def load(self, address: str, size_bytes: int, signed: bool = False) -> str:
        """Read from memory.

        Args:
            address: Of the first byte.
            size_bytes: 1, 2 or 4.
            signed: Whether a part of a word is extended with its sign.
        """
        place = self.pointer(address, size_bytes, False)
        self.charge(address, size_bytes, False)
        return self.read(place, size_bytes, signed)

    def read(self, place: str, size_bytes: int, signed: bool = False) -> str:
        """Read from a place in the host.

        Args:
            place: What ``pointer`` returned.
            size_bytes: 1, 2 or 4.
            signed: Whether a part of a word is extended with its sign.
        """
        kind = f"i{8 * size_bytes}"
        value = self.op(f"load {kind}, ptr {place}, align 1")
        return value if size_bytes == 4 else self.convert("sext" if signed else "zext", value, "i32", kind)

    def store(self, address: str, size_bytes: int, value: str) -> None:
        """Write to memory.

        Args:
            address: Of the first byte.
            size_bytes: 1, 2 or 4.
            value: Its low bytes are written.
        """
        place = self.pointer(address, size_bytes, True)
        self.charge(address, size_bytes, True)
        kind = f"i{8 * size_bytes}"
        part = value if size_bytes == 4 else self.convert("trunc", value, kind)
        self.put(f"store {kind} {part}, ptr {place}, align 1")

    def load_words(self, address: str, count: int) -> list[str]:
        """Read words that follow each other; all or none of them.

        Args:
            address: Of the first.
            count: How many.
        """
        place = self.pointer(address, 4 * count, False)
        self.charge(address, 4, False, count)
        return [self.read(self._at(place, 4 * index), 4) for index in range(count)]

    def store_words(self, address: str, values: list[str]) -> None:
        """Write words that follow each other; all or none of them.

        Args:
            address: Of the first.
            values: The words.
        """
        place = self.pointer(address, 4 * len(values), True)
        self.charge(address, 4, True, len(values))
        for index, value in enumerate(values):
            self.put(f"store i32 {value}, ptr {self._at(place, 4 * index)}, align 1")

    def _plus(self, address: str, offset: int) -> str:
        return self.add(address, str(offset), False) if offset else address

    def _at(self, place: str, offset: int) -> str:
        return self.op(f"getelementptr i8, ptr {place}, i64 {offset}") if offset else place
