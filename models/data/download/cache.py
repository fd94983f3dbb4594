# SPDX-License-Identifier: Apache-2.0
"""The folder for downloads: MLPERF_TINY_CACHE, else a folder of this program in the user's cache folder."""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path

from mlperf_tiny.errors import WrongRequest

CACHE_VARIABLE = "MLPERF_TINY_CACHE"
DATA_VARIABLE = "MLPERF_TINY_DATA"


def cache_folder(environ: Mapping[str, str] = os.environ) -> Path:
    """Return the folder for downloads; it may not exist yet.

    Raises WrongRequest where no variable and no user has one, and where the variable names something else.
    """
    if environ.get(CACHE_VARIABLE):
        folder = named_folder(environ[CACHE_VARIABLE], CACHE_VARIABLE)
        there = next((place for place in (folder, *folder.absolute().parents) if place.exists()), folder)
        if there.exists() and not there.is_dir():
            raise WrongRequest(f"{CACHE_VARIABLE} is {str(folder)!r}, and {there} is not a folder. Name another one.")
        return folder
    base = environ.get("XDG_CACHE_HOME")
    try:
        return (Path(base) if base else Path.home() / ".cache") / "mlperf-tiny"
    except RuntimeError as error:
        raise WrongRequest(
            "there is no folder for downloads and built images: HOME is not set and this user has no home folder. "
            f"Name one with {CACHE_VARIABLE}."
        ) from error


def named_folder(value: str, variable: str) -> Path:
    """Return the folder that a variable names, with ``~`` for a home.

    Args:
        value: What the variable holds.
        variable: Its name, for the message.

    Raises:
        WrongRequest: for the home of a user who has none.
    """
    try:
        return Path(value).expanduser()
    except RuntimeError as error:
        raise WrongRequest(f"{variable} is {value!r}, which is no known home. Write the whole path.") from error


def data_folder(data_dir: Path | None, environ: Mapping[str, str] = os.environ) -> Path | None:
    """Return the folder of real data that the user named.

    Args:
        data_dir: The command's argument, if given.
        environ: Environment variables.

    Returns:
        ``data_dir``, else the folder that MLPERF_TINY_DATA names, else None.

    Raises:
        WrongRequest: It is not a folder.
    """
    folder = data_dir
    if folder is None and environ.get(DATA_VARIABLE):
        folder = named_folder(environ[DATA_VARIABLE], DATA_VARIABLE)
    if folder is not None and not folder.is_dir():
        raise WrongRequest(f"the data folder {folder} is not a folder. Check --data or {DATA_VARIABLE}.")
    return folder
