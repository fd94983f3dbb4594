# SPDX-License-Identifier: Apache-2.0
"""Runs that may be submitted, made in a moment: a small model whose image is built for real, and a fake device that
answers in its place."""

from __future__ import annotations

import dataclasses
import hashlib
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from mlperf_tiny.harness.run.request import Request
from mlperf_tiny.harness.run.run import run_benchmark
from mlperf_tiny.models.catalog import catalog
from mlperf_tiny.models.catalog.official import OfficialModel
from mlperf_tiny.models.data.formats import labels
from mlperf_tiny.models.data.formats.labels import Listed, list_digest
from mlperf_tiny.models.tasks.task import OfficialList
from mlperf_tiny.progress import Listener
from mlperf_tiny.results.mlperf.names import Entry
from mlperf_tiny.results.submission.submit import submit
from tests.fakes.data_sets import ad_folder, kws_folder, one_hot
from tests.fakes.device import FakeDevice
from tests.fakes.tiny_models import tiny_kws

LATENCY_US = 20_000
ENTRY = Entry("example-labs")
SYSTEM = "emulated-stm32f746-compiled"
BASE = "closed/example-labs"
CODE, RESULTS = f"{BASE}/code/kws/{SYSTEM}", f"{BASE}/results/{SYSTEM}/kws"
MODEL = "tiny-reference"


@dataclasses.dataclass(frozen=True)
class Bench:
    """``folder`` holds ``data`` (the official lists and models of this make-believe) and ``cache``."""

    folder: Path

    @property
    def data(self) -> Path:
        return self.folder / "data"

    def run(self, out: Path, fake: FakeDevice | None = None, **changes: Any) -> Path:
        """Make a run on ``fake`` below ``out``; return its folder."""
        request = Request(**{"task": "kws", "device": "stm32f746", "model": MODEL, "data": self.data, **changes})
        _, folder = run_benchmark(request, out, Listener(), opener(fake or kws_device()))
        return folder

    def submit(self, run: Path, root: Path, **changes: Any) -> Path:
        """Put a run into the tree ``root``; return it."""
        submit(run, dataclasses.replace(ENTRY, **changes), root, request=Request(data=self.data))
        return root


class EmulatedFake(FakeDevice):
    """A fake that says, as an emulated board does, how its time is modelled."""

    timing_level = "pipeline"
    timing_model = "pipeline, cores 1"
    timing_generation = 1


def kws_device(**changes: Any) -> FakeDevice:
    """Answers the keyword files of ``kws_folder``."""
    values = {"infer": one_hot, "latency_us": LATENCY_US, "timing": "emulated", "instructions_per_inference": 777}
    return EmulatedFake(**{**values, **changes})


def ad_device(**changes: Any) -> FakeDevice:
    """Its score of a window is the first value of its first frame."""

    def score(data: bytes) -> list[str]:
        return [f"{np.frombuffer(data, '<f4')[0]:.3f}"]

    values = {"infer": score, "latency_us": LATENCY_US, "timing": "emulated"}
    return EmulatedFake(model_id="ad01", input_bytes=2560, **{**values, **changes})


def opener(device: FakeDevice) -> Callable[..., FakeDevice]:
    return lambda url, *, baud=None: device


@pytest.fixture(scope="module")
def bench(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Bench]:
    """A data folder whose small lists count as official, and a small model that counts as the reference."""
    made = Bench(tmp_path_factory.mktemp("bench"))
    kws_folder(made.data)
    ad_folder(made.data, 6)
    model = tiny_kws()
    (made.data / "models").mkdir()
    (made.data / "models/tiny.tflite").write_bytes(model)
    row = OfficialModel(
        name=MODEL,
        task="kws",
        file="tiny.tflite",
        url="https://example.org/tiny.tflite",
        sha256=hashlib.sha256(model).hexdigest(),
        input_format="benchmark",
        input_bytes=490,
        folders=("models",),
    )
    short_lists = {
        "kws01": [Listed(f"tst_{n:06d}.bin", n) for n in range(12)],
        "ad01": [Listed(f"clip_{n}.bin", n % 2) for n in range(6)],
    }
    with pytest.MonkeyPatch.context() as patch:
        # One for all modules: the image is built once.
        patch.setenv("MLPERF_TINY_CACHE", str(tmp_path_factory.getbasetemp() / "images of submissions"))
        patch.setattr(catalog, "OFFICIAL", (*catalog.OFFICIAL, row))
        for data_id, listed in short_lists.items():
            short = OfficialList(digest=list_digest(listed), files=len(listed), title="a short list")
            patch.setitem(labels.OFFICIAL_LISTS, data_id, (*labels.OFFICIAL_LISTS[data_id], short))
        yield made


@pytest.fixture(scope="module")
def kws_run(bench: Bench, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A whole keyword run of the reference model; nobody changes it."""
    return bench.run(tmp_path_factory.mktemp("runs"))


@pytest.fixture(scope="module")
def kws_tree(bench: Bench, kws_run: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Its submission; nobody changes it."""
    return bench.submit(kws_run, tmp_path_factory.mktemp("submission") / "tree")


def contents(folder: Path) -> dict[str, bytes]:
    """Every file below a folder, by relative path."""
    return {
        path.relative_to(folder).as_posix(): path.read_bytes() for path in sorted(folder.rglob("*")) if path.is_file()
    }
