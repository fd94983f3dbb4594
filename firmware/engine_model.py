# SPDX-License-Identifier: Apache-2.0
"""What an engine hands to the build: one model, ready to be compiled and linked behind ``engine/model.h``.

The compiled engine (``firmware/codegen``) and TensorFlow Lite Micro (``firmware/tflm``) both end in an EngineModel;
nothing after it asks which of them it was.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol


class Int8Tensor(Protocol):
    """A model's input or output: real = scale * (q - zero_point)."""

    @property
    def size_bytes(self) -> int: ...

    @property
    def scale(self) -> float: ...

    @property
    def zero_point(self) -> int: ...


@dataclass(frozen=True)
class Library:
    """A prebuilt static library and what a source file needs to be compiled against it.

    ``includes`` are absolute folders. ``defines`` (``NAME`` or ``NAME=value``) and ``flags`` must agree with those the
    library was built with. ``digest`` is a hash of the archive: with ``version`` it tells two builds apart.
    """

    archive: Path
    includes: tuple[Path, ...]
    defines: tuple[str, ...]
    flags: tuple[str, ...]
    version: str
    digest: str


class EngineModel(Protocol):
    """A model of one engine. Sizes in bytes."""

    @property
    def engine(self) -> str:
        """``compiled`` or ``tflm``."""

    @property
    def engine_version(self) -> str:
        """Which release or commit of a foreign engine, as far as it tells; "" for the compiled engine."""

    @property
    def kernels(self) -> str:
        """What computes: ``dsp``, ``ref``, ``CMSIS-NN``, ``reference`` ..."""

    @property
    def files(self) -> Mapping[str, str]:
        """Generated sources and headers, name -> text."""

    @property
    def sources(self) -> tuple[str, ...]:
        """Sources to compile with them, relative to ``firmware``."""

    @property
    def library(self) -> Library | None:
        """What to link besides; None when the sources are all there is."""

    @property
    def input(self) -> Int8Tensor: ...

    @property
    def output(self) -> Int8Tensor: ...

    @property
    def arena_bytes(self) -> int:
        """RAM for activations and scratch, and for an interpreter's own structures.

        0 for a model whose arena only its interpreter can tell: ``harness.image.build`` finds it and notes it with the
        image.
        """

    @property
    def constant_bytes(self) -> int:
        """Flash that holds the model: weights and tables, or the whole .tflite."""

    @property
    def stack_bytes(self) -> int:
        """Stack the image needs with this engine."""

    @property
    def model_sha256(self) -> str:
        """Hash of the .tflite file."""
