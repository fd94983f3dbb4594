# SPDX-License-Identifier: Apache-2.0
"""Image files as the raw bytes that the benchmarks send."""

from __future__ import annotations

import io

from PIL import Image, UnidentifiedImageError

from mlperf_tiny.errors import DataError
from mlperf_tiny.file_tree import problem_of
from mlperf_tiny.models.data.formats.files import Decoder


def rgb_decoder(width: int, height: int) -> Decoder:
    """Return a decoder of image files to interleaved RGB bytes, row-major.

    It raises DataError for another size: resized images would not be the benchmark's inputs.

    Args:
        width: The width that an image must have, in pixels.
        height: The height that an image must have, in pixels.

    Returns:
        A decoder for ``FileForm.decoders``.
    """

    def decode(content: bytes, where: str) -> bytes:
        try:
            with Image.open(io.BytesIO(content)) as image:
                if image.size != (width, height):
                    got_width, got_height = image.size
                    raise DataError(f"{where} is {got_width} x {got_height} pixels, wanted {width} x {height}.")
                return image.convert("RGB").tobytes()
        except (UnidentifiedImageError, OSError, SyntaxError, ValueError, Image.DecompressionBombError) as error:
            raise DataError(
                f"{where} is not a readable image: {problem_of(content, error)}. Replace the file."
            ) from error

    return decode
