# SPDX-License-Identifier: Apache-2.0
"""What is said of a child process that ended: its status or signal, and the line that says why, wherever it is."""

from __future__ import annotations

import subprocess
import sys

import pytest

from mlperf_tiny.child_process import how_it_ended, telling_line

STACK = "\nCurrent thread 0x00007f65f8237b80 (most recent call first):\n"
LINES = [
    ("", ""),
    ("\n \n", ""),
    ("a warning\nno such voice\n", "no such voice"),
    (f"Fatal Python error: Segmentation fault\n{STACK}  <no Python frame>\n", "Fatal Python error: Segmentation fault"),
    (
        "Python path configuration:\n  isolated = 0\nFatal Python error: init_fs_encoding: failed to get the codec\n"
        f"Python runtime state: core initialized\nModuleNotFoundError: No module named 'encodings'\n{STACK}"
        "  <no Python frame>\n",
        "Fatal Python error: init_fs_encoding: failed to get the codec",
    ),
    (
        f'Fatal Python error: Bus error\n{STACK}  File "a.py", line 1 in f\n\nExtension modules: numpy (total: 1)',
        "Fatal Python error: Bus error",
    ),
    (
        f'free(): invalid pointer\nFatal Python error: Aborted\n{STACK}  File "a.py", line 1 in f\n',
        "free(): invalid pointer",
    ),
    (f"out of tables\nFatal Python error: Aborted\n{STACK}  <no Python frame>\n", "out of tables"),
    (f"Fatal Python error: Aborted\n{STACK}  <no Python frame>\n", "Fatal Python error: Aborted"),
    (
        'Traceback (most recent call last):\n  File "a.py", line 1, in f\nOSError: first\n\nDuring handling of it:\n\n'
        'Traceback (most recent call last):\n  File "a.py", line 2, in g\n    x\n    ^\nValueError: two\nlines\n',
        "ValueError: two",
    ),
    (
        "terminate called after throwing an instance of 'std::bad_alloc'\n  what():  std::bad_alloc\n",
        "terminate called after throwing an instance of 'std::bad_alloc' what(): std::bad_alloc",
    ),
    ("say: wave.c:3: put: Assertion `n > 0' failed.\nAborted\n", "say: wave.c:3: put: Assertion `n > 0' failed."),
    ("*** stack smashing detected ***: terminated\nAborted\n", "*** stack smashing detected ***: terminated"),
    ("LLVM ERROR: out of memory\nPLEASE submit a bug report\nStack dump:\n0. x\n", "LLVM ERROR: out of memory"),
    (
        "=====\n==7==ERROR: AddressSanitizer: heap-use-after-free on address 0x1\n    #0 0x1 in f\n==7==ABORTING\n",
        "==7==ERROR: AddressSanitizer: heap-use-after-free on address 0x1",
    ),
    (
        "thread 'main' panicked at a.rs:1:\nno voice\nnote: run with `RUST_BACKTRACE=1`\n",
        "thread 'main' panicked at a.rs:1: no voice",
    ),
    ("x" * 300, "x" * 197 + "..."),
]


@pytest.mark.parametrize(("messages", "line"), LINES, ids=range(len(LINES)))
def test_the_line_that_says_why_is_found(messages: str, line: str) -> None:
    assert telling_line(messages) == line


@pytest.mark.parametrize(
    ("status", "messages", "said"),
    [
        (0, "", "status 0"),
        (3, "no voice", "status 3: no voice"),
        (-11, "", "signal 11 (SIGSEGV)"),
        (-9, "a warning", "signal 9 (SIGKILL): a warning"),
        (-1000, "", "signal 1000"),
    ],
)
def test_status_and_signal(status: int, messages: str, said: str) -> None:
    assert how_it_ended(status, messages) == said


CRASHES = [
    (
        "import os, signal; os.kill(os.getpid(), signal.SIGSEGV)",
        "signal 11 (SIGSEGV): Fatal Python error: Segmentation fault",
    ),
    ("import os; os.write(2, b'no room\\n'); os.abort()", "signal 6 (SIGABRT): no room"),
    ("raise KeyError('voice')", "status 1: KeyError: 'voice'"),
]


@pytest.mark.skipif(sys.platform == "win32", reason="signals of POSIX systems")
@pytest.mark.parametrize(("code", "said"), CRASHES)
def test_real_processes(code: str, said: str) -> None:
    done = subprocess.run([sys.executable, "-X", "faulthandler", "-c", code], stderr=subprocess.PIPE, text=True)
    assert how_it_ended(done.returncode, done.stderr) == said
