# SPDX-License-Identifier: Apache-2.0
"""Commands where the system gives less than usual: no home, the C locale, a folder that is read-only or full."""

from __future__ import annotations

import errno
import os
import subprocess
import sys
from dataclasses import dataclass, field
from pathlib import Path

import pytest
from click.testing import CliRunner

from mlperf_tiny.cli import run
from mlperf_tiny.terminal import printable_lines, sanitize_for_terminal
from tests.cli.test_run import on_fake
from tests.fakes.data_sets import kws_folder, one_hot
from tests.fakes.device import FakeDevice

pytestmark = pytest.mark.skipif(os.name != "posix", reason="homes and locales of POSIX systems")

C_LOCALE = {"LC_ALL": "C", "PYTHONUTF8": "0", "PYTHONCOERCECLOCALE": "0", "PYTHONIOENCODING": "ascii"}
NO_HOME = """
import os, pwd
def nobody(*_):
    raise KeyError("uid not found")
os.environ.pop("HOME", None)
pwd.getpwuid = nobody
"""
NO_WRITING = """
import errno, os
def fail(*_, **__):
    raise OSError(errno.{name}, os.strerror(errno.{name}))
os.replace = os.rename = os.mkdir = fail
"""
RUN = """
import sys
from mlperf_tiny.cli.main import main
main(sys.argv[1:])
"""
NO_FOLDER = "HOME is not set and this user has no home folder. Name one with MLPERF_TINY_CACHE."


@dataclass(frozen=True, kw_only=True)
class Situation:
    """What a command meets, and how it has to end."""

    title: str
    words: tuple[str, ...]
    """The command; {tmp} is an empty folder."""
    status: int
    says: str
    """Part of what it prints."""
    before: str = ""
    """Python that runs before the command."""
    environ: dict[str, str] = field(default_factory=dict)


SITUATIONS = [
    Situation(
        title="fetch without a home",
        words=("fetch", "kws"),
        status=1,
        says=f"error: there is no folder for downloads and built images: {NO_FOLDER}",
        before=NO_HOME,
    ),
    Situation(
        title="train without a home",
        words=("train", "micronet-kws-s", "--out", "{tmp}/t"),
        status=1,
        says=NO_FOLDER,
        before=NO_HOME,
    ),
    Situation(
        title="compile without a home",
        words=("compile", "{tmp}/é.tflite", "--out", "{tmp}/c"),
        status=0,
        says="written to",
        before=NO_HOME,
    ),
    Situation(
        title="leaderboard of a missing folder in the C locale",
        words=("leaderboard", "{tmp}/Läufe"),
        status=2,
        says="Läufe does not exist. Name a run",
        environ=C_LOCALE,
    ),
    Situation(
        title="review of a missing folder in the C locale",
        words=("review", "{tmp}/Läufe"),
        status=2,
        says="Läufe cannot be read: No such file",
        environ=C_LOCALE,
    ),
    Situation(
        title="run of a missing model in the C locale",
        words=("run", "--model", "{tmp}/fehlt é.tflite"),
        status=2,
        says="fehlt é.tflite is a model file without a task",
        environ=C_LOCALE,
    ),
    Situation(
        title="compile in the C locale",
        words=("compile", "{tmp}/é.tflite", "--out", "{tmp}/Läufe"),
        status=0,
        says="/Läufe: model.c",
        environ=C_LOCALE,
    ),
    Situation(
        title="compile into a read-only folder",
        words=("compile", "{tmp}/é.tflite", "--out", "{tmp}/c"),
        status=1,
        says="cannot be written: Read-only file system",
        before=NO_WRITING.format(name="EROFS"),
    ),
    Situation(
        title="compile onto a full disk",
        words=("compile", "{tmp}/é.tflite", "--out", "{tmp}/c"),
        status=1,
        says="is full. Free space there",
        before=NO_WRITING.format(name="ENOSPC"),
    ),
]


@pytest.mark.parametrize("row", SITUATIONS, ids=lambda row: row.title)
def test_a_command_ends_with_its_sentence(row: Situation, tmp_path: Path) -> None:
    model = Path(__file__).parents[2] / "models/pretrained/ad-autoencoder/model.tflite"
    (tmp_path / "é.tflite").write_bytes(model.read_bytes())
    environ = {name: value for name, value in os.environ.items() if not name.startswith(("MLPERF_TINY_CACHE", "XDG_"))}
    done = subprocess.run(
        [sys.executable, "-c", row.before + RUN, *(word.format(tmp=tmp_path) for word in row.words)],
        capture_output=True,
        env={**environ, **row.environ},
        cwd=tmp_path,
    )
    text = (done.stdout + done.stderr).decode()
    assert (done.returncode, "Traceback" in text, "Matplotlib" in text) == (row.status, False, False), text
    assert row.says in text


def test_messages_of_a_compiler_are_read_in_the_c_locale() -> None:
    script = """
from pathlib import Path
from mlperf_tiny.firmware import compilers
try:
    compilers.Compilers(Path(), "cc").run(["sh", "-c", "printf 'L\\\\303\\\\244ufe.c: bad' >&2; exit 1"])
except Exception as error:
    print(ascii(str(error)))
"""
    environ = {**os.environ, **C_LOCALE}
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, env=environ, encoding="ascii")
    assert "L\\xe4ufe.c: bad" in done.stdout, done.stdout + done.stderr


def test_names_that_the_locale_cannot_decode_are_shown_as_utf8() -> None:
    name = "Läufe".encode().decode("ascii", "surrogateescape")
    assert printable_lines(name) == sanitize_for_terminal(name) == "Läufe"
    assert printable_lines("a\udcff\ud800") == "a\\xff\\xd800"
    assert printable_lines("\udcc2\udc9b31m") == "\\x9b31m"  # a control character that UTF-8 bytes make


@pytest.mark.parametrize("code", [errno.ENOSPC, errno.EROFS])
@pytest.mark.parametrize("name", ["record.json", "board.csv"])
def test_a_file_that_cannot_be_written_after_a_run_is_written_by_resume(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str, code: int
) -> None:
    on_fake(monkeypatch, lambda: FakeDevice(infer=one_hot, timing="emulated"))
    words = [
        "--task",
        "kws",
        "--device",
        "stm32f746",
        "--port",
        "fake://",
        "--data",
        str(kws_folder(tmp_path / "data")),
    ]
    words += ["--out", str(tmp_path / "runs"), "--leaderboard", str(tmp_path / "board.csv")]
    replace = os.replace

    def fail(source: str, target: str) -> None:
        if Path(target).name == name:
            raise OSError(code, os.strerror(code), str(source), None, str(target))
        replace(source, target)

    with monkeypatch.context() as patch:
        patch.setattr(os, "replace", fail)
        done = CliRunner().invoke(run.main, words)
    (folder,) = (tmp_path / "runs").iterdir()
    assert done.exit_code == 1 and f"{name} cannot be written: " in done.stderr and f"--resume {folder}" in done.stderr
    again = CliRunner().invoke(run.main, [*words, "--resume", str(folder)])
    assert again.exit_code == 0 and (folder / "record.json").exists() and (tmp_path / "board.csv").exists()
