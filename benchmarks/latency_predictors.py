# SPDX-License-Identifier: Apache-2.0
"""How far predictions of latency are off on networks they were not fitted to: operations alone, and the fitted model.

    micronet-characterize kws --device stm32f746 --seed 1 --models 40 --out fitted
    micronet-characterize kws --device stm32f746 --seed 2 --models 40 --out judged
    python -m benchmarks.latency_predictors --fit fitted --judge judged [--judge other ...] [--refresh]

Operations alone is the MicroNets paper's model: a straight line through the fitted networks (arXiv 2010.11267, section
3.3). All folders must be of one device, engine, timing model and version. ``--refresh`` writes the table into
docs/search.md.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import click
import pandas as pd

from benchmarks.doc_tables import DOCS, markdown_table, refresh
from mlperf_tiny.errors import BenchError, UsageError
from mlperf_tiny.firmware.boards import find_board
from mlperf_tiny.search.characterize.linear_fit import fit_networks
from mlperf_tiny.search.characterize.predictor import check_same, fit_latency, predict_ms, prediction_error
from mlperf_tiny.search.characterize.table import Characterization, read_characterization

FOLDER = click.Path(path_type=Path, file_okay=False)
NAME = "python -m benchmarks.latency_predictors"
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
    line = fit_networks(pd.concat([table.models for table in fitted]))
    if line is None:
        raise UsageError("the networks to fit to are fewer than three. Measure more of them.")
    model = fit_latency(fitted, find_board(fitted[0].settings["target"]["device"]).clock_hz)
    rows = []
    for table in judged:
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


def name_of(table: Characterization) -> str:
    """Return what a table holds."""
    return f"{int(table.models['fits'].sum())} of {table.settings['space']}, seed {table.settings['seed']}"


def text_of(fitted: Sequence[Characterization], judged: Sequence[Characterization]) -> str:
    """Return the table, with what it is of; Args and Raises: as ``rows_of``."""
    target = fitted[0].settings["target"]
    of = f"{target['device']}, {target['engine']} engine, emulated ({fitted[0].settings['timing_model']})"
    head = f"{of}. Fitted to networks: {'; '.join(map(name_of, fitted))}."
    return f"{head}\n\n{markdown_table(HEAD, rows_of(fitted, judged), left=2)}"


@click.command()
@click.option("--fit", "fits", type=FOLDER, multiple=True, required=True, help="Tables to fit to. May be repeated.")
@click.option(
    "--judge", "judges", type=FOLDER, multiple=True, required=True, help="Tables to predict. May be repeated."
)
@click.option("--refresh", "refreshes", is_flag=True, help="Write the table into docs/search.md.")
def main(fits: tuple[Path, ...], judges: tuple[Path, ...], refreshes: bool) -> None:
    """Print how far predictions are off."""
    try:
        text = text_of([read_characterization(path) for path in fits], [read_characterization(path) for path in judges])
    except (BenchError, ValueError) as error:
        raise click.UsageError(str(error)) from error
    print(text)
    if refreshes:
        refresh(DOCS / "search.md", NAME, text)


if __name__ == "__main__":
    main()
