# SPDX-License-Identifier: Apache-2.0
"""``micronet-characterize``: wrong requests, and a small table measured by the workers of a scheduler."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from mlperf_tiny.cli.characterize import main
from mlperf_tiny.search.characterize.table import LAYERS, MEASURED, MODELS


def invoke(*words: str) -> Result:
    return CliRunner().invoke(main, list(words))


@pytest.mark.parametrize(
    "words, message",
    [
        (("kw", "--device", "stm32f746"), "there is no search space 'kw'; choose one of kws, ad"),
        (("kws", "--device", "host"), "device host is a process"),
        (("kws", "--device", "stm32f74"), "stm32f746"),
        (("kws", "--device", "stm32f746", "--engine", "onnx"), "onnx"),
        (("kws", "--device", "stm32f746", "--timing", "exact"), "exact"),
        (("kws", "--device", "stm32f746", "--models", "0"), "--models"),
        (("kws", "--device", "stm32f746", "--scheduler", "nowhere"), "no Dask scheduler at nowhere"),
    ],
)
def test_wrong_requests_are_named(words: tuple[str, ...], message: str, tmp_path: Path) -> None:
    pytest.importorskip("distributed")
    pytest.importorskip("ai_edge_litert")
    result = invoke(*words, "--out", str(tmp_path / "out"))
    assert result.exit_code == 2 and message in result.stderr and not (tmp_path / "out").exists()


@pytest.mark.skipif(os.name != "posix", reason="signals of POSIX systems")
def test_ctrl_c_is_reported_once_and_leaves_no_process(tmp_path: Path) -> None:
    pytest.importorskip("distributed")
    pytest.importorskip("ai_edge_litert")
    words = [sys.executable, "-m", "mlperf_tiny", "characterize", "ad", "--device", "stm32f446", "--out", str(tmp_path)]
    environ = {**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)}
    with subprocess.Popen(words, stderr=subprocess.PIPE, text=True, start_new_session=True, env=environ) as process:
        while not (tmp_path / MEASURED).exists() and process.poll() is None:
            time.sleep(0.05)
        time.sleep(0.5)
        os.killpg(process.pid, signal.SIGINT)  # as a terminal does, to the workers too
        _, messages = process.communicate(timeout=20)
    assert process.returncode == 130 and messages.splitlines()[-2:] == [
        f"what was measured is kept in {tmp_path}; the same command continues",
        "interrupted",
    ]
    assert messages.count("interrupted") == 1
    with pytest.raises(ProcessLookupError):
        for _ in range(100):  # the last of them end a moment after their parent
            os.killpg(process.pid, 0)
            time.sleep(0.05)


@pytest.mark.emulator
def test_a_small_table(tmp_path: Path) -> None:
    pytest.importorskip("distributed")
    pytest.importorskip("ai_edge_litert")
    words = ("ad", "--device", "stm32f446", "--models", "3", "--timing", "instructions", "--workers", "1", "--json")
    result = invoke(*words, "--out", str(tmp_path))
    assert result.exit_code == 0, result.stderr
    report = json.loads(result.stdout)
    assert report["networks"]["points"] == 3 and report["networks"]["r2"] > 0.9
    assert (report["space"], report["target"]["device"]) == ("ad", "stm32f446")
    assert "measuring 3/3" in result.stderr and {MODELS, LAYERS} <= {path.name for path in tmp_path.iterdir()}
    # The same command again measures nothing.
    again = invoke(*words, "--out", str(tmp_path))
    assert again.stdout == result.stdout and "measuring" not in again.stderr
