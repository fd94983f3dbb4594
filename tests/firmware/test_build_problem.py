# SPDX-License-Identifier: Apache-2.0
"""A compiler or a library with a part missing gets one sentence with the next step."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from mlperf_tiny.errors import CompilerFailed
from mlperf_tiny.firmware.build_problem import explain
from mlperf_tiny.firmware.compilers import Compilers

CASES = [
    ("a.h:3:10: fatal error: cstddef: No such file or directory", True, "apt install libstdc++-arm-none-eabi-newlib"),
    ("a.c:3:10: fatal error: string.h: No such file or directory", False, "apt install libnewlib-arm-none-eabi"),
    ("ld: cannot find -lc: No such file or directory", True, "apt install libnewlib-arm-none-eabi"),
    ("x.cc:1: fatal error: tensorflow/lite/c/common.h: No such file or directory", True, "tree is incomplete"),
    ("x.h:1: fatal error: flatbuffers/base.h: No such file or directory", True, "no header flatbuffers/base.h"),
    ("ld: engine.cc:(.text+0x1): undefined reference to `tflite::A::B(int)'\nld: x: undefined reference to `c'", True,
     "it lacks tflite::A::B(int) and 1 more"),
    ("ld: /x/libtensorflow-microlite.a: file format not recognized", True, "is damaged or was copied in part"),
    ("x: y\nld: /x/liba.a(b.o): file format not recognized", True, "the library /x/liba.a is damaged"),
    ("ar: member b.o in /x/liba.a is not an object", True, "the library /x/liba.a is damaged"),
    ("ld: x.o: file truncated", True, ""),
    ("ld: file truncated: /x/liba.a", True, ""),
    ("ld: undefined reference to `own'", False, ""),
    ("x.c:1: error: expected ';'", True, ""),
    ("x.c:1: fatal error: engine/model.h: No such file or directory", False, ""),
]  # fmt: skip


@pytest.mark.parametrize(("messages", "with_library", "sentence"), CASES)
def test_a_missing_part_is_named_with_the_next_step(messages: str, with_library: bool, sentence: str) -> None:
    found = explain(messages, with_library)
    assert sentence in found and bool(sentence) == bool(found)
    assert "\n" not in found


def test_no_raw_lines_follow_the_sentence(tmp_path: Path) -> None:
    messages = f"In file included from engine.cc:1:\n{CASES[0][0]}\ncompilation terminated."
    script = f"import sys; sys.exit({messages!r})"
    with pytest.raises(CompilerFailed) as failed, Compilers(tmp_path, "gcc") as compilers:
        compilers.run([sys.executable, "-c", script, "-isystem"])
    assert "the C++ library for Arm is missing (no header cstddef)" in str(failed.value)
    assert "In file included" not in str(failed.value)


@pytest.mark.skipif(sys.platform == "win32", reason="signals of POSIX systems")
def test_a_compiler_that_was_killed_is_named_with_its_signal(tmp_path: Path) -> None:
    script = "import os; os.kill(os.getpid(), 9)"
    with pytest.raises(CompilerFailed) as failed, Compilers(tmp_path, "gcc") as compilers:
        compilers.run([sys.executable, "-c", script, "a.c"])
    assert str(failed.value) == "gcc: it could not compile a.c (ended by signal 9 (SIGKILL))"
