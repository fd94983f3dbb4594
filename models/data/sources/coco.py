# SPDX-License-Identifier: Apache-2.0
"""Images with and without people from COCO, by the rule of Visual Wake Words (arXiv 1906.05721).

An image shows a person when the box of at least one person covers more than 0.5 % of it. COCO lies as published:
``annotations/instances_<part>.json`` beside the folders ``<part>/`` of images, for the parts train2014 and val2014
(82,783 training and 40,504 test images, as in the MicroNets paper) or train2017 and val2017.

Networks take squares: the largest centred square of an image is cropped, and the rule is applied to the part of a box
inside it. ``whole=True`` scales the whole image to a square instead, and the rule is exactly the paper's.
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
from mlperf_tiny.file_tree import problem_of, refuse_placeholder
from mlperf_tiny.models.data.formats.examples import Example, ExampleSet
from mlperf_tiny.models.tasks import BY_NAME

LABELS = BY_NAME["vww"].labels
MIN_PERSON_SHARE = 0.005
VALIDATION_ONE_IN = 10
YEARS = ("2014", "2017")
_READ_ERRORS = (OSError, SyntaxError, ValueError, Image.DecompressionBombError)

Box = tuple[float, float, float, float]


@dataclass(frozen=True)
class Annotated:
    """One image of COCO."""

    file: str
    """Its file name."""
    width: int
    """In pixels."""
    height: int
    """In pixels."""
    people: tuple[Box, ...]
    """The boxes of its people: left, top, width, height in pixels."""


def find_coco(folder: Path, side: int = 96, whole: bool = False) -> ExampleSet | None:
    """Return COCO from a folder or its subfolder ``coco``.

    Images without a file are skipped. One training image in ten, by a hash of its name, is for validation. Reading the
    annotations of 2014 takes half a minute.

    Args:
        folder: A data folder.
        side: Width and height of the examples, which are (side, side, 3).
        whole: Whether to scale whole images instead of cropping squares.

    Returns:
        The images; None where the folder has no annotations.

    Raises:
        DataError: Annotations are broken, or no image is there.
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
    trainable, test = parts.get("train", ()), parts.get("val", ())
    if not trainable and not test:
        raise DataError(
            f"{root} has annotations of COCO {year} but no image file; unpack train{year}.zip or val{year}.zip."
        )
    held_out = {example.name for example in trainable if zlib.crc32(example.name.encode()) % VALIDATION_ONE_IN == 0}
    return ExampleSet(
        task="vww",
        source="real",
        origin=f"COCO {year} by the rule of Visual Wake Words, from {root}",
        labels=LABELS,
        train=tuple(example for example in trainable if example.name not in held_out),
        validation=tuple(example for example in trainable if example.name in held_out),
        test=test,
        noises=(),
        published_test=test,
        published_count=len(test),
    )


def shows_person(image: Annotated, whole: bool = False) -> bool:
    """Return whether a person covers more than 0.5 % of an image.

    Args:
        image: The image.
        whole: Whether to count the whole image; else its centred square.

    Returns:
        True for the class "person".
    """
    left, top, width, height = 0.0, 0.0, float(image.width), float(image.height)
    if not whole:
        size = min(width, height)
        left, top = (width - size) / 2, (height - size) / 2
        width = height = size
    return any(_overlap(box, (left, top, width, height)) > MIN_PERSON_SHARE * width * height for box in image.people)


def _overlap(first: Box, second: Box) -> float:
    """The area two boxes share."""
    sides = (
        min(first[axis] + first[axis + 2], second[axis] + second[axis + 2]) - max(first[axis], second[axis])
        for axis in (0, 1)
    )
    across, down = (max(0.0, side) for side in sides)
    return across * down


def read_annotations(path: Path) -> tuple[Annotated, ...]:
    """Read ``instances_*.json``, in the order of its images; raises DataError for a broken one."""
    try:
        stored = path.read_bytes()
        refuse_placeholder(stored, str(path))
        content = json.loads(stored, object_hook=_without_outlines)
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


def _examples(folder: Path, images: Iterable[Annotated], side: int, whole: bool) -> tuple[Example, ...]:
    there = {path.name for path in folder.iterdir()} if folder.is_dir() else set()
    return tuple(
        Example(
            image.file,
            int(shows_person(image, whole)),
            "",
            partial(_load, folder / image.file, side, whole),
        )
        for image in images
        if image.file in there
    )


def _load(path: Path, side: int, whole: bool) -> NDArray[np.uint8]:
    content = b""
    try:
        content = path.read_bytes()
        refuse_placeholder(content, str(path))
        return square(content, side, whole)
    except _READ_ERRORS as error:
        problem = problem_of(content, error)
        raise DataError(f"{path} is not a readable image: {problem}. Unpack it again.") from error


def square(content: bytes, side: int, whole: bool = False) -> NDArray[np.uint8]:
    """Return an image file as a square.

    Args:
        content: The bytes of the file.
        side: Width and height of the result.
        whole: Whether to scale the whole image; else its centred square.

    Returns:
        Shape (side, side, 3).
    """
    with Image.open(io.BytesIO(content)) as image:
        size = min(image.size)
        left, top = (image.width - size) // 2, (image.height - size) // 2
        box = (0, 0, image.width, image.height) if whole else (left, top, left + size, top + size)
        # Cropped before it is resized, because a resize of a box also samples pixels outside the box.
        return np.asarray(image.convert("RGB").crop(box).resize((side, side), Image.Resampling.BILINEAR))
