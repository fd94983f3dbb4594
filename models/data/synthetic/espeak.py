# SPDX-License-Identifier: Apache-2.0
"""The eSpeak NG speech synthesiser as a function from a word to samples.

Its library is searched for in the package ``espeakng-loader`` (the ``[speech]`` extra), then on the system. It is under
the GPL and not a part of this program; the sounds that it makes are not under the GPL.

The library keeps the phase of its sine tables between words, so that a word would depend on those before it. It is
therefore loaded again for each word, which takes some milliseconds: the same word always gives the same samples. Not
every build of it can be unloaded, so this happens in a separate process, which forks for each word where it can.
"""

from __future__ import annotations

import _ctypes
import ctypes
import ctypes.util
import json
import os
import struct
import subprocess
import sys
import tempfile
import threading
import traceback
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from mlperf_tiny.child_process import how_it_ended
from mlperf_tiny.errors import DataError

# Values of the library's own interface, speak_lib.h.
_SYNCHRONOUS = 2
_RATE, _PITCH, _RANGE = 1, 3, 4
_UTF8 = 1
_OK = 0
_UNLOAD = "dlclose" if hasattr(_ctypes, "dlclose") else "FreeLibrary"  # the latter on Windows

_ON_SAMPLES = ctypes.CFUNCTYPE(ctypes.c_int, ctypes.POINTER(ctypes.c_short), ctypes.c_int, ctypes.c_void_p)
_FORKS = hasattr(os, "fork")
_HEADER = struct.Struct("<?I")
_SERVE = f"from {__name__} import serve; serve()"
_speakers: dict[int, _Speaker] = {}  # by the id of the calling process


@dataclass(frozen=True)
class Voice:
    """Parameters of one spoken word."""

    accent: str
    """As ``en-us``."""
    variant: str
    """Of the accent, as ``f3``; "" for none."""
    words_per_minute: int = 160
    """80..450."""
    pitch: int = 50
    """0..99."""
    pitch_range: int = 50
    """0..99."""

    @property
    def name(self) -> str:
        """What the library calls it."""
        return f"{self.accent}+{self.variant}" if self.variant else self.accent


@dataclass(frozen=True)
class Synthesiser:
    """The library and its voices."""

    path: str
    """The library's file."""
    voices: str | None
    """Its folder of voices; None: the library's default."""
    rate_hz: int
    """Sampling rate of its output."""
    variants: tuple[str, ...]
    """Names of its voice variants."""
    version: str
    """Its version."""

    def speak(self, text: str, voice: Voice) -> NDArray[np.int16]:
        """Synthesise one word.

        Args:
            text: The word.
            voice: Who speaks it.

        Returns:
            Samples at ``rate_hz``, shape (n,).

        Raises:
            DataError: The voice is unknown, or the library failed.
        """
        return np.frombuffer(_speaker().request("speak", self.path, self.voices, text, asdict(voice)), np.int16).copy()


@lru_cache(maxsize=1)
def synthesiser() -> Synthesiser:
    """Find the library; raises DataError with the ways to install it when there is none."""
    path, voices = _library_files()
    info = json.loads(_speaker().request("info", path, voices))
    return Synthesiser(path, voices, info["rate_hz"], tuple(info["variants"]), info["version"])


class _Speaker:
    """The process with the library: takes a line of JSON, replies with a flag, a length and that many bytes."""

    def __init__(self) -> None:
        self.owner = os.getpid()
        self.lock = threading.Lock()  # the library serves one caller at a time
        self.errors = tempfile.TemporaryFile()  # noqa: SIM115 - as long as the process
        self.process = subprocess.Popen(
            [sys.executable, "-c", _SERVE],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=self.errors,
            env={**os.environ, "PYTHONPATH": os.pathsep.join(filter(None, sys.path))},
            start_new_session=True,  # Ctrl-C in a terminal is for this program alone
        )

    def request(self, *values: object) -> bytes:
        """Send one request and return the reply; raises DataError with the library's error."""
        assert self.process.stdin is not None and self.process.stdout is not None
        try:
            with self.lock:
                self.process.stdin.write(json.dumps(values).encode() + b"\n")
                self.process.stdin.flush()
                good, length = _HEADER.unpack(self.process.stdout.read(_HEADER.size))
                answer = self.process.stdout.read(length)
        except (OSError, struct.error) as error:
            _speakers.pop(self.owner, None)
            raise DataError(
                f"the process with eSpeak NG ended in the middle of a word{self._reason()}. Try again."
            ) from error
        if not good:
            raise DataError(answer.decode())
        return answer

    def _reason(self) -> str:
        """Why the process ended, in parentheses."""
        try:
            self.process.wait(5.0)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()
        self.errors.seek(0)
        messages = self.errors.read().decode(errors="replace")
        return f" ({how_it_ended(self.process.returncode, messages)})"


def _speaker() -> _Speaker:
    # A process made by fork must not share its parent's pipe.
    found = _speakers.get(os.getpid())
    if found is None:
        found = _speakers[os.getpid()] = _Speaker()
    return found


def serve() -> None:
    """Answer requests on standard input until it closes: what the process with the library runs."""
    for line in sys.stdin.buffer:
        if not _FORKS:
            _answer(line)
            continue
        child = os.fork()
        if child == 0:
            ended = 1  # an answer that fails is a crash: the caller waits for a reply
            try:
                _answer(line)
                ended = 0
            except Exception:  # the child ends here: what it was is printed, and its status says that it failed
                traceback.print_exc()
            finally:
                os._exit(ended)  # without the library's exit handlers
        _, status = os.waitpid(child, 0)
        if status:
            how = how_it_ended(os.waitstatus_to_exitcode(status))
            _reply(False, f"eSpeak NG crashed ({how}). Install another version of it.".encode())


def _answer(line: bytes) -> None:
    answers: dict[str, Callable[..., bytes]] = {"speak": _speak, "info": _info}
    name, *arguments = json.loads(line)
    try:
        good, answer = True, answers[name](*arguments)
    except DataError as error:
        good, answer = False, str(error).encode()
    _reply(good, answer)


def _reply(good: bool, answer: bytes) -> None:
    sys.stdout.buffer.write(_HEADER.pack(good, len(answer)) + answer)
    sys.stdout.buffer.flush()


def _speak(path: str, voices: str | None, text: str, who: dict[str, Any]) -> bytes:
    pieces: list[bytes] = []
    voice, content = Voice(**who), text.encode()

    @_ON_SAMPLES
    def keep(samples: ctypes._Pointer[ctypes.c_short], count: int, events: int) -> int:
        if samples and count > 0:
            pieces.append(ctypes.string_at(samples, 2 * count))
        return 0

    with _loaded(path, voices) as (library, _):
        if library.espeak_SetVoiceByName(voice.name.encode()) != _OK:
            raise DataError(f"eSpeak NG has no voice {voice.name!r}. Look in its folder of voices.")
        for parameter, value in (
            (_RATE, voice.words_per_minute),
            (_PITCH, voice.pitch),
            (_RANGE, voice.pitch_range),
        ):
            library.espeak_SetParameter(parameter, value, 0)
        library.espeak_SetSynthCallback(keep)
        status = library.espeak_Synth(content, len(content) + 1, 0, 0, 0, _UTF8, None, None)
        library.espeak_Synchronize()
    if status != _OK or not pieces:
        raise DataError(f"eSpeak NG could not synthesise {text!r} with voice {voice.name!r} (status {status}).")
    return b"".join(pieces)


def _info(path: str, voices: str | None) -> bytes:
    with _loaded(path, voices) as (library, rate_hz):
        folder = ctypes.c_char_p()
        library.espeak_Info.restype = ctypes.c_char_p
        version = (library.espeak_Info(ctypes.byref(folder)) or b"").decode()
        where = Path((folder.value or b"").decode() or voices or "")
    variants = sorted(file.name for file in (where / "voices" / "!v").glob("*") if file.is_file())
    info = {"rate_hz": rate_hz, "variants": variants, "version": version.split()[0] if version else ""}
    return json.dumps(info).encode()


@contextmanager
def _loaded(path: str, voices: str | None) -> Iterator[tuple[ctypes.CDLL, int]]:
    """A fresh copy of the library, initialised, and its sample rate; unloaded at the end where nothing forks."""
    try:
        library = ctypes.CDLL(path)
    except OSError as error:
        raise DataError(f"eSpeak NG at {path} cannot be loaded: {error}. Install espeakng-loader.") from error
    if not hasattr(library, "espeak_Initialize"):
        raise DataError(f"{path} is another library than eSpeak NG. Install espeakng-loader.")
    try:
        rate_hz = int(library.espeak_Initialize(_SYNCHRONOUS, 0, voices.encode() if voices else None, 1 << 15))
        if rate_hz <= 0:
            raise DataError(f"eSpeak NG at {path} finds no voices in {voices or 'its folder'}. Install it again.")
        if hasattr(library, "espeak_ng_SetRandSeed"):  # from version 1.52 on
            library.espeak_ng_SetRandSeed(ctypes.c_long(1))
        yield library, rate_hz
    finally:
        if not _FORKS:  # a process that is about to end need not tidy up, and some builds crash when they do
            library.espeak_Terminate()
            getattr(_ctypes, _UNLOAD)(library._handle)


def _library_files() -> tuple[str, str | None]:
    """The library's file and its folder of voices, None for the library's default."""
    try:
        import espeakng_loader

        return str(espeakng_loader.get_library_path()), str(espeakng_loader.get_data_path())
    except ImportError:
        pass
    found = ctypes.util.find_library("espeak-ng")
    if found is None:
        raise DataError(
            "no speech synthesiser: eSpeak NG was found neither as a Python package nor on the system. "
            "Install it: pip install 'mlperf-tiny-harness[speech]', or the system's package espeak-ng."
        )
    return found, None
