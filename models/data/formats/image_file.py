# SPDX-License-Identifier: Apache-2.0
"""Picture files as the raw bytes the benchmarks send."""

from __future__ import annotations

import io

from PIL import Image, UnidentifiedImageError

from mlperf_tiny.errors import DataError
from mlperf_tiny.models.data.formats.files import Decoder


def rgb_decoder(width: int, height: int) -> Decoder:
    """Return a decoder of pictures of exactly ``width`` x ``height`` to interleaved RGB bytes, row-major.

    It raises DataError for another size: resizing would make other inputs than the benchmark's.
    """

    def decode(content: bytes, where: str) -> bytes:
        try:
            with Image.open(io.BytesIO(content)) as picture:
                if picture.size != (width, height):
                    got_width, got_height = picture.size
                    raise DataError(f"{where} is {got_width} x {got_height} pixels, wanted {width} x {height}.")
                return picture.convert("RGB").tobytes()
        except (UnidentifiedImageError, OSError, SyntaxError, ValueError, Image.DecompressionBombError) as error:
            raise DataError(f"{where} is not a readable picture: {error}. Replace the file.") from error

    return decode
