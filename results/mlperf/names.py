# SPDX-License-Identifier: Apache-2.0
"""Who submits which system, and where in a submission tree that puts a result (MLPerf Tiny rules, submission folder).

Folders, below ``<division>/<submitter>``: ``systems/<system>.json``, ``results/<system>/<benchmark>`` and
``code/<benchmark>/<implementation>``. An implementation is named after its system, so that each finds the other.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass

from mlperf_tiny.errors import UsageError
from mlperf_tiny.harness.record.settings import UNKNOWN_DEVICE, Settings
from mlperf_tiny.results.mlperf.layout import DIVISIONS
from mlperf_tiny.results.mlperf.system import STATUSES

NO_SILICON = ("emulated", "host")
"""Whose time is not that of a board: such a system says so at the beginning of its name, and its status is ``rdi``."""

USUAL_STATUS = "rdi"

_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,63}")


@dataclass(frozen=True)
class Entry:
    """What a submitter says of a submission; ``system`` None: named after the run's device and engine.

    ``own_words`` are values of the system description, by its keys, in the submitter's own words.
    """

    submitter: str
    availability: str | None = None
    system: str | None = None
    own_words: Mapping[str, str] | None = None

    def __post_init__(self) -> None:
        """Raises UsageError for what the tree or the rules cannot take."""
        for option, name in (("--submitter", self.submitter), ("--system", self.system)):
            if name is not None and not _NAME.fullmatch(name):
                raise UsageError(
                    f"{option} {name!r} cannot be a folder of a submission: wanted 1 to 64 letters, digits, '.', '_' "
                    "or '-', beginning with a letter or digit."
                )
        if self.availability is not None and self.availability not in STATUSES:
            raise UsageError(f"--availability {self.availability!r} is none of {', '.join(STATUSES)}.")


@dataclass(frozen=True)
class Names:
    """The names a result has in a tree; ``status`` is its system's availability."""

    division: str
    submitter: str
    system: str
    benchmark: str
    status: str

    @property
    def base(self) -> str:
        """The submitter's folder."""
        return f"{self.division}/{self.submitter}"

    @property
    def description(self) -> str:
        """The system description, below the submitter's folder like all that follow."""
        return f"systems/{self.system}.json"

    @property
    def results(self) -> str:
        return f"results/{self.system}/{self.benchmark}"

    @property
    def code(self) -> str:
        return f"code/{self.benchmark}/{self.system}"


def names_of(settings: Settings, entry: Entry) -> Names:
    """Return the names of a run's result; raises UsageError for an availability it cannot have."""
    timing = settings.device.timing
    status = entry.availability or USUAL_STATUS
    if timing in NO_SILICON and status != USUAL_STATUS:
        raise UsageError(
            f"--availability {status} is for hardware; nothing of {_article(timing)} run ran on a board, so it is "
            f"{USUAL_STATUS}. Leave the option out."
        )
    names = Names(settings.division, entry.submitter, system_name(settings, entry.system), settings.task, status)
    if names.division not in DIVISIONS or not _NAME.fullmatch(names.system):
        raise UsageError(
            f"division {names.division[:40]!r} and system {names.system[:80]!r} of the run cannot be folders of a "
            "submission. Name the system with --system."
        )
    return names


def _article(timing: str) -> str:
    return f"an {timing}" if timing[:1] in "aeiou" else f"a {timing}"


def system_name(settings: Settings, wished: str | None = None) -> str:
    """The system's name. In the open division the model is what differs, so it is part of it unless one is wished for:
    a tree has one result for each system and benchmark."""
    device = settings.device
    silicon = device.timing not in NO_SILICON
    if wished is not None:
        return wished if silicon or wished.startswith(device.timing) else f"{device.timing}-{wished}"
    if silicon:
        parts = [device.boards[0] if device.boards else device.device]
    else:
        chip = "" if device.device in (device.timing, UNKNOWN_DEVICE) else device.device
        parts = [device.timing, chip, settings.engine]
    if settings.division == "open":
        parts.append(settings.model.name)
    return "-".join(re.sub(r"[^A-Za-z0-9._-]+", "-", part) for part in parts if part)
