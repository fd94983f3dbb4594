# SPDX-License-Identifier: Apache-2.0
"""What the compiled hooks call in Python: the cost of a new block, and registers that no native model answers.

No exception may pass through the engine: each is kept as ``FaultWatch.pending`` and raised when the core has stopped.
"""

from __future__ import annotations

import time

from unicorn import Uc

from mlperf_tiny.runners.emulator.chip.bus import Bus
from mlperf_tiny.runners.emulator.core import exact_pc
from mlperf_tiny.runners.emulator.core.block_costs import BlockCosts
from mlperf_tiny.runners.emulator.core.faults import Fault, FaultWatch
from mlperf_tiny.runners.emulator.core.interrupts import Interrupts
from mlperf_tiny.runners.emulator.native.state import State
from mlperf_tiny.runners.emulator.timing.decode.thumb import uses_floating_point

# One time slice of the core, where the firmware calls into Python: short enough that Ctrl-C and time-outs are honoured.
SLICE_S = 0.1
SHORTEST_SLICE_S = 0.01


class EngineCallbacks:
    """The callbacks of one board."""

    def __init__(
        self, uc: Uc, state: State, bus: Bus, block_costs: BlockCosts, interrupts: Interrupts, faults: FaultWatch
    ) -> None:
        """Hold what the callbacks need.

        Args:
            uc: The engine.
            state: The shared state.
            bus: Answers register accesses.
            block_costs: Takes new blocks.
            interrupts: Whether one could end an endless loop.
            faults: Keeps what goes wrong.
        """
        self._uc, self._state, self._bus = uc, state, bus
        self._block_costs, self._interrupts, self._faults = block_costs, interrupts, faults
        self.deadline_s = 0.0
        """When the board shall have stopped, on the host's monotonic clock."""
        self.slice_end_s = 0.0
        """When this time slice is over, by the same clock; 0: not looked at yet."""

    def cost_block(self, address: int, size_bytes: int) -> int:
        """Compute the cost of a block on the edge that is taken for the first time.

        Args:
            address: Of the block.
            size_bytes: Of the block.

        Returns:
            0; 1 when the core must stop before the block.
        """
        try:
            code = bytes(self._uc.mem_read(address, size_bytes))
            if not self._bus.fpu_enabled and uses_floating_point(code):
                raise Fault("UsageFault: the firmware computes in floating point before CPACR has enabled the unit")
            if self._block_costs.add(address, size_bytes, self._interrupts.in_use):
                return 0
            raise Fault("the core is in an endless loop that nothing can end")
        except BaseException as error:  # raised when the core has stopped
            self._faults.pending = error
            return 1

    def read_register(self, address: int, size_bytes: int) -> int:
        """Answer a read of a register.

        Args:
            address: Of the register.
            size_bytes: 1, 2 or 4.
        """
        try:
            self._check_slice()
            return self._bus.read(address, size_bytes)
        except BaseException as error:  # raised when the core has stopped
            self._fail_in_access(error, address)
            return 0

    def write_register(self, address: int, size_bytes: int, value: int) -> int:
        """Carry out a write of a register.

        Args:
            address: Of the register.
            size_bytes: 1, 2 or 4.
            value: What is written.
        """
        try:
            self._check_slice()
            self._bus.write(address, size_bytes, value)
        except BaseException as error:  # raised when the core has stopped
            self._fail_in_access(error, address)
        return 0

    def bad_fetch(self, engine: int) -> int:
        """The core jumps to where no code can be.

        Args:
            engine: Its handle.

        Returns:
            0.
        """
        try:
            self._faults.on_bad_fetch()
        except BaseException as error:  # raised when the core has stopped
            self._faults.pending = error
        return 0

    def _check_slice(self) -> None:
        """Firmware that polls slow registers runs far fewer instructions a second: end the slice by time.

        Not where interrupts are in use. Slices are short there, and where one ends is seen in device time: a handler
        starts between two of them, and a loop that only waits is looked for.
        """
        if self._bus.enabled_interrupts:
            return
        now = time.monotonic()
        if not self.slice_end_s:
            self.slice_end_s = now + min(SLICE_S, max(SHORTEST_SLICE_S, self.deadline_s - now))
        elif now > self.slice_end_s:
            self._state.core.stop_at = 0

    def _fail_in_access(self, error: BaseException, address: int) -> None:
        if isinstance(error, self._bus.Fault):
            error = Fault(str(error), address)
        self._faults.pending = self._faults.pending or error
        # Stopping here leaves PC on the access, which is what the report must show; the run ends, so that the
        # access would be repeated does not matter.
        exact_pc.clear(self._state.core.inexact_pc)
        self._uc.emu_stop()
