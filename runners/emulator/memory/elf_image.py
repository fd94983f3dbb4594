# SPDX-License-Identifier: Apache-2.0
"""A firmware image as the emulator needs it: bytes at physical addresses, and names for addresses."""

from __future__ import annotations

from bisect import bisect_right
from dataclasses import dataclass
from io import BytesIO
from pathlib import Path

from elftools.common.exceptions import ELFError
from elftools.elf.elffile import ELFFile
from elftools.elf.sections import SymbolTableSection

from mlperf_tiny.errors import UsageError
from mlperf_tiny.file_tree import content_kind

# What linker scripts call the lowest address the stack may reach.
STACK_LIMIT_SYMBOLS = ("__stack_limit", "__StackLimit", "_stack_limit", "__stack_start", "_sstack")


@dataclass(frozen=True, kw_only=True)
class ElfImage:
    """A linked 32-bit Arm executable."""

    name: str
    """Its path, for messages."""
    segments: tuple[tuple[int, bytes], ...]
    """(physical address, bytes) of what is loaded."""
    functions: tuple[tuple[int, int, str], ...]
    """(address, size in bytes, name), sorted by address."""
    symbols: dict[str, int]
    """Values by name."""

    @property
    def stack_limit(self) -> int | None:
        """The lowest address the stack may reach, where the image has a symbol for it."""
        return next((self.symbols[name] for name in STACK_LIMIT_SYMBOLS if name in self.symbols), None)

    def describe(self, address: int) -> str:
        """``name+0x12`` of the function that holds ``address``; an empty string when none does."""
        index = bisect_right(self.functions, (address, 1 << 40, "")) - 1
        if index < 0:
            return ""
        start, size, name = self.functions[index]
        # Assembly routines often carry no size.
        if address >= start + (size or 0x1000):
            return ""
        return f"{name}+{address - start:#x}"


def read_image(elf: Path | bytes) -> ElfImage:
    """Read an ELF from a file or from memory. Raises UsageError when it is missing or no Arm executable."""
    if isinstance(elf, bytes):
        name, data = "the image", elf
    else:
        name = str(elf)
        try:
            data = elf.read_bytes()
        except OSError as error:
            raise UsageError(f"cannot read the image {elf}: {error.strerror}. Name an ELF file.") from None
    try:
        return _parse(name, data)
    except (ELFError, ValueError, KeyError, IndexError, AttributeError, UnicodeDecodeError) as error:
        if not data.startswith(b"\x7fELF") and (kind := content_kind(data)):
            raise UsageError(f"{name} is {kind.what}, not an ELF file. {kind.advice}") from None
        raise UsageError(f"{name} is not an ELF file that can be read ({error}). Name a firmware image.") from None


def _parse(name: str, data: bytes) -> ElfImage:
    file = ELFFile(BytesIO(data))
    machine, kind = file["e_machine"], file["e_type"]
    if machine != "EM_ARM" or kind != "ET_EXEC" or file.elfclass != 32:
        raise UsageError(f"{name} is an ELF file of type {kind} for {machine}; wanted a linked 32-bit Arm executable.")
    segments = []
    for segment in file.iter_segments():
        if segment["p_type"] != "PT_LOAD" or not segment["p_filesz"]:
            continue
        first, size_bytes = segment["p_offset"], segment["p_filesz"]
        if first + size_bytes > len(data):
            raise UsageError(
                f"{name} says that bytes {first:,} to {first + size_bytes:,} are to be loaded and has {len(data):,}. "
                "Copy or build it again."
            )
        segments.append((segment["p_paddr"], data[first : first + size_bytes]))
    functions = []
    symbols = {}
    for section in file.iter_sections():
        if not isinstance(section, SymbolTableSection):
            continue
        for symbol in section.iter_symbols():
            value, kind = symbol["st_value"], symbol["st_info"]["type"]
            if kind == "STT_FUNC":
                functions.append((value & ~1, symbol["st_size"], symbol.name))
            if symbol.name:
                symbols[symbol.name] = value
    return ElfImage(name=name, segments=tuple(segments), functions=tuple(sorted(functions)), symbols=symbols)
