# SPDX-License-Identifier: Apache-2.0
"""Feature pipelines by name: rows of the catalogue and of the zoo name the pipeline that computes their inputs.

A pipeline takes raw samples, many at a time, and returns the float inputs of a network; ``quantized`` returns what its
int8 input tensor holds. A new feature pipeline is a module beside this one and a row here. Pipelines ``vww-rgb-SIDE``
are made for the side in their name.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from mlperf_tiny.errors import UsageError, did_you_mean
from mlperf_tiny.models.features.image import byte_rgb, gray, rgb, unit_rgb
from mlperf_tiny.models.features.keyword import keyword_mfcc
from mlperf_tiny.models.features.keyword_spectrogram import keyword_log_mel, keyword_mfcc_32
from mlperf_tiny.models.features.machine_image import machine_images
from mlperf_tiny.models.features.machine_sound import log_mel, windows
from mlperf_tiny.models.features.micronet_keyword import hello_edge_mfcc, micronet_keyword_mfcc
from mlperf_tiny.models.features.wake_word import wake_word_inputs

Raw = Literal["keyword clips", "machine clip", "images"]
Rounding = Literal["nearest", "truncated"]


@dataclass(frozen=True, kw_only=True)
class Pipeline:
    """How raw samples become network inputs."""

    name: str
    """What a catalogue row, a model card or a zoo row names."""
    task: str
    """The name of the task whose raw data it takes."""
    raw: Raw
    """What ``compute`` takes: "keyword clips" int16 (n, 16000); "images" uint8 (n, height, width, 3); "machine clip"
    one int16 clip (samples,), which gives several inputs."""
    shape: tuple[int, ...]
    """Shape of one network input."""
    compute: Callable[[NDArray[Any]], NDArray[np.float32]]
    """Returns float32 (n, *shape)."""
    rounding: Rounding = "nearest"
    """How values become int8."""

    def quantized(self, raw: NDArray[Any], scale: float, zero_point: int) -> NDArray[np.int8]:
        """Return what an int8 input tensor holds.

        Args:
            raw: The raw samples, as ``self.raw`` names them.
            scale: Quantisation scale of the tensor.
            zero_point: Quantisation zero point of the tensor.

        Returns:
            Shape (n, *shape).
        """
        return quantize_inputs(self.compute(raw), scale, zero_point, self.rounding)


def quantize_inputs(
    features: NDArray[np.float32], scale: float, zero_point: int, rounding: Rounding = "nearest"
) -> NDArray[np.int8]:
    """Quantise features to int8, clamped.

    Args:
        features: Values of any shape.
        scale: Quantisation scale.
        zero_point: Quantisation zero point.
        rounding: "nearest": round(x / scale) + zero_point; "truncated": x / scale + zero_point, truncated toward zero.

    Returns:
        The same shape.

    Examples:
        >>> quantize_inputs(np.array([-0.6, 0.6, 500.0], np.float32), 1.0, 2).tolist()
        [1, 3, 127]
    """
    steps = features / np.float32(scale)
    whole = np.rint(steps) + zero_point if rounding == "nearest" else np.trunc(steps + np.float32(zero_point))
    return np.clip(whole, -128, 127).astype(np.int8)


def _machine_windows(clip: NDArray[Any]) -> NDArray[np.float32]:
    return windows(log_mel(clip / 32_768.0))


PIPELINES: tuple[Pipeline, ...] = (
    Pipeline(
        name="mlperf-kws",
        task="kws",
        raw="keyword clips",
        shape=(49, 10, 1),
        compute=keyword_mfcc,
        rounding="truncated",
    ),
    Pipeline(
        name="micronet-kws",
        task="kws",
        raw="keyword clips",
        shape=(49, 10, 1),
        compute=micronet_keyword_mfcc,
    ),
    Pipeline(
        name="hello-edge-kws",
        task="kws",
        raw="keyword clips",
        shape=(49, 10, 1),
        compute=hello_edge_mfcc,
    ),
    Pipeline(
        name="bcresnet-kws",
        task="kws",
        raw="keyword clips",
        shape=(101, 40, 1),
        compute=keyword_log_mel,
    ),
    Pipeline(
        name="sparknet-kws",
        task="kws",
        raw="keyword clips",
        shape=(101, 1, 32),
        compute=keyword_mfcc_32,
    ),
    Pipeline(
        name="mlperf-ad",
        task="ad",
        raw="machine clip",
        shape=(640,),
        compute=_machine_windows,
    ),
    Pipeline(
        name="micronet-ad",
        task="ad",
        raw="machine clip",
        shape=(32, 32, 1),
        compute=machine_images,
    ),
    Pipeline(
        name="mlperf-vww",
        task="vww",
        raw="images",
        shape=(96, 96, 3),
        compute=unit_rgb,
    ),
    Pipeline(
        name="micronet-vww-50",
        task="vww",
        raw="images",
        shape=(50, 50, 1),
        compute=partial(gray, side=50),
    ),
    Pipeline(
        name="micronet-vww-128",
        task="vww",
        raw="images",
        shape=(128, 128, 1),
        compute=partial(gray, side=128),
    ),
    Pipeline(
        name="micronet-vww-160",
        task="vww",
        raw="images",
        shape=(160, 160, 1),
        compute=partial(gray, side=160),
    ),
    Pipeline(
        name="mlperf-ic",
        task="ic",
        raw="images",
        shape=(32, 32, 3),
        compute=byte_rgb,
    ),
    Pipeline(
        name="mlperf-sww",
        task="sww",
        raw="keyword clips",
        shape=(30, 1, 40),
        compute=wake_word_inputs,
        rounding="truncated",
    ),
)

BY_NAME: dict[str, Pipeline] = {row.name: row for row in PIPELINES}


MIN_SIDE, MAX_SIDE = 16, 256
"""Sides in pixels of the images that ``vww-rgb-SIDE`` gives."""
_RESIZED = re.compile(r"vww-rgb-([1-9][0-9]{1,2})")


def find_pipeline(name: str) -> Pipeline:
    """Return a pipeline by its name: a row, or ``vww-rgb-SIDE`` for RGB images of any side.

    Raises:
        UsageError: There is none; the message names those there are.

    Examples:
        >>> find_pipeline("vww-rgb-80").shape
        (80, 80, 3)
    """
    if name in BY_NAME:
        return BY_NAME[name]
    match = _RESIZED.fullmatch(name)
    if match and MIN_SIDE <= (side := int(match[1])) <= MAX_SIDE:
        return Pipeline(name=name, task="vww", raw="images", shape=(side, side, 3), compute=partial(rgb, side=side))
    raise UsageError(
        f"there is no feature pipeline {name!r}; choose one of {', '.join(BY_NAME)}, or vww-rgb-SIDE with a side of "
        f"{MIN_SIDE} to {MAX_SIDE} pixels.{did_you_mean(name, BY_NAME)}"
    )
