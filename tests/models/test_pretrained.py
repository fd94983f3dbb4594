# SPDX-License-Identifier: Apache-2.0
"""Every shipped model: its card is true, and the reference kernels give the figures on it."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

from models.catalog import PRETRAINED, find_model, shipped_names
from models.data import load_dataset
from models.evaluate import auc, int8_ad_scores
from models.tasks import find_task
from models.zoo import find_arch

interpreter = pytest.importorskip("ai_edge_litert.interpreter")

CARDS = [json.loads((PRETRAINED / name / "card.json").read_text()) for name in shipped_names()]
DENSE = "FULLY_CONNECTED"


def reference(content: bytes) -> object:
    resolver = interpreter.OpResolverType.BUILTIN_REF
    return interpreter.Interpreter(model_content=content, experimental_op_resolver_type=resolver)


@pytest.mark.parametrize("card", CARDS, ids=lambda card: card["name"])
def test_cards_say_what_the_file_is(card: dict) -> None:
    model, arch = find_model(card["name"]), find_arch(card["name"])
    content = model.load()
    assert len(content) == card["bytes"]
    assert (arch.macs, arch.parameters) == (card["macs"], card["parameters"])
    assert model.training_data == "synthetic" == card["training_data"]["kind"]
    assert "synthetic" in card["training_data"]["source"]
    loaded = reference(content)
    entry, result = loaded.get_input_details()[0], loaded.get_output_details()[0]  # type: ignore[attr-defined]
    assert entry["dtype"] is result["dtype"] is np.int8
    assert entry["quantization"] == (pytest.approx(card["input"]["scale"]), card["input"]["zero_point"])
    operators = [row["op_name"] for row in loaded._get_ops_details()]  # type: ignore[attr-defined]
    assert operators == [DENSE] * len(arch.blocks)


def test_the_auto_encoder_has_the_benchmarks_shape(data_dir: Path) -> None:
    ours, theirs = (
        reference(find_model("ad-autoencoder").load()),
        reference(find_model("mlperf-ad", data_dir=data_dir).load()),
    )
    weights = [
        sorted(tuple(row["shape"]) for row in loaded.get_tensor_details())  # type: ignore[attr-defined]
        for loaded in (ours, theirs)
    ]
    assert [shape for shape in weights[0] if len(shape) == 2 and 1 not in shape] == [
        shape for shape in weights[1] if len(shape) == 2 and 1 not in shape
    ]


def test_the_auto_encoder_gives_its_cards_figure() -> None:
    card = next(card for card in CARDS if card["name"] == "ad-autoencoder")
    task = find_task("ad")
    dataset = load_dataset(task, synthetic=True)
    scores = int8_ad_scores(reference(find_model(card["name"]).load()), (sample.load() for sample in dataset.samples))
    labels = np.array([sample.label for sample in dataset.samples])
    assert auc(labels, scores) == pytest.approx(card["figures"]["run_set"]["auc_int8"], abs=5e-5)
    assert auc(labels, scores) >= task.target


def test_scores_are_the_reference_firmwares(data_dir: Path) -> None:
    """The one real clip with a known score: 10.265, smallest window 8.098, largest 12.469 (device arithmetic)."""
    content = (data_dir / "ad01" / "normal_id_01_00000000_hist_librosa.bin").read_bytes()
    score = int8_ad_scores(reference(find_model("mlperf-ad", data_dir=data_dir).load()), [content])
    assert score[0] == pytest.approx(10.265, abs=5e-4)


def test_auc_is_scikit_learns() -> None:
    metrics = pytest.importorskip("sklearn.metrics")
    rng = np.random.default_rng(2)
    labels, scores = rng.integers(0, 2, 200), rng.integers(0, 30, 200).astype(np.float64)
    assert auc(labels, scores) == pytest.approx(metrics.roc_auc_score(labels, scores))
