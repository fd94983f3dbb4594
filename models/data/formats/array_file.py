# SPDX-License-Identifier: Apache-2.0
"""Files of numpy arrays (.npz, .npy) that a training wrote and reads again: a damaged one is named."""

from __future__ import annotations

import zipfile
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np

from mlperf_tiny.errors import DataError
from mlperf_tiny.file_tree import problem_of, refuse_placeholder


@contextmanager
def stored_arrays(file: Path, advice: str) -> Iterator[Any]:
    """Open a file of arrays: by name for .npz, the array itself for .npy.

    Args:
        file: The file.
        advice: What to do with a damaged one, as a sentence.

    Raises:
        WrongRequest: It is a Git LFS pointer or a web page.
        DataError: It cannot be read.
    """
    try:
        stored = np.load(file)
        if isinstance(stored, np.ndarray):
            yield stored
            return
        with stored:
            yield stored
    except (ValueError, KeyError, EOFError, OSError, zipfile.BadZipFile, zlib.error) as error:
        with file.open("rb") as stream:
            head = stream.read(4096)
        refuse_placeholder(head, str(file))
        raise DataError(f"{file} is damaged: {problem_of(head, error)}. {advice}") from error
