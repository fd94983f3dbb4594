# SPDX-License-Identifier: Apache-2.0
"""``benchmark-fetch``: download the official data of a task, or a training dataset, into the cache."""

from __future__ import annotations

import sys

import click

from mlperf_tiny.cli.command import click_command
from mlperf_tiny.cli.output import echo, redraw
from mlperf_tiny.errors import UsageError, did_you_mean
from mlperf_tiny.models.data.download.archives import ARCHIVES, archive_names, fetch_archive

_DATASETS = "\b\nTraining datasets:\n" + "\n".join(f"  {row.name:22}{row.about}" for row in ARCHIVES)


@click_command(epilog=_DATASETS)
@click.argument("name")
def main(name: str) -> None:
    """Download the official data of the task NAME, or the dataset NAME; later runs find it in the cache."""
    from mlperf_tiny.models.data.download.published import fetch
    from mlperf_tiny.models.tasks import BY_NAME, find_task

    if name not in BY_NAME and name not in archive_names():
        known = ", ".join((*BY_NAME, *archive_names()))
        raise UsageError(f"unknown data {name!r}; known: {known}.{did_you_mean(name, (*BY_NAME, *archive_names()))}")
    try:
        echo(fetch(find_task(name), _show) if name in BY_NAME else fetch_archive(name, _show))
    except KeyboardInterrupt:
        echo("what was received is kept; the same command continues", err=True)
        raise


def _show(name: str, done_bytes: int, total_bytes: int | None) -> None:
    if sys.stderr.isatty() or done_bytes == total_bytes:
        of = f" of {total_bytes:,}" if total_bytes else ""
        redraw(f"{name}: {done_bytes:,}{of} bytes", last=done_bytes == total_bytes)
