# SPDX-License-Identifier: Apache-2.0
"""Compiles thousands of mutants of real models and counts what must not happen.

    python -m benchmarks.model_mutants [--count 10000] [--first-seed 0] [--tflite] [--run 0] [MODEL.tflite ...]

Each mutant (``benchmarks.mutate_model``) is compiled for both instruction sets. Wanted: 0 exceptions that are not a
``BuildError``, 0 over 2 s of processor time, 0 that need more than 256 MB, and the same verdict from both instruction
sets. With ``--tflite`` those that are accepted must be accepted by TFLite's reference kernels too, and the first
``--run`` of them must answer random inputs with the same bytes. Exit status 1 when anything of that is not so. Without
MODEL: all models that ship with the program, the reference models where ``MLPERF_TINY_DATA`` has them, and two small
models of many operators.
"""

from __future__ import annotations

import resource
import signal
import sys
import time
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import click
import numpy as np

from benchmarks.models import default_models
from benchmarks.mutate_model import mutate_model
from benchmarks.tflite_child import TfliteChild
from mlperf_tiny.errors import BuildError
from mlperf_tiny.firmware.codegen.ir.plan import Isa, Plan
from mlperf_tiny.firmware.codegen.pipeline import compile_model
from mlperf_tiny.models.catalog.catalog import PRETRAINED
from tests.fakes.corrupt_models import MODELS, written
from tests.fakes.host_model import build_host_model

LIMIT_S = 2.0
LIMIT_BYTES = 256 << 20
HANG_S = 60
INPUTS = 4
FINE = ("accepted", "equal", "edges", "version")
"""By TFLite: allocated; ran, same answers; not one int8 tensor in and out; refused for an operator's version."""
_RSS_UNIT = 1 if sys.platform == "darwin" else 1024


@dataclass(kw_only=True)
class Tally:
    """What came of a series of mutants."""

    mutants: int = 0
    compiled: int = 0
    """Accepted for both instruction sets."""
    refused: int = 0
    """Refused with a typed error for both instruction sets."""
    slowest_s: float = 0.0
    """Of one compilation, in processor time."""
    most_bytes: int = 0
    """The most that one mutant has added to the memory of the process."""
    faults: list[str] = field(default_factory=list)
    """A line for each: exceptions, slow ones, large ones, and those that only one instruction set accepts."""
    plans: tuple[Plan, ...] = ()
    """Of the last mutant that was accepted, for each instruction set."""
    reasons: Counter[str] = field(default_factory=Counter)
    """Type of error to number of refusals."""


class _Hang(BaseException):
    pass


def _on_alarm(*_: object) -> None:
    raise _Hang


def _peak_bytes() -> int:
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * _RSS_UNIT


def try_mutant(model: bytes, name: str, tally: Tally) -> None:
    """Compile one mutant for each instruction set.

    Args:
        model: Its bytes.
        name: Its name in the tally's lines.
        tally: Takes what came of it.
    """
    verdicts: dict[str, str] = {}
    plans: list[Plan] = []
    before = _peak_bytes()
    for isa in Isa:
        start = time.process_time()
        try:
            plans.append(compile_model(model, name, isa).plan)
            verdicts[isa.value] = "compiled"
        except BuildError as error:
            verdicts[isa.value] = "refused"
            tally.reasons[type(error).__name__] += 1
        except _Hang:
            verdicts[isa.value] = "hang"
            tally.faults.append(f"{name} {isa.value}: no end after {HANG_S} s")
        except Exception as error:  # what this benchmark looks for
            verdicts[isa.value] = "untyped"
            tally.faults.append(f"{name} {isa.value}: {type(error).__name__}: {str(error)[:100]}")
        took_s = time.process_time() - start
        tally.slowest_s = max(tally.slowest_s, took_s)
        if took_s > LIMIT_S:
            tally.faults.append(f"{name} {isa.value}: {took_s:.1f} s")
    grown = _peak_bytes() - before
    tally.most_bytes = max(tally.most_bytes, grown)
    if grown > LIMIT_BYTES:
        tally.faults.append(f"{name}: {grown >> 20:,} MB")
    if len(set(verdicts.values())) > 1:
        tally.faults.append(f"{name}: {verdicts}")
    tally.mutants += 1
    tally.plans = tuple(plans)
    tally.compiled += set(verdicts.values()) == {"compiled"}
    tally.refused += set(verdicts.values()) == {"refused"}


def try_mutants(models: Sequence[tuple[str, bytes]], seeds: Iterable[int]) -> Tally:
    """Compile mutants of models in turn.

    Args:
        models: Name and bytes of each valid model.
        seeds: One mutant each; the seed also chooses the model.

    Returns:
        What came of them.
    """
    tally = Tally()
    for seed in seeds:
        name, model = models[seed % len(models)]
        mutant = mutate_model(model, seed)
        if mutant is not None:
            try_mutant(mutant, f"{name} seed {seed}", tally)
    return tally


def compare_with_tflite(model: bytes, tally: Tally, child: TfliteChild, run: bool) -> str:
    """Give an accepted mutant to TFLite's reference kernels.

    Args:
        model: Its bytes.
        tally: With its plans.
        child: Runs TFLite.
        run: Compare answers, not only whether it is accepted.

    Returns:
        One of ``FINE``, or a sentence with the difference.
    """
    plan = tally.plans[0]
    draw = np.random.default_rng(len(model))
    rows = draw.integers(-128, 128, (INPUTS, plan.input.size_bytes)).astype(np.int8)
    rows[-1] = draw.choice(np.array([-128, 127], np.int8), plan.input.size_bytes)
    verdict = child.run(model, tuple(row.tobytes() for row in rows) if run else ())
    if verdict.outcome == "edges":
        return "edges"
    if verdict.reason.startswith("Didn't find op for builtin opcode"):
        # A version says which features an operator needs; the compiler looks at each of them (docs/engines.md).
        return "version"
    if verdict.outcome not in ("allocated", "ran"):
        return f"TFLite: {verdict.outcome}: {verdict.reason}"
    if not run:
        return "accepted"
    wanted = np.frombuffer(b"".join(verdict.outputs), np.int8).reshape(INPUTS, -1)
    for plan in tally.plans:
        got = build_host_model(plan).run(rows)
        if not np.array_equal(got, wanted):
            return f"{plan.isa.value} differs from TFLite in {np.count_nonzero(got != wanted)} of {wanted.size} values"
    return "equal"


def _models(paths: tuple[Path, ...]) -> list[tuple[str, bytes]]:
    """Names and bytes of the models to change."""
    chosen = paths or (
        *sorted(PRETRAINED.glob("*/model.tflite")),
        *(path for path in default_models() if path.parent.name == "reference_models"),
    )
    named = [(f"{path.parent.name}/{path.name}", path.read_bytes()) for path in dict.fromkeys(chosen)]
    return named if paths else [*named, *((name, written(make())) for name, make in MODELS.items())]


@click.command()
@click.argument("models", nargs=-1, type=click.Path(exists=True, dir_okay=False, path_type=Path))
@click.option("--count", default=10_000, show_default=True, help="Seeds to try.")
@click.option("--first-seed", default=0, show_default=True)
@click.option("--tflite", is_flag=True, help="Also give the accepted ones to TFLite.")
@click.option("--run", default=0, show_default=True, help="How many of these to run.")
def main(models: tuple[Path, ...], count: int, first_seed: int, tflite: bool, run: int) -> None:
    """Compile mutants and print a count of each outcome."""
    named = _models(models)
    signal.signal(signal.SIGALRM, _on_alarm)
    total, child, compared = Tally(), TfliteChild(), Counter[str]()
    for seed in range(first_seed, first_seed + count):
        name, original = named[seed % len(named)]
        mutant = mutate_model(original, seed)
        if mutant is None:
            continue
        faults, compiled = len(total.faults), total.compiled
        signal.alarm(HANG_S)
        try_mutant(mutant, f"{name} seed {seed}", total)
        signal.alarm(0)
        if tflite and total.compiled > compiled:
            outcome = compare_with_tflite(mutant, total, child, run=compared["equal"] < run)
            compared[outcome if outcome in FINE else "different"] += 1
            if outcome not in FINE:
                total.faults.append(f"{name} seed {seed}: {outcome}")
        for line in total.faults[faults:]:
            click.echo(line)
    child.close()
    click.echo(
        f"{total.mutants:,} mutants of {len(named)} models: {total.compiled:,} compiled, {total.refused:,} refused "
        f"({dict(total.reasons)}); slowest {total.slowest_s:.2f} s, at most {total.most_bytes >> 20} MB; "
        f"with TFLite {dict(compared)}; {len(total.faults)} faults"
    )
    sys.exit(1 if total.faults else 0)


if __name__ == "__main__":
    main()
