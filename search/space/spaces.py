# SPDX-License-Identifier: Apache-2.0
"""The search spaces, one row each.

The three backbones of the MicroNets paper (section 5.2, arXiv 2010.11267), its image backbone for characterisation,
MCUNet's space of inverted bottlenecks (arXiv 2007.10319, section 3.1), and BC-ResNet's blocks (arXiv 2106.04140).
"""

from __future__ import annotations

from collections.abc import Sequence

from mlperf_tiny.errors import UsageError, did_you_mean
from mlperf_tiny.models.arch.blocks import (
    Block,
    Bottleneck,
    Broadcast,
    Conv,
    Depthwise,
    Flatten,
    GlobalPool,
    Pair,
    Separable,
)
from mlperf_tiny.search.space.choice import Choice, OpenBlock, Part, Stage, TimesInput, open_block, width_choice
from mlperf_tiny.search.space.space import SearchSpace

ONE: Pair = (1, 1)
TWO: Pair = (2, 2)


def _classes(count: int) -> tuple[Block, ...]:
    return (GlobalPool(), Conv(count, (1, 1), relu="none", batch_norm=False), Flatten())


def _separable(strides: Sequence[Pair]) -> tuple[OpenBlock, ...]:
    """DS-CNN-L's blocks of 276 channels, each with a branch around it."""
    width = width_choice(276)
    return tuple(open_block(Separable, filters=width, stride=stride, skip=True) for stride in strides)


def _mobilenet(name: str, side: int) -> SearchSpace:
    """MobileNetV2 with first and last convolution of each bottleneck, and those around them, searched in width."""
    rows = [(1, 16, 1, 1), (6, 24, 2, 2), (6, 32, 3, 2), (6, 64, 4, 2), (6, 96, 3, 1), (6, 160, 3, 2), (6, 320, 1, 1)]
    parts: list[Part] = [open_block(Conv, filters=width_choice(32, down=True), stride=TWO)]
    channels = 32
    for factor, filters, blocks, stride in rows:
        for number in range(blocks):
            first = number == 0
            parts.append(
                open_block(
                    Bottleneck,
                    expansion=width_choice(factor * channels, down=True),
                    filters=width_choice(filters, down=True),
                    stride=TWO if first and stride == 2 else ONE,
                    residual=not first,
                )
            )
            channels = filters
    parts += [open_block(Conv, filters=width_choice(1280, down=True), kernel=(1, 1)), *_classes(2)]
    note = "MobileNetV2 in width, section 5.2.1; widths are rounded down to multiples of 4, as in VWW-2"
    return SearchSpace(
        name=name,
        task="vww",
        input_shape=(side, side, 1),
        parts=tuple(parts),
        pipeline=f"micronet-vww-{side}",
        note=note,
    )


def _tinynas() -> SearchSpace:
    """MCUNet's space: kernel, expansion and depth of five stages; the width multiplier and the resolution are ours."""
    parts: list[Part] = [Conv(16, stride=TWO), Bottleneck(16, 8)]
    for filters, stride in ((16, TWO), (24, TWO), (40, TWO), (48, ONE), (96, TWO)):
        blocks = tuple(
            open_block(
                Bottleneck,
                kernel=Choice(((3, 3), (5, 5), (7, 7))),
                expansion=TimesInput(Choice((3, 4, 6))),
                filters=filters,
                stride=stride if number == 0 else ONE,
                residual=number > 0,
            )
            for number in range(4)
        )
        parts.append(Stage(blocks, Choice((2, 3, 4))))
    parts += [Bottleneck(96 * 6, 160), *_classes(2)]
    return SearchSpace(
        name="tinynas-vww",
        task="vww",
        input_shape=(96, 96, 3),
        parts=tuple(parts),
        pipeline="vww-rgb-{side}",
        sides=Choice((48, 64, 80, 96, 112, 128)),
        note="kernel {3, 5, 7}, expansion {3, 4, 6}, depth {2, 3, 4} as printed; widths of the stages are ours",
    )


def _bcresnet(name: str, shape: tuple[int, int, int], pipeline: str, first_stride: int) -> SearchSpace:
    """BC-ResNet-3 in width, one for all blocks of a stage, and in depth; dilations and strides are as published."""

    def width(widest: int) -> Choice:
        return width_choice(widest, step=1 / 12)

    parts: list[Part] = [open_block(Conv, filters=width(48), kernel=(5, 5), stride=(1, first_stride), relu="relu")]
    for stage, (blocks, filters, stride) in enumerate(((2, 24, 1), (2, 36, 2), (4, 48, 2), (4, 60, 1))):
        dilation = 2**stage
        parts.append(open_block(Broadcast, filters=width(filters), stride=stride, dilation=dilation, transition=True))
        parts += [open_block(Broadcast, filters=None, dilation=dilation, skip=True) for _ in range(blocks - 1)]
    bands = -(-shape[1] // (4 * first_stride))
    parts += [
        Depthwise((5, bands), relu="none", batch_norm=False, padding="valid"),
        open_block(Conv, filters=width(96), kernel=(1, 1), relu="relu"),
        *_classes(12),
    ]
    return SearchSpace(
        name=name,
        task="kws",
        input_shape=shape,
        parts=tuple(parts),
        pipeline=pipeline,
        note="BC-ResNet (arXiv 2106.04140) at three times the widths of BC-ResNet-1, searched in width and depth",
    )


_IMAGE_WIDTHS = Choice((8, 12, 16, 24, 32, 48, 64))

SPACES: tuple[SearchSpace, ...] = (
    SearchSpace(
        name="kws",
        task="kws",
        input_shape=(49, 10, 1),
        parts=(
            open_block(Conv, filters=width_choice(276), kernel=(10, 4)),
            *_separable([TWO, *[ONE] * 8]),
            *_classes(12),
        ),
        pipeline="micronet-kws",
        note="DS-CNN-L and four more blocks of 276 channels, section 5.2.2",
    ),
    SearchSpace(
        name="ad",
        task="ad",
        input_shape=(32, 32, 1),
        parts=(open_block(Conv, filters=width_choice(276)), *_separable([TWO, ONE, ONE, TWO, TWO]), *_classes(8)),
        pipeline="micronet-ad",
        note="DS-CNN-L with the last two blocks at stride 2, section 5.2.3",
    ),
    _mobilenet("vww-50", 50),
    _mobilenet("vww-160", 160),
    SearchSpace(
        name="cifar10",
        task="ic",
        input_shape=(32, 32, 3),
        parts=(
            open_block(Conv, filters=_IMAGE_WIDTHS),
            *(
                open_block(
                    Conv, filters=_IMAGE_WIDTHS, stride=TWO if number in (1, 3) else ONE, skip=number not in (1, 3)
                )
                for number in range(6)
            ),
            *_classes(10),
        ),
        note="the paper's image backbone for figures 4 and 5 is not printed; this one of 3x3 convolutions is ours",
    ),
    _tinynas(),
    _bcresnet("bcresnet-kws", (49, 10, 1), "micronet-kws", 1),
    _bcresnet("bcresnet-kws-logmel", (101, 40, 1), "bcresnet-kws", 2),
)


def find_space(name: str) -> SearchSpace:
    """Return the row called ``name``; raises UsageError naming the spaces there are."""
    for space in SPACES:
        if space.name == name:
            return space
    names = [space.name for space in SPACES]
    raise UsageError(
        f"there is no search space {name!r}; choose one of {', '.join(names)}." + did_you_mean(name, names)
    )
