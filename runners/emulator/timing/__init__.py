# SPDX-License-Identifier: Apache-2.0
"""Device time on an emulated core: cycles of code blocks, from one constant a class up to a pipeline model."""

from runners.emulator.timing.instruction_costs import (
    CORTEX_M4,
    CORTEX_M7,
    BlockCost,
    BlockCostFn,
    CoreTiming,
    cost_function,
    timing_of,
)

__all__ = ["CORTEX_M4", "CORTEX_M7", "BlockCost", "BlockCostFn", "CoreTiming", "cost_function", "timing_of"]
