# SPDX-License-Identifier: Apache-2.0
"""A tree in, and for each result of this program in it whether it comes out the same once more.

Nothing of a submission is executed. Names, numbers and the .tflite are taken from it; the image is built from this
program's own sources.
"""

from __future__ import annotations

import tempfile
from collections.abc import Callable
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from mlperf_tiny.errors import DataError
from mlperf_tiny.file_tree import open_file_tree
from mlperf_tiny.harness.run.run import OpenDevice
from mlperf_tiny.progress import Progress
from mlperf_tiny.results.reproduce.result import Outcome, Reproduced, Wish, Work
from mlperf_tiny.results.review.review import review_tree
from mlperf_tiny.terminal import sanitize_for_terminal

FORMAT = 1


@dataclass(frozen=True)
class Reproduction:
    """All results of this program in a tree, in order; ``others`` are those that are not of this program."""

    path: str
    results: tuple[Reproduced, ...]
    others: tuple[str, ...]

    @property
    def exit_code(self) -> int:
        """That of the worst outcome; a result that is not this program's cannot be reproduced here."""
        codes = [result.outcome.exit_code for result in self.results]
        return max([*codes, *(Outcome.NOT_HERE.exit_code for _ in self.others)])

    def to_json(self) -> dict[str, Any]:
        """Plain values; the format is described in docs/formats.md."""
        return {
            "format": FORMAT,
            "path": self.path,
            "outcomes": {one.text: sum(result.outcome is one for result in self.results) for one in Outcome},
            "results": [result.to_json() for result in self.results],
            "others": list(self.others),
        }


def reproduce_path(
    path: Path,
    wish: Wish,
    say: Callable[[str], None] = lambda text: None,
    progress: Callable[[Progress], None] = lambda progress: None,
    open_device: OpenDevice | None = None,
) -> Reproduction:
    """Reproduce every run of this program below ``path``, a run folder, a folder of them, a submission or its zip.

    Raises DataError when there is no result at all; what stands in the way of one result is said in its notes.
    """
    tree = open_file_tree(path)
    review = review_tree(tree, str(path), wish.data, progress)
    own = [result for result in review.results if result.place is not None]
    done = []
    with _work_folder(wish.work) as work:
        for number, result in enumerate(own, start=1):
            title = result.title or result.folder
            say(f"reproducing {sanitize_for_terminal(title)} ({number} of {len(own)})")
            one = Work(tree, result, title, wish, work, say, _numbered(progress, number, len(own)), open_device)
            done.append(one.reproduced())
    others = tuple(result.title or result.folder for result in review.results if result.place is None)
    return Reproduction(str(path), tuple(done), others)


def _work_folder(work: Path | None) -> AbstractContextManager[Any]:
    if work is None:
        return tempfile.TemporaryDirectory(prefix="mlperf-tiny-")
    try:
        work.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise DataError(f"{work} cannot be made: {error.strerror}. Name another folder with --work.") from error
    return nullcontext(str(work))


def _numbered(progress: Callable[[Progress], None], number: int, count: int) -> Callable[[Progress], None]:
    def step(one: Progress) -> None:
        progress(Progress(f"{number}/{count} {one.stage}", one.done, one.total, one.text))

    return step
