# SPDX-License-Identifier: Apache-2.0
"""Networks that the two papers compare with and that are no rows of the zoo: shapes from public sources, never trained.

They are measured with random weights, which latency and memory hardly depend on. Sources: MCUNet's networks for
ImageNet from the configurations that its authors published, those for images of people from the files of Wake Vision
(arXiv 2405.00892), which were trained with the same layers; MobileNetV2 arXiv 1801.04381; ProxylessNAS (mobile)
arXiv 1812.00332; MobileNet arXiv 1704.04861.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import replace

from mlperf_tiny.models.arch.arch import Arch
from mlperf_tiny.models.arch.blocks import (
    Block,
    Bottleneck,
    Conv,
    Dense,
    Depthwise,
    Flatten,
    GlobalPool,
    Pair,
    Separable,
    Softmax,
)
from mlperf_tiny.models.arch.zoo import find_arch

ONE: Pair = (1, 1)
TWO: Pair = (2, 2)
IMAGENET_CLASSES = 1000

Row = tuple[int, int, int, int]
"""An inverted bottleneck: factor of expansion, output channels, side of the kernel, stride."""


def scaled_width(channels: int, factor: float) -> int:
    """Return a scaled number of channels: the nearest multiple of 8 that does not lose more than a tenth.

    As in the published MobileNetV2, arXiv 1801.04381.

    Args:
        channels: Of the network at width 1.
        factor: The width multiplier.
    """
    width = max(8, int(channels * factor + 4) // 8 * 8)
    return width + 8 if width < 0.9 * channels * factor else width


def _rounded_up(channels: int, factor: float) -> int:
    """A scaled number of channels as ProxylessNAS rounds it: up to a multiple of 8."""
    return 8 * math.ceil(channels * factor / 8)


def inverted_bottlenecks(
    name: str, shape: tuple[int, int, int], first: int, rows: Sequence[Row], classes: int, last: int = 0
) -> Arch:
    """Return a network of inverted bottlenecks, with the block's input added wherever shapes allow.

    Args:
        name: Of the network.
        shape: Height, width and channels of the input.
        first: Channels of the first convolution, of 3 x 3 at stride 2.
        rows: The bottlenecks; one that does not expand begins with its depthwise convolution.
        classes: Length of the output.
        last: Channels of a 1 x 1 convolution after the bottlenecks; 0: there is none.
    """
    blocks: list[Block] = [Conv(first, stride=TWO)]
    channels = first
    for factor, filters, side, step in rows:
        kernel, stride = (side, side), (step, step)
        if factor == 1:
            blocks += [Depthwise(kernel, stride=stride), Conv(filters, ONE, relu="none")]
        else:
            adds = step == 1 and filters == channels
            blocks.append(Bottleneck(factor * channels, filters, stride, kernel=kernel, residual=adds))
        channels = filters
    if last:
        blocks.append(Conv(last, ONE))
    blocks += [GlobalPool(), Flatten(), Dense(classes, batch_norm=False, relu=False)]
    return Arch(name=name, input_shape=shape, blocks=tuple(blocks))


# Factor, channels, blocks and stride of the first of them, of each stage of MobileNetV2.
_MOBILENETV2 = (
    (1, 16, 1, 1),
    (6, 24, 2, 2),
    (6, 32, 3, 2),
    (6, 64, 4, 2),
    (6, 96, 3, 1),
    (6, 160, 3, 2),
    (6, 320, 1, 1),
)


def mobilenetv2(width: float, side: int, classes: int = IMAGENET_CLASSES) -> Arch:
    """Return MobileNetV2 as MCUNet scales it: its last convolution is scaled as well.

    Args:
        width: The width multiplier.
        side: Of the square input, of three channels.
        classes: Length of the output.
    """
    rows = [
        (factor, scaled_width(filters, width), 3, stride if number == 0 else 1)
        for factor, filters, blocks, stride in _MOBILENETV2
        for number in range(blocks)
    ]
    first, last = scaled_width(32, width), scaled_width(1280, width)
    return inverted_bottlenecks(f"mbv2-w{width:g}-r{side}", (side, side, 3), first, rows, classes, last)


# Factor, channels, side of the kernel and stride of each block of ProxylessNAS for mobile phones.
_PROXYLESS: tuple[Row, ...] = (
    (1, 16, 3, 1),
    (3, 32, 5, 2), (3, 32, 3, 1),
    (3, 40, 7, 2), (3, 40, 3, 1), (3, 40, 5, 1), (3, 40, 5, 1),
    (6, 80, 7, 2), (3, 80, 5, 1), (3, 80, 5, 1), (3, 80, 5, 1),
    (6, 96, 5, 1), (3, 96, 5, 1), (3, 96, 5, 1), (3, 96, 5, 1),
    (6, 192, 7, 2), (6, 192, 7, 1), (3, 192, 7, 1), (3, 192, 7, 1),
    (6, 320, 7, 1),
)  # fmt: skip


def proxyless(width: float, side: int, classes: int = IMAGENET_CLASSES) -> Arch:
    """Return ProxylessNAS for mobile phones as MCUNet scales it: its last convolution is scaled as well.

    Args:
        width: The width multiplier.
        side: Of the square input, of three channels.
        classes: Length of the output.
    """
    rows = [(factor, _rounded_up(filters, width), kernel, step) for factor, filters, kernel, step in _PROXYLESS]
    first, last = _rounded_up(32, width), _rounded_up(1280, width)
    return inverted_bottlenecks(f"proxyless-w{width:g}-r{side}", (side, side, 3), first, rows, classes, last)


def _mcunet(name: str, side: int, first: int, *rows: Row, classes: int = IMAGENET_CLASSES) -> Arch:
    return inverted_bottlenecks(f"mcunet-{name}", (side, side, 3), first, rows, classes)


MCUNET = (
    _mcunet(
        "vww0", 64, 16, (1, 8, 3, 1), (6, 16, 5, 2), (4, 16, 3, 1), (5, 24, 3, 2), (4, 24, 3, 1), (4, 24, 3, 1),
        (5, 40, 3, 2), (4, 40, 3, 1), (3, 40, 7, 1), (3, 48, 3, 1), (4, 48, 3, 1), (5, 96, 7, 2), (5, 96, 5, 1),
        (4, 160, 7, 1), classes=2,
    ),
    _mcunet(
        "vww1", 80, 16, (1, 8, 3, 1), (6, 16, 3, 2), (3, 16, 3, 1), (3, 16, 3, 1), (3, 24, 7, 2), (6, 24, 3, 1),
        (5, 24, 5, 1), (6, 40, 7, 2), (6, 40, 7, 1), (6, 48, 3, 1), (4, 48, 3, 1), (5, 96, 5, 2), (5, 96, 3, 1),
        (4, 96, 3, 1), (3, 160, 7, 1), classes=2,
    ),
    _mcunet(
        "vww2", 144, 16, (1, 8, 3, 1), (3, 16, 3, 2), (5, 16, 3, 1), (6, 16, 5, 1), (3, 16, 3, 1), (5, 24, 7, 2),
        (4, 24, 5, 1), (4, 24, 3, 1), (6, 24, 7, 1), (6, 40, 3, 2), (6, 40, 7, 1), (4, 40, 5, 1), (5, 40, 3, 1),
        (5, 48, 5, 1), (3, 48, 5, 1), (4, 48, 3, 1), (3, 48, 5, 1), (4, 96, 3, 2), (5, 96, 5, 1), (4, 96, 5, 1),
        (4, 96, 3, 1), (5, 160, 3, 1), classes=2,
    ),
    _mcunet(
        "in0", 48, 24, (1, 16, 3, 1), (4, 16, 5, 2), (3, 16, 3, 1), (4, 16, 3, 1), (5, 24, 7, 2), (4, 24, 5, 1),
        (5, 24, 5, 1), (5, 48, 7, 2), (4, 48, 5, 1), (5, 56, 3, 1), (4, 56, 5, 1), (5, 56, 3, 1), (6, 112, 3, 2),
        (4, 112, 5, 1), (6, 192, 3, 1),
    ),
    _mcunet(
        "in1", 96, 16, (1, 8, 3, 1), (4, 16, 3, 2), (3, 16, 3, 1), (3, 24, 7, 2), (5, 24, 3, 1), (5, 40, 3, 2),
        (4, 40, 7, 1), (4, 48, 5, 1), (3, 48, 3, 1), (4, 48, 3, 1), (5, 96, 7, 2), (4, 96, 5, 1), (4, 96, 5, 1),
        (6, 160, 3, 1),
    ),
    _mcunet(
        "in2", 160, 16, (1, 8, 3, 1), (3, 16, 5, 2), (6, 16, 7, 1), (5, 16, 3, 1), (5, 16, 5, 1), (5, 24, 3, 2),
        (6, 24, 7, 1), (6, 24, 5, 1), (4, 40, 7, 2), (5, 40, 5, 1), (5, 48, 3, 1), (5, 48, 5, 1), (4, 48, 3, 1),
        (6, 96, 5, 2), (4, 96, 5, 1), (3, 96, 5, 1), (4, 96, 3, 1), (5, 160, 5, 1),
    ),
    _mcunet(
        "in3", 176, 16, (1, 8, 3, 1), (3, 16, 7, 2), (5, 16, 3, 1), (5, 16, 7, 1), (4, 16, 5, 1), (5, 24, 5, 2),
        (5, 24, 5, 1), (5, 24, 5, 1), (5, 40, 3, 2), (6, 40, 7, 1), (4, 40, 5, 1), (5, 48, 5, 1), (5, 48, 7, 1),
        (5, 48, 3, 1), (6, 96, 3, 2), (5, 96, 7, 1), (4, 96, 3, 1), (5, 160, 7, 1),
    ),
    _mcunet(
        "in4", 160, 32, (1, 16, 3, 1), (3, 24, 7, 2), (5, 24, 3, 1), (4, 24, 5, 1), (5, 40, 7, 2), (4, 40, 3, 1),
        (4, 40, 7, 1), (3, 80, 7, 2), (3, 80, 3, 1), (3, 80, 7, 1), (4, 96, 3, 1), (3, 96, 5, 1), (3, 96, 5, 1),
        (4, 192, 7, 2), (3, 192, 7, 1), (3, 192, 5, 1), (4, 320, 5, 1),
    ),
    mobilenetv2(0.3, 64),
    mobilenetv2(0.3, 80),
    mobilenetv2(0.35, 144),
    proxyless(0.3, 64),
    proxyless(0.25, 112),
    proxyless(0.3, 176),
)  # fmt: skip
"""The networks that MCUNet's authors published figures of."""

# The example of TFLM: MobileNet at a quarter of its width on 96 x 96 grey pixels. Its file has a depthwise convolution
# of 8 filters a channel first, which is a convolution, as there is one channel.
PERSON_DETECTION = Arch(
    name="person-detection",
    input_shape=(96, 96, 1),
    blocks=(
        Conv(8, stride=TWO),
        *(
            Separable(width, stride)
            for width, stride in (
                (16, ONE), (32, TWO), (32, ONE), (64, TWO), (64, ONE), (128, TWO), *[(128, ONE)] * 5, (256, TWO),
                (256, ONE),
            )
        ),
        GlobalPool(),
        Conv(2, ONE, relu="none", batch_norm=False),
        Flatten(),
        Softmax(),
    ),
)  # fmt: skip

# Winner of the Visual Wake Words challenge of 2019, from its published graph: 238 x 208 pixels; expansion, channels,
# side of the kernel and stride of each bottleneck. An expansion is no multiple of the channels that come in.
_VWW_WINNER: tuple[Row, ...] = (
    (12, 8, 3, 2), (20, 16, 5, 1), (36, 16, 3, 1), (32, 20, 7, 2), (40, 20, 3, 1), (40, 20, 5, 1), (40, 20, 5, 1),
    (80, 40, 7, 2), (80, 40, 5, 1), (80, 40, 5, 1), (80, 40, 5, 1), (160, 48, 5, 1), (96, 48, 5, 1), (96, 48, 5, 1),
    (100, 48, 5, 1), (200, 96, 7, 2), (152, 96, 5, 1),
)  # fmt: skip
_ADDED = (2, 4, 5, 6, 8, 9, 10, 12, 13, 14, 16)
"""Those whose input is added."""

PROXYLESS_VWW = Arch(
    name="proxylessnas-vww",
    input_shape=(208, 238, 3),
    blocks=(
        Conv(8, stride=TWO),
        *(
            Bottleneck(expansion, filters, (step, step), kernel=(side, side), residual=number in _ADDED)
            for number, (expansion, filters, side, step) in enumerate(_VWW_WINNER)
        ),
        Conv(640, ONE),
        GlobalPool(),
        Flatten(),
        Dense(2, batch_norm=False, relu=False),
    ),
)


def _mobilenetv2_ad() -> Arch:
    """MobileNetV2 at half its width, on a patch of sound; its last convolution keeps its width, as published."""
    rows = [
        (factor, scaled_width(filters, 0.5), 3, stride if number == 0 else 1)
        for factor, filters, blocks, stride in _MOBILENETV2
        for number in range(blocks)
    ]
    made = inverted_bottlenecks("mobilenetv2-0.5-ad", (64, 128, 1), 16, rows, 4, last=1280)
    # The first bottleneck has a 1 x 1 convolution although it does not expand, as in the MicroNets for images.
    return replace(made, blocks=(made.blocks[0], Bottleneck(16, 8), *made.blocks[3:]))


MOBILENETV2_AD = _mobilenetv2_ad()
"""Giri et al. (DCASE 2020). Its input is not printed; 64 x 128 values give the printed operations and file."""

_ALL = (*MCUNET, PERSON_DETECTION, PROXYLESS_VWW, MOBILENETV2_AD)


def find_network(name: str) -> Arch:
    """Return a network of either paper, from this module or from the zoo.

    Args:
        name: Of the network.

    Raises:
        UsageError: There is none of that name.
    """
    return next((arch for arch in _ALL if arch.name == name), None) or find_arch(name)
