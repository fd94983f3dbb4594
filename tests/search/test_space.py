# SPDX-License-Identifier: Apache-2.0
"""Search spaces: what they hold, and that each network of them is a plain row that fits."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from mlperf_tiny.errors import UsageError
from mlperf_tiny.models.arch.blocks import AveragePool, Bottleneck, Conv, Flatten, GlobalPool, Separable
from mlperf_tiny.models.arch.zoo import find_arch
from mlperf_tiny.models.features.pipelines import find_pipeline
from mlperf_tiny.search.space.choice import Choice, Stage, TimesInput, open_block, width_choice
from mlperf_tiny.search.space.space import SearchSpace
from mlperf_tiny.search.space.spaces import SPACES, find_space

TINY = SearchSpace(
    name="tiny",
    task="kws",
    input_shape=(8, 8, 1),
    parts=(
        open_block(Conv, filters=Choice((4, 8))),
        open_block(Separable, filters=Choice((4, 8, 12)), stride=(2, 2), skip=True),
        open_block(Separable, filters=Choice((4, 8)), skip=True),
        GlobalPool(),
        Flatten(),
    ),
)


def test_the_decisions_of_a_space_are_in_the_order_of_its_parts() -> None:
    assert [(row.name, len(row.options)) for row in TINY.decisions] == [
        ("0.filters", 2), ("1.keep", 2), ("1.filters", 3), ("2.keep", 2), ("2.filters", 2),
    ]  # fmt: skip
    assert TINY.size == 48 == len(list(TINY.all()))


def test_each_combination_is_a_network() -> None:
    blocks = {TINY.derive(decisions).blocks for decisions in TINY.all()}
    # Widths of the first layer, times (left out, or one of 3), times (left out, or one of 2).
    assert len(blocks) == 2 * 4 * 3


def test_a_block_with_a_stride_that_is_left_out_leaves_a_pool() -> None:
    small = TINY.derive(TINY.smallest())
    assert small.blocks == (Conv(4), AveragePool((2, 2)), GlobalPool(), Flatten())
    assert [layer.out_shape for layer in small.layers] == [(8, 8, 4), (4, 4, 4), (1, 1, 4), (4,)]
    assert TINY.derive(TINY.largest()).blocks == (
        Conv(8), Separable(12, (2, 2)), Separable(8), GlobalPool(), Flatten()
    )  # fmt: skip


def test_a_stage_uses_its_first_blocks_and_widths_may_follow_what_comes_in() -> None:
    block = open_block(Bottleneck, expansion=TimesInput(Choice((3, 6))), filters=8)
    space = SearchSpace(
        name="stage",
        task="vww",
        input_shape=(8, 8, 3),
        parts=(Conv(16), Stage((block, block), Choice((1, 2)))),
        sides=Choice((8, 16)),
    )
    decisions = {**space.largest(), "1.0.expansion": 3}
    assert space.derive(decisions).blocks == (Conv(16), Bottleneck(48, 8), Bottleneck(48, 8))
    assert space.derive(decisions).input_shape == (16, 16, 3)
    assert space.derive(space.smallest()).blocks == (Conv(16), Bottleneck(48, 8))


@pytest.mark.parametrize(
    "change, message",
    [
        ({"0.filters": 5}, "5 is no option of '0.filters' of space tiny: 4, 8"),
        ({"0.width": 4}, "no decision '0.width'"),
        ({"0.filters": None}, "None is no option"),
    ],
)
def test_wrong_decisions_are_named(change: dict[str, object], message: str) -> None:
    with pytest.raises(UsageError, match=message):
        TINY.derive({**TINY.smallest(), **change})


def test_a_missing_decision_is_named() -> None:
    with pytest.raises(UsageError, match=r"'2\.keep' of space tiny is missing"):
        TINY.derive({name: value for name, value in TINY.smallest().items() if name != "2.keep"})


@pytest.mark.parametrize("options", [(), (4, 4)])
def test_a_choice_needs_options_that_differ(options: tuple[int, ...]) -> None:
    with pytest.raises(ValueError, match="options that differ"):
        Choice(options)


@pytest.mark.parametrize("space", SPACES, ids=lambda space: space.name)
def test_networks_of_the_spaces_fit_together(space: SearchSpace) -> None:
    random = np.random.default_rng(1)
    costs = [space.derive(each).macs for each in (space.smallest(), space.largest())]
    for _ in range(20):
        arch = space.derive(space.sample(random))
        if arch.pipeline:
            pipeline = find_pipeline(arch.pipeline)
            assert (pipeline.task, pipeline.shape) == (space.task, arch.input_shape)
        assert arch.layers[-1].kind == "reshape" and arch.classes == space.derive(space.largest()).classes
        assert costs[0] <= arch.macs <= costs[1]


@pytest.mark.parametrize(
    "name, space, missing",
    [
        ("micronet-kws-s", "kws", {196}),  # the last width is no tenth of 276
        ("micronet-kws-m", "kws", {196}),
        ("micronet-kws-l", "kws", set()),
        ("micronet-ad-s", "ad", {72}),
        ("micronet-ad-m", "ad", set()),
        ("micronet-ad-l", "ad", set()),
        ("dscnn-l", "kws", set()),
        ("micronet-vww-2", "vww-50", set()),
        ("bcresnet-1", "bcresnet-kws", set()),
        ("bcresnet-1-logmel", "bcresnet-kws-logmel", set()),
    ],
)
def test_the_published_widths_are_options(name: str, space: str, missing: set[int]) -> None:
    published, wanted = find_arch(name), find_space(space)
    options = [dict(part.fields) for part in wanted.parts if hasattr(part, "fields")]
    found: set[int] = set()
    fields = ("filters", "expansion")
    if space.startswith("bcresnet"):
        # Published blocks of a stage have one width; in the space the first of them decides it.
        pairs = zip(published.blocks, wanted.parts, strict=True)
        found = {
            block.filters
            for block, part in pairs
            if hasattr(part, "fields")
            and (choice := dict(part.fields)["filters"])
            and block.filters not in choice.options
        }
    elif space != "vww-50":  # one width for all
        widths = {w for row in options for w in row["filters"].options}
        found = {block.filters for block in published.blocks if hasattr(block, "filters")} - widths
        found -= {published.classes}
    else:
        for block, row in zip(published.blocks, options, strict=False):
            for field in fields:
                if hasattr(block, field) and getattr(block, field) not in row[field].options:
                    found.add(getattr(block, field))
    assert found == missing


def test_the_page_has_every_space_with_its_size() -> None:
    page = (Path(__file__).parents[2] / "docs" / "search.md").read_text(encoding="utf-8")
    rows = [line.split(" | ") for line in page.splitlines() if line.startswith("| `")]
    sizes = {
        name.strip("`,"): float(row[2]) for row in rows if len(row) == 5 for name in row[0].removeprefix("| ").split()
    }
    assert sizes == {space.name: float(f"{space.size:.1e}") for space in SPACES}


def test_widths() -> None:
    assert width_choice(276, step=0.5).options == (140, 276)
    assert width_choice(3).options == (4,)
    assert all(width % 8 == 0 for width in width_choice(100, multiple=8).options)


def test_an_unknown_space_is_named_with_the_close_one() -> None:
    with pytest.raises(UsageError, match="cifar10"):
        find_space("cifar")
