# SPDX-License-Identifier: Apache-2.0
"""Every shipped model: its card is true, and the reference kernels reproduce its metrics."""

from __future__ import annotations

import json
from dataclasses import fields
from functools import partial
from pathlib import Path

import numpy as np
import pytest

from mlperf_tiny.models.arch.zoo import find_arch
from mlperf_tiny.models.catalog.catalog import PRETRAINED, find_model, shipped_names
from mlperf_tiny.models.data.load import load_dataset
from mlperf_tiny.models.data.sources.speech_commands import find_speech_commands
from mlperf_tiny.models.data.synthetic.scenes import synthetic_scenes
from mlperf_tiny.models.data.synthetic.sets import faulty_clips, normal_clips
from mlperf_tiny.models.features.pipelines import find_pipeline
from mlperf_tiny.models.tasks import find_task
from mlperf_tiny.models.training.datasets.machine_patches import ClipPatches, patch_metrics
from mlperf_tiny.models.training.datasets.machines import machine_clips
from mlperf_tiny.models.training.datasets.scores import auc, int8_ad_scores
from mlperf_tiny.models.training.datasets.training_set import features_of
from mlperf_tiny.models.training.interpreter import int8_outputs, open_interpreter
from mlperf_tiny.models.training.recipes.recipe import Recipe
from tests.fakes.tflite_operators import OPERATORS

interpreter = pytest.importorskip("ai_edge_litert.interpreter")

CARDS = [json.loads((PRETRAINED / name / "card.json").read_text()) for name in shipped_names()]
MICRONETS = [card for card in CARDS if card["input"]["format"] == "features"]


def reference(content: bytes) -> object:
    resolver = interpreter.OpResolverType.BUILTIN_REF
    return interpreter.Interpreter(model_content=content, experimental_op_resolver_type=resolver)


def named(cards: list[dict]) -> pytest.MarkDecorator:
    return pytest.mark.parametrize("card", cards, ids=lambda card: card["name"])


@named(CARDS)
def test_card_describes_the_file(card: dict) -> None:
    model, arch = find_model(card["name"]), find_arch(card.get("network", card["name"]))
    content = model.load()
    assert len(content) == card["bytes"]
    assert (arch.macs, arch.parameters) == (card["macs"], card["parameters"])
    assert model.training_data == card["training_data"]["kind"]
    loaded = reference(content)
    entry, result = loaded.get_input_details()[0], loaded.get_output_details()[0]  # type: ignore[attr-defined]
    assert entry["dtype"] is result["dtype"] is np.int8
    assert entry["quantization"] == (pytest.approx(card["input"]["scale"]), card["input"]["zero_point"])
    assert int(np.prod(entry["shape"])) == card["input"]["bytes"]
    operators = [row["op_name"] for row in loaded._get_ops_details()]  # type: ignore[attr-defined]
    assert operators == [OPERATORS[layer.kind] for layer in arch.layers]


@named(CARDS)
def test_card_states_the_origin_of_the_weights(card: dict) -> None:
    assert card["recipe"]["command"].startswith(f"micronet-train {card.get('network', card['name'])} --out DIR")
    assert {"python", "tensorflow", "keras", "numpy"} <= set(card["versions"])
    assert card["recipe"]["seed"] >= 0 and card["date"] and card["description"] and card["licence"]
    if card["training_data"]["kind"] == "synthetic":
        assert (PRETRAINED.parents[1] / card["training_data"]["source"]).is_file()
    else:
        assert "CC BY 4.0" in card["training_data"]["source"] and "CC-BY-4.0" in card["licence"]
    # The clips of the toy cars and the images of the benchmark may not be trained on for a published model.
    assert card["training_data"]["kind"] == "synthetic" or card["task"] == "kws"


@named(CARDS)
def test_cards_name_the_fields_of_recipes(card: dict) -> None:
    assert card["recipe"].keys() - {"command"} <= {field.name for field in fields(Recipe)}


def test_all_weights_together_are_small() -> None:
    assert sum(card["bytes"] for card in CARDS) <= 3_000_000


@named(MICRONETS)
def test_metrics_of_float_and_int8_agree(card: dict) -> None:
    figures = {form: card["figures"][form]["test"][card["metric"]] for form in ("float", "int8_in_training", "tflite")}
    assert abs(figures["tflite"] - figures["int8_in_training"]) < 0.01, figures
    # After few steps the statistics of the norms lag; int8 training corrects that, so it may be better, not worse.
    assert figures["tflite"] > figures["float"] - 0.03, figures


@named([card for card in MICRONETS if card["task"] == "kws"])
def test_keyword_networks_reproduce_their_cards_accuracy(card: dict, data_dir: Path) -> None:
    examples = find_speech_commands(data_dir)
    assert examples is not None
    inputs, labels = features_of(examples.test, find_pipeline(card["input"]["features"]))
    logits = int8_outputs(open_interpreter(find_model(card["name"]).load()), inputs)
    wanted = card["figures"]["tflite"]["test"]
    assert len(labels) == wanted["clips"]
    # Kernels of other processors may round a few clips the other way.
    assert abs(int(np.sum(logits.argmax(axis=1) == labels)) - wanted["right"]) <= 4


@named([card for card in MICRONETS if card["task"] == "ad"])
def test_machine_networks_detect_anomalies(card: dict) -> None:
    clips = machine_clips(normal_clips("test", 2) + faulty_clips("test", 2))
    patches = ClipPatches.of(clips, find_pipeline(card["input"]["features"]))
    made = patch_metrics(clips, patches, partial(int8_outputs, open_interpreter(find_model(card["name"]).load())))
    assert made["auc"] > 0.7 and made["normal_patch_accuracy"] > 0.8


@named([card for card in MICRONETS if card["task"] == "vww"])
def test_image_networks_find_people_in_synthetic_scenes(card: dict) -> None:
    inputs, labels = features_of(synthetic_scenes(500).test, find_pipeline(card["input"]["features"]))
    logits = int8_outputs(open_interpreter(find_model(card["name"]).load()), inputs)
    wanted = card["figures"]["tflite"]["test"]["accuracy"]
    assert np.mean(logits.argmax(axis=1) == labels) == pytest.approx(wanted, abs=0.08)


def test_auto_encoder_has_the_benchmarks_layers(data_dir: Path) -> None:
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


def test_auto_encoder_reproduces_its_cards_auc() -> None:
    card = next(card for card in CARDS if card["name"] == "ad-autoencoder")
    task = find_task("ad")
    dataset = load_dataset(task, synthetic=True)
    scores = int8_ad_scores(reference(find_model(card["name"]).load()), (sample.load() for sample in dataset.samples))
    labels = np.array([sample.label for sample in dataset.samples])
    assert auc(labels, scores) == pytest.approx(card["figures"]["tflite"]["run_set"]["auc"], abs=5e-5)
    assert auc(labels, scores) >= task.target


def test_scores_equal_the_reference_firmware(data_dir: Path) -> None:
    """The one real clip with a known score: 10.265, smallest window 8.098, largest 12.469 (device arithmetic)."""
    content = (data_dir / "ad01" / "normal_id_01_00000000_hist_librosa.bin").read_bytes()
    score = int8_ad_scores(reference(find_model("mlperf-ad", data_dir=data_dir).load()), [content])
    assert score[0] == pytest.approx(10.265, abs=5e-4)
