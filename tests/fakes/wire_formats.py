# SPDX-License-Identifier: Apache-2.0
"""The serial formats of the runnable tasks, by the id that their firmware prints."""

from __future__ import annotations

from mlperf_tiny.firmware.wire import WireFormat
from mlperf_tiny.harness.image.wire_format import wire_format
from mlperf_tiny.models.tasks import TASKS

WIRE_FORMATS: dict[str, WireFormat] = {task.model_id: wire_format(task) for task in TASKS}
