# SPDX-License-Identifier: Apache-2.0
"""The two tables that a validation of time starts from: published latencies, and the images compared with them.

``published_latency.csv`` beside this file holds one latency per row, with its source. Its ``counted`` column is what
the row may be used for:

* ``regression``: looked at while the model was made; must stay where it is.
* ``test``: not used for any parameter of the model; these decide about the model's error.
* ``explained``, ``looked-at``: known before, and shown, but not part of a verdict.
* ``coarse``: published with a resolution worse than a tenth of the figure; ``estimate``: not measured by its source.
"""

from __future__ import annotations

import csv
from dataclasses import dataclass
from pathlib import Path

from mlperf_tiny.errors import UsageError

PUBLISHED = Path(__file__).with_name("published_latency.csv")
MANIFEST = "images.csv"


@dataclass(frozen=True)
class PublishedRow:
    """One published latency."""

    row: str
    """Its name."""
    group: str
    """The publication it comes from."""
    model: str
    """The model."""
    device: str
    """The chip it was measured on."""
    clock_hz: int
    """Core clock."""
    latency_ms: float
    """Of one inference."""
    resolution_ms: float
    """Half of the last digit given."""
    counted: str
    """What the row may be used for: see the module."""
    source: str
    """Where it is published."""

    @property
    def cycles(self) -> float:
        """Core cycles of one inference."""
        return self.latency_ms * 1e-3 * self.clock_hz


@dataclass(frozen=True)
class ValidationImage:
    """One image of a manifest."""

    path: Path
    """The ELF file."""
    row: PublishedRow
    """The published latency it is compared with."""
    build: str
    """How it was built."""


def read_published(path: Path = PUBLISHED) -> dict[str, PublishedRow]:
    """The published rows by name. Raises UsageError for a name that is there twice."""
    rows: dict[str, PublishedRow] = {}
    with path.open(newline="", encoding="utf-8") as file:
        for record in csv.DictReader(file):
            row = PublishedRow(
                row=record["row"],
                group=record["group"],
                model=record["model"],
                device=record["device"],
                clock_hz=int(record["clock_hz"]),
                latency_ms=float(record["latency_ms"]),
                resolution_ms=float(record["resolution_ms"]),
                counted=record["counted"],
                source=record["source"],
            )
            if row.row in rows:
                raise UsageError(f"{path} names the row {row.row!r} twice; give each figure a name of its own.")
            rows[row.row] = row
    return rows


def read_manifest(folder: Path, published: dict[str, PublishedRow]) -> tuple[ValidationImage, ...]:
    """The images of a folder, from its ``images.csv`` (columns image, row, build; image is relative to the folder).

    Raises UsageError when there is no manifest, or when it names a row or a file that is not there.
    """
    path = folder / MANIFEST
    if not path.is_file():
        raise UsageError(f"{folder} has no {MANIFEST}; write one with the columns image, row and build.")
    images = []
    with path.open(newline="", encoding="utf-8") as file:
        for record in csv.DictReader(file):
            name, row = record["image"], record["row"]
            if row not in published:
                raise UsageError(f"{path} wants the published row {row!r}; there is none of that name in {PUBLISHED}.")
            if not (folder / name).is_file():
                raise UsageError(f"{path} names the image {name!r}, not in {folder}; build it or drop its line.")
            images.append(ValidationImage(folder / name, published[row], record["build"]))
    return tuple(images)
