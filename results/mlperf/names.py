# SPDX-License-Identifier: Apache-2.0
"""Who submits which system, and where in a submission tree that puts a result (MLPerf Tiny rules, submission folder).

Folders, below ``<division>/<submitter>``: ``systems/<system>.json``, ``results/<system>/<benchmark>`` and
``code/<benchmark>/<implementation>``. An implementation is named after its system, so that each finds the other.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass

from mlperf_tiny.errors import UsageError, did_you_mean
from mlperf_tiny.harness.record.settings import UNKNOWN_DEVICE, Settings
from mlperf_tiny.results.mlperf.layout import DIVISIONS
from mlperf_tiny.results.mlperf.system import STATUSES

NO_SILICON = ("emulated", "host")
"""Timings of runs without a board: the name of such a system begins with the timing, and its status is ``rdi``."""

DEFAULT_STATUS = "rdi"

_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,63}")


@dataclass(frozen=True)
class Entry:
    """What a submitter enters."""

    submitter: str
    """The submitter's name, a folder."""
    availability: str | None = None
    """Status of the system; None: ``rdi``."""
    system: str | None = None
    """Name of the system, a folder; None: made of the run's device and engine."""
    overrides: Mapping[str, str] | None = None
    """Values of the system description, by its keys, that replace the harness's own."""

    def __post_init__(self) -> None:
        """Raise UsageError for names that cannot be folders, and an unknown availability."""
        for option, name in (("--submitter", self.submitter), ("--system", self.system)):
            if name is not None and not _NAME.fullmatch(name):
                raise UsageError(
                    f"{option} {name!r} cannot be a folder of a submission: wanted 1 to 64 letters, digits, '.', '_' "
                    "or '-', beginning with a letter or digit."
                )
        if self.availability is not None and self.availability not in STATUSES:
            raise UsageError(
                f"--availability {self.availability!r} is not supported; choose one of {', '.join(STATUSES)}."
                + did_you_mean(self.availability, STATUSES)
            )


@dataclass(frozen=True, kw_only=True)
class Names:
    """The names a result has in a tree."""

    division: str
    """``closed`` or ``open``."""
    submitter: str
    """Folder of the submitter."""
    system: str
    """Folder of the system."""
    benchmark: str
    """Folder of the benchmark."""
    status: str
    """Availability of the system."""

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
        """The folder of the runner's files."""
        return f"results/{self.system}/{self.benchmark}"

    @property
    def code(self) -> str:
        """The folder of model, sources and run."""
        return f"code/{self.benchmark}/{self.system}"


def names_of(settings: Settings, entry: Entry) -> Names:
    """Return the names of a run's result.

    Args:
        settings: The run's settings.
        entry: What the submitter entered.

    Raises:
        UsageError: An availability that the run cannot have, or names that cannot be folders.
    """
    timing = settings.device.timing
    status = entry.availability or DEFAULT_STATUS
    if timing in NO_SILICON and status != DEFAULT_STATUS:
        raise UsageError(
            f"--availability {status} is for hardware; nothing of {_article(timing)} run ran on a board, so it is "
            f"{DEFAULT_STATUS}. Leave the option out."
        )
    names = Names(
        division=settings.division,
        submitter=entry.submitter,
        system=system_name(settings, entry.system),
        benchmark=settings.task,
        status=status,
    )
    if names.division not in DIVISIONS or not _NAME.fullmatch(names.system):
        raise UsageError(
            f"division {names.division[:40]!r} and system {names.system[:80]!r} of the run cannot be folders of a "
            "submission. Name the system with --system."
        )
    return names


def _article(timing: str) -> str:
    return f"an {timing}" if timing[:1] in "aeiou" else f"a {timing}"


def system_name(settings: Settings, requested: str | None = None) -> str:
    """Return the system's name.

    A tree has one result for each system and benchmark. In the open division models differ, so the model's name is part
    of the system's name.

    Args:
        settings: The run's settings.
        requested: The submitter's name for it; of a run without a board the timing is put before it.
    """
    device = settings.device
    silicon = device.timing not in NO_SILICON
    if requested is not None:
        return requested if silicon or requested.startswith(device.timing) else f"{device.timing}-{requested}"
    if silicon:
        parts = [device.boards[0] if device.boards else device.device]
    else:
        chip = "" if device.device in (device.timing, UNKNOWN_DEVICE) else device.device
        parts = [device.timing, chip, settings.engine]
    if settings.division == "open":
        parts.append(settings.model.name)
    return "-".join(re.sub(r"[^A-Za-z0-9._-]+", "-", part) for part in parts if part)
