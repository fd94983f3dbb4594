# SPDX-License-Identifier: Apache-2.0
"""The emitted text: readable, deterministic, accepted by strict compilers, and safe against names in the model."""

from __future__ import annotations

import re
import shutil
import subprocess
import textwrap
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from mlperf_tiny.firmware.codegen.emit_c import LINE_COLUMNS, emit_c
from mlperf_tiny.firmware.codegen.ir.plan import Constant, Isa, Plan
from mlperf_tiny.firmware.codegen.lower import lower
from mlperf_tiny.firmware.codegen.place import place
from mlperf_tiny.firmware.codegen.tflite.read_tflite import read_tflite
from mlperf_tiny.models.arch.tflite_builder import Builder
from tests.fakes.host_model import ENGINE, ZIG, build_host_model


def small_model(name: str = "input") -> bytes:
    """PAD, pooling, an addition with a constant and a softmax: scratchless steps of every shape."""
    b = Builder()
    x = b.tensor((1, 4, 4, 2), scale=0.1, zero_point=3, name=name)
    padded = b.tensor((1, 6, 6, 2), scale=0.1, zero_point=3, name=name)
    b.operator("PAD", [x, b.tensor((4, 2), "int32", data=[[0, 0], [1, 1], [1, 1], [0, 0]])], [padded])
    pooled = b.tensor((1, 3, 3, 2), scale=0.1, zero_point=3)
    window = {"padding": "VALID", "filter_h": 2, "filter_w": 2, "stride_h": 2, "stride_w": 2}
    b.operator("AVERAGE_POOL_2D", [padded], [pooled], window)
    added = b.tensor((1, 3, 3, 2), scale=0.2, zero_point=-1)
    constant = b.tensor((1, 3, 3, 2), scale=0.07, zero_point=1, data=np.arange(18) * 7 - 60)
    b.operator("ADD", [pooled, constant], [added])
    flat = b.tensor((1, 18), scale=0.2, zero_point=-1)
    b.operator("RESHAPE", [added], [flat], {"new_shape": (1, 18)})
    y = b.tensor((1, 18), scale=1 / 256, zero_point=-128)
    b.operator("SOFTMAX", [flat], [y], {"beta": 1.0})
    return b.build([x], [y])


def plan_of(model: bytes, isa: Isa = Isa.REF) -> Plan:
    return lower(read_tflite(model, "folder/small.tflite"), isa)


def test_every_call_has_a_comment() -> None:
    plan = plan_of(small_model())
    placement = place(plan)
    text = emit_c(plan, placement)["model.c"]
    calls = re.findall(r"    /\* (.*) \*/\n    (\w+)\(&step_(\d+)((?:, arena \+ \d+)+)\);", text)
    assert [call[1] for call in calls] == [step.kernel for step in plan.steps]
    for (comment, _, number, arguments), step in zip(calls, plan.steps, strict=True):
        assert comment.startswith(step.title)
        offsets = [placement.offsets[tensor] for tensor in (*step.inputs, step.output)]
        assert [int(offset) for offset in re.findall(r"\d+", arguments)] == offsets
        assert comment.endswith(f"-> {offsets[-1]}")
        assert f"step_{number} = {{" in text
    assert "4x4x2 -> 6x6x2" in text


def test_model_info_describes_the_tensors() -> None:
    text = emit_c(plan_of(small_model()), place(plan_of(small_model())))["model.c"]
    info = dict(re.findall(r"    \.(\w+) = (.*),\n", text[text.index("model_info = {") :]))
    assert info["engine"] == '"compiled"'
    assert (info["input_bytes"], info["output_bytes"]) == ("32", "18")
    assert (info["input_scale"], info["input_zero_point"]) == ("0.1f", "3")
    assert (info["output_scale"], info["output_zero_point"]) == ("0.00390625f", "-128")
    assert info["arena_bytes"] == "ARENA_BYTES"


def test_the_same_model_gives_the_same_bytes() -> None:
    texts = [emit_c(plan, place(plan)) for plan in (plan_of(small_model()), plan_of(small_model()))]
    assert texts[0] == texts[1]


def test_lines_have_a_maximum_width() -> None:
    plan = plan_of(small_model())
    for name, text in emit_c(plan, place(plan)).items():
        assert max(map(len, text.splitlines())) <= 120, name


HOSTILE_NAMES = ["*/ int x; /*", "*" + "/ #error", "a\nb", 'quo"te', "back\\", "??/", "ünïcode", "/* nested", "%s%n"]


@pytest.mark.parametrize("name", HOSTILE_NAMES)
def test_a_tensor_name_cannot_end_its_comment(name: str) -> None:
    plan = plan_of(small_model(name))
    plan = replace(plan, source=f"folder/{name}.tflite", notes=(f"note on {name}",))
    steps = tuple(replace(step, title=f"{step.title} {name}") for step in plan.steps)
    plan = replace(plan, steps=steps, input=replace(plan.input, name=name))
    assert build_host_model(plan).run(np.zeros((1, 32))).shape == (1, 18)


def test_scales_survive_the_text() -> None:
    """Any float32 comes back from the C literal."""
    rng = np.random.default_rng(0)
    for scale in (
        *np.exp(rng.uniform(-30, 10, 50)).astype(np.float32),
        np.float32(1),
        np.float32(1e-20),
        np.float32(3e8),
    ):
        plan = plan_of(small_model())
        plan = replace(plan, input=replace(plan.input, scale=float(scale)))
        (literal,) = re.findall(r"\.input_scale = (.*)f,", emit_c(plan, place(plan))["model.c"])
        assert np.float32(literal) == scale
        assert re.search("[.e]", literal), literal


def test_an_arena_above_the_limit_does_not_compile() -> None:
    plan = plan_of(small_model())
    arena = place(plan).arena_bytes
    build_host_model(plan, flags=("-std=c11", f"-DMODEL_ARENA_LIMIT_BYTES={arena}"))
    with pytest.raises(RuntimeError, match="do not fit the RAM"):
        build_host_model(plan, flags=("-std=c11", f"-DMODEL_ARENA_LIMIT_BYTES={arena - 1}"))


def test_an_offset_outside_the_arena_does_not_compile() -> None:
    plan = plan_of(small_model())
    placement = place(plan)
    broken = replace(placement, arena_bytes=placement.arena_bytes - 8)
    with pytest.raises(RuntimeError, match="static assertion failed"):
        build_host_model(plan, broken)


STRICT = ("-std=c11", "-Wall", "-Wextra", "-Wpedantic", "-Wshadow", "-Wstrict-prototypes", "-Wconversion", "-Werror")
COMPILERS = {
    "clang for Cortex-M7": [
        str(ZIG),
        "cc",
        "-target",
        "thumb-freestanding-eabihf",
        "-mcpu=cortex_m7",
        "-ffreestanding",
    ],
    "gcc": ["gcc"],
    "gcc for Cortex-M4": ["arm-none-eabi-gcc", "-mcpu=cortex-m4", "-mthumb"],
}


@pytest.mark.parametrize("isa", list(Isa), ids=lambda isa: isa.value)
@pytest.mark.parametrize("compiler", COMPILERS)
def test_compiles_with_strict_warnings(compiler: str, isa: Isa, tmp_path: Path) -> None:
    command = COMPILERS[compiler]
    if shutil.which(command[0]) is None:
        pytest.skip(f"{command[0]} is not installed")
    plan = plan_of(small_model(), isa)
    for name, text in emit_c(plan, place(plan)).items():
        (tmp_path / name).write_text(text)
    includes = [f"-I{ENGINE}", f"-I{ENGINE / 'dsp'}"]
    done = subprocess.run(
        [*command, *STRICT, "-O2", *includes, "-c", str(tmp_path / "model.c"), "-o", str(tmp_path / "model.o")],
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr


@pytest.mark.parametrize("ctype", ["int8_t", "uint8_t", "int16_t", "int32_t"])
@pytest.mark.parametrize("size", [1, 2, 30, 65_535, 65_536, 65_537, 140_000])
def test_rows_of_numbers_are_as_long_as_a_line_holds(ctype: str, size: int) -> None:
    """Python's own ``textwrap`` says where a line ends; all numbers are there, in order."""
    dtype = np.dtype(ctype.removesuffix("_t"))
    limits = np.iinfo(dtype)
    values = np.random.default_rng(size).integers(limits.min, limits.max, size, dtype, endpoint=True)
    values[: size // 2] %= 9  # of one digit: the most in a line
    plan = plan_of(small_model())
    step = replace(plan.steps[0], constants=(Constant("numbers", ctype, values),))
    text = emit_c(replace(plan, steps=(step,)), place(plan))["model_constants.h"]
    rows = text.split(" = {\n", 1)[1].split(",\n};", 1)[0]
    wrapped = textwrap.wrap(", ".join(map(str, values.tolist())), LINE_COLUMNS - 4, break_on_hyphens=False)
    assert rows == textwrap.indent("\n".join(wrapped), "    ")
