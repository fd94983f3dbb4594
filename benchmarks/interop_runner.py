# SPDX-License-Identifier: Apache-2.0
"""MLCommons' runner and ours on the same emulated board behind a pseudo terminal, one after the other."""

from __future__ import annotations

import importlib.util
import json
import os
import re
import selectors
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

from benchmarks.interop_results import Results, read_results, runner_rows
from benchmarks.interop_rows import LEVEL
from mlperf_tiny.errors import BenchError, WrongRequest
from mlperf_tiny.harness.image.build import ELF_FILE
from mlperf_tiny.harness.run.request import Request
from mlperf_tiny.harness.run.run import run_benchmark
from mlperf_tiny.models.data.load import load_dataset
from mlperf_tiny.models.tasks import Task, find_task
from mlperf_tiny.progress import Listener, Progress

DEVICE, TASK, MODEL = "stm32f746", "kws", "mlperf-kws"
PERFORMANCE_FILES = 5
ATTEMPTS = 3
TOO_FAST = "ERROR 2"
"""The runner wants 10 s of the host's time for all windows together."""
RUNNER = Path("benchmark/runner")
LAUNCHER = Path(__file__).with_name("mlcommons_main.py")
DEVICES_FILE = "devices_kws_ic_vww.yaml"
SCRIPTS = {"p": "tests_performance.yaml", "a": "tests_accuracy.yaml"}
MODULES = {
    "yaml": "pyyaml",
    "usb": "pyusb",
    "serial": "pyserial",
    "numpy": "numpy",
    "sklearn": "scikit-learn",
    "matplotlib": "matplotlib",
}
"""What the runner imports -> the package it is in."""
SILENT_S = 120.0
"""The runner prints something at least so often; it waits 30 s for a line of the board."""
END_S = 5.0
"""A process that has closed its output ends in so many seconds."""


def check_tree(tree: Path) -> None:
    """Raise WrongRequest unless the runner is in a tree of MLCommons' repository and what it imports is installed."""
    for name in ("main.py", DEVICES_FILE, *SCRIPTS.values()):
        if not (tree / RUNNER / name).is_file():
            raise WrongRequest(
                f"{tree} has no {RUNNER / name}: wanted a tree of MLCommons' repository. Clone "
                "https://github.com/mlcommons/tiny, check commit 1afd2c98 out and name that folder."
            )
    missing = [package for module, package in MODULES.items() if importlib.util.find_spec(module) is None]
    if missing:
        words = " ".join(missing)
        raise WrongRequest(
            f"MLCommons' runner needs {words}, which this Python does not have. "
            f"Run pip install --target DIR {words}, and start this again with DIR in PYTHONPATH."
        )


def performance_script(text: str, iterations: int) -> str:
    """Return the runner's list of performance tests with another number of keyword inferences.

    Args:
        text: ``tests_performance.yaml``.
        iterations: Inferences of each window.

    Raises:
        WrongRequest: where kws01 has no line ``- infer N W``.
    """
    pattern = re.compile(r"(^kws01:\n(?:[ \t].*\n)*?.*- infer )\d+", re.MULTILINE)
    changed, count = pattern.subn(lambda found: f"{found[1]}{iterations}", text)
    if count != 1:
        raise WrongRequest(f"{SCRIPTS['p']} has no line '- infer N W' for kws01. Check commit 1afd2c98 out.")
    return changed


def write_keywords(task: Task, folder: Path) -> bool:
    """Write the data set as the runner reads it; False where the real one is missing.

    Args:
        task: The task whose data it is.
        folder: Gets a folder with the files and ``y_labels.csv``.
    """
    dataset = load_dataset(task)
    if dataset.source != "real" or not dataset.complete:
        return False
    target = folder / dataset.name
    target.mkdir(parents=True)
    for sample in dataset.samples:
        (target / sample.name).write_bytes(sample.load())
    lines = [f"{sample.name},{len(task.labels)},{sample.label}\n" for sample in dataset.samples]
    (target / "y_labels.csv").write_text("".join(lines))
    return True


@contextmanager
def child(command: Sequence[str], **settings: Any) -> Iterator[subprocess.Popen[bytes]]:
    """A process that has ended when the block is left, however that happens.

    Args:
        command: Its words.
        settings: Of ``Popen``.
    """
    # In a session of its own: Ctrl-C ends this program, which ends it, without advice to resume what is removed.
    process = subprocess.Popen(command, stdin=subprocess.DEVNULL, start_new_session=True, **settings)
    try:
        yield process
    finally:
        if process.poll() is None:
            process.kill()
            process.wait()
        if process.stdout is not None:
            process.stdout.close()


@contextmanager
def served(elf: Path, device: str) -> Iterator[str]:
    """An image on an emulated board behind a pseudo terminal, whose path is the value.

    Args:
        elf: The image.
        device: The board.
    """
    command = [sys.executable, "-m", "mlperf_tiny", "emulate", "--device", device, "--elf", str(elf), "--pty"]
    command += ["--timing", LEVEL]
    with tempfile.TemporaryFile() as errors, child(command, stdout=subprocess.PIPE, stderr=errors) as process:
        assert process.stdout is not None
        name = process.stdout.readline().decode().strip()
        if not name:
            process.wait()
            errors.seek(0)
            said = errors.read().decode(errors="replace").strip().splitlines() or ["nothing"]
            raise BenchError(f"the emulated board did not start; benchmark-emulate said: {said[-1]}")
        yield name


def our_run(port: str, mode: str, iterations: int | None, folder: Path) -> tuple[dict[str, Any], float]:
    """Run ``benchmark-run`` on a port; return its record and the seconds from its start to its end.

    Args:
        port: Of the board.
        mode: ``performance`` or ``accuracy``.
        iterations: Inferences of each window; None: as a trial shows.
        folder: Gets the run.

    Raises:
        BenchError: when it fails; its own message is on stderr.
    """
    command = [sys.executable, "-m", "mlperf_tiny", "run", "--task", TASK, "--device", DEVICE, "--port", port]
    command += ["--mode", mode, "--out", str(folder), "--leaderboard", str(folder / "board.csv"), "--json"]
    command += [] if iterations is None else ["--iterations", str(iterations)]
    started_s = time.monotonic()
    with child(command, stdout=subprocess.PIPE) as process:
        assert process.stdout is not None
        output = process.stdout.read()
        status = process.wait()
    if status:
        raise BenchError(
            f"benchmark-run --mode {mode} on {port} ended with exit status {status}; its message is above."
        )
    return json.loads(output), time.monotonic() - started_s


def their_run(
    tree: Path, port: str, mode: str, iterations: int, datasets: Path, progress: Callable[[int], None]
) -> tuple[Results, float]:
    """Run MLCommons' runner on a port; return what it found and the seconds from its start to its end.

    Args:
        tree: Of MLCommons' repository.
        port: Of the board.
        mode: The runner's word: ``p`` or ``a``.
        iterations: Inferences of each window of ``p``.
        datasets: Folder of data sets.
        progress: Called with the number of files loaded so far.

    Raises:
        BenchError: when it fails, falls silent or writes no results.
    """
    script = datasets / SCRIPTS[mode]
    text = (tree / RUNNER / SCRIPTS[mode]).read_text()
    script.write_text(performance_script(text, iterations) if mode == "p" else text)
    runner = (tree / RUNNER).resolve()
    options = ["-m", mode, "-d", str(runner / DEVICES_FILE), "-t", str(script), "-s", str(datasets)]
    with tempfile.TemporaryDirectory() as work:
        started_s = time.monotonic()
        command = [sys.executable, str(LAUNCHER), str(runner), port, *options]
        with child(command, cwd=work, stdout=subprocess.PIPE, stderr=subprocess.STDOUT) as process:
            said = _follow(process, progress)
            with suppress(subprocess.TimeoutExpired):
                process.wait(END_S)
            status = process.poll()
        took_s = time.monotonic() - started_s
        found = list(Path(work).glob("sessions/*/results.txt"))
        if status != 0 or len(found) != 1:
            raise BenchError(f"MLCommons' runner (-m {mode}) ended with exit status {status} and said: {said}")
        return read_results(found[0].read_text()), took_s


def _follow(process: subprocess.Popen[bytes], progress: Callable[[int], None]) -> str:
    """Read what a process prints until it closes its output; return its last line."""
    assert process.stdout is not None
    loaded, rest, last = 0, b"", ""
    with selectors.DefaultSelector() as selector:
        selector.register(process.stdout, selectors.EVENT_READ)
        while True:
            if not selector.select(SILENT_S):
                raise BenchError(f"MLCommons' runner has printed nothing for {SILENT_S:.0f} s; its last line: {last}")
            data = os.read(process.stdout.fileno(), 65536)
            if not data:
                return last or rest.decode(errors="replace").strip() or "nothing"
            *lines, rest = (rest + data).split(b"\n")
            for line in lines:
                last = line.decode(errors="replace").strip() or last
                if "Load complete" in last:
                    loaded += 1
                    progress(loaded)


def measure_runner(tree: Path, listener: Listener) -> list[tuple[str, str, str]] | None:
    """Return the rows of MLCommons' runner; None without the keyword files.

    Args:
        tree: Of MLCommons' repository.
        listener: Shows progress.

    Raises:
        BenchError: when one of the programs fails.
    """
    task = find_task(TASK)
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        if not write_keywords(task, folder):
            return None
        short = Request(task=task.name, device=DEVICE, model=MODEL, modes=("accuracy",), limit=1)
        _, run = run_benchmark(short, folder / "runs", listener)
        files = len(load_dataset(task).samples)
        with served(run / ELF_FILE, DEVICE) as port:
            measured, results = matching_performance(tree, port, folder, listener)
            listener.log("accuracy: benchmark-run, then MLCommons' runner")
            answered, ours_s = our_run(port, "accuracy", None, folder)
            show = _shows(listener, "MLCommons' runner -m a", files)
            accuracy, theirs_s = their_run(tree, port, "a", 0, folder, show)
    return runner_rows(results, accuracy, (measured, answered), (theirs_s, ours_s))


def matching_performance(tree: Path, port: str, folder: Path, listener: Listener) -> tuple[dict[str, Any], Results]:
    """Return our record and their results; with longer windows where theirs calls them too fast for the host's clock.

    Args:
        tree: Of MLCommons' repository.
        port: Of the board.
        folder: Has the data set, and gets the runs.
        listener: Shows progress.

    Raises:
        BenchError: when one of the programs fails.
    """
    iterations: int | None = None
    for attempt in range(ATTEMPTS):
        listener.log("performance: benchmark-run, then MLCommons' runner")
        record, _ = our_run(port, "performance", iterations, folder)
        inferences = record["performance"]["iterations"]
        show = _shows(listener, "MLCommons' runner -m p", PERFORMANCE_FILES)
        results, _ = their_run(tree, port, "p", inferences, folder, show)
        if attempt + 1 < ATTEMPTS and any(error.startswith(TOO_FAST) for error in results.errors):
            listener.log(f"MLCommons' runner: {'; '.join(results.errors)} Again with twice as many inferences")
            iterations = 2 * inferences
            continue
        break
    return record, results


def _shows(listener: Listener, stage: str, total: int) -> Callable[[int], None]:
    first_s = 0.0

    def show(done: int) -> None:
        nonlocal first_s
        now = time.monotonic()
        first_s = first_s or now  # not from the start: the runner imports its libraries first
        left = f"about {(now - first_s) / (done - 1) * (total - done):.0f} s left" if done > 1 else "begun"
        listener.progress(Progress(stage, done, total, left))

    return show
