# SPDX-License-Identifier: Apache-2.0
"""How a command ends: one sentence on stderr and the right exit status, never a traceback for a foreseen problem."""

from __future__ import annotations

import functools
import os
import sys
from collections.abc import Callable
from typing import ParamSpec, TypeVar

import click

from mlperf_tiny.errors import BenchError

INTERRUPTED = 130  # what shells give a program that Ctrl-C ended: 128 + SIGINT

P = ParamSpec("P")
R = TypeVar("R")


def reports_errors(command: Callable[P, R]) -> Callable[P, R]:
    """Decorate the body of a click command, nearest to the function::

        @click.command()
        @click.argument("model")
        @reports_errors
        def main(model: str) -> None: ...

    A BenchError ends the program with ``error: <sentence>`` on stderr and the error's ``exit_code``; so does an
    OSError of the system, with or without a file (exit 1). Ctrl-C ends it with 130. A reader that closed the pipe
    (``| head``) ends it quietly. Anything else is a bug and keeps its traceback.
    """

    @functools.wraps(command)
    def run(*args: P.args, **kwargs: P.kwargs) -> R:
        try:
            return command(*args, **kwargs)
        except BenchError as error:
            click.echo(f"error: {error}", err=True)
            sys.exit(error.exit_code)
        except BrokenPipeError:
            # The interpreter flushes both once more on its way out; that must not fail again.
            nowhere = os.open(os.devnull, os.O_WRONLY)
            for stream in (1, 2):
                os.dup2(nowhere, stream)
            sys.exit(1)
        except OSError as error:
            if error.strerror is None:
                raise
            click.echo(f"error: {f'{error.filename}: ' if error.filename else ''}{error.strerror}.", err=True)
            sys.exit(1)
        except (KeyboardInterrupt, click.Abort):
            click.echo("interrupted", err=True)
            sys.exit(INTERRUPTED)

    return run
