# SPDX-License-Identifier: Apache-2.0
"""Mel filter banks and log-mel spectrograms, as the libraries define them that published models were trained with.

TensorFlow's two banks are written out here, so that no feature needs TensorFlow. librosa's (Slaney) come from librosa.
Filter functions return weights of shape (bins of the spectrum, bands): ``spectrum @ weights`` are the band values.
"""

from __future__ import annotations

import os
import tempfile
from collections.abc import Callable
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]


def htk_mel(hz: NDArray[np.floating] | float) -> Floats:
    """Mel by the formula of the HTK book: 1127 ln(1 + f / 700)."""
    return np.asarray(1127.0 * np.log1p(np.asarray(hz, np.float64) / 700.0))


def signal_filters(bands: int, bins: int, rate_hz: int, low_hz: float, high_hz: float) -> Floats:
    """Return the filters of ``tf.signal.linear_to_mel_weight_matrix``: triangles on the mel axis, none over bin 0.

    Args:
        bands: Number of bands.
        bins: Number of bins of the spectrum.
        rate_hz: Sampling rate.
        low_hz: Lower edge of the first band.
        high_hz: Upper edge of the last band.

    Returns:
        Shape (bins, bands).
    """
    at = htk_mel(np.linspace(0.0, rate_hz / 2.0, bins)[1:])[:, None]
    corners = np.linspace(htk_mel(low_hz), htk_mel(high_hz), bands + 2)
    low, centre, high = corners[:-2], corners[1:-1], corners[2:]
    triangles = np.minimum((at - low) / (centre - low), (high - at) / (high - centre))
    return np.vstack([np.zeros((1, bands)), np.maximum(0.0, triangles)])


def operator_filters(bands: int, bins: int, rate_hz: int, low_hz: float, high_hz: float) -> Floats:
    """Return the filters of TensorFlow's ``Mfcc`` operator, which works on magnitudes.

    Each bin from ``low_hz`` to ``high_hz`` is divided between the two bands whose centres it lies between, in
    proportion to its distance on the mel axis. Bins outside, by the operator's own rounding, get weight 0.

    Args:
        bands: Number of bands.
        bins: Number of bins of the spectrum.
        rate_hz: Sampling rate.
        low_hz: Lower edge of the first band.
        high_hz: Upper edge of the last band.

    Returns:
        Shape (bins, bands).
    """
    hz_per_bin = rate_hz / 2.0 / (bins - 1)
    first, last = int(1.5 + low_hz / hz_per_bin), int(high_hz / hz_per_bin)
    at = htk_mel(np.arange(bins) * hz_per_bin)
    centres = np.linspace(htk_mel(low_hz), htk_mel(high_hz), bands + 2)[:-1]  # from the lower edge on
    weights = np.zeros((bins, bands + 2))
    for bin_ in range(first, last + 1):
        # The centre below the bin is column ``below``, the one above it the next; the edges themselves are not bands.
        below = int(np.searchsorted(centres, at[bin_], side="left")) - 1
        width = (centres[1] - centres[0]) if below + 1 >= len(centres) else centres[below + 1] - centres[below]
        share = 1.0 - (at[bin_] - centres[below]) / width
        weights[bin_, below] = share
        weights[bin_, below + 1] = 1.0 - share
    return weights[:, 1 : bands + 1]


def cosine_transform(coefficients: int, bands: int) -> Floats:
    """Return the DCT-II as a matrix.

    All coefficients are scaled by sqrt(2 / bands), the first one too, as in ``tf.signal`` and the ``Mfcc`` operator.

    Args:
        coefficients: How many of them, from the first.
        bands: Number of values that are transformed.

    Returns:
        Shape (bands, coefficients).
    """
    angles = np.pi / bands * np.outer(np.arange(bands) + 0.5, np.arange(coefficients))
    return np.asarray(np.sqrt(2.0 / bands) * np.cos(angles))


def slaney_log_mel(samples: Floats, bands: int, points: int, hop: int, rate_hz: int) -> Floats:
    """Return the log-mel spectrogram of librosa with Slaney's mel scale, in dB of the power.

    In double precision where ``samples`` are, so that machines with other vector units round to the same float32.

    Args:
        samples: Mono samples of -1..1, shape (n,), n >= points. Frames are not centred: frame i starts at i * hop.
        bands: Number of mel bands from 0 to half of ``rate_hz``.
        points: Length of the FFT and of its periodic Hann window.
        hop: Samples between the starts of two frames.
        rate_hz: Sampling rate.

    Returns:
        Shape (frames, bands): 10 log10(power + 2^-52).
    """
    melspectrogram, power_to_db = _librosa()
    power = melspectrogram(y=samples, sr=rate_hz, n_fft=points, hop_length=hop, n_mels=bands, center=False)
    epsilon = np.finfo(np.float64).eps
    return np.ascontiguousarray(power_to_db(power + epsilon, amin=epsilon, top_db=None).T)


def htk_mel_power(samples: Floats, bands: int, points: int, window: int, hop: int, rate_hz: int) -> Floats:
    """Return the mel spectrogram of torchaudio with its defaults: HTK's mel scale, triangles over Hz of height 1.

    Args:
        samples: Mono samples of -1..1, shape (n, samples). Frames are centred: frame i is around sample i * hop, and
            the signal is mirrored at its ends.
        bands: Number of mel bands from 0 to half of ``rate_hz``.
        points: Length of the FFT.
        window: Length of the periodic Hann window in the middle of a frame, at most ``points``.
        hop: Samples from one frame to the next.
        rate_hz: Sampling rate.

    Returns:
        Power, shape (n, 1 + samples // hop, bands).
    """
    melspectrogram, _ = _librosa()
    power = melspectrogram(
        y=samples,
        sr=rate_hz,
        n_fft=points,
        win_length=window,
        hop_length=hop,
        n_mels=bands,
        pad_mode="reflect",
        htk=True,
        norm=None,
    )
    return np.ascontiguousarray(power.transpose(0, 2, 1))


@cache
def _librosa() -> tuple[Callable[..., Any], Callable[..., Any]]:
    """The two functions of librosa: seconds to import, which commands without such features should not pay.

    While it is imported it asks for the user's cache folder, which is not used here; a user without a home has none.
    """
    needs_name = not os.environ.get("XDG_CACHE_HOME") and not _has_home()
    if needs_name:
        os.environ["XDG_CACHE_HOME"] = tempfile.gettempdir()
    try:
        import librosa

        return librosa.feature.melspectrogram, librosa.power_to_db
    finally:
        if needs_name:
            del os.environ["XDG_CACHE_HOME"]


def _has_home() -> bool:
    try:
        Path.home()
    except RuntimeError:
        return False
    return True
