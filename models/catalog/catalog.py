# SPDX-License-Identifier: Apache-2.0
"""Models by name: those shipped here, the published ones by address and sha256, or any .tflite by path.

Nothing published is copied into this repository: a row says where the file is, and what it must hash to.
"""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any, Literal

from mlperf_tiny.errors import DataError, UsageError
from mlperf_tiny.models.catalog.official import OFFICIAL, InputFormat, OfficialModel, OwnInput
from mlperf_tiny.models.data.download.cache import DATA_VARIABLE, cache_folder, data_folder
from mlperf_tiny.models.data.download.download import Progress, download
from mlperf_tiny.models.tasks import BY_NAME, find_task

Origin = Literal["shipped", "official", "path"]

PRETRAINED = Path(__file__).parents[1] / "pretrained"
LARGEST_MODEL_BYTES = 64 * 1024 * 1024


@dataclass(frozen=True)
class CatalogModel:
    """One model that can be run.

    ``task`` is a task's name. ``input_format`` is "benchmark" when the official input files of the task are what its
    firmware takes, "own" when it has an input of its own that those files do not fit; None for a path: the caller
    reads the file and asks ``benchmark_format``. ``input_bytes`` is the size of the int8 input tensor, None for a
    path. ``load`` returns the file's bytes, checked against ``sha256``; it may download, and raises DataError.
    """

    name: str
    task: str
    origin: Origin
    load: Callable[[], bytes]
    sha256: str
    input_format: InputFormat | None
    input_bytes: int | None
    training_data: Literal["real", "synthetic", "unknown"]
    licence: str
    url: str
    own_input: OwnInput | None = None


def shipped_names() -> tuple[str, ...]:
    """The models that come with this project: each folder of ``pretrained`` with a card."""
    return tuple(sorted(card.parent.name for card in PRETRAINED.glob("*/card.json")))


def model_names() -> tuple[str, ...]:
    """All names ``find_model`` knows, the shipped ones first."""
    return (*shipped_names(), *(row.name for row in OFFICIAL))


def find_model(
    name_or_path: str,
    task: str | None = None,
    *,
    data_dir: Path | None = None,
    progress: Progress | None = None,
    environ: Mapping[str, str] = os.environ,
) -> CatalogModel:
    """Return the model called ``name_or_path``, or the .tflite file at that path.

    ``task`` must be given for a path, and must agree with a named model. Its bytes are found or downloaded only when
    ``load`` is called. Raises UsageError for an unknown name or a task that does not fit, DataError for a path that
    cannot be read.
    """
    if name_or_path in shipped_names():
        found = _shipped(name_or_path)
    elif official := next((row for row in OFFICIAL if row.name == name_or_path), None):
        found = _official(official, data_dir, progress, environ)
    elif name_or_path.endswith(".tflite"):
        return _path(Path(name_or_path), task)
    else:
        raise UsageError(
            f"there is no model {name_or_path!r}; name a .tflite file or one of {', '.join(model_names())}."
        )
    if task is not None and task != found.task:
        way_out = f" or --task {found.task}" if found.task in BY_NAME else ""
        raise UsageError(f"model {found.name} is for task {found.task}, not {task}. Name another model{way_out}.")
    return found


def at_hand(name: str, *, data_dir: Path | None = None, environ: Mapping[str, str] = os.environ) -> bool:
    """Say whether the model of this catalogue called ``name`` can be loaded without a download."""
    if name in shipped_names():
        return True
    row = next(row for row in OFFICIAL if row.name == name)
    return _in_data_folder(row, data_dir, environ) is not None or _cached(row, environ).is_file()


def own_input_of(sha256: str) -> OwnInput | None:
    """Return how the inputs of the known model with this hash are made, whatever name or path it came by."""
    for row in OFFICIAL:
        if row.sha256 == sha256:
            return row.own_input
    for name in shipped_names():
        card = json.loads((PRETRAINED / name / "card.json").read_text())
        if card["sha256"] == sha256:
            return own_input_of_card(card)
    return None


def own_input_of_card(card: Mapping[str, Any]) -> OwnInput | None:
    """Read the ``input`` of a shipped model's card; None where it takes the benchmark's files."""
    entry = card["input"]
    if entry["format"] != "own":
        return None
    data = card["training_data"]
    return OwnInput(
        entry["features"],
        entry["scale"],
        entry["zero_point"],
        entry["tested_on"],
        entry.get("scored", True),
        tuple(entry.get("classes", ())) or tuple(f"{number:02d}" for number in data.get("machine_ids", ())),
        "synthetic" if data["kind"] == "synthetic" else "real",
    )


def _shipped(name: str) -> CatalogModel:
    folder = PRETRAINED / name
    card = json.loads((folder / "card.json").read_text())
    sha256 = card["sha256"]

    def load() -> bytes:
        return _checked((folder / "model.tflite").read_bytes(), sha256, str(folder / "model.tflite"))

    return CatalogModel(
        name, card["task"], "shipped", load, sha256, card["input"]["format"], card["input"]["bytes"],
        card["training_data"]["kind"], card["licence"], card.get("url", ""), own_input_of_card(card),
    )  # fmt: skip


def _official(
    row: OfficialModel, data_dir: Path | None, progress: Progress | None, environ: Mapping[str, str]
) -> CatalogModel:
    return CatalogModel(
        row.name, row.task, "official", partial(_find_or_download, row, data_dir, progress, environ), row.sha256,
        row.input_format, row.input_bytes, "real", row.licence, row.url, row.own_input,
    )  # fmt: skip


def _in_data_folder(row: OfficialModel, data_dir: Path | None, environ: Mapping[str, str]) -> bytes | None:
    """The bytes of a published model from the data folder, known by their content."""
    folder = data_folder(data_dir, environ)
    if folder is None:
        return None
    for place in row.folders:
        # The same model may lie there under a file name with an addition, such as a revision.
        for file in sorted((folder / place).glob(f"{Path(row.file).stem}*.tflite")):
            content = file.read_bytes()
            if hashlib.sha256(content).hexdigest() == row.sha256:
                return content
    return None


def _cached(row: OfficialModel, environ: Mapping[str, str]) -> Path:
    return cache_folder(environ) / "models" / f"{row.name}-{row.sha256[:12]}.tflite"


def _find_or_download(
    row: OfficialModel, data_dir: Path | None, progress: Progress | None, environ: Mapping[str, str]
) -> bytes:
    """Return the bytes of a published model: from the data folder, else the cache, else its address."""
    found = _in_data_folder(row, data_dir, environ)
    if found is not None:
        return found
    cached = _cached(row, environ)
    try:
        download(row.url, cached, row.sha256, progress)
    except DataError as error:
        raise DataError(
            f"model {row.name} is not at hand and could not be fetched: {error} "
            f"Put {row.file} into DIR/{row.folders[0]}/ and give --data DIR, or set {DATA_VARIABLE}=DIR, "
            f"or try again with network to download it{_instead(row.task)}."
        ) from error
    return cached.read_bytes()


def _instead(task: str) -> str:
    """Which models of the task come with this project, as the end of a sentence; "" for none."""
    names = [name for name in shipped_names() if _shipped(name).task == task]
    return f"; shipped with this program: {', '.join(names)} (--model {names[0]})" if names else ""


def _path(path: Path, task: str | None) -> CatalogModel:
    if task is None:
        raise UsageError(f"{path} does not say what it is for; add --task.")
    find_task(task)
    content = read_model(path)
    sha256 = hashlib.sha256(content).hexdigest()
    return CatalogModel(path.stem, task, "path", lambda: content, sha256, None, None, "unknown", "unknown", "")


def read_model(path: Path) -> bytes:
    """Return the bytes of a model file; raises DataError for one that cannot be read or is larger than any model."""
    try:
        with path.open("rb") as stream:
            content = stream.read(LARGEST_MODEL_BYTES + 1)
    except OSError as error:
        raise DataError(f"model file {path} cannot be read: {error.strerror}. Check the path.") from error
    if len(content) > LARGEST_MODEL_BYTES:
        raise DataError(f"{path} is larger than the {LARGEST_MODEL_BYTES:,} bytes any model may have. Check the path.")
    return content


def _checked(content: bytes, sha256: str, where: str) -> bytes:
    got = hashlib.sha256(content).hexdigest()
    if got != sha256:
        raise DataError(f"{where} has sha256 {got}, wanted {sha256}. Install the package again.")
    return content


def benchmark_format(task: str, input_bytes: int, scale: float, zero_point: int) -> InputFormat:
    """Return whether a model takes the official files of a task.

    The official keyword files are already quantised: a model of the same shape but another scale needs other inputs.

    Args:
        task: Name of the model's task; it need not be runnable.
        input_bytes: Size of the int8 input tensor.
        scale: Quantisation scale of that tensor.
        zero_point: Quantisation zero point of that tensor.

    Returns:
        "benchmark" for a model that takes them, "own" for any other.
    """
    tensor = BY_NAME[task].tensor if task in BY_NAME else None
    if tensor is None or input_bytes != tensor.size_bytes:
        return "own"
    same_scale = tensor.scale is None or abs(scale - tensor.scale) <= 1e-4 * tensor.scale
    same_zero = tensor.zero_point is None or zero_point == tensor.zero_point
    return "benchmark" if same_scale and same_zero else "own"
