# SPDX-License-Identifier: Apache-2.0
"""TinyNAS (MCUNet, arXiv 2007.10319, section 3.1): a part of the space, a supernet with shared weights, evolution.

The largest network of the part is trained first; its channels are sorted by importance; then networks drawn from the
part are trained with the shared weights, the largest again in between; then networks are evolved within the limits by
their accuracy on validation rows. Epochs, optimiser and the numbers of networks are ours, in ``TinyNasSettings``: the
paper's were for hundreds of GPU hours.
"""

from __future__ import annotations

import time
from dataclasses import asdict, dataclass, field, replace
from typing import Any

import numpy as np
import tensorflow as tf

from mlperf_tiny.models.training.checkpoint import restore_checkpoint, save_checkpoint
from mlperf_tiny.models.training.loop import make_deterministic
from mlperf_tiny.models.training.losses import softmax_loss
from mlperf_tiny.models.training.optimizer import decoupled_adam, half_cosine
from mlperf_tiny.progress import Progress
from mlperf_tiny.search.problem.method import SearchRun, check_rows
from mlperf_tiny.search.space.space import Decisions, SearchSpace
from mlperf_tiny.search.supernet.gates import Chosen
from mlperf_tiny.search.supernet.shared_accuracy import shared_accuracy
from mlperf_tiny.search.supernet.sorted_channels import sort_channels
from mlperf_tiny.search.supernet.supernet import Supernet
from mlperf_tiny.search.tinynas.evolution import Evolution, EvolutionSettings
from mlperf_tiny.search.tinynas.subspace import subspaces

CHECKPOINT = "tinynas.npz"


@dataclass(frozen=True, kw_only=True)
class TinyNasSettings:
    """What TinyNAS depends on besides problem and data."""

    largest_epochs: int = 10
    """Passes over the training rows with the largest network."""
    shared_epochs: int = 40
    """Passes with networks that are drawn."""
    networks: int = 2
    """Networks of one step; the first of every fourth step is the largest."""
    batch: int = 64
    """Samples of one step."""
    learning_rate: float = 5e-3
    """AdamW's, at the start of each of the two trainings; it falls along half a cosine."""
    final_learning_rate: float = 1e-5
    """At the end."""
    weight_decay: float = 0.01
    """Of the kernels."""
    evolution: EvolutionSettings = field(default_factory=EvolutionSettings)
    """How networks are evolved."""
    int8: bool = True
    """Whether values are rounded to int8 steps during the search."""
    seed: int = 1
    """Of everything that is drawn."""

    @property
    def epochs(self) -> int:
        """All epochs."""
        return self.largest_epochs + self.shared_epochs


def search_tinynas(run: SearchRun, settings: TinyNasSettings | None = None) -> Decisions:
    """Search in two stages, and return the best network that evolution has found.

    Args:
        run: The search; its epochs are those of both trainings, a fifth of them with the largest network.
        settings: Of the method; None: its own, with the seed and epochs of the run.

    Raises:
        UsageError: There are no validation rows, no network is within the limits, or blocks cannot share weights.
        DataError: The checkpoint is of another search, or cannot be written.
    """
    check_rows(run)
    settings = settings or _settings(run)
    parts = subspaces(run.problem, settings.seed)
    chosen = parts[0]
    place = "" if chosen.side is None else f", input side {chosen.side}"
    run.listener.log(
        f"stage one: widths up to {chosen.multiplier:.0%} of {run.problem.space.name}{place}; {chosen.fitting:.1%} of "
        f"its networks are within the limits, {chosen.mean_ops / 1e6:.1f} Mops on average"
    )
    run = run.for_network(chosen.space.derive(chosen.space.smallest()))
    shared = _SharedTraining(run, chosen.space, settings)
    shared.train()
    return shared.evolve()


def _settings(run: SearchRun) -> TinyNasSettings:
    if run.epochs is None:
        return TinyNasSettings(seed=run.seed)
    largest = run.epochs // 5
    return TinyNasSettings(seed=run.seed, largest_epochs=largest, shared_epochs=run.epochs - largest)


class _SharedTraining:
    """The second stage."""

    def __init__(self, run: SearchRun, space: SearchSpace, settings: TinyNasSettings) -> None:
        make_deterministic(settings.seed, run.recipe.threads)
        self._run, self._space, self._settings = run, space, settings
        self.supernet = Supernet(space, settings.seed, int8=settings.int8)
        inputs, _ = self._run.samples(0)
        self._batches = max(1, len(inputs) // settings.batch)
        # One for each training: the moments of the first are of channels in their order before they were sorted.
        self._optimizers = [self._optimizer(epochs) for epochs in (settings.largest_epochs, settings.shared_epochs)]
        self._loss = softmax_loss(None, run.training_set.classes, run.recipe.label_smoothing)

    def _optimizer(self, epochs: int) -> Any:
        settings, weights = self._settings, self.supernet.trainable_variables
        rate = half_cosine(settings.learning_rate, settings.final_learning_rate, max(1, epochs * self._batches))
        return decoupled_adam(weights, rate, weight_decay=settings.weight_decay)

    def train(self) -> None:
        """Train to the last epoch; a checkpoint after each."""
        # Of the part that stage one chose, not of the whole space.
        part = replace(self._run, problem=replace(self._run.problem, space=self._space))
        fixed = part.depends_on(asdict(self._settings))
        file, settings = self._run.out / CHECKPOINT, self._settings
        variables = {
            "supernet": self.supernet.variables,
            "optimizers": [*self._optimizers[0].variables, *self._optimizers[1].variables],
        }
        done = restore_checkpoint(file, phase="tinynas", settings=fixed, variables=variables)
        start_s = time.monotonic()
        if done < settings.epochs:
            self._run.listener.progress(Progress("training shared weights", done, settings.epochs, "the largest first"))
        for epoch in range(done, settings.epochs):
            if epoch == settings.largest_epochs:
                sort_channels(self.supernet)
            figures = self._epoch(epoch)
            self._run.log(epoch + 1, figures)
            save_checkpoint(file, phase="tinynas", settings=fixed, epochs_done=epoch + 1, variables=variables)
            left_s = (time.monotonic() - start_s) / (epoch + 1 - done) * (settings.epochs - epoch - 1)
            text = f"loss {figures['loss']:.3f}, {left_s:.0f} s left"
            self._run.listener.progress(Progress("training shared weights", epoch + 1, settings.epochs, text))

    def _epoch(self, epoch: int) -> dict[str, float]:
        inputs, targets = self._run.samples(epoch)
        random = np.random.default_rng([self._settings.seed, epoch])
        losses = []
        for step in range(self._batches):
            rows = slice(step * self._settings.batch, (step + 1) * self._settings.batch)
            networks = self._drawn(epoch, step, random)
            losses.append(self._step(epoch, tf.constant(inputs[rows]), tf.constant(targets[rows]), networks))
        return {"loss": float(np.mean(losses))}

    def _drawn(self, epoch: int, step: int, random: np.random.Generator) -> list[Decisions]:
        if epoch < self._settings.largest_epochs:
            return [self._space.largest()]
        drawn = [self._space.sample(random) for _ in range(self._settings.networks)]
        return [self._space.largest(), *drawn[1:]] if step % 4 == 0 else drawn

    def _step(self, epoch: int, inputs: Any, targets: Any, networks: list[Decisions]) -> float:
        """One step along the mean gradient of some networks; not compiled, as each of them is another graph."""
        weights = self.supernet.trainable_variables
        with tf.GradientTape() as tape:
            losses = [
                tf.reduce_mean(self._loss(targets, self.supernet.forward(inputs, Chosen(row)))) for row in networks
            ]
            loss = tf.add_n(losses) / len(losses)
        gradients = tape.gradient(loss, weights)
        self._optimizers[int(epoch >= self._settings.largest_epochs)].apply_gradients(
            (tf.zeros(weight.shape) if gradient is None else gradient, weight)
            for gradient, weight in zip(gradients, weights, strict=True)
        )
        return float(loss)

    def evolve(self) -> Decisions:
        """Return the best network of all generations."""
        problem, settings = self._run.problem, self._settings
        evolution = Evolution(self._space, problem.fits, settings.seed, settings.evolution)
        generations = settings.evolution.generations
        start_s = time.monotonic()
        for generation in range(generations + 1):
            for decisions in evolution.next() if generation else evolution.first():
                score = shared_accuracy(self.supernet, decisions, self._run.recipe, self._run.training_set)
                evolution.score(decisions, score)
            best = evolution.best(1)[0]
            estimated = problem.estimate(self._space.derive(best.decisions)).given()
            self._run.log(settings.epochs + generation + 1, {"accuracy": best.score, **estimated})
            left_s = (time.monotonic() - start_s) / (generation + 1) * (generations - generation)
            text = f"accuracy {best.score:.3f}, {left_s:.0f} s left"
            self._run.listener.progress(Progress("evolving", generation + 1, generations + 1, text))
        return evolution.best(1)[0].decisions
