# SPDX-License-Identifier: Apache-2.0
"""Models by name: those shipped here, the published ones by address and sha256, or any .tflite by path.

Nothing published is copied into this repository: a row says where the file is, and what it must hash to.
"""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Mapping
from functools import partial
from pathlib import Path
from typing import Any

from mlperf_tiny.errors import DataError, UsageError, WrongRequest, did_you_mean
from mlperf_tiny.file_names import plain_text
from mlperf_tiny.file_tree import content_kind
from mlperf_tiny.models.catalog.hash_check import checked_content, has_hash
from mlperf_tiny.models.catalog.model import CatalogModel, read_model
from mlperf_tiny.models.catalog.official import OFFICIAL, FeatureInput, OfficialModel
from mlperf_tiny.models.data.download.cache import DATA_VARIABLE, cache_folder, data_folder, named_folder
from mlperf_tiny.models.data.download.download import DownloadProgress, download, only_fetcher
from mlperf_tiny.models.tasks import BY_NAME, find_task

PRETRAINED = Path(__file__).parents[1] / "pretrained"


def shipped_names() -> tuple[str, ...]:
    """The models that come with this project: each folder of ``pretrained`` with a card."""
    return tuple(sorted(card.parent.name for card in PRETRAINED.glob("*/card.json")))


def model_names() -> tuple[str, ...]:
    """All names that ``find_model`` takes, the shipped ones first."""
    return (*shipped_names(), *(row.name for row in OFFICIAL))


def find_model(
    name_or_path: str,
    task: str | None = None,
    *,
    data_dir: Path | None = None,
    progress: DownloadProgress | None = None,
    environ: Mapping[str, str] = os.environ,
) -> CatalogModel:
    """Return the model called ``name_or_path``, or the .tflite file at that path.

    Its bytes are found or downloaded only when ``load`` is called.

    Args:
        name_or_path: A name of the catalogue or a path that ends in .tflite.
        task: The name of its task; required for a path, and must agree with a named model.
        data_dir: The data folder that the user named, if any.
        progress: Called while a file is downloaded.
        environ: Environment variables.

    Returns:
        The model.

    Raises:
        UsageError: The name is unknown, or the task is missing or another one.
        DataError: The file at the path cannot be read.
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
            + did_you_mean(name_or_path, model_names())
        )
    if task is not None and task != found.task:
        way_out = f" or --task {found.task}" if found.task in BY_NAME else ""
        raise UsageError(f"model {found.name} is for task {found.task}, not {task}. Name another model{way_out}.")
    return found


def available_locally(name: str, *, data_dir: Path | None = None, environ: Mapping[str, str] = os.environ) -> bool:
    """Return whether a model can be loaded without a download.

    Args:
        name: A name of the catalogue.
        data_dir: The data folder that the user named, if any.
        environ: Environment variables.

    Returns:
        True for a shipped model and for one in the data folder or the cache.
    """
    if name in shipped_names():
        return True
    row = next(row for row in OFFICIAL if row.name == name)
    return _in_data_folder(row, data_dir, environ) is not None or _cached(row, environ).is_file()


def feature_input_of(sha256: str) -> FeatureInput | None:
    """Return how the inputs of the catalogue's model with this hash are made, whatever name or path it was given by."""
    for row in OFFICIAL:
        if row.sha256 == sha256:
            return row.feature_input
    for name in shipped_names():
        card = json.loads((PRETRAINED / name / "card.json").read_text(encoding="utf-8"))
        if card["sha256"] == sha256:
            return feature_input_of_card(card)
    return None


def feature_input_of_card(card: Mapping[str, Any]) -> FeatureInput | None:
    """Read the ``input`` of a model's card; None where it takes the official files."""
    entry = card["input"]
    if entry["format"] == "benchmark":
        return None
    data = card["training_data"]
    return FeatureInput(
        pipeline=entry["features"],
        scale=entry["scale"],
        zero_point=entry["zero_point"],
        tested_on=entry["tested_on"],
        scored=entry.get("scored", True),
        classes=tuple(entry.get("classes", ())) or tuple(f"{number:02d}" for number in data.get("machine_ids", ())),
        trained_on="synthetic" if data["kind"] == "synthetic" else "real",
    )


def _shipped(name: str) -> CatalogModel:
    folder = PRETRAINED / name
    card = json.loads((folder / "card.json").read_text(encoding="utf-8"))
    sha256 = card["sha256"]

    def load() -> bytes:
        return checked_content((folder / "model.tflite").read_bytes(), sha256, str(folder / "model.tflite"))

    return CatalogModel(
        name=name,
        task=card["task"],
        origin="shipped",
        load=load,
        sha256=sha256,
        input_format=card["input"]["format"],
        input_bytes=card["input"]["bytes"],
        training_data=card["training_data"]["kind"],
        licence=card["licence"],
        url=card.get("url", ""),
        feature_input=feature_input_of_card(card),
    )


def _official(
    row: OfficialModel, data_dir: Path | None, progress: DownloadProgress | None, environ: Mapping[str, str]
) -> CatalogModel:
    return CatalogModel(
        name=row.name,
        task=row.task,
        origin="official",
        load=partial(_find_or_download, row, data_dir, progress, environ),
        sha256=row.sha256,
        input_format=row.input_format,
        input_bytes=row.input_bytes,
        training_data="real",
        licence=row.licence,
        url=row.url,
        feature_input=row.feature_input,
    )


def _in_data_folder(row: OfficialModel, data_dir: Path | None, environ: Mapping[str, str]) -> bytes | None:
    """The bytes of a published model from the data folder, identified by their hash."""
    for file in _candidates(row, data_dir, environ):
        content = read_model(file)
        if has_hash(content, row.sha256):
            return content
    return None


def _candidates(row: OfficialModel, data_dir: Path | None, environ: Mapping[str, str]) -> list[Path]:
    """The files that may be a published model, of the folder that the user named and then of MLPERF_TINY_DATA.

    The same model may lie there under a file name with an addition, such as a revision.
    """
    named, of_environment = data_folder(data_dir, environ), environ.get(DATA_VARIABLE)
    folders = [named] if named else []
    if of_environment and (folder := named_folder(of_environment, DATA_VARIABLE)) not in folders:
        folders.append(folder)
    places = [folder / place for folder in folders for place in row.folders]
    return [file for place in places for file in sorted(place.glob(f"{Path(row.file).stem}*.tflite"))]


def _not_the_model(row: OfficialModel, data_dir: Path | None, environ: Mapping[str, str]) -> str:
    """What a file under the name of a published model is instead, as a sentence; "" without such a file."""
    for file in _candidates(row, data_dir, environ):
        content = read_model(file)
        if kind := content_kind(content):
            return f" {file} is there but is {len(content):,} bytes, {kind.what}. {kind.advice}"
    return ""


def _cached(row: OfficialModel, environ: Mapping[str, str]) -> Path:
    return cache_folder(environ) / "models" / f"{row.name}-{row.sha256[:12]}.tflite"


def _find_or_download(
    row: OfficialModel, data_dir: Path | None, progress: DownloadProgress | None, environ: Mapping[str, str]
) -> bytes:
    """Return the bytes of a published model: from the data folder, else the cache, else its address."""
    found = _in_data_folder(row, data_dir, environ)
    if found is not None:
        return found
    cached = _cached(row, environ)
    try:
        with only_fetcher(cached, cache_folder(environ), waits=True):
            download(row.url, cached, row.sha256, progress)
    except DataError as error:
        other_kind = _not_the_model(row, data_dir, environ)
        wrong = other_kind or isinstance(error, WrongRequest)
        raise (WrongRequest if wrong else DataError)(
            f"model {row.name} was not found locally and could not be downloaded: {error}"
            f"{other_kind} "
            f"Put {row.file} into DIR/{row.folders[0]}/ and give --data DIR, or set {DATA_VARIABLE}=DIR, "
            f"or connect to a network to download it{_shipped_instead(row.task)}."
        ) from error
    return cached.read_bytes()


def _shipped_instead(task: str) -> str:
    """The shipped models of a task as the end of a sentence; "" for none."""
    names = [name for name in shipped_names() if _shipped(name).task == task]
    return f"; shipped with this program: {', '.join(names)} (--model {names[0]})" if names else ""


def _path(path: Path, task: str | None) -> CatalogModel:
    if task is None:
        raise UsageError(f"{path} is a model file without a task; add --task.")
    find_task(task)
    content = read_model(path)
    sha256 = hashlib.sha256(content).hexdigest()
    return CatalogModel(
        name=plain_text(path.stem),
        task=task,
        origin="path",
        load=lambda: content,
        sha256=sha256,
        input_format=None,
        input_bytes=None,
        training_data="unknown",
        licence="unknown",
        url="",
    )
