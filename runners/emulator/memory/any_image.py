# SPDX-License-Identifier: Apache-2.0
"""A firmware image of any kind: ELF, Intel HEX, or the plain bytes of the flash."""

from __future__ import annotations

from pathlib import Path

from mlperf_tiny.errors import UsageError
from mlperf_tiny.file_tree import content_kind
from mlperf_tiny.runners.emulator.memory.elf_image import ElfImage, read_image
from mlperf_tiny.runners.emulator.memory.flat_image import flat_image, read_hex


def read_any_image(image: Path | bytes, flash_base: int) -> ElfImage:
    """Read an image; its contents say of which kind it is.

    Args:
        image: A file, or its bytes.
        flash_base: Where plain bytes go.

    Raises:
        UsageError: when it is missing, or no image.
    """
    name = "the image" if isinstance(image, bytes) else str(image)
    try:
        data = image if isinstance(image, bytes) else image.read_bytes()
    except OSError as error:
        raise UsageError(f"cannot read the image {name}: {error.strerror}. Name an ELF, HEX or BIN file.") from None
    if data.startswith(b"\x7fELF"):
        return read_image(image)
    if data.lstrip().startswith(b":"):
        return read_hex(name, data)
    if kind := content_kind(data):
        raise UsageError(f"{name} is {kind.what}, not a firmware image. {kind.advice}")
    return flat_image(name, data, flash_base)
