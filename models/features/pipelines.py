# SPDX-License-Identifier: Apache-2.0
"""Feature pipelines by name: what a model in the catalogue or the zoo names to say how its inputs are made.

A pipeline takes raw samples, many at a time, and gives the float inputs of a network; ``quantized`` gives what its
int8 input tensor holds. A new front end is a module beside this one and a row here.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from mlperf_tiny.errors import UsageError
from mlperf_tiny.models.features.image import byte_rgb, gray, unit_rgb
from mlperf_tiny.models.features.keyword import keyword_mfcc
from mlperf_tiny.models.features.machine_image import machine_images
from mlperf_tiny.models.features.machine_sound import log_mel, windows
from mlperf_tiny.models.features.micronet_keyword import hello_edge_mfcc, micronet_keyword_mfcc
from mlperf_tiny.models.features.wake_word import wake_word_inputs

Raw = Literal["keyword clips", "machine clip", "pictures"]
Rounding = Literal["nearest", "truncated"]


@dataclass(frozen=True)
class Pipeline:
    """How raw samples become network inputs.

    ``raw`` says what ``compute`` takes: "keyword clips" int16 (n, 16000); "machine clip" one int16 clip (samples,),
    which gives several inputs; "pictures" uint8 (n, height, width, 3). ``compute`` returns float32 (n, *shape).
    """

    name: str
    task: str
    raw: Raw
    shape: tuple[int, ...]
    compute: Callable[[NDArray[Any]], NDArray[np.float32]]
    rounding: Rounding = "nearest"

    def quantized(self, raw: NDArray[Any], scale: float, zero_point: int) -> NDArray[np.int8]:
        """Return the int8 inputs, shape (n, *shape), of a tensor with this ``scale`` and ``zero_point``."""
        return quantize_inputs(self.compute(raw), scale, zero_point, self.rounding)


def quantize_inputs(
    features: NDArray[np.float32], scale: float, zero_point: int, rounding: Rounding = "nearest"
) -> NDArray[np.int8]:
    """Return round(x / scale) + zero_point, clamped; "truncated": x / scale + zero_point cut toward zero."""
    steps = features / np.float32(scale)
    whole = np.rint(steps) + zero_point if rounding == "nearest" else np.trunc(steps + np.float32(zero_point))
    return np.clip(whole, -128, 127).astype(np.int8)


def _machine_windows(clip: NDArray[Any]) -> NDArray[np.float32]:
    return windows(log_mel(clip / 32_768.0))


PIPELINES: tuple[Pipeline, ...] = (
    Pipeline("mlperf-kws", "kws", "keyword clips", (49, 10, 1), keyword_mfcc, "truncated"),
    Pipeline("micronet-kws", "kws", "keyword clips", (49, 10, 1), micronet_keyword_mfcc),
    Pipeline("hello-edge-kws", "kws", "keyword clips", (49, 10, 1), hello_edge_mfcc),
    Pipeline("mlperf-ad", "ad", "machine clip", (640,), _machine_windows),
    Pipeline("micronet-ad", "ad", "machine clip", (32, 32, 1), machine_images),
    Pipeline("mlperf-vww", "vww", "pictures", (96, 96, 3), unit_rgb),
    Pipeline("micronet-vww-50", "vww", "pictures", (50, 50, 1), partial(gray, side=50)),
    Pipeline("micronet-vww-128", "vww", "pictures", (128, 128, 1), partial(gray, side=128)),
    Pipeline("micronet-vww-160", "vww", "pictures", (160, 160, 1), partial(gray, side=160)),
    Pipeline("mlperf-ic", "ic", "pictures", (32, 32, 3), byte_rgb),
    Pipeline("mlperf-sww", "sww", "keyword clips", (30, 1, 40), wake_word_inputs, "truncated"),
)

BY_NAME: dict[str, Pipeline] = {row.name: row for row in PIPELINES}


def find_pipeline(name: str) -> Pipeline:
    """Return the row called ``name``; raises UsageError naming the pipelines there are."""
    try:
        return BY_NAME[name]
    except KeyError:
        raise UsageError(f"there is no feature pipeline {name!r}; choose one of {', '.join(BY_NAME)}.") from None
