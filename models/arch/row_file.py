# SPDX-License-Identifier: Apache-2.0
"""A network as a file: the row in JSON, as a search writes it and ``micronet-train`` takes it.

    {"format": 1, "name": "found", "input_shape": [49, 10, 1], "pipeline": "micronet-kws", "note": "",
     "blocks": [{"block": "Conv", "filters": 84, "kernel": [10, 4]}, {"block": "Separable", "filters": 112}, ...]}

A field of a block that is left out has its default.
"""

from __future__ import annotations

import json
from dataclasses import MISSING, asdict, fields
from pathlib import Path
from typing import Any, get_args

from mlperf_tiny.errors import DataError, WrongRequest, did_you_mean
from mlperf_tiny.models.arch.arch import Arch
from mlperf_tiny.models.arch.blocks import Block
from mlperf_tiny.models.arch.zoo import find_arch, is_in_zoo
from mlperf_tiny.whole_file import write_whole

FORMAT = 1
"""Format number of the file."""
SUFFIX = ".json"
MAX_BYTES = 1 << 20
MAX_SIZE = 1 << 16
"""Largest width, kernel, stride or side of an input."""
_KINDS: dict[str, type[Block]] = {kind.__name__: kind for kind in get_args(Block)}


def network_named(name: str) -> Arch:
    """Return a network of the zoo by its name, or the one in a file by its path, which ends in ``.json``.

    Raises:
        UsageError: There is neither.
        DataError: The file holds no network.
    """
    return read_arch(Path(name)) if name.endswith(SUFFIX) else find_arch(name)


def network_json(arch: Arch) -> str | dict[str, Any]:
    """Return what names a network in cards and checkpoints: its name in the zoo, else its whole row."""
    return arch.name if is_in_zoo(arch) else arch_json(arch)


def arch_json(arch: Arch) -> dict[str, Any]:
    """Return a row as JSON values, without the fields of blocks that have their defaults."""
    blocks = [{"block": type(block).__name__, **_stated(block)} for block in arch.blocks]
    return {
        "format": FORMAT,
        "name": arch.name,
        "input_shape": list(arch.input_shape),
        "pipeline": arch.pipeline,
        "note": arch.note,
        "blocks": blocks,
    }


def _stated(block: Block) -> dict[str, Any]:
    defaults = {field.name: field.default for field in fields(block)}
    return {
        name: list(value) if isinstance(value, tuple) else value
        for name, value in asdict(block).items()
        if defaults[name] is MISSING or value != defaults[name]
    }


def write_arch(path: Path, arch: Arch) -> None:
    """Write a row.

    Args:
        path: The file.
        arch: The network.

    Raises:
        OSError: The file cannot be written.
    """
    write_whole(path, f"{json.dumps(arch_json(arch), indent=1)}\n".encode())


def read_arch(path: Path) -> Arch:
    """Return the network in a file.

    Raises:
        WrongRequest: The file cannot be read.
        DataError: It holds no network; the message says where and what was wanted.
    """
    try:
        with path.open("rb") as stream:
            content = stream.read(MAX_BYTES + 1)
    except OSError as error:
        raise WrongRequest(f"the network {path} cannot be read: {error.strerror}. Check the path.") from error
    try:
        if len(content) > MAX_BYTES:
            raise ValueError(f"it is larger than {MAX_BYTES:,} bytes")
        return arch_from_json(json.loads(content))
    except (ValueError, RecursionError) as error:
        raise DataError(
            f"{path} holds no network: {error}. docs/search.md describes the file; micronet-search writes it."
        ) from error


def arch_from_json(value: Any) -> Arch:
    """Return the network that JSON values describe, as ``arch_json`` gives them.

    Raises:
        ValueError: They describe none; the message says where and what was wanted.
    """
    if not isinstance(value, dict) or value.get("format") != FORMAT:
        got = value.get("format") if isinstance(value, dict) else type(value).__name__
        raise ValueError(f'wanted an object with "format": {FORMAT}, got {got!r}')
    texts = {name: value.get(name, "") for name in ("name", "pipeline", "note")}
    for name, text in texts.items():
        if not isinstance(text, str) or (name == "name" and not text):
            raise ValueError(f'"{name}" is {text!r}, wanted text')
    shape = value.get("input_shape")
    if not isinstance(shape, list) or not 1 <= len(shape) <= 3 or not all(map(_is_size, shape)):
        raise ValueError(f'"input_shape" is {shape!r}, wanted one to three numbers from 1 to {MAX_SIZE:,}')
    rows = value.get("blocks")
    if not isinstance(rows, list) or not rows:
        raise ValueError(f'"blocks" is {rows!r}, wanted a list of blocks')
    blocks = tuple(_block(number, row) for number, row in enumerate(rows))
    arch = Arch(input_shape=tuple(shape), blocks=blocks, **texts)
    assert arch.layers  # raises ValueError for blocks that do not fit each other
    return arch


def _is_size(value: Any) -> bool:
    return isinstance(value, int) and not isinstance(value, bool) and 1 <= value <= MAX_SIZE


def _block(number: int, row: Any) -> Block:
    import msgspec

    name = row.get("block") if isinstance(row, dict) else None
    if not isinstance(name, str) or name not in _KINDS:
        close = did_you_mean(name, _KINDS) if isinstance(name, str) else ""
        raise ValueError(f'block {number}: "block" is {name!r}, wanted one of {", ".join(_KINDS)}{close}')
    values = {key: value for key, value in row.items() if key != "block"}
    known = {field.name for field in fields(_KINDS[name])}
    if unknown := sorted(set(values) - known):
        raise ValueError(f"block {number}: {name} has no field {unknown[0]!r}, only {', '.join(sorted(known))}")
    for key, value in values.items():
        for size in value if isinstance(value, list) else [value]:
            if isinstance(size, int) and not isinstance(size, bool) and not _is_size(size):
                raise ValueError(f'block {number}: "{key}" is {value!r}, wanted sizes from 1 to {MAX_SIZE:,}')
    try:
        return msgspec.convert(values, _KINDS[name])
    except msgspec.ValidationError as error:
        raise ValueError(f"block {number}, {name}: {error}") from error
