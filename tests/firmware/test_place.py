# SPDX-License-Identifier: Apache-2.0
"""The arena: nothing alive overlaps, it is never larger than greedy, and chains reach the bound that no plan beats."""

from __future__ import annotations

import itertools
import time
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mlperf_tiny.firmware.codegen.ir.plan import ArenaBuffer, Isa, Plan, Step, TensorInfo
from mlperf_tiny.firmware.codegen.lower import lower
from mlperf_tiny.firmware.codegen.place import ALIGNMENT_BYTES, Placement, place
from mlperf_tiny.firmware.codegen.tflite.read_tflite import read_tflite


def make_plan(buffers: Sequence[tuple[int, int, int]], scratch: Sequence[int], in_place: dict[int, int]) -> Plan:
    """Buffers as (bytes, first, last); scratch bytes of each step; in_place maps a step to a tensor.

    Step n writes the first buffer born at n (or its own last one, where none is), as far as place() looks.
    """
    born = {n: [t for t, b in enumerate(buffers) if b[1] == n] for n in range(len(scratch))}
    steps = tuple(
        Step(
            title=f"{n}",
            kernel="k",
            source="k.c",
            struct="k_t",
            fields={},
            inputs=(),
            output=(born[n] or [0])[-1],
            scratch_bytes=s,
            in_place=in_place.get(n),
        )
        for n, s in enumerate(scratch)
    )
    info = TensorInfo(name="x", shape=(1,), scale=1.0, zero_point=0)
    rows = tuple(
        ArenaBuffer(tensor=t, name=f"t{t}", size_bytes=size, first_use=first, last_use=last)
        for t, (size, first, last) in enumerate(buffers)
    )
    return Plan(
        source="test",
        isa=Isa.REF,
        steps=steps,
        buffers=rows,
        aliases={},
        input_tensor=0,
        output_tensor=len(buffers) - 1,
        input=info,
        output=info,
    )


def check(plan: Plan, placement: Placement, alignment_bytes: int = ALIGNMENT_BYTES) -> None:
    """The independent oracle: every byte of every step is marked, and none may be marked twice.

    One overlap is allowed: the output of a step over an equally long input that dies there and is named in_place.
    """
    buffers = {b.tensor: b for b in plan.buffers}
    assert placement.offsets.keys() == buffers.keys()
    assert placement.scratch_offsets.keys() == {n for n, s in enumerate(plan.steps) if s.scratch_bytes}
    for offset in (*placement.offsets.values(), *placement.scratch_offsets.values()):
        assert offset >= 0 and offset % alignment_bytes == 0
    for number, step in enumerate(plan.steps):
        owner = np.full(placement.arena_bytes, -1, np.int16)
        alive = [b for b in plan.buffers if b.first_use <= number <= b.last_use]
        dying = buffers.get(step.in_place) if step.in_place is not None else None
        may_share = (
            dying is not None
            and dying.tensor != plan.output_tensor
            and dying.last_use == number == buffers[step.output].first_use
            and dying.size_bytes == buffers[step.output].size_bytes
        )
        for buffer in alive:
            place_of = slice(placement.offsets[buffer.tensor], placement.offsets[buffer.tensor] + buffer.size_bytes)
            assert place_of.stop <= placement.arena_bytes
            if (
                dying is not None
                and may_share
                and buffer.tensor == step.output
                and placement.offsets[dying.tensor] == place_of.start
            ):
                owner[place_of] = -1
            if dying is not None and may_share and buffer is dying and place_of.start == placement.offsets[step.output]:
                continue
            assert (owner[place_of] == -1).all(), f"step {number}: {buffer} overlaps tensor {owner[place_of].max()}"
            owner[place_of] = buffer.tensor
        if step.scratch_bytes:
            start = placement.scratch_offsets[number]
            assert start + step.scratch_bytes <= placement.arena_bytes
            assert (owner[start : start + step.scratch_bytes] == -1).all(), f"step {number}: scratch overlaps"


def aligned(size: int, alignment_bytes: int = ALIGNMENT_BYTES) -> int:
    return -(-size // alignment_bytes) * alignment_bytes


def spans(plan: Plan) -> list[tuple[int, int, int]]:
    """Everything to be placed, as (aligned bytes, first, last), without sharing in place."""
    rows = [(aligned(b.size_bytes), b.first_use, b.last_use) for b in plan.buffers]
    return rows + [(aligned(s.scratch_bytes), n, n) for n, s in enumerate(plan.steps) if s.scratch_bytes]


def first_fit(rows: Sequence[tuple[int, int, int]]) -> int:
    """Arena of the greedy planner for one order, written down plainly."""
    placed: list[tuple[int, tuple[int, int, int]]] = []
    for row in rows:
        clashing = sorted((at, r[0]) for at, r in placed if r[1] <= row[2] and r[2] >= row[1])
        candidates = [0, *sorted(at + size for at, size in clashing)]
        at = next(c for c in candidates if all(c + row[0] <= a or c >= a + s for a, s in clashing))
        placed.append((at, row))
    return max(at + row[0] for at, row in placed)


def peak(rows: Sequence[tuple[int, int, int]], steps: int) -> int:
    return max(sum(size for size, first, last in rows if first <= n <= last) for n in range(steps))


@st.composite
def plans(draw: st.DrawFn, max_buffers: int = 24) -> Plan:
    steps = draw(st.integers(1, 12))
    rows = []
    for _ in range(draw(st.integers(1, max_buffers))):
        first = draw(st.integers(0, steps - 1))
        last = draw(st.integers(first, min(steps - 1, first + 4)))
        rows.append((draw(st.sampled_from([1, 3, 8, 16, 24, 40]) | st.integers(1, 500)), first, last))
    scratch = draw(st.lists(st.sampled_from([0, 0, 4, 12, 64, 200]), min_size=steps, max_size=steps))
    in_place = draw(st.dictionaries(st.integers(0, steps - 1), st.integers(0, len(rows) - 1), max_size=steps))
    return make_plan(rows, scratch, in_place)


@settings(max_examples=150, deadline=None)
@given(plans(), st.sampled_from([4, 8, 16]))
def test_nothing_alive_overlaps_and_the_same_plan_gives_the_same_offsets(plan: Plan, alignment_bytes: int) -> None:
    placement = place(plan, alignment_bytes)
    check(plan, placement, alignment_bytes)
    assert placement.arena_bytes >= placement.peak_bytes
    assert placement == place(plan, alignment_bytes)


@settings(max_examples=100, deadline=None)
@given(plans())
def test_never_larger_than_greedy_by_size(plan: Plan) -> None:
    rows = sorted(spans(plan), key=lambda row: -row[0])
    assert place(plan).arena_bytes <= first_fit(rows)


@settings(max_examples=25, deadline=None)
@given(plans(max_buffers=5))
def test_small_plans_are_optimal(plan: Plan) -> None:
    """Some order of first fit is optimal: that of the offsets of an optimal placement. Six items have 720 orders."""
    rows = spans(plan)[:6]
    small = make_plan([(s, f, last) for s, f, last in rows], [0] * len(plan.steps), {})
    assert place(small).arena_bytes == min(first_fit(order) for order in itertools.permutations(rows))


@settings(max_examples=100, deadline=None)
@given(st.lists(st.tuples(st.integers(1, 5000), st.integers(0, 800)), min_size=2, max_size=40))
def test_a_chain_reaches_the_peak(layers: list[tuple[int, int]]) -> None:
    """Layer n reads buffer n, writes buffer n + 1 and has scratch: the arena is what the worst layer needs."""
    sizes = [size for size, _ in layers]
    steps = len(layers) - 1
    buffers = [(size, max(n - 1, 0), min(n, steps - 1)) for n, size in enumerate(sizes)]
    scratch = [s // 4 * 4 for _, s in layers[:-1]]
    plan = make_plan(buffers, scratch, {})
    placement = place(plan)
    check(plan, placement)
    wanted = max(aligned(sizes[n]) + aligned(sizes[n + 1]) + aligned(scratch[n]) for n in range(steps))
    assert placement.arena_bytes == placement.peak_bytes == wanted
    assert wanted == peak(spans(plan), steps)


def test_output_shares_the_bytes_of_a_dying_equally_long_input() -> None:
    rows = [(100, 0, 0), (100, 0, 1), (100, 1, 1)]
    plan = make_plan(rows, [0, 0], {0: 0, 1: 1})
    placement = place(plan)
    check(plan, placement)
    assert set(placement.offsets.values()) == {0} and placement.arena_bytes == 104


def test_no_sharing_with_an_input_that_lives_on_or_is_of_another_size() -> None:
    for first_buffer in ((100, 0, 1), (96, 0, 0)):
        plan = make_plan([first_buffer, (100, 0, 1)], [0, 0], {0: 0})
        placement = place(plan)
        check(plan, placement)
        assert placement.arena_bytes == aligned(first_buffer[0]) + 104


def test_no_sharing_with_the_output_of_the_model() -> None:
    """A last step without a reader must not overwrite the output."""
    rows = [(64, 0, 1), (100, 0, 1), (100, 1, 1)]
    plan = replace(make_plan(rows, [0, 0], {1: 1}), output_tensor=1)
    placement = place(plan)
    assert placement.offsets[1] != placement.offsets[2] and placement.arena_bytes == 64 + 2 * 104


def test_hundreds_of_buffers_take_less_than_a_second() -> None:
    random = np.random.default_rng(7)
    rows = []
    for _ in range(300):
        first = int(random.integers(0, 150))
        rows.append((int(random.integers(1, 4000)), first, min(149, first + int(random.integers(0, 6)))))
    plan = make_plan(rows, [64] * 150, {})
    start = time.process_time()
    placement = place(plan)
    assert time.process_time() - start < 3.0  # seconds; a tenth of it when nothing else runs
    assert placement.arena_bytes <= 1.02 * placement.peak_bytes


# What TFLite Micro takes for the same model, measured on an emulated Cortex-M7 (arena_used_bytes, CMSIS-NN kernels).
TFLM_ARENA_BYTES = {
    "reference_models/kws_ref_model": 22_820,
    "reference_models/vww_96_int8": 100_708,
    "reference_models/ad01_int8": 2_580,
    "reference_models/pretrainedResnet_quant": 54_996,
    "reference_models/str_ww_ref_model": 16_596,
    "micronets/kws_micronet_s": 62_932,
    "micronets/kws_micronet_m": 100_948,
    "micronets/ad_small_int8": 114_324,
    "micronets/ad_medium_int8_rev1": 271_188,
    "micronets/ad_large_int8": 378_820,
    "micronets/vww2_50_50_INT8": 66_452,
    "micronets/vww3_128_128_INT8": 134_308,
    "micronets/vww4_128_128_INT8": 119_524,
    "conformance/models/ds_cnn_s_quantized": 22_916,
    "conformance/models/ds_cnn_m_quantized": 68_884,
}


@pytest.mark.parametrize("isa", Isa, ids=lambda isa: isa.value)
@pytest.mark.parametrize("name", TFLM_ARENA_BYTES)
def test_real_models_need_no_larger_arena_than_tflite_micro(name: str, isa: Isa, data_dir: Path) -> None:
    model = (data_dir / name).with_suffix(".tflite")
    plan = lower(read_tflite(model.read_bytes(), model.name), isa)
    placement = place(plan)
    check(plan, placement)
    assert placement.arena_bytes <= TFLM_ARENA_BYTES[name]
    assert placement.arena_bytes == placement.peak_bytes
