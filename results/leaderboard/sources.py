# SPDX-License-Identifier: Apache-2.0
"""Finds runs, published trees and leaderboards at a path, by their files; links are not followed."""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path

from mlperf_tiny.errors import DataError, WrongRequest
from mlperf_tiny.harness.wire.transcript import TRANSCRIPT_FILE
from mlperf_tiny.results.mlperf.layout import DIVISIONS

MAX_DEPTH = 8
MAX_FOLDERS = 20_000


@dataclass(frozen=True)
class FoundSources:
    """What was found; each in order of path."""

    runs: tuple[Path, ...] = ()
    """Run folders."""
    trees: tuple[Path, ...] = ()
    """Submission trees to review: folders and archives."""
    files: tuple[Path, ...] = ()
    """Leaderboard files."""


def find_sources(path: Path) -> FoundSources:
    """Return what ``path`` holds: itself a run, a tree or a file, or a folder with any of them below it.

    A folder in which nothing is found is taken for a part of a tree. Raises DataError when it is not there.
    """
    if path.is_dir():
        found = below(path)
        return found if found != FoundSources() else FoundSources(trees=(path,))
    if not path.is_file():
        raise WrongRequest(f"{path} does not exist. Name a run, a folder of runs, a submission, or a leaderboard.")
    return FoundSources(files=(path,)) if path.suffix.lower() == ".csv" else FoundSources(trees=(path,))


def below(path: Path) -> FoundSources:
    """Return the runs and trees of a folder, itself or below it; neither is looked into for more of them.

    Leaderboard files inside the folder are ignored: a foreign tree's own table is not a source of figures. Raises
    DataError for more than MAX_FOLDERS folders.
    """
    runs: list[Path] = []
    trees: list[Path] = []
    waiting, seen = [(path, 0)], 0
    while waiting:
        folder, depth = waiting.pop()
        seen += 1
        if seen > MAX_FOLDERS:
            raise DataError(f"{path} holds over {MAX_FOLDERS:,} folders. Name the runs or submissions in it.")
        try:
            with os.scandir(folder) as entries:
                found = [(entry.name, entry.is_dir(follow_symlinks=False)) for entry in entries]
        except OSError:
            continue  # not readable; a path named by the user is reported by whoever opens it
        folders = [name for name, is_folder in found if is_folder]
        if (TRANSCRIPT_FILE, False) in found:
            runs.append(folder)
        elif any(name.lower() in DIVISIONS for name in folders):
            trees.append(folder)
        elif depth < MAX_DEPTH and not ("results" in folders and "systems" in folders):
            waiting += [(folder / name, depth + 1) for name in folders if not name.startswith(".")]
    return FoundSources(tuple(sorted(runs)), tuple(sorted(trees)))
