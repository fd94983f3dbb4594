# SPDX-License-Identifier: Apache-2.0
"""``benchmark-fetch kws``: fetch the official data of a task, or a set to learn from, into the cache."""

from __future__ import annotations

import sys

import click

from mlperf_tiny.cli.errors import reports_errors
from mlperf_tiny.errors import UsageError
from mlperf_tiny.models.data.download.archives import ARCHIVES, archive_names, fetch_archive
from mlperf_tiny.models.data.download.published import fetch
from mlperf_tiny.models.tasks import BY_NAME, find_task

_SETS = "\b\nSets to learn from:\n" + "\n".join(f"  {row.name:22}{row.about}" for row in ARCHIVES)


@click.command(epilog=_SETS)
@click.argument("name")
@reports_errors
def main(name: str) -> None:
    """Fetch the official data of the task NAME, or the set NAME; later runs find it by themselves."""

    def tell(what: str, done: int, total: int | None) -> None:
        if sys.stderr.isatty() or done == total:
            of = f" of {total:,}" if total else ""
            click.echo(f"\r{what}: {done:,}{of} bytes", err=True, nl=done == total)

    if name in BY_NAME:
        click.echo(fetch(find_task(name), tell))
    elif name in archive_names():
        click.echo(fetch_archive(name, tell))
    else:
        known = ", ".join((*BY_NAME, *archive_names()))
        raise UsageError(f"there is nothing called {name!r} to fetch; choose one of {known}.")
