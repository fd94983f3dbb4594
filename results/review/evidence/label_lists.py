# SPDX-License-Identifier: Apache-2.0
"""Label lists that answers are checked with, out of the reviewer's own data folder, never out of the submission.

A list that the submission spells out counts as well: where file names carry the label (keywords) or results.json names
the class, the digest of the official list proves the entries.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from mlperf_tiny.errors import DataError, WrongRequest
from mlperf_tiny.file_tree import data_files, refuse_placeholder, text_of
from mlperf_tiny.models.data.formats.labels import Listed, official_list, parse_labels
from mlperf_tiny.results.mlperf.benchmarks import Benchmark
from mlperf_tiny.results.mlperf.json_text import parse_json
from mlperf_tiny.results.review.evidence.runner_log import LoggedInference
from mlperf_tiny.results.review.evidence.wakewords import WordWindow

MAX_LIST_BYTES = 4 << 20
LONG_WAVE_S = 1200.0

_KEYWORD_FILE = re.compile(r"tst_\d{6}_[A-Za-z]+_(\d{1,2})\.bin")


@dataclass(frozen=True)
class LabelList:
    """A label list."""

    listed: tuple[Listed, ...]
    """Its rows."""
    official: bool
    """Whether the benchmark publishes it."""
    title: str
    """What a report calls it."""


class LabelLists:
    """The lists below a data folder (None: there is none), read when first asked for."""

    def __init__(self, folder: Path | None) -> None:
        self._folder = folder
        self._cache: dict[str, list[LabelList]] = {}

    def official(self, benchmark: Benchmark) -> tuple[LabelList, ...]:
        """Return the official lists of a benchmark that were found."""
        return tuple(found for found in self._lists(benchmark) if found.official)

    def match(self, benchmark: Benchmark, answered: tuple[LoggedInference, ...]) -> LabelList | None:
        """Return the list that names most of the answered files; None when no list names one of them.

        Args:
            benchmark: The benchmark.
            answered: The accuracy run.
        """
        names = {run.file for run in answered}
        candidates = list(self._lists(benchmark))
        proved = _proved(benchmark, answered)
        if proved:
            candidates.append(proved)

        def score(found: LabelList) -> tuple[int, bool, int]:
            return sum(row.file in names for row in found.listed), found.official, -len(found.listed)

        best = max(candidates, key=score, default=None)
        return best if best is not None and score(best)[0] else None

    def wake_words(self) -> tuple[WordWindow, ...] | None:
        """Return start and end of the words in the 20-minute wave, seconds; None when the folder lacks them."""
        if self._folder is None:
            return None
        for path in sorted((self._folder / "sww01").glob("[!.]*.json")):
            if path.stat().st_size > MAX_LIST_BYTES:
                continue
            content = path.read_bytes()
            refuse_placeholder(content, str(path))
            waves = parse_json(content, str(path))
            for wave in waves if isinstance(waves, list) else ():
                if isinstance(wave, dict) and wave.get("length_sec") == LONG_WAVE_S:
                    return _windows(wave, str(path))
        return None

    def _lists(self, benchmark: Benchmark) -> list[LabelList]:
        if benchmark.data_id not in self._cache:
            self._cache[benchmark.data_id] = self._read(benchmark) if self._folder and benchmark.task else []
        return self._cache[benchmark.data_id]

    def _read(self, benchmark: Benchmark) -> list[LabelList]:
        assert self._folder is not None and benchmark.task is not None
        name = benchmark.data_id
        texts: dict[str, str] = {}
        for folder in (self._folder / "labels" / name, self._folder / name, self._folder / "datasets" / name):
            for path in sorted(folder.glob("[!.]*.csv")):
                if path.stat().st_size <= MAX_LIST_BYTES:
                    content = path.read_bytes()
                    refuse_placeholder(content, str(path))
                    texts[str(path)] = text_of(content, "replace")
        archive = self._folder / f"{name}.zip"
        if not texts and archive.is_file():
            texts |= _archived(archive)
        lists = []
        for where, text in texts.items():
            try:
                listed = parse_labels(text, benchmark.task, where)
            except DataError:
                continue  # a data folder also holds lists of other things
            known = official_list(name, listed)
            title = known.title if known else f"a list that is not official, {Path(where).name}"
            lists.append(LabelList(listed, known is not None, title))
        return lists


def _windows(wave: dict[str, Any], where: str) -> tuple[WordWindow, ...]:
    try:
        return tuple((float(start), float(end)) for start, end in wave["detection_windows"])
    except (KeyError, TypeError, ValueError) as error:
        raise WrongRequest(
            f"{where} gives no usable detection_windows of the wave of {LONG_WAVE_S:g} s ({error!r}). Take it as "
            "published."
        ) from error


def _archived(archive: Path) -> dict[str, str]:
    try:
        return {
            file.where: text_of(file.read(), "replace")
            for name, file in data_files(archive, {".csv"}).items()
            if name.endswith("y_labels.csv") and file.size_bytes <= MAX_LIST_BYTES
        }
    except WrongRequest:  # a pointer or a page in its place
        raise
    except DataError:
        return {}


def _proved(benchmark: Benchmark, answered: tuple[LoggedInference, ...]) -> LabelList | None:
    """The official list, when the run itself spells it out in order."""
    rows: dict[str, int] = {}
    for run in answered:
        label = run.claimed_class
        if label is None and (match := _KEYWORD_FILE.fullmatch(run.file)):
            label = int(match[1])
        if label is None:
            return None
        rows.setdefault(run.file, label)
    listed = tuple(Listed(file, label) for file, label in rows.items())
    known = official_list(benchmark.data_id, listed)
    return LabelList(listed, True, f"{known.title} (by its digest)") if known else None
