# SPDX-License-Identifier: Apache-2.0
"""Commands where the system gives less than usual: no home, the C locale, a folder that is read-only or full."""

from __future__ import annotations

import errno
import io
import os
import subprocess
import sys
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner

from mlperf_tiny.cli import run
from mlperf_tiny.harness.record.record_file import read_record
from tests.cli.test_c_locale import C_LOCALE
from tests.cli.test_run import on_fake
from tests.fakes.data_sets import kws_folder, one_hot
from tests.fakes.device import FakeDevice
from tests.harness.run.test_whole_runs import metrics_of

pytestmark = pytest.mark.skipif(os.name != "posix", reason="homes and locales of POSIX systems")

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
        status=2,
        says=f"error: there is no folder for downloads and built images: {NO_FOLDER}",
        before=NO_HOME,
    ),
    Situation(
        title="train without a home",
        words=("train", "micronet-kws-s", "--out", "{tmp}/t"),
        status=2,
        says=NO_FOLDER,
        before=NO_HOME,
    ),
    Situation(
        title="run without a home",
        words=("run", "--task", "ad", "--device", "host", "--out", "{tmp}/r", "--leaderboard", "{tmp}/b.csv"),
        status=2,
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
        title="run with a read-only cache",
        words=("run", "--task", "ad", "--device", "host", "--out", "r", "--leaderboard", "b.csv"),
        status=1,
        says="the folder for built images c/images cannot be made: Read-only file system. Name a writable folder with",
        before=NO_WRITING.format(name="EROFS"),
        environ={"MLPERF_TINY_CACHE": "c"},
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


def run_words(folder: Path) -> list[str]:
    """The words of a run on a device that is named by a port."""
    words = ["--task", "kws", "--device", "stm32f746", "--port", "fake://", "--data", str(kws_folder(folder / "data"))]
    return [*words, "--out", str(folder / "runs"), "--leaderboard", str(folder / "board.csv")]


@pytest.mark.parametrize("code", [errno.ENOSPC, errno.EROFS])
@pytest.mark.parametrize("name", ["record.json", "board.csv"])
def test_a_file_that_cannot_be_written_after_a_run_is_written_by_resume(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str, code: int
) -> None:
    on_fake(monkeypatch, lambda: FakeDevice(infer=one_hot, timing="emulated"))
    words = run_words(tmp_path)
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


class FullAfter(io.FileIO):
    """A file on a disk that has space for some bytes more; what still fits of a piece is written, as systems do."""

    def __init__(self, path: Path, space_bytes: int) -> None:
        super().__init__(path, "ab")
        self.space_bytes = space_bytes

    def write(self, data: Any) -> int:
        part = bytes(data)[: self.space_bytes]
        if not part:
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        self.space_bytes -= len(part)
        return super().write(part)


def with_space(patch: pytest.MonkeyPatch, space_bytes: int) -> None:
    """Let the disk be full when a transcript has so many bytes."""
    usual = Path.open

    def open_file(path: Path, mode: str = "r", *rest: Any, **options: Any) -> Any:
        if (path.name, mode) == ("transcript.jsonl", "ab"):
            return io.BufferedWriter(FullAfter(path, space_bytes))
        return usual(path, mode, *rest, **options)

    patch.setattr(Path, "open", open_file)


@pytest.mark.parametrize("space_bytes", [0, 100])
def test_a_disk_that_is_full_at_the_first_line_names_the_folder_of_out(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, space_bytes: int
) -> None:
    on_fake(monkeypatch, lambda: FakeDevice(infer=one_hot, timing="emulated"))
    words, runs = run_words(tmp_path), tmp_path / "runs"
    with monkeypatch.context() as patch:
        with_space(patch, space_bytes)
        done = CliRunner().invoke(run.main, words)
    sentence = f"error: {runs} cannot be written: the disk of {runs} is full. Free space there, or name another folder"
    assert done.exit_code == 1 and sentence in done.stderr, done.output
    assert "--resume" not in done.stderr and list(runs.iterdir()) == [] and not (tmp_path / "board.csv").exists()
    assert CliRunner().invoke(run.main, words).exit_code == 0


@pytest.mark.parametrize("share", [0.2, 0.5, 0.8, 0.99])
def test_a_run_that_stops_on_a_full_disk_is_resumed_to_the_same_record(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, share: float
) -> None:
    on_fake(monkeypatch, lambda: FakeDevice(infer=one_hot, timing="emulated"))
    words = run_words(tmp_path)
    assert CliRunner().invoke(run.main, words).exit_code == 0
    (whole,) = (tmp_path / "runs").iterdir()
    with monkeypatch.context() as patch:
        with_space(patch, int((whole / "transcript.jsonl").stat().st_size * share))
        done = CliRunner().invoke(run.main, words)
    (folder,) = set((tmp_path / "runs").iterdir()) - {whole}
    place = folder / "transcript.jsonl"
    assert done.exit_code == 1, done.output
    assert f"error: {place} cannot be written: the disk of {folder} is full. Free space there, then" in done.stderr
    again = CliRunner().invoke(run.main, [*words, "--resume", str(folder)])
    assert again.exit_code == 0, again.output
    assert metrics_of(read_record(folder)) == metrics_of(read_record(whole))


def test_a_run_into_a_read_only_folder_is_refused_by_its_name(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    on_fake(monkeypatch, lambda: FakeDevice(infer=one_hot, timing="emulated"))
    words, usual = run_words(tmp_path), os.mkdir

    def make(path: Any, *rest: Any, **options: Any) -> None:
        if Path(path).parent == tmp_path / "runs":
            raise OSError(errno.EROFS, os.strerror(errno.EROFS), str(path))
        usual(path, *rest, **options)

    monkeypatch.setattr(os, "mkdir", make)
    done = CliRunner().invoke(run.main, words)
    assert done.exit_code == 1 and f"error: {tmp_path / 'runs'}" in done.stderr, done.output
    assert "cannot be made: Read-only file system. Name another folder with --out" in done.stderr
    assert not (tmp_path / "board.csv").exists()
