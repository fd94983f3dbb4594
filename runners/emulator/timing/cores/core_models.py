# SPDX-License-Identifier: Apache-2.0
"""The pipeline models there are, by the compiler's name of the core."""

from __future__ import annotations

from mlperf_tiny.errors import UsageError
from mlperf_tiny.runners.emulator.timing.cores.cortex_m4 import CortexM4
from mlperf_tiny.runners.emulator.timing.cores.cortex_m7 import CortexM7
from mlperf_tiny.runners.emulator.timing.cores.cortex_m33 import CortexM33
from mlperf_tiny.runners.emulator.timing.decode.core_model import CoreModel

_MODELS: tuple[CoreModel, ...] = (CortexM4(), CortexM7(), CortexM33())
CORE_MODELS: dict[str, CoreModel] = {model.name: model for model in _MODELS}


def find_core_model(cpu: str) -> CoreModel:
    """The pipeline model of a core; raises UsageError when there is none."""
    try:
        return CORE_MODELS[cpu]
    except KeyError:
        names = ", ".join(CORE_MODELS)
        raise UsageError(f"there is no pipeline model for the core {cpu!r}; there are {names}.") from None
