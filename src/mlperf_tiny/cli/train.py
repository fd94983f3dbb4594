# SPDX-License-Identifier: Apache-2.0
"""``micronet-train``: train a network of the zoo and write it as int8 .tflite with its card."""

from __future__ import annotations

import logging
import os
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from mlperf_tiny.cli.command import click_command
from mlperf_tiny.cli.options import COUNT, DataOptions, data_options, help_text
from mlperf_tiny.cli.output import echo_json
from mlperf_tiny.cli.progress import ProgressPrinter
from mlperf_tiny.errors import UsageError
from mlperf_tiny.progress import Listener

if TYPE_CHECKING:
    from mlperf_tiny.models.arch.arch import Arch
    from mlperf_tiny.models.training.recipes.recipe import Recipe
    from mlperf_tiny.models.training.teacher import Teacher

_RECIPE = "from the recipe of the network"


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
    "--seed",
    type=click.IntRange(0, 2**32 - 1),
    metavar="N",
    help=help_text("Seed of weights, augmentation and order.", _RECIPE),
)
@click.option("--epochs", type=COUNT, metavar="N", help=help_text("Epochs of float training.", _RECIPE))
@click.option(
    "--int8-epochs",
    type=click.IntRange(min=0),
    metavar="N",
    help=help_text(
        "Epochs of quantisation-aware training after the float training; 0: post-training quantisation.", _RECIPE
    ),
)
@click.option("--batch", type=COUNT, metavar="N", help=help_text("Samples in one step.", _RECIPE))
@click.option(
    "--augmented-epochs",
    type=COUNT,
    metavar="N",
    help=help_text("Differently augmented versions of the training set, taken in turn.", _RECIPE),
)
@click.option("--passes", "augmented_epochs_by_former_name", type=COUNT, metavar="N", hidden=True)
@click.option(
    "--clips", type=COUNT, metavar="N", help=help_text("Synthetic samples of each class or machine.", _RECIPE)
)
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
    help=help_text("Folder for augmented epochs, shared by trainings.", "in the download cache"),
)
@click.option("--resume", is_flag=True, help="Continue the training in --out.")
def main(
    name: str,
    out: Path,
    data: DataOptions,
    teachers: tuple[str, ...],
    cache: Path | None,
    resume: bool,
    **overrides: int | None,
) -> None:
    """Train the network NAME and write model.tflite and card.json into the --out folder.

    NAME is a network of this project, or a file with the row of one, such as a search writes.

    Needs TensorFlow: pip install 'mlperf-tiny-harness[train]'. An interrupted training continues with --resume.
    """
    from mlperf_tiny.models.arch.row_file import network_named
    from mlperf_tiny.models.data.download.cache import cache_folder, data_folder

    arch = network_named(name)
    recipe = _recipe(arch, overrides)
    if teachers and recipe.loss != "softmax":
        raise UsageError(f"{arch.name} has no classes to distil; leave --distill out.")
    cache_folder()  # refused before TensorFlow is imported, which takes seconds
    require_tensorflow()
    if not resume and list(out.glob("*.npz")):
        raise UsageError(f"{out} holds the checkpoints of another training: add --resume, or name another --out.")
    named = data_folder(data.data)
    printer = ProgressPrinter()
    teacher = _teacher(teachers, recipe.task, named)
    try:
        card = _train(arch, recipe, named, cache, teacher, out, Listener(printer.log, printer.progress))
    except KeyboardInterrupt:
        if list(out.glob("*.npz")):
            printer.log(f"the checkpoints in {out} are kept; continue with --resume")
        raise
    printer.clear()
    echo_json(card["figures"])


def _recipe(arch: Arch, overrides: dict[str, int | None]) -> Recipe:
    """The recipe of a network with the values of options in place of its own."""
    from mlperf_tiny.models.training.recipes.recipes import recipe_for

    former = overrides.pop("augmented_epochs_by_former_name")
    fields: dict[str, Any] = {
        **overrides,
        "augmented_epochs": overrides["augmented_epochs"] or former,
        "synthetic_per_class": overrides["clips"],
    }
    del fields["clips"]
    recipe = replace(recipe_for(arch), **{name: value for name, value in fields.items() if value is not None})
    if recipe.int8_epochs and not recipe.int8_learning_rate:
        raise UsageError(f"the recipe of {arch.name} has no quantisation-aware training; leave --int8-epochs out.")
    return recipe


def _train(
    arch: Arch,
    recipe: Recipe,
    named: Path | None,
    cache: Path | None,
    teacher: Teacher | None,
    out: Path,
    listener: Listener,
) -> dict[str, Any]:
    from mlperf_tiny.models.data.download.cache import cache_folder
    from mlperf_tiny.models.training.datasets.registry import make_training_set
    from mlperf_tiny.models.training.datasets.training_set import DataFolders, TrainingSetOptions
    from mlperf_tiny.models.training.train import train_network

    training_set = make_training_set(
        TrainingSetOptions(
            pipeline=arch.pipeline,
            classes=arch.classes,
            recipe=recipe,
            folders=DataFolders(named=named, cached=cache_folder()),
            cache=cache or cache_folder() / "training",
            unlabelled=teacher is not None,
        )
    )
    if training_set.unused:
        listener.log(training_set.unused)
    source = training_set.provenance["source"]
    listener.log(f"{arch.name}, {arch.macs:,} multiply-accumulates, trained on {source}; checkpoints in {out}")
    return train_network(arch, recipe, training_set, teacher, out, listener)


def _teacher(names: Sequence[str], task: str, named: Path | None) -> Teacher | None:
    """The teacher of the models with these names, None without names."""
    from mlperf_tiny.models.catalog.catalog import find_model
    from mlperf_tiny.models.training.teacher import make_teacher

    if not names:
        return None
    models = [find_model(name, task, data_dir=named) for name in names]
    return make_teacher([(model.name, model.load()) for model in models])


def require_tensorflow() -> None:
    """Import TensorFlow with its own log lines silenced; raises UsageError where it is not installed."""
    from mlperf_tiny.models.training.interpreter import MISSING_TENSORFLOW

    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")  # its own log lines would break the progress line
    # TensorFlow's packages import Matplotlib, which has a notice for a user without a home; nothing is plotted here.
    logging.getLogger("matplotlib").setLevel(logging.ERROR)
    try:
        with _without_stderr():
            import tensorflow as tf
    except ImportError as error:
        raise UsageError(MISSING_TENSORFLOW) from error
    tf.get_logger().setLevel(logging.ERROR)


@contextmanager
def _without_stderr() -> Iterator[None]:
    """Drop what is written to the file descriptor of stderr: libraries log there before their level can be set."""
    try:
        kept = os.dup(2)
    except OSError:  # closed
        yield
        return
    try:
        nowhere = os.open(os.devnull, os.O_WRONLY)
        os.dup2(nowhere, 2)
        os.close(nowhere)
        yield
    finally:
        os.dup2(kept, 2)
        os.close(kept)
