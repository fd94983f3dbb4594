# SPDX-License-Identifier: Apache-2.0
"""Networks as files: what is written is read again, and what is no network is named."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from mlperf_tiny.errors import BenchError, DataError, UsageError, WrongRequest
from mlperf_tiny.models.arch.arch import Arch
from mlperf_tiny.models.arch.row_file import arch_json, network_named, read_arch, write_arch
from mlperf_tiny.models.arch.zoo import ARCHS, find_arch
from mlperf_tiny.search.space.spaces import SPACES

SMALL: dict[str, Any] = {
    "format": 1,
    "name": "small",
    "input_shape": [8, 8, 1],
    "blocks": [{"block": "Conv", "filters": 4}, {"block": "GlobalPool"}, {"block": "Flatten"}],
}


@pytest.mark.parametrize("arch", ARCHS, ids=lambda arch: arch.name)
def test_every_network_of_the_zoo_comes_back(arch: Arch, tmp_path: Path) -> None:
    write_arch(tmp_path / "row.json", arch)
    assert read_arch(tmp_path / "row.json") == arch


@pytest.mark.parametrize("space", SPACES, ids=lambda space: space.name)
def test_networks_of_search_spaces_come_back(space: Any, tmp_path: Path) -> None:
    arch = space.derive(space.sample(np.random.default_rng(2)), "found")
    write_arch(tmp_path / "row.json", arch)
    assert network_named(str(tmp_path / "row.json")) == arch


def test_a_file_is_short(tmp_path: Path) -> None:
    rows = arch_json(find_arch("micronet-kws-s"))["blocks"]
    assert rows[0] == {"block": "Conv", "filters": 84, "kernel": [10, 4]} and rows[2] == {
        "block": "Separable",
        "filters": 84,
    }


def change(path: list[Any], value: Any) -> dict[str, Any]:
    made: Any = json.loads(json.dumps(SMALL))
    place = made
    for step in path[:-1]:
        place = place[step]
    place[path[-1]] = value
    return dict(made)


@pytest.mark.parametrize(
    "path, value, message",
    [
        (["format"], 2, 'wanted an object with "format": 1, got 2'),
        (["name"], "", "\"name\" is '', wanted text"),
        (["name"], None, '"name" is None'),
        (["pipeline"], 3, '"pipeline" is 3'),
        (["input_shape"], [], '"input_shape" is []'),
        (["input_shape"], [8, 8, 1, 1], "one to three numbers"),
        (["input_shape"], [8, -8, 1], "from 1 to 65,536"),
        (["input_shape"], [8, True, 1], "from 1 to 65,536"),
        (["input_shape"], [8, 1e9, 1], "from 1 to 65,536"),
        (["blocks"], [], '"blocks" is []'),
        (["blocks"], "Conv", "wanted a list of blocks"),
        (["blocks", 0], "Conv", 'block 0: "block" is None, wanted one of Dense, Conv'),
        (["blocks", 0, "block"], "Convolution", "wanted one of Dense, Conv"),
        (["blocks", 0, "block"], ["Conv"], "wanted one of Dense"),
        (["blocks", 0, "filters"], 0, '"filters" is 0, wanted sizes from 1'),
        (["blocks", 0, "filters"], 10**9, "wanted sizes from 1 to 65,536"),
        (["blocks", 0, "filters"], "4", "block 0, Conv: Expected `int`, got `str`"),
        (["blocks", 0, "filters"], 4.5, "block 0, Conv: Expected `int`"),
        (["blocks", 0, "width"], 4, "Conv has no field 'width', only batch_norm, filters, kernel"),
        (["blocks", 0, "kernel"], [3], "block 0, Conv: Expected `array` of length 2"),
        (["blocks", 0, "kernel"], [3, 0], "wanted sizes from 1"),
        (["blocks", 0, "stride"], [3, [1]], "block 0, Conv"),
        (["blocks", 0, "relu"], "relu7", "block 0, Conv: Invalid enum value 'relu7'"),
        (["blocks", 0, "padding"], None, "block 0, Conv"),
        (["blocks", 1], {"block": "Dense", "units": 3}, "a dense layer cannot follow values of shape (8, 8, 4)"),
        (["blocks", 0, "kernel"], [9, 9], None),
    ],
)
def test_what_is_no_network_is_named(path: list[Any], value: Any, message: str | None, tmp_path: Path) -> None:
    file = tmp_path / "row.json"
    file.write_text(json.dumps(change(path, value)))
    if message is None:
        assert read_arch(file).name == "small"
        return
    with pytest.raises(DataError) as caught:
        read_arch(file)
    assert message in str(caught.value) and str(caught.value).startswith(f"{file} holds no network: ")


@pytest.mark.parametrize(
    "content", [b"", b"[]", b"\xff\xfe", b"{" * 100_000, b"[" * 100_000, b" " * (1 << 21), b'{"format": 1}', b"null"]
)
def test_other_files_are_named(content: bytes, tmp_path: Path) -> None:
    file = tmp_path / "row.json"
    file.write_bytes(content)
    with pytest.raises(DataError, match="holds no network"):
        read_arch(file)


@pytest.mark.parametrize(
    "name, error", [("nothing.json", WrongRequest), ("micronet-kws-x", UsageError), (".", UsageError)]
)
def test_a_name_that_is_neither(
    name: str, error: type[BenchError], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    with pytest.raises(error):
        network_named(name)
