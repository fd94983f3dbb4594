# SPDX-License-Identifier: Apache-2.0
"""How many compiled kernels models share: functions of their images that are the same bytes at the same address.

    python -m benchmarks.shared_translations [--device stm32f746] [--networks 20]

Builds the shipped models, the official ones that the data folder has, and random networks of the search spaces. It
prints, model by model, how many kernels it has and how many of them no model before it had: so many are compiled. A
kernel is a function that is linked before the model's own code. ``by page`` counts kernels as if their address mattered
only within a page of 1 KiB (blocks of code end at pages), the least that a translation depends on.
"""

from __future__ import annotations

import argparse
import tempfile
from pathlib import Path

import numpy as np

from benchmarks.models import default_models
from mlperf_tiny.errors import BenchError
from mlperf_tiny.firmware.boards import Board, find_board
from mlperf_tiny.firmware.build import build_firmware
from mlperf_tiny.firmware.codegen.ir.plan import Isa
from mlperf_tiny.firmware.codegen.pipeline import compile_model
from mlperf_tiny.firmware.wire import InputFormat, ResultFormat, WireFormat
from mlperf_tiny.models.arch.untrained import untrained_tflite
from mlperf_tiny.models.catalog.catalog import PRETRAINED
from mlperf_tiny.runners.emulator.memory.elf_image import ElfImage, read_image
from mlperf_tiny.search.space.spaces import SPACES

PAGE_BYTES = 1024
WIRE = WireFormat(model_id="model", input=InputFormat.INT8, results=ResultFormat.FINE)
Kernel = tuple[int, bytes]


def image_of(device: Board, name: str, content: bytes) -> ElfImage:
    """The image that a run would build for a model."""
    compiled = compile_model(content, name, Isa.DSP)
    with tempfile.TemporaryDirectory() as folder:
        return read_image(build_firmware(compiled, WIRE, device, Path(folder)).elf.read_bytes())


def kernels_of(image: ElfImage) -> dict[str, Kernel]:
    """(address, bytes) of the functions before the model's own, by name."""
    end = image.symbols["model_invoke"] & ~1
    found = {}
    for address, size, name in image.functions:
        for base, data in image.segments:
            is_inside = base <= address < end and address + size <= base + len(data)
            if size and is_inside and not name.startswith("model_"):
                found[name] = address, bytes(data[address - base : address - base + size])
    return found


def random_network(seed: int) -> bytes:
    """An untrained network of the search space whose turn it is."""
    space = SPACES[seed % len(SPACES)]
    return untrained_tflite(space.derive(space.sample(np.random.default_rng(seed))), seed)


def models(networks: int) -> list[tuple[str, bytes]]:
    """Names and contents of all models."""
    paths = [*sorted(PRETRAINED.glob("*/model.tflite")), *default_models()]
    found = [(f"{path.parent.name}/{path.name}", path.read_bytes()) for path in paths]
    return [*found, *((f"network {seed}", random_network(seed)) for seed in range(networks))]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--device", default="stm32f746")
    parser.add_argument("--networks", type=int, default=20)
    options = parser.parse_args()
    device = find_board(options.device)
    seen: set[Kernel] = set()
    by_page: set[Kernel] = set()
    used = 0
    print(f"{'model':<50}{'kernels':>8}{'new':>6}{'all':>6}{'by page':>9}")
    for name, content in models(options.networks):
        try:
            kernels = set(kernels_of(image_of(device, name, content)).values())
        except BenchError as error:
            print(f"{name:<50} {str(error)[:60]}")
            continue
        new = kernels - seen
        seen |= kernels
        by_page |= {(address % PAGE_BYTES, code) for address, code in kernels}
        used += len(kernels)
        print(f"{name:<50}{len(kernels):>8}{len(new):>6}{len(seen):>6}{len(by_page):>9}")
    print(f"{used} kernels in all images, {len(seen)} are compiled: {len(seen) / used:.0%}")


if __name__ == "__main__":
    main()
