# SPDX-License-Identifier: Apache-2.0
"""How far predictions of latency are off on networks they were not fitted to: operations alone, and the fitted model.

    python -m benchmarks.latency_predictors [--refresh] [--keep]
    python -m benchmarks.latency_predictors --fit fitted --judge judged [--judge other ...]

Without folders the characterisations that are kept (``python -m benchmarks.characterization``) are taken: models are
fitted to seed 1 of ``FITTED`` spaces, and judged on networks of the same spaces with another seed and on spaces that
were not fitted. ``--refresh`` writes the tables into docs/search.md, ``--keep`` the models into search/cost/fitted/.

Operations alone is the MicroNets paper's model: a straight line through the fitted networks of a space, or through all
of them for a space that is not fitted (arXiv 2010.11267, section 3.3).
Tables that are judged together must be of one device, engine, timing model and version.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path

import click
import pandas as pd

from benchmarks.characterization import kept_tables
from benchmarks.doc_tables import DOCS, markdown_table, refresh
from mlperf_tiny.errors import BenchError, UsageError
from mlperf_tiny.firmware.boards import find_board
from mlperf_tiny.search.characterize.linear_fit import LinearFit, fit_networks
from mlperf_tiny.search.characterize.predictor import check_same, fit_latency, predict_ms, prediction_error
from mlperf_tiny.search.characterize.table import Characterization, read_characterization
from mlperf_tiny.search.cost.latency_file import fitted_path, write_latency_model

FOLDER = click.Path(path_type=Path, file_okay=False)
NAME = "python -m benchmarks.latency_predictors"
FITTED = ("kws", "cifar10", "vww-50")
"""Spaces that models are fitted to, where tables are kept."""
HEAD = ("predicted networks", "by", "mean error", "worst", "Kendall's tau")


def rows_of(fitted: Sequence[Characterization], judged: Sequence[Characterization]) -> list[list[str]]:
    """Return the rows of the table, two for each table of networks that is judged.

    Args:
        fitted: What both models are fitted to.
        judged: Networks to predict.

    Raises:
        UsageError: The tables are of different targets, or too few networks fit.
        ValueError: A network has a kind of layer that no fitted one has.
    """
    check_same([*fitted, *judged])
    model = fit_latency(fitted, find_board(fitted[0].settings["target"]["device"]).clock_hz)
    rows = []
    for table in judged:
        line = _line_for(table, fitted)
        models = table.models[table.models["fits"]].set_index("index")
        predictions = {
            "operations alone": line.intercept_ms + 1e-3 * models["ops"] / line.mops_per_s,
            "the loops of its layers": predict_ms(model, table.layers).loc[models.index],
        }
        for by, predicted in predictions.items():
            error = prediction_error(predicted.to_numpy(), models["latency_ms"].to_numpy())
            figures = (f"{100 * error.mape:.2f} %", f"{100 * error.worst:.2f} %", f"{error.kendall_tau:.4f}")
            rows.append([name_of(table), by, *figures])
    return rows


def _line_for(table: Characterization, fitted: Sequence[Characterization]) -> LinearFit:
    """The line through the fitted networks of the space that is judged, where there are any, else through all."""
    same = [other for other in fitted if other.settings["space"] == table.settings["space"]]
    line = fit_networks(pd.concat([other.models for other in same or fitted]))
    if line is None:
        raise UsageError("the networks to fit to are fewer than three. Measure more of them.")
    return line


def name_of(table: Characterization) -> str:
    """Return what a table holds."""
    return f"{int(table.models['fits'].sum())} of {table.settings['space']}, seed {table.settings['seed']}"


def text_of(fitted: Sequence[Characterization], judged: Sequence[Characterization]) -> str:
    """Return the table, with what it is of; Args and Raises: as ``rows_of``."""
    target = fitted[0].settings["target"]
    of = f"{target['device']}, {target['engine']} engine, emulated ({fitted[0].settings['timing_model']})"
    head = f"{of}. Fitted to networks: {'; '.join(map(name_of, fitted))}."
    return f"{head}\n\n{markdown_table(HEAD, rows_of(fitted, judged), left=2)}"


def kept_sets() -> Iterator[tuple[list[Characterization], list[Characterization]]]:
    """Yield, for each board and engine, kept tables to fit to and to judge by; raises DataError for a broken one."""
    groups: dict[tuple[str, str], list[Characterization]] = {}
    for table in kept_tables().values():
        target = table.settings["target"]
        groups.setdefault((target["device"], target["engine"]), []).append(table)
    for tables in groups.values():
        fitted = [table for table in tables if table.settings["seed"] == 1 and table.settings["space"] in FITTED]
        judged = [table for table in tables if not any(table is other for other in fitted)]
        if fitted and judged:
            yield fitted, judged


def keep_model(fitted: Sequence[Characterization]) -> Path:
    """Write the latency model of tables to the models of this project; return its file."""
    target = fitted[0].settings["target"]
    path = fitted_path(target["device"], target["engine"])
    write_latency_model(path, fit_latency(fitted, find_board(target["device"]).clock_hz))
    return path


@click.command()
@click.option("--fit", "fits", type=FOLDER, multiple=True, help="Tables to fit to. May be repeated.")
@click.option("--judge", "judges", type=FOLDER, multiple=True, help="Tables to predict. May be repeated.")
@click.option("--refresh", "refreshes", is_flag=True, help="Write the tables into docs/search.md.")
@click.option("--keep", "keeps", is_flag=True, help="Write the models that were fitted into search/cost/fitted/.")
def main(fits: tuple[Path, ...], judges: tuple[Path, ...], refreshes: bool, keeps: bool) -> None:
    """Print how far predictions are off."""
    if bool(fits) != bool(judges):
        raise click.UsageError("--fit and --judge go together: name tables for both, or for neither")
    try:
        given = tuple([read_characterization(path) for path in paths] for paths in (fits, judges))
        sets = [(given[0], given[1])] if fits else list(kept_sets())
        text = "\n\n".join(text_of(fitted, judged) for fitted, judged in sets)
    except (BenchError, ValueError) as error:
        raise click.UsageError(str(error)) from error
    print(text)
    if refreshes:
        refresh(DOCS / "search.md", NAME, text)
    for fitted, _ in sets if keeps else ():
        print(keep_model(fitted))


if __name__ == "__main__":
    main()
