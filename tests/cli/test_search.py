# SPDX-License-Identifier: Apache-2.0
"""``micronet-search``: wrong requests, and small searches by each method whose networks meet their limits."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from click.testing import CliRunner

from mlperf_tiny.cli.search import main
from mlperf_tiny.models.arch.row_file import read_arch

LIMITS = ("--latency", "40ms", "--ram", "60kB", "--flash", "90kB")


def search(*words: str | Path) -> tuple[int, str, str]:
    result = CliRunner().invoke(main, [str(word) for word in words])
    return result.exit_code, result.stdout, result.stderr


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (("--task", "kws", "--device", "stm32f446"), "a search needs a limit"),
        (("--task", "kws", "--device", "stm32f446", "--latency", "40"), "--latency is '40'; wanted a number above 0"),
        (("--task", "kws", "--device", "host", "--latency", "4ms"), "device host is a process"),
        (("--task", "kws", "--device", "stm32f447", "--latency", "4ms"), "stm32f447"),
        (("--task", "kws", "--device", "stm32f446", *LIMITS, "--space", "ad"), "space ad is of task ad, not of kws"),
        (("--task", "kws", "--device", "stm32f446", *LIMITS, "--cost", "energy"), "--cost energy needs a limit"),
        (("--task", "kws", "--device", "stm32f446", *LIMITS, "--cost", "speed"), "speed"),
        (("--task", "kws", "--device", "stm32f446", *LIMITS, "--method", "dna"), "dnas"),
        (("--task", "ad", "--device", "stm32f446", *LIMITS, "--engine", "onnx"), "there is no engine 'onnx'"),
    ],
)
def test_wrong_request_is_refused(words: tuple[str, ...], message: str, tmp_path: Path) -> None:
    status, _, errors = search(*words, "--out", tmp_path / "out")
    assert status == 2 and message in errors and errors.lower().count("error:") == 1
    assert not (tmp_path / "out").exists()


def test_file_in_place_of_the_folder_is_refused(tmp_path: Path) -> None:
    (tmp_path / "out").write_text("kept")
    status, _, errors = search("--task", "ad", "--device", "stm32f446", *LIMITS, "--out", tmp_path / "out")
    assert status == 2 and "out is a file; wanted a folder. Name another one." in errors
    assert (tmp_path / "out").read_text() == "kept"


@pytest.mark.parametrize("method", ["width"])
def test_network_that_is_found_meets_its_limits(method: str, tmp_path: Path, data_dir: Path) -> None:
    pytest.importorskip("tensorflow")
    words = ("--task", "kws", "--device", "stm32f446", *LIMITS, "--method", method, "--data", data_dir)
    status, text, errors = search(*words, "--out", tmp_path)
    assert status == 0, errors
    report = json.loads((tmp_path / "search.json").read_text())
    for name, most in report["limits"].items():
        assert 0.8 * most < report["measured"][name] <= most or name != "latency_ms"
        assert report["measured"][name] <= most
    assert read_arch(tmp_path / "network.json").macs * 2 == report["ops"]
    assert "kws-width on stm32f446, compiled, emulated" in text
    assert (tmp_path / "history.png").read_bytes()[:4] == b"\x89PNG"
    status, _, errors = search(*words[:4], "--ram", "50kB", "--method", method, "--data", data_dir, "--out", tmp_path)
    assert status == 2 and "holds a search with another limits. Use the same, or another --out" in errors
