# SPDX-License-Identifier: Apache-2.0
"""Random and mutated commands against the monitor, with sanitizers. What is judged is listed in ``fuzz_monitor.c``.

A million lines: ``MONITOR_FUZZ_LINES=1000000 pytest tests/firmware/test_monitor_fuzz.py``.
"""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from mlperf_tiny.firmware.config import app_config
from mlperf_tiny.firmware.wire import InputFormat, ResultFormat, WireFormat

pytestmark = pytest.mark.toolchain

ROOT = Path(__file__).parents[2]
LINES = int(os.environ.get("MONITOR_FUZZ_LINES", "20000"))
BUILDS = {
    "kws": (InputFormat.INT8, ResultFormat.TRUNCATED, False),
    "vww": (InputFormat.UINT8, ResultFormat.ROUNDED, False),
    "ad": (InputFormat.FLOAT32, ResultFormat.MSE, False),
    "own format, energy": (InputFormat.INT8, ResultFormat.FINE, True),
}


def compiler() -> list[str]:
    """The system's compiler with both sanitizers, or the packaged one, which has the undefined-behaviour one."""
    flags = ["-g", "-O1", "-std=c11", "-Wall", "-Wextra", "-Werror", "-ffp-contract=off"]
    system = shutil.which("cc")
    if system and sys.platform == "linux":
        return [system, *flags, "-fsanitize=address,undefined", "-fno-sanitize-recover=all"]
    return [sys.executable, "-m", "ziglang", "cc", *flags, "-fsanitize=undefined", "-fno-sanitize-recover=all"]


@pytest.mark.parametrize("build", BUILDS)
def test_every_command_gets_one_answer(build: str, tmp_path: Path) -> None:
    taken, shown, energy = BUILDS[build]
    wire = WireFormat(model_id="fuzz01", input=taken, results=shown, buffer_bytes=300)
    (tmp_path / "app_config.h").write_text(app_config(67, wire, clock_hz=0, baud=115_200, energy=energy))
    monitor = [str(path) for path in sorted((ROOT / "firmware/monitor").glob("*.c")) if path.name != "main.c"]
    folders = [tmp_path, *(ROOT / "firmware" / name for name in ("monitor", "engine", "ports"))]
    program = tmp_path / "fuzz"
    driver = str(Path(__file__).with_name("fuzz_monitor.c"))
    subprocess.run(
        [*compiler(), *(f"-I{folder}" for folder in folders), driver, *monitor, "-o", str(program)], check=True
    )
    result = subprocess.run(
        [program, "1", str(LINES)], capture_output=True, text=True, timeout=60 + LINES / 1000, check=False
    )
    assert result.returncode == 0, result.stderr[-3000:]
    commands, refused, loads, inferences = map(int, re.findall(r"\d+", result.stdout))
    assert commands == LINES
    # The generator reaches what it is meant to reach.
    assert LINES // 10 < refused < LINES
    assert loads > LINES // 1000
    assert inferences > LINES // 100
