# SPDX-License-Identifier: Apache-2.0
"""The networks of this project, one row each.

MicroNet widths are from the paper's Table 5 (keywords, machine sounds) and from the published model files (images, for
which Figure 6 prints no numbers). MicroNet-VWW-1 is missing: neither its widths nor a file of it are published.
"""

from __future__ import annotations

from dataclasses import replace

from mlperf_tiny.errors import UsageError, did_you_mean
from mlperf_tiny.models.arch.arch import Arch
from mlperf_tiny.models.arch.blocks import (
    Block,
    Bottleneck,
    Broadcast,
    Conv,
    Dense,
    Depthwise,
    Flatten,
    GlobalPool,
    Pair,
    Residual,
    Separable,
    Softmax,
    TimeChannelSeparable,
)

TWO: Pair = (2, 2)

# The shape of MLPerf Tiny's anomaly-detection model: 5 frames of 128 mel bands through a bottleneck of 8.
AD_AUTOENCODER = Arch(
    name="ad-autoencoder",
    input_shape=(640,),
    blocks=(
        *[Dense(128)] * 4,
        Dense(8),
        *[Dense(128)] * 4,
        Dense(640, batch_norm=False, relu=False),
    ),
)

# The paper's wide baseline, of which only the 512 hidden units are printed: 4.47 Mops fit these eleven layers.
AD_AUTOENCODER_WIDE = Arch(
    name="ad-autoencoder-wide",
    input_shape=(640,),
    blocks=(*[Dense(512)] * 4, Dense(8), *[Dense(512)] * 4, Dense(640, batch_norm=False, relu=False)),
    note="hidden width as printed, bottleneck as in the narrow one",
)


def _classes(count: int) -> tuple[Block, ...]:
    """The end of a MicroNet: a mean over the map, and a 1x1 convolution to the classes."""
    return (GlobalPool(), Conv(count, (1, 1), relu="none", batch_norm=False), Flatten())


def _reference_classes(count: int) -> tuple[Block, ...]:
    """The end of a reference net of MLPerf Tiny."""
    return (GlobalPool(), Flatten(), Dense(count, batch_norm=False, relu=False), Softmax())


def _keywords(name: str, first: int, *widths: int) -> Arch:
    """A network of separable blocks on 49 x 10 MFCCs, the first block at stride 2."""
    blocks = (Conv(first, (10, 4)), Separable(widths[0], TWO), *map(Separable, widths[1:]), *_classes(12))
    return Arch(name=name, input_shape=(49, 10, 1), blocks=blocks, pipeline="micronet-kws", note="Table 5")


def _machines(name: str, first: int, *blocks: Separable) -> Arch:
    """A network on 32 x 32 log-mel patches; as published with 8 outputs, of which training uses one per machine."""
    stack = (Conv(first), *blocks, *_classes(8))
    return Arch(name=name, input_shape=(32, 32, 1), blocks=stack, pipeline="micronet-ad", note="Table 5")


# The baselines of the paper's Table 4. They are larger than the DS-CNNs of "Hello Edge", whose names they share: the
# first convolution has stride 1, which their printed operation counts show.
def _dscnn(name: str, width: int, blocks: int) -> Arch:
    return replace(_keywords(name, width, *[width] * blocks), note="from the operation count in Table 4")


# Nothing but "stacked inverted bottlenecks" is printed of these; width x blocks at expansion 6 gives the printed
# operation counts, 16.1, 59.26 and 276.8 M, to the last digit.
def _mobilenet(name: str, width: int, blocks: int) -> Arch:
    stack = (
        Conv(width, (10, 4)),
        Bottleneck(6 * width, width, TWO),
        *[Bottleneck(6 * width, width, residual=True)] * (blocks - 1),
        *_classes(12),
    )
    note = "reconstructed from the operation count in Table 4"
    return Arch(name=name, input_shape=(49, 10, 1), blocks=stack, pipeline="micronet-kws", note=note)


# BC-ResNet (arXiv 2106.04140) with the widths of its published code; BC-ResNet-1 has base width 8. The last depthwise
# convolution covers all frequencies that are left, and is not padded along time, where the published one is.
def _bcresnet(name: str, shape: tuple[int, int, int], base: int, first_stride: int, **row: str) -> Arch:
    stages = ((2, 2, 1), (2, 3, 2), (4, 4, 2), (4, 5, 1))  # blocks, half widths, stride of the first block
    left = -(-shape[1] // (4 * first_stride))
    stack = (
        Conv(2 * base, (5, 5), stride=(1, first_stride), relu="relu"),
        *(
            Broadcast(half * base // 2, stride=1 if number else stride, dilation=2**stage)
            for stage, (blocks, half, stride) in enumerate(stages)
            for number in range(blocks)
        ),
        Depthwise((5, left), relu="none", batch_norm=False, padding="valid"),
        Conv(4 * base, (1, 1), relu="relu"),
        *_classes(12),
    )
    return Arch(name=name, input_shape=shape, blocks=stack, **row)


# SparkNet (arXiv 2406.06634): kernels of 11, 15, 19 and 29 frames on 32 MFCCs, then a gate for each of 32 features and
# frame, whose means over time are classified. Parameters and multiply-accumulates are the published ones (4,636 and
# 454.5 k at 16 channels) with norms counted: two parameters a channel, and four operations for each of its values.
# The gate is the tangent of a normed value, shifted by a half and clipped to 0..1, here ReLU6: between those ends the
# tangent is within 0.05 of a line, and scale and shift of the line are the norm's. Noise on the gates in training and
# the loss that closes them are left out.
def _sparknet(channels: int) -> Arch:
    blocks = (TimeChannelSeparable(channels, length, residual=length > 11) for length in (11, 15, 19, 29))
    return Arch(
        name=f"sparknet-{channels}",
        input_shape=(101, 1, 32),
        blocks=(*blocks, Conv(32, (1, 1)), *_classes(12)),
        pipeline="sparknet-kws",
        note="arXiv 2406.06634",
    )


# Inverted bottlenecks as (expansion, filters); "/" is stride 2, "+" adds the block's input.
def _images(name: str, side: int, first: int, *rows: tuple[str, int, int]) -> Arch:
    stack = (Bottleneck(e, f, TWO if mark == "/" else (1, 1), residual=mark == "+") for mark, e, f in rows)
    return Arch(
        name=name,
        input_shape=(side, side, 1),
        blocks=(Conv(first, stride=TWO), *stack, Conv(128, (1, 1)), *_classes(2)),
        pipeline=f"micronet-vww-{side}",
        note="from the published file",
    )


_R: tuple[Block, ...] = tuple(Separable(width, relu="relu") for width in [64] * 4)

ARCHS: tuple[Arch, ...] = (
    AD_AUTOENCODER,
    AD_AUTOENCODER_WIDE,
    _keywords("micronet-kws-s", 84, 112, 84, 84, 84, 196),
    _keywords("micronet-kws-m", 140, 140, 140, 140, 112, 196),
    _keywords("micronet-kws-l", 276, 248, 276, 276, 248, 248, 248, 248),
    _machines("micronet-ad-s", 72, Separable(164, TWO), Separable(220), Separable(276, TWO), Separable(276, TWO)),
    _machines(
        "micronet-ad-m", 192, Separable(276, TWO), *[Separable(276)] * 2, Separable(276, TWO), Separable(276, TWO)
    ),
    _machines(
        "micronet-ad-l", 276, Separable(248, TWO), *[Separable(276)] * 2, Separable(248, TWO), Separable(248, TWO)
    ),
    _images(
        "micronet-vww-2", 50, 12, ("", 4, 8), ("/", 28, 24), ("+", 28, 20), ("/", 128, 28), ("+", 152, 16),
        ("+", 152, 28), ("/", 152, 24), ("+", 112, 24), ("+", 112, 12), ("+", 76, 32), ("", 76, 16), ("+", 56, 28),
        ("+", 56, 28), ("/", 56, 16), ("+", 96, 16), ("+", 96, 16), ("", 96, 32),
    ),
    _images(
        "micronet-vww-3", 128, 9, ("", 3, 6), ("/", 9, 14), ("+", 28, 16), ("/", 28, 32), ("+", 115, 25),
        ("+", 115, 32), ("/", 172, 51), ("+", 307, 51), ("+", 307, 44), ("+", 307, 57), ("", 230, 48), ("+", 288, 48),
        ("+", 288, 76), ("/", 115, 16), ("+", 96, 16), ("+", 96, 16), ("", 96, 32),
    ),
    _images(
        "micronet-vww-4", 128, 8, ("", 4, 4), ("/", 8, 12), ("+", 14, 16), ("/", 28, 32), ("+", 96, 28), ("+", 96, 28),
        ("/", 152, 44), ("+", 268, 40), ("+", 268, 52), ("+", 268, 44), ("", 192, 68), ("+", 172, 68), ("+", 172, 48),
        ("/", 288, 16), ("+", 96, 16), ("+", 96, 32), ("", 96, 32),
    ),
    _dscnn("dscnn-s", 64, 4),
    _dscnn("dscnn-m", 172, 4),
    _dscnn("dscnn-l", 276, 5),
    _mobilenet("mobilenetv2-kws-s", 32, 3),
    _mobilenet("mobilenetv2-kws-m", 64, 3),
    _mobilenet("mobilenetv2-kws-l", 128, 4),
    _bcresnet(
        "bcresnet-1", (49, 10, 1), 8, 1, pipeline="micronet-kws",
        note="widths of arXiv 2106.04140 on 10 MFCCs in place of 40 mel bands",
    ),
    _bcresnet("bcresnet-1-logmel", (101, 40, 1), 8, 2, pipeline="bcresnet-kws", note="arXiv 2106.04140"),
    _sparknet(16),
    _sparknet(32),
    # The reference nets of MLPerf Tiny (the auto-encoder is the first row).
    Arch(
        name="mlperf-kws",
        input_shape=(49, 10, 1),
        blocks=(Conv(64, (10, 4), stride=TWO, relu="relu"), *_R, *_reference_classes(12)),
        pipeline="mlperf-kws",
    ),
    Arch(
        name="mlperf-vww",
        input_shape=(96, 96, 3),
        blocks=(
            Conv(8, stride=TWO, relu="relu"),
            *(
                Separable(width, stride, relu="relu")
                for width, stride in [
                    (16, (1, 1)), (32, TWO), (32, (1, 1)), (64, TWO), (64, (1, 1)), (128, TWO), *[(128, (1, 1))] * 5,
                    (256, TWO), (256, (1, 1)),
                ]
            ),
            *_reference_classes(2),
        ),
        pipeline="mlperf-vww",
    ),
    Arch(
        name="mlperf-ic",
        input_shape=(32, 32, 3),
        blocks=(Conv(16, relu="relu"), Residual(16), Residual(32, TWO), Residual(64, TWO), *_reference_classes(10)),
        pipeline="mlperf-ic",
    ),
    Arch(
        name="mlperf-sww",
        input_shape=(30, 1, 40),
        blocks=(
            *(
                block
                for length, width in ((3, 128), (5, 128), (10, 128), (15, 32))
                for block in (
                    Depthwise((length, 1), relu="none", batch_norm=False, padding="valid"),
                    Conv(width, (1, 1), relu="relu"),
                )
            ),
            Flatten(),
            Dense(3, batch_norm=False, relu=False),
            Softmax(),
        ),
        pipeline="mlperf-sww",
    ),
    # The DS-CNNs of "Hello Edge" as Arm publishes them: the first convolution has stride 2.
    Arch(
        name="hello-edge-dscnn-s",
        input_shape=(49, 10, 1),
        blocks=(Conv(64, (10, 4), stride=TWO, relu="relu"), *_R, *_reference_classes(12)),
    ),
    Arch(
        name="hello-edge-dscnn-m",
        input_shape=(49, 10, 1),
        blocks=(
            Conv(172, (10, 4), stride=(2, 1), relu="relu"),
            Separable(172, TWO, relu="relu"),
            *[Separable(172, relu="relu")] * 3,
            *_reference_classes(12),
        ),
    ),
)  # fmt: skip


def is_in_zoo(arch: Arch) -> bool:
    """Return whether a network is a row of this module, so that its name says all of it."""
    return arch in ARCHS


def find_arch(name: str) -> Arch:
    """Return the row called ``name``; raises UsageError naming the networks there are."""
    for arch in ARCHS:
        if arch.name == name:
            return arch
    raise UsageError(
        f"there is no network {name!r}; choose one of {', '.join(arch.name for arch in ARCHS)}."
        + did_you_mean(name, (arch.name for arch in ARCHS))
    )
