# SPDX-License-Identifier: Apache-2.0
"""Engines on emulated boards against TFLite's own kernels, and finished runs side by side."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from mlperf_tiny.errors import BenchError, CompilerFailed, DataError, Refused, UnsupportedOperator, UsageError
from mlperf_tiny.firmware.boards import Memory, find_board
from mlperf_tiny.harness.compare.engines import compare, measure_cost
from mlperf_tiny.harness.compare.plan import ComparisonOptions, plan_comparison
from mlperf_tiny.harness.compare.rows import ComparisonRow, InferenceCost, OutputDifference, compared
from mlperf_tiny.harness.compare.runs import compare_runs
from mlperf_tiny.harness.compare.text import render_comparison
from mlperf_tiny.harness.image.engines import COMPILED, ENGINES, compile_for
from mlperf_tiny.harness.run.request import Request
from mlperf_tiny.harness.run.run import run_benchmark
from mlperf_tiny.harness.run.short_inputs import random_inputs
from mlperf_tiny.harness.wire.session import Session
from mlperf_tiny.models.catalog.catalog import model_names, shipped_names
from mlperf_tiny.models.data.formats.dataset import NO_LABEL, Sample
from mlperf_tiny.progress import Listener, Progress
from mlperf_tiny.runners.emulator.timing.levels import LEVELS
from tests.fakes.data_sets import kws_folder, one_hot
from tests.fakes.device import FakeDevice
from tests.fakes.printing_device import PrintingDevice
from tests.fakes.reference import run_reference
from tests.fakes.tiny_models import tiny_kws

M7 = find_board("stm32f746")
EMPTY = {"MLPERF_TINY_CACHE": "/nonexistent"}


@pytest.fixture
def two_engines(monkeypatch: pytest.MonkeyPatch) -> None:
    """A second engine that runs other weights, so that what it answers is known to differ, and by how much."""
    other = replace(compile_for(M7, tiny_kws(2), "tiny"), engine="other", engine_version="1.2")
    monkeypatch.setitem(
        ENGINES, "other", replace(COMPILED, name="other", make_model=lambda board, content, name, environ: other)
    )


@pytest.fixture
def tiny(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A model file of a tenth of a second, and a cache of its own."""
    monkeypatch.setenv("MLPERF_TINY_CACHE", str(tmp_path / "cache"))
    path = tmp_path / "tiny.tflite"
    path.write_bytes(tiny_kws(1))
    return path


def difference(to: str, inputs: int, values: int, different: int, largest: float, exact: bool) -> OutputDifference:
    return OutputDifference(to=to, inputs=inputs, values=values, different=different, largest=largest, exact=exact)


def options(model: Path, **changes: Any) -> ComparisonOptions:
    """A comparison of one model on one board with one engine."""
    values: dict[str, Any] = {"devices": ("stm32f746",), "engines": ("compiled",), **changes}
    return ComparisonOptions(task="kws", models=(str(model),), **values)


def test_two_engines_on_an_emulated_board(two_engines: None, tiny: Path, tmp_path: Path) -> None:
    data = kws_folder(tmp_path / "data")
    steps: list[Progress] = []
    plan = plan_comparison(options(tiny, engines=("compiled", "other"), data=data, timing="instructions"))
    first, second = compare(plan, Listener(progress=steps.append))
    assert [step.text for step in steps] == ["tiny on stm32f746, compiled", "tiny on stm32f746, other", "done"]
    assert (first.engine, first.kernels, first.difference, first.problem) == ("compiled", "dsp", None, "")
    assert first.timing_model.startswith("instructions")
    assert (second.engine, second.engine_version, second.inputs) == ("other", "1.2", "5 real inputs of kws01")

    files = [np.fromfile(data / "kws01" / f"tst_{n:06d}.bin", np.int8) for n in range(5)]
    answers = [run_reference(tiny_kws(seed), np.stack(files)) for seed in (1, 2)]
    for row, wanted in zip((first, second), answers, strict=True):
        np.testing.assert_array_equal(np.stack(list(row.answers.values())), wanted)
    apart = np.abs(answers[0].astype(int) - answers[1])
    assert second.difference == OutputDifference(
        to="compiled", inputs=5, values=60, different=np.count_nonzero(apart), largest=apart.max(), exact=True
    )

    a, b = first.cost, second.cost
    assert a is not None and b is not None
    assert a.instructions == pytest.approx(b.instructions, rel=0.05)  # the same work on other weights
    assert 490 * 12 / 2 < (a.instructions or 0) < 490 * 12 * 5  # two multiplications an instruction at best
    assert a.latency_us == pytest.approx((a.cycles or 0) / M7.clock_hz * 1e6, rel=1e-3)
    assert a.constant_bytes is not None and 490 * 12 < a.constant_bytes < 490 * 12 + 4000
    assert a.runtime_flash_bytes == (a.flash_bytes or 0) - a.constant_bytes


@pytest.mark.parametrize("latency_us", [6, 40, 300, 5_000, 900_000])
def test_cycles_are_latency_times_clock(latency_us: int) -> None:
    device = PrintingDevice(latency_us)
    session = Session(device)
    session.start()
    sample = Sample("zeros", NO_LABEL, lambda: bytes(490))
    got_us, instructions, cycles = measure_cost(session, device.counters, sample)
    assert got_us == pytest.approx(latency_us, rel=1e-3)
    assert cycles == pytest.approx(latency_us * device.CLOCK_HZ / 1e6, rel=1e-3)
    assert instructions == pytest.approx(cycles / 3, rel=1e-6)


def test_the_timing_level_is_used(tiny: Path) -> None:
    def latency_us(timing: str | None) -> float:
        (row,) = compare(plan_comparison(options(tiny, timing=timing), EMPTY), Listener())
        assert row.cost is not None
        return row.cost.latency_us

    by_class, by_pipeline, with_memories = map(latency_us, LEVELS)
    assert len({by_class, by_pipeline, with_memories}) == 3
    assert latency_us(None) == with_memories


def test_a_data_folder_need_not_have_every_task(tiny: Path, tmp_path: Path) -> None:
    (tmp_path / "data").mkdir()
    plan = plan_comparison(options(tiny, data=tmp_path / "data"))
    (row,) = compare(plan, Listener())
    reason = f"{tmp_path / 'data'} is not used: it holds no samples of kws01 for this model"
    assert (row.inputs, row.problem) == (f"5 synthetic inputs of kws01 ({reason})", "")


def test_a_model_that_does_not_fit_is_a_row_with_a_problem(tiny: Path, tmp_path: Path) -> None:
    small = replace(M7, memories=(M7.memory("flash"), Memory(name="ram", base=0x2000_0000, size_bytes=2048)))
    plan = replace(plan_comparison(options(tiny, devices=())), boards=(small, M7))
    refused, measured = compare(plan, Listener())
    assert refused.cost is None
    assert refused.problem.startswith("does not fit: ram needs ") and refused.problem.endswith(" bytes, has 2,048")
    assert measured.cost is not None


@pytest.mark.parametrize(
    ("error", "kept"),
    [
        (UnsupportedOperator("LSTM", "layer 3", "it is not implemented"), True),
        (Refused("infer 1 0", "Model set-up failed with code 1"), True),
        (CompilerFailed("zig", "it could not compile model.c", "model.c:30:3: error\nand more"), True),
        (DataError("the data is gone"), False),
        (KeyboardInterrupt(), False),
    ],
)
def test_a_failing_engine_is_a_row_and_missing_data_an_error(
    error: BaseException, kept: bool, tiny: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(*arguments: Any) -> Any:
        raise error

    monkeypatch.setitem(ENGINES, "compiled", replace(COMPILED, make_model=fail))
    rows = compare(plan_comparison(options(tiny)), Listener())
    if kept:
        (row,) = rows
        assert (row.problem, row.cost) == (str(error).split("\n")[0], None)
    else:
        with pytest.raises(type(error)):
            list(rows)


@pytest.mark.parametrize(
    ("asked", "sentence"),
    [
        (ComparisonOptions(engines=("onnx",)), "there is no engine 'onnx'; choose one of compiled, tflm"),
        (ComparisonOptions(engines=("compiled", "tflm")), "TFLM_DIR"),
        (ComparisonOptions(timing="guess"), "no timing level 'guess'"),
        (ComparisonOptions(toolchain="icc"), "there is no toolchain 'icc'"),
        (ComparisonOptions(devices=("host",)), "device host is a process"),
        (ComparisonOptions(devices=("stm32f999",)), "there is no device 'stm32f999'"),
        (ComparisonOptions(task="asr"), "no model for a task 'asr'; there are models for ad, ic, kws, sww, vww"),
        (ComparisonOptions(models=("mlperf-ic",), task="kws"), "model mlperf-ic is for task ic, not kws"),
        (ComparisonOptions(task="sww"), "no model for task sww is found locally"),
    ],
)
def test_invalid_options_are_refused(asked: ComparisonOptions, sentence: str) -> None:
    with pytest.raises(UsageError) as caught:
        plan_comparison(asked, EMPTY)
    assert sentence in str(caught.value)


def test_by_default_all_is_compared_that_needs_no_download() -> None:
    plan = plan_comparison(ComparisonOptions(), EMPTY)
    assert tuple(model.name for model in plan.models) == shipped_names()
    assert [board.device for board in plan.boards] == ["stm32f446", "stm32f746", "stm32l4r5"]
    assert "compiled" in plan.engines and "tflm" not in plan.engines
    engine, skipped = plan.notes
    assert engine.startswith("skipped: engine tflm needs ") and "TFLM_DIR" in engine
    assert skipped.startswith("skipped, not found locally: ")
    assert all(name in skipped for name in model_names() if name not in shipped_names())


def test_all_official_models_are_available_with_the_data(data_dir: Path) -> None:
    plan = plan_comparison(ComparisonOptions(data=data_dir), EMPTY)
    assert {model.name for model in plan.models} >= {f"mlperf-{task}" for task in ("ad", "ic", "kws", "sww", "vww")}


def test_a_named_engine_comes_in_the_order_it_was_named(two_engines: None) -> None:
    assert plan_comparison(ComparisonOptions(engines=("other", "compiled", "other")), EMPTY).engines == (
        "other",
        "compiled",
    )


def test_random_inputs_reach_the_extremes_and_never_change() -> None:
    samples = random_inputs(1000)
    assert [sample.load() for sample in samples] == [sample.load() for sample in random_inputs(1000)]
    assert len({sample.load() for sample in samples}) == 5
    assert set(np.frombuffer(samples[-1].load(), np.int8)) == {-128, 127}


def answered(**answers: list[int] | list[float]) -> ComparisonRow:
    arrays = {
        name: np.array(values, np.int8 if isinstance(values[0], int) else np.float64)
        for name, values in answers.items()
    }
    return ComparisonRow(model="m", device="d", engine="x", answers=arrays)


@pytest.mark.parametrize(
    ("ours", "theirs", "wanted"),
    [
        ({"a": [1, 2]}, {"a": [1, 2]}, difference("x", 1, 2, 0, 0.0, True)),
        (
            {"a": [127, 2]},
            {"a": [-128, 2]},
            difference("x", 1, 2, 1, 255.0, True),
        ),
        (
            {"a": [1, 2], "b": [5, 5]},
            {"b": [6, 4], "c": [0, 0]},
            difference("x", 1, 2, 2, 1.0, True),
        ),
        (
            {"a": [0.25, 0.5]},
            {"a": [0.25, 0.625]},
            difference("x", 1, 2, 1, 0.125, False),
        ),
        (
            {"a": [1, 2]},
            {"a": [1, 2, 3]},
            difference("x", 1, 3, 3, float("inf"), True),
        ),
        ({"a": [1, 2]}, {"b": [1, 2]}, None),
        ({"a": [1, 2]}, None, None),
    ],
)
def test_difference_of_answers(ours: Any, theirs: Any, wanted: OutputDifference | None) -> None:
    reference = None if theirs is None else answered(**theirs)
    assert compared(answered(**ours), reference).difference == wanted


def finished(folder: Path, **changes: Any) -> Path:
    """The folder of a run against a fake device."""
    data = folder / "data"
    if not data.exists():
        kws_folder(data)
    limit = changes.pop("limit", None)
    modes = changes.pop("modes", None)
    device = FakeDevice(**{"infer": one_hot, "latency_us": 20_000, "instructions_per_inference": 777, **changes})
    request = Request(task="kws", device="stm32f746", data=data, port="fake://", limit=limit, modes=modes)
    open_device: Callable[..., FakeDevice] = lambda url, *, baud=None: device  # noqa: E731
    return run_benchmark(request, folder / "runs", Listener(), open_device)[1]


def test_finished_runs_side_by_side(tmp_path: Path) -> None:
    def other(data: bytes) -> list[str]:
        return ["0.500", *one_hot(data)[1:]]

    board = finished(tmp_path, timing="hardware", instructions_per_inference=None, latency_us=30_000)
    emulated = finished(tmp_path, timing="emulated", infer=other)
    part = finished(tmp_path, timing="emulated", modes=("accuracy",), limit=3)
    rows = compare_runs([board, emulated, part])
    assert [row.timing for row in rows] == ["hardware", "emulated", "emulated"]
    assert [row.cost and (round(row.cost.latency_us), row.cost.instructions) for row in rows] == [
        (30_000, None), (20_000, 777), None,
    ]  # fmt: skip
    assert [row.difference for row in rows] == [
        None,
        difference("run 1", 12, 144, 12, pytest.approx(0.5), False),
        difference("run 1", 3, 36, 0, 0.0, False),
    ]
    text = render_comparison(rows)
    assert text.count("stm32f746, timing: hardware") == text.count("stm32f746, timing: emulated") == 1
    assert "emulated and hardware times cannot be compared" in text
    assert "1.50" not in text and "0.67" not in text  # the ratio of 30 ms to 20 ms
    assert "run 3, on the device  on the device  no timed windows  equal to run 1, 36 printed values" in text
    assert f"note: run 2: {emulated}" in text


def test_runs_on_other_data_have_no_difference(tmp_path: Path) -> None:
    kws_folder(tmp_path / "b/data", samples=11)
    rows = compare_runs([finished(tmp_path / "a"), finished(tmp_path / "b")])
    assert [row.difference for row in rows] == [None, None]


def test_a_folder_without_a_run(tmp_path: Path) -> None:
    with pytest.raises(BenchError, match=r"transcript\.jsonl cannot be read"):
        compare_runs([tmp_path])


def test_answers_of_another_length_differ_and_json_has_no_infinity() -> None:
    row = replace(compared(answered(a=[1, 2]), answered(a=[1, 2, 3])), cost=InferenceCost(latency_us=1.0))
    assert "3 of 3 differ from x, some in number" in render_comparison([row])
    values = json.loads(json.dumps(row.to_json(), allow_nan=False))
    assert (values["difference"]["different"], values["difference"]["largest"]) == (3, None)
    assert "answers" not in values


def cost(latency_us: float, instructions: float, arena: int, ram: int, flash: int, constants: int) -> InferenceCost:
    return InferenceCost(
        latency_us=latency_us,
        instructions=instructions,
        arena_bytes=arena,
        ram_bytes=ram,
        flash_bytes=flash,
        constant_bytes=constants,
    )


def test_the_table() -> None:
    ours = ComparisonRow(
        model="kws", device="b", engine="compiled", kernels="dsp", timing_model="some model", inputs="5 real inputs"
    )
    ours = replace(ours, compiler="zig 1", cost=cost(12_715.4, 2_861_324.0, 16_528, 18_672, 61_144, 29_828))
    by_one = difference("compiled", 5, 60, 2, 1.0, True)
    theirs = replace(ours, engine="tflm", engine_version="90b983c2", kernels="CMSIS-NN", compiler="gcc 2")
    slow = cost(31_788.4, 7_761_234.0, 22_820, 25_000, 116_804, 53_804)
    theirs = replace(theirs, cost=slow, difference=by_one)
    large = ComparisonRow(
        model="vww",
        device="b",
        engine="compiled",
        timing_model="some model",
        problem="does not fit: ram needs 9 bytes, has 2",
    )
    equal = replace(theirs, device="c", difference=replace(by_one, different=0, largest=0.0))
    assert render_comparison([ours, theirs, large, equal], ["skipped"]).splitlines() == [
        "b, timing: emulated (some model)",
        "",
        "model  engine          latency ms  ratio  instructions   arena     RAM    flash  flash - model  outputs",
        "kws    compiled, dsp       12.715            2,861,324  16,528  18,672   61,144         31,316",
        "kws    tflm, CMSIS-NN      31.788   2.50     7,761,234  22,820  25,000  116,804         63,000"
        "  2 of 60 differ from compiled, by 1 at most",
        "vww    compiled        does not fit: ram needs 9 bytes, has 2",
        "",
        "c, timing: emulated (some model)",
        "",
        "model  engine          latency ms  ratio  instructions   arena     RAM    flash  flash - model  outputs",
        "kws    tflm, CMSIS-NN      31.788            7,761,234  22,820  25,000  116,804         63,000"
        "  equal to compiled, 60 bytes",
        "",
        "note: compiled: compiled with zig 1",
        "note: tflm: 90b983c2, compiled with gcc 2",
        "note: inputs of kws: 5 real inputs",
        "note: skipped",
    ]
