# SPDX-License-Identifier: Apache-2.0
"""``benchmark-fetch kws``: fetch the official data of a task into the cache."""

from __future__ import annotations

import sys

import click

from harness.cli.errors import reports_errors
from models.data.published import fetch
from models.tasks import find_task


@click.command()
@click.argument("task")
@reports_errors
def main(task: str) -> None:
    """Fetch the official data of TASK from its own address; later runs find it by themselves."""

    def tell(what: str, done: int, total: int | None) -> None:
        if sys.stderr.isatty() or done == total:
            of = f" of {total:,}" if total else ""
            click.echo(f"\r{what}: {done:,}{of} bytes", err=True, nl=done == total)

    click.echo(fetch(find_task(task), tell))
