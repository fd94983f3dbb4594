# SPDX-License-Identifier: Apache-2.0
"""Keras models built from rows, where TensorFlow is installed."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from mlperf_tiny.models.arch.arch import Arch
from mlperf_tiny.models.arch.blocks import (
    Bottleneck,
    Broadcast,
    Conv,
    Dense,
    Depthwise,
    Flatten,
    GlobalPool,
    Residual,
    Separable,
    Softmax,
)
from mlperf_tiny.models.arch.build import build, fold
from mlperf_tiny.models.arch.zoo import ARCHS

DENSE = Arch(
    name="dense",
    input_shape=(6,),
    blocks=(Dense(5), Dense(3, batch_norm=False), Dense(6, batch_norm=False, relu=False)),
)
EVERY_BLOCK = Arch(
    name="every-block",
    input_shape=(9, 7, 2),
    blocks=(
        Conv(4, (3, 2)),
        Depthwise((3, 1), padding="valid"),
        Separable(6, (2, 2), relu="relu"),
        Bottleneck(8, 4, residual=True),
        Bottleneck(8, 6, residual=True),
        Residual(6),
        Residual(8, (2, 2)),
        Broadcast(6, dilation=2),
        Broadcast(6, dilation=2),
        GlobalPool(),
        Conv(3, (1, 1), relu="none", batch_norm=False),
        Flatten(),
        Softmax(),
    ),
)


def shaken(arch: Arch) -> tuple[Any, np.ndarray]:
    """A built model with weights and norms that are far from their initial values, and inputs for it."""
    rng = np.random.default_rng(8)
    model = build(arch)
    for layer in model.layers:
        low = 0.2 if layer.name.startswith("norm") else -0.6
        layer.set_weights([rng.uniform(low, 1.2, value.shape) for value in layer.get_weights()])
    return model, rng.normal(0, 2, (200, *arch.input_shape)).astype(np.float32)


@pytest.mark.parametrize("arch", [DENSE, EVERY_BLOCK], ids=lambda arch: arch.name)
def test_folded_model_computes_the_same(arch: Arch) -> None:
    pytest.importorskip("tensorflow")
    trained, inputs = shaken(arch)
    folded = fold(arch, trained)
    assert folded.count_params() == arch.parameters
    wanted = trained(inputs, training=False).numpy()
    np.testing.assert_allclose(folded(inputs).numpy(), wanted, rtol=1e-4, atol=1e-4 * np.abs(wanted).max())
    if arch is EVERY_BLOCK:
        sums = fold(arch, trained, softmax=True)(inputs).numpy().sum(axis=1)
        np.testing.assert_allclose(sums, 1.0, atol=1e-5)


@pytest.mark.parametrize("arch", ARCHS, ids=lambda arch: arch.name)
def test_every_network_builds_with_the_shapes_of_its_layers(arch: Arch) -> None:
    pytest.importorskip("tensorflow")
    model = build(arch)
    assert model.output_shape == (None, arch.classes)
    norms = sum(2 * layer.out_shape[-1] for layer in arch.layers if layer.batch_norm)
    assert sum(int(np.prod(weight.shape)) for weight in model.trainable_weights) == arch.parameters + norms
    for number, layer in enumerate(arch.layers):
        if layer.kind in ("conv", "depthwise", "dense", "pool", "add", "reshape"):
            assert model.get_layer(f"{layer.kind}_{number}").output.shape[1:] == layer.out_shape


def test_quantised_model_is_close_to_float() -> None:
    pytest.importorskip("tensorflow")
    from ai_edge_litert import interpreter as lite

    from mlperf_tiny.models.training.post_training import post_training_tflite

    trained, inputs = shaken(DENSE)
    wanted = trained(inputs, training=False).numpy()
    loaded = lite.Interpreter(model_content=post_training_tflite(fold(DENSE, trained), inputs))
    weights = [row for row in loaded.get_tensor_details() if row["dtype"] is np.int8 and 1 not in row["shape"]]
    assert {len(row["quantization_parameters"]["scales"]) for row in weights} == {1}
    loaded.allocate_tensors()
    entry, result = loaded.get_input_details()[0], loaded.get_output_details()[0]
    assert entry["dtype"] is result["dtype"] is np.int8
    scale, zero_point = entry["quantization"]
    out_scale, out_zero_point = result["quantization"]
    for row, want in zip(inputs, wanted, strict=True):
        loaded.set_tensor(entry["index"], np.clip(np.rint(row / scale) + zero_point, -128, 127).astype(np.int8)[None])
        loaded.invoke()
        got = (loaded.get_tensor(result["index"])[0].astype(np.float32) - out_zero_point) * out_scale
        assert np.abs(got - want).max() < 0.05 * np.ptp(wanted)
