# SPDX-License-Identifier: Apache-2.0
"""Small versions of COCO and DCASE 2020 in their published layouts: path -> content."""

from __future__ import annotations

import io
import json

from PIL import Image

from tests.fakes.data_sets import sound


def jpeg(width: int, height: int, middle: tuple[int, int, int] = (250, 250, 250)) -> bytes:
    """A dark image with a square in the middle."""
    image = Image.new("RGB", (width, height), (10, 10, 10))
    size = min(width, height)
    image.paste(middle, ((width - size) // 2, (height - size) // 2, (width + size) // 2, (height + size) // 2))
    stream = io.BytesIO()
    image.save(stream, "PNG")
    return stream.getvalue()


def coco_files(part: str, images: int) -> dict[str, bytes]:
    """One part of COCO: annotations of one image more than there is."""
    annotations = {
        "categories": [{"id": 1, "name": "person"}, {"id": 18, "name": "dog"}],
        "images": [
            {"id": 7 * n, "file_name": f"{part}_{n:04d}.jpg", "width": 60, "height": 40} for n in range(images + 1)
        ],
        # Of four images one has a person, one a dog, one a person at the edge, one nothing.
        "annotations": [
            {"image_id": 7 * n, "category_id": 1 if n % 4 != 1 else 18, "segmentation": [[1.0, 2.0]],
             "bbox": [20, 10, 20, 20] if n % 4 < 2 else [0, 0, 9, 40]}
            for n in range(images + 1) if n % 4 < 3
        ],
    }  # fmt: skip
    files = {f"{part}/{part}_{n:04d}.jpg": jpeg(60, 40) for n in range(images)}
    return {**files, f"annotations/instances_{part}.json": json.dumps(annotations).encode()}


def dcase_files(prefix: str = "", samples: int = 400) -> dict[str, bytes]:
    """Two machines: twelve normal training clips of each, one normal and one anomalous test clip."""
    files = {f"{prefix}train/normal_id_{m:02d}_{n:08d}.wav": sound(n, samples) for m in (0, 2) for n in range(12)}
    for n, kind in enumerate(("normal", "anomaly")):
        files |= {f"{prefix}test/{kind}_id_{m:02d}_00000000.wav": sound(n + 50, samples) for m in (0, 2)}
    return files
