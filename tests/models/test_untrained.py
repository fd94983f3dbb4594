# SPDX-License-Identifier: Apache-2.0
"""Files of untrained networks: what LiteRT computes of them, and that they take what the published files take."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from mlperf_tiny.firmware.codegen.ir.plan import Isa
from mlperf_tiny.firmware.codegen.pipeline import compile_model
from mlperf_tiny.models.arch.arch import Arch
from mlperf_tiny.models.arch.blocks import (
    AveragePool,
    Block,
    Bottleneck,
    Broadcast,
    Conv,
    Dense,
    Flatten,
    GlobalPool,
    Residual,
    Separable,
    Softmax,
)
from mlperf_tiny.models.arch.untrained import untrained_tflite
from mlperf_tiny.models.arch.zoo import ARCHS, find_arch
from mlperf_tiny.models.catalog.catalog import find_model
from tests.fakes.host_model import build_host_model
from tests.fakes.reference import run_reference

pytest.importorskip("ai_edge_litert.interpreter")

EACH_BLOCK: tuple[Block, ...] = (
    Conv(6, (3, 2), relu="relu"),
    Separable(8, (2, 2), kernel=(5, 3)),
    Bottleneck(12, 8, kernel=(5, 5), residual=True),
    Bottleneck(12, 10, residual=True),  # the narrower side is padded
    Broadcast(12, stride=2, dilation=2),
    Broadcast(12, dilation=2, kernel=(3, 5)),
    AveragePool((2, 2)),
    Residual(8, (2, 2)),
    GlobalPool(),
    Flatten(),
    Dense(5, batch_norm=False, relu=False),
    Softmax(),
)


def network(*blocks: Block, side: int = 11) -> Arch:
    return Arch(name="each block", input_shape=(side, side - 1, 3), blocks=blocks)


@pytest.mark.parametrize("seed", range(2))
def test_each_block_computes_what_litert_does(seed: int) -> None:
    content = untrained_tflite(network(*EACH_BLOCK), seed)
    inputs = np.random.default_rng(seed).integers(-128, 128, (8, 11 * 10 * 3)).astype(np.int8)
    wanted = run_reference(content, inputs)
    for isa in Isa:
        plan = compile_model(content, "each block", isa).plan
        if isa is Isa.REF:
            assert np.array_equal(build_host_model(plan).run(inputs), wanted)


@pytest.mark.parametrize("name", ["micronet-kws-s", "micronet-vww-2", "mlperf-ic"])
def test_activations_fill_their_range(name: str) -> None:
    """Neither constant nor clipped: else branches on values would be those of no real network."""
    litert = pytest.importorskip("ai_edge_litert.interpreter")
    arch = find_arch(name)
    interpreter = litert.Interpreter(
        model_content=untrained_tflite(arch),
        num_threads=1,
        experimental_op_resolver_type=litert.OpResolverType.BUILTIN_REF,
        experimental_preserve_all_tensors=True,
    )
    interpreter.allocate_tensors()
    (source,) = interpreter.get_input_details()
    interpreter.set_tensor(source["index"], np.random.default_rng(1).integers(-128, 128, source["shape"], np.int8))
    interpreter.invoke()
    seen = 0
    for tensor in interpreter.get_tensor_details():
        if len(tensor["shape"]) == 4 and tensor["shape"][0] == 1 and "activation" in tensor["name"]:
            values, counts = np.unique(interpreter.get_tensor(tensor["index"]), return_counts=True)
            if counts.sum() >= 1000:
                seen += 1
                assert len(values) > 50 and counts.max() < 0.8 * counts.sum(), tensor["name"]
    assert seen >= 4


def test_a_seed_gives_the_same_bytes() -> None:
    arch = network(*EACH_BLOCK)
    assert untrained_tflite(arch, 3) == untrained_tflite(arch, 3) != untrained_tflite(arch, 4)


@pytest.mark.parametrize("arch", ARCHS, ids=lambda arch: arch.name)
def test_every_network_of_the_zoo_compiles(arch: Arch) -> None:
    plan = compile_model(untrained_tflite(arch), arch.name, Isa.DSP).plan
    assert plan.macs == arch.macs


@pytest.mark.parametrize("name", ["micronet-kws-s", "micronet-ad-s", "micronet-vww-2", "mlperf-kws", "mlperf-ic"])
def test_an_untrained_network_takes_the_memory_of_the_published_file(name: str, data_dir: Path) -> None:
    published = compile_model(find_model(name, data_dir=data_dir).load(), name, Isa.DSP)
    untrained = compile_model(untrained_tflite(find_arch(name)), name, Isa.DSP)
    assert untrained.arena_bytes == published.arena_bytes
    # The stride of a pool over the whole map says nothing, and the files differ in it.
    shapes, wanted = ([step.title.split("  ")[1] for step in made.plan.steps] for made in (untrained, published))
    assert shapes == wanted
    assert [step.kernel for step in untrained.plan.steps] == [step.kernel for step in published.plan.steps]
    assert untrained.constant_bytes == pytest.approx(published.constant_bytes, rel=0.03)
