# SPDX-License-Identifier: Apache-2.0
"""Golden facts of the networks, and, where TensorFlow is installed, what becomes of a row."""

from __future__ import annotations

import numpy as np
import pytest

from harness.errors import UsageError
from models.arch import Arch, Dense
from models.build import build, fold
from models.quantize import quantize
from models.zoo import ARCHS, find_arch

# Counted from the published reference model's tensors.
FACTS = {"ad-autoencoder": (264_192, 265_864, [128, 128, 128, 128, 8, 128, 128, 128, 128, 640])}


@pytest.mark.parametrize("arch", ARCHS, ids=lambda arch: arch.name)
def test_golden_facts(arch: Arch) -> None:
    assert (arch.macs, arch.parameters, [block.units for block in arch.blocks]) == FACTS[arch.name]
    assert find_arch(arch.name) is arch


def test_an_unknown_network_lists_the_names() -> None:
    with pytest.raises(UsageError, match=r"'vgg'; choose one of .*ad-autoencoder"):
        find_arch("vgg")


SMALL = Arch("small", (6,), (Dense(5), Dense(3, batch_norm=False), Dense(6, batch_norm=False, relu=False)))


def test_folding_norms_changes_nothing_and_int8_is_close() -> None:
    pytest.importorskip("tensorflow")
    from ai_edge_litert import interpreter as lite

    rng = np.random.default_rng(8)
    trained = build(SMALL)
    for layer in trained.layers:
        layer.set_weights([rng.uniform(0.2, 1.5, value.shape) for value in layer.get_weights()])
    inputs = rng.normal(0, 2, (200, 6)).astype(np.float32)
    wanted = trained(inputs, training=False).numpy()
    folded = fold(SMALL, trained)
    assert folded.count_params() == SMALL.parameters
    np.testing.assert_allclose(folded(inputs).numpy(), wanted, rtol=1e-5, atol=1e-4)

    loaded = lite.Interpreter(model_content=quantize(folded, inputs))
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
