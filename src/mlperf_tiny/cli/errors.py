# SPDX-License-Identifier: Apache-2.0
"""How a command ends: one sentence on stderr and an exit status, without a traceback for an expected error."""

from __future__ import annotations

import functools
import os
import signal
import sys
import tempfile
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import ParamSpec, TypeVar

import click

from mlperf_tiny.cli.interruption import Interrupted, Interruption, last_words, leave
from mlperf_tiny.cli.output import echo
from mlperf_tiny.disk import FULL, full_disk
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
    system does the same with exit status 1, Ctrl-C with 130, SIGTERM with 143. After ``| head`` has closed the pipe it
    ends quietly. Any other exception is a bug and keeps its traceback. After a signal every exception follows from it:
    a library that could not be imported to its end, a compiler that got the signal too.
    """

    @functools.wraps(command)
    def run(*args: P.args, **kwargs: P.kwargs) -> R:
        try:
            with Interruption() as interruption:
                try:
                    return command(*args, **kwargs)
                finally:
                    if interruption.number:
                        raise Interrupted(interruption.number)
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
            echo(f"error: {_system_error(error)}", err=True)
            sys.exit(1)
        except (KeyboardInterrupt, click.Abort) as error:
            number = error.number if isinstance(error, Interrupted) else signal.SIGINT
        with suppress(OSError):  # the terminal is gone
            echo(last_words(number), err=True)
        leave(128 + number)

    return run


def _system_error(error: OSError) -> str:
    """The sentence for an error of the system that no part of the program expected."""
    # Of a copy the second name is the file that could not be written; the first is its source.
    name = (error.filename2 or error.filename) if error.errno in FULL else error.filename
    place = f"{name}: " if name else ""
    if error.errno not in FULL:
        return f"{place}{error.strerror}."
    folder = Path(os.fsdecode(name)).parent if isinstance(name, str | bytes) else _full_folder()
    where = f" on the disk of {folder}" if folder else ""
    return f"{place}{error.strerror}{where}. Free {'space there' if folder else 'disk space'}, then start this again."


def _full_folder() -> Path | None:
    """Of the folders that commands write to, the one whose disk is full."""
    return full_disk((Path(), Path(tempfile.gettempdir())))
