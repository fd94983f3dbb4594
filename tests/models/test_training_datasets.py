# SPDX-License-Identifier: Apache-2.0
"""CIFAR-10, COCO and DCASE in small folders of their published layouts."""

from __future__ import annotations

import pickle
from collections import Counter
from pathlib import Path

import numpy as np
import pytest

from mlperf_tiny.errors import DataError
from mlperf_tiny.models.data.sources.cifar10 import BATCHES, find_cifar10
from mlperf_tiny.models.data.sources.coco import Annotated, find_coco, shows_person, square
from mlperf_tiny.models.data.sources.dcase import find_dcase
from tests.fakes.data_sets import sound, write_tree
from tests.fakes.training_datasets import coco_files, dcase_files, jpeg

PLANES = np.random.default_rng(1).integers(0, 256, (6, 4, 3, 32, 32)).astype(np.uint8)
CLASSES = np.arange(24).reshape(6, 4) % 10


def cifar_files(form: str) -> dict[str, bytes]:
    files = {}
    for batch, planes, labels in zip(BATCHES, PLANES, CLASSES, strict=True):
        if form == "bin":
            rows = b"".join(bytes([label]) + image.tobytes() for label, image in zip(labels, planes, strict=True))
            files[f"cifar-10-batches-bin/{batch}.bin"] = rows
        else:
            content = {
                b"data": planes.reshape(4, -1),
                b"labels": labels.tolist(),
                b"filenames": [f"{batch}_{number}.png".encode() for number in range(4)],
            }
            files[f"cifar-10-batches-py/{batch}"] = pickle.dumps(content, protocol=2)
    return files


@pytest.mark.parametrize("form", ["py", "bin"])
@pytest.mark.parametrize("above", ["", "cifar10"])
def test_cifar10_in_both_forms(tmp_path: Path, form: str, above: str) -> None:
    write_tree(tmp_path / above, cifar_files(form))
    found = find_cifar10(tmp_path)
    assert found is not None
    assert [len(split) for split in (found.train, found.validation, found.test)] == [16, 4, 4]
    assert [e.label for e in found.train] == CLASSES[:4].ravel().tolist() and found.published_test == found.test
    np.testing.assert_array_equal(found.train[5].load(), PLANES[1, 1].transpose(1, 2, 0))
    np.testing.assert_array_equal(found.test[3].load(), PLANES[5, 3].transpose(1, 2, 0))


@pytest.mark.parametrize(
    ("form", "content", "wanted"),
    [
        ("bin", b"\x01" * 3074, "not a batch of CIFAR-10"),
        ("bin", b"\x0b" * 3073, "labels do not fit"),
        ("bin", b"", "labels do not fit"),
        ("py", b"no pickle", "not a batch of CIFAR-10"),
        ("py", pickle.dumps({b"data": 1}), "not a batch of CIFAR-10"),
        ("py", pickle.dumps(Path("/")), "not allowed in a data set"),
    ],
)
def test_errors_name_the_broken_batch(tmp_path: Path, form: str, content: bytes, wanted: str) -> None:
    name = f"cifar-10-batches-{form}/data_batch_3{'.bin' if form == 'bin' else ''}"
    write_tree(tmp_path, {**cifar_files(form), name: content})
    with pytest.raises(DataError, match=wanted) as refused:
        find_cifar10(tmp_path)
    assert "data_batch_3" in str(refused.value)


# An image of 200 x 100: its centred square is from 50 to 150, 0.5 % of it 50 pixels, of the whole 100.
@pytest.mark.parametrize(
    ("boxes", "in_square", "in_whole"),
    [
        ([], False, False),
        ([(60, 10, 10, 5)], False, False),
        ([(60, 10, 10, 5.1)], True, False),
        ([(60, 10, 10, 10)], True, False),
        ([(60, 10, 10, 10.1)], True, True),
        ([(0, 0, 50, 100)], False, True),
        ([(0, 0, 50.6, 100)], True, True),
        ([(60, 10, 5, 5), (80, 10, 5, 5)], False, False),
    ],
)
def test_rule_of_visual_wake_words(boxes: list, in_square: bool, in_whole: bool) -> None:
    image = Annotated("x.jpg", 200, 100, tuple(boxes))
    assert (shows_person(image), shows_person(image, whole=True)) == (in_square, in_whole)


@pytest.mark.parametrize("year", ["2014", "2017"])
def test_coco(tmp_path: Path, year: str) -> None:
    write_tree(tmp_path / "coco", {**coco_files(f"train{year}", 40), **coco_files(f"val{year}", 8)})
    found = find_coco(tmp_path, side=48)
    assert found is not None and year in found.origin
    assert len(found.train) + len(found.validation) == 40 and 1 <= len(found.validation) <= 10
    assert [e.label for e in found.test] == [1, 0, 0, 0] * 2
    assert [e.label for e in find_coco(tmp_path, whole=True).test] == [1, 0, 1, 0] * 2  # type: ignore[union-attr]
    image = found.test[0].load()
    assert image.shape == (48, 48, 3) and image.min() > 240
    tests_only = write_tree(tmp_path / "only", coco_files(f"val{year}", 4))
    alone = find_coco(tests_only)
    assert alone is not None and (len(alone.train), len(alone.test)) == (0, 4)


def test_images_are_cropped_or_scaled() -> None:
    tall = jpeg(40, 80)
    assert square(tall, 20).min() > 240
    squeezed = square(tall, 20, whole=True)
    assert squeezed[0].max() < 20 and squeezed[10].min() > 240


def test_errors_name_the_broken_coco_file(tmp_path: Path) -> None:
    assert find_coco(tmp_path) is None
    folder = write_tree(tmp_path / "a", {"annotations/instances_val2017.json": b'{"images": [{}]}'})
    with pytest.raises(DataError, match=r"instances_val2017\.json is not an annotation file"):
        find_coco(folder)
    folder = write_tree(tmp_path / "b", {"annotations/instances_val2017.json": coco_files("val2017", 0).popitem()[1]})
    with pytest.raises(DataError, match="no image"):
        find_coco(folder)
    folder = write_tree(tmp_path / "c", {**coco_files("val2017", 1), "val2017/val2017_0000.jpg": b"none"})
    found = find_coco(folder)
    assert found is not None
    with pytest.raises(DataError, match=r"val2017_0000\.jpg is not a readable image"):
        found.test[0].load()


@pytest.mark.parametrize(("name", "form"), [("slider", "folder"), ("dev_data_slider", "zip")])
def test_dcase(tmp_path: Path, name: str, form: str) -> None:
    write_tree(tmp_path / name, dcase_files("slider/" if form == "zip" else ""), form)
    found = find_dcase(tmp_path, "slider")
    assert found is not None and find_dcase(tmp_path, "ToyCar") is None
    assert Counter(e.group for e in found.train) == {"00": 11, "02": 11}
    assert [e.name for e in found.validation] == ["normal_id_00_00000009.wav", "normal_id_02_00000009.wav"]
    assert [(e.label, e.group) for e in found.test] == [(1, "00"), (1, "02"), (0, "00"), (0, "02")]
    assert found.test[0].load()[0] == 51 and {e.label for e in found.train} == {0}


def test_errors_name_the_broken_dcase_file(tmp_path: Path) -> None:
    write_tree(tmp_path / "a" / "slider", {"train/normal_id_00_00000000.wav": sound(1, 400)})
    with pytest.raises(DataError, match="no clips in a folder test/"):
        find_dcase(tmp_path / "a", "slider")
    write_tree(tmp_path / "b" / "slider", {**dcase_files(), "test/strange.wav": sound(1, 400)})
    with pytest.raises(DataError, match=r"strange\.wav is not called"):
        find_dcase(tmp_path / "b", "slider")
