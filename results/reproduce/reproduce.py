# SPDX-License-Identifier: Apache-2.0
"""Every result of this program in a tree: whether it can be reproduced.

Nothing of a submission is executed. Names, numbers and the .tflite are taken from it; the image is built from this
program's own sources.
"""

from __future__ import annotations

import tempfile
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from mlperf_tiny.disk import write_error
from mlperf_tiny.errors import DataError
from mlperf_tiny.file_tree import open_file_tree
from mlperf_tiny.harness.run.run import OpenDevice
from mlperf_tiny.progress import Listener, Progress
from mlperf_tiny.results.reproduce.result import Outcome, Reproduced, ReproduceOptions, Reproducer
from mlperf_tiny.results.review.review import review_tree
from mlperf_tiny.terminal import sanitize_for_terminal

FORMAT = 1


@dataclass(frozen=True)
class Reproduction:
    """All results of a tree."""

    path: str
    """The tree, as it was named."""
    results: tuple[Reproduced, ...]
    """Those of this program, in order."""
    others: tuple[str, ...]
    """Titles of those that are not of this program."""

    @property
    def exit_code(self) -> int:
        """That of the worst outcome; a result that is not this program's cannot be reproduced here."""
        codes = [result.outcome.exit_code for result in self.results]
        return max([*codes, *(Outcome.NOT_HERE.exit_code for _ in self.others)])

    def to_json(self) -> dict[str, Any]:
        """Return plain values; docs/formats.md describes the format."""
        return {
            "format": FORMAT,
            "path": self.path,
            "outcomes": {one.text: sum(result.outcome is one for result in self.results) for one in Outcome},
            "results": [result.to_json() for result in self.results],
            "others": list(self.others),
        }


def reproduce_path(
    path: Path,
    options: ReproduceOptions,
    listener: Listener | None = None,
    open_device: OpenDevice | None = None,
) -> Reproduction:
    """Reproduce every run of this program below a path.

    Args:
        path: A run folder, a folder of them, a submission, or its zip.
        options: Data, limit and folder.
        listener: Where it reports to.
        open_device: Opens devices instead of the usual function.

    Returns:
        All results; what prevents the reproduction of one is in its notes.

    Raises:
        DataError: There is no result at all.
    """
    listener = listener or Listener()
    tree = open_file_tree(path)
    review = review_tree(tree, str(path), options.data, listener.progress)
    own = [result for result in review.results if result.files is not None]
    done = []
    with _work_folder(options.work) as work:
        for number, result in enumerate(own, start=1):
            title = result.title or result.folder
            listener.log(f"reproducing {sanitize_for_terminal(title)} ({number} of {len(own)})")
            reproducer = Reproducer(
                tree=tree,
                result=result,
                title=title,
                options=options,
                work=Path(work),
                listener=_numbered(listener, number, len(own)),
                open_device=open_device,
            )
            done.append(reproducer.run())
    others = tuple(result.title or result.folder for result in review.results if result.files is None)
    return Reproduction(str(path), tuple(done), others)


def _work_folder(work: Path | None) -> AbstractContextManager[Any]:
    if work is None:
        return tempfile.TemporaryDirectory(prefix="mlperf-tiny-")
    try:
        work.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise write_error(error, work, "or name another folder with --work", DataError) from error
    return nullcontext(str(work))


def _numbered(listener: Listener, number: int, count: int) -> Listener:
    """A listener whose stages begin with the number of the result."""

    def progress(step: Progress) -> None:
        listener.progress(Progress(f"{number}/{count} {step.stage}", step.done, step.total, step.text))

    return Listener(log=listener.log, progress=progress)
