# SPDX-License-Identifier: Apache-2.0
"""``micronet-search``: search a network for a task, a device and limits."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from mlperf_tiny.cli.command import OneOf, click_command, json_option
from mlperf_tiny.cli.options import COUNT, DEFAULT_ENGINE, DIR, DataOptions, data_options, device_option, help_text
from mlperf_tiny.cli.output import echo, echo_json
from mlperf_tiny.cli.progress import ProgressPrinter
from mlperf_tiny.cli.train import require_tensorflow
from mlperf_tiny.errors import UsageError
from mlperf_tiny.runners.emulator.timing.levels import DEFAULT_LEVEL, LEVELS
from mlperf_tiny.search.methods import METHODS
from mlperf_tiny.terminal import text_table

if TYPE_CHECKING:
    from mlperf_tiny.models.training.datasets.training_set import TrainingSet
    from mlperf_tiny.models.training.recipes.recipe import Recipe
    from mlperf_tiny.progress import Listener
    from mlperf_tiny.search.characterize.measure import Target
    from mlperf_tiny.search.cost.latency import LatencyModel
    from mlperf_tiny.search.space.space import SearchSpace

SPACES = {"kws": "kws", "ad": "ad", "vww": "vww-50"}
"""Task to the space that is searched where none is named."""
COSTS = ("latency", "ops", "energy")


@click_command()
@click.option("--task", type=OneOf(SPACES), required=True, help="What the network is for.")
@device_option(required=True)
@click.option("--latency", metavar="TIME", help="Most that one inference may take, such as 100ms.")
@click.option("--energy", metavar="ENERGY", help="Most that one inference may take, such as 40mJ.")
@click.option("--ops", metavar="N", help="Most operations of one inference, such as 16.6M.")
@click.option("--ram", metavar="SIZE", help="Most RAM of the image, such as 110kB or 64KiB.")
@click.option("--flash", metavar="SIZE", help="Most flash of the image, such as 120kB.")
@click.option("--space", metavar="SPACE", help=help_text("Search space.", "that of the task"))
@click.option("--method", type=OneOf(row.name for row in METHODS), default="dnas", help="How networks are searched.")
@click.option(
    "--cost",
    type=OneOf(COSTS),
    default="latency",
    help="What the search takes latency to be: what layers take on the device, or a line over operations; energy is "
    "latency at the board's power, and needs --energy.",
)
@click.option("--engine", default=DEFAULT_ENGINE, metavar="ENGINE", help="Inference engine: compiled, or tflm.")
@click.option("--timing", type=OneOf(LEVELS), default=DEFAULT_LEVEL, help="Timing model of the emulated board.")
@click.option(
    "--characterization",
    "tables",
    type=DIR,
    multiple=True,
    metavar="DIR",
    help="Fit the latency model to tables of micronet-characterize instead of using that of this project; may be "
    "repeated.",
)
@click.option("--epochs", type=COUNT, metavar="N", help=help_text("Passes over the data.", "of the method"))
@click.option("--seed", type=click.IntRange(0, 2**31 - 1), default=1, metavar="N", help="Of everything that is drawn.")
@click.option("--clips", type=COUNT, metavar="N", help=help_text("Synthetic samples of each class.", "of the recipe"))
@data_options(text="Folder with real data to search by.")
@click.option("--out", type=DIR, required=True, metavar="DIR", help="Folder of the search; what it has is continued.")
@json_option
def main(
    task: str,
    device: str,
    space: str | None,
    method: str,
    engine: str,
    timing: str,
    out: Path,
    data: DataOptions,
    as_json: bool,
    **options: Any,
) -> None:
    """Search a network for a device within limits, measured on the emulated board.

    Writes network.json into the --out folder, which micronet-train takes, and search.json with all figures. The same
    command continues what was interrupted. Needs pip install 'mlperf-tiny-harness[train,search]'.
    """
    from mlperf_tiny.firmware.boards import find_board
    from mlperf_tiny.harness.image.engines import find_engine
    from mlperf_tiny.search.characterize.measure import Target
    from mlperf_tiny.search.problem.limits import parse_limits
    from mlperf_tiny.search.space.spaces import find_space

    limits = parse_limits({name: options.pop(name) for name in ("latency", "energy", "ops", "ram", "flash")})
    if options["cost"] == "energy" and limits.energy_uj is None:
        raise UsageError("--cost energy needs a limit of the energy: add --energy, such as --energy 20mJ.")
    if find_board(device).is_host:
        raise UsageError("networks are searched for emulated boards; device host is a process. Name a board.")
    searched = find_space(space or SPACES[task])
    if searched.task != task:
        raise UsageError(
            f"space {searched.name} is of task {searched.task}, not of {task}. Use --task {searched.task}."
        )
    find_engine(engine)
    if out.exists() and not out.is_dir():
        raise UsageError(f"--out {out} is a file; wanted a folder. Name another one.")
    require_tensorflow()
    printer = ProgressPrinter()
    target = Target(device=device, engine=engine, timing=timing)
    try:
        report = _run((searched, target, limits), method, options, data, out, printer.listener)
    except KeyboardInterrupt:
        printer.log(f"what was searched is kept in {out}; the same command continues")
        raise
    printer.clear()
    if as_json:
        echo_json(report, indent=1)
    else:
        echo(report_text(report))
        printer.log(f"network: {out / 'network.json'}; train it with micronet-train {out / 'network.json'} --out DIR")


def _run(
    asked: tuple[SearchSpace, Target, Any],
    method: str,
    options: dict[str, Any],
    data: DataOptions,
    out: Path,
    listener: Listener,
) -> dict[str, Any]:
    from mlperf_tiny.models.data.download.cache import cache_folder
    from mlperf_tiny.search.methods import find_method
    from mlperf_tiny.search.problem.estimate import make_problem
    from mlperf_tiny.search.problem.finish import measured_figures
    from mlperf_tiny.search.run_search import Request, run_search

    space, target, limits = asked
    objects = cache_folder() / "objects"
    listener.log(f"compiling a network of space {space.name} for {target.device}, {target.engine}")
    model = _latency_model(space, target, options["tables"], listener)
    problem = make_problem(space, target, limits, model, by=options["cost"], objects=objects)
    request = Request(
        method=find_method(method), problem=problem, by=options["cost"], seed=options["seed"], epochs=options["epochs"]
    )
    training = _training_set(space, options["clips"], data, listener)
    return run_search(request, training, measured_figures(problem, objects), out, listener)


def _latency_model(
    space: SearchSpace, target: Target, tables: tuple[Path, ...], listener: Listener
) -> LatencyModel | None:
    """The model fitted to tables that are named, or that of this project; None: there is none."""
    from mlperf_tiny.search.characterize.measure import target_settings
    from mlperf_tiny.search.characterize.predictor import fit_latency
    from mlperf_tiny.search.characterize.table import read_characterization
    from mlperf_tiny.search.cost.latency_file import differences, fitted_path, read_latency_model

    # Refuses a device, engine or level that cannot be used.
    expected = target_settings(target, space.derive(space.smallest()))
    if tables:
        model = fit_latency([read_characterization(folder) for folder in tables], target.board.clock_hz)
        if (found := model.settings["target"]) != expected["target"]:
            raise UsageError(f"the tables are of {found}, the search is for {expected['target']}. Name others.")
    elif (path := fitted_path(target.device, target.engine)).is_file():
        model = read_latency_model(path)
    else:
        return None
    if other := differences(model, expected):
        listener.log(
            f"the latency model was fitted with other {', '.join(other)}; what is found is measured with today's"
        )
    return model


def _training_set(
    space: SearchSpace, clips: int | None, data: DataOptions, listener: Listener
) -> tuple[Recipe, TrainingSet]:
    from dataclasses import replace

    from mlperf_tiny.models.data.download.cache import cache_folder, data_folder
    from mlperf_tiny.models.training.datasets.registry import make_training_set
    from mlperf_tiny.models.training.datasets.training_set import DataFolders, TrainingSetOptions
    from mlperf_tiny.models.training.recipes.recipes import recipe_for

    arch = space.derive(space.smallest())
    recipe = recipe_for(arch)
    if clips is not None:
        recipe = replace(recipe, synthetic_per_class=clips)
    training_set = make_training_set(
        TrainingSetOptions(
            pipeline=arch.pipeline,
            classes=arch.classes,
            recipe=recipe,
            folders=DataFolders(named=data_folder(data.data), cached=cache_folder()),
            cache=cache_folder() / "training",
            unlabelled=False,
        )
    )
    if training_set.unused:
        listener.log(training_set.unused)
    provenance = training_set.provenance
    listener.log(f"searching space {space.name}, trained on {provenance['kind']} data: {provenance['source']}")
    return recipe, training_set


def _scored(report: dict[str, Any]) -> str:
    """How the validation score was come by, and on what data."""
    weights = "after a short training" if report["method"] == "random" else "with shared weights"
    return f"{weights}, {report['training_data']['kind']} data"


def report_text(report: dict[str, Any]) -> str:
    """Return what was found as a table.

    Args:
        report: As of ``run_search``.
    """
    from mlperf_tiny.search.problem.limits import figure_text

    measured, estimated, limits = report["measured"], report["estimated"], report["limits"]
    rows = [["", "measured", "estimated", "limit"]]
    for name in ("latency_ms", "energy_uj", "ram_bytes", "flash_bytes", "ops"):
        if name in measured:
            cells = [figure_text(name, row[name]) if name in row else "" for row in (measured, estimated, limits)]
            label = "energy, modelled" if name == "energy_uj" else name.partition("_")[0]
            rows.append([label, *cells])
    target = report["target"]
    head = (
        f"{report['network']['name']} on {target['device']}, {target['engine']}, emulated ({report['timing_model']}), "
        f"{report['parameters']:,} parameters"
    )
    score = "" if report["validation"] is None else f", validation {report['validation']:.1%} {_scored(report)}"
    return f"{head}\nsearched for {report['search_s']:.0f} s{score}\n\n{text_table(rows, align='<>>>')}"
