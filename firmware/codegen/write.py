# SPDX-License-Identifier: Apache-2.0
"""Puts generated files into a folder: all of them or none, and never over files that were not generated."""

from __future__ import annotations

import hashlib
import json
import os
import shutil
import tempfile
from collections.abc import Mapping
from pathlib import Path

from mlperf_tiny.errors import UsageError

MANIFEST = "generated.json"


def write_folder(files: Mapping[str, str], folder: Path, force: bool = False) -> None:
    """Make a folder hold exactly the given files and a manifest of their hashes.

    The new folder is made complete beside the old one and then takes its name: a reader never sees a part of it.
    The same files give the same bytes. A folder with other content is replaced only when that is an earlier, unchanged
    result of this function, or with ``force``.

    Args:
        files: Relative path to text.
        folder: The folder to make or to replace.
        force: Replace it whatever it holds.

    Raises:
        UsageError: The folder holds something else.
        OSError: The disk refuses.
    """
    folder = Path(os.path.abspath(folder))  # noqa: PTH100 (resolve() would follow a link and replace its target)
    if not force:
        _check_own(folder)
    elif folder.is_symlink() or folder.is_file():
        raise UsageError(f"{folder} is not a folder. Name another one with --out.")
    folder.parent.mkdir(parents=True, exist_ok=True)
    fresh = Path(tempfile.mkdtemp(prefix=f".{folder.name}.", dir=folder.parent))
    old = fresh.with_name(fresh.name + ".old")
    try:
        fresh.chmod(0o755)  # mkdtemp makes it private
        contents = {name: text.encode() for name, text in files.items()}
        hashes = {name: hashlib.sha256(content).hexdigest() for name, content in sorted(contents.items())}
        contents[MANIFEST] = (json.dumps({"sha256": hashes}, indent=1) + "\n").encode()
        for name, content in contents.items():
            target = fresh / name
            target.parent.mkdir(parents=True, exist_ok=True)
            target.write_bytes(content)
        if folder.exists():
            folder.rename(old)
        try:
            fresh.rename(folder)
        except BaseException:
            if old.exists():
                old.rename(folder)
            raise
    finally:
        shutil.rmtree(fresh, ignore_errors=True)
        if folder.exists():
            shutil.rmtree(old, ignore_errors=True)


def _check_own(folder: Path) -> None:
    """Raise UsageError unless ``folder`` is new, empty, or exactly as in its manifest."""
    if not folder.exists() and not folder.is_symlink():
        return
    if not folder.is_dir() or folder.is_symlink():
        raise UsageError(f"{folder} is not a folder. Name another one with --out.")
    present = {path.relative_to(folder).as_posix() for path in folder.rglob("*") if not path.is_dir()}
    if not present:
        return
    advice = "Name another folder with --out, or replace it with --force."
    try:
        hashes = json.loads((folder / MANIFEST).read_text(encoding="utf-8"))["sha256"]
        listed = {str(name): str(value) for name, value in hashes.items()}
    except (OSError, ValueError, TypeError, KeyError, AttributeError):
        raise UsageError(f"{folder} holds files that were not generated here. {advice}") from None
    extra = sorted(present - listed.keys() - {MANIFEST})
    if extra:
        raise UsageError(f"{folder} also holds {extra[0]}, which was not generated here. {advice}")
    for name, wanted in sorted(listed.items()):
        path = folder / name
        if name in present and hashlib.sha256(path.read_bytes()).hexdigest() != wanted:
            raise UsageError(f"{path} was changed after it was generated. {advice}")
