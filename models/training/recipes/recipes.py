# SPDX-License-Identifier: Apache-2.0
"""The training recipes, one row each.

The MicroNets paper trained on much more data (arXiv 2010.11267: keywords 100 epochs of cosine decay and SpecAugment;
machine sounds 50 epochs with mixup 0.3; images with distillation, coefficient 0.5 and temperature 4). The learning
rates here are AdamW's, whose decay does not act through the gradient.
"""

from __future__ import annotations

from mlperf_tiny.errors import UsageError
from mlperf_tiny.models.arch.arch import Arch
from mlperf_tiny.models.features.pipelines import find_pipeline
from mlperf_tiny.models.training.augment.keyword_clips import ClipAugmentation
from mlperf_tiny.models.training.recipes.recipe import Distillation, Recipe, SpecAugment

KWS = Recipe(
    task="kws",
    dataset="keywords",
    epochs=240,
    int8_epochs=20,
    batch=32,
    learning_rate=5e-3,
    int8_learning_rate=3e-4,
    final_learning_rate=1e-6,
    weight_decay=0.01,
    augmented_epochs=30,
    synthetic_per_class=300,
    spec_augment=SpecAugment(share=0.5, frames=8, bands=2),
    input_range=(-25.0, 26.0),  # about that of the published networks: values below only tell silences apart
    distillation=Distillation(coefficient=0.8, temperature=2.0),
    augmentation=ClipAugmentation(splices=0.1, mixes=1.0),
)

AD = Recipe(
    task="ad",
    dataset="machines",
    epochs=16,
    int8_epochs=4,
    batch=32,
    learning_rate=2e-3,
    int8_learning_rate=2e-4,
    final_learning_rate=1e-6,
    weight_decay=0.01,
    augmented_epochs=8,
    synthetic_per_class=48,
    mixup=0.3,
)

VWW = Recipe(
    task="vww",
    dataset="images",
    epochs=40,
    int8_epochs=8,
    batch=32,
    learning_rate=2e-3,
    int8_learning_rate=2e-4,
    final_learning_rate=1e-6,
    weight_decay=0.01,
    augmented_epochs=10,
    synthetic_per_class=2_000,
)

# Plain Adam on the windows of normal machines. Shuffle and threads are those the shipped model was trained with.
AD_AUTOENCODER = Recipe(
    task="ad",
    networks=("ad-autoencoder",),
    dataset="machine windows",
    loss="mse",
    epochs=60,
    int8_epochs=0,
    batch=512,
    partial_batches=True,
    learning_rate=1e-3,
    final_learning_rate=1e-5,
    clip_norm=None,
    ema_decay=0.0,
    shuffle="keras",
    threads=1,
    synthetic_per_class=80,
)

RECIPES: tuple[Recipe, ...] = (KWS, AD, VWW, AD_AUTOENCODER)


def recipe_for(arch: Arch) -> Recipe:
    """Return the recipe that names the network ``arch``, else the one of its task.

    Raises:
        UsageError: No recipe is for this network.

    Examples:
        >>> from mlperf_tiny.models.arch.zoo import find_arch
        >>> recipe_for(find_arch("micronet-kws-s")).task
        'kws'
    """
    task = find_pipeline(arch.pipeline).task if arch.pipeline else ""
    for recipe in RECIPES:
        if arch.name in recipe.networks or (not recipe.networks and recipe.task == task):
            return recipe
    tasks = ", ".join(recipe.task for recipe in RECIPES if not recipe.networks)
    networks = ", ".join(name for recipe in RECIPES for name in recipe.networks)
    raise UsageError(
        f"no training recipe for network {arch.name}; there are recipes for {networks} and for networks with a feature "
        f"pipeline of the tasks {tasks}."
    )
