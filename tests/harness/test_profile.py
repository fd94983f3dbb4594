# SPDX-License-Identifier: Apache-2.0
"""The profile of a model: its layers add up, and equal what a hook on every single instruction counts."""

from __future__ import annotations

import os
import shutil
import xml.etree.ElementTree as ElementTree
from collections.abc import Callable
from dataclasses import fields, replace
from functools import cache
from itertools import pairwise
from pathlib import Path
from types import MappingProxyType
from typing import Any

import numpy as np
import pytest
from capstone import CS_ARCH_ARM, CS_MODE_MCLASS, CS_MODE_THUMB, Cs
from unicorn import UC_HOOK_BLOCK

from mlperf_tiny.errors import BuildError, UsageError
from mlperf_tiny.firmware.boards import find_board
from mlperf_tiny.firmware.codegen.ir.plan import Isa
from mlperf_tiny.firmware.codegen.lower import lower
from mlperf_tiny.firmware.codegen.pipeline import compile_model
from mlperf_tiny.firmware.codegen.tflite.read_tflite import read_tflite
from mlperf_tiny.firmware.engine_model import EngineModel
from mlperf_tiny.firmware.toolchain import find_toolchain
from mlperf_tiny.harness.compare.engines import measure_image
from mlperf_tiny.harness.image.build import BuiltImage, build_image
from mlperf_tiny.harness.image.engines import COMPILED, TFLM, Engine, compile_for, interpret_on
from mlperf_tiny.harness.image.layer_labels import graph_labels, plan_labels
from mlperf_tiny.harness.image.parts import ImageParts
from mlperf_tiny.harness.profile import plot
from mlperf_tiny.harness.profile.causes import CAUSES, OTHER, causes_in, cycles_of
from mlperf_tiny.harness.profile.layers import (
    LayerProfile,
    loop_edges,
    return_addresses,
    straight_line_edges,
)
from mlperf_tiny.harness.profile.measure import Profile, ProfileOptions, counts_outside, profile_elf, profile_model
from mlperf_tiny.harness.profile.plot import draw_profile
from mlperf_tiny.harness.profile.text import render_profile
from mlperf_tiny.harness.wire.session import Session
from mlperf_tiny.models.catalog.catalog import find_model
from mlperf_tiny.models.data.formats.dataset import NO_LABEL, Sample
from mlperf_tiny.runners.emulator.board import EmulatedBoard
from mlperf_tiny.runners.emulator.function_trace import TraceEntry
from mlperf_tiny.runners.emulator.native.counts import Counts
from mlperf_tiny.runners.emulator.timing.levels import LEVELS
from mlperf_tiny.runners.emulator.transport import EmulatorTransport
from tests.fakes.tiny_models import tiny_kws
from tests.fakes.wire_formats import WIRE_FORMATS

BOARDS = ("stm32f746", "stm32f446")
INPUT = np.random.default_rng(5).bytes(490)
SAMPLE = Sample("random", NO_LABEL, lambda: INPUT)
Built = Callable[[str], BuiltImage]


@pytest.fixture(scope="module")
def built(tmp_path_factory: pytest.TempPathFactory) -> Built:
    folder = tmp_path_factory.mktemp("profiled")

    @cache
    def build(device: str) -> BuiltImage:
        board = find_board(device)
        made = compile_for(board, tiny_kws(), "tiny")
        return build_image(made, WIRE_FORMATS["kws01"], board, find_toolchain("zig"), None, folder)

    return build


def parts(engine: Engine[Any], device: str, model: EngineModel) -> ImageParts:
    return ImageParts(
        engine=engine,
        model=model,
        content=tiny_kws(),
        input_format="benchmark",
        wire=WIRE_FORMATS["kws01"],
        board=find_board(device),
        toolchain=engine.toolchain(None),
        baud=None,
    )


def profiled(built: Built, device: str, level: str) -> tuple[tuple[LayerProfile, ...], Counts]:
    made = compile_for(find_board(device), tiny_kws(), "tiny")
    return profile_elf(parts(COMPILED, device, made), built(device).elf, SAMPLE, level)


def added(all_counts: list[Counts]) -> dict[str, Any]:
    names = [one.name for one in fields(Counts) if one.name != "stalls"]
    sums = {name: sum(getattr(counts, name) for counts in all_counts) for name in names}
    causes = {cause for counts in all_counts for cause in counts.stalls}
    return {**sums, "stalls": {cause: sum(counts.stalls[cause] for counts in all_counts) for cause in causes}}


@pytest.mark.parametrize("level", LEVELS)
@pytest.mark.parametrize("device", BOARDS)
def test_layers_are_part_of_the_whole(device: str, level: str, built: Built) -> None:
    layers, total = profiled(built, device, level)
    assert [layer.title.split()[1] for layer in layers] == ["FULLY_CONNECTED", "SOFTMAX"]
    assert [layer.macs for layer in layers] == [12 * 490, 0]
    rest = counts_outside(total, layers)
    assert added([*(layer.counts for layer in layers), rest]) == {**vars(total), "stalls": dict(total.stalls)}
    assert 0 < rest.instructions < 500 and 0 < rest.cycles < 1500
    for counts in (*(layer.counts for layer in layers), rest, total):
        assert cycles_of(counts, OTHER) == 0  # nothing waits, and no cycle is without a cause
    if level == "full":
        assert layers[0].counts.flash_read_bytes >= 12 * 490  # each weight once


@pytest.mark.parametrize("device", BOARDS)
def test_the_total_is_the_cost_of_an_unprofiled_inference(device: str, built: Built) -> None:
    board = find_board(device)
    made = compile_for(board, tiny_kws(), "tiny")
    cost, _ = measure_image(board, built(device), made, [SAMPLE], "pipeline")
    _, total = profiled(built, device, "pipeline")
    # Between windows of different lengths the firmware waits for its clock to move, now longer and now shorter.
    assert total.instructions == pytest.approx(cost.instructions, abs=100)
    assert total.cycles == pytest.approx(cost.cycles, abs=200)


@pytest.mark.parametrize("level", LEVELS)
def test_tracing_changes_no_count(level: str, built: Built) -> None:
    board = find_board("stm32f746")
    counts = []
    for traced_function in (None, COMPILED.layers.symbol):
        emulated = EmulatedBoard(board, built(board.device).elf, level, traced_function=traced_function)
        session = Session(EmulatorTransport(emulated))
        session.start()
        session.load(INPUT)
        session.infer(3, 1)
        counts.append(emulated.counts)
        entries = [entry for entry in emulated.function_trace if entry.address == emulated.function_trace.first_address]
        assert len(entries) == (4 if traced_function else 0)
    assert counts[0] == counts[1]


@pytest.mark.parametrize("device", BOARDS)
def test_layer_instructions_equal_those_of_a_disassembler(device: str, built: Built) -> None:
    """The oracle: capstone finds the calls and the length of every block that the engine announces."""
    board = find_board(device)
    layers, _ = profiled(built, device, "instructions")
    emulated = EmulatedBoard(board, built(device).elf, "instructions", traced_function=COMPILED.layers.symbol)
    session = Session(EmulatorTransport(emulated))
    session.start()
    session.load(INPUT)
    disassembler = Cs(CS_ARCH_ARM, CS_MODE_THUMB | CS_MODE_MCLASS)
    start, size = emulated.function_trace.first_address, emulated.function_trace.size_bytes
    code = list(disassembler.disasm(emulated.read_memory(start, size), start))
    returns = [one.address + one.size for one in code if one.mnemonic in ("bl", "blx")]
    executed = 0
    at: list[int] = []

    def on_block(core: object, address: int, size: int, data: object) -> None:
        nonlocal executed
        if address in (start, *returns):
            at.append(executed)
        executed += sum(1 for _ in disassembler.disasm(emulated.read_memory(address, size), address))

    emulated._uc.hook_add(UC_HOOK_BLOCK, on_block)
    session.infer(1, 0)
    assert [end - begin for begin, end in pairwise(at)] == [layer.counts.instructions for layer in layers]


@pytest.mark.parametrize(
    ("halfwords", "wanted"),
    [
        ("bf00 4770", ()),
        ("f000 f805 bf00", (4,)),  # bl
        ("f7ff fffe", (4,)),  # bl backwards
        ("4780 4788 4770", (2, 4)),  # blx r0, blx r1, bx lr
        ("4700 47f0", (4,)),  # bx r0 is none, blx lr is
        ("f000 b805 f000 8005", ()),  # b.w, beq.w
        ("f3af 8000 f000 f805", (8,)),  # nop.w
        ("e92d 4780 bd10", ()),  # the second half of push.w looks like blx r0
    ],
)
def test_return_addresses(halfwords: str, wanted: tuple[int, ...]) -> None:
    code = b"".join(int(word, 16).to_bytes(2, "little") for word in halfwords.split())
    assert return_addresses(code, 0x800) == tuple(0x800 + offset for offset in wanted)


def function_trace(*addresses: int) -> list[TraceEntry]:
    return [
        TraceEntry(address=address, counts=Counts(instructions=10 * number)) for number, address in enumerate(addresses)
    ]


def instructions(edges: tuple[Counts, ...] | None) -> list[int] | None:
    return None if edges is None else [edge.instructions for edge in edges]


@pytest.mark.parametrize(
    ("addresses", "returns", "layers", "wanted"),
    [
        ((100, 110, 120), (110, 120), 2, [0, 10, 20]),
        ((100, 104, 110, 120), (110, 120), 2, [0, 20, 30]),  # a block that no call returns to
        ((100, 110), (110, 120), 2, None),
        ((100, 110, 120, 130), (110, 120, 130), 2, None),
    ],
)
def test_edges_of_straight_line_code(
    addresses: tuple[int, ...], returns: tuple[int, ...], layers: int, wanted: list[int] | None
) -> None:
    assert instructions(straight_line_edges(function_trace(*addresses), returns, layers)) == wanted


@pytest.mark.parametrize(
    ("addresses", "layers", "wanted"),
    [
        ((100, 110, 120, 110, 120, 130), 2, [10, 30, 50]),
        ((100, 105, 110, 105, 110, 105, 130), 2, [20, 40, 60]),  # the test before the body runs once more than it
        ((100, 110, 130), 1, [0, 20]),
        ((100, 110, 120, 110, 120, 130), 3, None),
        ((100, 110, 120, 110), 2, None),  # where the last layer ends is not known
    ],
)
def test_edges_of_a_loop(addresses: tuple[int, ...], layers: int, wanted: list[int] | None) -> None:
    assert instructions(loop_edges(function_trace(*addresses), layers)) == wanted


@pytest.mark.parametrize("name", ["mlperf-kws", "mlperf-vww", "mlperf-ic", "mlperf-ad", "mlperf-sww", "micronet-vww-4"])
def test_operators_and_kernel_calls_have_the_same_macs(name: str, data_dir: Path) -> None:
    content = find_model(name, data_dir=data_dir).load()
    graph = read_tflite(content, name)
    by_operator = {label.title.split(":")[0]: label for label in graph_labels(graph)}
    plan = lower(graph, Isa.DSP)
    assert sum(label.macs for label in by_operator.values()) == plan.macs > 0
    for label in plan_labels(plan):
        if label.macs:
            assert by_operator[label.title.split(":")[0]] == label


def test_code_with_other_calls_is_refused(built: Built, monkeypatch: pytest.MonkeyPatch) -> None:
    board = find_board("stm32f746")
    made = compile_model(tiny_kws(), "tiny", Isa.DSP)
    more = replace(made, plan=replace(made.plan, steps=(*made.plan.steps, made.plan.steps[0])))
    with pytest.raises(BuildError, match="of model_invoke, it does not run 3 layers one after the other"):
        profile_elf(parts(COMPILED, board.device, more), built(board.device).elf, SAMPLE, "instructions")


@pytest.mark.parametrize(
    ("options", "sentence"),
    [
        (ProfileOptions(model="mlperf-kws", device="host"), "layers are profiled on emulated boards"),
        (ProfileOptions(model="mlperf-kws", device="stm32f746", engine="onnx"), "there is no engine 'onnx'"),
        (ProfileOptions(model="mlperf-kws", device="stm32f746", timing="exact"), "no timing level 'exact'"),
        (ProfileOptions(model="x.tflite", device="stm32f746"), "add --task"),
        (ProfileOptions(model="mlperf-kws", device="stm32f746", engine="tflm"), "name it with TFLM_DIR"),
    ],
)
def test_wrong_requests_are_refused_before_anything_is_built(options: ProfileOptions, sentence: str) -> None:
    with pytest.raises(UsageError, match=sentence):
        profile_model(options, environ={})


def test_the_interpreter_is_profiled_by_operator(tmp_path: Path) -> None:
    if not os.environ.get("TFLM_DIR"):
        pytest.skip("TFLM_DIR is not set")
    if shutil.which("arm-none-eabi-g++") is None:
        pytest.skip("needs arm-none-eabi-g++")
    board = find_board("stm32f746")
    made = interpret_on(board, tiny_kws(), "tiny").with_arena(8192)
    image = build_image(made, WIRE_FORMATS["kws01"], board, find_toolchain("gcc"), None, tmp_path)
    layers, total = profile_elf(parts(TFLM, board.device, made), image.elf, SAMPLE, "pipeline")
    assert [layer.title for layer in layers] == ["0: FULLY_CONNECTED  490 -> 12", "1: SOFTMAX  12 -> 12"]
    rest = counts_outside(total, layers)
    assert added([*(layer.counts for layer in layers), rest]) == {**vars(total), "stalls": dict(total.stalls)}
    assert 490 * 12 / 2 < layers[0].counts.instructions < 490 * 12 * 5
    assert 0 < rest.instructions < 1000


# How a profile is shown.

STALLS = MappingProxyType({cause.key: 0 for cause in CAUSES if cause.key})


def counts(cycles: int, issue: int, **more: int) -> Counts:
    stalls = {**STALLS, CAUSES[1].key: cycles - issue}
    return Counts(instructions=cycles // 2, cycles=cycles, issue_cycles=issue, stalls=MappingProxyType(stalls), **more)


PROFILE = Profile(
    model="a<b",
    device="stm32f746",
    core_hz=216_000_000,
    engine="compiled",
    kernels="dsp",
    compiler="zig",
    timing_level="pipeline",
    timing_model="pipeline 1",
    inputs="the first of 5 inputs",
    layers=(
        LayerProfile(title="0: CONV_2D <&>", macs=500, counts=counts(600, 400)),
        LayerProfile(title="1: PAD", macs=0, counts=counts(300, 300)),
    ),
    outside=counts(100, 50),
    total=counts(1000, 750),
)


def test_the_table_shows_work_and_causes() -> None:
    lines = render_profile(PROFILE).splitlines()
    cells = {line.split("  ")[0]: line.split() for line in reversed(lines) if line}
    assert cells["0: CONV_2D <&>"][3:] == ["600", "60.0%", "300", "500", "1.20"]
    assert cells["total"][1:] == ["1,000", "100.0%", "500", "500", "2.00"]
    assert lines[lines.index("cycles by cause, in % of the layer") + 3].split()[3:] == ["600", "66.7", "33.3"]
    assert lines[-1] == "note: level pipeline does not watch memory; --timing full adds its stalls and bytes"


def test_bytes_are_shown_where_memory_is_watched() -> None:
    total = counts(1000, 750, ram_read_bytes=1234)
    text = render_profile(replace(PROFILE, total=total))
    assert "RAM read" in text and "1,234" in text and "does not watch memory" not in text


def test_bars_of_the_plot_are_as_long_as_their_cycles(tmp_path: Path) -> None:
    from matplotlib.figure import Figure

    axes = Figure().add_subplot()
    layers = [*PROFILE.layers, LayerProfile(title="outside the layers", macs=0, counts=PROFILE.outside)]
    plot._bars(axes, layers, PROFILE)
    bars = {container.get_label(): [bar.get_width() for bar in container] for container in axes.containers}
    assert bars == {"issue": [400, 300, 50], f"load: {CAUSES[1].key}": [200, 0, 50]}
    assert [bar.get_x() for bar in axes.containers[1]] == [400, 300, 50]
    assert [text.get_text() for text in axes.texts] == [" 60.0%, 1.20 cycles/MAC", " 30.0%", " 10.0%"]


def test_the_same_profile_gives_the_same_svg(tmp_path: Path) -> None:
    first, second = tmp_path / "a.svg", tmp_path / "b.SVG"
    draw_profile(PROFILE, first)
    draw_profile(PROFILE, second)
    assert first.read_bytes() == second.read_bytes()
    elements = ElementTree.parse(first).iter("{http://www.w3.org/2000/svg}text")
    texts = " ".join("".join(element.itertext()) for element in elements)
    assert "a<b on stm32f746, engine compiled: 1,000 cycles" in texts
    assert "0: CONV_2D <&>" in texts and "emulated, pipeline 1" in texts


def test_suffix_selects_the_format(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    draw_profile(PROFILE, tmp_path / "x.png")
    assert (tmp_path / "x.png").read_bytes().startswith(b"\x89PNG")
    with pytest.raises(UsageError, match=r"x\.pdf is not \.svg or \.png"):
        draw_profile(PROFILE, tmp_path / "x.pdf")
    monkeypatch.setattr("importlib.util.find_spec", lambda name: None)
    with pytest.raises(UsageError, match=r"pip install 'mlperf-tiny-harness\[plot\]'"):
        draw_profile(PROFILE, tmp_path / "y.png")


def test_every_cause_has_its_own_colour_and_heading(built: Built) -> None:
    everything = (*CAUSES, OTHER)
    assert len({cause.colour for cause in everything}) == len({cause.heading for cause in everything}) == 13
    _, total = profiled(built, "stm32f746", "full")
    assert {cause.key for cause in CAUSES if cause.key} == set(total.stalls)


def test_cycles_without_a_cause_are_shown_as_other() -> None:
    odd = replace(PROFILE.total, cycles=1100)
    assert cycles_of(odd, OTHER) == 100
    assert causes_in([odd])[-1] is OTHER
