# SPDX-License-Identifier: Apache-2.0
"""What an engine passes to the build: one model, ready to be compiled and linked as ``engine/model.h`` declares it.

The compiled engine (``firmware/codegen``) and TensorFlow Lite Micro (``firmware/tflm``) both make an EngineModel. The
build is the same for both; what else differs between engines is in the rows of ``harness/image/engines.py``.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol


class Int8Tensor(Protocol):
    """A model's input or output: real = scale * (q - zero_point)."""

    @property
    def size_bytes(self) -> int:
        """Bytes, which is also the number of values."""

    @property
    def scale(self) -> float:
        """The real step from one value to the next."""

    @property
    def zero_point(self) -> int:
        """The value that stands for 0."""


@dataclass(frozen=True, kw_only=True)
class Library:
    """A prebuilt static library and what a source file needs to be compiled against it."""

    archive: Path
    includes: tuple[Path, ...]
    """Absolute folders of its headers."""
    defines: tuple[str, ...]
    """``NAME`` or ``NAME=value``; as when the library was built."""
    flags: tuple[str, ...]
    """Compiler flags; as when the library was built."""
    version: str
    """The commit or release of its sources."""
    digest: str
    """sha256 of the archive: two builds of one version differ in it."""


class EngineModel(Protocol):
    """A model of one engine. Sizes in bytes."""

    @property
    def engine(self) -> str:
        """``compiled`` or ``tflm``."""

    @property
    def engine_version(self) -> str:
        """Release or commit of an external engine, where known; "" for the compiled engine."""

    @property
    def kernels(self) -> str:
        """The kernels: ``dsp``, ``ref``, ``CMSIS-NN``, ``reference`` ..."""

    @property
    def files(self) -> Mapping[str, str]:
        """Generated sources and headers, name -> text."""

    @property
    def sources(self) -> tuple[str, ...]:
        """Sources to compile with them, relative to ``firmware``."""

    @property
    def library(self) -> Library | None:
        """The library to link; None when the sources are complete."""

    @property
    def input(self) -> Int8Tensor:
        """The input tensor."""

    @property
    def output(self) -> Int8Tensor:
        """The output tensor."""

    @property
    def arena_bytes(self) -> int:
        """RAM for activations and scratch, and for an interpreter's own structures.

        0 for a model whose interpreter computes it at run time: ``mlperf_tiny.harness.image.arena`` measures it.
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
