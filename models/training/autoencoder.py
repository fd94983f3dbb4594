# SPDX-License-Identifier: Apache-2.0
"""Train the auto-encoder for machine sounds and write it as int8 .tflite with its card.

The anomaly-detection auto-encoder learns healthy machines only, from the synthetic source. Training, calibration and
test clips differ; the machines are the same four. Needs the ``[train]`` extra; three minutes on one core. The same
recipe on the same processor type and versions gives the same bytes.
"""

from __future__ import annotations

import hashlib
import json
import platform
from collections.abc import Callable
from dataclasses import asdict, dataclass
from datetime import datetime, timezone
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from mlperf_tiny.models.arch.arch import Arch
from mlperf_tiny.models.arch.build import build, fold
from mlperf_tiny.models.data.formats.dataset import Dataset
from mlperf_tiny.models.data.synthetic.machines import MACHINE_IDS
from mlperf_tiny.models.data.synthetic.sets import clip_features, faulty_clips, machine_sounds, normal_clips
from mlperf_tiny.models.tasks import BY_NAME
from mlperf_tiny.models.training.datasets.scores import ad_score, ad_windows, auc, int8_ad_scores
from mlperf_tiny.models.training.quantize import quantize

Floats = NDArray[np.float32]
Say = Callable[[str], None]


@dataclass(frozen=True)
class Recipe:
    """How a network is trained. Clips are counted per machine id."""

    seed: int = 7
    train_clips: int = 80
    calibration_clips: int = 4
    epochs: int = 60
    batch: int = 512
    learning_rate: float = 1e-3
    final_learning_rate: float = 1e-5  # reached along a half cosine


# A larger set than the one a run uses, so that the card's figure is not the luck of 40 clips.
WIDE_TEST_CLIPS = 50


def train_autoencoder(arch: Arch, recipe: Recipe, say: Say) -> Any:
    """Return the trained float model (keras, with norms) of an auto-encoder ``arch``."""
    import keras
    import tensorflow as tf

    keras.utils.set_random_seed(recipe.seed)
    tf.config.experimental.enable_op_determinism()
    # The order of sums depends on the number of threads; one thread makes a recipe repeatable on like machines.
    tf.config.threading.set_intra_op_parallelism_threads(1)
    tf.config.threading.set_inter_op_parallelism_threads(1)
    say(f"making {recipe.train_clips * len(MACHINE_IDS)} healthy clips")
    inputs = np.concatenate([ad_windows(clip_features(clip)) for clip in normal_clips("train", recipe.train_clips)])
    steps = recipe.epochs * -(-len(inputs) // recipe.batch)
    rate = keras.optimizers.schedules.CosineDecay(
        recipe.learning_rate, steps, alpha=recipe.final_learning_rate / recipe.learning_rate
    )
    model = build(arch)
    model.compile(optimizer=keras.optimizers.Adam(rate), loss="mse")
    tell = keras.callbacks.LambdaCallback(
        on_epoch_end=lambda epoch, logs: say(f"epoch {epoch + 1}/{recipe.epochs}: loss {logs['loss']:.3f}")
    )
    model.fit(inputs, inputs, batch_size=recipe.batch, epochs=recipe.epochs, verbose=0, callbacks=[tell])
    return model


def figures(model: Any, content: bytes, dataset: Dataset) -> dict[str, float]:
    """Return the AUC on ``dataset`` of the float ``model`` and of its int8 form ``content``."""
    import tensorflow as tf

    files = [sample.load() for sample in dataset.samples]
    labels = np.array([sample.label for sample in dataset.samples])
    float_scores = np.array([ad_score(model(x, training=False).numpy(), x) for x in map(ad_windows, files)])
    # The reference kernels: what the devices are compared with.
    resolver = tf.lite.experimental.OpResolverType.BUILTIN_REF
    interpreter = tf.lite.Interpreter(model_content=content, experimental_op_resolver_type=resolver)
    int8_scores = int8_ad_scores(interpreter, files)
    return {
        "clips": len(files),
        "auc_float": round(auc(labels, float_scores), 4),
        "auc_int8": round(auc(labels, int8_scores), 4),
    }


def make_card(arch: Arch, recipe: Recipe, model: Any, content: bytes) -> dict[str, Any]:
    """Return the card of a finished model: what it is, what it learned from, how, and what it gives."""
    import keras
    import tensorflow as tf

    task = BY_NAME["ad"]
    wide = normal_clips("test", WIDE_TEST_CLIPS) + faulty_clips("test", WIDE_TEST_CLIPS)
    interpreter = tf.lite.Interpreter(model_content=content)
    scale, zero_point = interpreter.get_input_details()[0]["quantization"]
    return {
        "name": arch.name,
        "task": task.name,
        "file": "model.tflite",
        "bytes": len(content),
        "sha256": hashlib.sha256(content).hexdigest(),
        "licence": "Apache-2.0",
        "description": (
            "The shape of the MLPerf Tiny anomaly-detection model, trained in this repository on made-up machine "
            "sounds. It knows four made-up machines and nothing else: its figures say that the way through the "
            "benchmark works and are not comparable with any on real recordings."
        ),
        "training_data": {
            "kind": "synthetic",
            "source": "models/data/synthetic/machines.py",
            "clips": recipe.train_clips * len(MACHINE_IDS),
            "machine_ids": list(MACHINE_IDS),
        },
        "input": {"format": "benchmark", "bytes": 640, "scale": float(scale), "zero_point": int(zero_point)},
        "macs": arch.macs,
        "parameters": arch.parameters,
        "recipe": {"command": f"micronet-train {arch.name} --out DIR --seed {recipe.seed}", **asdict(recipe)},
        "figures": {
            "run_set": figures(model, content, machine_sounds(task)),
            "wide_set": figures(model, content, machine_sounds(task, wide)),
        },
        "versions": {
            "python": platform.python_version(),
            "tensorflow": tf.__version__,
            "keras": keras.__version__,
            "numpy": np.__version__,
        },
        "date": datetime.now(timezone.utc).strftime("%Y-%m-%d"),
    }


def train(arch: Arch, recipe: Recipe, out: Path, tell: Say) -> dict[str, Any]:
    """Train ``arch``, write model.tflite and card.json into the folder ``out`` and return the card.

    ``tell`` gets a line of progress now and then. Needs TensorFlow; raises OSError when ``out`` cannot be written.
    """
    out.mkdir(parents=True, exist_ok=True)  # before the minutes of training, not after them
    model = train_autoencoder(arch, recipe, tell)
    calibration = np.concatenate(
        [ad_windows(clip_features(clip))[::5] for clip in normal_clips("calibrate", recipe.calibration_clips)]
    )
    content = quantize(fold(arch, model), calibration)
    card = make_card(arch, recipe, model, content)
    (out / "model.tflite").write_bytes(content)
    (out / "card.json").write_text(json.dumps(card, indent=2) + "\n")
    return card
