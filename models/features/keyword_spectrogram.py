# SPDX-License-Identifier: Apache-2.0
"""Log-mel spectrograms of keywords, and their MFCCs, as the networks BC-ResNet and SparkNet were published with.

BC-ResNet's recipe is that of its published code: torchaudio's mel spectrogram of clips of -1..1 (30 ms periodic Hann
windows every 10 ms, frames centred with the clip mirrored at its ends, power of a 512-point FFT, 40 HTK mel bands from
0 to 8000 Hz without normalisation), and the natural logarithm of the value plus 1e-6.

SparkNet's paper (arXiv 2406.06634) states 32 MFCCs of 25 ms windows every 10 ms, which gives 101 frames. The rest is
ours, as in the MFCCs of NVIDIA NeMo that networks of its kind are trained with: 64 bands as above, and an orthonormal
DCT. Its coefficient k is multiplied by (k + 1) / 32: then all spread alike over speech, and one int8 scale holds them.
The network's first layer works on each coefficient by itself, so its weights can make up for any such factor.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from mlperf_tiny.models.features.clip import SAMPLE_RATE_HZ, in_batches, to_unit
from mlperf_tiny.models.features.mel import cosine_transform, htk_mel_power

FFT_POINTS = 512
HOP_SAMPLES = 160
FRAMES = 101
LOG_OFFSET = 1e-6
BATCH = 64

LOG_MEL_BANDS, LOG_MEL_WINDOW_SAMPLES = 40, 480
MFCC_BANDS, MFCC_WINDOW_SAMPLES, COEFFICIENTS = 64, 400, 32


def keyword_log_mel(clips: NDArray[np.int16]) -> NDArray[np.float32]:
    """Return BC-ResNet's features, shape (n, 101, 40, 1), of ``clips`` of shape (n, 16000)."""
    return _log_mel(clips, LOG_MEL_BANDS, LOG_MEL_WINDOW_SAMPLES)[..., None].astype(np.float32)


def keyword_mfcc_32(clips: NDArray[np.int16]) -> NDArray[np.float32]:
    """Return SparkNet's features, shape (n, 101, 1, 32), of ``clips`` of shape (n, 16000)."""
    transform = cosine_transform(COEFFICIENTS, MFCC_BANDS)
    transform[:, 0] /= np.sqrt(2.0)  # orthonormal
    transform *= np.arange(1, COEFFICIENTS + 1) / COEFFICIENTS
    coefficients = _log_mel(clips, MFCC_BANDS, MFCC_WINDOW_SAMPLES) @ transform
    return coefficients[:, :, None, :].astype(np.float32)


def _log_mel(clips: NDArray[np.int16], bands: int, window: int) -> NDArray[np.float64]:
    """Shape (n, 101, bands)."""
    made = [
        np.log(
            htk_mel_power(batch.astype(np.float64), bands, FFT_POINTS, window, HOP_SAMPLES, SAMPLE_RATE_HZ) + LOG_OFFSET
        )
        for batch in in_batches(to_unit(clips), BATCH)
    ]
    return np.concatenate(made) if made else np.zeros((0, FRAMES, bands))
