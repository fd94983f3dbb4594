# SPDX-License-Identifier: Apache-2.0
"""``micronet-train`` says what is wrong before it spends minutes."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from harness.cli import train


def call(*words: str) -> Result:
    return CliRunner().invoke(train.main, words)


@pytest.fixture
def with_tensorflow(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(train, "_require_tensorflow", lambda: None)


def test_an_unknown_network_lists_those_there_are(tmp_path: Path) -> None:
    done = call("vgg", "--out", str(tmp_path))
    assert done.exit_code == 2 and "no network 'vgg'" in done.output and "micronet-kws-s" in done.output


def test_without_tensorflow_it_says_how_to_get_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "tensorflow", None)
    done = call("micronet-kws-s", "--out", str(tmp_path))
    assert done.exit_code == 2 and "pip install '.[train]'" in done.output


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (("micronet-kws-s", "--distill", "mlperf-vww"), "model mlperf-vww is for task vww, not kws"),
        (("mlperf-ic",), "there is no recipe for task ic"),
        (("ad-autoencoder", "--passes", "3"), "no recipe with passes"),
        (("ad-autoencoder-wide",), "no recipe with these layers"),
    ],
)
@pytest.mark.usefixtures("with_tensorflow")
def test_what_does_not_go_together_is_named(
    words: tuple[str, ...], message: str, tmp_path: Path, data_dir: Path
) -> None:
    done = call(*words, "--out", str(tmp_path), "--data", str(data_dir))
    assert done.exit_code == 2 and message in done.output, done.output


@pytest.mark.usefixtures("with_tensorflow")
def test_a_training_that_was_begun_is_not_overwritten(tmp_path: Path) -> None:
    (tmp_path / "float.npz").write_bytes(b"")
    done = call("micronet-ad-s", "--out", str(tmp_path))
    assert done.exit_code == 2 and "add --resume" in done.output
    assert (tmp_path / "float.npz").exists()
