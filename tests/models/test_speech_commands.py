# SPDX-License-Identifier: Apache-2.0
"""Speech Commands in its published layouts, small."""

from __future__ import annotations

from collections import Counter
from pathlib import Path

import numpy as np
import pytest

from mlperf_tiny.errors import DataError
from mlperf_tiny.models.data.formats.examples import ExampleSet, labels_of
from mlperf_tiny.models.data.formats.sound_file import read_sound
from mlperf_tiny.models.data.sources.speech_commands import LABELS, SILENCE, UNKNOWN, find_speech_commands
from mlperf_tiny.models.features.keyword import official_keyword_files
from tests.fakes.data_sets import sound, speech_corpus, speech_selection, write_tree


def found(folder: Path) -> ExampleSet:
    got = find_speech_commands(folder)
    assert got is not None
    return got


@pytest.mark.parametrize("form", ["folder", "zip"])
def test_selection_follows_its_table(tmp_path: Path, form: str) -> None:
    write_tree(tmp_path / "speech_commands", speech_selection(), form)
    got = found(tmp_path)
    assert [(e.name, e.label, e.group) for e in got.train] == [
        ("yes/aa_nohash_0.flac", LABELS.index("yes"), "aa"),
        ("bed/dd_nohash_0.flac", UNKNOWN, "dd"),
    ]
    assert labels_of(got.test).tolist() == [SILENCE, UNKNOWN] and len(got.validation) == 1
    assert [e.load()[0] for e in got.published_test] == [1, 2, 3, 4] and got.published_count == 4_890
    assert got.noises[0].load().shape == (40_000,)
    assert "2 to train, 1 to validate, 2 to test" in got.summary


@pytest.mark.parametrize("form", ["folder", "zip"])
def test_corpus_follows_its_lists(tmp_path: Path, form: str) -> None:
    write_tree(tmp_path / "speech_commands_v0.02", speech_corpus(), form)
    got = found(tmp_path)
    counts = [Counter(LABELS[e.label] for e in split) for split in (got.train, got.validation, got.test)]
    assert counts[0] == {"yes": 4, "no": 4, "silence": 1, "unknown": 1}  # a tenth of 8, rounded up
    assert counts[1] == counts[2] == {"yes": 1, "no": 1, "silence": 1, "unknown": 1}
    speakers = [{e.group for e in split if e.group} for split in (got.train, got.validation, got.test)]
    assert speakers[1:] == [{"s4"}, {"s5"}] and not speakers[0] & {"s4", "s5"}
    clips = [e.load() for e in (*got.train, *got.test)]
    assert {clip.shape for clip in clips} == {(16_000,)}
    assert not clips[0][15_000:].any() and clips[0][:15_000].any()
    again = found(tmp_path)
    assert [e.name for e in got.train] == [e.name for e in again.train]
    assert (got.train[-1].load() == again.train[-1].load()).all() and got.train[-1].label == SILENCE
    assert got.published_test == ()


def test_canonical_test_set_replaces_the_test_split(tmp_path: Path) -> None:
    write_tree(tmp_path / "speech_commands_v0.02", speech_corpus())
    files = {"_silence_/1.wav": sound(1), "_unknown_/bed_x1_nohash_0.wav": sound(2), "go/x2_nohash_0.wav": sound(3)}
    write_tree(tmp_path / "speech_commands_test_set_v0.02", {**files, "LICENSE": "text"})
    got = found(tmp_path)
    assert [(LABELS[e.label], e.group) for e in got.test] == [("silence", ""), ("unknown", "x1"), ("go", "x2")]
    assert got.published_test == got.test and len(got.train) == 10 and "; tests from" in got.origin
    alone = found(tmp_path / "speech_commands_test_set_v0.02")
    assert len(alone.test) == 3 and alone.train == ()


def test_empty_folder_gives_none(tmp_path: Path) -> None:
    (tmp_path / "speech_commands").mkdir()
    assert find_speech_commands(tmp_path) is None


def test_errors_name_the_broken_set(tmp_path: Path) -> None:
    selection = speech_selection()
    for number, (change, wanted) in enumerate(
        [
            ({"splits.csv": selection["splits.csv"].replace("yes,", "ja,")}, "splits.csv line 2"),  # type: ignore
            ({"splits.csv": "clip,label\nclips/yes/x.flac,yes\n"}, "splits.csv line 2"),
            ({"splits.csv": "clip,label,speaker,kws01_files,split\n"}, None),
            ({"splits.csv": b"\xff\xfe\x00"}, "not a text file"),
        ]
    ):
        folder = tmp_path / str(number)
        write_tree(folder / "speech_commands", {**selection, **change})
        if wanted:
            with pytest.raises(DataError, match=wanted):
                find_speech_commands(folder)
        else:
            assert len(found(folder).train) == 1
    corpus = {name: content for name, content in speech_corpus().items() if name != "validation_list.txt"}
    write_tree(tmp_path / "c" / "speech_commands_v0.02", corpus)
    with pytest.raises(DataError, match=r"lacks validation_list\.txt"):
        find_speech_commands(tmp_path / "c")


@pytest.mark.parametrize(
    ("content", "wanted"),
    [
        (b"", "not a readable sound"),
        (sound(1)[:30], "not a readable sound|no samples"),
        (sound(1, rate_hz=8_000), "has 8000 Hz and 1 channels"),
        (sound(1, samples=1)[:44], "no samples|not a readable"),
    ],
    ids=["empty", "cut", "8 kHz", "no samples"],
)
def test_errors_name_the_unreadable_sound(content: bytes, wanted: str) -> None:
    with pytest.raises(DataError, match=wanted) as refused:
        read_sound(content, "set/x.wav")
    assert "set/x.wav" in str(refused.value)


@pytest.mark.parametrize("suffix", [".wav", ".flac"])
def test_sounds_are_read_sample_for_sample(suffix: str) -> None:
    assert (read_sound(sound(7, suffix=suffix), "x") == read_sound(sound(7), "x")).all()


def test_real_clips_give_the_official_files(data_dir: Path) -> None:
    """865 of the 872 official keyword files whose clip is available, bit for bit."""
    import csv
    import io
    import zipfile

    clips = {e.name: e for e in found(data_dir).published_test}
    assert len(clips) == 4_277
    with zipfile.ZipFile(data_dir / "speech_commands.zip") as sounds, zipfile.ZipFile(data_dir / "kws01.zip") as files:
        rows = list(csv.DictReader(io.TextIOWrapper(sounds.open("splits.csv"))))
        pairs = [(row["clip"], name) for row in rows for name in filter(None, row["kws01_files"].split(";"))]
        wanted = [np.frombuffer(files.read(f"kws01/{name}"), np.int8) for _, name in pairs]
    made = official_keyword_files(np.stack([clips[clip.removeprefix("clips/")].load() for clip, _ in pairs]))
    differing = (made != np.stack(wanted)).sum(axis=1)
    assert len(pairs) == 872 and (differing == 0).sum() == 865 and differing.max() <= 2
