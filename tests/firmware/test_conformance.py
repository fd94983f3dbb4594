# SPDX-License-Identifier: Apache-2.0
"""Real models and layers equal TFLite's reference kernels bit for bit, wherever they run.

The four places are the host build with portable and with DSP kernels, and the DSP kernels on the emulated cores.
"""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import ai_edge_litert.schema_py_generated as schema
import flatbuffers
import numpy as np
import pytest

from benchmarks.bare_core import BareCore
from mlperf_tiny.errors import BuildError
from mlperf_tiny.firmware.boards import find_board
from mlperf_tiny.firmware.codegen.ir.graph import Graph
from mlperf_tiny.firmware.codegen.ir.plan import Isa, Plan
from mlperf_tiny.firmware.codegen.lower import lower
from mlperf_tiny.firmware.codegen.place import place
from mlperf_tiny.firmware.codegen.tflite.read_tflite import read_tflite
from tests.fakes.host_model import build_host_model, place_apart
from tests.fakes.reference import run_reference

MODELS = [
    "reference_models/kws_ref_model",
    "reference_models/vww_96_int8",
    "reference_models/ad01_int8",
    "reference_models/pretrainedResnet_quant",
    "reference_models/pretrainedResnet_large_int8",
    "reference_models/str_ww_ref_model",
    "micronets/kws_micronet_s",
    "micronets/kws_micronet_m",
    "micronets/ad_small_int8",
    "micronets/ad_medium_int8_rev1",
    "micronets/ad_large_int8",
    "micronets/vww2_50_50_INT8",
    "micronets/vww3_128_128_INT8",
    "micronets/vww4_128_128_INT8",
    "conformance/models/ds_cnn_s_quantized",
    "conformance/models/ds_cnn_m_quantized",
    "conformance/models/cnn_s_quantized",
    "conformance/models/tinyengine_vww",
    "conformance/models/models__person_detect",
]
# What must be refused, and a word of the reason.
REFUSED = {
    "conformance/models/models__person_detect_vela": "ethos-u",
    "conformance/models/faulty_kws_micronet_m": "RESHAPE",
}
LAYERS = [
    *[f"aww_layer{i}" for i in range(13)],
    *[f"resnet_layer{i}" for i in range(16)],
    *[f"toycar_layer{i}" for i in range(10)],
    *[f"vww_layer{i}" for i in range(31)],
]


# Kernels, and the device whose core runs them; None is this machine.
PLACES = {
    "host-ref": (Isa.REF, None),
    "host-dsp": (Isa.DSP, None),
    "cortex-m7": (Isa.DSP, "stm32f746"),
    "cortex-m4": (Isa.DSP, "stm32f446"),
}
everywhere = pytest.mark.parametrize("where", PLACES)
EMULATED_INPUTS = 3  # an emulated core is slower than the host: the last ones, which hold the extremes


def inputs_for(count: int, seeds: int) -> np.ndarray:
    """Random inputs of several seeds, then all -128, all 127, and noise of these two."""
    random = [np.random.default_rng(seed).integers(-128, 128, count) for seed in range(seeds)]
    noise = np.random.default_rng(seeds).choice([-128, 127], count)
    return np.vstack([*random, np.full(count, -128), np.full(count, 127), noise]).astype(np.int8)


def sound_axes(model: bytes) -> bytes:
    """The same model with every quantisation axis beyond its tensor's shape set to 0.

    Older converters wrote 3 for biases too (person_detect), and LiteRT refuses that today.
    """
    table = schema.ModelT.InitFromPackedBuf(model, 0)
    for tensor in table.subgraphs[0].tensors:
        quantization = tensor.quantization
        if quantization is not None and quantization.quantizedDimension >= len(tensor.shape):
            quantization.quantizedDimension = 0
    builder = flatbuffers.Builder(len(model))
    builder.Finish(table.Pack(builder), file_identifier=b"TFL3")
    return bytes(builder.Output())


def reference(model: bytes, graph: Graph, plan: Plan, inputs: np.ndarray) -> np.ndarray:
    """TFLite's int8 answers, also for a model that takes and gives float32."""
    fed: np.ndarray = inputs
    if graph.tensors[graph.inputs[0]].dtype == "float32":
        fed = np.float32(plan.input.scale) * (inputs.astype(np.float32) - plan.input.zero_point)
    got = run_reference(sound_axes(model), fed)
    if graph.tensors[graph.outputs[0]].dtype == "float32":
        got = np.round(got / np.float32(plan.output.scale)) + plan.output.zero_point
    return got.astype(np.int8)


def assert_equals_the_reference(model: bytes, graph: Graph, where: str, seeds: int) -> None:
    """Compare the answers to ``seeds`` random inputs and the extremes."""
    isa, device = PLACES[where]
    plan = lower(graph, isa)
    inputs = inputs_for(plan.input.size_bytes, seeds)
    if device is not None:
        inputs = inputs[-EMULATED_INPUTS:]
    np.testing.assert_array_equal(answers(plan, device, inputs), reference(model, graph, plan, inputs))


def answers(plan: Plan, device: str | None, inputs: np.ndarray) -> np.ndarray:
    """What the compiled model gives for each row of int8 ``inputs``, here or on the core of ``device``."""
    if device is None:
        return build_host_model(plan).run(inputs)
    core = BareCore(plan, place(plan), find_board(device))
    return np.stack([core.run(values).output for values in inputs])


@everywhere
@pytest.mark.parametrize("name", MODELS)
def test_whole_model_equals_the_reference(name: str, where: str, data_dir: Path) -> None:
    model = (data_dir / f"{name}.tflite").read_bytes()
    assert_equals_the_reference(model, read_tflite(model, name), where, seeds=3)


def test_reusing_memory_changes_nothing(data_dir: Path) -> None:
    """The answers of an arena in which every buffer has bytes of its own."""
    name = "micronets/vww2_50_50_INT8"
    plan = lower(read_tflite((data_dir / f"{name}.tflite").read_bytes(), name), Isa.DSP)
    inputs = inputs_for(plan.input.size_bytes, seeds=2)
    apart = build_host_model(plan, place_apart(plan)).run(inputs)
    np.testing.assert_array_equal(build_host_model(plan).run(inputs), apart)


@everywhere
@pytest.mark.parametrize("layer", LAYERS)
def test_layer_equals_the_reference(layer: str, where: str, data_dir: Path) -> None:
    model = (data_dir / "conformance" / "layers" / f"{layer}.tflite").read_bytes()
    graph = read_tflite(model, layer)
    if len(graph.inputs) == 2:
        model, graph = one_input(model, graph)
    assert_equals_the_reference(model, graph, where, seeds=2)


def one_input(model: bytes, graph: Graph) -> tuple[bytes, Graph]:
    """An addition of two inputs as one that adds the first to itself; the firmware feeds one input only."""
    first = graph.inputs[0]
    table = schema.ModelT.InitFromPackedBuf(model, 0)
    subgraph = table.subgraphs[0]
    (operator,) = subgraph.operators
    operator.inputs = [first, first]
    subgraph.inputs = [first]
    builder = flatbuffers.Builder(len(model))
    builder.Finish(table.Pack(builder), file_identifier=b"TFL3")
    (op,) = graph.operators
    return bytes(builder.Output()), replace(graph, inputs=(first,), operators=(replace(op, inputs=(first, first)),))


@pytest.mark.parametrize("name", REFUSED)
def test_unsupported_models_are_refused_by_name(name: str, data_dir: Path) -> None:
    with pytest.raises(BuildError, match=REFUSED[name]):
        lower(read_tflite((data_dir / f"{name}.tflite").read_bytes(), name), Isa.REF)


GOLDEN = {"kws": "kws_micronet_m", "ad": "ad_medium_int8_rev1", "vww": "vww4_128_128_INT8"}


@everywhere
@pytest.mark.parametrize("task", GOLDEN)
def test_golden_vectors_of_the_micronets(task: str, where: str, data_dir: Path) -> None:
    """Arm's own input and output: an oracle that is not on this machine."""
    name = GOLDEN[task]
    model = (data_dir / "micronets" / f"{name}.tflite").read_bytes()
    source, wanted = (np.load(data_dir / "micronets" / "golden_io" / task / f"{x}fm0.npy") for x in "io")
    isa, device = PLACES[where]
    got = answers(lower(read_tflite(model, name), isa), device, source.reshape(1, -1))
    np.testing.assert_array_equal(got, wanted.reshape(1, -1))
