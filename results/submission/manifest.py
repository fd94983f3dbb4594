# SPDX-License-Identifier: Apache-2.0
"""``submission.json``: what a result of this program is made of, and the sha256 of each of its files.

Everything in it follows from the run, the names and the files, so that a reviewer can make it again and compare: a
change in it shows like a change in any other file. docs/formats.md describes the format; its schema is made from the
classes here.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import asdict
from typing import Annotated, Any, Final, Literal, TypeVar

import msgspec

from mlperf_tiny.errors import DataError
from mlperf_tiny.harness.record.record import RunRecord
from mlperf_tiny.results.mlperf.json_text import parse_json
from mlperf_tiny.results.mlperf.names import Names
from mlperf_tiny.results.submission.runner_files import PROGRAM

MANIFEST_FILE = "submission.json"
FORMAT: Final = 1
"""Of ``submission.json``, and of the text of the three runner's files, which are reproduced to be compared."""

MAX_MANIFEST_BYTES = 4 << 20

Sha256 = Annotated[str, msgspec.Meta(pattern="^[0-9a-f]{64}$", max_length=64)]

_Part = TypeVar("_Part", bound=msgspec.Struct)


class SubmittedSeal(msgspec.Struct, frozen=True, kw_only=True):
    """End of the transcript's hash chain."""

    lines: int
    """Number of lines."""
    chain: str
    """Value after the last line, 64 hex digits."""


class SubmittedDevice(msgspec.Struct, frozen=True, kw_only=True):
    """The device a run was made on."""

    device: str
    """Name of the device's row, ``stm32f746``."""
    timing: str
    """``hardware``, ``emulated`` or ``host``."""
    timing_level: str
    """How closely the core was modelled; "" unless emulated."""
    timing_model: str
    """Versions of the timing model; "" unless emulated."""


class SubmittedModel(msgspec.Struct, frozen=True, kw_only=True):
    """The model that was run."""

    name: str
    """Name in the catalogue, or of the file."""
    origin: str
    """Where it came from: ``path`` for a user's file."""
    sha256: str
    """Of the .tflite file, hex."""
    licence: str
    """Its licence, ``unknown`` for a user's file."""
    url: str
    """Where it is published; "" for a user's file."""


class SubmittedImage(msgspec.Struct, frozen=True, kw_only=True):
    """The image that was built; sizes in bytes, 0 where the host has no such memory."""

    elf_sha256: str
    """Of the ELF file, hex."""
    toolchain: str
    """``zig`` or ``gcc``."""
    compiler: str
    """Its version."""
    flags: tuple[str, ...]
    """Compiler flags."""
    kernels: str
    """``reference`` or ``dsp``."""
    flash_bytes: int
    """Bytes of flash, model included."""
    ram_bytes: int
    """Bytes of RAM, arena included."""
    arena_bytes: int
    """Bytes of the tensor arena."""
    baud: int
    """Serial baud rate."""
    engine_version: str
    """Version of an engine from outside; "" for the compiled engine."""
    model_bytes: int
    """Bytes of flash that hold the model."""
    source_digest: str
    """Digest of this program's kernels, monitor, ports and generator."""


class Manifest(msgspec.Struct, frozen=True, kw_only=True):
    """What a submitted result is made of; the members are in the order of the file."""

    format: Literal[1]
    """Number of the format."""
    program: str
    """The program that made it."""
    version: str
    """Its version."""
    division: str
    """``closed`` or ``open``."""
    submitter: str
    """Folder of the submitter."""
    system: str
    """Folder of the system."""
    benchmark: str
    """Folder of the benchmark."""
    status: str
    """Availability of the system."""
    run_id: str
    """Id of the enclosed run."""
    seal: SubmittedSeal | None
    """Of the enclosed transcript."""
    device: SubmittedDevice
    """What it ran on."""
    engine: str
    """``compiled`` or ``tflm``."""
    model: SubmittedModel
    """What was run."""
    image: SubmittedImage | None
    """What was built; None for a board that held its image already."""
    files: dict[str, Sha256]
    """Path below the submitter's folder -> sha256, of every file but this one."""

    @property
    def names(self) -> Names:
        """The names the result has in the tree."""
        return Names(
            division=self.division,
            submitter=self.submitter,
            system=self.system,
            benchmark=self.benchmark,
            status=self.status,
        )


def sha256(content: bytes) -> str:
    """Return the digest as 64 hex digits."""
    return hashlib.sha256(content).hexdigest()


def manifest_text(record: RunRecord, names: Names, files: Mapping[str, str]) -> bytes:
    """Return ``submission.json`` of a result.

    Args:
        record: The run.
        names: The names the result has in the tree.
        files: Path below the submitter's folder -> sha256 (hex).
    """
    settings, digest = record.settings, record.chain_digest
    manifest = Manifest(
        format=FORMAT,
        program=PROGRAM,
        version=settings.versions.get(PROGRAM, ""),
        **asdict(names),
        run_id=settings.run_id,
        seal=None if digest is None else SubmittedSeal(lines=digest.lines, chain=digest.value),
        device=_part(SubmittedDevice, settings.device),
        engine=settings.engine,
        model=_part(SubmittedModel, settings.model),
        image=None if settings.firmware is None else _part(SubmittedImage, settings.firmware),
        files=dict(sorted(files.items())),
    )
    return (json.dumps(msgspec.to_builtins(manifest), indent=1) + "\n").encode()


def _part(kind: type[_Part], source: Any) -> _Part:
    """The attributes of ``source`` that the format has."""
    return kind(**{name: getattr(source, name) for name in kind.__struct_fields__})


def read_manifest(content: bytes, where: str) -> Manifest:
    """Read a ``submission.json``.

    Args:
        content: The file.
        where: Its path, for messages.

    Raises:
        DataError: It is damaged, or of another format.
    """
    value = parse_json(content, where)
    form = value.get("format") if isinstance(value, dict) else None
    if type(form) is int and form > FORMAT:
        raise DataError(f"{where} is of format {form}, this program reads format {FORMAT}. Take a newer version of it.")
    if type(form) is not int or form != FORMAT:
        raise DataError(f"{where} is not a submission.json: its format is {str(form)[:40]!r}, wanted {FORMAT}.")
    try:
        return msgspec.convert(value, Manifest)
    except msgspec.ValidationError as error:
        raise DataError(f"{where} is damaged: {error}.") from None
