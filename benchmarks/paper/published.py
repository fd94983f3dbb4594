# SPDX-License-Identifier: Apache-2.0
"""What the MicroNets paper prints (Banbury et al., MLSys 2021, arXiv 2010.11267v6), as rows.

Table 4 (appendix B): int8 models on TFLM with CMSIS-NN of 2020; small is an STM32F446RE, medium an STM32F746ZG. KB are
1024 bytes: flash is the .tflite, SRAM the interpreter's arena without its own 4 KB. One multiply-accumulate is two
operations.
"""

from __future__ import annotations

from dataclasses import dataclass

SMALL, MEDIUM = "stm32f446", "stm32f746"


@dataclass(frozen=True, kw_only=True)
class Published:
    """A row of Table 4; None where the paper has none."""

    network: str
    """Name of the row in the zoo."""
    quality: str
    """Accuracy, or AUC of slide rails, in percent."""
    flash_kib: float
    """Of the .tflite."""
    sram_kib: float
    """Of the arena."""
    mops: float
    """Millions of operations."""
    small_s: float | None = None
    """Latency on the small board."""
    medium_s: float | None = None
    """Latency on the medium board."""
    small_mj: float | None = None
    """Energy of an inference on the small board."""
    medium_mj: float | None = None
    """Energy of an inference on the medium board."""

    def latency_ms(self, device: str) -> float | None:
        """Return the printed latency on a device."""
        seconds = self.small_s if device == SMALL else self.medium_s
        return None if seconds is None else 1e3 * seconds


def _row(network: str, quality: str, *figures: float | None) -> Published:
    names = ("flash_kib", "sram_kib", "mops", "small_s", "medium_s", "small_mj", "medium_mj")
    return Published(network=network, quality=quality, **dict(zip(names, figures, strict=True)))  # type: ignore[arg-type]


TABLE_4 = (
    _row("micronet-kws-l", "96.5", 612, 208.8, 129, None, 0.610, None, 274.32),
    _row("micronet-kws-m", "95.8", 163, 103.3, 30.6, 0.426, 0.187, 70.56, 83.16),
    _row("micronet-kws-s", "95.3", 102, 53.2, 16.4, 0.250, 0.109, 40.68, 48.6),
    _row("dscnn-l", "95.9", 490, 201.3, 107.2, None, 0.515, None, 229.32),
    _row("dscnn-m", "95.0", 181, 123.3, 37.3, None, 0.219, None, 98.64),
    _row("dscnn-s", "94.15", 49, 47.2, 7.1, 0.131, 0.058, 21.132, 25.956),
    _row("micronet-vww-2", "78.1", 230, 69.5, 5.3, 0.181, 0.079, 27.25, 36.36),
    _row("micronet-vww-3", "86.44", 458, 133.7, 45.2, None, 0.467, None, 196.2),
    _row("micronet-vww-4", "82.49", 416, 118.7, 37.7, 0.726, 0.310, None, 133.2),
    _row("micronet-ad-l", "97.28", 442, 383.7, 129, None, None, None, None),
    _row("micronet-ad-m", "96.05", 464, 274.5, 124.7, None, 0.608, None, 269.64),
    _row("micronet-ad-s", "95.35", 253, 114.2, 37.5, 0.457, None, 74.16, 91.8),
    _row("ad-autoencoder", "84.76", 270, 4.7, 0.52, 0.007, 0.003, 1.1736, 1.26),
)

STRIDE_MS = {"micronet-ad-l": 640.0, "micronet-ad-m": 640.0, "micronet-ad-s": 640.0, "ad-autoencoder": 32.0}
"""Time between two inferences on a stream of sound (Table 3): the share of it that is computed is the duty cycle."""
PRINTED_UPTIME = {
    "micronet-ad-l": "95.9 (F767)",
    "micronet-ad-m": "94.8 (F746)",
    "micronet-ad-s": "71.4 (F446)",
    "ad-autoencoder": "10.3 (F746)",
}

CONTENTS: tuple[tuple[str, str, str], ...] = (
    ("Table 1", "facts", "boards: `firmware/boards/`; the STM32F767 is not emulated yet"),
    ("Table 2, Figure 10", "not yet", "4-bit networks: no 4-bit kernels here"),
    ("Table 3", "emulated", "duty cycles below; AUC: the slide rail recordings (MIMII) were not available"),
    ("Table 4", "emulated", "below; accuracy of the published keyword files: docs/models.md"),
    ("Table 5", "reproduced", "`models/arch/zoo.py`; operations below"),
    ("Figure 2", "emulated", "memory of KWS-L: flash and RAM below, without an interpreter"),
    ("Figures 3, 4", "emulated", "docs/search.md, characterisation"),
    ("Figure 5", "not possible", "power does not depend on the network: an emulator cannot show it; assumed here"),
    ("Figure 6", "in part", "VWW-2, -3, -4 from published files; the widths of VWW-1 are printed nowhere"),
    ("Figures 7 to 9", "in part", "accuracy needs the official data; latency, flash and RAM below"),
    ("Figure 11", "not possible", "MCUNet's points are estimates from figures, of a task with 35 classes"),
)
"""Table or figure, what becomes of it here, and where or why."""
