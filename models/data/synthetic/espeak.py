# SPDX-License-Identifier: Apache-2.0
"""The eSpeak NG speech synthesiser as a function from a word to samples.

Its library is looked for in the package ``espeakng-loader`` (the ``[speech]`` extra, which brings it along), then on
the system. It is under the GPL and no part of this program; sounds that it makes are free of it.

The library goes on in its sine tables where the last word left off, so that a word would depend on those before it.
It is therefore loaded anew for each word, which takes some milliseconds: the same word sounds the same, always.
"""

from __future__ import annotations

import _ctypes
import ctypes
import ctypes.util
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from harness.errors import DataError

# Values of the library's own interface, speak_lib.h.
_SYNCHRONOUS = 2
_RATE, _PITCH, _RANGE = 1, 3, 4
_UTF8 = 1
_OK = 0
_UNLOAD = "dlclose" if hasattr(_ctypes, "dlclose") else "FreeLibrary"  # the latter on Windows

_ON_SAMPLES = ctypes.CFUNCTYPE(ctypes.c_int, ctypes.POINTER(ctypes.c_short), ctypes.c_int, ctypes.c_void_p)
_lock = threading.Lock()  # the library speaks for one caller at a time


@dataclass(frozen=True)
class Voice:
    """Who speaks: an accent (``en-us``), a variant of it (``f3``), and how fast and high.

    ``words_per_minute`` 80..450; ``pitch`` and ``pitch_range`` 0..99.
    """

    accent: str
    variant: str
    words_per_minute: int = 160
    pitch: int = 50
    pitch_range: int = 50

    @property
    def name(self) -> str:
        """The library's name of it."""
        return f"{self.accent}+{self.variant}" if self.variant else self.accent


@dataclass(frozen=True)
class Synthesiser:
    """Where the library and its voices are. ``variants`` are the names of the voice variants it has."""

    path: str
    voices: str | None
    rate_hz: int
    variants: tuple[str, ...]
    version: str

    def say(self, text: str, voice: Voice) -> NDArray[np.int16]:
        """Return the samples of ``text``, shape (n,), at ``rate_hz``; raises DataError for an unknown voice."""
        pieces: list[NDArray[np.int16]] = []

        @_ON_SAMPLES
        def keep(samples: ctypes._Pointer[ctypes.c_short], count: int, events: int) -> int:
            if samples and count > 0:
                pieces.append(np.ctypeslib.as_array(samples, (count,)).copy())
            return 0

        content = text.encode()
        with _loaded(self.path, self.voices) as (library, _):
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
            raise DataError(f"eSpeak NG could not say {text!r} with voice {voice.name!r} (status {status}).")
        return np.concatenate(pieces)


@lru_cache(maxsize=1)
def synthesiser() -> Synthesiser:
    """Find the library; raises DataError that says how to get it when there is none."""
    path, voices = _places()
    with _loaded(path, voices) as (library, rate_hz):
        folder = ctypes.c_char_p()
        library.espeak_Info.restype = ctypes.c_char_p
        version = (library.espeak_Info(ctypes.byref(folder)) or b"").decode()
        where = Path((folder.value or b"").decode() or voices or "")
    variants = tuple(sorted(file.name for file in (where / "voices" / "!v").glob("*") if file.is_file()))
    return Synthesiser(path, voices, rate_hz, variants, version.split()[0] if version else "")


@contextmanager
def _loaded(path: str, voices: str | None) -> Iterator[tuple[ctypes.CDLL, int]]:
    """A fresh copy of the library, initialised, and its sample rate; unloaded at the end."""
    with _lock:
        try:
            library = ctypes.CDLL(path)
        except OSError as error:
            raise DataError(f"eSpeak NG at {path} cannot be loaded: {error}. Install espeakng-loader.") from error
        try:
            rate_hz = int(library.espeak_Initialize(_SYNCHRONOUS, 0, voices.encode() if voices else None, 1 << 15))
            if rate_hz <= 0:
                raise DataError(f"eSpeak NG at {path} finds no voices in {voices or 'its folder'}. Install it again.")
            if hasattr(library, "espeak_ng_SetRandSeed"):  # from version 1.52 on
                library.espeak_ng_SetRandSeed(ctypes.c_long(1))
            yield library, rate_hz
            library.espeak_Terminate()
        finally:
            getattr(_ctypes, _UNLOAD)(library._handle)


def _places() -> tuple[str, str | None]:
    """The library's file and its folder of voices, None where it knows that itself."""
    try:
        import espeakng_loader

        return str(espeakng_loader.get_library_path()), str(espeakng_loader.get_data_path())
    except ImportError:
        pass
    found = ctypes.util.find_library("espeak-ng")
    if found is None:
        raise DataError(
            "there is no speech synthesiser: eSpeak NG was found neither as a package nor on the system. "
            "Give 'pip install espeakng-loader', or install espeak-ng with the system's packages."
        )
    return found, None
