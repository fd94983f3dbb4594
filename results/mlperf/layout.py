# SPDX-License-Identifier: Apache-2.0
"""Where the results of a tree lie, found by the files: folders were named differently in every round.

``<division>/<submitter>/results/<system>/<benchmark>/<mode>/log.txt`` is the rule. Older rounds have prefixed file
names (``performance_log.txt``), full benchmark names, a level more before or after the benchmark, ``power`` for
``energy``, and folders that are misspelt.
"""

from __future__ import annotations

import difflib
import re
from bisect import bisect_left
from collections.abc import Iterable
from dataclasses import dataclass, field

from mlperf_tiny.errors import DataError
from mlperf_tiny.file_tree import FileTree
from mlperf_tiny.results.mlperf.benchmarks import Benchmark, benchmark_of

MODES = ("performance", "accuracy", "energy")
OTHER_NAMES = {"power": "energy"}
DIVISIONS = ("closed", "open")
MARKER = "EEMBC_RUNNER"
MAX_RESULTS = 2000
MAX_MB = 500

_KINDS = (
    ("log", re.compile(r"log\.txt")),
    ("text", re.compile(r"results?\.txt")),
    ("json", re.compile(r"results?\.json")),
    ("script", re.compile(r"script\.(async|txt)")),
    ("trace", re.compile(r"trace\d*-energy\.bin")),
    ("stamps", re.compile(r"trace\d*-timestamps\.json")),
)
_PREFIX = re.compile(r"(performance|accuracy|energy|power)_(.+)")
_PLOT = re.compile(
    r"energy_inf_\d+\.png|trace\d*-energy-plot\.png|mlperf_log_trace\.json|\.gitkeep|\.gitignore|readme.*"
)
_ROUND = re.compile(r"(?:^|_)(v\d\.\d)$")


@dataclass(frozen=True, kw_only=True)
class FoundResult:
    """One result; parts of its identity that the path does not name are empty."""

    folder: str
    """Its folder in the tree."""
    round: str
    """``v1.3``."""
    division: str
    """``open`` or ``closed``."""
    submitter: str
    """Folder of the submitter."""
    system: str
    """Folders of the system."""
    benchmark: Benchmark | None
    """Row of the benchmark."""
    variant: str
    """Folders below the benchmark."""
    files: dict[str, dict[str, str]]
    """Mode -> kind (``log text json script trace stamps``) -> path."""
    base: str
    """The submitter's folder, from the top of the tree."""
    marker: bool
    """Whether the file EEMBC_RUNNER is there."""
    notes: tuple[str, ...] = ()
    """How the path was read, where a name was guessed."""


@dataclass
class _Group:
    files: dict[str, dict[str, str]] = field(default_factory=dict)
    notes: list[str] = field(default_factory=list)


def find_results(tree: FileTree) -> tuple[list[FoundResult], list[str]]:
    """Return the results of a tree in order of folder, and sentences on files and folders that no rule knows."""
    groups: dict[str, _Group] = {}
    unexpected: list[str] = []
    for path in tree.sizes:
        folder, _, name = path.rpartition("/")
        parts = folder.split("/")
        if name.startswith("._") or name == ".DS_Store":
            continue
        if "code" in parts and "results" not in parts[: parts.index("code")]:
            continue
        prefix, kind = _kind(name)
        if kind is None:
            continue
        mode = _mode(parts[-1])
        if mode is None and prefix is None:
            if kind != "json":
                unexpected.append(f"{path} lies in a folder that is neither performance, accuracy nor energy")
            continue
        place = folder.rpartition("/")[0] if mode else folder
        group = groups.setdefault(place, _Group())
        mode = mode or prefix
        assert mode is not None
        if mode != parts[-1] and parts[-1] not in OTHER_NAMES and _mode(parts[-1]):
            _note(group, f"folder {parts[-1]!r} is read as {mode!r}")
        kinds = group.files.setdefault(mode, {})
        if kind in kinds:
            # v0.5 has script.txt beside script.async: the runner's own name is the one that counts.
            if path.endswith(".async"):
                kinds[kind] = path
            _note(group, f"{path} stands beside another {kind} of the same run")
        else:
            kinds[kind] = path
    if len(groups) > MAX_RESULTS:
        raise DataError(f"the tree holds {len(groups):,} results, over {MAX_RESULTS:,}. Review a part of it.")
    paths = sorted(tree.sizes)
    found = [_found(tree, paths, place, group) for place, group in sorted(groups.items())]
    for result in found:
        unexpected += _unknown_folders(paths, result)
    unexpected += [f"{path}: over {MAX_MB} MB, which no submission may hold" for path in _too_large(tree)]
    unexpected += [f"{path}: {why}" for path, why in sorted(tree.refused.items())]
    return found, unexpected


def _note(group: _Group, note: str) -> None:
    if note not in group.notes:
        group.notes.append(note)


def _kind(name: str) -> tuple[str | None, str | None]:
    lower = name.lower()
    prefixed = _PREFIX.fullmatch(lower)
    prefix, rest = (prefixed[1], prefixed[2]) if prefixed else (None, lower)
    kind = next((kind for kind, pattern in _KINDS if pattern.fullmatch(rest)), None)
    return (OTHER_NAMES.get(prefix, prefix) if prefix else None), kind


def _mode(folder: str) -> str | None:
    """The mode a folder name means; one or two wrong letters are forgiven."""
    lower = folder.lower()
    names = (*MODES, *OTHER_NAMES)
    close = [lower] if lower in names else difflib.get_close_matches(lower, names, n=1, cutoff=0.85)
    return OTHER_NAMES.get(close[0], close[0]) if close else None


def _found(tree: FileTree, paths: list[str], place: str, group: _Group) -> FoundResult:
    inner = tuple(place.split("/")) if place else ()
    parts = (*tree.name, *inner)
    at = _last(parts, "results")
    if at is not None and at < len(tree.name) and (at < 2 or parts[at - 2].lower() not in DIVISIONS):
        at = None  # a folder of the reviewer's that has that name by chance
    notes = list(group.notes)
    division = submitter = ""
    base = ""
    tail = parts[at + 1 :] if at is not None else parts[-2:]
    if at is not None:
        submitter = parts[at - 1] if at >= 1 else ""
        division = parts[at - 2].lower() if at >= 2 else ""
        if division not in DIVISIONS:
            if division:
                notes.append(f"division folder {parts[at - 2]!r} is neither open nor closed")
            division = ""
        base = "/".join(parts[len(tree.name) : at])
    benchmark, system, variant = _split(tail)
    if benchmark is None:
        notes.append(f"no folder of {place or '.'} names a benchmark")
    rounds = [match[1] for part in parts if (match := _ROUND.search(part))]
    prefix = f"{place}/" if place else ""
    files = {**_other_accuracy(paths, prefix), **group.files}
    marker = any(path.rpartition("/")[2].upper() == MARKER for path in _below(paths, prefix))
    return FoundResult(
        folder=place or ".",
        round=rounds[-1] if rounds else "",
        division=division,
        submitter=submitter,
        system=system,
        benchmark=benchmark,
        variant=variant,
        files=files,
        base=base,
        marker=marker,
        notes=tuple(notes),
    )


def _other_accuracy(paths: list[str], prefix: str) -> dict[str, dict[str, str]]:
    """An accuracy folder with nothing but what was made of the answers: a text of it may hold claims."""
    inside = _below(paths, f"{prefix}accuracy/")
    texts = [path for path in inside if path.lower().endswith((".txt", ".log"))]
    return {"accuracy": {"text": texts[0]} if texts else {}} if inside else {}


def _split(tail: tuple[str, ...]) -> tuple[Benchmark | None, str, str]:
    """Benchmark, system and what comes after the benchmark, of the folders below ``results``."""
    for index, part in enumerate(tail):
        benchmark = benchmark_of(part)
        if benchmark:
            return benchmark, "/".join(tail[:index]), "/".join(tail[index + 1 :])
    return None, "/".join(tail[:-1]) or "/".join(tail), ""


def _last(parts: Iterable[str], name: str) -> int | None:
    places = [index for index, part in enumerate(parts) if part == name]
    return places[-1] if places else None


def _unknown_folders(paths: list[str], result: FoundResult) -> list[str]:
    """Folders beside a result's runs, and files inside them, that no rule knows."""
    prefix = "" if result.folder == "." else result.folder + "/"
    known = {path for kinds in result.files.values() for path in kinds.values()}
    own_folders = {path.rpartition("/")[0] for path in known}
    unexpected: dict[str, str] = {}
    for path in _below(paths, prefix):
        folder, _, name = path.rpartition("/")
        if path in known or name == MARKER or _PLOT.fullmatch(name.lower()):
            continue
        if folder in own_folders or folder + "/" == prefix:
            what = "a file of macOS" if name.startswith("._") or name == ".DS_Store" else "not required"
            unexpected.setdefault(path, f"{path}: {what}")
        elif not any(folder.startswith(own) for own in own_folders) and _kind(name)[1] is None:
            unexpected.setdefault(folder, f"{folder}: an unknown folder beside the runs")
    return list(unexpected.values())


def _too_large(tree: FileTree) -> list[str]:
    return [path for path, size in tree.sizes.items() if size > MAX_MB * 1_000_000]


def _below(paths: list[str], prefix: str) -> list[str]:
    """Those of the sorted ``paths`` that begin with ``prefix``."""
    return paths[bisect_left(paths, prefix) : bisect_left(paths, prefix + "\U0010ffff")]
