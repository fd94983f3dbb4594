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
from mlperf_tiny.runners.emulator.peripherals.core import PENDSV, SYSTICK, Dwt, SystemControl
from mlperf_tiny.runners.emulator.peripherals.gpio import Gpio
from mlperf_tiny.runners.emulator.peripherals.registers import Clocks, Peripheral, PeripheralFault, Unmodelled
from mlperf_tiny.runners.emulator.peripherals.units import NotEmulated
from mlperf_tiny.runners.emulator.peripherals.usart import Usart
from mlperf_tiny.runners.emulator.timing.memory_setup import MemorySetup

_Model = TypeVar("_Model", bound=Peripheral)
_STEP_BITS = 10
LOWEST_PRIORITY = 0x100
"""Of code outside of handlers: below all that can be set."""


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
        foreign: bool = False,
    ) -> None:
        """Build the register models.

        Args:
            board: The board's row.
            chip: Its chip.
            state: The shared state.
            request_reset: Called where the firmware resets the chip.
            host_baud: Rate of the host's end of the line; None: whatever the firmware sets.
            memory: Follows the registers of the memory system, where that is modelled.
            foreign: The image was not built here: any serial port may be the console, and what is not emulated is
                counted by name instead of being a fault.
        """
        self.board, self.chip, self.state = board, chip, state
        self.device_id, self.host_baud = chip.identity.idcode, host_baud
        self.slots = slots_of(board, foreign)
        self.unmodelled = Unmodelled() if foreign else None
        self.active_exception = 0
        self.running_priority = LOWEST_PRIORITY
        """Of the most urgent handler that runs."""
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
        self._console: Usart | None = None
        self._at_position: dict[int, list[Peripheral]] = {}
        self.enabled_interrupts = ()
        for slot in self.slots:
            model = slot.model(self, slot.name, slot.base)
            self._by_name[slot.name] = model
            for base in range(slot.base, slot.base + model.SIZE_BYTES, 1 << _STEP_BITS):
                self._slots[base >> _STEP_BITS] = (slot, model)
            self._gates[slot.name] = slot.gate is None
            if slot.position is not None:
                self._at_position.setdefault(slot.position, []).append(model)
        self.rcc = self._one(ResetAndClockControl)
        self._core, self._flash, self._pwr = self._one(SystemControl), self._one(FlashControl), self._one(PowerControl)
        if self.unmodelled is None:
            self.offer_console(self._by_name[self.chip.console.uart])
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
        return model.read(address - model.base, size_bytes) if model is not None else 0

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
        if model is not None:
            model.write(address - model.base, size_bytes, value)

    def _find(self, address: int, verb: str) -> Peripheral | None:
        """The model at an address; None where a foreign image's access has no effect."""
        found = self._slots.get(address >> _STEP_BITS)
        if found is None:
            return self._nothing_there(address, verb)
        slot, model = found
        if slot.gate and not self._gates[slot.name]:
            register, bit = slot.gate
            enable = f"RCC_{self.rcc.ENABLES[register]} bit {bit}"
            if self.unmodelled is not None:
                self.unmodelled.note(f"{verb} {slot.name} while its clock is off ({enable})")
                return None
            raise PeripheralFault(
                f"the firmware {verb} {address:#010x} while the clock of {slot.name} is off "
                f"({enable}); on silicon the access has no effect"
            )
        return model

    def _nothing_there(self, address: int, verb: str) -> Peripheral:
        if self.unmodelled is None:
            raise PeripheralFault(
                f"the firmware {verb} {address:#010x}, where the emulated {self.board.device} has no peripheral"
            )
        base = address >> _STEP_BITS << _STEP_BITS
        model = NotEmulated(self, f"{base:#010x}", base)
        self._slots[address >> _STEP_BITS] = (Slot(name=model.name, base=base, model=NotEmulated), model)
        return model

    # The console.

    def is_console(self, uart: Peripheral) -> bool:
        """Whether a UART is the one whose line leads to the host."""
        return uart is self._console

    def offer_console(self, uart: Peripheral) -> bool:
        """A UART is used: it becomes the console where none is yet. Returns whether it is."""
        if self._console is None:
            assert isinstance(uart, Usart)
            self._console = uart
            uart.become_console()
            self.interrupts_changed()
        return uart is self._console

    def find_console(self) -> None:
        """The core waits, and no UART has been used: one that takes bytes by interrupt is the console."""
        for model in self._by_name.values():
            if self._console is None and isinstance(model, Usart) and model.listens:
                self.offer_console(model)

    @property
    def console_name(self) -> str:
        """Name of the UART that is the console; "" while a foreign image has used none."""
        return "" if self._console is None else self._console.name

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
        pwr, flash = self._pwr, self._flash
        try:
            now = self.rcc.clocks(Supply(flash_acr=flash.words[flash.ACR], boost=pwr.boost, low=pwr.low))
        except ClockProblem as problem:
            if self.unmodelled is None or problem.clocks is None:
                raise PeripheralFault(f"clock set-up: {problem}") from None
            # A board on which such an image was measured lived with it.
            self.unmodelled.note(f"runs outside the limits of the data sheet: {problem}")
            now = problem.clocks
        if now.core_hz != self.clocks.core_hz:
            self.time.change_clock(self.state.core.cycles, now.core_hz)
        self.clocks = now
        self.caches_changed()
        for model in self._by_name.values():
            model.retime()

    def caches_changed(self) -> None:
        """Follow a write to FLASH_ACR or CCR."""
        if self._memory is not None:
            flash, core = self._flash, self._core
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
        return self._core.trace_enabled

    @property
    def fpu_enabled(self) -> bool:
        return self._core.fpu_enabled

    # What interrupts need.

    def interrupts_changed(self) -> None:
        """Find out which exceptions are switched on now; end the time slice, so that they are looked at."""
        core = self._core
        enabled = [SYSTICK] * core.systick_interrupt + [PENDSV] * core.pendsv
        for position in core.enabled_positions():
            sources = self._at_position.get(position, ())
            if core.is_pending(position) or any(source.interrupts for source in sources):
                enabled.append(16 + position)
        self.enabled_interrupts = tuple(enabled)
        console = self._console.row.interrupt if self._console is not None else -1
        self.state.uart.rx_interrupts = 16 + console in enabled
        if all(self.interrupt_group(number) >= self.running_priority for number in enabled):
            # None, or none that may interrupt the handler that runs: they are looked at when it ends.
            self.state.core.interrupt_at = NEVER
            if self.active_exception:
                return
        self.state.core.stop_at = self.state.core.look_at = 0

    def interrupt_pending(self, number: int) -> bool:
        """The source of an enabled exception wants its handler to run."""
        core = self._core
        if number == PENDSV:
            return core.pendsv
        if number == SYSTICK:
            return core.systick_pending
        sources = self._at_position.get(number - 16, ())
        return core.is_pending(number - 16) or any(source.interrupts and source.interrupt_pending for source in sources)

    def interrupt_due(self, number: int) -> int:
        """The cycle at which the source of an enabled exception will next request it by itself."""
        if number == SYSTICK:
            return self._core.systick_due
        sources = self._at_position.get(number - 16, ())
        return min((source.due for source in sources if source.interrupts), default=NEVER)

    def interrupt_taken(self, number: int) -> None:
        """The handler of ``number`` begins."""
        self._core.take(number)
        if number in (PENDSV, SYSTICK):
            self.interrupts_changed()

    def interrupt_group(self, number: int) -> int:
        """The part of an exception's priority that decides what it may interrupt."""
        return self._core.priority(number) & self._core.priority_mask

    @property
    def priority_mask(self) -> int:
        """The bits of a priority that decide what interrupts what."""
        return self._core.priority_mask

    def interrupt_priority(self, number: int) -> int:
        """Return the priority byte of an exception; 0 is the highest."""
        return self._core.priority(number)

    @property
    def vector_table(self) -> int:
        """Address of the vector table."""
        core = self._core
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
        return self._pwr.unpowered(pin)

    def pin_changed(self, pin: str, level: int) -> None:
        """Note an edge of an output pin.

        Args:
            pin: Such as ``PF13``.
            level: 0 or 1.
        """
        self.pin_edges.append((self.time.at(self.state.core.cycles), pin, level))
