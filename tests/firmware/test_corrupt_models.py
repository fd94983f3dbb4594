# SPDX-License-Identifier: Apache-2.0
"""Thousands of corrupt models through the whole compiler: each compiles to consistent C or is refused, quickly."""

from __future__ import annotations

import itertools
import re
import time
import tracemalloc
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from pathlib import Path

import pytest

from mlperf_tiny.errors import BuildError, ModelInvalid
from mlperf_tiny.firmware.codegen.ir.plan import Isa, Plan
from mlperf_tiny.firmware.codegen.pipeline import ENGINE, CompiledModel, compile_model
from mlperf_tiny.firmware.codegen.tflite.read_tflite import read_tflite
from tests.fakes.corrupt_models import (
    BOMBS,
    MODELS,
    corrupt_bytes,
    corrupt_values,
    residual_model,
    structure_words,
    written,
)
from tests.fakes.sanitized_model import find_sanitizing_compiler, run_sanitized

LIMIT_S = 2.0  # of processor time: other tests run beside this one
REAL_LIMIT_S = 6.0


def check_compiled(compiled: CompiledModel) -> None:
    """What the C text promises holds: array lengths, value ranges, and an arena that holds everything apart."""
    plan, placement = compiled.plan, compiled.placement
    limits = {
        "int8_t": (-128, 127),
        "uint8_t": (0, 255),
        "int16_t": (-(2**15), 2**15 - 1),
        "int32_t": (-(2**31), 2**31 - 1),
    }
    declared = dict(re.findall(r"\b(\w+)\[(\d+)\] = \{", compiled.files["model_constants.h"]))
    bodies = dict(re.findall(r"\b(\w+)\[\d+\] = \{\n(.*?)\n\};", compiled.files["model_constants.h"], re.DOTALL))
    for constant in (c for step in plan.steps for c in step.constants):
        low, high = limits[constant.ctype]
        assert constant.values.size and low <= constant.values.min() and constant.values.max() <= high
        assert int(declared[constant.name]) == constant.values.size
        assert bodies[constant.name].count(",") == constant.values.size
    spans = [
        (placement.offsets[b.tensor], placement.offsets[b.tensor] + b.size_bytes, b.first_use, b.last_use, b.tensor)
        for b in plan.buffers
    ]
    spans += [(at, at + plan.steps[n].scratch_bytes, n, n, -1) for n, at in placement.scratch_offsets.items()]
    may_share = {(step.in_place, step.output) for step in plan.steps if step.in_place not in (None, plan.output_tensor)}
    for i, a in enumerate(spans):
        assert 0 <= a[0] < a[1] <= placement.arena_bytes
        for b in spans[:i]:
            alive_together = a[2] <= b[3] and b[2] <= a[3]
            overlap = a[0] < b[1] and b[0] < a[1]
            assert not (alive_together and overlap) or (a[0] == b[0] and {(a[4], b[4]), (b[4], a[4])} & may_share)
    for step in plan.steps:
        assert step.output in placement.offsets and all(t in placement.offsets for t in step.inputs)
        assert (ENGINE / step.source).is_file()
    assert plan.input_tensor in placement.offsets and plan.output_tensor in placement.offsets


@dataclass
class Tally:
    """The results of a series of corrupt models."""

    compiled: list[CompiledModel]
    refused: int = 0


def compile_or_refuse(models: Iterator[tuple[str, bytes]], limit_s: float = LIMIT_S) -> Tally:
    tally = Tally([])
    for name, model in models:
        for isa in Isa:
            start = time.process_time()
            try:
                compiled = compile_model(model, name, isa)
            except BuildError as error:
                tally.refused += 1
                message = str(error)
                assert "\n" not in message and len(message) < 1000, message
            except Exception as error:
                raise AssertionError(f"{name}: {type(error).__name__}: {error}") from error
            else:
                check_compiled(compiled)
                tally.compiled.append(compiled)
            took_s = time.process_time() - start
            assert took_s < limit_s, f"{name} took {took_s:.1f} s"
    return tally


@pytest.mark.parametrize("name", MODELS)
def test_models_are_valid_before_corruption(name: str) -> None:
    tally = compile_or_refuse(iter([(name, written(MODELS[name]()))]))
    assert len(tally.compiled) == len(Isa)


@pytest.mark.parametrize("name", MODELS)
def test_corrupt_bytes(name: str) -> None:
    model = written(MODELS[name]())
    words = structure_words(model)
    tally = compile_or_refuse((f"{name} seed {seed}", corrupt_bytes(model, words, seed)) for seed in range(500))
    assert tally.refused > 300 and len(tally.compiled) > 50


@pytest.mark.parametrize("name", MODELS)
def test_corrupt_values(name: str) -> None:
    def corrupt() -> Iterator[tuple[str, bytes]]:
        for seed in range(600):
            model = corrupt_values(MODELS[name](), seed)
            if model is not None:
                yield f"{name} seed {seed}", model

    tally = compile_or_refuse(corrupt())
    assert tally.refused > 100 and len(tally.compiled) > 100


def test_truncated_at_every_byte() -> None:
    model = written(residual_model())
    for size in range(0, len(model), 3):
        with pytest.raises(ModelInvalid):
            read_tflite(model[:size], "cut")


REAL = (
    "reference_models/kws_ref_model.tflite",
    "micronets/vww2_50_50_INT8.tflite",
    "conformance/models/models__person_detect_vela.tflite",
    "conformance/models/faulty_kws_micronet_m.tflite",
)


@pytest.mark.parametrize("name", REAL)
def test_corrupt_real_models(name: str, data_dir: Path) -> None:
    model = (data_dir / name).read_bytes()
    words = structure_words(model)
    corrupt = ((f"{name} seed {seed}", corrupt_bytes(model, words, seed)) for seed in range(60))
    assert compile_or_refuse(corrupt, REAL_LIMIT_S).refused > 30


@pytest.mark.parametrize("make", BOMBS)
def test_files_that_claim_huge_sizes_cost_little_memory(make: Callable[[], bytes]) -> None:
    model = make()
    tracemalloc.start()
    try:
        compile_or_refuse(iter([(make.__name__, model)]))
        assert tracemalloc.get_traced_memory()[1] < 16 * len(model) + 16_000_000
    finally:
        tracemalloc.stop()


@pytest.fixture(scope="module")
def sanitizing_compiler(tmp_path_factory: pytest.TempPathFactory) -> str:
    """A C compiler of this machine that has AddressSanitizer; the packaged one has not."""
    compiler = find_sanitizing_compiler(tmp_path_factory.mktemp("probe"))
    if compiler is None:
        pytest.skip("needs a C compiler with AddressSanitizer (cc, clang or gcc)")
    return compiler


def accepted_plans(name: str, isa: Isa, seeds: range) -> Iterator[tuple[int, Plan]]:
    """Plans of corrupt models that compile, each once, without those that would run for minutes."""
    seen: set[str] = set()
    for seed in seeds:
        model = corrupt_values(MODELS[name](), seed)
        try:
            compiled = compile_model(model or b"", name, isa)
        except BuildError:
            continue
        text = compiled.files["model.c"] + compiled.files["model_constants.h"]
        if text not in seen and compiled.placement.arena_bytes < 1 << 20:
            seen.add(text)
            yield seed, compiled.plan


@pytest.mark.parametrize("isa", Isa, ids=lambda isa: isa.value)
@pytest.mark.parametrize("name", MODELS)
def test_accepted_models_stay_in_bounds(name: str, isa: Isa, sanitizing_compiler: str, tmp_path: Path) -> None:
    objects: dict[str, Path] = {}
    for seed, plan in itertools.islice(accepted_plans(name, isa, range(1000, 1100)), 8):
        done = run_sanitized(sanitizing_compiler, plan, objects, tmp_path)
        assert done.returncode == 0, f"{name} seed {seed} {isa.value}:\n{done.stderr[:3000]}"


def test_the_sanitizer_detects_a_kernel_that_leaves_its_buffer(sanitizing_compiler: str, tmp_path: Path) -> None:
    """A buffer one byte too short must be caught, or the test above proves nothing."""
    plan = compile_model(written(residual_model()), "m", Isa.REF).plan
    objects: dict[str, Path] = {}
    for index in range(len(plan.buffers)):
        buffers = list(plan.buffers)
        buffers[index] = replace(buffers[index], size_bytes=buffers[index].size_bytes - 1)
        done = run_sanitized(sanitizing_compiler, replace(plan, buffers=tuple(buffers)), objects, tmp_path)
        assert done.returncode != 0 and "use-after-poison" in done.stderr, buffers[index]
