# SPDX-License-Identifier: Apache-2.0
"""``leaderboard.csv``: read in any of its formats, with every cell checked; written atomically."""

from __future__ import annotations

import csv
import io
import os
import re
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from mlperf_tiny.errors import RecordError, WrongRequest
from mlperf_tiny.file_lock import locked
from mlperf_tiny.file_tree import refuse_placeholder
from mlperf_tiny.results.leaderboard.rows.cells import check_cell, escape_formula, unescape_formula
from mlperf_tiny.results.leaderboard.rows.columns import COLUMNS, FORMAT, NAMES, CellKind, Row
from mlperf_tiny.results.leaderboard.rows.formats import MIGRATIONS, todays_row
from mlperf_tiny.results.leaderboard.rows.frame import frame_of
from mlperf_tiny.terminal import sanitize_for_terminal
from mlperf_tiny.whole_file import write_whole

if TYPE_CHECKING:
    import pandas as pd

MAX_BYTES = 64 << 20
_TOO_MANY = re.compile(r"Expected (\d+) fields in line (\d+), saw (\d+)")

# What is never empty: without it a row cannot be grouped or judged.
_NEEDED = tuple(column.name for column in COLUMNS if not column.empty)
_HELP = "Repair it, move it away, or name another file."


def read_leaderboard(path: Path) -> list[Row]:
    """Return the rows of a leaderboard; [] when there is none yet. Rows of an earlier format are converted.

    Raises RecordError for a file that cannot be read, is of another kind or of a later format, or has a cell that is
    not what its column needs.
    """
    table = _read_table(path)
    if table is None:
        return []
    header = tuple(table.iloc[0].fillna("")) if len(table) else ()
    if header != NAMES and header not in MIGRATIONS:
        raise _unknown(path, header, table)
    rows = []
    for number, cells in enumerate(table.iloc[1:].itertuples(index=False, name=None), start=2):
        if cells[-1] is None:  # a line that ended early
            count = len(cells) - sum(cell is None for cell in cells)
            raise RecordError(f"{path} row {number} has {count} columns, wanted {len(header)}. {_HELP}")
        values = {name: unescape_formula(cell) for name, cell in zip(header, cells, strict=True)}
        try:
            row = todays_row(header, values)
            check_row(row)
        except (RecordError, ValueError, OverflowError) as error:
            raise RecordError(f"{path} row {number}: {sanitize_for_terminal(str(error), 200)}. {_HELP}") from error
        rows.append(row)
    return rows


def read_frame(path: Path) -> pd.DataFrame:
    """Return a leaderboard as a typed table: numbers as numbers, NaN where a row has none.

    Raises RecordError as ``read_leaderboard`` does.
    """
    import pandas as pd

    frame = frame_of(read_leaderboard(path))
    for column in COLUMNS:
        if column.kind in (CellKind.WHOLE, CellKind.NUMBER):
            frame[column.name] = pd.to_numeric(frame[column.name])
    return frame


def _read_table(path: Path) -> pd.DataFrame | None:
    """All cells of a CSV file as texts, the header among them, None where a line ended early; None without a file."""
    import pandas as pd

    try:
        with path.open("rb") as file:
            refuse_placeholder(file.read(4096), str(path))
        if path.stat().st_size > MAX_BYTES:
            raise RecordError(f"{path} has over {MAX_BYTES >> 20} MiB, which no leaderboard has. {_HELP}")
        # Only the Python engine distinguishes a line that ends early from one with empty cells.
        table = pd.read_csv(
            path, header=None, dtype=str, na_filter=False, skip_blank_lines=False, encoding="utf-8-sig", engine="python"
        )
    except FileNotFoundError:
        return None
    except pd.errors.EmptyDataError:
        return pd.DataFrame()
    except OSError as error:
        raise WrongRequest(f"{path} cannot be read: {error.strerror}. Name another file.") from error
    except pd.errors.ParserError as error:
        if match := _TOO_MANY.search(str(error)):
            wanted, number, got = match.groups()
            raise RecordError(f"{path} row {number} has {got} columns, wanted {wanted}. {_HELP}") from error
        raise WrongRequest(f"{path} is not CSV text ({error}). {_HELP}") from error
    except (ValueError, csv.Error) as error:
        raise WrongRequest(f"{path} is not CSV text ({error}). {_HELP}") from error
    return table.astype(object).where(table.notna(), None)


def _unknown(path: Path, header: tuple[str, ...], table: pd.DataFrame) -> RecordError:
    """The error for a file with this header."""
    if "Format" in header:
        cell = table.iloc[1, header.index("Format")] if len(table) > 1 and table.iloc[1].notna().all() else ""
        found = sanitize_for_terminal(str(cell), 20)
        if found != str(FORMAT):
            what = f"is of format {found}" if found else "is of another format"
            return RecordError(
                f"{path} {what}, this program reads up to {FORMAT}. Update this program, or name another file."
            )
    begins = sanitize_for_terminal(",".join(header), 200)
    return WrongRequest(f"{path} is not a leaderboard, it begins with {begins!r}. Move it away, or name another file.")


def check_row(row: Row) -> None:
    """Raise RecordError for a row with a cell that is not what its column needs: no file holds such a row."""
    for column in COLUMNS:
        if not row[column.name] and column.name in _NEEDED:
            raise RecordError(f"{column.name} is empty, wanted {' or '.join(column.choices) or 'a value'}")
        check_cell(column, row[column.name])
    if row["Format"] != str(FORMAT):
        raise RecordError(f"Format is {sanitize_for_terminal(row['Format'], 20)!r}, wanted {FORMAT} in every row")
    if row["Source"] == "run" and not row["RunId"]:
        raise RecordError("RunId is empty, wanted the name of the run")


def leaderboard_text(rows: Iterable[Row]) -> str:
    """Return the file's text: like the official checker's, the header bare and every cell quoted."""
    text = io.StringIO()
    text.write(",".join(NAMES) + "\n")
    writer = csv.writer(text, quoting=csv.QUOTE_ALL, lineterminator="\n")
    writer.writerows([escape_formula(row[name]) for name in NAMES] for row in rows)
    return text.getvalue()


def write_leaderboard(path: Path, rows: Iterable[Row]) -> None:
    """Write the file atomically: readers see the old one or the new one. What would not be read is not written.

    Args:
        path: The CSV file.
        rows: Rows in the order they are to have.

    Raises:
        RecordError: A row has a cell that is not what its column needs.
        OSError: The file cannot be written.
    """
    rows = list(rows)
    for row in rows:
        check_row(row)
    write_whole(path, leaderboard_text(rows).encode())


def check_leaderboard(path: Path) -> None:
    """Raise RecordError unless ``path`` is a leaderboard, or free to become one, that this process may write."""
    read_leaderboard(path)
    place = next(folder for folder in path.absolute().parents if folder.exists())
    if not place.is_dir():
        raise WrongRequest(f"{path} cannot be written: {place} is not a folder. Name another file.")
    if not os.access(place, os.W_OK):
        raise RecordError(f"{path} cannot be written: {place} is not a writable folder. Name another file.")


@contextmanager
def only_writer(path: Path) -> Iterator[None]:
    """Make the folder of ``path`` and hold it for one writer at a time, where the system has such locks."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with locked(path.parent, waiting=lambda holder: None):
        yield
