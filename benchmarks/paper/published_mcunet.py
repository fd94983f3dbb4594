# SPDX-License-Identifier: Apache-2.0
"""What MCUNet's authors publish of their networks on TinyEngine and on other engines, as rows.

Sources, all in public: the table of the paper's first repository (mit-han-lab/tinyml, 2021: an STM32F746, and for two
rows another board), the list of networks of its successor (mit-han-lab/mcunet), and the table of the engine's
repository (mit-han-lab/tinyengine, 2022: an STM32H743 whose clock is not printed). KB are taken as 1024 bytes.
"""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, kw_only=True)
class Engine:
    """What a network takes with one engine; None where nothing is printed, or where it does not fit."""

    ms: float | None = None
    """Latency."""
    sram_kib: float | None = None
    """Peak of the SRAM."""
    flash_kib: float | None = None
    """Flash."""


@dataclass(frozen=True, kw_only=True)
class OnF746:
    """A network as published for the STM32F746 at 216 MHz."""

    network: str
    """Its name here."""
    mmacs: float
    """Million multiply-accumulates."""
    tflm: Engine
    """TFLM of 2020."""
    tinyengine: Engine
    """TinyEngine of 2020."""
    note: str = ""
    """What is not as said above."""


@dataclass(frozen=True, kw_only=True)
class OnH743:
    """A network as published for the STM32H743 in 2022."""

    network: str
    """Its name here."""
    tflm: Engine
    """TFLM without the CMSIS-NN kernels."""
    cmsis_nn: Engine
    """TFLM with them."""
    cube_ai: Engine
    """X-CUBE-AI 7.3.0."""
    tinyengine: Engine
    """TinyEngine."""


def _engine(*figures: float | None) -> Engine:
    ms, sram_kib, flash_kib = figures
    return Engine(ms=ms, sram_kib=sram_kib, flash_kib=flash_kib)


def _f746(
    network: str, mmacs: float, tflm: tuple[float | None, ...], tinyengine: tuple[float, ...], note: str = ""
) -> OnF746:
    return OnF746(network=network, mmacs=mmacs, tflm=_engine(*tflm), tinyengine=_engine(*tinyengine), note=note)


_NONE = (None, None, None)
ON_F746 = (
    _f746(
        "mbv2-w0.3-r80", 7.3, (445, 306, 943), (124, 98, 745),
        "Plumerai's authors (2021): TFLM with CMSIS-NN 129, EON 120, X-CUBE-AI 103, Plumerai 77 ms",
    ),
    _f746("mbv2-w0.35-r144", 23.5, (None, 646, 1060), (393, 308, 862)),
    _f746("proxyless-w0.25-r112", 10.7, (660, 288, 860), (169, 114, 701)),
    _f746("proxyless-w0.3-r176", 38.3, (None, 526, 1063), (572, 292, 892)),
    _f746("mcunet-in0", 6.4, (None, 237, 1069), (92, 54, 889)),
    _f746("mcunet-in1", 12.8, (659, 295, 941), (197, 107, 770)),
    _f746(
        "mcunet-in2", 67.3, (None, 546, 1081), (681, 242, 878),
        "latency by AtomNet's authors; X-CUBE-AI 7.2.0: 803 ms",
    ),
    _f746(
        "mcunet-in3", 81.8, (None, 560, 1088), (1075, 293, 897),
        "AtomNet's authors: TinyEngine 819, X-CUBE-AI 7.2.0 980 ms",
    ),
    _f746("mcunet-in4", 125.9, (None, 863, 2133), (617, 456, 1876), "latency on an STM32H743"),
)  # fmt: skip
"""The table of 2021."""

VWW = (
    OnF746(network="mcunet-vww0", mmacs=6.0, tflm=Engine(), tinyengine=Engine(sram_kib=146, flash_kib=617)),
    OnF746(network="mcunet-vww1", mmacs=11.6, tflm=Engine(), tinyengine=Engine(sram_kib=162, flash_kib=689)),
    OnF746(network="mcunet-vww2", mmacs=55.8, tflm=Engine(), tinyengine=Engine(sram_kib=311, flash_kib=897)),
)
"""The networks for images of people, of which no latency on the STM32F746 is printed."""


def _h743(
    network: str, ms: tuple[float | None, ...], sram: tuple[float | None, ...], flash: tuple[float | None, ...]
) -> OnH743:
    tflm, cmsis_nn, cube_ai, tinyengine = (
        Engine(ms=a, sram_kib=b, flash_kib=c) for a, b, c in zip(ms, sram, flash, strict=True)
    )
    return OnH743(network=network, tflm=tflm, cmsis_nn=cmsis_nn, cube_ai=cube_ai, tinyengine=tinyengine)


ON_H743 = (
    _h743("mcunet-vww0", (587, 53, 32, 27), (163, 163, 88, 59), (627, 646, 463, 453)),
    _h743("mcunet-vww1", (1120, 97, 57, 51), (220, 220, 113, 92), (718, 736, 534, 521)),
    _h743("mcunet-vww2", (5310, 478, 269, 234), (385, 390, 201, 174), (1016, 1034, 774, 741)),
    _h743("mcunet-in0", (586, 51, 35, 25), (161, 161, 69, 49), (1072, 1090, 856, 842)),
    _h743("mcunet-in1", (1227, 103, 63, 56), (219, 219, 106, 96), (937, 956, 737, 727)),
    _h743("mcunet-in2", (6463, 642, 351, 280), (460, 469, 238, 215), (1084, 1102, 849, 830)),
    _h743("mcunet-in3", (7821, 770, 414, 336), (493, 493, 243, 260), (1091, 1106, 867, 835)),
    _h743("mcunet-in4", (None, None, 516, 463), (None, None, 342, 416), (None, None, 1843, 1825)),
    _h743("proxyless-w0.3-r64", (512, 54, 35, 23), (128, 136, 97, 35), (1065, 1084, 865, 777)),
    _h743("proxyless-w0.3-r176", (3801, 380, 205, 176), (453, 453, 221, 259), (1065, 1084, 865, 779)),
    _h743("mbv2-w0.3-r64", (467, 43, 29, 23), (173, 173, 88, 61), (940, 959, 768, 690)),
)
"""The table of 2022."""

CO_DESIGN = (("MobileNetV2", 35.2, 47.4), ("ProxylessNAS", 49.5, 56.4), ("TinyNAS", 55.5, 61.8))
"""Top-1 accuracy on ImageNet in 320 kB and 1 MB: with an interpreter's memory and with TinyEngine's, in percent."""
