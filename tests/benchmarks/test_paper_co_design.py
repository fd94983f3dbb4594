# SPDX-License-Identifier: Apache-2.0
"""Which networks fit under each engine's memory: the estimates against measured images, and the choice of a part."""

from __future__ import annotations

from math import prod

import numpy as np
import pytest

from benchmarks.paper import codesign
from benchmarks.paper.codesign import Overhead, Sized, overheads, part_of, shape_bytes, sized
from benchmarks.paper.measure import stored
from benchmarks.paper.networks import find_network
from mlperf_tiny.models.arch.blocks import Conv
from mlperf_tiny.search.space.spaces import find_space

NOTHING = {engine: Overhead(ram=0, flash=0) for engine in codesign.ENGINES}


def measured(engine: str) -> list[tuple[str, dict[str, int]]]:
    return [
        (name, got)
        for name, network in stored()["networks"].items()
        for target, got in network["measured"].items()
        if got["fits"] and target.split()[1] == engine
    ]


@pytest.mark.parametrize(("engine", "most"), [("compiled", 0.005), ("tflm", 0.01)])
def test_estimated_arenas_are_those_measured(engine: str, most: float) -> None:
    for name, got in measured(engine):
        if name != "ad-autoencoder":  # 2.5 kB, of which TFLM's structures are most
            assert shape_bytes(find_network(name), engine)[0] == pytest.approx(got["arena_bytes"], rel=most), name


@pytest.mark.parametrize("engine", codesign.ENGINES)
def test_estimated_images_are_near_those_measured(engine: str) -> None:
    found = overheads(stored()["networks"])
    for name, got in measured(engine):
        arch = find_network(name)
        ram, flash = sized(arch, found).bytes_by_engine[engine]
        # Code differs with the kernels that a network needs; depthwise weights are packed with gaps.
        assert flash == pytest.approx(got["flash_bytes"], rel=0.03, abs=12 * 1024), name
        assert ram + prod(arch.input_shape) == pytest.approx(got["ram_bytes"], abs=4 * 1024), name


def test_overhead_is_what_shapes_do_not_give() -> None:
    arch = find_network("dscnn-s")
    arena, constants = shape_bytes(arch, "compiled")
    row = {"fits": True, "arena_bytes": arena, "ram_bytes": arena + 490 + 1000, "flash_bytes": constants + 5000}
    tflm = {**row, "flash_bytes": shape_bytes(arch, "tflm")[1] + 6000}
    too_large = {"fits": False, "ram_bytes": 0, "flash_bytes": 0}
    found = overheads(
        {"dscnn-s": {"measured": {"a compiled": row, "b compiled": row, "a tflm": tflm, "b tflm": too_large}}}
    )
    assert found == {"compiled": Overhead(ram=1000, flash=5000), "tflm": Overhead(ram=1000, flash=6000)}


def test_part_scales_all_channels_but_the_classes() -> None:
    part = part_of(find_space("tinynas-vww"), 0.5, 64)
    arch = part.derive(part.smallest())
    assert arch.input_shape == (64, 64, 3)
    assert arch.blocks[0] == Conv(8, stride=(2, 2))
    assert arch.layers[-2].out_shape[-1] == 2
    largest = part_of(find_space("tinynas-vww"), 1.0, 96)
    whole = find_space("tinynas-vww").derive({**find_space("tinynas-vww").largest(), "input.side": 96})
    assert largest.derive(largest.largest()).blocks == whole.blocks


def row(macs: int, ram: float) -> Sized:
    return Sized(name=str(macs), macs=macs, bytes_by_engine={"tflm": (2 * ram, 0), "compiled": (ram, 0)})


def test_first_stage_takes_the_part_of_most_operations_among_what_fits(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(codesign, "FEWEST_FITTING", 2)
    parts = {
        "small": [row(10, 1000)] * 4,
        "large": [row(20, 100_000), row(40, 100_000), row(90, 200_000)],  # the last fits neither
        "rare": [row(99, 1000), *[row(99, 10**6)] * 9],  # one network has no mean
    }
    tflm, compiled = (codesign._first_stage(parts, engine, "stm32f446") for engine in codesign.ENGINES)
    assert tflm == {"part": "small", "part_fitting": 1.0, "part_mean_macs": 10}
    assert compiled == {"part": "large", "part_fitting": pytest.approx(2 / 3), "part_mean_macs": 30}


def test_network_fits_where_both_memories_suffice() -> None:
    board = 131_072, 524_288
    for need, fits in ((board, True), ((board[0] + 1, 0), False), ((0, board[1] + 1), False)):
        found = Sized(name="", macs=0, bytes_by_engine={"compiled": need})
        assert found.fits("compiled", "stm32f446") is fits


def test_compiled_engine_never_needs_more_than_tflm_in_the_space() -> None:
    part = part_of(find_space("tinynas-vww"), 1.0, 96)
    random = np.random.default_rng(3)
    for _ in range(10):
        found = sized(part.derive(part.sample(random)), NOTHING).bytes_by_engine
        assert found["compiled"][0] < found["tflm"][0]
