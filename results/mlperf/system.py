# SPDX-License-Identifier: Apache-2.0
"""The system description: which file describes a result, and its values."""

from __future__ import annotations

import re
from bisect import bisect_left
from dataclasses import dataclass

from mlperf_tiny.errors import DataError
from mlperf_tiny.file_tree import FileTree
from mlperf_tiny.results.mlperf.json_text import parse_json
from mlperf_tiny.results.mlperf.layout import FoundResult

MAX_DESCRIPTION_BYTES = 1 << 20
MAX_CANDIDATES = 500
"""Descriptions of one submitter whose names are compared with each of its systems; the most published is 14."""
STATUSES = ("available", "preview", "rdi")
NEEDED_KEYS = ("Submitter", "Division", "Status", "Board Name", "SoC Name", "Processor(s) Name", "Inference Framework")

_VOLTAGE = re.compile(r"(?<![\w.])(\d(?:\.\d{1,3})?)\s*V\b", re.IGNORECASE)


@dataclass(frozen=True, kw_only=True)
class SystemDescription:
    """One file of ``systems``."""

    path: str
    """Its path."""
    values: dict[str, str]
    """Its values as text, by stripped keys."""
    duplicates: tuple[str, ...]
    """Keys it holds twice."""
    named_as_folder: bool
    """Whether it is named after the system's folder, as the rules demand."""

    def voltages_mv(self) -> tuple[int, ...]:
        """Return every voltage in its hardware notes."""
        return tuple(round(float(match) * 1000) for match in _VOLTAGE.findall(self.values.get("Hardware Notes", "")))


@dataclass(frozen=True)
class Descriptions:
    """All files of a tree that may describe a system."""

    below: dict[str, tuple[str, ...]]
    """Each folder ``systems``, with a ``/`` -> the files in and below it."""


def find_descriptions(tree: FileTree) -> Descriptions:
    """Return all files of a tree that may describe a system."""
    below: dict[str, list[str]] = {}
    for path in tree.sizes:
        parts = path.split("/")
        if path.lower().endswith(".json") and not parts[-1].startswith("._"):
            for depth, part in enumerate(parts[:-1], start=1):
                if part == "systems":
                    below.setdefault("/".join(parts[:depth]) + "/", []).append(path)
    return Descriptions({folder: tuple(paths) for folder, paths in below.items()})


def find_description(descriptions: Descriptions, found: FoundResult) -> str | None:
    """Return the file that describes a result's system; None when none does.

    Args:
        descriptions: Those of the tree. Among very many, only a file of the system's own name is looked for.
        found: The result.
    """
    candidates = descriptions.below.get(_folder(found), ())
    if len(candidates) > MAX_CANDIDATES:
        own = f"{_folder(found)}{found.system}.json"
        at = bisect_left(candidates, own)
        return own if candidates[at : at + 1] == (own,) else None
    return _best(list(candidates), found.system)


def read_description(tree: FileTree, path: str, found: FoundResult) -> SystemDescription:
    """Read the description of a result's system.

    Args:
        tree: Where it lies.
        path: Its path there.
        found: The result.

    Raises:
        DataError: It is not a JSON object.
    """
    duplicates: list[str] = []
    content = tree.read(path, MAX_DESCRIPTION_BYTES)
    value = parse_json(content, path, on_duplicate=lambda key: duplicates.append(key.strip()[:100]))
    if not isinstance(value, dict):
        raise DataError(f"{path} is not a system description: wanted one JSON object.")
    values = {str(key).strip(): str(text).strip()[:1000] for key, text in value.items()}
    named = path == f"{_folder(found)}{found.system}.json"
    return SystemDescription(path=path, values=values, duplicates=tuple(duplicates), named_as_folder=named)


def same_name(first: str, second: str) -> bool:
    """Return whether two spellings name one organisation: letters and digits decide, one may be part of the other.

    Args:
        first: One spelling.
        second: The other.

    Examples:
        >>> same_name("Sample Labs, Inc.", "sample_labs")
        True
    """
    one, other = _plain(first), _plain(second)
    return bool(one) and bool(other) and (one in other or other in one)


def _folder(found: FoundResult) -> str:
    return f"{found.base}/systems/" if found.base else "systems/"


def _best(candidates: list[str], system: str) -> str | None:
    stems = {path: _plain(path.rpartition("/")[2][: -len(".json")]) for path in candidates}
    exact = [path for path, stem in stems.items() if stem == _plain(system)]
    if exact:
        return exact[0]
    parts = [_plain(part) for part in system.split("/") if part]
    whole = [path for path, stem in stems.items() if parts and all(part in stem for part in parts)]
    if len(whole) == 1:
        return whole[0]
    words = [word for word in re.split(r"[^a-z0-9]+", system.lower()) if len(word) >= 3]
    hits = {path: sum(word in stem for word in words) for path, stem in stems.items()}
    most = max(hits.values(), default=0)
    leading = [path for path, count in hits.items() if count == most]
    return leading[0] if most and len(leading) == 1 else None


def _plain(name: str) -> str:
    return re.sub(r"[^a-z0-9]", "", name.lower())
