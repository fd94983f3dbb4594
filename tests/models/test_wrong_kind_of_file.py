# SPDX-License-Identifier: Apache-2.0
"""A file that is not what its name says is called what it is: as a model, an official model, an archive, a list."""

from __future__ import annotations

import zlib
from pathlib import Path

import pytest

from mlperf_tiny.errors import BenchError, DataError, ModelInvalid, UsageError
from mlperf_tiny.file_tree import content_kind, data_files
from mlperf_tiny.firmware.codegen.tflite.read_tflite import read_tflite
from mlperf_tiny.models.catalog.catalog import available_locally, find_model
from mlperf_tiny.models.catalog.official import OFFICIAL
from mlperf_tiny.models.data.formats.labels import parse_labels
from mlperf_tiny.models.tasks import find_task
from mlperf_tiny.runners.emulator.memory.elf_image import read_image
from tests.fakes.tiny_models import tiny_kws

POINTER = b"version https://git-lfs.github.com/spec/v1\noid sha256:" + b"0" * 64 + b"\nsize 747936\n"
PAGE = b"<!DOCTYPE html><html><head><title>Not found</title></head></html>"
KINDS = {
    "pointer": (POINTER, "a Git LFS pointer", "git lfs pull"),
    "page": (PAGE, "a web page, not the file itself", "Download the file itself"),
    "page after a comment": (b"\n<!-- saved -->\n<html lang='en'>", "a web page", "Download"),
    "page with a mark": (b"\xef\xbb\xbf  <HTML>", "a web page", "Download"),
    "C array": (b"#include <cstdint>\nconst unsigned char g_model[] = {0x1c, 0x00};\n", "C source text", ".tflite"),
    "xxd": (b"unsigned char model_tflite[] = {\n  0x1c, 0x00, 0x00, 0x00", "C source text", ".tflite"),
    "C with a licence": (b"/* Copyright */\nconst char m[] = {1};", "C source text", ".tflite"),
    "ONNX of PyTorch": (b"\x08\x07\x12\x07pytorch\x1a\x051.9.0:\xd5\x01", "an ONNX model", "TensorFlow Lite"),
    "ONNX of Keras": (b"\x08\x06\x12\x08tf2onnx\x1a\x05", "an ONNX model", "TensorFlow Lite"),
    "HDF5": (b"\x89HDF\r\n\x1a\n\0\0\0\0", "an HDF5 file", "TensorFlow Lite"),
    "zip": (b"PK\x03\x04\x14\0\0\0", "a zip archive", "Unpack it"),
    "gzip": (b"\x1f\x8b\x08\0" + zlib.compress(b"x"), "a gzip archive", "Unpack it"),
    "ELF": (b"\x7fELF\1\1\1\0", "an ELF file", "made from"),
}


@pytest.mark.parametrize("kind", KINDS)
def test_a_model_of_another_kind_says_what_it_is(kind: str) -> None:
    content, what, advice = KINDS[kind]
    with pytest.raises(ModelInvalid) as refused:
        read_tflite(content, "m.tflite")
    text = str(refused.value)
    assert f"it is {what}" in text and advice in text
    assert "identifier" not in text and "Convert it again" not in text


def test_a_model_and_noise_are_of_no_other_kind() -> None:
    assert content_kind(tiny_kws()) is None
    for content in (b"", b"ab", b"\x1c\0\0\0TFL3", bytes(100), b"tst_1.bin,12,3\n"):
        assert content_kind(content) is None
    with pytest.raises(ModelInvalid, match="identifier"):
        read_tflite(bytes(range(40)), "m.tflite")


@pytest.mark.parametrize("content", [POINTER, PAGE], ids=["pointer", "page"])
def test_an_official_model_that_is_another_kind_of_file(content: bytes, tmp_path: Path) -> None:
    row = OFFICIAL[0]
    file = tmp_path / "data" / row.folders[0] / row.file
    file.parent.mkdir(parents=True)
    file.write_bytes(content)
    environ = {"MLPERF_TINY_CACHE": str(tmp_path / "cache"), "http_proxy": "", "https_proxy": ""}
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("mlperf_tiny.models.catalog.catalog.download", unreachable)
        with pytest.raises(DataError) as refused:
            find_model(row.name, data_dir=tmp_path / "data", environ=environ).load()
    assert f"{file} is there but is {len(content)} bytes, a " in str(refused.value)


def unreachable(*_: object) -> None:
    raise DataError("https://x cannot be reached: no network.")


def test_a_named_data_folder_does_not_hide_the_models_of_the_environment(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    row = OFFICIAL[0]
    file = tmp_path / "of_environment" / row.folders[0] / row.file
    file.parent.mkdir(parents=True)
    file.write_bytes(b"the model")
    (tmp_path / "named").mkdir()
    monkeypatch.setattr("mlperf_tiny.models.catalog.catalog.has_hash", lambda content, _: content == b"the model")
    environ = {"MLPERF_TINY_DATA": str(tmp_path / "of_environment"), "MLPERF_TINY_CACHE": str(tmp_path / "cache")}
    assert available_locally(row.name, data_dir=tmp_path / "named", environ=environ)
    assert find_model(row.name, data_dir=tmp_path / "named", environ=environ).load() == b"the model"
    environ["MLPERF_TINY_DATA"] = str(tmp_path / "none")
    assert not available_locally(row.name, data_dir=tmp_path / "named", environ=environ)


def test_archives_lists_and_images_of_another_kind(tmp_path: Path) -> None:
    archive = tmp_path / "kws01.zip"
    archive.write_bytes(POINTER)
    image = tmp_path / "firmware.elf"
    image.write_bytes(POINTER)
    task = find_task("kws")
    for call, error in (
        (lambda: data_files(archive, {".bin"}), DataError),
        (lambda: parse_labels(POINTER.decode(), task, "y_labels.csv"), DataError),
        (lambda: read_image(image), UsageError),
    ):
        with pytest.raises(BenchError, match=r"is a Git LFS pointer, not the file itself.*git lfs pull") as refused:
            call()
        assert isinstance(refused.value, error)
