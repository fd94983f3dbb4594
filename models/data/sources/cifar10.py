# SPDX-License-Identifier: Apache-2.0
"""CIFAR-10 in both forms it is published in: pickled batches (``cifar-10-batches-py``) and binary ones (``-bin``).

The fifth training batch is kept apart for validation, 10,000 of 50,000 images.
"""

from __future__ import annotations

import io
import pickle
from dataclasses import dataclass
from functools import lru_cache, partial
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from mlperf_tiny.errors import DataError
from mlperf_tiny.models.data.formats.examples import Example, ExampleSet
from mlperf_tiny.models.tasks import BY_NAME

LABELS = BY_NAME["ic"].labels
SIDE = 32
IMAGE_BYTES = 3 * SIDE * SIDE
TEST_IMAGES = 10_000
BATCHES = ("data_batch_1", "data_batch_2", "data_batch_3", "data_batch_4", "data_batch_5", "test_batch")
_FOLDERS = (("cifar-10-batches-py", ""), ("cifar-10-batches-bin", ".bin"))
_ABOVE = ("", "cifar10")


class ArraysOnly(pickle.Unpickler):
    """Rejects everything in a pickle except numpy arrays, because unpickling other classes can run any code."""

    _allowed = frozenset({"_reconstruct", "ndarray", "dtype"})

    def find_class(self, module: str, name: str) -> Any:
        """Return a class that a pickle names.

        Args:
            module: Its module.
            name: Its name.

        Returns:
            The class, if it is one that arrays need.

        Raises:
            pickle.UnpicklingError: It is any other.
        """
        if (module.split(".")[0] == "numpy" and name in self._allowed) or (module, name) == ("_codecs", "encode"):
            return super().find_class(module, name)  # encode is how later Pythons write the bytes of an old pickle
        raise pickle.UnpicklingError(f"{module}.{name} is not allowed in a data set")


@dataclass(frozen=True, eq=False)
class Batch:
    """A file of 10,000 images."""

    images: NDArray[np.uint8]
    """Shape (n, 32, 32, 3)."""
    labels: NDArray[np.int64]
    """Shape (n,)."""
    names: tuple[str, ...]
    """Published file names; numbers where the form has no names."""


def pickled_batch(content: bytes) -> Batch:
    """Read a batch of the python form; raises pickle.UnpicklingError, KeyError or ValueError for anything else."""
    batch = ArraysOnly(io.BytesIO(content), encoding="bytes").load()
    names = tuple(name.decode() for name in batch[b"filenames"])
    return Batch(_interleaved(np.asarray(batch[b"data"], np.uint8)), np.asarray(batch[b"labels"], np.int64), names)


def binary_batch(content: bytes) -> Batch:
    """Read a batch of the binary form, a byte of label before each image; raises ValueError for another length."""
    rows = np.frombuffer(content, np.uint8).reshape(-1, 1 + IMAGE_BYTES)
    names = tuple(f"{number:05d}" for number in range(len(rows)))
    return Batch(_interleaved(rows[:, 1:]), rows[:, 0].astype(np.int64), names)


def _interleaved(planes: NDArray[np.uint8]) -> NDArray[np.uint8]:
    return np.ascontiguousarray(planes.reshape(-1, 3, SIDE, SIDE).transpose(0, 2, 3, 1))


def find_cifar10(folder: Path) -> ExampleSet | None:
    """Return CIFAR-10 as it lies unpacked in ``folder`` or in ``folder``/cifar10; None where it does not.

    Raises DataError for a damaged or a missing batch.
    """
    for above in _ABOVE:
        for name, suffix in _FOLDERS:
            place = folder / above / name
            if (place / f"{BATCHES[0]}{suffix}").is_file():
                return _of_folder(place, suffix)
    return None


def _of_folder(place: Path, suffix: str) -> ExampleSet:
    *train, validation, test = (_examples(str(place / f"{batch}{suffix}")) for batch in BATCHES)
    origin = f"CIFAR-10, from {place}"
    everything = tuple(example for batch in train for example in batch)
    return ExampleSet(
        task="ic",
        source="real",
        origin=origin,
        labels=LABELS,
        train=everything,
        validation=validation,
        test=test,
        noises=(),
        published_test=test,
        published_count=TEST_IMAGES,
    )


def _examples(path: str) -> tuple[Example, ...]:
    batch, stem = _batch(path), Path(path).stem
    return tuple(
        Example(f"{stem}/{name}", int(label), "", partial(_image, path, number))
        for number, (name, label) in enumerate(zip(batch.names, batch.labels, strict=True))
    )


def _image(path: str, number: int) -> NDArray[np.uint8]:
    return _batch(path).images[number]


@lru_cache(maxsize=len(BATCHES))
def _batch(path: str) -> Batch:
    try:
        content = Path(path).read_bytes()
        batch = binary_batch(content) if path.endswith(".bin") else pickled_batch(content)
    except OSError as error:
        raise DataError(f"{path} cannot be read: {error.strerror}. Unpack CIFAR-10 again.") from error
    except (pickle.UnpicklingError, KeyError, ValueError, EOFError, AttributeError, TypeError) as error:
        raise DataError(f"{path} is not a batch of CIFAR-10: {error}. Unpack it again.") from error
    if not len(batch.labels) or len(batch.labels) != len(batch.images) or batch.labels.max() >= len(LABELS):
        raise DataError(f"{path} is not a batch of CIFAR-10: its labels do not fit its images. Unpack it again.")
    return batch
