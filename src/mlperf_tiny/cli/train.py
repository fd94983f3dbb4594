# SPDX-License-Identifier: Apache-2.0
"""``micronet-train``: train a network of the zoo and write it as int8 .tflite with its card."""

from __future__ import annotations

import json
import logging
import os
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from mlperf_tiny.cli.command import click_command
from mlperf_tiny.cli.options import COUNT, DataOptions, data_options, help_text
from mlperf_tiny.cli.progress import ProgressPrinter
from mlperf_tiny.errors import UsageError
from mlperf_tiny.progress import Progress

if TYPE_CHECKING:
    from mlperf_tiny.models.arch.arch import Arch
    from mlperf_tiny.models.training.loop import Step

_RECIPE = "from the recipe of the task"


@click_command()
@click.argument("name")
@click.option(
    "--out",
    type=click.Path(path_type=Path, file_okay=False),
    required=True,
    metavar="DIR",
    help="Folder for checkpoints, model.tflite and card.json.",
)
@click.option(
    "--seed", type=click.IntRange(0, 2**32 - 1), help=help_text("Seed of weights, augmentation and order.", _RECIPE)
)
@click.option("--epochs", type=COUNT, help=help_text("Epochs of float training.", _RECIPE))
@click.option("--int8-epochs", type=COUNT, help=help_text("Epochs of int8 training after it.", _RECIPE))
@click.option("--batch", type=COUNT, help=help_text("Samples in one step.", _RECIPE))
@click.option(
    "--passes", type=COUNT, help=help_text("Differently augmented passes over the samples, taken in turn.", _RECIPE)
)
@click.option("--clips", type=COUNT, help=help_text("Synthetic samples of each class or machine.", _RECIPE))
@data_options(text="Folder with real data to train on.")
@click.option(
    "--distill",
    "teachers",
    multiple=True,
    metavar="MODEL",
    help="Int8 teacher model; may be repeated, then the mean of their outputs is the target.",
)
@click.option(
    "--cache",
    type=click.Path(path_type=Path, file_okay=False),
    metavar="DIR",
    help=help_text("Folder for prepared samples, shared by trainings.", "in the download cache"),
)
@click.option("--resume", is_flag=True, help="Continue the training in --out.")
def main(
    name: str,
    out: Path,
    data: DataOptions,
    teachers: tuple[str, ...],
    cache: Path | None,
    resume: bool,
    clips: int | None,
    **changes: Any,
) -> None:
    """Train the network NAME and write model.tflite and card.json into the --out folder.

    Needs TensorFlow: pip install 'mlperf-tiny-harness[train]'. A stopped training continues with --resume.
    """
    from mlperf_tiny.models.arch.build import build
    from mlperf_tiny.models.arch.zoo import find_arch
    from mlperf_tiny.models.catalog.catalog import find_model
    from mlperf_tiny.models.data.download.cache import cache_folder, data_folder
    from mlperf_tiny.models.features.pipelines import find_pipeline
    from mlperf_tiny.models.training import train
    from mlperf_tiny.models.training.card import Trained
    from mlperf_tiny.models.training.datasets.registry import material_for
    from mlperf_tiny.models.training.datasets.training_set import Data
    from mlperf_tiny.models.training.recipes.recipes import Recipe, recipe_for
    from mlperf_tiny.models.training.teacher import make_teacher

    arch = find_arch(name)
    _require_tensorflow()
    given = {key: value for key, value in changes.items() if value is not None}
    printer = ProgressPrinter()
    if not arch.pipeline:
        card = _train_autoencoder(arch, given, clips, out, printer)
    else:
        if not resume and list(out.glob("*.npz")):
            raise UsageError(f"{out} holds the checkpoints of another training: add --resume, or name another --out.")
        task = find_pipeline(arch.pipeline).task
        recipe: Recipe = replace(recipe_for(task), **given)
        recipe = replace(recipe, made_up_per_class=clips) if clips else recipe
        named = data_folder(data.data)
        material = material_for(
            arch.pipeline, arch.classes, recipe, Data(named, cache_folder()), cache or cache_folder() / "training"
        )
        files = [
            (find_model(teacher, task, data_dir=named).name, find_model(teacher, task, data_dir=named).load())
            for teacher in teachers
        ]
        trained = Trained(arch.name, arch.name.removeprefix("micronet-"), task, arch.macs, arch.parameters)
        source = material.about["source"]
        printer.log(f"{arch.name}, {arch.macs:,} multiply-accumulates, trained on {source}; checkpoints in {out}")
        card = train.train_micronet(
            lambda: build(arch),
            trained,
            recipe,
            material,
            make_teacher(files) if files else None,
            out,
            train.Progress(lambda step: printer.progress(_shown(step)), printer.log),
        )
    printer.clear()
    click.echo(json.dumps(card["figures"], indent=2))


def _train_autoencoder(
    arch: Arch, given: dict[str, Any], clips: int | None, out: Path, printer: ProgressPrinter
) -> dict[str, Any]:
    from mlperf_tiny.models.training import autoencoder

    unknown = sorted(set(given) - {"seed", "epochs", "batch"})
    if unknown or arch.name != "ad-autoencoder":
        raise UsageError(f"{arch.name} has no recipe with {', '.join(unknown) or 'these layers'}; see --help.")
    recipe = autoencoder.Recipe(**given)
    recipe = replace(recipe, train_clips=clips) if clips else recipe
    return autoencoder.train(arch, recipe, out, printer.log)


def _shown(step: Step) -> Progress:
    text = f"loss {step.loss:.4f}, {step.epoch_s:.0f} s an epoch"
    return Progress(f"{step.phase} training", step.done, step.total, text)


def _require_tensorflow() -> None:
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")  # its own log lines would break the progress line
    try:
        import tensorflow as tf
    except ImportError as error:
        raise UsageError(
            "training needs TensorFlow, which is not installed: pip install 'mlperf-tiny-harness[train]'"
        ) from error
    tf.get_logger().setLevel(logging.ERROR)
