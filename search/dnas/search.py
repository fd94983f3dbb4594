# SPDX-License-Identifier: Apache-2.0
"""Differentiable architecture search, as the MicroNets paper has it (arXiv 2010.11267, sections 4 and 5.1).

Weights and architecture are trained at once: the loss of the task under sampled probabilities, and a penalty for each
expected cost above its limit. What the paper does not print (optimisers, temperatures, strengths, updates) is ours, in
``DnasSettings``. A checkpoint after each epoch, and the same result whether interrupted or not.
"""

from __future__ import annotations

import time
from collections.abc import Mapping
from dataclasses import asdict, replace
from typing import Any

import keras
import numpy as np
import tensorflow as tf

from mlperf_tiny.errors import UsageError
from mlperf_tiny.models.training.checkpoint import restore_checkpoint, save_checkpoint
from mlperf_tiny.models.training.loop import make_deterministic
from mlperf_tiny.models.training.losses import softmax_loss
from mlperf_tiny.models.training.optimizer import decoupled_adam, half_cosine
from mlperf_tiny.progress import Progress
from mlperf_tiny.search.dnas.architecture import ArchitectureWeights, annealed
from mlperf_tiny.search.dnas.constraint import expected_costs, penalty
from mlperf_tiny.search.dnas.settings import DnasSettings
from mlperf_tiny.search.dnas.to_limits import Loss, to_limits
from mlperf_tiny.search.problem.method import SearchRun, check_rows
from mlperf_tiny.search.problem.problem import Problem
from mlperf_tiny.search.space.space import Decisions
from mlperf_tiny.search.supernet.gates import Chosen, Mixed
from mlperf_tiny.search.supernet.shared_accuracy import shared_accuracy
from mlperf_tiny.search.supernet.supernet import Supernet

CHECKPOINT = "dnas.npz"
LOSS_SAMPLES = 512
"""Training samples that networks are compared on when they are brought to the limits."""


def search_dnas(run: SearchRun, settings: DnasSettings | None = None) -> Decisions:
    """Search by gradient, and return the network whose options have the largest logits, brought to the limits.

    Args:
        run: The search.
        settings: Of the method; None: its own, with the seed and epochs of the run.

    Raises:
        UsageError: There are no validation rows, or the space cannot be searched this way.
        DataError: The checkpoint is of another search, or cannot be written.
    """
    settings = settings or DnasSettings(seed=run.seed, epochs=run.epochs or DnasSettings.epochs)
    return Dnas(run, settings).search()


class Dnas:
    """A search in progress."""

    def __init__(self, run: SearchRun, settings: DnasSettings) -> None:
        """Make the supernet.

        Args:
            run: The search; a checkpoint in its folder is taken up.
            settings: How weights and architecture are trained.

        Raises:
            UsageError: There are no validation rows, or the space cannot be searched this way.
        """
        check_rows(run)
        make_deterministic(settings.seed, run.recipe.threads)
        self._run, self._settings, self._file = run, settings, run.out / CHECKPOINT
        self.supernet = Supernet(run.problem.space, settings.seed, int8=settings.int8)
        self.architecture = ArchitectureWeights(run.problem.space, settings.first_logits)
        try:
            expected_costs(run.problem, self.architecture.probabilities(1.0))
        except TypeError as error:
            raise UsageError(f"{error}: --method dnas cannot search it. Use --method tinynas or random.") from error
        inputs, _ = self._run.samples(0)
        self._steps = len(inputs) // settings.batch
        if not self._steps:
            raise UsageError(f"{len(inputs)} training samples are fewer than one batch of {settings.batch}.")
        self._optimizers = self._make_optimizers()
        self._loss = softmax_loss(None, run.training_set.classes, run.recipe.label_smoothing)
        self.use(run.problem)

    def use(self, problem: Problem) -> None:
        """Go on with other costs or limits over the same space.

        Args:
            problem: Its space has the decisions that the search began with.

        Raises:
            ValueError: It has others.
        """
        if [row.name for row in problem.space.decisions] != [row.name for row in self._run.problem.space.decisions]:
            raise ValueError(f"space {problem.space.name} has other decisions than {self._run.problem.space.name}")
        self._run = replace(self._run, problem=problem)
        costs = expected_costs(problem, self.architecture.probabilities(self._settings.first_temperature))
        self._first_costs = {name: float(value) for name, value in costs.items()}
        self._compile({})

    def _compile(self, used: Mapping[str, int]) -> None:
        """Make the step again: the former one holds the former costs and widths."""
        self._used = used
        self._step = tf.function(self._train_step, autograph=False)

    def _make_optimizers(self) -> tuple[Any, Any]:
        rate = half_cosine(
            self._settings.learning_rate, self._settings.final_learning_rate, self._settings.epochs * self._steps
        )
        weights = self.supernet.trainable_variables
        of_weights = decoupled_adam(weights, rate, weight_decay=self._settings.weight_decay)
        # Without momentum of the first kind a decision does not run on after its cost is within the limit.
        of_logits = keras.optimizers.Adam(self._settings.architecture_learning_rate, beta_1=0.5)
        of_logits.build(self.architecture.trainable_variables)
        return of_weights, of_logits

    def _train_step(
        self, samples: tuple[Any, Any], seed: Any, temperature: Any, strength: Any, targets: Mapping[str, Any]
    ) -> Any:
        """One step of both optimisers; a strength of 0 trains the weights alone."""
        inputs, wanted = samples
        weights, logits = self.supernet.trainable_variables, self.architecture.trainable_variables
        with tf.GradientTape() as tape:
            relaxation = self._settings.relaxation * temperature / self._settings.first_temperature
            gates = Mixed(self.architecture.drawn(temperature, relaxation, seed), self._used)
            outputs = self.supernet.forward(inputs, gates)
            loss = tf.reduce_mean(self._loss(wanted, outputs))
            costs = expected_costs(self._run.problem, self.architecture.probabilities(temperature))
            total = loss + strength * penalty(costs, targets)
        gradients = tape.gradient(total, [*weights, *logits])
        of_weights, of_logits = self._optimizers
        # In proportion to the temperature, a step changes probabilities as much at the end as at the start.
        of_logits.learning_rate.assign(self._settings.architecture_learning_rate * temperature)
        of_weights.apply_gradients(zip(gradients[: len(weights)], weights, strict=True))
        moving = tf.cast(strength > 0.0, tf.float32)
        of_logits.apply_gradients(
            (gradient * moving, variable) for gradient, variable in zip(gradients[len(weights) :], logits, strict=True)
        )
        self.architecture.bound(temperature * self._settings.span)
        return loss

    def search(self) -> Decisions:
        """Train to the last epoch and return the network that is derived, at its limits; raises as ``search_dnas``."""
        variables = {
            "supernet": self.supernet.variables,
            "architecture": self.architecture.variables,
            "weights": self._optimizers[0].variables,
            "logits": self._optimizers[1].variables,
        }
        fixed, epochs = self._run.depends_on(asdict(self._settings)), self._settings.epochs
        done = restore_checkpoint(self._file, phase="dnas", settings=fixed, variables=variables)
        start_s = time.monotonic()
        if done < epochs:
            self._run.listener.progress(Progress("searching", done, epochs, "the first step compiles the supernet"))
        for epoch in range(done, epochs):
            figures = self._epoch(epoch)
            self._run.log(epoch + 1, figures)  # before the checkpoint: a step may be logged twice, none is left out
            save_checkpoint(self._file, phase="dnas", settings=fixed, epochs_done=epoch + 1, variables=variables)
            each_s = (time.monotonic() - start_s) / (epoch + 1 - done)
            text = f"accuracy {figures['accuracy']:.3f}, {each_s * (epochs - epoch - 1):.0f} s left"
            self._run.listener.progress(Progress("searching", epoch + 1, epochs, text))
        return to_limits(self._run.problem, self.architecture.derive(), self._shared_loss())

    def _shared_loss(self) -> Loss:
        """The loss of networks with the shared weights, on training samples that are the same for all."""
        inputs, wanted = (tf.constant(values[:LOSS_SAMPLES]) for values in self._run.samples(0))

        def loss(decisions: Decisions) -> float:
            return float(tf.reduce_mean(self._loss(wanted, self.supernet.forward(inputs, Chosen(decisions)))))

        return loss

    def _epoch(self, epoch: int) -> dict[str, float]:
        """Train for an epoch and return what is logged of it."""
        inputs, wanted = self._run.samples(epoch)
        used = self.architecture.used(self._schedule(epoch)[0])
        if used != self._used:
            self._compile(used)
        losses = []
        for step in range(self._steps):
            temperature, strength, targets = self._schedule(epoch + step / self._steps)
            rows = slice(step * self._settings.batch, (step + 1) * self._settings.batch)
            loss = self._step(
                (tf.constant(inputs[rows]), tf.constant(wanted[rows])),
                tf.constant([self._settings.seed, epoch * self._steps + step]),
                tf.constant(temperature),
                tf.constant(strength),
                {name: tf.constant(most) for name, most in targets.items()},
            )
            losses.append(float(loss))
        temperature, strength, targets = self._schedule(epoch + 1)
        derived = self.architecture.derive()
        costs = expected_costs(self._run.problem, self.architecture.probabilities(temperature))
        estimated = self._run.problem.estimate(self._run.problem.space.derive(derived)).given()
        return {
            "accuracy": shared_accuracy(self.supernet, derived, self._run.recipe, self._run.training_set),
            "loss": float(np.mean(losses)),
            "entropy": self.architecture.entropy(temperature),
            "temperature": temperature,
            "strength": strength,
            **{f"target {name}": most for name, most in targets.items()},
            **{f"expected {name}": float(value) for name, value in costs.items()},
            **estimated,
        }

    def _schedule(self, epoch: float) -> tuple[float, float, dict[str, float]]:
        """Temperature, strength and targets after a number of epochs."""
        settings = self._settings
        warm = settings.warm_up * settings.epochs
        share = min(1.0, (epoch - warm) / max(1e-9, settings.epochs - warm))
        descent = min(1.0, max(0.0, share) / settings.descent)
        targets = {
            name: annealed(max(most, self._first_costs[name]), most, descent)
            for name, most in self._run.problem.limits.given().items()
        }
        if share < 0.0:
            return settings.first_temperature, 0.0, targets
        temperature = annealed(settings.first_temperature, settings.last_temperature, share)
        return temperature, settings.strength, targets
