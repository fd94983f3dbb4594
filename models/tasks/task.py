# SPDX-License-Identifier: Apache-2.0
"""The columns of the task table. A task is one module beside this one, which fills them in.

Functions that belong to a task (decoders, synthetic data) are in higher folders, so a row names them by a key.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum
from typing import Literal


class Metric(Enum):
    """What the closed division's quality target is stated in."""

    TOP1 = "top1"  # percent
    AUC = "auc"  # 0..1, over files
    F1 = "f1"  # 0..1, over the wake words of a long wave


@dataclass(frozen=True, kw_only=True)
class InputTensor:
    """The int8 input tensor that the official files of a task are made for."""

    size_bytes: int
    """Number of int8 values."""
    scale: float | None = None
    """Quantisation scale; None: any, the device quantises floats itself."""
    zero_point: int | None = None
    """Quantisation zero point; None: any."""


@dataclass(frozen=True, kw_only=True)
class WireInfo:
    """How the reference firmware takes inputs and prints results over the serial line."""

    input: Literal["int8", "uint8", "float32"]
    """What ``db load`` carries: a value of ``mlperf_tiny.firmware.wire.InputFormat``."""
    results: Literal["truncated", "rounded", "mse"]
    """How ``m-results-[...]`` is printed: a value of ``mlperf_tiny.firmware.wire.ResultFormat``."""
    buffer_bytes: int
    """The largest ``db load`` the reference firmware accepts."""


@dataclass(frozen=True, kw_only=True)
class OfficialList:
    """A label list (``y_labels.csv``) that a published benchmark uses."""

    digest: str
    """``list_digest`` of its entries (sha256, hex)."""
    files: int
    """Number of entries."""
    title: str
    """What reports call it."""


@dataclass(frozen=True, kw_only=True)
class SampleFiles:
    """How the samples of a task lie on disk."""

    decoders: dict[str, Literal["bytes", "image", "ad features"]]
    """File suffix -> decoder of ``mlperf_tiny.models.data.load``, the preferred one first."""
    names: Literal["plain", "machine clips"] = "plain"
    """"machine clips": file names carry the label (``anomaly_id_01_00000000``)."""
    image_side: int = 0
    """Width and height of an image file in pixels; 0 where no image file is read."""


@dataclass(frozen=True, kw_only=True)
class OfficialDownload:
    """Where the official files of a task are fetched from."""

    archive_url: str
    """Address of the archive that holds the samples."""
    archive_sha256: str | None = None
    """Hash of the archive; None where its server repacks it at times."""
    list_url: str
    """Address of the official ``y_labels.csv``."""
    list_sha256: str
    """Hash of that list."""
    content_sha256: str | None = None
    """Hash over all samples in list order; required where the archive has no fixed hash."""
    picker: Literal["keyword files", "CIFAR-10 images"]
    """Function of ``mlperf_tiny.models.data.download.published`` that takes the listed samples from the archive."""


@dataclass(frozen=True, kw_only=True)
class Task:
    """One benchmark: everything that other modules use of it."""

    name: str
    """What ``--task`` takes: ``kws``."""
    title: str
    """The full name: ``keyword spotting``."""
    model_id: str
    """What its firmware prints in ``m-model-[...]``: ``kws01``."""
    data_id: str
    """The name of its data folder and archive; equal to ``model_id`` except for variants of a task."""
    folder_names: tuple[str, ...]
    """What submissions call its folder over all rounds: lower case, only letters and digits."""
    runnable: bool = True
    """False for a benchmark that is only reviewed and listed here."""
    metric: Metric
    """What its accuracy is measured in."""
    target: float
    """The closed division's limit in the unit of ``metric``; 0 where the rules count errors instead (sww)."""
    labels: tuple[str, ...]
    """The classes, in the order of the label lists."""
    classes: int
    """Length of the result vector (AD: 1, the score of a window)."""
    file_bytes: int
    """Size of one official input file."""
    window_bytes: int
    """Input of one inference; smaller than ``file_bytes`` where a file holds several (AD)."""
    stride_bytes: int
    """Distance between the starts of two windows of a file."""
    samples: int
    """Number of files in the official accuracy set."""
    default_model: str
    """What ``benchmark-run --task`` runs; "" where no model is known."""
    tensor: InputTensor | None = None
    """The input tensor of a model that takes the official files; None: no model does."""
    wire: WireInfo | None = None
    """The serial format of its reference firmware; None for a benchmark with another dialect."""
    official_lists: tuple[OfficialList, ...] = ()
    """The label lists that count as official, the full one first."""
    files: SampleFiles | None = None
    """How its samples lie on disk; None where no loader exists."""
    download: OfficialDownload | None = None
    """Where its official files come from; None where no program can fetch them."""
    manual_download: str = "no address is known"
    """How a person gets the official files where ``download`` is None, as part of a sentence."""
    synthetic: Literal["patterns", "machine clips", "scenes"] = "patterns"
    """What replaces its data where none is found. Scenes replace raw images only, official files get patterns."""

    @property
    def windows(self) -> int:
        """Inferences per official file."""
        return (self.file_bytes - self.window_bytes) // self.stride_bytes + 1
