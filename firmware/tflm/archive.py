# SPDX-License-Identifier: Apache-2.0
"""Reads a static library: the core and float ABI that its members were compiled for, and the symbols they define.

A member's ``.ARM.attributes`` section (Addenda to, and Errata in, the ABI for the Arm Architecture, 3.3) names the
architecture, the floating-point unit and how floats are passed. Cortex-M4 and M7 share the architecture (v7E-M) and
differ in the unit alone: FPv4 or FPv5.
"""

from __future__ import annotations

import hashlib
import io
import struct
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from elftools.common.exceptions import ELFError
from elftools.construct import ConstructError
from elftools.elf.elffile import ELFFile
from elftools.elf.sections import ARMAttributesSection

from mlperf_tiny.errors import LibraryUnusable

MAGIC = b"!<arch>\n"
THIN_MAGIC = b"!<thin>\n"
HEADER_BYTES = 60

# Values of Tag_CPU_arch and Tag_FP_arch that the cores of this project's boards are compiled with.
_ARCHITECTURES = {13: "v7E-M", 17: "v8-M.main", 10: "v7", 11: "v6-M", 12: "v6S-M", 16: "v8-M.base", 21: "v8.1-M.main"}
_UNITS = {0: "none", 5: "fpv4", 6: "fpv4", 7: "fpv5", 8: "fpv5"}
_CORES = {("v7E-M", "fpv4"): "cortex-m4", ("v7E-M", "fpv5"): "cortex-m7", ("v8-M.main", "fpv5"): "cortex-m33"}

_SINGLE_ONLY, _VFP_REGISTERS, _EITHER_ABI = 1, 1, 3


@dataclass(frozen=True)
class Target:
    """What one member was compiled for; all but ``machine`` is of Arm members only."""

    machine: str
    """ELF's name: ``EM_ARM``."""
    architecture: str = ""
    unit: str = "none"
    single_precision: bool = False
    hard_float: bool = False

    @property
    def core(self) -> str:
        """The compiler's name of the core; "" when the attributes are of no core of this project."""
        return _CORES.get((self.architecture, self.unit), "")

    def __str__(self) -> str:
        if self.machine != "EM_ARM":
            return self.machine.removeprefix("EM_")
        floats = "hard-float" if self.hard_float else "soft-float"
        precision = ", double precision" if self.unit != "none" and not self.single_precision else ""
        return f"{self.core or f'Arm {self.architecture}'} ({floats} ABI, unit {self.unit}{precision})"


@dataclass(frozen=True, kw_only=True)
class Archive:
    """The contents of a static library."""

    path: Path
    targets: frozenset[Target]
    """The different targets of its members."""
    symbols: frozenset[str]
    """The names in its index."""
    sha256: str

    def defines(self, part: str) -> bool:
        """Whether any defined symbol's name holds ``part``."""
        return any(part in symbol for symbol in self.symbols)


def read_archive(path: Path) -> Archive:
    """Read the static library at ``path``; raises LibraryUnusable when it is none or damaged."""
    try:
        data = path.read_bytes()
    except OSError as error:
        raise LibraryUnusable(path, f"it cannot be read: {error.strerror}. Build it again.") from error
    if data.startswith(THIN_MAGIC):
        raise LibraryUnusable(path, "it is a thin archive, which only names its members. Build an ordinary one.")
    if not data.startswith(MAGIC):
        raise LibraryUnusable(path, "it is not a static library (it does not begin with !<arch>). Build it again.")
    targets, symbols = set(), frozenset[str]()
    try:
        for name, content in _members(data):
            if name == "/":
                symbols = _symbol_index(content)
            elif content.startswith(b"\x7fELF"):
                targets.add(_target(content))
    except (struct.error, ValueError, ELFError, ConstructError) as error:
        raise LibraryUnusable(path, f"it is damaged ({error}). Build it again.") from error
    if not targets:
        raise LibraryUnusable(path, "it has no object files. Build it again.")
    return Archive(path=path, targets=frozenset(targets), symbols=symbols, sha256=hashlib.sha256(data).hexdigest())


def _members(data: bytes) -> Iterator[tuple[str, bytes]]:
    """(name as it stands in the header, content) of each member; the symbol index is called ``/``."""
    at = len(MAGIC)
    while at < len(data):
        header = data[at : at + HEADER_BYTES]
        if len(header) < HEADER_BYTES or header[58:] != b"`\n":
            raise ValueError(f"no member begins at byte {at}")
        size = int(header[48:58])
        start = at + HEADER_BYTES
        if size < 0 or start + size > len(data):
            raise ValueError(f"the member at byte {at} is truncated")
        yield header[:16].decode("latin-1").rstrip(), data[start : start + size]
        at = start + size + size % 2


def _symbol_index(content: bytes) -> frozenset[str]:
    """Names in the index that ``ranlib`` makes: a big-endian count, as many offsets, then the names."""
    (count,) = struct.unpack_from(">I", content)
    names = content[4 + 4 * count :].split(b"\0")
    return frozenset(name.decode("latin-1") for name in names[:count])


def _target(content: bytes) -> Target:
    image = ELFFile(io.BytesIO(content))
    machine = str(image["e_machine"])
    if machine != "EM_ARM":
        return Target(machine)
    found: dict[str, int] = {}
    for section in image.iter_sections():
        if isinstance(section, ARMAttributesSection):
            for subsection in section.iter_subsections():
                for part in subsection.iter_subsubsections():
                    found.update((row.tag, row.value) for row in part.iter_attributes() if isinstance(row.value, int))
    architecture = found.get("TAG_CPU_ARCH", 0)
    unit = found.get("TAG_FP_ARCH", 0)
    return Target(
        machine,
        architecture=_ARCHITECTURES.get(architecture, f"architecture {architecture}"),
        unit=_UNITS.get(unit, f"FP_arch {unit}"),
        single_precision=found.get("TAG_ABI_HARDFP_USE", 0) == _SINGLE_ONLY,
        hard_float=found.get("TAG_ABI_VFP_ARGS", 0) in (_VFP_REGISTERS, _EITHER_ABI),
    )
