# SPDX-License-Identifier: Apache-2.0
"""Sound files (.wav, .flac) as 16-bit samples."""

from __future__ import annotations

import io

import numpy as np
from numpy.typing import NDArray

from mlperf_tiny.errors import DataError
from mlperf_tiny.file_tree import problem_of
from mlperf_tiny.models.features.clip import SAMPLE_RATE_HZ

SOUND_SUFFIXES = frozenset({".wav", ".flac"})


def read_sound(content: bytes, where: str) -> NDArray[np.int16]:
    """Return the samples of a mono sound file at 16 kHz.

    Args:
        content: The bytes of the file.
        where: Its path, for errors.

    Returns:
        Shape (n,).

    Raises:
        DataError: The file has another rate, more channels or no samples, or cannot be read.
    """
    import soundfile  # a tenth of a second, which commands without sounds should not spend

    try:
        samples, rate_hz = soundfile.read(io.BytesIO(content), dtype="int16", always_2d=True)
    except (soundfile.SoundFileError, RuntimeError, OSError, ValueError) as error:
        raise DataError(
            f"{where} is not a readable sound file: {problem_of(content, error)}. Replace the file."
        ) from error
    if rate_hz != SAMPLE_RATE_HZ or samples.shape[1] != 1:
        raise DataError(
            f"{where} has {rate_hz} Hz and {samples.shape[1]} channels; wanted {SAMPLE_RATE_HZ} Hz and 1 channel."
        )
    if not len(samples):
        raise DataError(f"{where} holds no samples. Replace the file.")
    return np.ascontiguousarray(samples[:, 0])
