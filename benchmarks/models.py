# SPDX-License-Identifier: Apache-2.0
"""Which models a benchmark takes when it is given none."""

from __future__ import annotations

import os
from pathlib import Path

from mlperf_tiny.models.catalog.catalog import PRETRAINED

SHIPPED = PRETRAINED / "ad-autoencoder" / "model.tflite"


def default_models() -> tuple[Path, ...]:
    """The official models under ``MLPERF_TINY_DATA``; without them the shipped one."""
    value = os.environ.get("MLPERF_TINY_DATA")
    folders = [Path(value) / name for name in ("reference_models", "micronets")] if value else []
    return tuple(path for folder in folders for path in sorted(folder.glob("*.tflite"))) or (SHIPPED,)
