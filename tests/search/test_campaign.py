# SPDX-License-Identifier: Apache-2.0
"""Characterisation: the same seed gives the same table, whoever measures, and nothing measured is lost."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from concurrent.futures import Executor, Future, ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest

from mlperf_tiny.errors import DataError, WrongRequest
from mlperf_tiny.models.arch.arch import Arch
from mlperf_tiny.models.arch.blocks import Conv, Flatten, GlobalPool, Separable
from mlperf_tiny.models.arch.zoo import find_arch
from mlperf_tiny.progress import Listener, Progress
from mlperf_tiny.search.characterize import campaign as campaigns
from mlperf_tiny.search.characterize.campaign import Campaign, characterize
from mlperf_tiny.search.characterize.linear_fit import fit_layers, fit_line, fit_networks
from mlperf_tiny.search.characterize.measure import LayerMeasurement, Measurement, Target, measure
from mlperf_tiny.search.characterize.table import (
    LAYERS,
    MEASURED,
    MODELS,
    SETTINGS,
    read_characterization,
)
from mlperf_tiny.search.space.choice import Choice, open_block
from mlperf_tiny.search.space.space import SearchSpace

pytest.importorskip("ai_edge_litert")

WIDTHS = Choice((4, 8, 12, 16))
SPACE = SearchSpace(
    name="small",
    task="kws",
    input_shape=(8, 8, 1),
    parts=(
        open_block(Conv, filters=WIDTHS),
        *[open_block(Separable, filters=WIDTHS, skip=True)] * 2,
        GlobalPool(),
        Conv(4, (1, 1), relu="none", batch_norm=False),
        Flatten(),
    ),
)
TARGET = Target(device="stm32f746", timing="instructions")


def campaign(models: int = 8, seed: int = 1, target: Target = TARGET) -> Campaign:
    return Campaign(space=SPACE, target=target, models=models, seed=seed)


def fake_measure(arch: Arch, target: Target, objects: Path | None = None, seed: int = 0) -> Measurement:
    """A network of more than 20,000 multiply-accumulates does not fit."""
    if arch.macs > 20_000:
        return Measurement(fits=False, ram_bytes=10 * arch.macs)
    layers = (LayerMeasurement(layer=0, cycles=arch.layers[0].macs, instructions=7),)
    return Measurement(fits=True, cycles=1000 + 2 * arch.macs, latency_ms=1e-3 * arch.macs, layers=layers)


@pytest.fixture()
def fake(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(campaigns, "measure", fake_measure)


class Reversed(Executor):
    """Ends calls in the reverse of the order in which they were made, as slow workers may."""

    def __init__(self, before: Callable[[int], None] = lambda count: None) -> None:
        self.count, self._before = 0, before

    def submit(self, function: Callable[..., Any], /, *args: Any, **named: Any) -> Future[Any]:
        self._before(self.count)
        self.count += 1
        future: Future[Any] = Future()
        future.set_result(function(*args, **named))
        return future


def files(folder: Path) -> dict[str, bytes]:
    return {name: (folder / name).read_bytes() for name in (MODELS, LAYERS, SETTINGS)}


@pytest.mark.usefixtures("fake")
@pytest.mark.parametrize("workers", [1, 3, 50])
def test_the_same_seed_gives_the_same_table_whatever_the_workers(workers: int, tmp_path: Path) -> None:
    characterize(campaign(), tmp_path / "one", (Reversed(), 1), None, Listener())
    with ThreadPoolExecutor(workers) as pool:
        characterize(campaign(), tmp_path / "many", (pool, workers), None, Listener())
    assert files(tmp_path / "one") == files(tmp_path / "many")
    models = read_characterization(tmp_path / "many").models
    assert models["fits"].sum() == 8 and (~models["fits"]).sum() > 0 and models["fits"].iloc[-1]
    assert models["index"].is_monotonic_increasing


@pytest.mark.usefixtures("fake")
def test_what_was_measured_is_not_measured_again(tmp_path: Path) -> None:
    characterize(campaign(), tmp_path / "whole", (Reversed(), 1), None, Listener())

    def interrupt(count: int) -> None:
        if count == 5:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        characterize(campaign(), tmp_path / "out", (Reversed(interrupt), 1), None, Listener())
    with (tmp_path / "out" / MEASURED).open("a") as stream:
        stream.write('{"index": 3, "decis')  # the process ended here
    again = Reversed()
    characterize(campaign(), tmp_path / "out", (again, 1), None, Listener())
    whole = Reversed()
    characterize(campaign(), tmp_path / "other", (whole, 1), None, Listener())
    assert 0 < again.count < whole.count
    assert files(tmp_path / "out") == files(tmp_path / "whole")


@pytest.mark.usefixtures("fake")
@pytest.mark.parametrize(
    "other", [campaign(seed=2), campaign(models=9), campaign(target=Target(device="stm32f446", timing="instructions"))]
)
def test_another_characterisation_is_not_mixed_in(other: Campaign, tmp_path: Path) -> None:
    characterize(campaign(), tmp_path, (Reversed(), 1), None, Listener())
    before = files(tmp_path)
    with pytest.raises(WrongRequest, match="other settings"):
        characterize(other, tmp_path, (Reversed(), 1), None, Listener())
    assert files(tmp_path) == before


@pytest.mark.usefixtures("fake")
def test_a_space_of_few_networks_ends_with_fewer(tmp_path: Path) -> None:
    steps: list[Progress] = []
    characterize(campaign(models=400), tmp_path, (Reversed(), 2), None, Listener(progress=steps.append))
    models = read_characterization(tmp_path).models
    distinct = {SPACE.derive(decisions).blocks for decisions in SPACE.all()}
    assert len(models) == len(distinct) == len(steps)
    assert models["decisions"].map(lambda text: SPACE.derive(json.loads(text)).blocks).nunique() == len(distinct)


@pytest.mark.parametrize(
    "damage, error",
    [
        (lambda folder: (folder / MODELS).unlink(), WrongRequest),
        (lambda folder: (folder / SETTINGS).write_text("{}"), DataError),
        (lambda folder: (folder / SETTINGS).write_text('{"format": 99}'), DataError),
        (lambda folder: (folder / SETTINGS).write_bytes(b"\xff"), DataError),
        (lambda folder: (folder / LAYERS).write_text(""), DataError),
    ],
)
@pytest.mark.usefixtures("fake")
def test_tables_that_cannot_be_read_are_named(
    damage: Callable[[Path], object], error: type[Exception], tmp_path: Path
) -> None:
    characterize(campaign(models=2), tmp_path, (Reversed(), 1), None, Listener())
    damage(tmp_path)
    with pytest.raises(error, match=str(tmp_path)):
        read_characterization(tmp_path)


def test_lines() -> None:
    line = fit_line([2e6, 4e6, 8e6], [11.0, 21.0, 41.0])
    assert line is not None
    assert (line.mops_per_s, line.intercept_ms, line.r2) == pytest.approx((200.0, 1.0, 1.0))
    assert fit_line([1e6, 1e6, 1e6], [1.0, 2.0, 3.0]) is None and fit_line([1.0, 2.0], [1.0, 2.0]) is None


@pytest.fixture(scope="module")
def objects(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    yield tmp_path_factory.mktemp("objects")


@pytest.mark.emulator
@pytest.mark.parametrize("device", ["stm32f446", "stm32f746"])
def test_a_network_is_measured_by_layer(device: str, objects: Path) -> None:
    arch = SPACE.derive(SPACE.largest())
    taken = measure(arch, Target(device=device, timing="instructions"), objects)
    assert taken.fits and taken.energy_uj is not None
    assert [row.layer for row in taken.layers] == [n for n, layer in enumerate(arch.layers) if layer.kind != "reshape"]
    # The rest is the frame around the layers and the monitor's copy of the input.
    inside = sum(row.instructions for row in taken.layers)
    assert 0 < taken.instructions - inside < 1000
    again = measure(arch, Target(device=device, timing="instructions"), objects)
    assert again == taken


@pytest.mark.emulator
def test_weights_change_what_a_network_takes_by_a_few_percent(objects: Path) -> None:
    taken = [measure(find_arch("micronet-kws-s"), TARGET, objects, seed).instructions for seed in range(3)]
    assert max(taken) < 1.05 * min(taken)


@pytest.mark.emulator
def test_a_network_of_many_outputs_is_measured(objects: Path) -> None:
    """Its 640 results are a line of more than 4,096 characters."""
    found = measure(find_arch("ad-autoencoder"), Target(device="stm32f446", timing="instructions"), objects)
    assert found.fits and found.layers[-1].layer == 9


def test_a_network_that_is_too_large_says_what_it_needs(objects: Path) -> None:
    wide = Arch(name="wide", input_shape=(49, 10, 1), blocks=(Conv(1024), *SPACE.derive(SPACE.largest()).blocks[1:]))
    taken = measure(wide, TARGET, objects)
    assert not taken.fits and taken.ram_bytes > 320 << 10 and taken.cycles == 0


@pytest.mark.emulator
def test_a_table_of_real_measurements(objects: Path, tmp_path: Path) -> None:
    with ThreadPoolExecutor(1) as pool:
        characterize(campaign(models=4), tmp_path, (pool, 1), objects, Listener())
    found = read_characterization(tmp_path)
    line = fit_networks(found.models)
    assert line is not None and line.points == 4 and line.mops_per_s > 1
    assert set(fit_layers(found.layers, 216e6)) <= {"conv", "conv 1x1", "depthwise"}
    assert found.settings["timing_model"].startswith("instructions") and len(found.settings["sources"]) == 64
    sums = found.layers.groupby("index")["macs"].sum()
    assert (sums == found.models.set_index("index")["macs"]).all()
