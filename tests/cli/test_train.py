# SPDX-License-Identifier: Apache-2.0
"""``micronet-train``: errors before it spends minutes, and the way from nothing to a model that compiles."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result

from mlperf_tiny.cli import compile as compile_command
from mlperf_tiny.cli import train
from mlperf_tiny.models.arch.arch import Arch
from mlperf_tiny.models.arch.blocks import Conv, Flatten, GlobalPool
from mlperf_tiny.models.data.synthetic.sets import run_clips

FORMS = ("float", "int8_in_training", "tflite")


def call(*words: str) -> Result:
    return CliRunner().invoke(train.main, words)


@pytest.fixture
def with_tensorflow(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(train, "require_tensorflow", lambda: None)


def test_unknown_network_lists_the_known_ones(tmp_path: Path) -> None:
    done = call("vgg", "--out", str(tmp_path))
    assert done.exit_code == 2 and "no network 'vgg'" in done.output and "micronet-kws-s" in done.output


def test_help_shows_where_defaults_are_from_and_hides_the_old_name_of_an_option() -> None:
    text = " ".join(call("--help").output.split())
    assert text.count("[default: from the") == 6
    assert "--augmented-epochs" in text and "--passes" not in text


def test_missing_tensorflow_names_the_command_that_installs_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "tensorflow", None)
    done = call("micronet-kws-s", "--out", str(tmp_path))
    assert done.exit_code == 2 and "pip install 'mlperf-tiny-harness[train]'" in done.output


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (("micronet-kws-s", "--distill", "mlperf-vww"), "model mlperf-vww is for task vww, not kws"),
        (("mlperf-ic",), "no training recipe for network mlperf-ic"),
        (("ad-autoencoder", "--int8-epochs", "3"), "has no quantisation-aware training"),
        (("ad-autoencoder", "--distill", "mlperf-ad"), "has no classes to distil"),
        (("ad-autoencoder-wide",), "no training recipe for network ad-autoencoder-wide"),
    ],
)
@pytest.mark.usefixtures("with_tensorflow")
def test_options_that_do_not_fit_the_network_are_refused(
    words: tuple[str, ...], message: str, tmp_path: Path, data_dir: Path
) -> None:
    done = call(*words, "--out", str(tmp_path), "--data", str(data_dir))
    assert done.exit_code == 2 and message in done.output, done.output


@pytest.mark.usefixtures("with_tensorflow")
def test_checkpoints_are_not_overwritten_without_resume(tmp_path: Path) -> None:
    (tmp_path / "float.npz").write_bytes(b"")
    done = call("micronet-ad-s", "--out", str(tmp_path))
    assert done.exit_code == 2 and "add --resume" in done.output
    assert (tmp_path / "float.npz").exists()


def test_training_from_nothing_to_a_model_that_compiles(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    pytest.importorskip("tensorflow")
    monkeypatch.delenv("MLPERF_TINY_DATA", raising=False)
    monkeypatch.setattr("mlperf_tiny.models.training.datasets.machines.TEST_CLIPS", 1)
    monkeypatch.setattr("mlperf_tiny.models.training.datasets.machines.run_clips", lambda: run_clips()[:8])
    words = ("--clips", "1", "--epochs", "1", "--int8-epochs", "1", "--passes", "1", "--cache", str(tmp_path / "cache"))
    out = tmp_path / "out"
    done = call("micronet-ad-s", "--out", str(out), *words)
    assert done.exit_code == 0, done.output
    figures = json.loads(done.stdout)
    assert {form: row["run_set"]["clips"] for form, row in figures.items()} == dict.fromkeys(FORMS, 8)
    card = json.loads((out / "card.json").read_text())
    assert (card["name"], card["figures"], card["recipe"]["epochs"]) == ("ad-s", figures, 1)
    assert card["recipe"]["augmented_epochs"] == 1
    assert "micronet-ad-s" in done.stderr and "float training 1/1" in done.stderr

    compiled = CliRunner().invoke(compile_command.main, [str(out / "model.tflite"), "--out", str(tmp_path / "c")])
    assert compiled.exit_code == 0, compiled.output
    again = call("micronet-ad-s", "--out", str(out), *words, "--resume")
    assert again.exit_code == 0 and json.loads(again.stdout) == figures
    other = call("micronet-ad-s", "--out", str(out), *words[:-4], "--augmented-epochs", "2", *words[-2:], "--resume")
    assert other.exit_code == 2 and "of a training with other settings" in other.stderr


SMALL_TRAINING = """
import sys
sys.argv[0] = "mlperf-tiny"  # a program of its own ends without the finalisers of TensorFlow
from tests.cli.test_train import make_small
make_small(setattr)
from mlperf_tiny.cli.main import main
main(sys.argv[1:])
"""
SMALL_WORDS = ("micronet-ad-small", "--clips", "1", "--epochs", "24", "--int8-epochs", "0", "--augmented-epochs", "1")


def make_small(change: Callable[[Any, str, Any], None]) -> None:
    """Let a network of three layers be trained on a few clips: most of a second is TensorFlow's and not ours."""
    from mlperf_tiny.models.arch import zoo
    from mlperf_tiny.models.training.datasets import machines

    clips = run_clips()[:8]
    blocks = (Conv(8, stride=(4, 4)), GlobalPool(), Conv(8, (1, 1), relu="none", batch_norm=False), Flatten())
    small = Arch(name=SMALL_WORDS[0], input_shape=(32, 32, 1), blocks=blocks, pipeline="micronet-ad")
    change(zoo, "ARCHS", (small,))
    change(machines, "TEST_CLIPS", 1)
    change(machines, "run_clips", lambda: clips)


def interrupted_in_steps(words: list[str], out: Path) -> tuple[int, str, float]:
    """Exit status, messages and the seconds to its end of a training interrupted after its first epochs."""
    log = out.with_name("messages.txt")
    environ = {**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)}
    with log.open("wb") as stderr:
        process = subprocess.Popen(
            [sys.executable, "-c", SMALL_TRAINING, "train", *words],
            stdout=subprocess.DEVNULL,
            stderr=stderr,
            env=environ,
        )
        while not (out / "float.npz").exists() and process.poll() is None:
            time.sleep(0.01)
        time.sleep(0.1)
        sent_s = time.monotonic()
        process.send_signal(signal.SIGINT)
        status = process.wait(60)
    return status, log.read_text(), time.monotonic() - sent_s


@pytest.mark.slow
@pytest.mark.skipif(os.name != "posix", reason="signals of POSIX systems")
def test_a_training_interrupted_in_its_steps_is_continued_to_the_same_bytes(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    pytest.importorskip("tensorflow")
    monkeypatch.delenv("MLPERF_TINY_DATA", raising=False)
    make_small(monkeypatch.setattr)
    whole, out = tmp_path / "whole", tmp_path / "out"
    # The augmented epoch is made before the first one: a signal after the first checkpoint meets steps.
    words = [*SMALL_WORDS, "--cache", str(tmp_path / "cache"), "--out", str(out)]
    with ThreadPoolExecutor(1) as beside:
        interrupted = beside.submit(interrupted_in_steps, words, out)
        assert call(*SMALL_WORDS, "--cache", str(tmp_path / "other cache"), "--out", str(whole)).exit_code == 0
        ended, text, seconds = interrupted.result()
    assert (ended, "Traceback" in text, (out / "model.tflite").exists()) == (130, False, False), text
    assert f"the checkpoints in {out} are kept; continue with --resume" in text
    assert seconds < 6
    assert "float training 1/24" in text and "float training 24/24" not in text
    again = call(*words, "--resume")
    assert again.exit_code == 0, again.output
    assert (out / "model.tflite").read_bytes() == (whole / "model.tflite").read_bytes()
    assert json.loads((out / "card.json").read_text()) == json.loads((whole / "card.json").read_text())


@pytest.mark.slow
@pytest.mark.parametrize(("redirection", "wanted"), [("2>&1", "after\n"), ("2>&-", "")])
def test_tensorflow_is_imported_without_its_own_lines(redirection: str, wanted: str) -> None:
    pytest.importorskip("tensorflow")
    code = (
        "import sys; from mlperf_tiny.cli.train import require_tensorflow; require_tensorflow(); "
        "sys.stderr and print('after', file=sys.stderr)"
    )
    done = subprocess.run(
        ["bash", "-c", f'"$0" -c "$1" {redirection}', sys.executable, code], capture_output=True, text=True, check=True
    )
    assert done.stdout == wanted
