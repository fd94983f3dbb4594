# SPDX-License-Identifier: Apache-2.0
"""Small data folders in the published layout."""

from __future__ import annotations

import io
import zipfile
from collections.abc import Mapping
from pathlib import Path

import numpy as np
import soundfile


def kws_folder(root: Path, samples: int = 12) -> Path:
    """``samples`` keyword files whose first byte is their label; sample k has label k % 12."""
    folder = root / "kws01"
    folder.mkdir(parents=True)
    labels = []
    for number in range(samples):
        content = bytes([number % 12]) + np.random.default_rng(number).bytes(489)
        (folder / f"tst_{number:06d}.bin").write_bytes(content)
        labels.append(f"tst_{number:06d}.bin,12,{number % 12}\n")
    (folder / "y_labels.csv").write_text("".join(labels))
    return root


def ad_folder(root: Path, files: int = 2) -> Path:
    """``files`` feature files; the first float of every frame of file k is k + frame / 100. Odd files are anomalies."""
    folder = root / "ad01"
    folder.mkdir(parents=True)
    labels = []
    for number in range(files):
        frames = np.zeros((200, 128), dtype="<f4")
        frames[:, 0] = number + np.arange(200) / 100
        (folder / f"clip_{number}.bin").write_bytes(frames.tobytes())
        labels.append(f"clip_{number}.bin,2,{number % 2},2560,512\n")
    (folder / "y_labels.csv").write_text("".join(labels))
    return root


def one_hot(data: bytes) -> list[str]:
    """Result texts for a file of ``kws_folder``: the class is its first byte; every twelfth answer is wrong."""
    answer = data[0] if data[0] != 11 else 0
    return ["0.996" if label == answer else "0.000" for label in range(12)]


def sound(number: int, samples: int = 16_000, suffix: str = ".wav", rate_hz: int = 16_000) -> bytes:
    """A sound file whose first sample is ``number``."""
    stream = io.BytesIO()
    values = np.random.default_rng(number).integers(-2000, 2000, samples).astype(np.int16)
    values[0] = number
    soundfile.write(stream, values, rate_hz, subtype="PCM_16", format=suffix[1:].upper())
    return stream.getvalue()


def write_tree(root: Path, files: Mapping[str, bytes | str], form: str = "folder") -> Path:
    """Write ``files`` by path into the folder ``root`` or into ``root``.zip; return what was written."""
    if form == "zip":
        with zipfile.ZipFile(root.with_name(root.name + ".zip"), "w") as out:
            for name, content in files.items():
                out.writestr(name, content)
        return root.with_name(root.name + ".zip")
    for name, content in files.items():
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).write_bytes(content if isinstance(content, bytes) else content.encode())
    return root


def speech_selection() -> dict[str, bytes | str]:
    """The layout with splits.csv: four clips of three speakers, one additional unknown word and a noise."""
    rows = ["clip,label,speaker,kws01_files,split"]
    files: dict[str, bytes | str] = {}
    for number, (label, speaker, split) in enumerate(
        [("yes", "aa", "train"), ("no", "bb", "validation"), ("silence", "", "test"), ("unknown", "cc", "test")]
    ):
        path = f"clips/{label}/{speaker or 7}_nohash_{number}.flac"
        files[path] = sound(number + 1, suffix=".flac")
        rows.append(f"{path},{label},{speaker},,{split}")
    files["extra_unknown/bed/dd_nohash_0.flac"] = sound(5, suffix=".flac")
    files["background_noise/tap.flac"] = sound(6, 40_000, ".flac")
    files["splits.csv"] = "\n".join(rows) + "\n"
    return files


def speech_corpus() -> dict[str, bytes | str]:
    """The layout of the whole corpus: 12 known words of 6 speakers, 8 others, some of them listed."""
    files: dict[str, bytes | str] = {
        f"{word}/{speaker}_nohash_0.wav": sound(number + 10 * at, 15_000 if speaker == "s0" else 16_000)
        for number, word in enumerate(("yes", "no", "bed", "cat"))
        for at, speaker in enumerate(("s0", "s1", "s2", "s3", "s4", "s5"))
    }
    files["validation_list.txt"] = "".join(f"{word}/s4_nohash_0.wav\n" for word in ("yes", "no", "bed", "cat"))
    files["testing_list.txt"] = "".join(f"{word}/s5_nohash_0.wav\n" for word in ("yes", "no", "bed", "cat"))
    files["_background_noise_/tap.wav"] = sound(99, 50_000)
    files["_background_noise_/README.md"] = "noise"
    return files
