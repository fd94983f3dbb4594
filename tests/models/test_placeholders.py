# SPDX-License-Identifier: Apache-2.0
"""A Git LFS pointer or a web page in the place of a sample, a list or an array is named and never measured."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from mlperf_tiny.errors import DataError, WrongRequest
from mlperf_tiny.harness.wire.transcript import read_transcript
from mlperf_tiny.models.data.formats.array_file import stored_arrays
from mlperf_tiny.models.data.load import load_dataset
from mlperf_tiny.models.data.sources.ad01 import clip_sounds
from mlperf_tiny.models.data.sources.coco import find_coco, read_annotations
from mlperf_tiny.models.data.sources.dcase import find_dcase
from mlperf_tiny.models.data.sources.speech_commands import find_speech_commands
from mlperf_tiny.models.tasks import find_task
from mlperf_tiny.models.training.checkpoint import restore_checkpoint
from mlperf_tiny.models.training.datasets.augmentation_cache import AugmentationCache
from mlperf_tiny.models.training.datasets.training_set import DataFolders
from mlperf_tiny.results.leaderboard.file import read_leaderboard
from mlperf_tiny.results.mlperf.benchmarks import benchmark_of
from mlperf_tiny.results.mlperf.json_text import parse_json
from mlperf_tiny.results.review.evidence.label_lists import LabelLists
from tests.fakes.data_sets import kws_folder, speech_corpus, speech_selection, write_tree
from tests.fakes.training_datasets import coco_files, dcase_files

POINTER = f"version https://git-lfs.github.com/spec/v1\noid sha256:{0:064}\nsize 9999\n".encode()
PAGE = b"<!DOCTYPE html><html><head><title>404</title></head></html>"


def load(task: str, list_line: str, file: str, form: str = "folder") -> Callable[[Path, bytes], object]:
    """A data set of one listed sample that is another file."""

    def call(folder: Path, content: bytes) -> object:
        data_id = find_task(task).data_id
        files = {"y_labels.csv": f"{list_line}\n", file: content}
        write_tree(folder / data_id, files, form)
        return load_dataset(find_task(task), folder, environ={}).samples[0].load()

    return call


def of_tree(
    name: str, files: dict[str, bytes | str], victim: str, read: Callable[[Path], object], form: str = "folder"
) -> Callable[[Path, bytes], object]:
    """A published layout of which one file is another."""

    def call(folder: Path, content: bytes) -> object:
        write_tree(
            folder / name, {path: content if path.endswith(victim) else was for path, was in files.items()}, form
        )
        return read(folder)

    return call


def of_file(name: str, read: Callable[[Path], object]) -> Callable[[Path, bytes], object]:
    """A single file."""

    def call(folder: Path, content: bytes) -> object:
        (folder / name).write_bytes(content)
        return read(folder / name)

    return call


def enter(file: Path) -> object:
    with stored_arrays(file, "Delete it.") as stored:
        return stored


def epoch(file: Path) -> object:
    cache = AugmentationCache(folder=file.parent, settings={}, make=lambda number: pytest.fail("made"))
    file.rename(file.parent / f"{cache.key}-000.npz")
    return cache.load(0)


def lists(folder: Path) -> object:
    benchmark = benchmark_of("kws")
    assert benchmark is not None
    return LabelLists(folder).official(benchmark)


PLACES: dict[str, Callable[[Path, bytes], object]] = {
    "keyword .bin": load("kws", "tst_000000.bin,12,0", "tst_000000.bin"),
    "keyword .bin in a zip": load("kws", "tst_000000.bin,12,0", "tst_000000.bin", "zip"),
    "image .bin": load("vww", "000000000001.bin,2,1", "000000000001.bin"),
    "image .jpg": load("vww", "000000000001.bin,2,1", "000000000001.jpg"),
    "image .png": load("ic", "a.bin,10,1", "a.png"),
    "machine .bin": load("ad", "normal_id_01_00000000_hist_librosa.bin,2,0,2560,512", "normal_id_01_00000000.bin"),
    "machine .wav": load("ad", "normal_id_01_00000000_hist_librosa.bin,2,0,2560,512", "normal_id_01_00000000.wav"),
    "label list": of_tree("kws01", {"y_labels.csv": "", "a.bin": bytes(490)}, ".csv",
                          lambda folder: load_dataset(find_task("kws"), folder, environ={})),
    "machine .wav as raw clip": of_tree("ad01", {"normal_id_01_00000000.wav": ""}, ".wav",
                                        lambda folder: clip_sounds(find_task("ad"), folder)),
    "splits.csv": of_tree("speech_commands", speech_selection(), "splits.csv", find_speech_commands),
    "keyword .flac of a selection": of_tree("speech_commands", speech_selection(), ".flac", find_speech_commands),
    "keyword .flac in a zip": of_tree("speech_commands", speech_selection(), ".flac", find_speech_commands, "zip"),
    "keyword .wav of the corpus": of_tree("speech_commands_v0.02", speech_corpus(), ".wav", find_speech_commands),
    "list of the corpus": of_tree("speech_commands_v0.02", speech_corpus(), "testing_list.txt", find_speech_commands),
    "slide rail .wav": of_tree("slider", dict(dcase_files()), ".wav", lambda folder: find_dcase(folder, "slider")),
    "photograph": of_tree("coco", dict(coco_files("train2014", 12)), ".jpg",
                          lambda folder: [e.load() for e in find_coco(folder).train]),
    "annotations": of_file("instances.json", read_annotations),
    "checkpoint .npz": of_file("float.npz", lambda file: restore_checkpoint(
        file, phase="float", settings={}, variables={})),
    "augmented epoch .npz": of_file("x.npz", epoch),
    "array .npy": of_file("x.npy", enter),
    "transcript": of_file("transcript.jsonl", read_transcript),
    "leaderboard": of_file("leaderboard.csv", read_leaderboard),
    "description": of_file("x.json", lambda file: parse_json(file.read_bytes(), str(file))),
    "list of a reviewer": of_tree("labels/kws01", {"y_labels.csv": ""}, ".csv", lists),
}  # fmt: skip


@pytest.mark.parametrize("content", [POINTER, PAGE], ids=["pointer", "page"])
@pytest.mark.parametrize("place", PLACES)
def test_what_lies_in_the_place_of_a_file_is_named(place: str, content: bytes, tmp_path: Path) -> None:
    with pytest.raises(WrongRequest, match=r"is a (Git LFS pointer|web page), not the file itself") as refused:
        PLACES[place](tmp_path, content)
    assert str(tmp_path) in str(refused.value) and "BytesIO" not in str(refused.value)


def test_a_pointer_that_the_list_does_not_name_disturbs_nothing(tmp_path: Path) -> None:
    kws_folder(tmp_path, samples=2)
    (tmp_path / "kws01" / "other.bin").write_bytes(POINTER)
    assert len(load_dataset(find_task("kws"), tmp_path, environ={}).samples) == 2


@pytest.mark.parametrize("cut", [10, 300, -30])
def test_a_damaged_file_of_arrays_is_named(cut: int, tmp_path: Path) -> None:
    file = tmp_path / "float.npz"
    np.savez(file, head=np.array("{}"), values=np.arange(300))
    file.write_bytes(file.read_bytes()[:cut])
    with (
        pytest.raises(DataError, match=r"float\.npz is damaged: .*Delete it") as refused,
        stored_arrays(file, "Delete it.") as stored,
    ):
        stored["values"]
    assert refused.value.exit_code == 1


def test_a_folder_that_is_not_used_for_training_says_why(tmp_path: Path) -> None:
    (tmp_path / "cache").mkdir()
    named, cached = tmp_path / "named", tmp_path / "cache"
    named.mkdir()
    folders = DataFolders(named=named, cached=cached)
    assert folders.first(lambda folder: None, "clips") == (None, f"{named} is not used: it holds no clips")
    assert folders.first(lambda folder: 1 if folder == cached else None, "clips") == (
        1, f"{named} is not used: it holds no clips",
    )  # fmt: skip
    assert folders.first(lambda folder: 2, "clips") == (2, "")
    assert DataFolders(named=None, cached=cached).first(lambda folder: None, "clips") == (None, "")
