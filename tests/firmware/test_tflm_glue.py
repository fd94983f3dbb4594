# SPDX-License-Identifier: Apache-2.0
"""TFLM's glue against a fake of TFLM's interface: compiled and run here, so that a change that breaks it is noticed."""

from __future__ import annotations

import subprocess
from pathlib import Path

import numpy as np
import pytest

from mlperf_tiny.errors import LibraryUnusable, UnsupportedOperator
from mlperf_tiny.firmware.build import FIRMWARE
from mlperf_tiny.firmware.codegen.ir.plan import Isa
from mlperf_tiny.firmware.codegen.lower import lower
from mlperf_tiny.firmware.codegen.tflite.read_tflite import read_tflite
from mlperf_tiny.firmware.tflm.model import TflmModel, tflm_model
from mlperf_tiny.firmware.tflm.operators import Call, read_resolver, resolver_calls
from mlperf_tiny.models.arch.tflite_builder import Builder
from tests.fakes.tflm_tree import FAKE, ZIG, fake_library, run
from tests.fakes.tiny_models import tiny_kws, weighted

FLAGS = ("-std=c++17", "-O1", "-Wall", "-Wextra", "-Werror", "-fno-exceptions", "-fno-rtti", "-fno-threadsafe-statics")

MAIN = r"""
#include <stdio.h>
#include <string.h>
#include "model.h"

extern uint32_t tflm_arena_used_bytes;

int main(void)
{
    const int code = model_init();
    printf("%d %s %u %u %.9g %d %.9g %d %u %u\n", code, model_info.engine, model_info.input_bytes,
           model_info.output_bytes, (double)model_info.input_scale, model_info.input_zero_point,
           (double)model_info.output_scale, model_info.output_zero_point, model_info.arena_bytes,
           tflm_arena_used_bytes);
    fflush(stdout);
    for (int round = 0; code == 0 && round < 2; round++) {
        for (uint32_t i = 0; i < model_info.input_bytes; i++) {
            model_input()[i] = (int8_t)(i * 7 + (uint32_t)round);
        }
        const int invoked = model_invoke();
        if (invoked != 0) {
            printf("invoke %d\n", invoked);
            return 0;
        }
        fwrite(model_output(), 1, model_info.output_bytes, stdout);
    }
    return 0;
}
"""


def model(*defines: str, arena_bytes: int = 1000) -> TflmModel:
    library = fake_library(Path("unused.a"), *defines)
    return tflm_model(tiny_kws(), "tiny kws.tflite", library, read_resolver(FAKE)).with_arena(arena_bytes)


def run_glue(made: TflmModel, folder: Path) -> tuple[list[str], bytes]:
    """Build the glue for ``made`` on this machine and run it: its ``model_info`` and its raw output."""
    for name, text in {**made.files, "main.c": MAIN}.items():
        (folder / name).write_text(text)
    includes = [f"-I{path}" for path in (folder, FIRMWARE / "engine", *made.library.includes)]
    defines = [f"-D{define}" for define in made.library.defines]
    # Compiled as C++ and linked as C: nothing in the glue may need a C++ run-time library.
    glue, main = str(folder / "glue.o"), str(folder / "main.o")
    run([str(ZIG), "c++", *FLAGS, *includes, *defines, "-c", str(FIRMWARE / made.sources[0]), "-o", glue])
    run([str(ZIG), "cc", "-Wall", "-Werror", *includes, "-c", str(folder / "main.c"), "-o", main])
    run([str(ZIG), "cc", glue, main, "-o", str(folder / "program")])
    done = subprocess.run([folder / "program"], capture_output=True, check=True, timeout=30)
    words, _, rest = done.stdout.partition(b"\n")
    return words.decode().split(), rest


def test_the_glue_runs_a_model(tmp_path: Path) -> None:
    made = model()
    words, output = run_glue(made, tmp_path)
    assert words == ["0", "tflm", "490", "12", "0.584702909", "83", "0.00390625", "-128", "1008", "600"]
    assert made.arena_bytes == 1008, "rounded up to what both ends are aligned to"
    for number, answer in enumerate((output[:12], output[12:])):
        values = np.resize((np.arange(490) * 7 + number).astype(np.uint8), 492)
        values[490:] = 0
        assert np.array_equal(np.frombuffer(answer, np.uint8), values.reshape(-1, 12).sum(axis=0, dtype=np.uint8))


@pytest.mark.parametrize(
    ("defines", "arena_bytes", "code"),
    [
        (["FAKE_SCHEMA_VERSION=4"], 1008, 1),
        (["FAKE_ADD_STATUS=kTfLiteError"], 1008, 2),
        (["FAKE_NEEDED_BYTES=1009"], 1008, 3),
        (["FAKE_NEEDED_BYTES=1008"], 1008, 0),
        (["FAKE_INPUT_TYPE=kTfLiteFloat32"], 1008, 4),
        (["FAKE_INPUT_BYTES=489"], 1008, 4),
        (["FAKE_INPUTS=2"], 1008, 4),
        (["FAKE_OUTPUT_TYPE=kTfLiteFloat32"], 1008, 5),
        (["FAKE_OUTPUT_ZERO_POINT=127"], 1008, 5),
        (["FAKE_OUTPUTS=0"], 1008, 5),
    ],
)
def test_each_refusal_of_the_engine_has_its_code(
    tmp_path: Path, defines: list[str], arena_bytes: int, code: int
) -> None:
    words, _ = run_glue(model(*defines, arena_bytes=arena_bytes), tmp_path)
    assert words[0] == str(code)


def test_a_failed_inference_has_a_code(tmp_path: Path) -> None:
    assert run_glue(model("FAKE_INVOKE_STATUS=kTfLiteError"), tmp_path)[1] == b"invoke 1\n"


def test_exactly_the_operators_of_the_model_are_added() -> None:
    calls = model().calls
    assert calls == (
        Call("AddFullyConnected(tflite::Register_FULLY_CONNECTED_INT8())", "tensorflow/lite/micro/kernels/fake_ops.h"),
        Call("AddSoftmax()"),
    )
    header = model().files["tflm_model.h"]
    assert "MicroMutableOpResolver<2>" in header
    assert all(f"resolver.{call.text} != kTfLiteOk" in header for call in calls)


def test_an_operator_with_other_types_is_added_with_all_types() -> None:
    graph = read_tflite(odd_model("FULLY_CONNECTED", "float32"), "odd")
    assert resolver_calls(graph, read_resolver(FAKE)) == (Call("AddFullyConnected()"),)


@pytest.mark.parametrize(
    ("kind", "dtype", "words"),
    [
        ("LOGISTIC", "int8", "operator LOGISTIC at layer 0 .*no call that adds it"),
        ("CUSTOM:mine", "int8", "operator CUSTOM:mine at layer 0"),
        ("SOFTMAX", "float32", r"its input, .* float32\).* it is float32, engine tflm needs int8"),
        ("SOFTMAX", "uint8", "it is uint8"),
    ],
)
def test_unsupported_operators_are_named(kind: str, dtype: str, words: str) -> None:
    with pytest.raises(UnsupportedOperator, match=words):
        tflm_model(odd_model(kind, dtype), "odd", fake_library(Path("x.a")), read_resolver(FAKE))


@pytest.mark.parametrize(("activations", "weights"), [("int16", "int8"), ("float32", "int8"), ("float32", "float32")])
def test_a_model_that_is_not_in_int8_is_refused_for_the_reason_that_the_compiled_engine_gives(
    activations: str, weights: str
) -> None:
    content = weighted(activations, weights)
    with pytest.raises(UnsupportedOperator) as by_tflm:
        tflm_model(content, "other", fake_library(Path("x.a")), read_resolver(FAKE))
    with pytest.raises(UnsupportedOperator) as by_compiled:
        lower(read_tflite(content, "other"), Isa.REF)
    assert str(by_tflm.value) == str(by_compiled.value)


def test_float_ends_of_an_int8_network_are_refused_with_the_two_ways_out() -> None:
    with pytest.raises(UnsupportedOperator, match=r"inference_input_type = tf\.int8, or take engine compiled"):
        tflm_model(odd_model("SOFTMAX", "float32"), "odd", fake_library(Path("x.a")), read_resolver(FAKE))


def odd_model(kind: str, dtype: str) -> bytes:
    """One operator on a tensor of a type that may not be int8."""
    b = Builder()
    x, y = (b.tensor((1, 4), dtype, scale=0.5, zero_point=0) for _ in range(2))
    inputs = [x, b.tensor((4, 4), dtype, scale=0.5, data=np.ones((4, 4)))] if kind == "FULLY_CONNECTED" else [x]
    b.operator(kind, inputs, [y], {"beta": 1.0} if kind == "SOFTMAX" else {})
    return b.build([x], [y])


@pytest.mark.parametrize("text", [None, "nothing that looks like a resolver"])
def test_an_unknown_header_is_named(tmp_path: Path, text: str | None) -> None:
    path = tmp_path / "tensorflow/lite/micro/micro_mutable_op_resolver.h"
    path.parent.mkdir(parents=True)
    if text is not None:
        path.write_text(text)
    with pytest.raises(LibraryUnusable, match=r"micro_mutable_op_resolver\.h cannot be used"):
        read_resolver(tmp_path)


def test_two_builds_of_one_commit_have_different_versions() -> None:
    assert model().engine_version == "tflite-micro 000000000000, library 111111111111"
    assert (model().kernels, model().constant_bytes) == ("CMSIS-NN", len(tiny_kws()))


@pytest.mark.parametrize("name", ["a */ b.tflite", "trick??/.tflite", "line\nbreak", "back\\"])
def test_a_model_of_any_name_compiles(tmp_path: Path, name: str) -> None:
    made = tflm_model(tiny_kws(), name, fake_library(Path("x.a")), read_resolver(FAKE)).with_arena(1000)
    assert run_glue(made, tmp_path)[0][0] == "0"
