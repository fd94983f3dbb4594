# SPDX-License-Identifier: Apache-2.0
"""The way from an untrained network to .tflite and card, stopped in the middle and not."""

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
from mlperf_tiny.models.arch.blocks import Conv, Flatten, GlobalPool, Separable
from mlperf_tiny.models.training.card import Trained
from mlperf_tiny.models.training.datasets.augmentation_cache import Pass, PassStore
from mlperf_tiny.models.training.datasets.training_set import Material
from mlperf_tiny.models.training.epochs import loss_of
from mlperf_tiny.models.training.loop import Step
from mlperf_tiny.models.training.recipes.recipes import Distillation, recipe_for
from mlperf_tiny.models.training.teacher import Teacher
from mlperf_tiny.models.training.train import Progress, train_micronet

tf = pytest.importorskip("tensorflow")

from mlperf_tiny.models.arch.build import build  # noqa: E402

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
    recipe_for("kws"),
    epochs=6,
    int8_epochs=2,
    batch=16,
    passes=2,
    masking=None,
    input_range=None,
    augmentation=None,
    learning_rate=2e-2,
)
TEACHER = Teacher(("wise",), "0" * 64, lambda inputs: 2 * np.stack([inputs[:, 2 * n, n, 0] for n in range(CLASSES)], 1))


def samples(number: int) -> Pass:
    """Noise with a bright spot at one of three places."""
    rng = np.random.default_rng([9, number])
    labels = rng.integers(0, CLASSES, 128)
    inputs = rng.normal(0, 0.3, (128, 8, 6, 1)).astype(np.float32)
    inputs[np.arange(128), labels * 2, labels, 0] += 3.0
    inputs[np.arange(128), labels * 2, labels + 1, 0] += 3.0 * labels
    return Pass(inputs, labels)


def material(folder: Path) -> Material:
    test = samples(77)

    def figures(predict: Any) -> dict[str, dict[str, float]]:
        return {"test": {"clips": 128, "accuracy": float(np.mean(predict(test.inputs).argmax(1) == test.labels))}}

    store = PassStore(folder, {"examples": "spots"}, samples)
    own = {"features": "micronet-kws", "tested_on": "test"}
    return Material(CLASSES, store, figures, "accuracy", {"kind": "synthetic"}, own, "Spots.", "Apache-2.0")


class Stopped(Exception):
    """The process ends here."""


def run(out: Path, cache: Path, stop_after: tuple[str, int] | None = None, **changes: Any) -> dict[str, Any]:
    def step(now: Step) -> None:
        if (now.phase, now.done) == stop_after:
            raise Stopped

    trained = Trained("small", "small", "kws", SMALL.macs, SMALL.parameters)
    recipe = replace(RECIPE, **changes)
    heard = Progress(step, lambda text: None)
    return train_micronet(lambda: build(SMALL), trained, recipe, material(cache), TEACHER, out, heard)


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, dict[str, Any]]:
    out = tmp_path_factory.mktemp("whole")
    return out, run(out, out / "passes")


def test_it_learns_and_the_three_forms_agree(whole: tuple[Path, dict[str, Any]]) -> None:
    figures = whole[1]["figures"]
    accuracies = {form: figures[form]["test"]["accuracy"] for form in ("float", "int8_in_training", "tflite")}
    assert min(accuracies.values()) > 0.6, accuracies  # one in three by chance
    assert abs(accuracies["int8_in_training"] - accuracies["tflite"]) < 0.02


def test_the_card_is_about_the_file(whole: tuple[Path, dict[str, Any]]) -> None:
    out, card = whole
    content = (out / "model.tflite").read_bytes()
    assert json.loads((out / "card.json").read_text()) == card
    assert (card["bytes"], card["sha256"]) == (len(content), hashlib.sha256(content).hexdigest())
    assert (card["macs"], card["parameters"]) == (SMALL.macs, SMALL.parameters)
    assert card["teacher"]["models"] == ["wise"] and "--distill wise" in card["recipe"]["command"]
    assert card["input"]["bytes"] == 48 and card["input"]["format"] == "features"
    assert {"tensorflow", "keras", "numpy", "python"} <= set(card["versions"])
    assert str(out) not in json.dumps(card)


@pytest.mark.parametrize("stop", [("float", 2), ("int8", 1)], ids=str)
def test_stopped_and_resumed_is_the_same(
    stop: tuple[str, int], whole: tuple[Path, dict[str, Any]], tmp_path: Path
) -> None:
    with pytest.raises(Stopped):
        run(tmp_path, whole[0] / "passes", stop_after=stop)
    assert not (tmp_path / "model.tflite").exists()
    run(tmp_path, whole[0] / "passes")
    assert (tmp_path / "model.tflite").read_bytes() == (whole[0] / "model.tflite").read_bytes()


def test_a_checkpoint_of_another_recipe_is_refused(whole: tuple[Path, dict[str, Any]]) -> None:
    with pytest.raises(DataError, match=r"float\.npz is of a training with other settings"):
        run(whole[0], whole[0] / "passes", batch=32)


def test_the_loss_is_hintons() -> None:
    rng = np.random.default_rng(3)
    logits, teacher = rng.normal(size=(4, 3)).astype(np.float32), rng.normal(size=(4, 3)).astype(np.float32)
    labels = np.array([[1, 0, 0], [0, 0.25, 0.75], [0, 0, 1], [0, 0, 0]], np.float32)

    def softmax(x: np.ndarray) -> np.ndarray:
        return np.exp(x) / np.exp(x).sum(axis=1, keepdims=True)

    hard = -(labels * np.log(softmax(logits))).sum(axis=1)
    wanted, got = softmax(teacher / 4), softmax(logits / 4)
    soft = 16 * (wanted * np.log(wanted / got)).sum(axis=1)
    expected = np.where([True, True, True, False], 0.5 * hard + 0.5 * soft, soft)
    loss = loss_of(Distillation(0.5, 4.0), 3, 0.0)(np.concatenate([labels, teacher], 1), logits)
    np.testing.assert_allclose(loss, expected, rtol=1e-4)
    np.testing.assert_allclose(loss_of(None, 3, 0.0)(np.concatenate([labels, teacher], 1), logits), hard, rtol=1e-4)
