# SPDX-License-Identifier: Apache-2.0
"""Small data folders in the published layout."""

from __future__ import annotations

from pathlib import Path

import numpy as np


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
    """``files`` feature files; the first float of every frame of file k is k + frame / 100. Odd files are faulty."""
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
    """Result texts that answer a file of ``kws_folder`` by its first byte; every twelfth answer is wrong."""
    answer = data[0] if data[0] != 11 else 0
    return ["0.996" if label == answer else "0.000" for label in range(12)]
