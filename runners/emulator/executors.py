# SPDX-License-Identifier: Apache-2.0
"""Whether hot functions of emulated boards are translated: for this whole process, as it changes nothing but speed."""

from __future__ import annotations

_translates = True


def translates() -> bool:
    """Whether boards that are made now translate hot functions."""
    return _translates


def set_translates(wanted: bool) -> None:
    """Let boards that are made from now on translate hot functions, or leave everything to the engine."""
    global _translates
    _translates = wanted
