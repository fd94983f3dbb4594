# SPDX-License-Identifier: Apache-2.0
"""Ctrl-C in the phases that a random moment seldom meets: a file that arrives, an image that is built, a translation.

    python -m benchmarks.interrupted_phases [--count 40] [--seed 1] [--within 2.0] [--phase receive]

A command gets a signal at a seeded moment of its phase, and is started again; after some signals it is left alone and
must end with the bytes that an undisturbed one leaves. Each signal is judged as in ``benchmarks.interruptions``; beside
that, every entry of a cache is whole, and a download that has begun is continued where it was. Caches are folders of
their own, empty at first.
"""

from __future__ import annotations

import hashlib
import io
import json
import os
import random
import shutil
import subprocess
import sys
import tarfile
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import click

from benchmarks.interruptions import WAYS, Moment, Outcome, interrupt
from benchmarks.slow_server import SlowFile, slow_file
from mlperf_tiny.harness.image.build import ELF_FILE, INFO_FILE
from mlperf_tiny.runners.emulator.translate.units import read_unit

MOST_SIGNALS = 4
"""A command gets so many at most before it is left alone."""
FILES, FILE_BYTES, BYTES_A_S = 800, 300, 200_000
"""The archive that is fetched: files and bytes of each; and how fast it arrives."""

DONE_FILE = "done"
"""It is there once a command has ended by itself."""

# The name of the program decides how it takes signals while it loads, and how it ends.
_LAUNCH = """
import os, sys
sys.argv[0] = "mlperf-tiny"
from pathlib import Path
from mlperf_tiny.cli.main import main
{before}
try:
    main(prog_name="mlperf-tiny")
except SystemExit as end:
    if not end.code:
        Path(os.environ["DONE"]).touch()  # a signal comes too late
    raise
"""
_OWN_ARCHIVE = """
import dataclasses
from mlperf_tiny.models.data.download import archives
row = next(row for row in archives.ARCHIVES if row.name == "{name}")
archives.ARCHIVES = (dataclasses.replace(row, url=os.environ["SLOW_URL"], digest=os.environ["SLOW_DIGEST"]),)
"""
_OWN_TRANSLATIONS = """
from mlperf_tiny.runners.emulator.translate import units
folder = Path(os.environ["MLPERF_TINY_CACHE"]) / "translated"
folder.mkdir(parents=True, exist_ok=True)
units.cache_folder = lambda name: folder
"""
_RUN = "run --task ad --synthetic --limit 1 --mode accuracy --out {folder}/runs --leaderboard {folder}/board.csv"


def _images(folder: Path) -> Iterator[Path]:
    return (path for path in (folder / "images").glob("*") if not path.name.startswith("building-"))


def _is_whole(image: Path) -> bool:
    try:
        wanted = json.loads((image / INFO_FILE).read_bytes())["elf_sha256"]
        return bool(hashlib.sha256((image / ELF_FILE).read_bytes()).hexdigest() == wanted)
    except (OSError, ValueError, KeyError):
        return False


def _broken(folder: Path) -> list[str]:
    """What is in a cache under the name of something whole, and is not."""
    units = [path for path in (folder / "translated").glob("*") if len(path.name) == hashlib.sha256().digest_size * 2]
    broken = [path for path in _images(folder) if not _is_whole(path)]
    broken += [path for path in units if read_unit(path.parent, path.name) is None]
    return [f"{path.parent.name}/{path.name} is broken" for path in broken]


def _fetched(folder: Path) -> dict[str, bytes]:
    return {
        path.relative_to(folder).as_posix(): path.read_bytes()
        for path in folder.rglob("*")
        if path.is_file() and "locks" not in path.parts
    }


def _built(folder: Path) -> dict[str, bytes]:
    return {path.name: (path / ELF_FILE).read_bytes() for path in _images(folder)}


def _translated(folder: Path) -> dict[str, bytes]:
    found = {path.name: path.read_bytes() for path in (folder / "translated").glob("*")}
    return {name: content for name, content in found.items() if "." not in name}


@dataclass(frozen=True, kw_only=True)
class Phase:
    """A part of a command's work that is to be interrupted."""

    words: str
    """What follows ``mlperf-tiny``; {folder} is the command's."""
    began: str
    """Pattern of paths that are there once the phase has begun."""
    lasts_s: float
    """Latest moment, in seconds from then."""
    result: Callable[[Path], dict[str, bytes]]
    """What a cache holds of it at the end: name -> content."""
    same_names: bool = True
    """Whether each undisturbed command leaves the same names; which functions are translated is a matter of time."""
    before: str = ""
    """Python that runs before the command."""
    kind: str = ""
    """Kind of the digest of what is fetched; "": nothing is."""
    environ: tuple[tuple[str, str], ...] = ()
    """Variables; {folder} is the command's."""


PHASES = {
    "receive": Phase(
        words="fetch dcase-slider",
        began="cache/downloads/*.part",
        lasts_s=0.5,
        result=_fetched,
        before=_OWN_ARCHIVE.format(name="dcase-slider"),
        kind="md5",
    ),
    "unpack": Phase(
        words="fetch cifar10",
        began="cache/cifar10.part/*",
        lasts_s=0.05,
        result=_fetched,
        before=_OWN_ARCHIVE.format(name="cifar10"),
        kind="sha256",
    ),
    "build": Phase(words=f"{_RUN} --device stm32f746", began="cache/images/building-*", lasts_s=2.5, result=_built),
    "build-host": Phase(words=f"{_RUN} --device host", began="cache/images/building-*", lasts_s=2.5, result=_built),
    "build-gcc": Phase(
        words=f"{_RUN} --device stm32f746 --toolchain gcc",
        began="cache/images/building-*",
        lasts_s=2.5,
        result=_built,
    ),
    "build-cold": Phase(
        words=f"{_RUN} --device host",
        began="cache/images/building-*",
        lasts_s=15.0,
        result=_built,
        environ=(("ZIG_GLOBAL_CACHE_DIR", "{folder}/zig"), ("ZIG_LOCAL_CACHE_DIR", "{folder}/zig")),
    ),
    "translate": Phase(
        words=f"{_RUN} --device stm32f746",
        began="cache/translated/*.lock",
        lasts_s=1.5,
        result=_translated,
        same_names=False,
        before=_OWN_TRANSLATIONS,
    ),
}
"""Name -> phase. "build-cold" compiles the C library too."""


@cache
def archive() -> bytes:
    """A .tar.gz of many small files: it takes a while to be unpacked."""
    packed, draw = io.BytesIO(), random.Random(2)
    with tarfile.open(fileobj=packed, mode="w:gz") as tar:
        for number in range(FILES):
            entry = tarfile.TarInfo(f"{number}.bin")
            entry.size = FILE_BYTES
            tar.addfile(entry, io.BytesIO(draw.randbytes(FILE_BYTES)))
    return packed.getvalue()


@contextmanager
def surroundings(phase: Phase, folder: Path) -> Iterator[tuple[dict[str, str], SlowFile | None]]:
    """The variables that a phase needs, and the file that it fetches.

    Args:
        phase: The phase.
        folder: Where the command writes.
    """
    environ = {"MLPERF_TINY_CACHE": str(folder / "cache"), "DONE": str(folder / DONE_FILE)}
    environ |= {name: value.format(folder=folder) for name, value in phase.environ}
    if not phase.kind:
        yield environ, None
        return
    content = archive()
    with slow_file(content, BYTES_A_S, "file.tar.gz") as file:
        digest = f"{phase.kind}:{hashlib.new(phase.kind, content).hexdigest()}"
        yield {**environ, "SLOW_URL": file.url, "SLOW_DIGEST": digest, "no_proxy": "*"}, file


def program(phase: Phase) -> list[str]:
    """The program that runs the commands of a phase."""
    return [sys.executable, "-c", _LAUNCH.format(before=phase.before)]


def undisturbed(phase: Phase, folder: Path, environ: dict[str, str]) -> dict[str, bytes]:
    """Let a command of a phase run to its end, and return what its cache holds.

    Args:
        phase: The phase.
        folder: Where the command writes.
        environ: Variables beside those of this process.
    """
    words = phase.words.format(folder=folder).split()
    done = subprocess.run(
        [*program(phase), *words], capture_output=True, env={**os.environ, **environ}, check=False, text=True
    )
    if done.returncode:
        raise RuntimeError(f"{phase.words} ended with {done.returncode}: {done.stderr}")
    return phase.result(folder / "cache")


def alone(phase: Phase, folder: Path) -> dict[str, bytes]:
    """Return what an undisturbed command of a phase leaves in an empty cache.

    Args:
        phase: The phase.
        folder: Where the command writes.
    """
    with surroundings(phase, folder) as (environ, _):
        return undisturbed(phase, folder, environ)


def disturbed(
    phase: Phase, folder: Path, moments: list[Moment], within_s: float, wanted: dict[str, bytes]
) -> tuple[list[Outcome], list[str]]:
    """Interrupt a command of a phase at some moments, then let it end.

    Args:
        phase: The phase.
        folder: Where the command writes.
        moments: When and how the signals come.
        within_s: How long the command may take to end each time.
        wanted: What an undisturbed one leaves.

    Returns:
        What came of each signal that met the command, and what was wrong beside.
    """
    outcomes: list[Outcome] = []
    wrong: list[str] = []
    kept = folder / "cache"
    with surroundings(phase, folder) as (environ, file):
        words = phase.words.format(folder=folder).split()
        for moment in moments:
            for stale in kept.glob("translated/*.lock"):
                stale.unlink()
            shutil.rmtree(folder / "runs", ignore_errors=True)
            before = _received(kept)
            outcome = interrupt(words, moment, folder, within_s, environ, program(phase))
            is_late = outcome.early or (folder / DONE_FILE).exists()
            (folder / DONE_FILE).unlink(missing_ok=True)
            outcomes += [] if is_late else [outcome]
            wrong += [*_broken(kept), *_lost(before, kept)]
        before, answers = _received(kept), len(file.starts) if file else 0
        got = undisturbed(phase, folder, environ)
        if file and 0 < before < len(file.content) and file.starts[answers:] != [before]:
            wrong.append(f"{before} bytes were there, and the file was sent from {file.starts[answers:]}")
    same = got == wanted if phase.same_names else all(got[name] == wanted[name] for name in got.keys() & wanted.keys())
    if not same:
        wrong.append(f"at the end there is {_sizes(got)}, wanted {_sizes(wanted)}")
    return outcomes, [*wrong, *_broken(kept)]


def _received(folder: Path) -> int:
    """How many bytes of an unfinished download are there."""
    return sum(path.stat().st_size for path in folder.glob("downloads/*.part"))


def _lost(before: int, folder: Path) -> list[str]:
    """What an interrupted download has lost of the bytes that were there."""
    now = _received(folder)
    return [f"of {before} bytes {now} are left"] if list(folder.glob("downloads/*.part")) and now < before else []


def _sizes(content: dict[str, bytes]) -> str:
    return ", ".join(f"{name} ({len(value):,} bytes)" for name, value in content.items()) or "nothing"


@click.command()
@click.option("--count", default=40, show_default=True, help="Signals.")
@click.option("--seed", default=1, show_default=True, help="Of the moments.")
@click.option("--within", "within_s", default=2.0, show_default=True, help="Seconds a command may take to end.")
@click.option("--phase", "names", multiple=True, type=click.Choice(list(PHASES)), help="Only these.")
def main(count: int, seed: int, within_s: float, names: tuple[str, ...]) -> None:
    """Interrupt phases of commands and count what ended right."""
    chosen, draw = names or tuple(PHASES), random.Random(seed)
    wanted: dict[str, dict[str, bytes]] = {}
    done = right = rounds = whole = 0
    while done < count:
        name = chosen[rounds % len(chosen)]
        phase = PHASES[name]
        moments = [
            Moment(after_s=draw.uniform(0, phase.lasts_s), way=draw.choice(WAYS), began=phase.began)
            for _ in range(draw.randint(1, MOST_SIGNALS))
        ]
        with tempfile.TemporaryDirectory() as text:
            if name not in wanted:
                wanted[name] = alone(phase, Path(text) / "alone")
            outcomes, wrong = disturbed(phase, Path(text), moments, within_s, wanted[name])
        rounds, whole, done = rounds + 1, whole + (not wrong), done + len(outcomes)
        right += sum(not outcome.problems for outcome in outcomes)
        for outcome in outcomes:
            print(f"{name:10} {outcome.seconds:5.2f} s, {'; '.join(outcome.problems) or 'right'}", flush=True)
        print(f"{name:10} then {'; '.join(wrong) or 'the bytes of an undisturbed one'}", flush=True)
    print(f"{right} of {done} ended right, {whole} of {rounds} commands then had the right bytes")
    sys.exit(right < done or whole < rounds)


if __name__ == "__main__":
    main()
