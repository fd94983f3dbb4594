# SPDX-License-Identifier: Apache-2.0
"""The one place where commands print: text from devices, files and submissions gets here without control characters."""

from __future__ import annotations

import json
from pathlib import Path

import click

from mlperf_tiny.errors import WrongRequest
from mlperf_tiny.file_names import text_of_name
from mlperf_tiny.terminal import printable_lines


def echo(text: object = "", *, err: bool = False) -> None:
    """Print text on lines of their own, its control characters as visible escapes.

    Args:
        text: What is printed as ``str``.
        err: Print on standard error.
    """
    click.echo(printable_lines(str(text)), err=err)


def echo_json(value: object, indent: int = 2) -> None:
    """Print a value as JSON, which is ASCII without control characters.

    Args:
        value: What ``json.dumps`` takes.
        indent: Blanks of a level.
    """
    # Names that the locale could not decode become text, and stay readable for programs that refuse lone surrogates.
    value = json.loads(text_of_name(json.dumps(value, ensure_ascii=False)))
    # JSON lets DEL through, the one control character that it does not escape.
    click.echo(json.dumps(value, indent=indent).replace("\x7f", "\\u007f"))


def redraw(text: str, *, last: bool) -> None:
    """Print text on standard error over the line that the last call printed.

    Args:
        text: One line.
        last: End the line.
    """
    click.echo(f"\r{printable_lines(text)}", err=True, nl=last)


def check_file(file: Path | None, option: str) -> None:
    """Raise WrongRequest, before the work, for a file that cannot be written where an option names it.

    Args:
        file: The file; None where the option is not given.
        option: Its name.
    """
    if file is not None and (file.is_dir() or not file.absolute().parent.is_dir()):
        what = "it is a folder" if file.is_dir() else f"there is no folder {file.parent}"
        raise WrongRequest(f"{file} cannot be written: {what}. Name another file with {option}.")
