# SPDX-License-Identifier: Apache-2.0
"""What every command has: ``-h``, ``--version``, defaults in its help, and the project's exit statuses.

A module of a command imports what it runs inside its function: help and shell completion load no heavy library.
"""

from __future__ import annotations

import codecs
import io
import sys
from collections.abc import Callable
from typing import Any

import click

from mlperf_tiny import __version__
from mlperf_tiny.cli.errors import reports_errors
from mlperf_tiny.errors import did_you_mean
from mlperf_tiny.terminal import printable_lines

CONTEXT = {"help_option_names": ["-h", "--help"], "show_default": True}
"""Settings of click that all commands share."""


def print_anything() -> None:
    """Let a terminal or a log that cannot show a character get it as ``\\xb5``, not end the program.

    ASCII is what Python takes where it knows nothing of the terminal (C locale). UTF-8 is written there, as click does:
    names of files then leave as the bytes that they are.
    """
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            is_ascii = codecs.lookup(stream.encoding).name == "ascii"
            stream.reconfigure(encoding="utf-8" if is_ascii else stream.encoding, errors="backslashreplace")


json_option = click.option("--json", "as_json", is_flag=True, help="Print one JSON object instead of text.")


def version_option(function: Callable[..., Any]) -> Callable[..., Any]:
    """Add ``--version`` to a command; each command gets its own: click keeps the first name."""
    return click.version_option(__version__, message="%(prog)s %(version)s (mlperf-tiny-harness)")(function)


class OneOf(click.Choice):
    """One of a few words; a word with a slip gets the close one."""

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> Any:
        """Check a word.

        Args:
            value: The word.
            param: The option.
            ctx: The context of the command.

        Returns:
            The word that is meant.
        """
        try:
            return super().convert(value, param, ctx)
        except click.BadParameter as error:
            meant = did_you_mean(str(value), map(str, self.choices))
            raise click.BadParameter(f"{error.message}{meant}", ctx, param) from error


class SafeCommand(click.Command):
    """A command that prints on every terminal.

    Its errors of usage hold no control characters: they quote words that may be names of files.
    """

    def main(self, *args: Any, **extra: Any) -> Any:
        """Run the command as ``click.Command.main`` does."""
        print_anything()
        return super().main(*args, **extra)

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        """Parse the words of a command line.

        Args:
            ctx: The context of the command.
            args: The words.

        Returns:
            Those that are left over.
        """
        try:
            return super().parse_args(ctx, args)
        except click.UsageError as error:
            raise click.UsageError(printable_lines(error.format_message()), ctx) from error


def click_command(**settings: Any) -> Callable[[Callable[..., Any]], click.Command]:
    """Return a decorator that makes a function a command; it comes before the decorators of the options::

    @click_command()
    @click.argument("model")
    @json_option
    def main(model: str, as_json: bool) -> None: ...
    """

    def decorate(function: Callable[..., Any]) -> click.Command:
        command = click.command(cls=SafeCommand, context_settings=CONTEXT, **settings)(
            version_option(reports_errors(function))
        )
        command.params.append(command.params.pop(0))  # --version after the options of the command
        return command

    return decorate
