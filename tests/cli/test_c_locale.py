# SPDX-License-Identifier: Apache-2.0
"""Names that are not ASCII, and the C locale: the same answers, files and bytes as in any other."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest
from click.testing import CliRunner

from mlperf_tiny.cli import main as umbrella
from mlperf_tiny.harness.record.record_file import read_record
from mlperf_tiny.terminal import printable_lines, sanitize_for_terminal
from tests.results.review_submission import write_mlcommons

pytestmark = pytest.mark.skipif(os.name != "posix", reason="locales of POSIX systems")

C_LOCALE = {"LC_ALL": "C", "PYTHONUTF8": "0", "PYTHONCOERCECLOCALE": "0", "PYTHONIOENCODING": "ascii"}


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
