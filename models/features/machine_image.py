# SPDX-License-Identifier: Apache-2.0
"""The 32 x 32 log-mel spectrogram patches that the Arm MicroNets for anomaly detection take.

A patch is 64 frames of 64 ms, one every 32 ms, of 64 log-mel bands, halved to 32 x 32. The next patch starts 20 frames
(640 ms) later. These sizes are in the paper (MicroNets, section 5.2.3). Three details are from Arm's own evaluation kit
for the model: rows are time, frames are not centred, and 30 is added to the dB. No slide-rail recording was available
to confirm it by a figure; the range fits the models' inputs, whose scale covers -27..22.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from mlperf_tiny.models.features.clip import SAMPLE_RATE_HZ, frames, to_unit
from mlperf_tiny.models.features.mel import slaney_log_mel

FFT_POINTS = 1024
HOP_SAMPLES = 512
BANDS = 64
PATCH_FRAMES = 64
STRIDE_FRAMES = 20
SIDE = 32
MEAN_DB = -30.0
MIN_SAMPLES = FFT_POINTS + (PATCH_FRAMES - 1) * HOP_SAMPLES


def machine_images(clip: NDArray[np.int16]) -> NDArray[np.float32]:
    """Return the patches of one clip, shape (n, 32, 32, 1): row = time, column = band, 30 dB added.

    ``clip`` is mono at 16 kHz with at least MIN_SAMPLES samples (2.1 s). A clip of 10 s gives 13 patches, one of 11 s
    gives 14. Raises ValueError for another shape.
    """
    if clip.ndim != 1 or len(clip) < MIN_SAMPLES:
        raise ValueError(f"got a clip of shape {clip.shape}, wanted one channel of at least {MIN_SAMPLES} samples")
    samples = to_unit(clip).astype(np.float64)
    levels = slaney_log_mel(samples, BANDS, FFT_POINTS, HOP_SAMPLES, SAMPLE_RATE_HZ) - MEAN_DB
    patches = frames(levels.T, PATCH_FRAMES, STRIDE_FRAMES).transpose(1, 2, 0)
    # Bilinear to half the size is the mean of each two by two.
    halved = patches.reshape(-1, SIDE, 2, SIDE, 2).mean(axis=(2, 4))
    return halved.astype(np.float32)[..., None]
