# SPDX-License-Identifier: Apache-2.0
"""``benchmark-fetch``: names and messages; downloads are tested with the code that makes them."""

from __future__ import annotations

from pathlib import Path

import pytest
from click.testing import CliRunner

from mlperf_tiny.cli.fetch import main
from mlperf_tiny.models.data.download.archives import ARCHIVES
from mlperf_tiny.models.tasks import BY_NAME


def test_help_lists_the_datasets() -> None:
    shown = CliRunner().invoke(main, ["--help"]).stdout
    assert all(row.name in shown for row in ARCHIVES)


def test_unknown_name_lists_tasks_and_datasets() -> None:
    result = CliRunner().invoke(main, ["nose"])
    known = ", ".join((*BY_NAME, ARCHIVES[0].name))
    assert result.exit_code == 2 and f"unknown data 'nose'; known: {known}" in result.stderr


@pytest.mark.parametrize(("name", "target"), [("cifar10", "cifar10"), ("kws", "kws01.zip")])
def test_cached_file_is_not_downloaded_again(
    name: str, target: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("MLPERF_TINY_CACHE", str(tmp_path))
    (tmp_path / target).write_bytes(b"")
    result = CliRunner().invoke(main, [name])
    assert result.exit_code == 0 and result.stdout.strip() == str(tmp_path / target)


def test_an_interrupted_download_says_how_it_continues(monkeypatch: pytest.MonkeyPatch) -> None:
    def interrupted(*_: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr("mlperf_tiny.cli.fetch.fetch_archive", interrupted)
    result = CliRunner().invoke(main, ["cifar10"])
    assert "what was received is kept; the same command continues" in result.stderr and result.exit_code != 0
