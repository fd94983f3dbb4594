# SPDX-License-Identifier: Apache-2.0
"""The processes that compile an image: several at once, none left over."""

from __future__ import annotations

import os
import signal
import subprocess
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from pathlib import Path

from mlperf_tiny.child_process import how_it_ended
from mlperf_tiny.errors import CompilerFailed
from mlperf_tiny.firmware.build_problem import explain


class Compilers:
    """A context manager: an exception, Ctrl-C among them, ends the processes that run and starts no other one."""

    def __init__(self, folder: Path, compiler: str) -> None:
        """Run nothing yet.

        Args:
            folder: Where the commands run.
            compiler: Its name, for messages.
        """
        self._folder, self._compiler = folder, compiler
        self._running: set[subprocess.Popen[str]] = set()
        self._pool = ThreadPoolExecutor(os.cpu_count())
        self._ended = False

    def __enter__(self) -> Compilers:
        return self

    def __exit__(self, kind: object, *_: object) -> None:
        if kind is not None:
            self._ended = True
            for process in tuple(self._running):
                _end(process)
        self._pool.shutdown(cancel_futures=True)

    def run_all(self, commands: Sequence[Sequence[str]]) -> None:
        """Run commands side by side; raises CompilerFailed for the first one that fails."""
        list(self._pool.map(self.run, commands))

    def run(self, command: Sequence[str]) -> None:
        """Run a command to its end; raises CompilerFailed."""
        try:
            # In a session of its own: Ctrl-C in a terminal is for this program, which ends the compiler.
            process = subprocess.Popen(
                command,
                cwd=self._folder,
                stdout=subprocess.PIPE,
                stderr=subprocess.PIPE,
                encoding="utf-8",
                errors="replace",  # messages name files, in whatever bytes the locale gives
                start_new_session=True,
            )
        except OSError as error:
            raise CompilerFailed(self._compiler, f"cannot start {command[0]}: {error.strerror}") from None
        self._running.add(process)
        try:
            if self._ended:  # between the start and here
                _end(process)
            messages = process.communicate()[1]
        except BaseException:
            _end(process)
            raise
        finally:
            self._running.discard(process)
        if process.returncode != 0:
            what = next((word for word in command if word.endswith((".c", ".cc"))), "the image")
            with_library = "-isystem" in command or any(word.endswith(".a") for word in command)
            if sentence := explain(messages, with_library):
                raise CompilerFailed(self._compiler, f"it could not compile {what}: {sentence}")
            killed = f" (ended by {how_it_ended(process.returncode)})" if process.returncode < 0 else ""
            raise CompilerFailed(self._compiler, f"it could not compile {what}{killed}", messages)


def _end(process: subprocess.Popen[str]) -> None:
    """End a compiler and the processes it has started."""
    if hasattr(os, "killpg"):
        with suppress(OSError):  # it has ended
            os.killpg(process.pid, signal.SIGKILL)
    else:
        process.kill()
