# SPDX-License-Identifier: Apache-2.0
"""The form of a training recipe: one row holds all that a training depends on, apart from the network and the data."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from mlperf_tiny.models.training.augment.keyword_clips import ClipAugmentation

Loss = Literal["softmax", "mse"]
Shuffle = Literal["every epoch", "keras"]


@dataclass(frozen=True, kw_only=True)
class SpecAugment:
    """SpecAugment (arXiv 1904.08779): stripes of the features of some samples are set to the mean of the sample."""

    share: float
    """Part of the samples that get stripes, 0 to 1."""
    frames: int
    """Largest width of the stripe along the first axis of a sample; widths are drawn from 0 to this."""
    bands: int
    """The same along the second axis."""


@dataclass(frozen=True, kw_only=True)
class Distillation:
    """Knowledge distillation (Hinton et al., arXiv 1503.02531)."""

    coefficient: float
    """Weight of the distance from the teacher's softmax in the loss, 0 to 1; the rest is the loss from labels."""
    temperature: float
    """Divisor of the logits of teacher and student before the softmax."""


@dataclass(frozen=True, kw_only=True)
class Recipe:
    """How a network is trained: float training, then either training as int8 or post-training quantisation.

    The learning rates of both phases start as given and fall to ``final_learning_rate`` along half a cosine.
    """

    task: str
    """Id of the task: kws, ad, vww."""
    networks: tuple[str, ...] = ()
    """Names of the networks it is for; empty: all networks of the task that have a feature pipeline."""
    dataset: str
    """Name of the training set, a key of ``datasets.registry``."""
    loss: Loss = "softmax"
    """``softmax``: cross-entropy with the labels; ``mse``: squared error against the input (auto-encoders)."""
    epochs: int
    """Epochs of float training."""
    int8_epochs: int
    """Epochs of quantisation-aware training after it; 0: post-training quantisation."""
    batch: int
    """Samples per step."""
    partial_batches: bool = False
    """Whether the last, smaller batch of an epoch is trained on too."""
    learning_rate: float
    """AdamW's learning rate at the start of float training."""
    int8_learning_rate: float = 0.0
    """The same for quantisation-aware training."""
    final_learning_rate: float
    """Learning rate at the end of both phases."""
    weight_decay: float = 0.0
    """Decoupled decay of kernels per step, times the learning rate; float training only."""
    clip_norm: float | None = 5.0
    """Largest L2 norm of the gradient of one variable; None: not clipped."""
    ema_decay: float = 0.999
    """Decay of the exponential moving average of the weights, which the trained network gets; 0: none."""
    shuffle: Shuffle = "every epoch"
    """``every epoch``: a new order each epoch; ``keras``: Keras's shuffle, with a fixed seed the same each epoch."""
    threads: int | None = None
    """Threads of TensorFlow's operators; None: all cores. The order of sums may depend on it."""
    augmented_epochs: int = 1
    """Number of differently augmented versions of the training set; epochs take them in turn."""
    synthetic_per_class: int = 0
    """Samples of each class, or clips of each machine, where the training set is synthetic."""
    seed: int = 7
    """Seed of the weights, the augmentation and the order."""
    label_smoothing: float = 0.0
    """Share of each label that is spread over all classes, 0 to 1."""
    input_range: tuple[float, float] | None = None
    """Inputs are clipped to this range, as the int8 input then is."""
    mixup: float = 0.0
    """Parameter of mixup's beta distribution; 0: none."""
    spec_augment: SpecAugment | None = None
    """Stripes over the features."""
    distillation: Distillation = Distillation(coefficient=0.5, temperature=4.0)
    """Counts only when a teacher model is named."""
    augmentation: ClipAugmentation | None = None
    """Changes of the waveform, for keywords."""
