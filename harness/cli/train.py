# SPDX-License-Identifier: Apache-2.0
"""``micronet-train``: train a network of the zoo and write it as int8 .tflite with its card."""

from __future__ import annotations

import json
from pathlib import Path

import click

from harness.cli.errors import reports_errors
from harness.errors import UsageError
from models.train import Recipe, train
from models.zoo import find_arch


@click.command()
@click.argument("name")
@click.option(
    "--out", type=click.Path(path_type=Path, file_okay=False), required=True, help="Folder for the two files."
)
@click.option(
    "--seed",
    type=click.IntRange(0, 2**32 - 1),
    default=Recipe.seed,
    show_default=True,
    help="Seed of weights and shuffling.",
)
@click.option(
    "--epochs", type=click.IntRange(1), default=Recipe.epochs, show_default=True, help="Passes over the clips."
)
@click.option("--clips", type=click.IntRange(1), default=Recipe.train_clips, show_default=True, help="Per machine id.")
@reports_errors
def main(name: str, out: Path, seed: int, epochs: int, clips: int) -> None:
    """Train the network NAME and write model.tflite and card.json into the --out folder."""
    arch = find_arch(name)
    try:
        import tensorflow  # noqa: F401
    except ImportError as error:
        raise UsageError("training needs TensorFlow; in this project's folder: pip install '.[train]'") from error
    recipe = Recipe(seed=seed, epochs=epochs, train_clips=clips)
    card = train(arch, recipe, out, lambda line: click.echo(line, err=True))
    click.echo(json.dumps(card["figures"], indent=2))
