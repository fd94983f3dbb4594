# SPDX-License-Identifier: Apache-2.0
"""What every command has: ``-h``, ``--version``, defaults in its help, and the project's exit statuses.

A module of a command imports what it runs inside its function: help and shell completion load no heavy library.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import click

from mlperf_tiny import __version__
from mlperf_tiny.cli.errors import reports_errors

CONTEXT = {"help_option_names": ["-h", "--help"], "show_default": True}
"""Settings of click that all commands share."""

json_option = click.option("--json", "as_json", is_flag=True, help="Print one JSON object instead of text.")


def version_option(function: Callable[..., Any]) -> Callable[..., Any]:
    """Add ``--version`` to a command; each command gets its own: click keeps the first name."""
    return click.version_option(__version__, message="%(prog)s %(version)s (mlperf-tiny-harness)")(function)


def click_command(**settings: Any) -> Callable[[Callable[..., Any]], click.Command]:
    """Return a decorator that makes a function a command; it comes before the decorators of the options::

    @click_command()
    @click.argument("model")
    @json_option
    def main(model: str, as_json: bool) -> None: ...
    """

    def decorate(function: Callable[..., Any]) -> click.Command:
        command = click.command(context_settings=CONTEXT, **settings)(version_option(reports_errors(function)))
        command.params.append(command.params.pop(0))  # --version after the options of the command
        return command

    return decorate
