# SPDX-License-Identifier: Apache-2.0
"""The 32 x 32 pictures of sound that the Arm MicroNets for anomaly detection look at.

64 frames of 64 ms, one every 32 ms, of 64 log-mel bands make a 64 x 64 picture; halved to 32 x 32; the next picture
starts 20 frames (640 ms) later. The paper (MicroNets, section 5.2.3) gives these sizes; that time runs downwards, that
frames are not centred and that 30 is added to the dB are from Arm's own evaluation kit for the model. No slide-rail
recording was at hand to prove it by a figure: the range fits the models' inputs, whose scale covers -27..22.
"""

from __future__ import annotations

from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

from mlperf_tiny.models.features.clip import SAMPLE_RATE_HZ, Floats, frames, periodic_hann, to_unit
from mlperf_tiny.models.features.mel import slaney_filters

FFT_POINTS = 1024
HOP_SAMPLES = 512
BANDS = 64
PICTURE_FRAMES = 64
STRIDE_FRAMES = 20
SIDE = 32
MEAN_DB = -30.0
LEAST_SAMPLES = FFT_POINTS + (PICTURE_FRAMES - 1) * HOP_SAMPLES


def machine_images(clip: NDArray[np.int16]) -> NDArray[np.float32]:
    """Return the pictures of one clip, shape (n, 32, 32, 1): row = time, column = band, 30 dB added.

    ``clip`` is mono at 16 kHz with at least LEAST_SAMPLES samples (2.1 s); a clip of 10 s gives 13 pictures, one of
    11 s gives 14. Raises ValueError for another shape.
    """
    if clip.ndim != 1 or len(clip) < LEAST_SAMPLES:
        raise ValueError(f"got a clip of shape {clip.shape}, wanted one channel of at least {LEAST_SAMPLES} samples")
    spectrum = np.fft.rfft(frames(to_unit(clip), FFT_POINTS, HOP_SAMPLES) * periodic_hann(FFT_POINTS), axis=-1)
    power = spectrum.real**2 + spectrum.imag**2
    levels = 10.0 * np.log10(power @ _filters() + np.finfo(np.float64).eps) - MEAN_DB
    pictures = frames(levels.T, PICTURE_FRAMES, STRIDE_FRAMES).transpose(1, 2, 0)
    # Bilinear to half the size is the mean of each two by two.
    halved = pictures.reshape(-1, SIDE, 2, SIDE, 2).mean(axis=(2, 4))
    return halved.astype(np.float32)[..., None]


@lru_cache(maxsize=1)
def _filters() -> Floats:
    return slaney_filters(BANDS, FFT_POINTS, SAMPLE_RATE_HZ)
