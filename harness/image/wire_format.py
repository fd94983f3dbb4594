# SPDX-License-Identifier: Apache-2.0
"""The serial format of a task's reference firmware, as the firmware generator takes it."""

from __future__ import annotations

from mlperf_tiny.errors import UsageError
from mlperf_tiny.firmware.wire import InputFormat, ResultFormat, WireFormat
from mlperf_tiny.models.tasks import Task


def wire_format(task: Task) -> WireFormat:
    """Return the device side of ``task``; raises UsageError for a benchmark with another dialect."""
    if task.wire is None:
        raise UsageError(f"task {task.name} has no serial format; benchmarks that can be run have one.")
    return WireFormat(
        model_id=task.model_id,
        input=InputFormat(task.wire.input),
        results=ResultFormat(task.wire.results),
        buffer_bytes=task.wire.buffer_bytes,
    )
