# SPDX-License-Identifier: Apache-2.0
"""The arena that a network will have: what the planner gives it, before it is compiled."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

from mlperf_tiny.firmware.codegen.ir.plan import Isa
from mlperf_tiny.firmware.codegen.pipeline import compile_model
from mlperf_tiny.models.arch.arch import Arch
from mlperf_tiny.models.arch.blocks import Broadcast, Conv, Flatten, GlobalPool
from mlperf_tiny.models.arch.untrained import untrained_tflite
from mlperf_tiny.models.arch.zoo import find_arch
from mlperf_tiny.search.characterize.table import read_characterization
from mlperf_tiny.search.cost.cost import plain_layers
from mlperf_tiny.search.cost.expected import expected_layers
from mlperf_tiny.search.cost.memory import ALIGNMENT_BYTES, ARENA
from mlperf_tiny.search.space.spaces import find_space

KEPT = Path(__file__).parents[2] / "results" / "characterization"


def arena_of(arch: Arch) -> float:
    return float(ARENA.of_layers(plain_layers(arch.layers)))


@pytest.mark.parametrize("table", ["kws-stm32f446-compiled-1", "cifar10-stm32f746-compiled-1"])
def test_it_is_the_arena_that_was_measured(table: str) -> None:
    found = read_characterization(KEPT / table)
    space = find_space(found.settings["space"])
    models = found.models[found.models["fits"]]
    got = [arena_of(space.derive(json.loads(text))) for text in models["decisions"]]
    assert len(got) == 400 and got == models["arena_bytes"].to_list()


@pytest.mark.parametrize("name", ["micronet-vww-4", "mlperf-ic", "ad-autoencoder", "mlperf-sww", "bcresnet-1"])
def test_it_is_the_arena_of_other_networks(name: str) -> None:
    pytest.importorskip("ai_edge_litert")
    arch = find_arch(name)
    planned = compile_model(untrained_tflite(arch), name, Isa.DSP).arena_bytes
    assert planned - 2 * ALIGNMENT_BYTES <= arena_of(arch) <= planned


def test_it_is_the_arena_of_a_network_whose_largest_layers_are_in_a_broadcast() -> None:
    pytest.importorskip("ai_edge_litert")
    blocks = (Conv(16), Broadcast(16, dilation=2), GlobalPool(), Flatten())
    arch = Arch(name="x", input_shape=(20, 6, 1), blocks=blocks)
    planned = compile_model(untrained_tflite(arch), "x", Isa.DSP).arena_bytes
    assert planned - 2 * ALIGNMENT_BYTES <= arena_of(arch) <= planned


@pytest.mark.parametrize("seed", range(3))
def test_it_is_the_arena_of_networks_with_large_filters(seed: int) -> None:
    pytest.importorskip("ai_edge_litert")
    space = find_space("tinynas-vww")
    arch = space.derive(space.sample(np.random.default_rng(seed)))
    planned = compile_model(untrained_tflite(arch), space.name, Isa.DSP).arena_bytes
    assert planned - 2 * ALIGNMENT_BYTES <= arena_of(arch) <= planned


def test_it_has_gradients_where_widths_are_expected() -> None:
    tf = pytest.importorskip("tensorflow")
    space = find_space("kws")
    logits = {row.name: tf.zeros(len(row.options)) for row in space.decisions}
    with tf.GradientTape() as tape:
        tape.watch(logits)
        chances = {name: tf.nn.softmax(row) for name, row in logits.items()}
        arena = ARENA.of_layers(expected_layers(space, chances))
    gradient = tape.gradient(arena, logits["0.filters"])
    assert float(arena) > 0 and float(gradient[-1]) > 0 > float(gradient[0])
