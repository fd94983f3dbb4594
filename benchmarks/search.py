# SPDX-License-Identifier: Apache-2.0
"""Searched keyword networks beside the published ones: searches, trainings by one recipe, and the table of both.

    python -m benchmarks.search --out DIR [--only NAME] [--seeds 3] [--epochs 40 --int8-epochs 8] [--workers 2]

A search's limits are the published network's own latency, RAM and flash as measured here. Then each network is trained
by one recipe, shorter than the shipped models', with as many seeds as asked. Choices are made on validation rows; the
test rows are looked at once for each trained network. All steps are kept in DIR, so that the same command continues;
what the table is made of goes into results/search/keywords.json after each network, beside those that are there of the
same settings. Without --out the stored table is printed, and ``--refresh`` writes it into docs/search.md; ``--measure``
measures the stored networks again first, for an engine or a timing model that has changed.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict, dataclass, fields
from pathlib import Path
from typing import Any

import click

from benchmarks.doc_tables import DOCS, ROOT, refresh
from benchmarks.search_table import table
from mlperf_tiny.models.arch.arch import Arch
from mlperf_tiny.models.arch.row_file import arch_from_json, arch_json, network_named

NAME = "python -m benchmarks.search"
STORED = ROOT / "results" / "search" / "keywords.json"
TRAINED = "model.tflite"
DEVICE = "stm32f446"
"""What networks are searched for."""
MEASURED_ON = (DEVICE, "stm32f746")


@dataclass(frozen=True, kw_only=True)
class Row:
    """A network of the comparison."""

    name: str
    """Of its folder."""
    size: str
    """Published network whose figures are the limits: s or m."""
    method: str = ""
    """As of ``micronet-search``; "": the published network itself."""
    cost: str = "latency"
    """What stands for latency in the search."""

    @property
    def published(self) -> str:
        """Name of the published network."""
        return f"micronet-kws-{self.size}"


def _rows(size: str, methods: tuple[tuple[str, str], ...]) -> tuple[Row, ...]:
    searched = [Row(name=f"{size}-{method}-{cost}", size=size, method=method, cost=cost) for method, cost in methods]
    return (Row(name=f"{size}-published", size=size), *searched)


ROWS = (
    *_rows(
        "s",
        (("dnas", "latency"), ("dnas", "ops"), ("tinynas", "latency"), ("random", "latency"), ("width", "latency")),
    ),
    *_rows("m", (("dnas", "latency"), ("dnas", "ops"))),
)


@dataclass(frozen=True, kw_only=True)
class Training:
    """How the networks of the comparison are trained."""

    epochs: int
    """In floats."""
    int8_epochs: int
    """As int8."""
    augmented_epochs: int
    """Augmented versions of the clips, taken in turn."""


def limits_of(row: Row) -> tuple[str, ...]:
    """Return the options that limit a search to what the published network takes."""
    from mlperf_tiny.search.characterize.measure import Target, measure

    found = measure(network_named(row.published), Target(device=DEVICE))
    # A hundredth of a millisecond above: the option has a few digits only.
    return (
        *("--latency", f"{found.latency_ms + 0.01:.2f}ms"),
        *("--ram", f"{found.ram_bytes}B"),
        *("--flash", f"{found.flash_bytes}B"),
    )


def run_command(*words: str, threads: int | None = None) -> None:
    """Run a command of this project; raises CalledProcessError where it fails.

    Args:
        words: A subcommand of ``mlperf-tiny`` and its arguments.
        threads: Of TensorFlow; None: all cores.
    """
    limited = {} if threads is None else {f"TF_NUM_{kind}OP_THREADS": str(threads) for kind in ("INTRA", "INTER")}
    command = [sys.executable, "-m", "mlperf_tiny", *words]
    subprocess.run(command, check=True, stdout=sys.stderr, env={**os.environ, **limited})


def search(row: Row, out: Path, epochs: int) -> str:
    """Search a row's network, if it is searched, and return its name or file.

    Args:
        row: The network.
        out: Folder of all.
        epochs: Of methods that train shared weights.
    """
    if not row.method:
        return row.published
    folder = out / row.name
    if not (folder / "network.json").is_file():
        words = ["--task", "kws", "--device", DEVICE, "--method", row.method, "--cost", row.cost]
        if row.method in ("dnas", "tinynas"):
            words += ["--epochs", str(epochs)]
        run_command("search", *words, *limits_of(row), "--out", str(folder))
    return str(folder / "network.json")


def train(network: str, folder: Path, seed: int, training: Training, threads: int) -> None:
    """Train a network.

    Args:
        network: Its name or file.
        folder: For the training; one that is done is left as it is.
        seed: Of the training.
        training: How it is trained.
        threads: Of TensorFlow.
    """
    if (folder / TRAINED).is_file():
        return
    words = ["--seed", str(seed)]
    for name, value in asdict(training).items():
        words += [f"--{name.replace('_', '-')}", str(value)]
    if list(folder.glob("*.npz")):
        words.append("--resume")
    run_command("train", network, "--out", str(folder), *words, threads=threads)


def right_answers(model: Path, data: Path) -> dict[str, str]:
    """Return, for validation and test rows, a 1 for each clip that an int8 model has right, a 0 for each other.

    Args:
        model: The .tflite.
        data: Folder with the clips.
    """
    from mlperf_tiny.models.data.sources.speech_commands import find_speech_commands
    from mlperf_tiny.models.features.pipelines import find_pipeline
    from mlperf_tiny.models.training.datasets.training_set import features_of
    from mlperf_tiny.models.training.interpreter import int8_outputs, open_interpreter

    clips = find_speech_commands(data)
    if clips is None:
        raise click.UsageError(f"{data} holds no keyword clips; wanted speech_commands.zip with its splits.csv.")
    interpreter = open_interpreter(model.read_bytes(), reference_kernels=True)
    found = {}
    for name, rows in (("validation", clips.validation), ("test", clips.test)):
        inputs, labels = features_of(rows, find_pipeline("micronet-kws"))
        right = int8_outputs(interpreter, inputs).argmax(axis=1) == labels
        found[name] = "".join(map(str, right.astype(int)))
    return found


def measured(arch: Arch) -> dict[str, Any]:
    """Return what a network takes on each device."""
    from mlperf_tiny.search.characterize.measure import Target, measure

    found = {}
    for device in MEASURED_ON:
        figures = measure(arch, Target(device=device))
        found[device] = {
            "latency_ms": figures.latency_ms,
            "energy_uj": figures.energy_uj,
            "ram_bytes": figures.ram_bytes,
            "flash_bytes": figures.flash_bytes,
            "ops": 2 * arch.macs,
        }
    return found


def collect(row: Row, network: str, out: Path, data: Path, seeds: Sequence[int]) -> dict[str, Any]:
    """Return what is stored of a network that is searched and trained.

    Args:
        row: The network.
        network: Its name or file.
        out: Folder of all.
        data: Folder with the clips.
        seeds: Of its trainings.
    """
    report = out / row.name / "search.json"
    searched = json.loads(report.read_text(encoding="utf-8")) if report.is_file() else {}
    arch = network_named(network)
    folders = {str(seed): out / row.name / f"seed-{seed}" for seed in seeds}
    card = json.loads((folders[str(seeds[0])] / "card.json").read_text(encoding="utf-8"))
    return {
        "size": row.size,
        "method": row.method,
        "cost": row.cost,
        "network": arch_json(arch),
        "search_s": searched.get("search_s"),
        "search_validation": searched.get("validation"),
        "measured_in_search": len(searched.get("attempts", ())),
        "measured": measured(arch),
        "training_data": card["training_data"],
        "seeds": {seed: right_answers(folder / TRAINED, data) for seed, folder in folders.items()},
    }


def compare(rows: Sequence[Row], out: Path, data: Path, options: Mapping[str, Any]) -> None:
    """Search, train and store, a network after the other.

    Args:
        rows: The networks.
        out: Folder of all.
        data: Folder with the clips.
        options: seeds, search_epochs, workers, and the ``training``.
    """
    from mlperf_tiny.search.characterize.measure import Target

    settings = {
        "device": DEVICE,
        "timing_model": Target(device=DEVICE).timing_model,
        "training": asdict(options["training"]),
        "search_epochs": options["search_epochs"],
    }
    before = json.loads(STORED.read_text(encoding="utf-8")) if STORED.is_file() else {}
    same = {name: before.get(name) for name in settings} == settings
    networks = before["networks"] if same else {}
    seeds = range(1, options["seeds"] + 1)
    threads = max(1, (os.cpu_count() or 1) // options["workers"])
    for row in rows:
        network = search(row, out, options["search_epochs"])
        with ThreadPoolExecutor(options["workers"]) as pool:
            jobs = [
                pool.submit(train, network, out / row.name / f"seed-{seed}", seed, options["training"], threads)
                for seed in seeds
            ]
            for job in jobs:
                job.result()
        networks[row.name] = collect(row, network, out, data, seeds)
        write({**settings, "networks": {row.name: networks[row.name] for row in ROWS if row.name in networks}})


def write(stored: Mapping[str, Any]) -> None:
    """Keep the comparison."""
    STORED.parent.mkdir(parents=True, exist_ok=True)
    STORED.write_text(json.dumps(stored, indent=1) + "\n", encoding="utf-8")


def measure_again(stored: dict[str, Any]) -> None:
    """Measure the stored networks again, with the engine and the timing model of today."""
    from mlperf_tiny.search.characterize.measure import Target

    stored["timing_model"] = Target(device=DEVICE).timing_model
    for row in stored["networks"].values():
        row["measured"] = measured(arch_from_json(row["network"]))
    write(stored)


@click.command()
@click.option("--out", type=click.Path(path_type=Path), help="Folder of searches and trainings; it is continued.")
@click.option(
    "--only", multiple=True, type=click.Choice([row.name for row in ROWS]), help="Networks, instead of all; repeatable."
)
@click.option("--seeds", type=click.IntRange(1), default=3, help="Trainings of each network.")
@click.option("--search-epochs", type=click.IntRange(1), default=60, help="Of searches with shared weights.")
@click.option("--epochs", type=click.IntRange(1), default=40, help="Epochs in floats.")
@click.option("--int8-epochs", type=click.IntRange(1), default=8, help="Epochs as int8.")
@click.option("--augmented-epochs", type=click.IntRange(1), default=30, help="Augmented versions of the clips.")
@click.option("--workers", type=click.IntRange(1), default=1, help="Trainings at a time.")
@click.option("--data", type=click.Path(path_type=Path, exists=True), envvar="MLPERF_TINY_DATA", help="The clips.")
@click.option("--measure", is_flag=True, help="Measure the stored networks again; nothing is searched or trained.")
@click.option("--refresh", "into_docs", is_flag=True, help="Write the table into docs/search.md.")
def main(out: Path | None, only: tuple[str, ...], data: Path | None, into_docs: bool, **options: Any) -> None:
    """Search, train and compare; without --out, print the stored comparison."""
    if out is not None:
        if data is None:
            raise click.UsageError("--data, or MLPERF_TINY_DATA, must name the folder with the clips.")
        names = [row.name for row in fields(Training)]
        options["training"] = Training(**{name: options[name] for name in names})
        compare([row for row in ROWS if not only or row.name in only], out, data, options)
    stored = json.loads(STORED.read_text(encoding="utf-8"))
    if options["measure"]:
        measure_again(stored)
    text = table(stored)
    click.echo(text)
    if into_docs:
        refresh(DOCS / "search.md", NAME, text)


if __name__ == "__main__":
    main()
