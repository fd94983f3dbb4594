# SPDX-License-Identifier: Apache-2.0
"""``mlperf-tiny``: one command with all others below it; each is loaded when it is called."""

from __future__ import annotations

import importlib
from dataclasses import dataclass
from typing import Any

import click
from click.shell_completion import CompletionItem

from mlperf_tiny.cli.command import CONTEXT, print_anything, version_option
from mlperf_tiny.errors import did_you_mean
from mlperf_tiny.terminal import sanitize_for_terminal


@dataclass(frozen=True, kw_only=True)
class CommandRow:
    """One subcommand."""

    name: str
    """What follows ``mlperf-tiny``; the module of ``mlperf_tiny.cli`` has the same name."""
    script: str
    """The long name, a command of its own."""
    help: str
    """One line for ``mlperf-tiny --help``: the command itself is not loaded for it."""


ENTRIES = (
    CommandRow(name="run", script="benchmark-run", help="Benchmark a model on an emulated or a real board."),
    CommandRow(name="compare", script="benchmark-compare", help="Compare engines, or finished runs, in one table."),
    CommandRow(name="profile", script="benchmark-profile", help="Show the cycles of each layer of a model."),
    CommandRow(name="leaderboard", script="benchmark-leaderboard", help="Rank runs and published results."),
    CommandRow(name="review", script="benchmark-review", help="Recompute results, check the rules, or reproduce runs."),
    CommandRow(name="devices", script="benchmark-devices", help="List devices and serial ports."),
    CommandRow(name="emulate", script="benchmark-emulate", help="Offer an emulated board as a serial port."),
    CommandRow(name="fetch", script="benchmark-fetch", help="Download official data or training datasets."),
    CommandRow(
        name="characterize",
        script="micronet-characterize",
        help="Measure random networks of a search space on an emulated board.",
    ),
    CommandRow(
        name="search", script="micronet-search", help="Search a network for a device within limits of time and memory."
    ),
    CommandRow(name="train", script="micronet-train", help="Train a network and quantise it to int8."),
    CommandRow(name="compile", script="micronet-compile", help="Compile a .tflite model to C."),
)
_BY_NAME = {entry.name: entry for entry in ENTRIES}


class LazyGroup(click.Group):
    """A group whose commands are imported when they are called, not for its own help."""

    def main(self, *args: Any, **extra: Any) -> Any:
        """Run the group as ``click.Group.main`` does."""
        print_anything()
        return super().main(*args, **extra)

    def list_commands(self, ctx: click.Context) -> list[str]:
        """Return the names in the order of ``ENTRIES``."""
        return list(_BY_NAME)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        """Import a subcommand.

        Args:
            ctx: The context of the group.
            cmd_name: The name that the user gave.

        Returns:
            The command, or None for an unknown name, which click reports.
        """
        if cmd_name not in _BY_NAME:
            return None
        command: click.Command = importlib.import_module(f"mlperf_tiny.cli.{cmd_name}").main
        return command

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        """Find the subcommand that the first word names.

        Args:
            ctx: The context of the group.
            args: The words of the command line.

        Returns:
            The name, the command and the words after it.
        """
        if args and args[0] not in _BY_NAME and not args[0].startswith("-"):
            name = sanitize_for_terminal(args[0], 60)
            ctx.fail(
                f"there is no command '{name}'; choose one of {', '.join(_BY_NAME)}.{did_you_mean(name, _BY_NAME)}"
            )
        return super().resolve_command(ctx, args)

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """Write the table of subcommands from ``ENTRIES``.

        Args:
            ctx: The context of the group.
            formatter: Collects the help.
        """
        with formatter.section("Commands"):
            formatter.write_dl([(entry.name, entry.help) for entry in ENTRIES])

    def shell_complete(self, ctx: click.Context, incomplete: str) -> list[CompletionItem]:
        """Return completions of a subcommand's name, without importing one.

        Args:
            ctx: The context of the group.
            incomplete: What the user has typed of the name.
        """
        items = [CompletionItem(entry.name, help=entry.help) for entry in ENTRIES if entry.name.startswith(incomplete)]
        return items or click.Command.shell_complete(self, ctx, incomplete)


@click.group(cls=LazyGroup, context_settings=CONTEXT)
@version_option
def main() -> None:
    """Benchmark, compare, train and review models for MLPerf Tiny, on emulated and on real boards.

    Each command also has a long name: micronet-COMMAND for characterize, train and compile, benchmark-COMMAND for the
    others.
    """
