# SPDX-License-Identifier: Apache-2.0
"""ic01: 200 CIFAR-10 test pictures as raw 32 x 32 x 3 unsigned bytes, interleaved, row-major; pictures also work."""

from __future__ import annotations

from mlperf_tiny.models.data.formats.files import FileForm, as_it_is
from mlperf_tiny.models.data.formats.image_file import rgb_decoder

FORM = FileForm({".bin": as_it_is, ".png": rgb_decoder(32, 32)})
