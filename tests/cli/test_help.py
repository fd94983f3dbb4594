# SPDX-License-Identifier: Apache-2.0
"""What all commands share: ``-h``, ``--version``, defaults in the help, lazy imports, the umbrella command."""

from __future__ import annotations

import importlib
import json
import subprocess
import sys
from pathlib import Path

import click
import pytest
from click.shell_completion import ShellComplete
from click.testing import CliRunner

import mlperf_tiny
from mlperf_tiny.cli.main import ENTRIES, main
from mlperf_tiny.cli.options import DEFAULT_ENGINE
from mlperf_tiny.harness.image import engines

NAMES = [entry.name for entry in ENTRIES]
HEAVY = ["elftools", "jinja2", "librosa", "matplotlib", "msgspec", "numba", "pandas", "scipy"]
HEAVY += ["sklearn", "soundfile", "tensorflow", "unicorn"]


def command(name: str) -> click.Command:
    found = importlib.import_module(f"mlperf_tiny.cli.{name}").main
    assert isinstance(found, click.Command)
    return found


def test_every_subcommand_is_a_script_and_the_reverse() -> None:
    tomllib = pytest.importorskip("tomllib", reason="needs Python 3.11")
    project = tomllib.loads((Path(__file__).parents[2] / "pyproject.toml").read_text())["project"]
    scripts = {entry.script: f"mlperf_tiny.cli.{entry.name}:main" for entry in ENTRIES}
    assert project["scripts"] == {"mlperf-tiny": "mlperf_tiny.cli.main:main", **scripts}


@pytest.mark.parametrize("name", NAMES)
def test_short_help_version_and_documented_options(name: str) -> None:
    short, long = (CliRunner().invoke(command(name), [option]) for option in ("-h", "--help"))
    assert (short.exit_code, short.stdout) == (0, long.stdout)
    version = CliRunner().invoke(command(name), ["--version"], prog_name=name)
    assert version.stdout == f"{name} {mlperf_tiny.__version__} (mlperf-tiny-harness)\n"
    undocumented = [p.name for p in command(name).params if isinstance(p, click.Option) and not (p.help or p.hidden)]
    assert not undocumented
    assert "without it" not in long.stdout


def test_help_shows_the_defaults_of_the_program() -> None:
    text = " ".join(CliRunner().invoke(command("run"), ["-h"], terminal_width=200).stdout.split())
    assert "--baud N Serial baud rate. [default: 115200]" in text
    assert "[default: compiled]" in text and "[default: full]" in text and "[default: runs]" in text
    assert engines.DEFAULT_ENGINE == DEFAULT_ENGINE


HELP_OF_ALL = """
import json, sys
from mlperf_tiny.cli.main import ENTRIES, main
for name in ("", *(entry.name for entry in ENTRIES)):
    main([*name.split(), "--help"], prog_name="x", standalone_mode=False)
    print(json.dumps([name, *(heavy for heavy in sys.argv[1:] if heavy in sys.modules)]), file=sys.stderr)
"""


def test_help_imports_no_heavy_library() -> None:
    done = subprocess.run([sys.executable, "-c", HELP_OF_ALL, *HEAVY], capture_output=True, text=True, check=True)
    assert [json.loads(line) for line in done.stderr.splitlines()] == [[name] for name in ("", *NAMES)]
    assert done.stdout.count("Usage: x") == 1 + len(NAMES)


def test_umbrella_lists_and_calls_every_command() -> None:
    text = CliRunner().invoke(main, ["--help"]).stdout
    assert [line.split()[0] for line in text[text.index("Commands:") :].splitlines()[1:]] == NAMES
    for name in NAMES:
        result = CliRunner().invoke(main, [name, "-h"], prog_name="mlperf-tiny")
        assert result.stdout.startswith(f"Usage: mlperf-tiny {name} [OPTIONS]")


def test_umbrella_keeps_exit_statuses() -> None:
    assert CliRunner().invoke(main, ["run", "--task", "kwss", "--device", "host"]).exit_code == 2
    assert CliRunner().invoke(main, ["review", "/nowhere/at/all"]).exit_code == 2
    assert CliRunner().invoke(main, ["fly"]).exit_code == 2


@pytest.mark.parametrize(
    ("arguments", "incomplete", "wanted"),
    [([], "re", ["review"]), (["run"], "--tim", ["--timing", "--timeout"]), (["run", "--timing"], "p", ["pipeline"])],
)
def test_shell_completion(arguments: list[str], incomplete: str, wanted: list[str]) -> None:
    complete = ShellComplete(main, {}, "mlperf-tiny", "_MLPERF_TINY_COMPLETE")
    assert [item.value for item in complete.get_completions(arguments, incomplete)] == wanted
