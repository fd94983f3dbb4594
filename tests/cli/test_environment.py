# SPDX-License-Identifier: Apache-2.0
"""Commands where the system gives less than usual: no home, the C locale, a folder that is read-only or full."""

from __future__ import annotations

import errno
import io
import os
import re
import subprocess
import sys
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner

from mlperf_tiny.cli import main as umbrella
from mlperf_tiny.cli import run
from mlperf_tiny.harness.record.record_file import read_record
from mlperf_tiny.terminal import printable_lines, sanitize_for_terminal
from tests.cli.test_run import on_fake
from tests.fakes.data_sets import kws_folder, one_hot
from tests.fakes.device import FakeDevice
from tests.harness.run.test_whole_runs import metrics_of
from tests.results.review_submission import write_mlcommons

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


# Each with names that are not ASCII: quoted and not, of what is there and what is not, as text and as a path.
NAMED = [
    ("é",),
    ("fetch", "gerät"),
    ("run", "--task", "ad", "--device", "gerät"),
    ("run", "--task", "ad", "--port", "é://Gerät"),
    ("run", "--task", "ad", "--device", "host", "--model", "fehlt é"),
    ("run", "--task", "ad", "--device", "host", "--model", "kein modèle.tflite"),
    ("run", "--task", "ad", "--device", "host", "--data", "Däten"),
    ("run", "--task", "ad", "--device", "host", "--submit", "Bäume", "--submitter", "Müller"),
    ("run", "--task", "ad", "--device", "host", "--submit", "Bäume", "--submitter", "M", "--describe", "é.json"),
    ("run", "--resume", "Läufe"),
    ("compile", "modèle.tflite", "--out", "ü/ö"),
    ("compile", "kein modèle.tflite", "--out", "ü"),
    ("leaderboard", "Läufer"),
    ("leaderboard", "é.json"),
    ("review", "Läufer"),
    ("review", "Bäume", "--json"),
    ("review", "Bäume", "--html", "ü.html"),
    ("leaderboard", "Bäume", "--csv", "ü.csv"),
    ("review", "Bäume.zip"),
    ("emulate", "--device", "stm32f746", "--elf", "é.elf"),
    ("profile", "modèle.tflite", "--device", "gerät"),
]


def folder_with_names(folder: Path) -> Path:
    """Make a folder with a model, a submission and other files whose names are not ASCII."""
    model = Path(__file__).parents[2] / "models/pretrained/ad-autoencoder/model.tflite"
    write_mlcommons(folder / "Bäume")
    (folder / "Bäume/closed").rename(folder / "Bäume/geschlossen")
    (folder / "Bäume.zip").write_bytes(b"PK")
    (folder / "modèle.tflite").write_bytes(model.read_bytes())
    (folder / "kein modèle.tflite").write_bytes(b"no model")
    (folder / "é.json").write_bytes('{"Größe": 1}'.encode())
    (folder / "Läufe").mkdir()
    return folder


def files_in(folder: Path) -> dict[bytes, bytes]:
    """Names, as they are on the disk, and contents of all files below a folder."""
    return {os.fsencode(path.relative_to(folder)): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


def of_the_cache(messages: str) -> str:
    """Messages without what depends on whether the image was built before."""
    return re.sub(r"(?m)^(compiling \d+ files for \w+ with .*|using the cached image for \w+)\n", "", messages)


@pytest.mark.parametrize("words", NAMED, ids=" ".join)
def test_names_that_are_not_ascii_are_the_same_in_the_c_locale(
    words: tuple[str, ...], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    there, here = folder_with_names(tmp_path / "there"), folder_with_names(tmp_path / "here")
    command = [sys.executable, "-m", "mlperf_tiny", *words]
    done = subprocess.run(command, capture_output=True, env={**os.environ, **C_LOCALE}, cwd=there)
    monkeypatch.chdir(here)
    wanted = CliRunner().invoke(umbrella.main, words, prog_name="mlperf-tiny")
    assert "Traceback" not in done.stderr.decode() and "\\udc" not in wanted.output
    assert (done.stdout.decode(), of_the_cache(done.stderr.decode())) == (wanted.stdout, of_the_cache(wanted.stderr))
    assert done.returncode == wanted.exit_code and files_in(there) == files_in(here)


@pytest.mark.parametrize(("encoding", "shown"), [("latin-1", "gerät €".encode("latin-1", "backslashreplace"))])
def test_a_terminal_gets_what_it_can_show_and_the_rest_in_escapes(encoding: str, shown: bytes) -> None:
    environ = {**os.environ, "PYTHONUTF8": "1", "PYTHONIOENCODING": encoding}
    done = subprocess.run([sys.executable, "-m", "mlperf_tiny", "fetch", "gerät €"], capture_output=True, env=environ)
    assert done.returncode == 2 and b"unknown data '" + shown + b"'" in done.stderr


def test_files_with_names_that_are_not_ascii_are_listed_as_text_and_read_in_the_c_locale(tmp_path: Path) -> None:
    script = """
import sys
from pathlib import Path
from mlperf_tiny.file_tree import data_files
print({ascii(name): file.read() for name, file in data_files(Path(sys.argv[1]), (".bin",)).items()})
"""
    (tmp_path / "Geräte").mkdir()
    (tmp_path / "Geräte" / "größe.bin").write_bytes(b"1")
    (tmp_path / os.fsdecode(b"latin-\xe9.bin")).write_bytes(b"2")
    for locale in (C_LOCALE, {"PYTHONUTF8": "1"}):
        done = subprocess.run(
            [sys.executable, "-c", script, str(tmp_path)], capture_output=True, env={**os.environ, **locale}, text=True
        )
        assert (
            done.stdout
            == f"{{{ascii('Geräte/größe.bin')!r}: b'1', {ascii('latin-' + chr(0xDCE9) + '.bin')!r}: b'2'}}\n"
        )


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
    assert printable_lines(f"no {name!r}, {'a' + chr(0xDCFF)!r}") == "no 'Läufe', 'a\\xff'"  # as messages quote them
    assert printable_lines(repr("\\udcc3\\udca4")) == repr("\\udcc3\\udca4")  # a name that holds such text


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


def test_a_run_its_leaderboard_and_its_review_in_the_c_locale(tmp_path: Path) -> None:
    pytest.importorskip("ziglang")
    model = Path(__file__).parents[2] / "models/pretrained/ad-autoencoder/model.tflite"
    (tmp_path / "modèle.tflite").write_bytes(model.read_bytes())
    environ = {**os.environ, **C_LOCALE, "TMPDIR": str(tmp_path / "missing")}
    del environ["PYTHONIOENCODING"]

    def command(*words: str) -> tuple[int, str]:
        done = subprocess.run(
            [sys.executable, "-m", "mlperf_tiny", *words], capture_output=True, env=environ, cwd=tmp_path
        )
        text = (done.stdout + done.stderr).decode()
        assert "Traceback" not in text, text
        return done.returncode, text

    words = ["--task", "ad", "--model", "modèle.tflite", "--device", "host", "--synthetic", "--limit", "1"]
    status, text = command("run", *words, "--mode", "accuracy", "--out", "Läufe", "--leaderboard", "Tafel-é.csv")
    assert status == 0 and "record: Läufe/" in text, text
    status, text = command("leaderboard", "Läufe", "--all", "--csv", "ü.csv", "--html", "ü.html")
    assert status == 0 and "modèle" in text and "modèle" in (tmp_path / "ü.html").read_text("utf-8"), text
    assert "modèle" in (tmp_path / "ü.csv").read_text("utf-8")
    (folder,) = (tmp_path / "Läufe").iterdir()
    assert read_record(folder).settings.model.name == "modèle"
    status, text = command("review", "Läufe", "--html", "rü.html")
    assert status == 5 and "1 result: 1 rule violation" in text and (tmp_path / "rü.html").exists(), text
    assert "deviation" not in text


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
