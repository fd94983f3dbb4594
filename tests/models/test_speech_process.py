# SPDX-License-Identifier: Apache-2.0
"""The process with the speech synthesiser, when it crashes: an error with the reason, never a wait without end."""

from __future__ import annotations

import ctypes.util
import os
import sys

import pytest

from mlperf_tiny.errors import DataError
from mlperf_tiny.models.data.synthetic import espeak

SYNTHESISER = espeak.Synthesiser("", None, 16_000, (), "")
VOICE = espeak.Voice("en-us", "")


@pytest.mark.skipif(not hasattr(os, "fork"), reason="processes of POSIX systems")
@pytest.mark.parametrize(
    ("code", "reason"),
    [
        ("raise MemoryError('no room')", r"crashed \(status 1\)\. Install another version"),
        ("os.kill(os.getpid(), 11)", r"crashed \(signal 11 \(SIGSEGV\)\)\. Install another version"),
        ("os.kill(os.getppid(), 11)", r"ended in the middle of a word \(signal 11 \(SIGSEGV\).*\)\. Try again"),
    ],
)
def test_a_word_that_crashes_is_an_error_with_its_signal_and_never_a_wait(
    monkeypatch: pytest.MonkeyPatch, code: str, reason: str
) -> None:
    monkeypatch.setattr(espeak, "_speakers", {})
    start = "import os\nfrom mlperf_tiny.models.data.synthetic import espeak\n"
    monkeypatch.setattr(
        espeak, "_SERVE", f"{start}def answer(line):\n    {code}\nespeak._answer = answer\nespeak.serve()"
    )
    with pytest.raises(DataError, match=reason):
        SYNTHESISER.speak("left", VOICE)


def test_a_speech_process_that_cannot_start_is_described_by_its_reason(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(espeak, "_speakers", {})
    monkeypatch.setattr(sys, "path", ["/nonexistent"])
    monkeypatch.setenv("PYTHONHOME", "/nonexistent")  # a child without Python's own modules, whose last line is a frame
    with pytest.raises(DataError, match=r"middle of a word \(status 1: Fatal Python error: \w+.*\)\. Try again"):
        SYNTHESISER.speak("left", VOICE)


def test_another_library_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    library = ctypes.util.find_library("c")
    if library is None:
        pytest.skip("no C library to load by name")
    with pytest.raises(DataError, match="is another library than eSpeak NG"):
        espeak.Synthesiser(library, None, 16_000, (), "").speak("left", VOICE)
