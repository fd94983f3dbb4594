# SPDX-License-Identifier: Apache-2.0
"""A run's id, and its folder of that name: the image and the model are copied there before the device is used."""

from __future__ import annotations

import datetime
import secrets
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Protocol

from mlperf_tiny.disk import FULL, write_error
from mlperf_tiny.errors import RecordError, WrongRequest
from mlperf_tiny.file_lock import locked
from mlperf_tiny.harness.wire.transcript import TRANSCRIPT_FILE

MODEL_FILE = "model.tflite"
MAX_FIRST_LINE_BYTES = 1 << 20


class RunFiles(Protocol):
    """What is kept with a run."""

    @property
    def elf(self) -> Path | None:
        """The image's file; None where the device holds its own."""

    @property
    def image_file(self) -> str:
        """Its name in the run's folder."""

    @property
    def content(self) -> bytes | None:
        """The .tflite; None where it is not known."""


def new_run_id(started: datetime.datetime, task: str, device: str) -> str:
    """Return a new id: UTC time, task, device and four random hex digits.

    Args:
        started: UTC.
        task: Name of the task.
        device: Name of the device.
    """
    return f"{started:%Y%m%dT%H%M%SZ}-{task}-{device}-{secrets.token_hex(2)}"


def make_run_folder(folder: Path, files: RunFiles) -> None:
    """Make a run's folder with its image and its model.

    Args:
        folder: The folder; it must not exist.
        files: What is copied into it.

    Raises:
        RecordError: when the folder exists or cannot be made.
    """
    try:
        folder.mkdir(parents=True)
    except OSError as error:
        full = f" (the disk of {folder.parent} is full)" if error.errno in FULL else ""
        sentence = f"{folder} cannot be made: {error.strerror}{full}. Name another folder with --out."
        raise write_error(error, folder, "", RecordError, sentence) from error
    try:
        if files.elf is not None:
            shutil.copy(files.elf, folder / files.image_file)  # with its mode: the host's image is started from here
        if files.content is not None:
            (folder / MODEL_FILE).write_bytes(files.content)
    except KeyboardInterrupt:
        remove_run_folder(folder)
        raise
    except OSError as error:
        remove_run_folder(folder)
        if files.elf is not None and not files.elf.is_file():
            raise
        raise write_error(error, folder, "or name another folder with --out", RecordError) from error


@contextmanager
def only_run(folder: Path) -> Iterator[None]:
    """Hold a run's folder for one process: two that append to one transcript break its hash chain.

    Raises WrongRequest when the folder does not exist, HeldElsewhere when another process has it.
    """
    try:
        with locked(folder):
            yield
    except FileNotFoundError as error:
        raise WrongRequest(f"{folder} cannot be read: {error.strerror}. Name the folder of a run.") from error


def is_begun(folder: Path) -> bool:
    """Return whether the transcript of a run has the first line, which tells what is run."""
    try:
        with (folder / TRANSCRIPT_FILE).open("rb") as stream:
            return b"\n" in stream.readline(MAX_FIRST_LINE_BYTES)
    except OSError:
        return False


@contextmanager
def removed_unless_begun(folder: Path) -> Iterator[None]:
    """Remove the folder of a run that ends before its transcript has a line: there is nothing to resume."""
    try:
        yield
    except BaseException:
        if not is_begun(folder):
            remove_run_folder(folder)
        raise


def remove_run_folder(folder: Path) -> None:
    """Remove the folder of a run that never began; one that cannot be removed stays."""
    shutil.rmtree(folder, ignore_errors=True)
