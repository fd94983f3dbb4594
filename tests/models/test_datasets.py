# SPDX-License-Identifier: Apache-2.0
"""Loading data sets: small folders and archives in every layout, broken ones, and the real ones."""

from __future__ import annotations

import io
import random
import zipfile
from collections import Counter
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from mlperf_tiny.errors import DataError
from mlperf_tiny.models.data.formats.dataset import Dataset
from mlperf_tiny.models.data.formats.labels import OFFICIAL_LISTS, official_list, parse_labels
from mlperf_tiny.models.data.load import load_dataset
from mlperf_tiny.models.tasks import TASKS, Task, find_task

KWS, VWW, AD, IC = (find_task(name) for name in ("kws", "vww", "ad", "ic"))
LIST = "b_Left_2.bin,12,2\na_Stop_7.bin,12,7\nc_Up_8.bin,12,8\n"
LISTED = ("b_Left_2.bin", "a_Stop_7.bin", "c_Up_8.bin")


def files(names: tuple[str, ...] = LISTED, size: int = 490) -> dict[str, bytes]:
    return {name: bytes([number]) * size for number, name in enumerate(names)}


def write_folder(folder: Path, content: dict[str, bytes]) -> None:
    for name, data in content.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_bytes(data)


def write_zip(path: Path, content: dict[str, bytes]) -> None:
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, data in content.items():
            archive.writestr(name, data)


def place(root: Path, layout: str, content: dict[str, bytes], labels: str, task: Task = KWS) -> Path:
    """Write one data set in a layout that users have; return what they would pass as --data."""
    name = task.model_id
    root.mkdir(parents=True, exist_ok=True)
    everything = {**content, "y_labels.csv": labels.encode()}
    if layout == "zip":
        write_zip(root / f"{name}.zip", {f"{name}/{file}": data for file, data in everything.items()})
    elif layout == "flat zip":
        write_zip(root / f"{name}.zip", everything)
    elif layout == "folder":
        write_folder(root / name, everything)
    elif layout == "energyrunner":
        write_folder(root / "datasets" / name, everything)
    elif layout == "folder itself":
        write_folder(root / name, everything)
        return root / name
    elif layout == "labels apart":
        write_folder(root / name, content)
        write_folder(root / "labels" / name, {"y_labels.csv": labels.encode()})
    elif layout == "zip, labels apart":
        write_zip(root / f"{name}.zip", content)
        write_folder(root / "labels" / name, {"y_labels.csv": labels.encode()})
    return root


LAYOUTS = ("zip", "flat zip", "folder", "energyrunner", "folder itself", "labels apart", "zip, labels apart")


@pytest.mark.parametrize("layout", LAYOUTS)
def test_every_layout_gives_samples_in_list_order(tmp_path: Path, layout: str) -> None:
    dataset = load_dataset(KWS, place(tmp_path, layout, files(), LIST))
    assert [(sample.name, sample.label) for sample in dataset.samples] == list(zip(LISTED, (2, 7, 8), strict=True))
    assert [sample.load() for sample in dataset.samples] == list(files().values())
    assert (dataset.name, dataset.source, dataset.listed, dataset.labelled) == ("kws01", "real", 3, True)
    assert not dataset.complete  # three files are no official list
    assert str(tmp_path) in dataset.origin


def test_missing_files_are_skipped_and_counted(tmp_path: Path) -> None:
    dataset = load_dataset(KWS, place(tmp_path, "folder", files(LISTED[1:]), LIST))
    assert [sample.name for sample in dataset.samples] == list(LISTED[1:])
    assert not dataset.complete
    assert "2 of 3 samples" in dataset.summary


def test_list_ignores_blanks_byte_order_mark_and_line_ends(tmp_path: Path) -> None:
    text = "\ufeff" + LIST.replace(",", ", ").replace("\n", "\r\n") + "\r\n"
    assert len(load_dataset(KWS, place(tmp_path, "folder", files(), text)).samples) == 3


@pytest.mark.parametrize(
    ("labels", "wanted"),
    [
        ("a.bin,12\n", "line 1"),
        ("a.bin,12,2\nb.bin,12,x\n", "line 2"),
        ("a.bin,10,2\n", "wanted 'file,12,0..11'"),
        ("a.bin,12,12\n", "wanted 'file,12,0..11'"),
        ("a.bin,12,-1\n", "0..11"),
        ("a.bin,12,2,2560,512\n", "line 1"),
        ("a.bin,12,2\na.bin,12,3\n", "twice"),
        ("../a.bin,12,2\n", "not a plain file name"),
        ("\n\n", "lists no file"),
    ],
)
def test_list_errors_name_the_line(tmp_path: Path, labels: str, wanted: str) -> None:
    with pytest.raises(DataError, match=wanted) as refused:
        load_dataset(KWS, place(tmp_path, "folder", files(), labels))
    assert "y_labels.csv" in str(refused.value)


def test_list_that_is_not_text_is_refused(tmp_path: Path) -> None:
    write_folder(tmp_path / "kws01", {**files(), "y_labels.csv": b"\xff\xfe\x00"})
    with pytest.raises(DataError, match="not a text file"):
        load_dataset(KWS, tmp_path)


def test_ad_lists_must_state_the_window_sizes() -> None:
    assert parse_labels("normal_id_01_1.bin,2,0,2560,512\n", AD, "list")[0].label == 0
    for line in ("normal_id_01_1.bin,2,0\n", "normal_id_01_1.bin,2,0,2560,1024\n"):
        with pytest.raises(DataError, match="2560,512"):
            parse_labels(line, AD, "list")


@pytest.mark.parametrize("layout", ["zip", "folder"])
@pytest.mark.parametrize("size", [0, 489, 491])
def test_file_of_wrong_size_is_refused_before_a_run(tmp_path: Path, layout: str, size: int) -> None:
    content = {**files(), LISTED[1]: bytes(size)}
    with pytest.raises(DataError, match=rf"{LISTED[1]} gives {size} bytes, wanted 490"):
        load_dataset(KWS, place(tmp_path, layout, content, LIST))


def test_file_that_changes_after_listing_is_refused(tmp_path: Path) -> None:
    dataset = load_dataset(KWS, place(tmp_path, "folder", files(), LIST))
    (tmp_path / "kws01" / LISTED[0]).write_bytes(b"short")
    (tmp_path / "kws01" / LISTED[1]).unlink()
    with pytest.raises(DataError, match="gives 5 bytes"):
        dataset.samples[0].load()
    with pytest.raises(DataError, match="cannot be read"):
        dataset.samples[1].load()


@pytest.mark.parametrize(
    "name", ["../evil.bin", "kws01/../../evil.bin", "/etc/evil.bin", "C:\\evil.bin", "..\\evil.bin"]
)
def test_an_archive_that_points_outside_is_refused(tmp_path: Path, name: str) -> None:
    write_zip(tmp_path / "kws01.zip", {**files(), name: bytes(490), "y_labels.csv": LIST.encode()})
    with pytest.raises(DataError, match="leads out of the archive"):
        load_dataset(KWS, tmp_path)
    assert [path.name for path in tmp_path.iterdir()] == ["kws01.zip"]


def test_a_member_that_would_fill_the_memory_is_refused(tmp_path: Path) -> None:
    write_zip(tmp_path / "kws01.zip", {**files(), "bomb.bin": bytes(9 * 1024 * 1024), "y_labels.csv": LIST.encode()})
    with pytest.raises(DataError, match=r"bomb\.bin has 9,437,184 bytes, the limit is 8,388,608"):
        load_dataset(KWS, tmp_path)


def test_a_damaged_archive_is_refused(tmp_path: Path) -> None:
    place(tmp_path, "zip", files(), LIST)
    path = tmp_path / "kws01.zip"
    whole = path.read_bytes()
    path.write_bytes(whole[:-40])
    with pytest.raises(DataError, match=r"kws01\.zip is not a usable"):
        load_dataset(KWS, tmp_path)
    # The directory stays intact, one member does not.
    at = whole.index(LISTED[0].encode()) + len(LISTED[0])
    path.write_bytes(whole[:at] + b"\x00\xff\x00" + whole[at + 3 :])
    with pytest.raises(DataError, match=f"{LISTED[0]} cannot be read"):
        load_dataset(KWS, tmp_path).samples[0].load()


@pytest.mark.parametrize("method", [zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED, zipfile.ZIP_LZMA])
def test_a_broken_archive_gives_samples_or_an_error_and_nothing_else(tmp_path: Path, method: int) -> None:
    path = tmp_path / "kws01.zip"
    with zipfile.ZipFile(path, "w", method) as archive:
        for name, data in {**files(), "y_labels.csv": LIST.encode()}.items():
            archive.writestr(name, data)
    whole, rng, refused = path.read_bytes(), random.Random(method), 0
    for _ in range(300):
        broken = bytearray(whole)
        for _ in range(rng.choice((1, 2, 5))):
            broken[-1 - min(int(rng.expovariate(1 / 200)), len(broken) - 1)] = rng.randrange(256)
        path.write_bytes(broken)
        try:
            samples = load_dataset(KWS, tmp_path).samples
            assert {len(sample.load()) for sample in samples} == {490}
        except DataError:
            refused += 1
    assert refused > 100


def test_samples_without_any_list_are_refused(tmp_path: Path) -> None:
    write_folder(tmp_path / "kws01", files())
    with pytest.raises(DataError, match=r"no y_labels\.csv names any"):
        load_dataset(KWS, tmp_path)


@pytest.mark.parametrize("task", TASKS, ids=lambda task: task.name)
def test_named_folder_without_data_error_names_three_ways_to_go_on(tmp_path: Path, task: Task) -> None:
    with pytest.raises(DataError, match=rf"{task.model_id}\.zip.*--data DIR or MLPERF_TINY_DATA"):
        load_dataset(task, tmp_path)
    with pytest.raises(DataError, match="is not a folder"):
        load_dataset(task, tmp_path / "nowhere")


def test_search_order_is_variable_cache_synthetic(tmp_path: Path) -> None:
    named, cache = place(tmp_path / "named", "folder", files(), LIST), place(tmp_path / "cache", "zip", files(), LIST)
    both = {"MLPERF_TINY_DATA": str(named), "MLPERF_TINY_CACHE": str(cache)}
    assert str(named) in load_dataset(KWS, environ=both).origin
    assert str(cache) in load_dataset(KWS, environ={"MLPERF_TINY_CACHE": str(cache)}).origin
    assert load_dataset(VWW, environ=both).source == "synthetic"
    assert load_dataset(KWS, environ=both, synthetic=True).source == "synthetic"


def png(width: int, height: int, mode: str = "RGB") -> bytes:
    stream = io.BytesIO()
    pixels = np.random.default_rng(1).integers(0, 256, (height, width, len(mode)), np.uint8)
    Image.fromarray(pixels.squeeze(), mode=None).save(stream, "PNG")
    return stream.getvalue()


def test_image_files_become_raw_bytes(tmp_path: Path) -> None:
    pixels = np.arange(96 * 96 * 3, dtype=np.uint32).astype(np.uint8).reshape(96, 96, 3)
    stream = io.BytesIO()
    Image.fromarray(pixels).save(stream, "PNG")
    labels = "000000000001.bin,2,1\n000000000002.bin,2,0\n"
    content = {"000000000001.png": stream.getvalue(), "000000000002.bin": bytes(27_648)}
    dataset = load_dataset(VWW, place(tmp_path, "zip", content, labels, VWW))
    assert [sample.load() for sample in dataset.samples] == [pixels.tobytes(), bytes(27_648)]
    assert [sample.name for sample in dataset.samples] == ["000000000001.bin", "000000000002.bin"]


@pytest.mark.parametrize(
    ("content", "wanted"),
    [
        (png(95, 96), "is 95 x 96 pixels, wanted 96 x 96"),
        (b"no image", "not a readable image"),
        (png(96, 96)[:900], "not a readable"),
    ],
    ids=["size", "text", "cut"],
)
def test_images_of_other_sizes_or_formats_are_refused(tmp_path: Path, content: bytes, wanted: str) -> None:
    dataset = load_dataset(VWW, place(tmp_path, "folder", {"1.png": content}, "1.bin,2,1\n", VWW))
    with pytest.raises(DataError, match=wanted) as refused:
        dataset.samples[0].load()
    assert "1.png" in str(refused.value)


def test_gray_images_have_three_equal_channels(tmp_path: Path) -> None:
    place(tmp_path, "folder", {"1.png": png(32, 32, "L")}, "1.bin,10,3\n", IC)
    pixels = np.frombuffer(load_dataset(IC, tmp_path).samples[0].load(), np.uint8).reshape(32, 32, 3)
    assert (pixels[..., 0] == pixels[..., 2]).all() and np.ptp(pixels) > 0


def test_clips_outside_the_list_are_labelled_by_their_names(tmp_path: Path) -> None:
    names = ("normal_id_02_00000000_hist_librosa.bin", "anomaly_id_01_00000001_hist_librosa.bin", "readme.bin")
    write_folder(tmp_path / "ad01", files(names, 102_400))
    dataset = load_dataset(AD, tmp_path)
    assert [(sample.name, sample.label) for sample in dataset.samples] == [(names[1], 1), (names[0], 0)]
    assert not dataset.complete and "no official list" in dataset.origin


def test_a_feature_file_is_preferred_to_its_clip(tmp_path: Path) -> None:
    content = {"x/normal_id_01_00000003.wav": b"not read", "normal_id_01_00000003_hist_librosa.bin": bytes(102_400)}
    labels = "normal_id_01_00000003_hist_librosa.bin,2,0,2560,512\n"
    dataset = load_dataset(AD, place(tmp_path, "folder", content, labels, AD))
    assert dataset.samples[0].load() == bytes(102_400)
    windows = dataset.windows(bytes(range(256)) * 400)
    assert len(windows) == AD.windows == 196 and {len(window) for window in windows} == {2560}
    assert windows[1][:4] == bytes(range(256))[:4] and windows[0][512:] == windows[1][:-512]


@pytest.mark.parametrize(
    ("task", "file"),
    [
        (KWS, "kws01/y_labels.csv"),
        (VWW, "vww01/y_labels.csv"),
        (AD, "ad01/y_labels.csv"),
        (AD, "ad01/y_labels_alt.csv"),
        (IC, "ic01/y_labels.csv"),
        (IC, "ic01/y_labels.eembc.csv"),
    ],
)
def test_official_lists_are_recognised(data_dir: Path, task: Task, file: str) -> None:
    listed = parse_labels((data_dir / "labels" / file).read_text(), task, file)
    official = official_list(task.model_id, listed)
    assert official is not None and official.files == len(listed)
    assert official_list(task.model_id, listed[:-1]) is None
    assert official_list(task.model_id, listed[::-1]) is None
    digests = [row.digest for rows in OFFICIAL_LISTS.values() for row in rows]
    assert len(set(digests)) == len(digests)


def loaded(task: Task, data_dir: Path) -> Dataset:
    dataset = load_dataset(task, data_dir)
    assert {len(sample.load()) for sample in dataset.samples} == {task.file_bytes}
    return dataset


def test_real_keyword_files(data_dir: Path) -> None:
    dataset = loaded(KWS, data_dir)
    assert dataset.complete and len(dataset.samples) == dataset.listed == KWS.samples
    assert dataset.samples[0].name == "tst_000000_Stop_7.bin" and dataset.samples[999].name == "tst_000999_Up_8.bin"
    assert [int(sample.name.split("_")[1]) for sample in dataset.samples] == list(range(1000))
    counts = Counter(sample.label for sample in dataset.samples)
    assert [counts[label] for label in range(12)] == [92, 92, 81, 89, 70, 84, 75, 78, 84, 89, 80, 86]


def test_real_images(data_dir: Path) -> None:
    dataset = loaded(VWW, data_dir)
    assert not dataset.complete and (len(dataset.samples), dataset.listed) == (800, 1000)
    assert dataset.samples[0].name == "000000343218.bin"


def test_real_clips(data_dir: Path) -> None:
    dataset = loaded(AD, data_dir)
    assert not dataset.complete
    assert [(sample.name, sample.label) for sample in dataset.samples] == [
        ("anomaly_id_01_00000000.wav", 1),
        ("normal_id_01_00000000_hist_librosa.bin", 0),
        ("normal_id_01_00000001.wav", 0),
    ]
