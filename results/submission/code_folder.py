# SPDX-License-Identifier: Apache-2.0
"""``code/<benchmark>/<system>``: what a reviewer needs to rebuild the image and to repeat the run."""

from __future__ import annotations

import shlex

from mlperf_tiny.harness.image.engines import ENGINES
from mlperf_tiny.harness.image.parts import recorded_parts
from mlperf_tiny.harness.record.record import RunRecord
from mlperf_tiny.harness.record.settings import Settings
from mlperf_tiny.models.catalog.catalog import model_names
from mlperf_tiny.models.tasks import find_task
from mlperf_tiny.results.mlperf.names import NO_SILICON, Names
from mlperf_tiny.results.submission.runner_files import PROGRAM

MODEL, README, SOURCE = "model.tflite", "README.md", "source"
RUN_TRANSCRIPT, RUN_RECORD = "run/transcript.jsonl", "run/record.json"


def code_folder(record: RunRecord, names: Names, run: dict[str, bytes]) -> dict[str, bytes]:
    """Return the folder's files, path to content, without its manifest.

    They hold every source of the image of the compiled engine; an engine from outside has its own licence, and none.

    Args:
        record: The run.
        names: The names of its result.
        run: The files ``MODEL``, ``RUN_TRANSCRIPT`` and ``RUN_RECORD`` of the run.

    Raises:
        BuildError: The model cannot be compiled.
    """
    files = dict(run)
    if has_sources(record.settings):
        parts = recorded_parts(record.settings, run[MODEL], record.settings.model.name)
        files |= {f"{SOURCE}/{name}": content for name, content in parts.sources().items()}
    files[README] = _readme(record, names).encode()
    return files


def has_sources(settings: Settings) -> bool:
    """Return whether all sources of a run's image are this program's."""
    engine = ENGINES.get(settings.engine)
    return settings.firmware is not None and engine is not None and engine.sources_redistributable


def rerun_command(settings: Settings, iterations: int | None) -> str:
    """Return the ``benchmark-run`` command that repeats a run, in the folder that holds ``model.tflite``.

    Args:
        settings: The run's settings.
        iterations: Iterations of its windows; None: they are calibrated again.
    """
    named = settings.model.name in model_names() and settings.model.origin != "path"
    words = ["benchmark-run", "--task", settings.task, "--model", settings.model.name if named else MODEL]
    words += ["--device", settings.device.device]
    firmware = settings.firmware
    if firmware is None:
        return shlex.join([*words, "--port", "PORT"])
    words += ["--engine", settings.engine, "--toolchain", firmware.toolchain]
    words += ["--baud", str(firmware.baud)] if settings.device.timing == "emulated" else []
    words += ["--timing", settings.device.timing_level] if settings.device.timing_level else []
    words += ["--iterations", str(iterations)] if iterations else []
    return shlex.join(words)


def _readme(record: RunRecord, names: Names) -> str:
    settings = record.settings
    version = settings.versions.get(PROGRAM, "")
    iterations = record.performance.iterations if record.performance else None
    blocks = [
        f"# {find_task(settings.task).title} ({settings.task}) on {names.system}\n\n"
        f"Made with {PROGRAM} {version} from run {settings.run_id}. {_how(settings)}",
        "## Build and run it again\n\n"
        f"Install {PROGRAM} {version} from its folder (`pip install .`), and name a folder with the benchmark's data."
        "\n\n```\nexport MLPERF_TINY_DATA=/path/to/data\n"
        f"benchmark-review --reproduce DIR\n{rerun_command(settings, iterations)}\n```\n\n"
        f"DIR is the folder that holds `{names.division}/`. The first command builds the image from the named model, "
        "engine and compiler, compares it bit for bit, runs it and compares every answer and every window. The second "
        "is the run by itself.",
        "## The model\n\n" + _table(_model_rows(settings)),
    ]
    if settings.firmware is not None:
        blocks.append("## The image\n\n" + _table(_image_rows(settings)))
    blocks.append("## Files\n\n" + _table(_file_rows(settings)))
    return "\n\n".join(blocks) + "\n"


def _how(settings: Settings) -> str:
    timing = settings.device.timing
    if timing in NO_SILICON:
        where = "an emulator" if timing == "emulated" else "a process of a computer"
        return f"Nothing of it ran on a board: the device was {where}."
    return "It was made on a board that held its image already; the harness did not build that image."


def _model_rows(settings: Settings) -> list[tuple[str, str]]:
    model = settings.model
    return [
        ("name", f"{model.name} ({model.origin})"),
        ("sha256", model.sha256),
        ("licence", model.licence),
        ("from", model.url or "-"),
        ("trained on", f"{model.training_data} data"),
        ("division", settings.division),
    ]


def _image_rows(settings: Settings) -> list[tuple[str, str]]:
    firmware = settings.firmware
    assert firmware is not None
    return [
        ("sha256 of the ELF", firmware.elf_sha256),
        ("engine", " ".join(filter(None, (settings.engine, firmware.engine_version)))),
        ("kernels", firmware.kernels),
        ("compiler", firmware.compiler),
        ("flags", " ".join(firmware.flags)),
        (f"sources of {PROGRAM}", f"{settings.versions.get(PROGRAM, '')}, digest {firmware.source_digest}"),
        ("flash, RAM, arena", f"{firmware.flash_bytes:,} {firmware.ram_bytes:,} {firmware.arena_bytes:,} bytes"),
    ]


def _file_rows(settings: Settings) -> list[tuple[str, str]]:
    rows = [
        (f"`{MODEL}`", "the model that was run"),
        (f"`{RUN_TRANSCRIPT}`", "every line to and from the device, as a hash chain"),
        (f"`{RUN_RECORD}`", "the metrics, computed from it"),
        ("`submission.json`", "the sha256 of every file of this result"),
    ]
    if has_sources(settings):
        rows.insert(1, (f"`{SOURCE}/`", "everything the image was compiled from: generated C, kernels, monitor, port"))
    return rows


def _table(rows: list[tuple[str, str]]) -> str:
    return "\n".join(["| | |", "|---|---|", *(f"| {name} | {text.replace('|', '/')} |" for name, text in rows)])
