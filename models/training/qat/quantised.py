# SPDX-License-Identifier: Apache-2.0
"""A network that computes in floats what its int8 form will compute in integers, so that it can be trained as such.

Weights: one scale per output channel, the largest magnitude is 127, after batch normalisation is folded into them;
rounding passes the gradient straight through. Activations: a range per tensor that is learnt, ``fake_quant`` with the
gradient to both ends (values beyond an end pull at it). Norms are folded with the statistics of the float training,
which stay as they are; their gains and offsets go on learning. See Jacob et al., "Quantization and Training of Neural
Networks for Efficient Integer-Arithmetic-Only Inference", and Krishnamoorthi, arXiv 1806.08342.
"""

from __future__ import annotations

from functools import lru_cache
from typing import Any

import numpy as np
from numpy.typing import NDArray

from mlperf_tiny.models.training.qat.graph import WEIGHTED, Step, steps_of

LEAST_RANGE = 1e-3
LARGEST_WEIGHT = 127
KEPT_SHARE = 0.9995  # of the values of a tensor lie in its range at the start


def quantised_model(trained: Any, calibration: NDArray[np.float32]) -> Any:
    """Return a keras.Model that computes ``trained``, a functional model of layers ``graph`` knows, as int8 would.

    The ranges start where ``calibration``, inputs of shape (n, *input_shape), puts them.
    """
    import keras

    steps = steps_of(trained)
    inputs = keras.Input(trained.input_shape[1:])
    body = network_class()(steps, name="int8")
    model = keras.Model(inputs, body(inputs), name=trained.name)
    body.take_weights()
    body.calibrate(calibration)
    return model


def body_of(model: Any) -> Any:
    """The layer of ``quantised_model`` that holds all its weights and ranges."""
    return model.get_layer("int8")


@lru_cache(maxsize=1)
def network_class() -> Any:
    """The Keras layer class; made when asked for, because TensorFlow takes seconds to import."""
    import keras
    import tensorflow as tf

    class QuantisedNetwork(keras.layers.Layer):
        """All steps of a network with their weights and ranges."""

        def __init__(self, steps: tuple[Step, ...], **more: Any) -> None:
            super().__init__(**more)
            self._steps = steps
            self._own: dict[str, Any] = {}
            for step in steps:
                if step.kind in WEIGHTED:
                    self._weigh(step)
                if step.kind in (*WEIGHTED, "input", "add"):
                    free_floor = step.relu == "none"
                    self._add(f"{step.name}/low", (), trainable=free_floor)
                    self._add(f"{step.name}/high", ())
            self.built = True

        def _weigh(self, step: Step) -> None:
            kernel = step.layer.kernel
            self._add(f"{step.name}/kernel", tuple(kernel.shape))
            channels = (int(step.layer.output.shape[-1]),)
            self._add(f"{step.name}/gain", channels, trainable=step.norm is not None)
            self._add(f"{step.name}/offset", channels)
            self._add(f"{step.name}/mean", channels, trainable=False)
            self._add(f"{step.name}/deviation", channels, trainable=False)

        def _add(self, name: str, shape: tuple[int, ...], trainable: bool = True) -> None:
            # Slashes make scopes in Keras; the name must stay one.
            self._own[name] = self.add_weight(
                name=name.replace("/", "_"), shape=shape, initializer="zeros", trainable=trainable
            )

        def take_weights(self) -> None:
            """Copy kernels, norms and biases of the layers the steps stand for."""
            for step in self._steps:
                if step.kind not in WEIGHTED:
                    continue
                channels = int(step.layer.output.shape[-1])
                bias = step.layer.bias.numpy() if step.layer.use_bias else np.zeros(channels, np.float32)
                gain, offset, mean, deviation = np.ones(channels), bias, np.zeros(channels), np.ones(channels)
                if step.norm is not None:
                    norm = step.norm
                    mean = norm.moving_mean.numpy() - bias
                    deviation = np.sqrt(norm.moving_variance.numpy() + norm.epsilon)
                    gain = norm.gamma.numpy() if norm.scale else gain
                    offset = norm.beta.numpy() if norm.center else np.zeros(channels)
                values = {"kernel": step.layer.kernel.numpy(), "gain": gain, "offset": offset}
                for name, value in {**values, "mean": mean, "deviation": deviation}.items():
                    self._own[f"{step.name}/{name}"].assign(value.astype(np.float32))

        def folded(self, step: Step) -> tuple[Any, Any]:
            """The kernel, shape as in Keras, and the bias of a step with its norm folded in."""
            own = self._own
            scale = own[f"{step.name}/gain"] / own[f"{step.name}/deviation"]
            kernel = own[f"{step.name}/kernel"] * tf.reshape(scale, _beside(step, scale))
            return kernel, own[f"{step.name}/offset"] - own[f"{step.name}/mean"] * scale

        def rounded(self, step: Step) -> tuple[Any, Any]:
            """The same with the kernel on the int8 grid of each output channel."""
            kernel, bias = self.folded(step)
            axes = [axis for axis, size in enumerate(_beside(step, bias)) if size == 1]
            if step.kind == "depthwise":
                axes = [0, 1]
            largest = tf.reduce_max(tf.abs(kernel), axis=axes, keepdims=True)
            step_size = tf.stop_gradient(tf.maximum(largest, 1e-9)) / LARGEST_WEIGHT
            grid = tf.clip_by_value(tf.round(kernel / step_size), -LARGEST_WEIGHT, LARGEST_WEIGHT) * step_size
            return kernel + tf.stop_gradient(grid - kernel), bias

        def range_of(self, number: int) -> tuple[Any, Any]:
            """The two ends of the tensor a step makes: its own, or those of the tensor it hands on."""
            step = self._steps[number]
            if f"{step.name}/high" not in self._own:
                return self.range_of(step.inputs[0])
            low, high = self._own[f"{step.name}/low"], self._own[f"{step.name}/high"]
            return tf.minimum(low, 0.0), tf.maximum(high, LEAST_RANGE)

        def call(self, inputs: Any) -> Any:
            return self.walk(inputs, self.rounded, self.range_of)

        def walk(self, inputs: Any, weights: Any, ranges: Any = None, seen: Any = None) -> Any:
            """Compute the network with kernel and bias ``weights(step)``; activations are rounded to ``ranges(number)``
            if that is given. ``seen`` is told number and tensor of every step."""
            tensors: list[Any] = []
            for number, step in enumerate(self._steps):
                sources = [tensors[source] for source in step.inputs] or [inputs]
                tensor = self._step(step, sources, weights)
                if ranges is not None and step.kind not in ("pad", "reshape"):
                    tensor = tf.quantization.fake_quant_with_min_max_vars(tensor, *ranges(number))
                if seen is not None:
                    seen(number, tensor)
                tensors.append(tensor)
            return tensors[-1]

        def constants(self) -> tuple[Any, Any]:
            """Weights and ranges as plain values, in the form ``walk`` takes, for a converter."""
            weights = {
                step.name: tuple(np.asarray(value) for value in self.rounded(step))
                for step in self._steps
                if step.kind in WEIGHTED
            }
            ends = [tuple(float(end) for end in self.range_of(number)) for number in range(len(self._steps))]
            return (lambda step: weights[step.name]), ends.__getitem__

        def _step(self, step: Step, sources: list[Any], weights: Any) -> Any:
            if step.kind == "input":
                return sources[0]
            if step.kind in WEIGHTED:
                kernel, bias = weights(step)
                tensor = _weighted(step, sources[0], kernel) + bias
            elif step.kind == "add":
                tensor = sources[0] + sources[1]
            else:
                return step.layer(sources[0])
            return {"none": tf.identity, "relu": tf.nn.relu, "relu6": tf.nn.relu6}[step.relu](tensor)

        def calibrate(self, samples: NDArray[np.float32]) -> None:
            """Put each range around nearly all values that ``samples`` give."""
            found: dict[int, Any] = {}
            self.walk(tf.constant(samples), self.folded, seen=lambda number, tensor: found.update({number: tensor}))
            for number, step in enumerate(self._steps):
                if f"{step.name}/high" not in self._own:
                    continue
                values = found[number].numpy().ravel()
                low, high = np.quantile(values, [1.0 - KEPT_SHARE, KEPT_SHARE])
                self._own[f"{step.name}/low"].assign(min(0.0, float(low)))
                self._own[f"{step.name}/high"].assign(max(LEAST_RANGE, float(high)))

    def _beside(step: Step, channels: Any) -> list[int]:
        """The shape that lines a value for each output channel up with the kernel."""
        count = int(channels.shape[0])
        if step.kind == "depthwise":
            multiplier = int(step.layer.kernel.shape[-1])
            return [1, 1, count // multiplier, multiplier]
        return [*([1] * (len(step.layer.kernel.shape) - 1)), count]

    def _weighted(step: Step, tensor: Any, kernel: Any) -> Any:
        if step.kind == "dense":
            return tf.matmul(tensor, kernel)
        padding, strides = step.layer.padding.upper(), [1, *step.layer.strides, 1]
        if step.kind == "depthwise":
            return tf.nn.depthwise_conv2d(tensor, kernel, strides, padding)
        return tf.nn.conv2d(tensor, kernel, strides, padding)

    return QuantisedNetwork
