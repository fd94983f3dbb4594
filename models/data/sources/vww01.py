# SPDX-License-Identifier: Apache-2.0
"""vww01: 1,000 pictures with and without a person, as raw 96 x 96 x 3 unsigned bytes, or as pictures of that size."""

from __future__ import annotations

from mlperf_tiny.models.data.formats.files import FileForm, as_it_is
from mlperf_tiny.models.data.formats.image_file import rgb_decoder

FORM = FileForm({".bin": as_it_is, ".png": rgb_decoder(96, 96), ".jpg": rgb_decoder(96, 96)})
