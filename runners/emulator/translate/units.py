# SPDX-License-Identifier: Apache-2.0
"""Units: translated functions as object files with what their user must know, kept on disk between processes.

The name of an entry is a digest of all that its content depends on: the function's bytes and address, the setting, this
package's sources, LLVM and the processor. An entry begins with a digest of the rest, so that a damaged one is seen and
made again. Entries are written in one step; of two processes that want one, one makes it.
"""

from __future__ import annotations

import hashlib
import json
from dataclasses import asdict, dataclass
from functools import cache
from pathlib import Path

import numpy as np
import numpy.typing as npt

from mlperf_tiny.file_lock import locked_name
from mlperf_tiny.runners.emulator.core.block_costs import parts_of
from mlperf_tiny.runners.emulator.native.jit_cache import cache_folder
from mlperf_tiny.runners.emulator.timing.levels import CostModel
from mlperf_tiny.runners.emulator.translate.compiler import compile_text, host
from mlperf_tiny.runners.emulator.translate.function import Translation, translate
from mlperf_tiny.runners.emulator.translate.guest.blocks import GuestFunction
from mlperf_tiny.runners.emulator.translate.guest.costs import Setting
from mlperf_tiny.whole_file import write_whole

_DIGEST_CHARACTERS = 64
# The folder is emptied of its oldest entries above this.
_MOST_BYTES = 512 << 20


@dataclass(frozen=True, kw_only=True)
class Unit:
    """A translated function, or the part of one that a jump into it leads to."""

    name: str
    """Of the function in the object file: of its own for each content."""
    content: bytes
    """The object file."""
    blocks: tuple[tuple[int, int, int], ...]
    """As of ``Translation``."""
    translated: tuple[bool, ...]
    """As of ``Translation``."""
    targets: tuple[int, ...]
    """For each counted edge the number of the block it leads to."""
    parts: npt.NDArray[np.int64]
    """For each counted edge ``parts_of`` its cost."""
    instructions: int
    """As of ``Translation``."""
    cycles: int
    """As of ``Translation``."""
    is_quick: bool
    """Whether it was compiled in little time; it is faster when made again without that."""


@cache
def _sources() -> str:
    """A digest of all sources that a translation depends on."""
    here = Path(__file__).parent.parent
    patterns = ("translate/*.py", "translate/*/*.py", "native/*.py", "timing/*.py", "timing/*/*.py")
    files = [path for pattern in patterns for path in sorted(here.glob(pattern))]
    return hashlib.sha256(b"\0".join(path.read_bytes() for path in files)).hexdigest()


def key_of(function: GuestFunction, roots: tuple[int, ...], setting: Setting, is_quick: bool) -> str:
    """The name of a unit's entry.

    Args:
        function: The function.
        roots: Where the unit begins.
        setting: What is the same for all functions of a board.
        is_quick: Whether it is compiled in little time.
    """
    parts = [_sources(), host(), json.dumps(asdict(setting), sort_keys=True), str(is_quick), repr(function.cuts)]
    parts += [f"{function.address:#x}", *(f"{root:#x}" for root in roots), function.code.hex()]
    return hashlib.sha256("\0".join(parts).encode()).hexdigest()


def make_unit(
    function: GuestFunction, roots: tuple[int, ...], setting: Setting, model: CostModel, is_quick: bool
) -> Unit:
    """The unit of a function: from the disk, or made now and kept there.

    Args:
        function: The function.
        roots: Where the unit begins.
        setting: What is the same for all functions of a board.
        model: The level's costs.
        is_quick: Whether to take little time, unless the faster one is on the disk.

    Raises:
        RuntimeError: where LLVM makes no code of it.
    """
    folder = cache_folder("translated")
    best = read_unit(folder, key_of(function, roots, setting, False)) if is_quick else None
    if best is not None:
        return best
    key = key_of(function, roots, setting, is_quick)
    unit = read_unit(folder, key)
    if unit is not None:
        return unit
    if folder is None:
        return _unit_of(_packed(key, translate(function, roots, setting, model, is_quick), is_quick), key)
    with locked_name(folder, f"{key}.lock", lambda holder: None):
        unit = read_unit(folder, key)
        if unit is None:
            packed = _packed(key, translate(function, roots, setting, model, is_quick), is_quick)
            _keep(folder, key, packed)
            unit = _unit_of(packed, key)
    return unit


def read_unit(folder: Path | None, key: str) -> Unit | None:
    """A unit from the disk; None where there is none, or a damaged one.

    Args:
        folder: Where entries are; None: nowhere.
        key: The name of its entry.
    """
    if folder is None:
        return None
    try:
        content = (folder / key).read_bytes()
    except OSError:
        return None
    digest, rest = content[:_DIGEST_CHARACTERS], content[_DIGEST_CHARACTERS:]
    if hashlib.sha256(rest).hexdigest().encode() != digest:
        return None
    return _unit_of(rest, key)


def _keep(folder: Path, key: str, packed: bytes) -> None:
    try:
        entries = [(path.stat().st_mtime, path.stat().st_size, path) for path in folder.iterdir()]
        spare = _MOST_BYTES - sum(size for _, size, _ in entries) - len(packed)
        for _, size, path in sorted(entries):
            if spare >= 0:
                break
            path.unlink(missing_ok=True)
            spare += size
        write_whole(folder / key, hashlib.sha256(packed).hexdigest().encode() + packed)
    except OSError:
        pass  # a full disk, or another process: it is made again next time


def _packed(key: str, translation: Translation, is_quick: bool) -> bytes:
    facts = {
        "blocks": translation.blocks,
        "translated": translation.translated,
        "targets": [edge.block for edge in translation.edges],
        "parts": [parts_of(edge.cost) for edge in translation.edges],
        "instructions": translation.instructions,
        "cycles": translation.cycles,
        "is_quick": is_quick,
    }
    text = translation.text.replace("@translated(", f"@{_name(key)}(")
    return json.dumps(facts).encode() + b"\n" + compile_text(text, is_quick)


def _name(key: str) -> str:
    return f"unit_{key}"


def _unit_of(packed: bytes, key: str) -> Unit:
    head, content = packed.split(b"\n", 1)
    facts = json.loads(head)
    parts = np.array(facts["parts"], np.int64)
    return Unit(
        name=_name(key),
        content=content,
        blocks=tuple(tuple(block) for block in facts["blocks"]),
        translated=tuple(facts["translated"]),
        targets=tuple(facts["targets"]),
        parts=parts.reshape(len(facts["targets"]), -1) if len(parts) else parts,
        instructions=facts["instructions"],
        cycles=facts["cycles"],
        is_quick=facts["is_quick"],
    )
