# SPDX-License-Identifier: Apache-2.0
"""How a command ends: one sentence on stderr and an exit status, without a traceback for an expected error."""

from __future__ import annotations

import functools
import os
import sys
from collections.abc import Callable
from typing import ParamSpec, TypeVar

import click

from mlperf_tiny.cli.interruption import INTERRUPTED, CtrlC
from mlperf_tiny.cli.output import echo
from mlperf_tiny.errors import BenchError

P = ParamSpec("P")
R = TypeVar("R")


def reports_errors(command: Callable[P, R]) -> Callable[P, R]:
    """Decorate the function of a click command, nearest to it::

        @click.command()
        @click.argument("model")
        @reports_errors
        def main(model: str) -> None: ...

    A BenchError ends the program with ``error: <sentence>`` on stderr and the error's ``exit_code``. An OSError of the
    system does the same with exit status 1, Ctrl-C with 130. After ``| head`` has closed the pipe it ends quietly.
    Any other exception is a bug and keeps its traceback. After a Ctrl-C every exception follows from it: a library that
    could not be imported to its end, a compiler that got the signal too.
    """

    @functools.wraps(command)
    def run(*args: P.args, **kwargs: P.kwargs) -> R:
        try:
            with CtrlC() as ctrl_c:
                try:
                    return command(*args, **kwargs)
                finally:
                    if ctrl_c.came:
                        raise KeyboardInterrupt
        except BenchError as error:
            echo(f"error: {error}", err=True)
            sys.exit(error.exit_code)
        except BrokenPipeError:
            # The interpreter flushes both streams again when it ends; that must not fail.
            null = os.open(os.devnull, os.O_WRONLY)
            for stream in (1, 2):
                os.dup2(null, stream)
            sys.exit(1)
        except OSError as error:
            if error.strerror is None:
                raise
            echo(f"error: {f'{error.filename}: ' if error.filename else ''}{error.strerror}.", err=True)
            sys.exit(1)
        except (KeyboardInterrupt, click.Abort):
            echo("interrupted", err=True)
            sys.exit(INTERRUPTED)

    return run
