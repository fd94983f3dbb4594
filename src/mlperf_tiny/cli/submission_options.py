# SPDX-License-Identifier: Apache-2.0
"""The options that write a run into a submission tree, and what they do."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from mlperf_tiny.cli.command import OneOf
from mlperf_tiny.cli.options import DIR, FILE, help_text, option_group
from mlperf_tiny.errors import UsageError
from mlperf_tiny.results.mlperf.system import STATUSES

if TYPE_CHECKING:
    from mlperf_tiny.harness.run.request import Request
    from mlperf_tiny.results.mlperf.names import Entry
    from mlperf_tiny.results.submission.write import Written


@dataclass(frozen=True)
class RunSubmitter:
    """Writes the result of a run into a submission tree."""

    root: Path
    """Root of the tree."""
    entry: Entry
    """Submitter, system and its description."""
    replace: bool
    """Replace another result that is at the same place."""

    def check(self, request: Request, resume: Path | None, log: Callable[[str], None]) -> None:
        """Raise before the run what would otherwise be raised after it.

        Args:
            request: What will be run.
            resume: The run folder to be continued, if any; then it is checked instead of the request.
            log: Takes a line for each image that is built for the check.

        Raises:
            UsageError: The run would not be a valid result, or its place is taken.
        """
        from mlperf_tiny.harness.run.request import MODES
        from mlperf_tiny.results.submission.submit import check_folder, check_request

        if resume is not None:
            check_folder(resume, self.entry, self.root, self.replace)
            return
        part = {
            "--limit": request.limit is not None,
            "--synthetic": request.synthetic,
            "--mode": request.modes not in (None, MODES),
        }
        if named := [option for option, given in part.items() if given]:
            raise UsageError(
                f"only complete runs on the benchmark's own data are submitted; remove {' and '.join(named)}."
            )
        check_request(request, self.entry, self.root, self.replace, log)

    def submit(self, folder: Path, request: Request) -> Written:
        """Write the result of the run in ``folder``.

        Args:
            folder: A run folder with its record.
            request: What was run.

        Returns:
            The folders that were written.
        """
        from mlperf_tiny.results.submission.submit import submit

        return submit(folder, self.entry, self.root, self.replace, request)


@dataclass(frozen=True, kw_only=True)
class SubmissionOptions:
    """Where and under which names a run is submitted."""

    submit: Path | None
    """Root of the submission tree; None: the run is not submitted."""
    submitter: str | None
    """Name of the organisation: the folder below the division."""
    availability: str | None
    """``available``, ``preview`` or ``rdi``; None: rdi."""
    system: str | None
    """Name of the system; None: made from device and engine."""
    describe: Path | None
    """JSON file with values of the system description."""
    replace: bool
    """Replace another result that is at the same place."""

    def submitter_of_run(self) -> RunSubmitter | None:
        """Return what submits the run, None where nothing was asked for.

        Raises:
            UsageError: Options of a submission without ``--submit``, or ``--submit`` without ``--submitter``.
        """
        if self.submit is None:
            names = ("submitter", "availability", "system", "describe", "replace")
            if given := [f"--{name}" for name in names if getattr(self, name)]:
                raise UsageError(f"{' and '.join(given)} without --submit: add --submit DIR, the submission tree.")
            return None
        if self.submitter is None:
            raise UsageError("missing option --submitter NAME: the organisation that submits.")
        from mlperf_tiny.results.mlperf.names import Entry
        from mlperf_tiny.results.submission.description import read_overrides

        described = None if self.describe is None else read_overrides(self.describe)
        return RunSubmitter(self.submit, Entry(self.submitter, self.availability, self.system, described), self.replace)


submission_options = option_group(
    "submission",
    SubmissionOptions,
    click.option(
        "--submit",
        type=DIR,
        metavar="DIR",
        help="Also write the result into this submission tree; with --resume the run in that folder.",
    ),
    click.option("--submitter", metavar="NAME", help="Organisation that submits: the folder below the division."),
    click.option(
        "--availability",
        type=OneOf(STATUSES),
        help=help_text("Availability of the submitted system; always rdi for a run without a board.", "rdi"),
    ),
    click.option(
        "--system", metavar="NAME", help=help_text("Name of the submitted system.", "made from device and engine")
    ),
    click.option(
        "--describe",
        type=FILE,
        metavar="FILE",
        help="JSON object with values of the system description that cannot be found out by the program.",
    ),
    click.option("--replace", is_flag=True, help="Replace another result that is at the same place in the tree."),
)


def submission_line(written: Written) -> str:
    """Return what was written as one line of text."""
    what = f"{written.files} files" + (", unchanged" if written.unchanged else "")
    return f"submission: {written.base / written.names.results} and {written.base / written.names.code} ({what})"


def submission_json(written: Written) -> dict[str, Any]:
    """Return what was written as values for ``--json``."""
    names = written.names
    return {
        "root": str(written.root),
        "results": f"{names.base}/{names.results}",
        "code": f"{names.base}/{names.code}",
        "description": f"{names.base}/{names.description}",
        "files": written.files,
        "unchanged": written.unchanged,
    }
