# SPDX-License-Identifier: Apache-2.0
"""``micronet-train``: train a network of the zoo and write it as int8 .tflite with its card."""

from __future__ import annotations

import json
import logging
import os
import sys
from dataclasses import replace
from pathlib import Path
from typing import Any

import click

from mlperf_tiny.cli.errors import reports_errors
from mlperf_tiny.cli.progress import ProgressPrinter
from mlperf_tiny.errors import UsageError
from mlperf_tiny.models.arch.arch import Arch
from mlperf_tiny.models.arch.build import build
from mlperf_tiny.models.arch.zoo import find_arch
from mlperf_tiny.models.catalog.catalog import find_model
from mlperf_tiny.models.data.download.cache import cache_folder, data_folder
from mlperf_tiny.models.features.pipelines import find_pipeline
from mlperf_tiny.models.training import autoencoder
from mlperf_tiny.models.training.card import Trained
from mlperf_tiny.models.training.datasets.registry import material_for
from mlperf_tiny.models.training.datasets.training_set import Data
from mlperf_tiny.models.training.loop import Step
from mlperf_tiny.models.training.recipes.recipes import Recipe, recipe_for
from mlperf_tiny.models.training.teacher import make_teacher
from mlperf_tiny.models.training.train import Progress, train_micronet
from mlperf_tiny.progress import Progress as Shown


@click.command()
@click.argument("name")
@click.option(
    "--out", type=click.Path(path_type=Path, file_okay=False), required=True, help="Folder for result and checkpoints."
)
@click.option("--seed", type=click.IntRange(0, 2**32 - 1), help="Seed of weights, changes and order.")
@click.option("--epochs", type=click.IntRange(1), help="Epochs of float training.")
@click.option("--int8-epochs", type=click.IntRange(1), help="Epochs of int8 training after it.")
@click.option("--batch", type=click.IntRange(1), help="Samples in one step.")
@click.option("--passes", type=click.IntRange(1), help="Differently changed passes over the samples, taken in turn.")
@click.option(
    "--clips", type=click.IntRange(1), help="Made-up samples of each class or machine, where samples are made up."
)
@click.option(
    "--data", "data_dir", type=click.Path(path_type=Path), help="Folder with real data; default MLPERF_TINY_DATA."
)
@click.option(
    "--distill",
    "teachers",
    multiple=True,
    metavar="MODEL",
    help="Learn from this int8 model, too; several: their mean.",
)
@click.option(
    "--cache", type=click.Path(path_type=Path, file_okay=False), help="Folder for prepared samples, kept for others."
)
@click.option("--resume", is_flag=True, help="Go on with the training in --out.")
@reports_errors
def main(
    name: str,
    out: Path,
    data_dir: Path | None,
    teachers: tuple[str, ...],
    cache: Path | None,
    resume: bool,
    clips: int | None,
    **changes: Any,
) -> None:
    """Train the network NAME and write model.tflite and card.json into the --out folder.

    What is not given comes from the recipe of the network's task. A training that was stopped goes on with --resume.
    """
    arch = find_arch(name)
    _require_tensorflow()
    given = {key: value for key, value in changes.items() if value is not None}
    printer = ProgressPrinter()
    if not arch.features:
        card = _train_autoencoder(arch, given, clips, out, printer)
    else:
        if not resume and list(out.glob("*.npz")):
            raise UsageError(f"{out} holds a training that was begun; add --resume to go on with it, or another --out.")
        task = find_pipeline(arch.features).task
        recipe: Recipe = replace(recipe_for(task), **given)
        recipe = replace(recipe, made_up_per_class=clips) if clips else recipe
        named = data_folder(data_dir)
        material = material_for(
            arch.features, arch.classes, recipe, Data(named, cache_folder()), cache or cache_folder() / "training"
        )
        files = [
            (find_model(teacher, task, data_dir=named).name, find_model(teacher, task, data_dir=named).load())
            for teacher in teachers
        ]
        trained = Trained(arch.name, arch.name.removeprefix("micronet-"), task, arch.macs, arch.parameters)
        source = material.about["source"]
        printer.say(f"{arch.name}, {arch.macs:,} multiply-accumulates, learns from {source}; checkpoints are in {out}")
        card = train_micronet(
            lambda: build(arch),
            trained,
            recipe,
            material,
            make_teacher(files) if files else None,
            out,
            Progress(lambda step: printer.step(_shown(step)), printer.say),
        )
    printer.clear()
    click.echo(json.dumps(card["figures"], indent=2))


def _train_autoencoder(
    arch: Arch, given: dict[str, Any], clips: int | None, out: Path, printer: ProgressPrinter
) -> dict[str, Any]:
    unknown = sorted(set(given) - {"seed", "epochs", "batch"})
    if unknown or arch.name != "ad-autoencoder":
        raise UsageError(f"{arch.name} has no recipe with {', '.join(unknown) or 'these layers'}; see --help.")
    recipe = autoencoder.Recipe(**given)
    recipe = replace(recipe, train_clips=clips) if clips else recipe
    return autoencoder.train(arch, recipe, out, printer.say)


def _shown(step: Step) -> Shown:
    text = f"loss {step.loss:.4f}, {step.epoch_s:.0f} s an epoch"
    return Shown(f"{step.phase} training", step.done, step.total, text)


def _require_tensorflow() -> None:
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")  # its greetings would stand between the lines of progress
    try:
        import tensorflow as tf
    except ImportError as error:
        raise UsageError("training needs TensorFlow; in this project's folder: pip install '.[train]'") from error
    tf.get_logger().setLevel(logging.ERROR)


if __name__ == "__main__":
    sys.exit(main())
