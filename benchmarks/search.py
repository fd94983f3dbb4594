# SPDX-License-Identifier: Apache-2.0
"""Searched keyword networks beside the published ones: searches, trainings by one recipe, and the table of both.

    python -m benchmarks.search --out DIR [--only s] [--seeds 3] [--epochs 40 --int8-epochs 8] [--refresh]

A search's limits are the published network's own latency, RAM and flash as measured here. Then each network is trained
by one recipe, shorter than the shipped models', with as many seeds as asked. Choices are made on validation rows; the
test rows are looked at once for each trained network. All steps are kept in DIR, so that the same command continues;
what the table is made of goes into results/search/, and ``--refresh`` writes the table into docs/search.md without
searching or training anything.
"""

from __future__ import annotations

import json
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import click
import numpy as np

from benchmarks.doc_tables import DOCS, ROOT, markdown_table, refresh
from mlperf_tiny.models.arch.row_file import network_named

NAME = "python -m benchmarks.search"
STORED = ROOT / "results" / "search" / "keywords.json"
TRAINED = "model.tflite"
BOOTSTRAPS = 2000


@dataclass(frozen=True, kw_only=True)
class Row:
    """A network of the comparison."""

    name: str
    """Of its folder."""
    size: str
    """Published network whose figures are the limits: s or m."""
    device: str
    """What it is searched for."""
    method: str = ""
    """As of ``micronet-search``; "": the published network itself."""
    cost: str = "latency"
    """What stands for latency in the search."""

    @property
    def published(self) -> str:
        """Name of the published network."""
        return f"micronet-kws-{self.size}"


def _rows(size: str, device: str, methods: tuple[tuple[str, str], ...]) -> tuple[Row, ...]:
    searched = [
        Row(name=f"{size}-{method}-{cost}", size=size, device=device, method=method, cost=cost)
        for method, cost in methods
    ]
    return (Row(name=f"{size}-published", size=size, device=device), *searched)


ROWS = (
    *_rows(
        "s",
        "stm32f446",
        (("dnas", "latency"), ("dnas", "ops"), ("tinynas", "latency"), ("random", "latency"), ("width", "latency")),
    ),
    *_rows("m", "stm32f446", (("dnas", "latency"), ("dnas", "ops"))),
)


def limits_of(row: Row) -> tuple[str, ...]:
    """Return the options that limit a search to what the published network takes."""
    from mlperf_tiny.search.characterize.measure import Target, measure

    found = measure(network_named(row.published), Target(device=row.device))
    # A hundredth of a millisecond above: the option has a few digits only.
    return (
        *("--latency", f"{found.latency_ms + 0.01:.2f}ms"),
        *("--ram", f"{found.ram_bytes}B"),
        *("--flash", f"{found.flash_bytes}B"),
    )


def run_command(module: str, *words: str) -> None:
    """Run a command of this project; raises CalledProcessError where it fails.

    Args:
        module: Its module.
        words: Its arguments.
    """
    code = f"import sys; from {module} import main; main(args=sys.argv[1:])"
    subprocess.run([sys.executable, "-c", code, *words], check=True, stdout=sys.stderr)


def search(row: Row, out: Path) -> str:
    """Search a row's network, if it is searched, and return its name or file."""
    if not row.method:
        return row.published
    folder = out / row.name
    if not (folder / "network.json").is_file():
        words = ("--task", "kws", "--device", row.device, "--method", row.method, "--cost", row.cost)
        run_command("mlperf_tiny.cli.search", *words, *limits_of(row), "--out", str(folder))
    return str(folder / "network.json")


def train(network: str, folder: Path, seed: int, epochs: tuple[int, int]) -> Path:
    """Train a network and return its .tflite.

    Args:
        network: Its name or file.
        folder: For the training.
        seed: Of the training.
        epochs: In floats, then as int8.
    """
    if not (folder / TRAINED).is_file():
        words = ["--seed", str(seed), "--epochs", str(epochs[0]), "--int8-epochs", str(epochs[1])]
        if list(folder.glob("*.npz")):
            words.append("--resume")
        run_command("mlperf_tiny.cli.train", network, "--out", str(folder), *words)
    return folder / TRAINED


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
    assert clips is not None, f"no keyword clips in {data}"
    interpreter = open_interpreter(model.read_bytes(), reference_kernels=True)
    found = {}
    for name, rows in (("validation", clips.validation), ("test", clips.test)):
        inputs, labels = features_of(rows, find_pipeline("micronet-kws"))
        right = int8_outputs(interpreter, inputs).argmax(axis=1) == labels
        found[name] = "".join(map(str, right.astype(int)))
    return found


def measured(network: str, device: str) -> dict[str, Any]:
    """Return what a network takes on a device.

    Args:
        network: Its name or file.
        device: The board.
    """
    from mlperf_tiny.search.characterize.measure import Target, measure

    arch, target = network_named(network), Target(device=device)
    found = measure(arch, target)
    return {
        "timing_model": target.timing_model,
        "latency_ms": found.latency_ms,
        "energy_uj": found.energy_uj,
        "ram_bytes": found.ram_bytes,
        "flash_bytes": found.flash_bytes,
        "ops": 2 * arch.macs,
        "parameters": arch.parameters,
    }


def difference_interval(first: list[str], second: list[str]) -> tuple[float, float, float]:
    """Return the difference of two networks' accuracies with its 95 % interval, by a bootstrap over clips and seeds.

    Clips are paired: both networks have the same ones.

    Args:
        first: For each of its seeds, a 1 or 0 for each clip.
        second: The same of the network that it is compared with.

    Examples:
        >>> difference_interval(["1110"], ["1110"])
        (0.0, 0.0, 0.0)
    """
    one, other = (np.array([[int(mark) for mark in row] for row in rows], float) for rows in (first, second))
    random = np.random.default_rng(0)
    clips = one.shape[1]
    drawn = []
    for _ in range(BOOTSTRAPS):
        places = random.integers(clips, size=clips)
        means = [rows[random.integers(len(rows), size=len(rows))][:, places].mean() for rows in (one, other)]
        drawn.append(means[0] - means[1])
    low, high = np.quantile(drawn, [0.025, 0.975])
    return float(one.mean() - other.mean()), float(low), float(high)


HEAD = ("network", "accuracy, test", "against published", "Mops", "latency, ms", "RAM, kB", "flash, kB", "search, min")


def table(stored: dict[str, Any]) -> str:
    """Return the comparison.

    Args:
        stored: As in ``STORED``.
    """
    rows = []
    for name, row in stored["networks"].items():
        published = stored["networks"][f"{row['size']}-published"]
        tests = [seed["test"] for seed in row["seeds"].values()]
        accuracy = 100.0 * float(np.mean([text.count("1") / len(text) for text in tests]))
        difference = ""
        if row is not published:
            middle, low, high = difference_interval(tests, [seed["test"] for seed in published["seeds"].values()])
            difference = f"{100 * middle:+.2f} % ({100 * low:+.2f} to {100 * high:+.2f})"
        takes = row["measured"]
        minutes = "" if row["search_s"] is None else f"{row['search_s'] / 60:.0f}"
        rows.append(
            [
                f"{name} ({len(tests)} seeds)",
                f"{accuracy:.2f} %",
                difference,
                f"{takes['ops'] / 1e6:.2f}",
                f"{takes['latency_ms']:.2f}",
                f"{takes['ram_bytes'] / 1e3:.1f}",
                f"{takes['flash_bytes'] / 1e3:.1f}",
                minutes,
            ]
        )
    head = (
        f"Emulated ({stored['device']}, {stored['timing_model']}), compiled engine. Each network was trained for "
        f"{stored['epochs'][0]} epochs in floats and {stored['epochs'][1]} as int8 on {stored['clips']}; accuracy of "
        "the int8 model on 1,590 clips of other speakers, mean of the seeds, with the 95 % interval of the difference."
    )
    return f"{head}\n\n{markdown_table(HEAD, rows)}"


def collect(row: Row, network: str, out: Path, data: Path, seeds: int) -> dict[str, Any]:
    """Return what is stored of a network that is searched and trained.

    Args:
        row: The network.
        network: Its name or file.
        out: Folder of all.
        data: Folder with the clips.
        seeds: How many trainings there are.
    """
    report = out / row.name / "search.json"
    searched = json.loads(report.read_text(encoding="utf-8")) if report.is_file() else None
    return {
        "size": row.size,
        "method": row.method,
        "cost": row.cost,
        "network": None if searched is None else searched["network"],
        "search_s": None if searched is None else searched["search_s"],
        "measured": measured(network, row.device),
        "seeds": {
            str(seed): right_answers(out / row.name / f"seed-{seed}" / TRAINED, data) for seed in range(1, seeds + 1)
        },
    }


@click.command()
@click.option("--out", type=click.Path(path_type=Path), help="Folder of searches and trainings; it is continued.")
@click.option("--only", "sizes", multiple=True, type=click.Choice(("s", "m")), help="Published networks to beat.")
@click.option("--seeds", type=click.IntRange(1), default=3, help="Trainings of each network.")
@click.option("--epochs", type=click.IntRange(1), default=40, help="Epochs in floats.")
@click.option("--int8-epochs", type=click.IntRange(1), default=8, help="Epochs as int8.")
@click.option("--data", type=click.Path(path_type=Path, exists=True), envvar="MLPERF_TINY_DATA", help="The clips.")
@click.option("--refresh", "into_docs", is_flag=True, help="Write the table into docs/search.md.")
def main(
    out: Path | None,
    sizes: tuple[str, ...],
    seeds: int,
    epochs: int,
    int8_epochs: int,
    data: Path | None,
    into_docs: bool,
) -> None:
    """Search, train and compare; without --out, print the stored comparison."""
    if out is not None:
        if data is None:
            raise click.UsageError("--data, or MLPERF_TINY_DATA, must name the folder with the clips.")
        rows = [row for row in ROWS if not sizes or row.size in sizes]
        networks = {}
        for row in rows:
            network = search(row, out)
            for seed in range(1, seeds + 1):
                train(network, out / row.name / f"seed-{seed}", seed, (epochs, int8_epochs))
            networks[row.name] = collect(row, network, out, data, seeds)
        stored = {
            "device": rows[0].device,
            "timing_model": networks[rows[0].name]["measured"]["timing_model"],
            "epochs": [epochs, int8_epochs],
            "clips": "2,364 clips of 118 speakers",
            "networks": networks,
        }
        STORED.parent.mkdir(parents=True, exist_ok=True)
        STORED.write_text(json.dumps(stored, indent=1) + "\n", encoding="utf-8")
    text = table(json.loads(STORED.read_text(encoding="utf-8")))
    click.echo(text)
    if into_docs:
        refresh(DOCS / "search.md", NAME, text)


if __name__ == "__main__":
    main()
