# SPDX-License-Identifier: Apache-2.0
"""Quantisation-aware training: norms fold exactly, ranges train, and the .tflite computes what was trained."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from mlperf_tiny.errors import UsageError
from mlperf_tiny.firmware.codegen.ir.plan import Isa
from mlperf_tiny.firmware.codegen.lower import lower
from mlperf_tiny.firmware.codegen.tflite.read_tflite import read_tflite
from tests.fakes.host_model import build_host_model
from tests.fakes.reference import run_reference

tf = pytest.importorskip("tensorflow")
keras = pytest.importorskip("keras")

from mlperf_tiny.models.arch.arch import Arch  # noqa: E402
from mlperf_tiny.models.arch.blocks import Broadcast, Conv, Flatten, GlobalPool, TimeChannelSeparable  # noqa: E402
from mlperf_tiny.models.arch.build import build  # noqa: E402
from mlperf_tiny.models.training.interpreter import int8_outputs, open_interpreter  # noqa: E402
from mlperf_tiny.models.training.qat.export import to_tflite  # noqa: E402
from mlperf_tiny.models.training.qat.fake_quant import calibrated_range  # noqa: E402
from mlperf_tiny.models.training.qat.graph import fuse_layers  # noqa: E402
from mlperf_tiny.models.training.qat.quantised_network import quantised_model, quantised_network_of  # noqa: E402

SHAPE = (13, 10, 1)
L = keras.layers


def norm_relu(tensor: Any) -> Any:
    return L.ReLU(6.0)(L.BatchNormalization()(tensor))


def separable() -> Any:
    """The kinds of layers of the keyword networks."""
    tensor = inputs = keras.Input(SHAPE)
    tensor = norm_relu(L.Conv2D(8, (5, 4), padding="same", use_bias=False)(tensor))
    tensor = norm_relu(L.DepthwiseConv2D(3, strides=2, padding="same", use_bias=False)(tensor))
    tensor = norm_relu(L.Conv2D(12, 1, use_bias=False)(tensor))
    tensor = L.AveragePooling2D(tuple(tensor.shape[1:3]))(tensor)
    return keras.Model(inputs, L.Reshape((5,))(L.Conv2D(5, 1)(tensor)))


def residual() -> Any:
    """Inverted bottlenecks: a linear end, an addition that is read twice."""
    tensor = inputs = keras.Input(SHAPE)
    tensor = norm_relu(L.Conv2D(6, 3, strides=2, padding="same", use_bias=False)(tensor))
    for _ in range(2):
        skip = tensor
        tensor = norm_relu(L.Conv2D(12, 1, use_bias=False)(tensor))
        tensor = norm_relu(L.DepthwiseConv2D(3, padding="same", use_bias=False)(tensor))
        tensor = L.BatchNormalization()(L.Conv2D(6, 1)(tensor))
        tensor = L.Add()([skip, tensor])
    tensor = L.AveragePooling2D(tuple(tensor.shape[1:3]))(tensor)
    return keras.Model(inputs, L.Reshape((4,))(L.Conv2D(4, 1)(tensor)))


def dense() -> Any:
    tensor = inputs = keras.Input(SHAPE)
    tensor = norm_relu(L.Dense(10)(L.Flatten()(tensor)))
    return keras.Model(inputs, L.Dense(3, activation="relu")(tensor))


def broadcast() -> Any:
    """Means over frequency, dilated convolutions along time, additions that repeat an operand."""
    blocks = (Conv(6, relu="relu"), Broadcast(8, stride=2), Broadcast(8, dilation=2), GlobalPool(), Flatten())
    return build(Arch(name="broadcast", input_shape=SHAPE, blocks=blocks))


def time_channel() -> Any:
    """Separable convolutions along time, whose input goes through a convolution of its own."""
    blocks = (TimeChannelSeparable(6, 7, residual=False), TimeChannelSeparable(8, 5), GlobalPool(), Flatten())
    return build(Arch(name="time_channel", input_shape=SHAPE, blocks=blocks))


# The share of outputs that may differ by a step: with random weights a pooled value's step is several of the output's.
MAY_DIFFER = {"separable": 0.04, "residual": 0.2, "dense": 0.01, "broadcast": 0.2, "time_channel": 0.2}
NETWORKS = {
    "separable": separable,
    "residual": residual,
    "dense": dense,
    "broadcast": broadcast,
    "time_channel": time_channel,
}


def made(name: str) -> tuple[Any, np.ndarray]:
    """A network whose norms are not at their starting values, and inputs for it."""
    keras.utils.set_random_seed(4)
    model, rng = NETWORKS[name](), np.random.default_rng(5)
    for layer in model.layers:
        if isinstance(layer, L.BatchNormalization):
            shape = layer.gamma.shape
            layer.set_weights(
                [
                    rng.uniform(0.5, 1.5, shape),
                    *(rng.normal(0, 0.3, shape) for _ in range(2)),
                    rng.uniform(0.3, 2, shape),
                ]
            )
    return model, rng.normal(0, 3, (64, *SHAPE)).astype(np.float32)


@pytest.mark.parametrize("name", NETWORKS)
def test_folded_norms_compute_the_same(name: str) -> None:
    model, inputs = made(name)
    network = quantised_network_of(quantised_model(model, inputs))
    np.testing.assert_allclose(
        network.forward(inputs, network.folded), model(inputs, training=False), rtol=1e-4, atol=1e-5
    )


@pytest.mark.parametrize("name", NETWORKS)
def test_tflite_equals_trained_network_and_compiled_model_equals_tflite(name: str) -> None:
    model, inputs = made(name)
    trained = quantised_model(model, inputs)
    content = to_tflite(trained)
    loaded = open_interpreter(content, reference_kernels=True)
    entry, result = loaded.get_input_details()[0], loaded.get_output_details()[0]
    assert entry["dtype"] is result["dtype"] is np.int8
    kinds = {row["dtype"] for row in loaded.get_tensor_details() if row["quantization"][0]}
    assert kinds <= {np.int8, np.int32}

    steps = (int8_outputs(loaded, inputs) - trained(inputs).numpy()) / result["quantization"][0]
    assert np.abs(steps).max() < 3.5  # floats and integers may fall on the two sides of a half
    assert np.mean(np.abs(steps) > 0.5) <= MAY_DIFFER[name]

    scale, zero_point = entry["quantization"]
    quantised = np.clip(np.rint(inputs / scale) + zero_point, -128, 127).astype(np.int8)
    rows = quantised.reshape(len(quantised), -1)[:8]
    compiled = build_host_model(lower(read_tflite(content, name), Isa.DSP))
    np.testing.assert_array_equal(compiled.run(rows), run_reference(content, rows))


def test_tflite_has_the_trained_input_range() -> None:
    model, inputs = made("separable")
    trained = quantised_model(model, inputs)
    network = quantised_network_of(trained)
    network.variables_of(network.fused[0])["high"].assign(7.5)
    network.variables_of(network.fused[0])["low"].assign(-5.25)
    entry = open_interpreter(to_tflite(trained)).get_input_details()[0]
    assert entry["quantization"] == (pytest.approx(12.75 / 255), round(-128 + 5.25 / (12.75 / 255)))


def test_tflite_has_the_weight_scales_of_training() -> None:
    model, inputs = made("separable")
    trained = quantised_model(model, inputs)
    network = quantised_network_of(trained)
    wanted = sorted(
        float(np.abs(column).max()) / 127
        for layer in network.fused
        if layer.kind in ("conv", "depthwise")
        for column in np.moveaxis(np.reshape(network.folded(layer)[0], (-1, layer.channels)), -1, 0)
    )
    found = sorted(
        float(scale)
        for row in open_interpreter(to_tflite(trained)).get_tensor_details()
        if row["dtype"] is np.int8 and len(row["quantization_parameters"]["scales"]) > 1
        for scale in row["quantization_parameters"]["scales"]
    )
    np.testing.assert_allclose(found, wanted, rtol=1e-5)


@pytest.mark.parametrize(
    ("values", "wanted"),
    [
        ([0.0, 0.0], (0.0, 1e-3)),
        ([2.0, 3.0], (0.0, 3.0)),
        ([-4.0, -2.0], (-4.0, 1e-3)),
        ([-1.0] + [1.0] * 9999, (0, 1)),
    ],
)
def test_calibrated_range_holds_zero_and_nearly_all_values(values: list[float], wanted: tuple[float, float]) -> None:
    assert calibrated_range(np.array(values, np.float32)) == pytest.approx(wanted, abs=2e-3)


def test_values_beyond_a_range_have_a_gradient_on_its_end() -> None:
    model, inputs = made("separable")
    trained = quantised_model(model, inputs)
    network = quantised_network_of(trained)
    high = network.variables_of(network.fused[1])["high"]
    high.assign(float(high.numpy()) / 4)
    with tf.GradientTape() as tape:
        loss = tf.reduce_mean((trained(inputs) - model(inputs, training=False)) ** 2)
    assert float(tape.gradient(loss, high.value)) < 0.0  # a step down the gradient widens it


@pytest.mark.parametrize(
    ("layers", "message"),
    [
        ([L.MaxPooling2D(2)], "MaxPooling2D, which cannot be quantised"),
        ([L.Conv2D(2, 1), L.ReLU(3.0)], "not a plain ReLU"),
        ([L.Conv2D(2, 1, activation="tanh")], "the activation tanh"),
        ([L.AveragePooling2D(2), L.BatchNormalization()], "cannot be fused with it"),
    ],
)
def test_unsupported_layers_are_named(layers: list[Any], message: str) -> None:
    with pytest.raises(UsageError, match=message):
        tensor = inputs = keras.Input((4, 4, 1))
        for layer in layers:
            tensor = layer(tensor)
        fuse_layers(keras.Model(inputs, L.Flatten()(tensor)))
