# SPDX-License-Identifier: Apache-2.0
"""The system description ``systems/<system>.json``: every key of the rules' template, from what a run recorded.

All results of a system share it, so no model or task is in it. A run without a board is marked in the board's name, in
the hardware notes and in the status.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path

from mlperf_tiny.errors import DataError, UsageError, WrongRequest, did_you_mean
from mlperf_tiny.firmware.boards import DEVICES, KIB, Board, Memory
from mlperf_tiny.harness.image.engines import ENGINES
from mlperf_tiny.harness.record.record import RunRecord
from mlperf_tiny.harness.record.settings import Settings
from mlperf_tiny.results.mlperf.json_text import parse_json
from mlperf_tiny.results.mlperf.names import NO_SILICON, Names
from mlperf_tiny.results.mlperf.system import MAX_DESCRIPTION_BYTES
from mlperf_tiny.results.submission.runner_files import PROGRAM

TEMPLATE = (
    "Submitter",
    "Division",
    "Status",
    "Board Name",
    "Board Memory capacity (not including SoC, processor, or accelerator)",
    "Board Memory type",
    "Board storage capacity",
    "Board storage type",
    "SoC Name",
    "SoC Memory capacity (not including processor or accelerator)",
    "SoC Memory type",
    "SoC storage capacity",
    "SoC storage type",
    "Processor(s) Name",
    "Processor(s) Frequencies",
    "Processor memory type and capacity",
    "Processor storage type and capacity",
    "Accelerator",
    "Accelerator(s) Frequencies",
    "Accelerator memory type and capacity",
    "Accelerator storage type and capacity",
    "Hardware Notes",
    "Inference Framework",
    "Software Libraries",
    "Operating System ",  # the template has this blank
    "Other Software Stack",
    "Software Notes",
    "Quantization Method",
    "Training framework (open division)",
    "ML Model Compiler(s)",
    "General Compiler(s)",
    "Other Software",
    "Training and Quantization Notes",
)
"""Keys of the template in the results repositories (tiny_results_v1.0, system_description_template.json), in order."""

NO_BOARD = "NOTHING OF THIS SYSTEM RAN ON"
"""How the hardware notes of a run without a board begin; a review demands it."""

NOT_MEASURED = "No energy was measured and none is submitted."
NOT_KNOWN = "not known to the harness: the board held its image already"


FIXED_KEYS = ("Submitter", "Division", "Status")
FIXED_KEYS_WITHOUT_BOARD = (*FIXED_KEYS, "Board Name", "SoC Name", "Hardware Notes")
"""Keys that overrides may not replace: those of the command line, and those that mark a run without a board."""

MAX_TEXT = 1000


def read_overrides(path: Path) -> dict[str, str]:
    """Return a submitter's keys and texts from a JSON file; raises DataError for any other file."""
    try:
        value = parse_json(path.read_bytes()[: MAX_DESCRIPTION_BYTES + 1], str(path))
    except OSError as error:
        raise WrongRequest(f"{path} cannot be read: {error.strerror}. Name another file with --describe.") from error
    except DataError as error:
        raise WrongRequest(str(error)) from error
    if not isinstance(value, dict):
        raise WrongRequest(f"{path} is not a JSON object of keys and texts. Name another file with --describe.")
    known = {key.strip(): key for key in TEMPLATE}
    for key, text in value.items():
        if key.strip() not in known:
            raise WrongRequest(
                f"{path}: unknown key {key[:80]!r}. docs/submission.md lists the keys of a system description."
                + did_you_mean(key, known)
            )
        if not isinstance(text, str) or len(text) > MAX_TEXT:
            raise WrongRequest(f"{path}: value of {key[:80]!r} is not a text of at most {MAX_TEXT} characters.")
    return {known[key.strip()]: text for key, text in value.items()}


def check_overrides(timing: str, overrides: Mapping[str, str] | None) -> None:
    """Check that a submitter may override these keys.

    Args:
        timing: Timing of the run: ``hardware``, ``emulated`` or ``host``.
        overrides: The submitter's values.

    Raises:
        UsageError: A key is fixed by the harness for such a run.
    """
    fixed = FIXED_KEYS_WITHOUT_BOARD if timing in NO_SILICON else FIXED_KEYS
    if taken := [key for key in overrides or () if key in fixed]:
        raise UsageError(
            f"--describe cannot set {', '.join(taken)} of this run; remove {'them' if taken[1:] else 'it'} there."
        )


def description(record: RunRecord, names: Names, overrides: Mapping[str, str] | None = None) -> bytes:
    """Return the description of a run's system as JSON text.

    Args:
        record: The run.
        names: The names of its result.
        overrides: The submitter's values, which replace the harness's own.

    Raises:
        UsageError: As ``check_overrides``.
    """
    settings = record.settings
    check_overrides(settings.device.timing, overrides)
    board = DEVICES.get(settings.device.device)
    values = {
        "Submitter": names.submitter,
        "Division": names.division,
        "Status": names.status,
        **_hardware(settings, board),
        **_software(settings),
        **_model(settings),
        **(overrides or {}),
    }
    unknown = values.keys() - set(TEMPLATE)
    assert not unknown, unknown
    return (json.dumps({key: values.get(key, "") for key in TEMPLATE}, indent=1) + "\n").encode()


def _hardware(settings: Settings, board: Board | None) -> dict[str, str]:
    device = settings.device
    if board is None or board.is_host:
        return {
            "Board Name": "host: a process on a computer, no board",
            "SoC Name": "host",
            "Processor(s) Name": f"of a computer with {settings.versions.get('os', 'an operating system')}",
            "Hardware Notes": f"{_no_silicon(settings)} {NOT_MEASURED}",
        }
    emulated = "emulated " if device.timing in NO_SILICON else ""
    memories = {memory.name: memory for memory in board.memories}
    flash = memories.pop("flash")
    return {
        "Board Name": emulated + (device.boards[0] if device.boards else device.device),
        "SoC Name": emulated + device.device,
        "SoC Memory capacity (not including processor or accelerator)": _size(memories["ram"]),
        "SoC Memory type": "SRAM",
        "SoC storage capacity": _size(flash),
        "SoC storage type": "flash",
        "Processor(s) Name": device.cpu,
        "Processor(s) Frequencies": f"{device.clock_hz / 1e6:g} MHz",
        "Processor memory type and capacity": ", ".join(
            [f"{memory.name.upper()} {_size(memory)}" for memory in memories.values()] + _caches(board)
        ),
        "Processor storage type and capacity": f"flash {_size(flash)}",
        "Hardware Notes": " ".join(filter(None, (_no_silicon(settings), NOT_MEASURED))),
    }


def _size(memory: Memory) -> str:
    return f"{memory.size_bytes // KIB} KiB"


def _caches(board: Board) -> list[str]:
    system = board.memory_system
    caches = {"instruction": system.instruction_cache, "data": system.data_cache} if system else {}
    return [f"{name} cache {cache.size_bytes // KIB} KiB" for name, cache in caches.items() if cache]


def _no_silicon(settings: Settings) -> str:
    """What marks a run without a board; "" of one on a board."""
    device = settings.device
    if device.timing == "emulated":
        return (
            f"{NO_BOARD} SILICON: the image that would be flashed to the board ran in an emulator "
            f"of its chip, and time is that of a model of the core ({device.timing_model or 'version unknown'})."
        )
    if device.timing == "host":
        return (
            f"{NO_BOARD} A BOARD: the firmware was built as a process of a computer, whose time, "
            "shared with whatever else that computer did, was measured."
        )
    return ""


def _software(settings: Settings) -> dict[str, str]:
    version = f"{PROGRAM} {settings.versions.get(PROGRAM, '')}".strip()
    firmware, emulator = settings.firmware, settings.versions.get("unicorn", "")
    runner = f"Runner: {version}; the files have the form of MLCommons' runner, which was not used."
    values = {
        "Operating System ": settings.versions.get("os", "")
        if settings.device.timing == "host"
        else "none (bare metal)",
        "Software Notes": f"{runner} Every line to and from the device is in code/<benchmark>/<system>/run.",
        "Other Software": f"emulator: unicorn {emulator}" if settings.device.timing == "emulated" else "",
    }
    if firmware is None:
        return {**values, "Operating System ": "", "Inference Framework": NOT_KNOWN, "General Compiler(s)": NOT_KNOWN}
    engine = ENGINES.get(settings.engine)
    own = engine is not None and engine.sources_redistributable
    return {
        **values,
        "Inference Framework": f"{settings.engine} engine of {version}" if own else firmware.engine_version,
        "Software Libraries": f"{firmware.kernels} kernels" + (f" of {version}" if own else ""),
        "ML Model Compiler(s)": f"{version} (.tflite to C)" if own else "none: the model is interpreted",
        "General Compiler(s)": f"{firmware.compiler}: {' '.join(firmware.flags)}",
    }


def _model(settings: Settings) -> Mapping[str, str]:
    if settings.division == "closed":
        return {
            "Quantization Method": "none of our own: the benchmark's int8 reference .tflite files, unchanged",
            "Training and Quantization Notes": "the reference models of mlcommons/tiny, byte for byte",
        }
    return {
        "Quantization Method": "int8; the .tflite files are in code/<benchmark>/<system>",
        "Training framework (open division)": "of each model in code/<benchmark>/<system>/README.md",
        "Training and Quantization Notes": "of each model in code/<benchmark>/<system>/README.md",
    }
