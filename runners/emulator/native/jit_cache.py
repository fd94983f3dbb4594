# SPDX-License-Identifier: Apache-2.0
"""Numba's on-disk cache, made safe for code that is spread over several files.

Numba recompiles a cached function when its own file changes, but not when a function or constant it took from another
file does. Here the compiled code is kept in a folder named after the contents of all the sources, so that a change to
any of them compiles everything again.
"""

from __future__ import annotations

import hashlib
import os
import tempfile
from collections.abc import Callable
from functools import cache
from pathlib import Path
from typing import Any

import numba

# Numba makes its configuration from the environment; its type stubs do not know the names.
_config: Any = numba.config

_SOURCES = (
    "state.py",
    "c_calls.py",
    "engine.py",
    "uart.py",
    "branches.py",
    "memory.py",
    "pages.py",
    "callbacks.py",
    "entry_points.py",
    "../translate/guest/running.py",
)


def kept_folders() -> tuple[Path, ...]:
    """The places for compiled code: beside the sources, and in the temporary folder of this user."""
    here = Path(__file__).parent
    digest = hashlib.sha256(b"\0".join((here / name).read_bytes() for name in _SOURCES)).hexdigest()[:16]
    return _places(f"native-{digest}")


@cache
def cache_folder(name: str) -> Path | None:
    """A folder for what is compiled, in the first place that can be written; None: there is none."""
    for folder in _places(name):
        try:
            folder.mkdir(parents=True, exist_ok=True)
        except OSError:
            continue
        if os.access(folder, os.W_OK):
            return folder
    return None


def _places(name: str) -> tuple[Path, ...]:
    user = os.getuid() if hasattr(os, "getuid") else os.environ.get("USERNAME", "user")
    parents = (Path(__file__).parent / "__pycache__", Path(tempfile.gettempdir()) / f"mlperf-tiny-harness-{user}")
    return tuple(parent / name for parent in parents)


def _folder() -> str | None:
    folder = cache_folder(kept_folders()[0].name)
    return None if folder is None else str(folder)


def _decorate(decorator: Callable[..., Any], function: Callable[..., Any], *args: Any, **options: Any) -> Any:
    folder = _folder()
    before = _config.CACHE_DIR
    _config.CACHE_DIR = folder or ""
    try:
        return decorator(*args, cache=folder is not None, **options)(function)
    finally:
        _config.CACHE_DIR = before


def compiled(function: Callable[..., Any]) -> Any:
    """Decorate a function that compiled code and Python both call."""
    return _decorate(numba.njit, function, error_model="numpy")


def callback(signature: Any) -> Callable[[Callable[..., Any]], Any]:
    """Decorate a function that C calls; its ``address`` is what C is given."""
    # Without Python's errors, and with all that it calls in one piece, a third less time is spent in the block hook.
    return lambda function: _decorate(numba.cfunc, function, signature, error_model="numpy", forceinline=True)
