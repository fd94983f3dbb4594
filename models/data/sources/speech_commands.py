# SPDX-License-Identifier: Apache-2.0
"""Google Speech Commands v0.02 in the layouts it is published in, as 12 classes in the order of the benchmark.

======================================== ==================================================================
``speech_commands_v0.02/``               the corpus: a folder for each of 35 words, ``_background_noise_/``,
                                         ``validation_list.txt`` and ``testing_list.txt``
``speech_commands_test_set_v0.02/``      the canonical test set: a folder for each class, ``_silence_``,
                                         ``_unknown_``
``speech_commands.zip``                  a selection with its own ``splits.csv``: ``clips/<class>/``,
                                         ``background_noise/``, ``extra_unknown/<word>/``
======================================== ==================================================================

Each may be a folder or a .zip; the first two are published as .tar.gz (``mlperf_tiny.models.data.download.archives``
unpacks them). The corpus has no silence and three quarters of it are unknown words, so silence is cut from its noises
and unknown words are sampled by the rule of TensorFlow's speech example: of each a tenth as many as keyword clips.
"""

from __future__ import annotations

import csv
import io
import random
from collections.abc import Callable, Iterable, Sequence
from dataclasses import replace
from functools import partial
from pathlib import Path, PurePosixPath

import numpy as np
from numpy.typing import NDArray

from mlperf_tiny.errors import DataError
from mlperf_tiny.file_tree import DataFiles, StoredFile, data_files, refuse_placeholders, text_of
from mlperf_tiny.models.data.formats.examples import Example, ExampleSet
from mlperf_tiny.models.data.formats.sound_file import SOUND_SUFFIXES, read_sound
from mlperf_tiny.models.features.clip import KEYWORD_SAMPLES, keyword_clip
from mlperf_tiny.models.tasks import BY_NAME

LABELS = BY_NAME["kws"].labels
SILENCE, UNKNOWN = LABELS.index("silence"), LABELS.index("unknown")
TEST_SET_CLIPS = 4_890
OTHER_CLASS_SHARE = 0.1  # clips of silence, and of unknown words, per keyword clip
DRAW_SEED = 59_185

CORPUS_NAMES = ("speech_commands_v0.02", "speech_commands")
TEST_SET_NAMES = ("speech_commands_test_set_v0.02",)
SELECTION_NAMES = ("speech_commands",)

_SUFFIXES = SOUND_SUFFIXES | {".csv", ".txt"}


def find_speech_commands(folder: Path) -> ExampleSet | None:
    """Return Speech Commands from a data folder, None where it is not there; raises DataError for a broken one.

    The canonical test set, where it is there, replaces the test split.
    """
    found = _first(folder, SELECTION_NAMES, "splits.csv", selection)
    found = found or _first(folder, CORPUS_NAMES, "testing_list.txt", corpus)
    tests = _first(folder, TEST_SET_NAMES, "", canonical_test_set)
    if found and tests:
        return replace(
            found,
            origin=f"{found.origin}; tests from {tests.origin}",
            test=tests.test,
            published_test=tests.published_test,
            published_count=tests.published_count,
        )
    return found or tests


def selection(files: DataFiles, where: str) -> ExampleSet:
    """Read the layout with ``splits.csv``, whose columns are clip, label, speaker and split.

    Args:
        files: Path -> file.
        where: The folder or archive, for errors.

    Returns:
        The set; ``published_test`` are all its clips.

    Raises:
        DataError: A line of ``splits.csv`` is wrong.
    """
    table = csv.DictReader(io.StringIO(_text(files["splits.csv"])))
    everything: list[Example] = []
    splits: dict[str, list[Example]] = {"train": [], "validation": [], "test": []}
    for number, row in enumerate(table, start=2):
        try:
            file, label, split = files[row["clip"]], LABELS.index(row["label"]), splits[row["split"]]
        except (KeyError, ValueError) as error:
            raise DataError(
                f"{where} splits.csv line {number}: {error} is missing or unknown; wanted clip, label, speaker and "
                "split of a clip in the set. Take the set as published."
            ) from error
        everything.append(_example(file, _short_name(row["clip"]), label, row["speaker"] or ""))
        split.append(everything[-1])
    more = [
        _example(file, _short_name(path), UNKNOWN, _speaker(path))
        for path, file in files.items()
        if path.startswith("extra_unknown/") and _is_sound(path)
    ]
    found = _set(
        f"Speech Commands v0.02, a selection of its test clips by speaker, from {where}",
        splits["train"] + more,
        splits["validation"],
        splits["test"],
        _noises(files, "background_noise"),
    )
    return replace(found, published_test=tuple(everything), published_count=TEST_SET_CLIPS)


def corpus(files: DataFiles, where: str) -> ExampleSet:
    """Read the whole corpus by its official lists; clips in neither list are for training.

    Args:
        files: Path -> file.
        where: The folder or archive, for errors.

    Returns:
        The set.

    Raises:
        DataError: A list is missing, or there are no clips.
    """
    lists = {name: _listed(files, f"{name}_list.txt", where) for name in ("validation", "testing")}
    noises = _noises(files, "_background_noise_")
    clips = [path for path in files if _is_sound(path) and not path.startswith("_")]
    split_of = {path: name for name, paths in lists.items() for path in paths}
    train, validation, test = (
        _twelve(files, [path for path in clips if split_of.get(path, "training") == name], noises, name)
        for name in ("training", "validation", "testing")
    )
    return _set(f"Speech Commands v0.02 by its official lists, from {where}", train, validation, test, noises)


def canonical_test_set(files: DataFiles, where: str) -> ExampleSet:
    """Read the published test set: 4,890 clips in twelve folders.

    Args:
        files: Path -> file.
        where: The folder or archive, for errors.

    Returns:
        The set, which has only a test split.

    Raises:
        DataError: There are no clips.
    """
    tests = [
        _example(file, _short_name(path), _class_of(PurePosixPath(path).parts[-2]), _speaker(path))
        for path, file in files.items()
        if _is_sound(path) and len(PurePosixPath(path).parts) > 1
    ]
    found = _set(f"the test set of Speech Commands v0.02, from {where}", [], [], tests, ())
    return replace(found, published_test=found.test, published_count=TEST_SET_CLIPS)


def _twelve(files: DataFiles, paths: Sequence[str], noises: Sequence[Example], split: str) -> list[Example]:
    """The keyword clips, and a tenth as many unknown words and silences, sampled with the split's own seed."""
    known = [path for path in paths if _class_of(path.split("/")[0]) != UNKNOWN]
    others = [path for path in paths if _class_of(path.split("/")[0]) == UNKNOWN]
    each = -(-len(known) // round(1 / OTHER_CLASS_SHARE))
    sampled = random.Random(f"{DRAW_SEED} {split}").sample(others, min(each, len(others)))
    words = [
        _example(files[path], path, _class_of(path.split("/")[0]), _speaker(path)) for path in known + sorted(sampled)
    ]
    return words + silences(noises, each, split)


def silences(noises: Sequence[Example], count: int, split: str) -> list[Example]:
    """Return seconds of background noise as the class silence, the same ones each time.

    Args:
        noises: The recordings.
        count: How many seconds.
        split: Selects the seed.

    Returns:
        Clips at volumes from 0 to 1; empty where there are no recordings.
    """
    if not noises:
        return []
    draw = random.Random(f"{DRAW_SEED} silence {split}")
    return [
        Example(
            f"silence/{split}_{number}", SILENCE, "", partial(_cut, draw.choice(noises), draw.random(), draw.random())
        )
        for number in range(count)
    ]


def _cut(noise: Example, position: float, volume: float) -> NDArray[np.int16]:
    samples = noise.load()
    start = int(position * max(0, len(samples) - KEYWORD_SAMPLES))
    return keyword_clip(np.rint(samples[start : start + KEYWORD_SAMPLES] * volume).astype(np.int16))


def _set(
    origin: str,
    train: Iterable[Example],
    validation: Iterable[Example],
    test: Iterable[Example],
    noises: Iterable[Example],
) -> ExampleSet:
    found = ExampleSet(
        task="kws",
        source="real",
        origin=origin,
        labels=LABELS,
        train=tuple(train),
        validation=tuple(validation),
        test=tuple(test),
        noises=tuple(noises),
    )
    if not (found.train or found.test):
        raise DataError(f"{origin.split(', from ')[-1]} holds no keyword clips. Take the set as published.")
    return found


def _first(
    folder: Path, names: Sequence[str], mark: str, read: Callable[[DataFiles, str], ExampleSet]
) -> ExampleSet | None:
    """The first of ``names`` in ``folder``, as a folder or a .zip, that holds the file ``mark``."""
    places = [folder / f"{name}{suffix}" for name in names for suffix in ("", ".zip")]
    if folder.name in names:
        places.insert(0, folder)
    for place in places:
        if not place.exists() or (mark and place.is_dir() and not (place / mark).is_file()):
            continue
        files = data_files(place, _SUFFIXES)
        if not mark or mark in files:
            return read(files, str(place))
    return None


def _example(file: StoredFile, name: str, label: int, speaker: str) -> Example:
    refuse_placeholders((file,))
    return Example(name, label, speaker, partial(_load, file))


def _load(file: StoredFile) -> NDArray[np.int16]:
    return keyword_clip(read_sound(file.read(), file.where))


def _noises(files: DataFiles, folder: str) -> tuple[Example, ...]:
    return tuple(
        Example(PurePosixPath(path).name, SILENCE, "", partial(_load_whole, file))
        for path, file in files.items()
        if path.startswith(folder + "/") and _is_sound(path)
    )


def _load_whole(file: StoredFile) -> NDArray[np.int16]:
    return read_sound(file.read(), file.where)


def _listed(files: DataFiles, name: str, where: str) -> frozenset[str]:
    if name not in files:
        raise DataError(f"{where} lacks {name}, the list of clips of a split. Take the set as published.")
    return frozenset(line.strip() for line in _text(files[name]).splitlines() if line.strip())


def _text(file: StoredFile) -> str:
    try:
        return text_of(file.read())
    except UnicodeDecodeError as error:
        raise DataError(f"{file.where} is not a text file: {error}. Take it as published.") from error


def _class_of(word: str) -> int:
    word = word.strip("_")
    return LABELS.index(word) if word in LABELS else UNKNOWN


def _speaker(path: str) -> str:
    """The part of a clip's name before ``_nohash_``; unknown words of the test set carry their word before it."""
    name = PurePosixPath(path).stem.split("_nohash_")
    return name[0].split("_")[-1] if len(name) > 1 else ""


def _short_name(path: str) -> str:
    return "/".join(PurePosixPath(path).parts[-2:])


def _is_sound(path: str) -> bool:
    return PurePosixPath(path).suffix.lower() in SOUND_SUFFIXES
