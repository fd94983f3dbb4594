# SPDX-License-Identifier: Apache-2.0
"""``benchmark-fetch`` as its user meets it; what it fetches is tested where it is written."""

from __future__ import annotations

from pathlib import Path

import pytest
from click.testing import CliRunner

from mlperf_tiny.cli.fetch import main
from mlperf_tiny.models.data.download.archives import ARCHIVES


def test_help_lists_the_sets() -> None:
    shown = CliRunner().invoke(main, ["--help"]).stdout
    assert all(row.name in shown for row in ARCHIVES)


def test_an_unknown_name_lists_tasks_and_sets() -> None:
    result = CliRunner().invoke(main, ["nose"])
    assert result.exit_code == 2 and "unknown data 'nose'; known: ad, ic, kws, vww, speech-commands" in result.stderr


@pytest.mark.parametrize(("name", "target"), [("cifar10", "cifar10"), ("kws", "kws01.zip")])
def test_what_is_there_is_named_and_not_fetched(
    name: str, target: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("MLPERF_TINY_CACHE", str(tmp_path))
    (tmp_path / target).write_bytes(b"")
    result = CliRunner().invoke(main, [name])
    assert result.exit_code == 0 and result.stdout.strip() == str(tmp_path / target)
