# SPDX-License-Identifier: Apache-2.0
"""Another process that holds something until the end of the block; and several that do the same at once."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

ROOT = Path(__file__).parents[2]

LOCK = """
from pathlib import Path
from mlperf_tiny.file_lock import locked
with locked(Path(sys.argv[1])):
    print("held", flush=True)
    sys.stdin.read()
"""
PORT = """
from mlperf_tiny.runners.transports.serial_port import SerialTransport
port = SerialTransport(sys.argv[1], 115200)
print("held", flush=True)
sys.stdin.read()
"""


def _start(script: str, arguments: Sequence[str]) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [sys.executable, "-c", "import sys\n" + script, *arguments],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        env={"PYTHONPATH": f"{ROOT / 'src'}:{ROOT}", "PATH": "/usr/bin:/bin", "HOME": "/nowhere"},
    )


@contextmanager
def held_elsewhere(place: str, script: str = LOCK) -> Iterator[subprocess.Popen[str]]:
    """Another process has ``place`` in the block."""
    with _start(script, [place]) as process:
        assert process.stdout is not None
        assert process.stdin is not None
        assert process.stdout.readline() == "held\n"
        yield process
        process.stdin.close()


def at_once(script: str, arguments: Sequence[Sequence[str]]) -> list[str]:
    """Run a script in one process for each of some arguments, from the same moment on; return what they print.

    The script waits with ``sys.stdin.readline()`` until all are ready, after a line ``ready``.
    """
    processes = [_start(script, words) for words in arguments]
    for process in processes:
        assert process.stdout is not None
        assert process.stdout.readline() == "ready\n"
    for process in processes:
        assert process.stdin is not None
        process.stdin.write("go\n")
        process.stdin.flush()
    return [process.communicate(timeout=60)[0] for process in processes]
