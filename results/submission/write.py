# SPDX-License-Identifier: Apache-2.0
"""Puts a result into a submission tree: whole or not at all, and over a different one only on request.

The result's two folders are completed in a draft folder beside the divisions and then moved to their places, the
``results`` folder last: without it no reader sees a result. What is replaced is restored when anything fails.
"""

from __future__ import annotations

import contextlib
import os
import shutil
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from mlperf_tiny.disk import write_error
from mlperf_tiny.errors import DataError, UsageError
from mlperf_tiny.results.mlperf.names import Names
from mlperf_tiny.results.submission.files import ResultFiles

DRAFT = ".submission-"


@dataclass(frozen=True)
class Written:
    """What was written."""

    root: Path
    """The submission tree."""
    names: Names
    """The names of the result."""
    files: int
    """Number of its files."""
    unchanged: bool
    """Whether all of them existed already."""

    @property
    def base(self) -> Path:
        """The submitter's folder."""
        return self.root / self.names.base


def check_place(root: Path, names: Names | None = None, replace: bool = False) -> None:
    """Check that a result can be written.

    Args:
        root: The submission tree.
        names: The names of the result; None when they are not known yet.
        replace: Whether a result that exists already is replaced.

    Raises:
        UsageError: ``root`` is not a folder, or the result exists already.
        DataError: ``root`` cannot be written.
    """
    if (root.exists() or root.is_symlink()) and not root.is_dir():
        raise UsageError(f"{root} is not a folder. Name another one with --submit.")
    place = next((folder for folder in (root, *root.absolute().parents) if folder.exists()), root)
    if not os.access(place, os.W_OK):
        raise DataError(f"{root} cannot be written. Name another folder with --submit.")
    if names is not None and not replace and (there := root / names.base / names.results).exists():
        raise UsageError(_there(there))


def write_result(root: Path, files: ResultFiles, replace: bool = False) -> Written:
    """Put the files of a result into a submission tree; nothing is done when the same files exist already.

    Args:
        root: The submission tree.
        files: The files.
        replace: Whether another result of the same names is replaced.

    Raises:
        UsageError: Another result of these names exists, or another description of a system that results share.
        DataError: A file cannot be written.
    """
    names = files.names
    base = root / names.base
    count = len(files.by_path())
    code, results, description = base / names.code, base / names.results, base / names.description
    for place in (base, code, results, description):
        if place.is_symlink():
            raise UsageError(f"{place} is a link, which no submission may hold. Remove it.")
    # In the order in which they take their places.
    same = {
        code: _holds(code, files.code),
        description: _is(description, files.description),
        results: _holds(results, files.results),
    }
    if all(same.values()):
        return Written(root, names, count, unchanged=True)
    other = [place for place, is_same in same.items() if place.exists() and not is_same]
    if other and not replace:
        raise UsageError(_there(other[-1]))
    if description in other and (sharers := _sharers(results)):
        raise UsageError(
            f"{description} differs from the description of this run, and {sharers[0]} shares it. Name another system "
            "with --system."
        )
    try:
        root.mkdir(parents=True, exist_ok=True)
        with _draft_folder(root) as draft:
            _write(draft / "code", files.code)
            _write(draft / "results", files.results)
            (draft / "description").write_bytes(files.description)
            drafts = {code: draft / "code", description: draft / "description", results: draft / "results"}
            _move_in(draft, {place: drafts[place] for place, is_same in same.items() if not is_same}, root)
    except OSError as error:
        raise write_error(error, root, "or name another folder with --submit", DataError) from error
    return Written(root, names, count, unchanged=False)


def _there(place: Path) -> str:
    return (
        f"{place} exists already and is not of this run. Replace it with --replace, or name another system with "
        "--system."
    )


def _holds(folder: Path, files: dict[str, bytes]) -> bool:
    """Whether a folder holds exactly these files."""
    there = {
        path.relative_to(folder).as_posix() for path in folder.rglob("*") if path.is_symlink() or not path.is_dir()
    }
    return there == files.keys() and all(_is(folder / name, content) for name, content in files.items())


def _is(path: Path, content: bytes) -> bool:
    return path.is_file() and not path.is_symlink() and path.read_bytes() == content


def _sharers(results: Path) -> list[Path]:
    """Other results of the same system."""
    return sorted(folder for folder in results.parent.glob("*") if folder.is_dir() and folder != results)


@contextlib.contextmanager
def _draft_folder(root: Path) -> Iterator[Path]:
    draft = Path(tempfile.mkdtemp(prefix=DRAFT, dir=root))
    try:
        yield draft
    finally:
        shutil.rmtree(draft, ignore_errors=True)


def _write(folder: Path, files: dict[str, bytes]) -> None:
    for name, content in files.items():
        target = folder / name
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_bytes(content)


def _move_in(draft: Path, moves: dict[Path, Path], root: Path) -> None:
    """Move each draft to its place, in order, after what is there was moved aside, in reverse order."""
    former: list[tuple[Path, Path]] = []
    placed: list[Path] = []
    try:
        for number, place in enumerate(reversed(moves)):
            if place.exists():
                aside = draft / f"former-{number}"
                place.rename(aside)
                former.append((aside, place))
        for place, fresh in moves.items():
            place.parent.mkdir(parents=True, exist_ok=True)
            fresh.rename(place)
            placed.append(place)
    except BaseException:
        for number, place in enumerate(placed):
            place.rename(draft / f"undone-{number}")
        for aside, place in former:
            aside.rename(place)
        for place in moves:
            _remove_empty(place.parent, root)
        raise


def _remove_empty(folder: Path, root: Path) -> None:
    """Remove the folders that would be left empty: no submission may hold one."""
    with contextlib.suppress(OSError):
        while folder != root:
            folder.rmdir()
            folder = folder.parent
