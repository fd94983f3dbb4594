# SPDX-License-Identifier: Apache-2.0
"""Published firmware images on the emulated boards, beside the latency their submitters measured on silicon.

    python -m benchmarks.published_images --rounds DIR [--device stm32l4r5 ...] [--timing full] [--docs]

``--rounds`` names a folder with clones of MLCommons' repositories ``tiny_results_v1.1``, ``tiny_results_v1.2`` and
``tiny_results_v1.3``. ``benchmarks/published_images.csv`` lists the images with their hashes, and the latencies of the
rounds' tables. Each image is only run: booted from its reset vector, asked for its name, and timed by the laps that it
prints itself, over the input buffer as it is after a start,
or zeros where an image wants an input first. Where the mode of the flash's banks is not published both
are run, and the worse counts. Nothing here is fitted to these rows, and no parameter of a model may be.
"""

from __future__ import annotations

import csv
import math
import statistics
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import click

from benchmarks.doc_tables import DOCS, markdown_table, refresh
from mlperf_tiny.cli.command import OneOf, click_command
from mlperf_tiny.cli.output import echo
from mlperf_tiny.errors import BenchError, Refused, UsageError
from mlperf_tiny.firmware.boards import Board, find_board
from mlperf_tiny.harness.wire.session import Session, Timeouts
from mlperf_tiny.models.data.download.download import file_sha256
from mlperf_tiny.models.tasks import find_task
from mlperf_tiny.runners.emulator.board import EmulatedBoard
from mlperf_tiny.runners.emulator.timing.levels import DEFAULT_LEVEL, LEVELS
from mlperf_tiny.runners.emulator.transport import EmulatorTransport

LIST = Path(__file__).with_suffix(".csv")
PAGE, TABLE = DOCS / "timing.md", "python -m benchmarks.published_images"
MIN_WINDOW_S = 0.1
"""Device seconds of the timed inferences: the laps are in microseconds, of some images in milliseconds."""
HEADER = ("image", "device", "task", "flash banks", "published ms", "emulated ms", "error", "cycles", "instructions")


@dataclass(frozen=True, kw_only=True)
class PublishedImage:
    """One row of the list."""

    round: str
    """``v1.2``."""
    submitter: str
    """As the round's table has it."""
    device: str
    """The emulated device it runs on."""
    task: str
    """Name of the benchmark."""
    banks: str
    """``dual``, ``single``, ``unknown``, or "" where the flash has no such choice."""
    published_ms: float
    """Latency in the round's table."""
    path: str
    """In the round's repository."""
    sha256: str
    """Of the file."""

    def file(self, rounds: Path) -> Path:
        """Return the image in a folder of clones."""
        return rounds / f"tiny_results_{self.round}" / self.path


@dataclass(frozen=True, kw_only=True)
class Timed:
    """An image that was run."""

    image: PublishedImage
    """Its row."""
    banks: str
    """The mode of the flash's banks that it was run in."""
    latency_ms: float
    """Of one inference, by the image's own timer."""
    cycles: int
    """Core cycles of one inference."""
    instructions: int
    """Instructions of one inference."""
    outside: bool
    """The image runs the chip outside of the limits of its data sheet."""

    @property
    def error(self) -> float:
        """Emulated over published, less one."""
        return self.latency_ms / self.image.published_ms - 1


def published_images() -> list[PublishedImage]:
    """Return the rows of the list."""
    with LIST.open(encoding="utf-8", newline="") as stream:
        return [
            PublishedImage(**{**row, "published_ms": float(row["published_ms"])})  # type: ignore[arg-type]
            for row in csv.DictReader(stream)
        ]


def boards_of(image: PublishedImage) -> Iterator[tuple[str, Board]]:
    """Yield the bank modes an image is run in, with its board: both where the mode is not published."""
    board = find_board(image.device)
    if image.banks in ("", "dual", "unknown"):
        yield image.banks and "dual", board
    if image.banks in ("single", "unknown"):
        yield "single", board.in_other_bank_mode()


def time_image(image: PublishedImage, board: Board, banks: str, file: Path, level: str) -> Timed:
    """Run an image for a few inferences.

    Args:
        image: Its row.
        board: What it runs on.
        banks: The mode of its flash's banks.
        file: The image.
        level: The timing level.

    Raises:
        BenchError: when it does not boot, or answers as no benchmark does.
    """
    transport = EmulatorTransport(EmulatedBoard(board, file, level, foreign=True))
    try:
        session = Session(transport, Timeouts(command_s=600, infer_s=600, name_s=600))
        session.start()
        trial_us = _trial(session, image)
        count = math.ceil(MIN_WINDOW_S * 1e6 / trial_us)
        few, many = _counted(session, transport, 1), _counted(session, transport, 1 + count)
        return Timed(
            image=image,
            banks=banks,
            latency_ms=(many[0] - few[0]) / count / 1e3,
            cycles=round((many[1] - few[1]) / count),
            instructions=round((many[2] - few[2]) / count),
            outside=any(what.startswith("runs outside") for what in transport.unmodelled()),
        )
    finally:
        transport.close()


def _trial(session: Session, image: PublishedImage) -> int:
    """Microseconds of one inference; an image that wants its input first is given zeros."""
    try:
        return session.infer(1, 1).elapsed_us
    except Refused:
        session.load(bytes(find_task(image.task).window_bytes))
        return session.infer(1, 1).elapsed_us


def _counted(session: Session, transport: EmulatorTransport, count: int) -> tuple[float, int, int]:
    """Microseconds by the image's timer, cycles and instructions of ``infer``."""
    before = transport.counters()
    elapsed_us = session.infer(count, 0).elapsed_us
    after = transport.counters()
    return elapsed_us, after["cycles"] - before["cycles"], after["instructions"] - before["instructions"]


def row_of(timed: Timed) -> tuple[str, ...]:
    """Return a row of the table."""
    image = timed.image
    return (
        f"{image.round} {image.submitter}{', outside the data sheet' if timed.outside else ''}",
        image.device,
        image.task,
        timed.banks if image.banks != "unknown" else f"{timed.banks}?",
        f"{image.published_ms:.3f}",
        f"{timed.latency_ms:.3f}",
        f"{timed.error:+.1%}",
        f"{timed.cycles:,}",
        f"{timed.instructions:,}",
    )


def summary(timed: Sequence[Timed]) -> str:
    """Return a sentence for each device: medians and the worst, of the worse bank mode where that is not published."""
    lines = []
    for device in sorted({one.image.device for one in timed}):
        worse: dict[PublishedImage, float] = {}
        for one in timed:
            if one.image.device == device and abs(one.error) >= abs(worse.get(one.image, 0.0)):
                worse[one.image] = one.error
        errors = list(worse.values())
        lines.append(
            f"{device}, {len(errors)} images: median {statistics.median(map(abs, errors)):.1%} absolute, "
            f"{statistics.median(errors):+.1%} signed; worst {max(errors, key=abs):+.1%}."
        )
    return "\n".join(lines)


@click_command()
@click.option("--rounds", type=click.Path(path_type=Path), required=True, metavar="DIR", help="Clones of the rounds.")
@click.option("--device", "devices", multiple=True, metavar="DEVICE", help="Only these.  [default: all of the list]")
@click.option("--timing", type=OneOf(LEVELS), default=DEFAULT_LEVEL, help="Timing level.")
@click.option("--docs", is_flag=True, help=f"Write the table into docs/{PAGE.name}.")
def main(rounds: Path, devices: tuple[str, ...], timing: str, docs: bool) -> None:
    """Run published images and print their emulated latency beside the published one."""
    wanted = [image for image in published_images() if not devices or image.device in devices]
    timed, missing = [], 0
    for image in wanted:
        file = image.file(rounds)
        if not file.is_file() or file_sha256(file) != image.sha256:
            missing += 1
            echo(f"not here, or another file: {file}", err=True)
            continue
        for banks, board in boards_of(image):
            try:
                timed.append(time_image(image, board, banks, file, timing))
                echo("  ".join(row_of(timed[-1])), err=True)
            except BenchError as error:
                echo(f"{image.round} {image.submitter} {image.device} {image.task}: {error}", err=True)
    if not timed:
        raise UsageError(f"no image of the list is in {rounds}; clone mlcommons/tiny_results_v1.1 to v1.3 there.")
    table = markdown_table(HEADER, [row_of(one) for one in timed], left=4)
    echo(f"{table}\n\n{summary(timed)}")
    if docs and not missing and not devices:
        refresh(PAGE, TABLE, f"{table}\n\n{summary(timed)}")


if __name__ == "__main__":
    main()
