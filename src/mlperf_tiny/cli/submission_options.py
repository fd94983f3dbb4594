# SPDX-License-Identifier: Apache-2.0
"""The options that put a run into a submission tree, and what becomes of them."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar

import click

from mlperf_tiny.errors import UsageError
from mlperf_tiny.harness.run.prepare import MODES, Request
from mlperf_tiny.results.mlperf.names import Entry
from mlperf_tiny.results.mlperf.system import STATUSES
from mlperf_tiny.results.submission.description import read_own_words
from mlperf_tiny.results.submission.submit import check_folder, check_request, submit
from mlperf_tiny.results.submission.write import Written

Command = TypeVar("Command", bound=Callable[..., Any])

_OPTIONS = (
    click.option(
        "--submit",
        type=click.Path(path_type=Path),
        metavar="DIR",
        help="Also write the result into this submission tree; with --resume the run in that folder.",
    ),
    click.option("--submitter", metavar="NAME", help="Whose submission it is: the folder below the division."),
    click.option(
        "--availability",
        type=click.Choice(STATUSES),
        help="Of the submitted system. Without it, and for whatever did not run on a board: rdi.",
    ),
    click.option("--system", metavar="NAME", help="Name of the submitted system; made from device and engine without."),
    click.option(
        "--describe",
        type=click.Path(path_type=Path),
        metavar="FILE",
        help="JSON object with values of the system description that this program cannot know.",
    ),
    click.option("--replace", is_flag=True, help="Let the result take the place of another one in the tree."),
)


@dataclass(frozen=True)
class Submitting:
    """What was asked for."""

    root: Path
    entry: Entry
    replace: bool

    def check(self, request: Request, resume: Path | None, say: Callable[[str], None]) -> None:
        """Raise before the run what would else be raised behind it; ``say`` is told what is built for that."""
        if resume is not None:
            check_folder(resume, self.entry, self.root, self.replace)
            return
        part = {
            "--limit": request.limit is not None,
            "--synthetic": request.synthetic,
            "--mode": request.modes not in (None, MODES),
        }
        if named := [option for option, given in part.items() if given]:
            raise UsageError(f"only whole runs on the benchmark's data are submitted; leave {' and '.join(named)} out.")
        check_request(request, self.entry, self.root, self.replace, say)

    def submit(self, folder: Path, request: Request) -> Written:
        """Write the result of the run in ``folder``."""
        return submit(folder, self.entry, self.root, self.replace, request)


def submission_options(command: Command) -> Command:
    """Add the options to a click command; their values go to ``submitting``."""
    for option in reversed(_OPTIONS):
        command = option(command)
    return command


def submitting(
    submit: Path | None,
    submitter: str | None,
    availability: str | None,
    system: str | None,
    describe: Path | None,
    replace: bool,
) -> Submitting | None:
    """Return what the options ask for, None for nothing; raises UsageError for some without the others."""
    if submit is None:
        given = {
            "--submitter": submitter,
            "--availability": availability,
            "--system": system,
            "--describe": describe,
            "--replace": replace,
        }
        if named := [option for option, value in given.items() if value]:
            verb = "says" if len(named) == 1 else "say"
            raise UsageError(f"{' and '.join(named)} {verb} how to submit a run; say where to with --submit DIR.")
        return None
    if submitter is None:
        raise UsageError("--submit needs --submitter NAME, whose submission it is.")
    own_words = None if describe is None else read_own_words(describe)
    return Submitting(submit, Entry(submitter, availability, system, own_words), replace)


def submission_line(written: Written) -> str:
    """What was written, for people."""
    what = f"{written.files} files" + (", unchanged" if written.unchanged else "")
    return f"submission: {written.base / written.names.results} and {written.base / written.names.code} ({what})"


def submission_json(written: Written) -> dict[str, Any]:
    """The same for programs."""
    names = written.names
    return {
        "root": str(written.root),
        "results": f"{names.base}/{names.results}",
        "code": f"{names.base}/{names.code}",
        "description": f"{names.base}/{names.description}",
        "files": written.files,
        "unchanged": written.unchanged,
    }
