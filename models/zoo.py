# SPDX-License-Identifier: Apache-2.0
"""The networks of this project, one row each."""

from __future__ import annotations

from harness.errors import UsageError
from models.arch import Arch, Dense

# The shape of MLPerf Tiny's anomaly-detection model: 5 frames of 128 mel bands through a waist of 8.
AD_AUTOENCODER = Arch(
    "ad-autoencoder",
    (640,),
    (
        *[Dense(128)] * 4,
        Dense(8),
        *[Dense(128)] * 4,
        Dense(640, batch_norm=False, relu=False),
    ),
)

ARCHS: tuple[Arch, ...] = (AD_AUTOENCODER,)


def find_arch(name: str) -> Arch:
    """Return the row called ``name``; raises UsageError naming the networks there are."""
    for arch in ARCHS:
        if arch.name == name:
            return arch
    raise UsageError(f"there is no network {name!r}; choose one of {', '.join(arch.name for arch in ARCHS)}.")
