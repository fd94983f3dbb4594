# SPDX-License-Identifier: Apache-2.0
"""Mel filter banks, as the three libraries build them that the published models were trained with.

Each function returns weights of shape (bins of the spectrum, bands): ``spectrum @ weights`` are the band values.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]


def htk_mel(hz: NDArray[np.floating] | float) -> Floats:
    """Mel by the formula of the HTK book: 1127 ln(1 + f / 700)."""
    return np.asarray(1127.0 * np.log1p(np.asarray(hz, np.float64) / 700.0))


def signal_filters(bands: int, bins: int, rate_hz: int, low_hz: float, high_hz: float) -> Floats:
    """The filters of ``tf.signal.linear_to_mel_weight_matrix``: triangles on the mel axis, none over bin 0."""
    at = htk_mel(np.linspace(0.0, rate_hz / 2.0, bins)[1:])[:, None]
    corners = np.linspace(htk_mel(low_hz), htk_mel(high_hz), bands + 2)
    low, centre, high = corners[:-2], corners[1:-1], corners[2:]
    triangles = np.minimum((at - low) / (centre - low), (high - at) / (high - centre))
    return np.vstack([np.zeros((1, bands)), np.maximum(0.0, triangles)])


def operator_filters(bands: int, bins: int, rate_hz: int, low_hz: float, high_hz: float) -> Floats:
    """The filters of TensorFlow's ``Mfcc`` operator, which works on magnitudes.

    Each bin from ``low_hz`` to ``high_hz`` is shared out between the two bands whose centres it lies between, in
    proportion to its distance on the mel axis. Bins outside, by the operator's own rounding, count nothing.
    """
    hz_per_bin = rate_hz / 2.0 / (bins - 1)
    first, last = int(1.5 + low_hz / hz_per_bin), int(high_hz / hz_per_bin)
    at = htk_mel(np.arange(bins) * hz_per_bin)
    centres = np.linspace(htk_mel(low_hz), htk_mel(high_hz), bands + 2)[:-1]  # from the lower edge on
    weights = np.zeros((bins, bands + 2))
    for bin_ in range(first, last + 1):
        # The centre below the bin is column ``below``, the one above it the next; the edges themselves are no bands.
        below = int(np.searchsorted(centres, at[bin_], side="left")) - 1
        width = (centres[1] - centres[0]) if below + 1 >= len(centres) else centres[below + 1] - centres[below]
        share = 1.0 - (at[bin_] - centres[below]) / width
        weights[bin_, below] = share
        weights[bin_, below + 1] = 1.0 - share
    return weights[:, 1 : bands + 1]


def slaney_filters(bands: int, points: int, rate_hz: int) -> Floats:
    """The filters of ``librosa.filters.mel`` up to half of ``rate_hz``, for an FFT of ``points``; each has area 1.

    The scale is Slaney's (Auditory Toolbox, 1998): linear below 1 kHz with 3 mel per 200 Hz, above it 27 mel for
    each factor 6.4.
    """
    corners_mel: Floats = np.linspace(0.0, _slaney_mel(rate_hz / 2.0), bands + 2, dtype=np.float64)
    corners_hz = _slaney_hz(corners_mel)
    bins_hz = np.arange(points // 2 + 1) * (rate_hz / points)
    low, centre, high = corners_hz[:-2, None], corners_hz[1:-1, None], corners_hz[2:, None]
    rising = (bins_hz - low) / (centre - low)
    falling = (high - bins_hz) / (high - centre)
    # librosa keeps the filters in single precision; the published features were made with those.
    weights = np.maximum(0.0, np.minimum(rising, falling)).astype(np.float32)
    weights *= 2.0 / (high - low)
    return weights.astype(np.float64).T


def cosine_transform(coefficients: int, bands: int) -> Floats:
    """The first ``coefficients`` of the DCT-II of ``bands`` values, as a matrix (bands, coefficients).

    Scaled by sqrt(2 / bands) throughout, the first one too: what ``tf.signal`` and the ``Mfcc`` operator both do.
    """
    angles = np.pi / bands * np.outer(np.arange(bands) + 0.5, np.arange(coefficients))
    return np.asarray(np.sqrt(2.0 / bands) * np.cos(angles))


_KNEE_HZ, _KNEE_MEL, _MEL_PER_HZ = 1000.0, 15.0, 3.0 / 200.0
_LOG_STEP = np.log(6.4) / 27.0


def _slaney_mel(hz: float) -> float:
    return float(_KNEE_MEL + np.log(hz / _KNEE_HZ) / _LOG_STEP) if hz >= _KNEE_HZ else hz * _MEL_PER_HZ


def _slaney_hz(mel: Floats) -> Floats:
    return np.where(mel < _KNEE_MEL, mel / _MEL_PER_HZ, _KNEE_HZ * np.exp(_LOG_STEP * (mel - _KNEE_MEL)))
