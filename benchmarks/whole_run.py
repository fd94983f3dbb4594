# SPDX-License-Identifier: Apache-2.0
"""What a user waits for: ``benchmark-run`` as a whole process, wall and CPU seconds.

    python -m benchmarks.whole_run [--task kws ...] [--device stm32f746] [--runs 1]

Every task is run with its official model where ``MLPERF_TINY_DATA`` has it, else with its default one. The image is
built once before, so that the runs time the benchmark and not the compiler. Times are of this machine and moment.
"""

from __future__ import annotations

import json
import os
import resource
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import click

from mlperf_tiny.errors import BenchError
from mlperf_tiny.models.catalog.catalog import find_model
from mlperf_tiny.models.tasks import TASKS, find_task


def official_or_default(task: str) -> str:
    """The reference model's name if its file is found, else the task's default model."""
    name = f"mlperf-{task}"
    try:
        find_model(name).load()
    except BenchError:
        return find_task(task).default_model
    return name


def timed(command: list[str]) -> tuple[float, float, str]:
    """Run to the end: wall seconds, CPU seconds, standard output. Raises CalledProcessError."""
    before, start = resource.getrusage(resource.RUSAGE_CHILDREN), time.monotonic()
    done = subprocess.run(command, check=True, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True)
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    cpu_s = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
    return time.monotonic() - start, cpu_s, done.stdout


@click.command()
@click.option("--task", "tasks", multiple=True, default=tuple(task.name for task in TASKS), show_default=True)
@click.option("--device", default="stm32f746", show_default=True)
@click.option("--runs", default=1, show_default=True, help="Of each task, after the one that builds the image.")
def main(tasks: tuple[str, ...], device: str, runs: int) -> None:
    """Time whole runs."""
    program = Path(sys.executable).with_name("benchmark-run")
    print(f"{'task':5} {'model':16} {'wall s':>8} {'CPU s':>8} {'inferences':>11} {'instructions':>13} {'accuracy':>9}")
    for task in tasks:
        model = official_or_default(task)
        with tempfile.TemporaryDirectory() as folder:
            board = str(Path(folder) / "leaderboard.csv")
            command = [str(program), "--task", task, "--device", device, "--model", model]
            command += ["--out", folder, "--leaderboard", board, "--json"]
            timed([*command, "--mode", "performance", "--iterations", "1"])
            for _ in range(runs):
                wall_s, cpu_s, output = timed(command)
                record = json.loads(output)
                performance, accuracy = record["performance"], record["accuracy"] or {}
                timed_runs = sum(window["iterations"] for window in performance["windows"])
                figure = accuracy.get("top1_percent") or accuracy.get("auc")
                print(
                    f"{task:5} {model:16} {wall_s:8.1f} {cpu_s:8.1f} "
                    f"{timed_runs + accuracy.get('inferences', 0):11,} {record['instructions_per_inference']:13,.0f} "
                    f"{'-' if figure is None else f'{figure:.4g}':>9}",
                    flush=True,
                )


if __name__ == "__main__":
    os.environ.setdefault("PYTHONUNBUFFERED", "1")
    main()
