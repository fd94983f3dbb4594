# SPDX-License-Identifier: Apache-2.0
"""What a search logs: figures of each step, as lines of JSON, as CSV, and for TensorBoard where it is installed."""

from __future__ import annotations

import csv
import json
import time
from collections.abc import Mapping
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from mlperf_tiny.disk import write_error
from mlperf_tiny.errors import DataError

STEPS, TABLE, TENSORBOARD = "steps.jsonl", "history.csv", "tensorboard"


class History:
    """The steps of a search in a folder.

    A step that comes again after a stop takes the place of the first one, with the time of both.
    """

    def __init__(self, folder: Path) -> None:
        """Read the steps that are there.

        Args:
            folder: Of the search.
        """
        self._folder = folder
        self._writer: Any = None
        self._last_s = time.monotonic()
        self.rows: dict[int, dict[str, float]] = {}
        if (folder / STEPS).is_file():
            for line in (folder / STEPS).read_text(encoding="utf-8").splitlines():
                try:
                    row = json.loads(line)
                except ValueError:
                    continue  # the end of a process cut it off; the step comes again
                self.rows[int(row.pop("step"))] = row

    def log(self, step: int, figures: Mapping[str, float]) -> None:
        """Keep the figures of a step.

        Args:
            step: From 1.
            figures: By name.

        Raises:
            DataError: The folder cannot be written.
        """
        now_s = time.monotonic()
        before_s = self.rows.get(step, {}).get("seconds", 0.0)  # of the same step before a stop
        row = {**figures, "seconds": round(before_s + now_s - self._last_s, 3)}
        self._last_s = now_s
        self.rows[step] = row
        try:
            with (self._folder / STEPS).open("a", encoding="utf-8") as stream:
                stream.write(f"{json.dumps({'step': step, **row})}\n")
        except OSError as error:
            raise write_error(error, self._folder, "then give the same command again", DataError) from error
        self._tensorboard(step, figures)

    def _tensorboard(self, step: int, figures: Mapping[str, float]) -> None:
        if find_spec("tensorboard") is None:  # of the [search] extra; all it shows is in the table too
            return
        import tensorflow as tf

        if self._writer is None:
            self._writer = tf.summary.create_file_writer(str(self._folder / TENSORBOARD))
        with self._writer.as_default():
            for name, value in figures.items():
                tf.summary.scalar(name.replace(" ", "/"), value, step=step)
        self._writer.flush()

    @property
    def seconds(self) -> float:
        """What all steps took together, over all calls."""
        return sum(row["seconds"] for row in self.rows.values())

    def write_table(self) -> None:
        """Write the steps as CSV."""
        names = list(dict.fromkeys(name for row in self.rows.values() for name in row))
        with (self._folder / TABLE).open("w", encoding="utf-8", newline="") as stream:
            table = csv.DictWriter(stream, ["step", *names])
            table.writeheader()
            table.writerows({"step": step, **row} for step, row in sorted(self.rows.items()))
