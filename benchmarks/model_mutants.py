# SPDX-License-Identifier: Apache-2.0
"""Compiles thousands of mutants of real models and counts what must not happen.

    python -m benchmarks.model_mutants [--count 10000] [--first-seed 0] [MODEL.tflite ...]

Each mutant (``benchmarks.mutate_model``) is compiled for both instruction sets. Wanted: 0 exceptions that are not a
``BuildError``, 0 over 2 s of processor time, 0 that need more than 256 MB, and the same verdict from both instruction
sets. Exit status 1 when anything of that is found. Without MODEL: all models that ship with the program, and the
reference models where ``MLPERF_TINY_DATA`` has them.
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

from benchmarks.models import default_models
from benchmarks.mutate_model import mutate_model
from mlperf_tiny.errors import BuildError
from mlperf_tiny.firmware.codegen.ir.plan import Isa
from mlperf_tiny.firmware.codegen.pipeline import compile_model
from mlperf_tiny.models.catalog.catalog import PRETRAINED

LIMIT_S = 2.0
LIMIT_BYTES = 256 << 20
HANG_S = 60
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
    before = _peak_bytes()
    for isa in Isa:
        start = time.process_time()
        try:
            compile_model(model, name, isa)
            verdicts[isa.value] = "compiled"
        except BuildError as error:
            verdicts[isa.value] = "refused"
            tally.reasons[type(error).__name__] += 1
        except _Hang:
            verdicts[isa.value] = "hang"
            tally.faults.append(f"{name} {isa.value}: no end after {HANG_S} s")
        except Exception as error:
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


@click.command()
@click.argument("models", nargs=-1, type=click.Path(exists=True, dir_okay=False, path_type=Path))
@click.option("--count", default=10_000, show_default=True, help="Seeds to try.")
@click.option("--first-seed", default=0, show_default=True)
def main(models: tuple[Path, ...], count: int, first_seed: int) -> None:
    """Compile mutants and print a count of each outcome."""
    paths = models or (
        *sorted(PRETRAINED.glob("*/model.tflite")),
        *(path for path in default_models() if path.parent.name == "reference_models"),
    )
    named = [(f"{path.parent.name}/{path.name}", path.read_bytes()) for path in dict.fromkeys(paths)]
    signal.signal(signal.SIGALRM, _on_alarm)
    total = Tally()
    for seed in range(first_seed, first_seed + count):
        signal.alarm(HANG_S)
        tally = try_mutants(named, [seed])
        signal.alarm(0)
        for line in tally.faults:
            click.echo(line)
        total.mutants += tally.mutants
        total.compiled += tally.compiled
        total.refused += tally.refused
        total.slowest_s = max(total.slowest_s, tally.slowest_s)
        total.most_bytes = max(total.most_bytes, tally.most_bytes)
        total.faults += tally.faults
        total.reasons += tally.reasons
    click.echo(
        f"{total.mutants:,} mutants of {len(named)} models: {total.compiled:,} compiled, {total.refused:,} refused "
        f"({dict(total.reasons)}); slowest {total.slowest_s:.2f} s, at most {total.most_bytes >> 20} MB; "
        f"{len(total.faults)} faults"
    )
    sys.exit(1 if total.faults else 0)


if __name__ == "__main__":
    main()
