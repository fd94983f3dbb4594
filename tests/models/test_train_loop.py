# SPDX-License-Identifier: Apache-2.0
"""From an untrained network to .tflite and card: classifiers and auto-encoders, interrupted and not."""

from __future__ import annotations

import hashlib
import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from mlperf_tiny.errors import DataError
from mlperf_tiny.models.arch.arch import Arch
from mlperf_tiny.models.arch.blocks import Conv, Dense, Flatten, GlobalPool, Separable
from mlperf_tiny.models.training.datasets.augmentation_cache import AugmentationCache, AugmentedEpoch
from mlperf_tiny.models.training.datasets.training_set import TrainingSet
from mlperf_tiny.models.training.recipes.recipe import Distillation, Recipe
from mlperf_tiny.models.training.recipes.recipes import AD_AUTOENCODER, KWS
from mlperf_tiny.models.training.teacher import Teacher
from mlperf_tiny.progress import Listener, Progress

tf = pytest.importorskip("tensorflow")

from mlperf_tiny.models.training.losses import softmax_loss  # noqa: E402
from mlperf_tiny.models.training.train import train_network  # noqa: E402

CLASSES = 3
SMALL = Arch(
    name="small",
    input_shape=(8, 6, 1),
    blocks=(
        Conv(6, (3, 3)),
        Separable(8, (2, 2)),
        GlobalPool(),
        Conv(CLASSES, (1, 1), relu="none", batch_norm=False),
        Flatten(),
    ),
)
RECIPE = replace(
    KWS,
    epochs=6,
    int8_epochs=2,
    batch=16,
    augmented_epochs=2,
    spec_augment=None,
    input_range=None,
    augmentation=None,
    learning_rate=2e-2,
)
TEACHER = Teacher(
    names=("wise",),
    sha256="0" * 64,
    predict=lambda inputs: 2 * np.stack([inputs[:, 2 * n, n, 0] for n in range(CLASSES)], 1),
)
NARROW = Arch(name="narrow", input_shape=(12,), blocks=(Dense(8), Dense(3), Dense(12, batch_norm=False, relu=False)))
RECONSTRUCTION = replace(AD_AUTOENCODER, epochs=30, batch=24, learning_rate=2e-2, threads=None)


def spots(number: int) -> AugmentedEpoch:
    """Noise with a bright spot at one of three positions."""
    rng = np.random.default_rng([9, number])
    labels = rng.integers(0, CLASSES, 128)
    inputs = rng.normal(0, 0.3, (128, 8, 6, 1)).astype(np.float32)
    inputs[np.arange(128), labels * 2, labels, 0] += 3.0
    inputs[np.arange(128), labels * 2, labels + 1, 0] += 3.0 * labels
    return AugmentedEpoch(inputs, labels)


def spot_set(folder: Path) -> TrainingSet:
    test = spots(77)

    def evaluate(predict: Any) -> dict[str, dict[str, float]]:
        return {"test": {"clips": 128, "accuracy": float(np.mean(predict(test.inputs).argmax(1) == test.labels))}}

    return TrainingSet(
        classes=CLASSES,
        cache=AugmentationCache(folder=folder, settings={"examples": "spots"}, make=spots),
        evaluate=evaluate,
        metric="accuracy",
        provenance={"kind": "synthetic"},
        input={"features": "micronet-kws", "tested_on": "test"},
        description="Spots.",
        licence="Apache-2.0",
    )


def lines(number: int) -> AugmentedEpoch:
    """Straight lines of 12 values: two numbers describe each."""
    rng = np.random.default_rng([5, number])
    ends = rng.normal(0, 1, (2, 100, 1)).astype(np.float32)
    return AugmentedEpoch(ends[0] + ends[1] * np.linspace(-1, 1, 12, dtype=np.float32), np.zeros(100, np.int64))


def line_set(folder: Path) -> TrainingSet:
    def evaluate(predict: Any) -> dict[str, dict[str, float]]:
        inputs = lines(77).inputs
        return {"test": {"clips": 100, "error": float(np.mean((predict(inputs) - inputs) ** 2))}}

    return TrainingSet(
        classes=12,
        cache=AugmentationCache(folder=folder, settings={"examples": "lines"}, make=lines, versions=1),
        evaluate=evaluate,
        metric="error",
        provenance={"kind": "synthetic"},
        input={"format": "benchmark"},
        description="Lines.",
        licence="Apache-2.0",
        calibration=lambda: lines(3).inputs,
    )


class Interrupted(Exception):
    """The process ends here."""


def stopping_after(stop: tuple[str, int] | None) -> Listener:
    """A listener that ends the training after an epoch of a phase, given as (stage, done)."""

    def progress(now: Progress) -> None:
        if (now.stage, now.done) == stop:
            raise Interrupted

    return Listener(progress=progress)


def train_spots(out: Path, cache: Path, stop: tuple[str, int] | None = None, **changes: Any) -> dict[str, Any]:
    recipe: Recipe = replace(RECIPE, **changes)
    return train_network(SMALL, recipe, spot_set(cache), TEACHER, out, stopping_after(stop))


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, dict[str, Any]]:
    out = tmp_path_factory.mktemp("whole")
    return out, train_spots(out, out / "cache")


def test_training_beats_chance_and_the_three_forms_agree(whole: tuple[Path, dict[str, Any]]) -> None:
    figures = whole[1]["figures"]
    accuracies = {form: figures[form]["test"]["accuracy"] for form in ("float", "int8_in_training", "tflite")}
    assert min(accuracies.values()) > 0.6, accuracies  # one in three by chance
    assert abs(accuracies["int8_in_training"] - accuracies["tflite"]) < 0.02


def test_card_describes_the_file(whole: tuple[Path, dict[str, Any]]) -> None:
    out, card = whole
    content = (out / "model.tflite").read_bytes()
    assert json.loads((out / "card.json").read_text()) == json.loads(json.dumps(card))
    assert (card["bytes"], card["sha256"]) == (len(content), hashlib.sha256(content).hexdigest())
    assert (card["macs"], card["parameters"]) == (SMALL.macs, SMALL.parameters)
    assert card["teacher"]["models"] == ["wise"] and "--distill wise" in card["recipe"]["command"]
    assert card["input"]["bytes"] == 48 and card["input"]["format"] == "features"
    assert {"tensorflow", "keras", "numpy", "python"} <= set(card["versions"])
    assert str(out) not in json.dumps(card)


@pytest.mark.parametrize("stop", [("float training", 2), ("int8 training", 1)], ids=str)
def test_resumed_training_ends_in_the_same_bytes(
    stop: tuple[str, int], whole: tuple[Path, dict[str, Any]], tmp_path: Path
) -> None:
    with pytest.raises(Interrupted):
        train_spots(tmp_path, whole[0] / "cache", stop)
    assert not (tmp_path / "model.tflite").exists()
    train_spots(tmp_path, whole[0] / "cache")
    assert (tmp_path / "model.tflite").read_bytes() == (whole[0] / "model.tflite").read_bytes()


def test_resume_refuses_a_checkpoint_of_another_recipe(whole: tuple[Path, dict[str, Any]]) -> None:
    with pytest.raises(DataError, match=r"float\.npz is a checkpoint of a training with other settings"):
        train_spots(whole[0], whole[0] / "cache", batch=32)


def with_former_names(file: Path) -> None:
    """Rewrite a checkpoint as it was written before the training set, and fields of the recipe, were renamed."""
    former = {
        "final_learning_rate": "last_learning_rate",
        "ema_decay": "average",
        "augmented_epochs": "passes",
        "synthetic_per_class": "made_up_per_class",
        "spec_augment": "masking",
    }
    new = {"networks", "dataset", "loss", "partial_batches", "clip_norm", "shuffle", "threads"}
    with np.load(file) as stored:
        values = dict(stored)
    head = json.loads(str(values["head"]))
    settings = head["settings"]
    settings["material"] = settings.pop("training_set")
    settings["recipe"] = {former.get(k, k): value for k, value in settings["recipe"].items() if k not in new}
    with file.open("wb") as stream:
        np.savez(stream, **{**values, "head": np.array(json.dumps(head, sort_keys=True))})


def test_checkpoints_with_the_former_names_of_settings_are_resumed(
    whole: tuple[Path, dict[str, Any]], tmp_path: Path
) -> None:
    with pytest.raises(Interrupted):
        train_spots(tmp_path, whole[0] / "cache", ("float training", 5))
    with_former_names(tmp_path / "float.npz")
    with pytest.raises(DataError, match="other settings"):
        train_spots(tmp_path, whole[0] / "cache", seed=8)
    train_spots(tmp_path, whole[0] / "cache")
    assert (tmp_path / "model.tflite").read_bytes() == (whole[0] / "model.tflite").read_bytes()


@pytest.fixture(scope="module")
def reconstruction(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, dict[str, Any]]:
    out = tmp_path_factory.mktemp("reconstruction")
    return out, train_network(NARROW, RECONSTRUCTION, line_set(out / "cache"), None, out, Listener())


def test_autoencoder_is_trained_by_the_same_loop(reconstruction: tuple[Path, dict[str, Any]]) -> None:
    out, card = reconstruction
    variance = float(np.mean(lines(77).inputs ** 2))
    assert card["figures"].keys() == {"float", "tflite"}
    assert card["figures"]["float"]["test"]["error"] < 0.5 * variance
    assert card["figures"]["tflite"]["test"]["error"] == pytest.approx(
        card["figures"]["float"]["test"]["error"], rel=0.1
    )
    assert card["input"]["format"] == "benchmark" and "--int8-epochs 0" in card["recipe"]["command"]
    assert {path.name for path in out.glob("*.npz")} == {"float.npz"}


def test_autoencoder_training_is_resumed(reconstruction: tuple[Path, dict[str, Any]], tmp_path: Path) -> None:
    cache = reconstruction[0] / "cache"
    with pytest.raises(Interrupted):
        train_network(NARROW, RECONSTRUCTION, line_set(cache), None, tmp_path, stopping_after(("float training", 2)))
    train_network(NARROW, RECONSTRUCTION, line_set(cache), None, tmp_path, Listener())
    assert (tmp_path / "model.tflite").read_bytes() == (reconstruction[0] / "model.tflite").read_bytes()


def test_distillation_loss_is_hintons() -> None:
    rng = np.random.default_rng(3)
    logits, teacher = rng.normal(size=(4, 3)).astype(np.float32), rng.normal(size=(4, 3)).astype(np.float32)
    labels = np.array([[1, 0, 0], [0, 0.25, 0.75], [0, 0, 1], [0, 0, 0]], np.float32)

    def softmax(x: np.ndarray) -> np.ndarray:
        return np.exp(x) / np.exp(x).sum(axis=1, keepdims=True)

    hard = -(labels * np.log(softmax(logits))).sum(axis=1)
    wanted, got = softmax(teacher / 4), softmax(logits / 4)
    soft = 16 * (wanted * np.log(wanted / got)).sum(axis=1)
    expected = np.where([True, True, True, False], 0.5 * hard + 0.5 * soft, soft)
    loss = softmax_loss(Distillation(coefficient=0.5, temperature=4.0), 3, 0.0)(
        np.concatenate([labels, teacher], 1), logits
    )
    np.testing.assert_allclose(loss, expected, rtol=1e-4)
    np.testing.assert_allclose(
        softmax_loss(None, 3, 0.0)(np.concatenate([labels, teacher], 1), logits), hard, rtol=1e-4
    )
