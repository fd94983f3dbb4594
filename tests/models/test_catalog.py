# SPDX-License-Identifier: Apache-2.0
"""Models by name and by path, and where their bytes come from."""

from __future__ import annotations

import dataclasses
import hashlib
from pathlib import Path

import pytest

from mlperf_tiny.errors import DataError, UsageError
from mlperf_tiny.models.catalog import catalog, official
from mlperf_tiny.models.catalog.catalog import available_locally, feature_input_of, find_model, model_names
from mlperf_tiny.models.catalog.model import benchmark_format
from mlperf_tiny.models.catalog.official import OFFICIAL
from mlperf_tiny.models.inputs.feature_inputs import feature_dataset
from mlperf_tiny.models.tasks import TASKS, Task

NOWHERE = {"MLPERF_TINY_CACHE": "/nonexistent"}


@pytest.mark.parametrize("row", OFFICIAL, ids=lambda row: row.name)
def test_official_rows_are_complete(row: official.OfficialModel) -> None:
    assert len(row.sha256) == 64 and int(row.sha256, 16)
    assert row.url.startswith("https://") and row.url.endswith("/" + row.file)
    assert model_names().count(row.name) == 1
    assert len({other.sha256 for other in OFFICIAL}) == len(OFFICIAL)


@pytest.mark.parametrize("row", OFFICIAL, ids=lambda row: row.name)
def test_published_models_are_found_in_the_data_folder(row: official.OfficialModel, data_dir: Path) -> None:
    interpreter = pytest.importorskip("ai_edge_litert.interpreter")
    if not available_locally(row.name, data_dir=data_dir):
        pytest.skip(f"{row.file} is not in the data folder")
    model = find_model(row.name, data_dir=data_dir)
    content = model.load()
    assert hashlib.sha256(content).hexdigest() == model.sha256
    entry = interpreter.Interpreter(model_content=content).get_input_details()[0]
    assert entry["shape"].prod() == model.input_bytes
    assert benchmark_format(model.task, model.input_bytes or 0, *entry["quantization"]) == model.input_format


@pytest.mark.parametrize("task", TASKS, ids=lambda task: task.name)
def test_the_default_model_of_every_task_can_be_scored(task: Task) -> None:
    model = find_model(task.default_model)
    assert model.task == task.name
    if model.input_format == "benchmark":
        return
    # Its feature pipeline must have data on a machine without any.
    own = feature_input_of(model.sha256)
    assert model.origin == "shipped" and own is not None
    dataset = feature_dataset(own, task, environ=NOWHERE)
    assert dataset is not None and dataset.labelled and dataset.source == "synthetic"


def test_unknown_name_lists_known_names() -> None:
    with pytest.raises(UsageError, match="no model 'kws'") as refused:
        find_model("kws")
    assert all(name in str(refused.value) for name in model_names())


def test_find_model_refuses_other_task() -> None:
    with pytest.raises(UsageError, match=r"mlperf-sww is for task sww, not kws\. Name another model\.$"):
        find_model("mlperf-sww", "kws")
    with pytest.raises(UsageError, match="mlperf-kws is for task kws, not ad"):
        find_model("mlperf-kws", "ad")


def test_path_needs_a_task_and_a_readable_file(tmp_path: Path) -> None:
    path = tmp_path / "mine.tflite"
    path.write_bytes(b"bytes")
    model = find_model(str(path), "kws")
    assert (model.name, model.task, model.origin, model.load()) == ("mine", "kws", "path", b"bytes")
    assert model.sha256 == hashlib.sha256(b"bytes").hexdigest() and model.input_format is None
    for arguments, error, wanted in (
        ((str(path), None), UsageError, "add --task"),
        ((str(path), "nose"), UsageError, "no task 'nose'"),
        ((str(tmp_path / "none.tflite"), "kws"), DataError, "cannot be read"),
        ((str(tmp_path), "kws"), UsageError, "no model"),
    ):
        with pytest.raises(error, match=wanted):
            find_model(*arguments)


@pytest.fixture
def published(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> official.OfficialModel:
    """A row whose address is a file of this machine."""
    row = next(row for row in OFFICIAL if row.name == "mlperf-kws")
    site = tmp_path / "site" / row.file
    site.parent.mkdir()
    site.write_bytes(b"a model")
    row = dataclasses.replace(row, url=site.as_uri(), sha256=hashlib.sha256(b"a model").hexdigest())
    monkeypatch.setattr(catalog, "OFFICIAL", (row,))
    return row


def test_model_is_downloaded_once(tmp_path: Path, published: official.OfficialModel) -> None:
    environ = {"MLPERF_TINY_CACHE": str(tmp_path / "cache")}
    steps: list[tuple[str, int, int | None]] = []
    model = find_model(published.name, environ=environ, progress=lambda *step: steps.append(step))
    assert not (tmp_path / "cache").exists()
    assert model.load() == b"a model" and steps
    (tmp_path / "site" / published.file).unlink()
    assert find_model(published.name, environ=environ).load() == b"a model"


def test_data_folder_is_searched_before_the_network(tmp_path: Path, published: official.OfficialModel) -> None:
    folder = tmp_path / "data" / "reference_models"
    folder.mkdir(parents=True)
    (folder / published.file).write_bytes(b"a model")
    assert find_model(published.name, data_dir=tmp_path / "data", environ=NOWHERE).load() == b"a model"
    assert find_model(published.name, environ={**NOWHERE, "MLPERF_TINY_DATA": str(tmp_path / "data")}).load()


def test_file_with_other_content_is_ignored(tmp_path: Path, published: official.OfficialModel) -> None:
    (tmp_path / published.file).write_bytes(b"another model")
    environ = {"MLPERF_TINY_CACHE": str(tmp_path / "cache")}
    assert find_model(published.name, data_dir=tmp_path, environ=environ).load() == b"a model"


def test_missing_model_error_names_three_ways_to_get_it(tmp_path: Path, published: official.OfficialModel) -> None:
    (tmp_path / "site" / published.file).unlink()
    with pytest.raises(DataError, match=r"--data DIR, or set MLPERF_TINY_DATA=DIR, or .*download"):
        find_model(published.name, environ={"MLPERF_TINY_CACHE": str(tmp_path / "cache")}).load()


def test_shipped_model_is_checked_against_its_card(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    name = "ad-autoencoder"
    folder = tmp_path / name
    folder.mkdir()
    for file in ("model.tflite", "card.json"):
        (folder / file).write_bytes((catalog.PRETRAINED / name / file).read_bytes())
    monkeypatch.setattr(catalog, "PRETRAINED", tmp_path)
    assert find_model(name).load()
    (folder / "model.tflite").write_bytes(b"changed")
    with pytest.raises(DataError, match="Install the package again"):
        find_model(name).load()


@pytest.mark.parametrize(
    ("task", "form", "wanted"),
    [
        ("kws", (490, 0.5847029, 83), "benchmark"),
        ("kws", (490, 0.20109497, -5), "features"),
        ("kws", (490, 0.5847029, 82), "features"),
        ("vww", (27_648, 0.003921568859368563, -128), "benchmark"),
        ("vww", (2_500, 0.00754917832, -72), "features"),
        ("ic", (3_072, 1.0, -128), "benchmark"),
        ("ic", (3_072, 1 / 255, -128), "features"),
        ("ad", (640, 0.25, 86), "benchmark"),
        ("ad", (1_024, 0.19, 11), "features"),
        ("sww", (1_200, 0.0037, -128), "features"),
    ],
)
def test_benchmark_format_of_input_tensors(task: str, form: tuple[int, float, int], wanted: str) -> None:
    assert benchmark_format(task, *form) == wanted
