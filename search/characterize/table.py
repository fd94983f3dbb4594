# SPDX-License-Identifier: Apache-2.0
"""The files of a characterisation: ``models.csv``, ``layers.csv``, and ``characterization.json`` with what they are of.

While networks are measured their rows are in ``measured.jsonl``, from which an interrupted characterisation continues.
"""

from __future__ import annotations

import gzip
import json
from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import msgspec
import pandas as pd

from mlperf_tiny.errors import DataError, WrongRequest
from mlperf_tiny.models.arch.arch import Arch
from mlperf_tiny.search.characterize.measure import Measurement
from mlperf_tiny.whole_file import write_whole

FORMAT = 3
"""Format number of the files."""
_READABLE = (2, FORMAT)
"""Formats that are read: format 2 lacks the columns of ``_ADDED``, and has no layers for which they are not 1."""
_ADDED = ("dilation_h", "dilation_w", "repeats")
COMPRESSED = ".gz"
MODELS, LAYERS, SETTINGS, MEASURED = "models.csv", "layers.csv", "characterization.json", "measured.jsonl"


@dataclass(frozen=True, kw_only=True)
class Row:
    """One network of a characterisation."""

    index: int
    """Its number among the networks drawn, from 0."""
    decisions: Mapping[str, Any]
    """What makes it a network of its space."""
    measurement: Measurement
    """What it took."""


@dataclass(frozen=True, kw_only=True)
class Characterization:
    """The files of one folder."""

    settings: Mapping[str, Any]
    """What was measured on what, with all versions; rows of other settings are never mixed with them."""
    models: pd.DataFrame
    """One row for each network."""
    layers: pd.DataFrame
    """One row for each layer of each network that fits."""


class MeasuredFile:
    """The rows measured so far, a line each; a line that was cut off by the end of a process is left out."""

    def __init__(self, path: Path, settings: Mapping[str, Any]) -> None:
        """Open the file of a characterisation, or begin it.

        Args:
            path: The file.
            settings: What the characterisation is of, as JSON values.

        Raises:
            WrongRequest: The file is of another characterisation.
            DataError: The file cannot be read.
        """
        self._path = path
        self.rows: dict[int, Row] = {}
        head = json.dumps({"format": FORMAT, **settings}, sort_keys=True)
        if path.is_file():
            lines = _whole_lines(path)
            if lines and lines[0] != head:
                raise WrongRequest(
                    f"{path.parent} holds a characterisation of other settings. Name another folder with --out."
                )
            for line in lines[1:]:
                row = msgspec.json.decode(line.encode(), type=Row)
                self.rows[row.index] = row
        write_whole(path, "".join(f"{line}\n" for line in (head, *map(_line, self.rows.values()))).encode())

    def add(self, row: Row) -> None:
        """Keep a row."""
        with self._path.open("a", encoding="utf-8") as stream:
            stream.write(f"{_line(row)}\n")
        self.rows[row.index] = row


def _line(row: Row) -> str:
    return msgspec.json.encode(asdict(row)).decode()


def _whole_lines(path: Path) -> list[str]:
    try:
        text = path.read_text(encoding="utf-8")
    except (OSError, ValueError) as error:
        raise DataError(f"{path} cannot be read: {error}. Remove it, and all is measured again.") from error
    return text.split("\n")[:-1]  # what follows the last newline was not written whole


def write_tables(folder: Path, settings: Mapping[str, Any], rows: Iterable[tuple[Row, Arch]]) -> None:
    """Write the files of a finished characterisation.

    Args:
        folder: Where to write.
        settings: What was measured on what.
        rows: The networks in order of their index.

    Raises:
        OSError: The folder cannot be written.
    """
    models: list[dict[str, Any]] = []
    layers: list[dict[str, Any]] = []
    for row, arch in rows:
        measured = {name: value for name, value in vars(row.measurement).items() if name != "layers"}
        counts = {"macs": arch.macs, "ops": 2 * arch.macs, "parameters": arch.parameters}
        decisions = json.dumps(row.decisions, sort_keys=True)
        models.append({"index": row.index, **counts, **measured, "decisions": decisions})
        layers += _layers(row, arch)
    for name, table in ((MODELS, models), (LAYERS, layers)):
        write_whole(folder / name, pd.DataFrame(table).to_csv(index=False, float_format="%.6g").encode())
    content = json.dumps({"format": FORMAT, **settings}, indent=2, sort_keys=True)
    write_whole(folder / SETTINGS, f"{content}\n".encode())


def _layers(row: Row, arch: Arch) -> list[dict[str, Any]]:
    rows = []
    for measured in row.measurement.layers:
        layer = arch.layers[measured.layer]
        shapes = zip(("height", "width", "channels"), _three(layer.in_shape), _three(layer.out_shape), strict=True)
        sizes = {f"{end}_{name}": size for name, *both in shapes for end, size in zip(("in", "out"), both, strict=True)}
        columns = ("kernel_h", "kernel_w", "stride_h", "stride_w", "dilation_h", "dilation_w")
        window = dict(zip(columns, layer.kernel + layer.stride + layer.dilation, strict=True))
        rows.append(
            {
                "index": row.index,
                "layer": measured.layer,
                "kind": layer.kind,
                **sizes,
                **window,
                "repeats": layer.repeats,
                "relu": layer.relu,
                "macs": layer.macs,
                "cycles": measured.cycles,
                "instructions": measured.instructions,
            }
        )
    return rows


def _three(shape: tuple[int, ...]) -> tuple[int, ...]:
    """A shape as height, width, channels."""
    return (*[1] * (3 - len(shape)), *shape)


def store_characterization(folder: Path, to: Path) -> None:
    """Write the files of a finished characterisation in a form to keep: its tables compressed, each always alike.

    Args:
        folder: What ``micronet-characterize`` wrote.
        to: Folder that is written; ``read_characterization`` reads it as it reads ``folder``.

    Raises:
        WrongRequest: There is no finished characterisation in ``folder``.
        DataError: Its files cannot be read.
        OSError: ``to`` cannot be written.
    """
    read_characterization(folder)
    to.mkdir(parents=True, exist_ok=True)
    for name in (MODELS, LAYERS):
        content = gzip.compress(_present(folder / name).read_bytes(), compresslevel=9, mtime=0)
        write_whole(to / f"{name}{COMPRESSED}", content)
    write_whole(to / SETTINGS, (folder / SETTINGS).read_bytes())


def _present(path: Path) -> Path:
    """A table, or its compressed form where only that is there."""
    compressed = path.with_name(f"{path.name}{COMPRESSED}")
    return compressed if compressed.is_file() and not path.is_file() else path


def read_characterization(folder: Path) -> Characterization:
    """Return the tables of a folder.

    Args:
        folder: What ``micronet-characterize`` or ``store_characterization`` wrote.

    Raises:
        WrongRequest: There is no finished characterisation.
        DataError: Its files are of another format, or cannot be read.
    """
    try:
        settings = json.loads((folder / SETTINGS).read_text(encoding="utf-8"))
        if settings["format"] not in _READABLE:
            raise DataError(f"{folder} is of format {settings['format']}, wanted {FORMAT}. Measure it again.")
        models, layers = (pd.read_csv(_present(folder / name)) for name in (MODELS, LAYERS))
        if settings["format"] != FORMAT:
            layers = layers.assign(**dict.fromkeys(_ADDED, 1))
    except FileNotFoundError as error:
        raise WrongRequest(
            f"{folder} holds no finished characterisation: {Path(error.filename).name} is missing. Run or continue "
            "micronet-characterize."
        ) from error
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise DataError(f"the tables in {folder} cannot be read: {error}. Measure them again.") from error
    return Characterization(settings=settings, models=models, layers=layers)
