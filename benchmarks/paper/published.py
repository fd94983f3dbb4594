# SPDX-License-Identifier: Apache-2.0
"""What the MicroNets paper prints (Banbury et al., MLSys 2021, arXiv 2010.11267v6), as rows.

Tables 3 and 4 (appendix B): int8 models on TFLM with CMSIS-NN of 2020; small is an STM32F446RE, medium an STM32F746ZG,
large an STM32F767ZI. Flash is the .tflite, SRAM the interpreter's arena without its own 4 KB. The paper's KB are taken
as 1024 bytes; files that can be compared show both: 300,568 bytes of person detection are printed as 294, and 309,136
of ProxylessNAS as 309. One multiply-accumulate is two operations.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

SMALL, MEDIUM = "stm32f446", "stm32f746"
ENLARGED = f"{MEDIUM}+"
"""The medium board with the memory of the large one, for networks that do not fit it."""


@dataclass(frozen=True, kw_only=True)
class Published:
    """A row of Tables 3 and 4; None where the paper has none."""

    network: str
    """Its name here, of the zoo or of ``benchmarks.paper.networks``."""
    quality: str
    """Accuracy, or AUC of slide rails, in percent."""
    flash_kib: float
    """Of the .tflite."""
    sram_kib: float
    """Of the arena."""
    mops: float | None = None
    """Millions of operations."""
    small_s: float | None = None
    """Latency on the small board."""
    medium_s: float | None = None
    """Latency on the medium board."""
    large_s: float | None = None
    """Latency on the large board."""
    small_mj: float | None = None
    """Energy of an inference on the small board."""
    medium_mj: float | None = None
    """Energy of an inference on the medium board."""
    estimated: tuple[str, ...] = ()
    """Names of the fields that the paper marks as estimates."""
    absent: str = ""
    """Why the network is not measured here; "" where it is."""

    def latency_ms(self, device: str) -> float | None:
        """Return the printed latency on a device."""
        seconds = self.small_s if device == SMALL else self.medium_s
        return None if seconds is None else 1e3 * seconds

    def mark(self, name: str) -> str:
        """Return "*" for a field that is an estimate of the paper, as the paper prints it."""
        return "*" if name in self.estimated else ""


def _row(network: str, quality: str, *figures: float | None, estimated: str = "", absent: str = "") -> Published:
    names = ("flash_kib", "sram_kib", "mops", "small_s", "medium_s", "large_s", "small_mj", "medium_mj")
    values: dict[str, Any] = dict(zip(names, figures, strict=True))
    return Published(network=network, quality=quality, estimated=tuple(estimated.split()), absent=absent, **values)


TABLE_4 = (
    _row("micronet-kws-l", "96.5", 612, 208.8, 129, None, 0.610, 0.596, None, 274.32),
    _row("micronet-kws-m", "95.8", 163, 103.3, 30.6, 0.426, 0.187, 0.181, 70.56, 83.16),
    _row("micronet-kws-s", "95.3", 102, 53.2, 16.4, 0.250, 0.109, 0.108, 40.68, 48.6),
    _row("dscnn-l", "95.9", 490, 201.3, 107.2, None, 0.515, 0.497, None, 229.32),
    _row("dscnn-m", "95.0", 181, 123.3, 37.3, None, 0.219, 0.212, None, 98.64),
    _row("dscnn-s", "94.15", 49, 47.2, 7.1, 0.131, 0.058, 0.058, 21.132, 25.956),
    _row("mobilenetv2-kws-l", "95.5", 988, 530, 276.8, *[None] * 5, estimated="sram_kib"),
    _row("mobilenetv2-kws-m", "94.9", 233, 266.0, 59.26, None, 0.330, 0.317, None, 147.6),
    # The paper has these two energies in each other's column: 54 mJ in 0.120 s is the medium board's power.
    _row("mobilenetv2-kws-s", "94.0", 87, 134.2, 16.1, None, 0.120, 0.115, 54, 15.264),
    _row(
        "micronet-vww-1", "88.03", 833, 285.3, 135.9, None, 1.133, 1.055, None, 478.8,
        absent="its widths are in a drawing (Figure 6a) and printed nowhere, and no file of it is published",
    ),
    _row("micronet-vww-2", "78.1", 230, 69.5, 5.3, 0.181, 0.079, 0.082, 27.25, 36.36),
    _row("micronet-vww-3", "86.44", 458, 133.7, 45.2, None, 0.467, 0.447, None, 196.2),
    _row("micronet-vww-4", "82.49", 416, 118.7, 37.7, 0.726, 0.310, 0.298, None, 133.2),
    _row("proxylessnas-vww", "94.6", 309, 349.8, None, None, 7.72, 7.543, None, None, estimated="medium_s"),
    _row(
        "msnet-vww", "95.13", 264, 413.0, None, None, 8.69, 8.499, None, None, estimated="medium_s",
        absent="no file, graph or list of its layers was found in public",
    ),
    _row("person-detection", "76", 294, 82.3, None, 0.254, 0.108, 0.108, 39.96, 49.32),
    _row("micronet-ad-l", "97.28", 442, 383.7, 129, None, None, 0.614, None, None),
    _row("micronet-ad-m", "96.05", 464, 274.5, 124.7, None, 0.608, 0.567, None, 269.64),
    _row("micronet-ad-s", "95.35", 253, 114.2, 37.5, 0.457, 0.192, 0.194, 74.16, 91.8, estimated="medium_s"),
    _row("ad-autoencoder", "84.76", 270, 4.7, 0.52, 0.007, 0.003, 0.003, 1.1736, 1.26),
    _row("mobilenetv2-0.5-ad", "97.24*", 965, 206.8, 31.1, None, None, 0.253, None, None),
)  # fmt: skip
"""Table 4."""

TABLE_3_ONLY = (
    _row("ad-autoencoder-wide", "87.1", 2253, 4.7, 4.47, *[None] * 5, estimated="sram_kib"),
    _row(
        "conv-autoencoder", "91.77", 4198, 160, 578, *[None] * 5, estimated="flash_kib sram_kib",
        absent="float, with transposed convolutions that neither engine has; 4.1 MB exceed the flash of every board",
    ),
)  # fmt: skip
"""Rows of Table 3 that Table 4 does not have."""

TABLE_3 = (
    *(row for row in TABLE_4 if "-ad" in row.network or row.network.startswith("ad-")),
    *TABLE_3_ONLY,
)
"""The networks for machine sounds."""

MEASURED = tuple(row.network for row in (*TABLE_4, *TABLE_3_ONLY) if not row.absent)
"""Names of the networks that are measured here."""

STRIDE_MS = {
    "micronet-ad-l": 640.0,
    "micronet-ad-m": 640.0,
    "micronet-ad-s": 640.0,
    "ad-autoencoder": 32.0,
    "ad-autoencoder-wide": 32.0,
    "mobilenetv2-0.5-ad": 256.0,
}
"""Time between two inferences on a stream of sound (Table 3): the share of it that is computed is the duty cycle."""
PRINTED_UPTIME = {
    "micronet-ad-l": "95.9 (F767)",
    "micronet-ad-m": "94.8 (F746)",
    "micronet-ad-s": "71.4 (F446)",
    "ad-autoencoder": "10.3 (F746)",
    "mobilenetv2-0.5-ad": "98.8 (F767)",
}

CONTENTS: tuple[tuple[str, str, str], ...] = (
    ("Table 1", "facts", "`firmware/boards/`; the STM32F767 is not emulated, its rows are printed beside the F746"),
    ("Table 2", "not possible yet", "4-bit networks: there are no 4-bit kernels here; the rows will follow with them"),
    ("Table 3", "emulated", "below; no AUC: the slide rail recordings (MIMII) were not available"),
    ("Table 4", "emulated", "below, without VWW-1 and MSNet; accuracy of the published keyword files: docs/models.md"),
    ("Table 5", "reproduced", "`models/arch/zoo.py`; operations below"),
    ("Figure 2", "emulated", "memory of KWS-L below, part by part"),
    ("Figure 3", "emulated", "latency of layers: docs/search.md, characterisation"),
    ("Figure 4", "emulated", "latency of random networks over operations: docs/search.md, characterisation"),
    ("Figure 5", "not possible", "power does not depend on the network: an emulator cannot show it; assumed here"),
    ("Figure 6", "in part", "VWW-2, -3, -4 from published files; the widths of VWW-1 are printed nowhere"),
    ("Figures 7, 8, 9", "in part", "a task each: latency, flash, RAM below; accuracy needs the official data sets"),
    ("Figure 10", "not possible yet", "latency of 4-bit networks, as Table 2"),
    ("Figure 11", "not possible", "MCUNet's points are estimates from figures, of a task with 35 classes"),
)
"""Table or figure, what becomes of it here, and where or why."""
