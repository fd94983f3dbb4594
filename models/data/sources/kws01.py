# SPDX-License-Identifier: Apache-2.0
"""kws01: 1,000 keyword clips as the official int8 MFCC files (49 frames x 10 coefficients, frame-major)."""

from __future__ import annotations

from mlperf_tiny.models.data.formats.files import FileForm, as_it_is

FORM = FileForm({".bin": as_it_is})
