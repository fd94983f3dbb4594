# SPDX-License-Identifier: Apache-2.0
"""Pictures with and without people from COCO, by the rule of Visual Wake Words (arXiv 1906.05721).

A picture shows a person when the box of at least one person covers more than 0.5 % of it. COCO lies as published:
``annotations/instances_<part>.json`` beside the folders ``<part>/`` of pictures, for the parts train2014 and val2014
(82,783 pictures to train and 40,504 to test, as the MicroNets paper has it) or train2017 and val2017.

Networks want squares: the largest square in the middle of a picture is cut out and the rule applied to what of a box
is in it. ``whole=True`` squeezes the whole picture instead, and the rule is exactly the paper's.
"""

from __future__ import annotations

import io
import json
import zlib
from collections.abc import Iterable
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from mlperf_tiny.errors import DataError
from mlperf_tiny.models.data.formats.examples import Example, ExampleSet
from mlperf_tiny.models.tasks import BY_NAME

LABELS = BY_NAME["vww"].labels
LEAST_SHARE = 0.005
VALIDATION_ONE_IN = 10
YEARS = ("2014", "2017")
_READ_ERRORS = (OSError, SyntaxError, ValueError, Image.DecompressionBombError)

Box = tuple[float, float, float, float]


@dataclass(frozen=True)
class Annotated:
    """One picture of COCO: its file, its size in pixels and the boxes of its people as left, top, width, height."""

    file: str
    width: int
    height: int
    people: tuple[Box, ...]


def find_coco(folder: Path, side: int = 96, whole: bool = False) -> ExampleSet | None:
    """Return COCO in ``folder`` or ``folder``/coco as pictures of ``side`` x ``side`` x 3; None where it is not.

    Pictures whose file is not there are left out; one in ten of those to train, by a hash of its name, is to
    validate. Reading the annotations of 2014 takes half a minute. Raises DataError for broken ones.
    """
    for root in (folder, folder / "coco"):
        for year in YEARS:
            lists = {part: root / "annotations" / f"instances_{part}{year}.json" for part in ("train", "val")}
            if any(path.is_file() for path in lists.values()):
                parts = {
                    part: _examples(root / f"{part}{year}", read_annotations(path), side, whole)
                    for part, path in lists.items()
                    if path.is_file()
                }
                return _set(parts, year, root)
    return None


def _set(parts: dict[str, tuple[Example, ...]], year: str, root: Path) -> ExampleSet:
    learnt, test = parts.get("train", ()), parts.get("val", ())
    if not learnt and not test:
        raise DataError(
            f"{root} has annotations of COCO {year} but no picture; unpack train{year}.zip or val{year}.zip."
        )
    apart = {example.name for example in learnt if zlib.crc32(example.name.encode()) % VALIDATION_ONE_IN == 0}
    return ExampleSet(
        task="vww",
        source="real",
        origin=f"COCO {year} by the rule of Visual Wake Words, from {root}",
        labels=LABELS,
        train=tuple(example for example in learnt if example.name not in apart),
        validation=tuple(example for example in learnt if example.name in apart),
        test=test,
        noises=(),
        published_test=test,
        published_count=len(test),
    )


def shows_person(picture: Annotated, whole: bool = False) -> bool:
    """Say whether a person covers more than 0.5 % of the picture, or of the square in its middle."""
    left, top, width, height = 0.0, 0.0, float(picture.width), float(picture.height)
    if not whole:
        size = min(width, height)
        left, top = (width - size) / 2, (height - size) / 2
        width = height = size
    return any(_overlap(box, (left, top, width, height)) > LEAST_SHARE * width * height for box in picture.people)


def _overlap(first: Box, second: Box) -> float:
    """The area two boxes share."""
    sides = (
        min(first[axis] + first[axis + 2], second[axis] + second[axis + 2]) - max(first[axis], second[axis])
        for axis in (0, 1)
    )
    across, down = (max(0.0, side) for side in sides)
    return across * down


def read_annotations(path: Path) -> tuple[Annotated, ...]:
    """Read ``instances_*.json``, in the order of its pictures; raises DataError for a broken one."""
    try:
        content = json.loads(path.read_bytes(), object_hook=_without_outlines)
        person = {row["id"] for row in content["categories"] if row["name"] == "person"}
        boxes: dict[int, list[Box]] = {}
        for row in content["annotations"]:
            if row["category_id"] in person:
                left, top, width, height = (float(value) for value in row["bbox"])
                boxes.setdefault(row["image_id"], []).append((left, top, width, height))
        return tuple(
            Annotated(row["file_name"], int(row["width"]), int(row["height"]), tuple(boxes.get(row["id"], ())))
            for row in content["images"]
        )
    except OSError as error:
        raise DataError(f"{path} cannot be read: {error.strerror}. Unpack the annotations again.") from error
    except (ValueError, KeyError, TypeError) as error:
        raise DataError(f"{path} is not an annotation file of COCO: {error!r}. Unpack it again.") from error


def _without_outlines(entry: dict[str, Any]) -> dict[str, Any]:
    # Outlines are nine tenths of the file and would be gigabytes in memory.
    entry.pop("segmentation", None)
    return entry


def _examples(folder: Path, pictures: Iterable[Annotated], side: int, whole: bool) -> tuple[Example, ...]:
    there = {path.name for path in folder.iterdir()} if folder.is_dir() else set()
    return tuple(
        Example(
            picture.file,
            int(shows_person(picture, whole)),
            "",
            partial(_load, folder / picture.file, side, whole),
        )
        for picture in pictures
        if picture.file in there
    )


def _load(path: Path, side: int, whole: bool) -> NDArray[np.uint8]:
    try:
        return square(path.read_bytes(), side, whole)
    except _READ_ERRORS as error:
        raise DataError(f"{path} is not a readable picture: {error}. Unpack it again.") from error


def square(content: bytes, side: int, whole: bool = False) -> NDArray[np.uint8]:
    """Return a picture file as ``side`` x ``side`` x 3 bytes: the square in its middle, or all of it, squeezed."""
    with Image.open(io.BytesIO(content)) as picture:
        size = min(picture.size)
        left, top = (picture.width - size) // 2, (picture.height - size) // 2
        box = (0, 0, picture.width, picture.height) if whole else (left, top, left + size, top + size)
        # Cut before it is resized: a resize of a box looks over the box's edge.
        return np.asarray(picture.convert("RGB").crop(box).resize((side, side), Image.Resampling.BILINEAR))
