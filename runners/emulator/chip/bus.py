# SPDX-License-Identifier: Apache-2.0
"""The register models of one chip on their addresses, and what they share: clocks, device time, pins."""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeVar

from mlperf_tiny.firmware.boards import Board, Chip, Uart
from mlperf_tiny.runners.emulator.chip.device_time import DeviceTime
from mlperf_tiny.runners.emulator.chip.register_map import Slot, slots_of
from mlperf_tiny.runners.emulator.native.state import NEVER, State
from mlperf_tiny.runners.emulator.peripherals.clocking import (
    ClockProblem,
    FlashControl,
    PowerControl,
    ResetAndClockControl,
    Supply,
)
from mlperf_tiny.runners.emulator.peripherals.core import SYSTICK, Dwt, SystemControl
from mlperf_tiny.runners.emulator.peripherals.gpio import Gpio
from mlperf_tiny.runners.emulator.peripherals.registers import Clocks, Peripheral, PeripheralFault
from mlperf_tiny.runners.emulator.peripherals.usart import Usart
from mlperf_tiny.runners.emulator.timing.memory_setup import MemorySetup

_Model = TypeVar("_Model", bound=Peripheral)
_STEP_BITS = 10


class Bus:
    """Dispatches register accesses; is the ``Machine`` its peripherals speak to."""

    Fault = PeripheralFault

    def __init__(
        self,
        board: Board,
        chip: Chip,
        state: State,
        request_reset: Callable[[], None],
        host_baud: int | None,
        memory: MemorySetup | None = None,
    ) -> None:
        self.board, self.chip, self.state = board, chip, state
        self.device_id, self.host_baud = chip.identity.idcode, host_baud
        self.slots = slots_of(board)
        self.request_reset = request_reset
        self._memory = memory
        self.time = DeviceTime(chip.clocks.reset_hz)
        self.pin_edges: list[tuple[int, str, int]] = []
        self.enabled_interrupts: tuple[int, ...] = ()
        """Numbers of the exceptions that are switched on, at their source and in the NVIC."""
        self.clocks = self._reset_clocks()
        self._build()

    def reset(self) -> None:
        """All registers to their reset values; device time goes on. Bytes under way on the line are lost."""
        self.time.change_clock(self.state.core.cycles, self.chip.clocks.reset_hz)
        self.clocks = self._reset_clocks()
        self.state.array["uart"] = 0
        self._build()

    def _reset_clocks(self) -> Clocks:
        hz = self.chip.clocks.reset_hz
        return Clocks(sysclk_hz=hz, core_hz=hz, apb1_hz=hz, apb2_hz=hz, timer1_hz=hz, timer2_hz=hz)

    def _build(self) -> None:
        self._slots: dict[int, tuple[Slot, Peripheral]] = {}
        self._by_name: dict[str, Peripheral] = {}
        self._gates: dict[str, bool] = {}
        self.enabled_interrupts = ()
        for slot in self.slots:
            model = slot.model(self, slot.name, slot.base)
            self._by_name[slot.name] = model
            for base in range(slot.base, slot.base + model.SIZE_BYTES, 1 << _STEP_BITS):
                self._slots[base >> _STEP_BITS] = (slot, model)
            self._gates[slot.name] = slot.gate is None
        self.rcc = self._one(ResetAndClockControl)
        self.gates_changed()
        self.caches_changed()

    def _one(self, kind: type[_Model]) -> _Model:
        return next(model for model in self._by_name.values() if isinstance(model, kind))

    def read(self, address: int, size_bytes: int) -> int:
        """Answer a read by the core.

        Args:
            address: Of the register.
            size_bytes: 1, 2 or 4.

        Returns:
            The value read.

        Raises:
            PeripheralFault: where there is no register, or its clock is off.
        """
        model = self._find(address, "reads")
        return model.read(address - model.base, size_bytes)

    def write(self, address: int, size_bytes: int, value: int) -> None:
        """Carry out a write by the core.

        Args:
            address: Of the register.
            size_bytes: 1, 2 or 4.
            value: What is written.

        Raises:
            PeripheralFault: where there is no register, or its clock is off, and for what is not emulated.
        """
        model = self._find(address, "writes")
        model.write(address - model.base, size_bytes, value)

    def _find(self, address: int, verb: str) -> Peripheral:
        found = self._slots.get(address >> _STEP_BITS)
        if found is None:
            raise PeripheralFault(
                f"the firmware {verb} {address:#010x}, where the emulated {self.board.device} has no peripheral"
            )
        slot, model = found
        if slot.gate and not self._gates[slot.name]:
            register, bit = slot.gate
            raise PeripheralFault(
                f"the firmware {verb} {address:#010x} while the clock of {slot.name} is off "
                f"(RCC_{self.rcc.ENABLES[register]} bit {bit}); on silicon the access has no effect"
            )
        return model

    # What the register models need.

    def gates_changed(self) -> None:
        """Follow a write to the clock enable registers."""
        for slot in self.slots:
            if slot.gate is None:
                continue
            is_open = self.rcc.enabled(*slot.gate)
            if is_open != self._gates[slot.name]:
                self._gates[slot.name] = is_open
                self._by_name[slot.name].gate(is_open)

    def clocks_changed(self) -> None:
        """Follow a write to the clock registers; raises PeripheralFault for a set-up outside the chip's limits."""
        pwr, flash = self._one(PowerControl), self._one(FlashControl)
        try:
            now = self.rcc.clocks(Supply(flash_acr=flash.words[flash.ACR], boost=pwr.boost, low=pwr.low))
        except ClockProblem as problem:
            raise PeripheralFault(f"clock set-up: {problem}") from None
        if now.core_hz != self.clocks.core_hz:
            self.time.change_clock(self.state.core.cycles, now.core_hz)
        self.clocks = now
        self.caches_changed()
        for model in self._by_name.values():
            model.retime()

    def caches_changed(self) -> None:
        """Follow a write to FLASH_ACR or CCR."""
        if self._memory is not None:
            flash, core = self._one(FlashControl), self._one(SystemControl)
            self._memory.update(flash.words[flash.ACR], core.words[core.CCR])

    def instruction_cache_invalidated(self) -> None:
        """Follow a write to ICIALLU."""
        if self._memory is not None:
            self._memory.empty_instruction_cache()

    def uart_hz(self, uart: Uart) -> float:
        """The clock of a UART: its bus, or what its field in the RCC selects."""
        bus_hz = self.clocks.apb1_hz if uart.bus == 1 else self.clocks.apb2_hz
        if uart.select is None:
            return bus_hz
        register, bit = uart.select
        choice = self.rcc.words[register] >> bit & 3
        return (bus_hz, self.clocks.sysclk_hz, self.chip.clocks.hsi_hz, 32_768)[choice]

    @property
    def trace_enabled(self) -> bool:
        return self._one(SystemControl).trace_enabled

    @property
    def fpu_enabled(self) -> bool:
        return self._one(SystemControl).fpu_enabled

    # What interrupts need.

    def interrupts_changed(self) -> None:
        """Find out which exceptions are switched on now; end the time slice, so that they are looked at."""
        core, uart = self._one(SystemControl), self._one(Usart)
        console = self.chip.console_uart.interrupt
        enabled = (SYSTICK,) * core.systick_interrupt
        self.enabled_interrupts = enabled + (16 + console,) * (uart.interrupts and core.is_enabled(console))
        if not self.enabled_interrupts:
            self.state.core.interrupt_at = NEVER
        self.state.core.stop_at = self.state.core.look_at = 0

    def interrupt_pending(self, number: int) -> bool:
        """The source of an enabled exception wants its handler to run."""
        return self._one(SystemControl).systick_pending if number == SYSTICK else self._one(Usart).interrupt_pending

    def interrupt_due(self, number: int) -> int:
        """The cycle at which the source of an enabled exception will next request it by itself."""
        return self._one(SystemControl).systick_due if number == SYSTICK else self._one(Usart).due

    def interrupt_taken(self, number: int) -> None:
        """The handler of ``number`` begins."""
        if number == SYSTICK:
            self._one(SystemControl).take_systick()

    def interrupt_priority(self, number: int) -> int:
        """Return the priority byte of an exception; 0 is the highest."""
        return self._one(SystemControl).priority(number)

    @property
    def vector_table(self) -> int:
        """Address of the vector table."""
        core = self._one(SystemControl)
        return core.words[core.VTOR]

    def trace_changed(self) -> None:
        """Follow a write to DEMCR."""
        self._one(Dwt).retime()

    def pin_function(self, pin: str) -> tuple[int, int]:
        """Return the mode (2: alternate function) and the alternate function of a pin such as ``PA9``."""
        port = self._by_name[f"GPIO{pin[1]}"]
        assert isinstance(port, Gpio)
        return port.mode(int(pin[2:])), port.alternate_function(int(pin[2:]))

    def pin_problem(self, pin: str) -> str:
        """What keeps a pin such as ``PG7`` without supply; "" when nothing does."""
        return self._one(PowerControl).unpowered(pin)

    def pin_changed(self, pin: str, level: int) -> None:
        """Note an edge of an output pin.

        Args:
            pin: Such as ``PF13``.
            level: 0 or 1.
        """
        self.pin_edges.append((self.time.at(self.state.core.cycles), pin, level))
