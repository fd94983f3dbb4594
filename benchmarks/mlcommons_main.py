# SPDX-License-Identifier: Apache-2.0
"""Starts MLCommons' runner, unchanged, on a port that has no USB id.

    python benchmarks/mlcommons_main.py RUNNER_FOLDER PORT [options of the runner]

The runner searches for boards by USB id; a pseudo terminal has none, so the search is answered in its place. It needs
pyyaml, pyusb, pyserial, numpy, scikit-learn and matplotlib, and writes ``sessions/`` into the current folder.
"""

from __future__ import annotations

import os
import runpy
import sys
from pathlib import Path

from serial.tools import list_ports
from serial.tools.list_ports_common import ListPortInfo

VENDOR, PRODUCT = 0x0483, 0x374B
"""The id of an ST-Link, which the runner's lists of devices give to the board."""


def main() -> None:
    """Answer the search for ports with the one that is named, and start the runner."""
    folder, name, *options = sys.argv[1:]
    port = ListPortInfo(name)
    port.vid, port.pid, port.description = VENDOR, PRODUCT, "emulated"
    list_ports.comports = lambda *ignored: [port]
    os.environ.setdefault("MPLBACKEND", "agg")
    sys.path.insert(0, folder)
    sys.argv = ["main.py", *options]
    runpy.run_path(str(Path(folder) / "main.py"), run_name="__main__")


if __name__ == "__main__":
    main()
