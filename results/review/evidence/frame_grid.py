# SPDX-License-Identifier: Apache-2.0
"""Detection times put back on the grid of audio frames, which removes the skew of the interface board's two clocks.

The board plays the wave from one oscillator and stamps detections by another: the published lists have frames of
31.987 to 32.076 ms where the wave has 32 ms, up to 2.3 s at the end of the wave. A detection comes with a frame, so all
times lie on one grid whose period is the frame by the stamping clock. The period is fitted to the gaps between words,
for it drifts within a run by more than a frame; the number of frames between two detections is then a whole number.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from mlperf_tiny.results.review.evidence.runner_log import Detections

FRAME_MS = 32
"""512 samples at 16 kHz."""
MAX_SKEW = 0.005
"""Of the clocks; twice the largest that was published."""
MIN_GAP_MS = 250
MAX_GAP_MS = 60_000
"""In a longer gap the drift of the clocks may come to a frame."""
MIN_GAPS = 20
MIN_COHERENCE = 0.7
"""Of the gaps with a grid, 1 when they all are whole frames: 0.89 to 0.98 in the published lists, at most 0.4 in 50
lists of random times."""
_PERIODS = 1001


@dataclass(frozen=True, kw_only=True)
class FrameGrid:
    """A list of detections on the grid of frames."""

    detections: Detections
    """Frame numbers times 32 ms; the first one marks time zero, as before."""
    skew: float
    """Mean frame by the stamping clock over 32 ms, less 1."""


def on_frame_grid(detections: Detections) -> FrameGrid | None:
    """Return the detections on the grid of frames; None where they are too few, or show no grid."""
    times_ms = np.sort(np.array(detections.times_ms, dtype=np.float64))
    steps_ms = np.diff(times_ms)
    gaps_ms = steps_ms[(steps_ms > MIN_GAP_MS) & (steps_ms < MAX_GAP_MS)]
    if len(gaps_ms) < MIN_GAPS:
        return None
    period_ms, coherence = _fitted(gaps_ms)
    if coherence < MIN_COHERENCE:
        return None
    frames = np.concatenate(([0.0], np.cumsum(np.rint(steps_ms / period_ms))))
    mean_ms = float(np.polyfit(frames, times_ms, 1)[0])
    on_grid = Detections(tuple(int(frame) * FRAME_MS for frame in frames), detections.starts_s, detections.stops_s)
    return FrameGrid(detections=on_grid, skew=mean_ms / FRAME_MS - 1)


def _fitted(gaps_ms: npt.NDArray[np.float64]) -> tuple[float, float]:
    """The period that the gaps are multiples of, and how well they are."""
    per_ms = np.linspace(1 - MAX_SKEW, 1 + MAX_SKEW, _PERIODS) / FRAME_MS
    coherence = [abs(complex(np.exp(2j * np.pi * gaps_ms * frequency).mean())) for frequency in per_ms]
    best = int(np.argmax(coherence))
    return float(1 / per_ms[best]), coherence[best]
