# SPDX-License-Identifier: Apache-2.0
"""What Arm put on the private bus: system control, SysTick, NVIC, caches, DWT; and ST's device identity.

When an exception is taken is in ``mlperf_tiny.runners.emulator.core.interrupts``.
"""

from __future__ import annotations

from typing import ClassVar

from mlperf_tiny.firmware.boards import Cache
from mlperf_tiny.runners.emulator.peripherals.registers import Machine, Peripheral, PeripheralFault
from mlperf_tiny.runners.emulator.peripherals.timer import DWT_ROW, Counter
from mlperf_tiny.runners.emulator.timing.cores.core_table import emulation_of

_CACHE_OPERATIONS = (0xF50, 0xF58, 0xF5C, 0xF60, 0xF64, 0xF68, 0xF6C, 0xF70, 0xF74, 0xF78)
_NVIC_SET, _NVIC_CLEAR = range(0x100, 0x120, 4), range(0x180, 0x1A0, 4)
_NVIC_PEND, _NVIC_UNPEND = range(0x200, 0x220, 4), range(0x280, 0x2A0, 4)
# Of ICSR.
_PEND_SV, _UNPEND_SV, _PEND_TICK, _UNPEND_TICK = 1 << 28, 1 << 27, 1 << 26, 1 << 25

SVCALL, PENDSV, SYSTICK = 11, 14, 15
"""Exception numbers; that of an interrupt is 16 more than its position in the NVIC."""


def cache_size_id(cache: Cache) -> int:
    """Return CCSIDR of a cache: sets - 1, ways - 1 and the line size in their fields, all write policies supported.

    Source: Armv7-M Architecture Reference Manual (DDI 0403), B4.8.1.

    Examples:
        >>> hex(cache_size_id(Cache(size_bytes=4096, ways=4)))
        '0xf003e019'
    """
    sets = cache.size_bytes // (cache.ways * cache.line_bytes)
    return 0xF000_0000 | (sets - 1) << 13 | (cache.ways - 1) << 3 | (cache.line_bytes // 4).bit_length() - 3


class SystemControl(Peripheral):
    """The system control space, 0xE000E000 to 0xE000EFFF, with SysTick in it."""

    SIZE_BYTES = 0x1000
    SYST_CSR, SYST_RVR, SYST_CVR = 0x010, 0x014, 0x018
    CPUID, ICSR, VTOR, AIRCR, CCR, CLIDR, CTR = 0xD00, 0xD04, 0xD08, 0xD0C, 0xD14, 0xD78, 0xD7C
    CCSIDR, CSSELR, CPACR, DEMCR, ICIALLU, STIR = 0xD80, 0xD84, 0xD88, 0xDFC, 0xF50, 0xF00
    RESET: ClassVar = {
        0x004: 0,
        0x008: 0,
        SYST_CSR: 0,
        SYST_RVR: 0,
        SYST_CVR: 0,
        0x01C: 0,
        **{offset: 0 for block in (_NVIC_SET, _NVIC_CLEAR, _NVIC_PEND, _NVIC_UNPEND) for offset in block},
        **dict.fromkeys(range(0x300, 0x320, 4), 0),
        **dict.fromkeys(range(0x400, 0x4F0, 4), 0),
        **dict.fromkeys(range(0xD00, 0xD8C, 4), 0),
        AIRCR: 0xFA05_0000,
        0xD90: 0x800,  # MPU: eight regions; they can be written, and are not enforced
        **dict.fromkeys(range(0xD94, 0xDBC, 4), 0),
        **dict.fromkeys((0xDF0, 0xDF4, 0xDF8, DEMCR, 0xF00), 0),
        0xF34: 0xC000_0000,
        0xF38: 0,
        0xF3C: 0,
        0xF40: 0x1011_0021,
        0xF44: 0x1100_0011,
        0xF48: 0x0000_0040,
        **dict.fromkeys(_CACHE_OPERATIONS, 0),
        **dict.fromkeys((0xF90, 0xF94, 0xF98, 0xF9C, 0xFA0, 0xFA8), 0),
    }

    def __init__(self, machine: Machine, name: str, base: int) -> None:
        super().__init__(machine, name, base)
        system = machine.board.memory_system
        caches = (system.data_cache, system.instruction_cache) if system is not None else (None, None)
        self.has_caches = caches[0] is not None
        self.cache_sizes = tuple(cache_size_id(cache) if cache is not None else 0 for cache in caches)
        self.words[self.CPUID] = machine.board.cpuid
        core = emulation_of(machine.board.cpu)
        self.words[self.CCR] = core.ccr
        self.words[self.CLIDR] = core.clidr
        self.words[self.CTR] = core.ctr
        # Where the chip boots from: the flash, at the address it also has.
        self.words[self.VTOR] = machine.board.memory("flash").aliases[0]
        self.systick_since = 0
        self.systick_wraps = 0
        self.systick_taken = 0
        self.systick_by_hand = False
        self.positions: list[int] = []  # of the interrupts that the NVIC passes on
        self.pendsv = False
        """PendSV has been requested and not been taken."""

    def load(self, offset: int) -> int:
        """Return the value of the register at ``offset``."""
        if offset == self.CCSIDR:
            return self.cache_sizes[self.words[self.CSSELR] & 1]
        if offset == self.SYST_CVR:
            return self._systick()[1]
        if offset == self.SYST_CSR:
            wraps = self._systick()[0]
            wrapped = wraps > self.systick_wraps
            self.systick_wraps = wraps
            return self.words[offset] | int(wrapped) << 16
        if offset == self.ICSR:
            return self.pendsv * _PEND_SV | self.systick_pending * _PEND_TICK | self.machine.active_exception
        return self.words[offset]

    def store(self, offset: int, value: int) -> None:
        """Write a register.

        Args:
            offset: Of the register, from the base of the peripheral.
            value: The 32-bit word.

        Raises:
            PeripheralFault: for a setting that is not emulated.
        """
        if offset == self.ICSR:
            self._store_icsr(value)
        elif offset in _NVIC_SET or offset in _NVIC_CLEAR:
            self._set_or_clear(offset, value, _NVIC_SET, _NVIC_CLEAR)
        elif offset in _NVIC_PEND or offset in _NVIC_UNPEND:
            self._set_or_clear(offset, value, _NVIC_PEND, _NVIC_UNPEND)
        elif offset == self.STIR:
            self._set_or_clear(_NVIC_PEND[(value & 0xFF) // 32], 1 << value % 32, _NVIC_PEND, _NVIC_UNPEND)
        elif offset == self.AIRCR:
            if value >> 16 == 0x05FA:
                self.words[offset] = 0xFA05_0000 | value & 0x700
                if value & 4:
                    self.machine.request_reset()
        elif offset in (self.SYST_CSR, self.SYST_RVR, self.SYST_CVR):
            self._store_systick(offset, value)
        elif offset == self.DEMCR:
            self.words[offset] = value
            self.machine.trace_changed()
        elif offset == self.CCR:
            self.words[offset] = value
            self.machine.caches_changed()
        elif offset == self.ICIALLU:
            self.machine.instruction_cache_invalidated()
        elif offset not in (self.CPUID, self.CLIDR, self.CTR, self.CCSIDR, *_CACHE_OPERATIONS):
            self.words[offset] = value

    @property
    def trace_enabled(self) -> bool:
        """DEMCR.TRCENA: the DWT runs only with it."""
        return bool(self.words[self.DEMCR] >> 24 & 1)

    def is_enabled(self, position: int) -> bool:
        """The NVIC passes the interrupt at ``position`` on."""
        return bool(self.words[_NVIC_SET[position // 32]] >> position % 32 & 1)

    def priority(self, number: int) -> int:
        """Priority byte of an exception; 0 is the highest."""
        if number >= 16:
            return self.words[0x400 + (number - 16 & ~3)] >> 8 * (number & 3) & 0xFF
        return self.words[0xD18 + (number - 4 & ~3)] >> 8 * (number & 3) & 0xFF

    @property
    def systick_interrupt(self) -> bool:
        """SysTick counts and interrupts."""
        return self.systick_by_hand or (self.words[self.SYST_CSR] & 3 == 3 and self.words[self.SYST_RVR] != 0)

    @property
    def systick_pending(self) -> bool:
        """The counter has passed zero since the handler last began."""
        return self.systick_by_hand or (bool(self.words[self.SYST_CSR] & 2) and self._systick()[0] > self.systick_taken)

    def take_systick(self) -> None:
        """The handler begins."""
        self.systick_by_hand = False
        self.systick_taken = self._systick()[0]

    @property
    def systick_due(self) -> int:
        """The cycle at which the counter will next reach zero."""
        counts = (self._systick()[0] + 1) * (self.words[self.SYST_RVR] + 1) - 1
        return self.systick_since + counts * (1 if self.words[self.SYST_CSR] & 4 else 8)

    def _set_or_clear(self, offset: int, value: int, setters: range, clearers: range) -> None:
        """Ones set or clear bits of the NVIC; both registers read as what is set."""
        index = (offset & 0x7F) // 4
        old = self.words[setters[index]]
        new = old | value if offset in setters else old & ~value
        self.words[setters[index]] = self.words[clearers[index]] = new
        words = [(32 * row, self.words[one]) for row, one in enumerate(_NVIC_SET)]
        self.positions = [first + bit for first, word in words if word for bit in range(32) if word >> bit & 1]
        self.machine.interrupts_changed()

    def _store_icsr(self, value: int) -> None:
        if value & 1 << 31:
            raise PeripheralFault("the firmware requests NMI, which is not emulated")
        if value & (_PEND_SV | _UNPEND_SV):
            self.pendsv = bool(value & _PEND_SV)
        if value & _PEND_TICK:
            self.systick_by_hand = True
        elif value & _UNPEND_TICK:
            self.take_systick()
        self.machine.interrupts_changed()

    def is_pending(self, position: int) -> bool:
        """The interrupt at ``position`` of the NVIC has been requested by hand."""
        return bool(self.words[_NVIC_PEND[position // 32]] >> position % 32 & 1)

    def enabled_positions(self) -> list[int]:
        """The interrupts that the NVIC passes on."""
        return self.positions

    def take(self, number: int) -> None:
        """The handler of an exception begins: it is no longer requested by hand."""
        if number == SYSTICK:
            self.take_systick()
        elif number == PENDSV:
            self.pendsv = False
        elif number >= 16 and self.is_pending(number - 16):
            index, bit = divmod(number - 16, 32)
            self.words[_NVIC_PEND[index]] &= ~(1 << bit)
            self.words[_NVIC_UNPEND[index]] = self.words[_NVIC_PEND[index]]
            self.machine.interrupts_changed()

    @property
    def priority_mask(self) -> int:
        """The bits of a priority that decide what interrupts what: those above AIRCR.PRIGROUP."""
        return 0xFF & ~((2 << (self.words[self.AIRCR] >> 8 & 7)) - 1)

    @property
    def fpu_enabled(self) -> bool:
        """CPACR gives full access to coprocessors 10 and 11."""
        return self.words[self.CPACR] >> 20 & 0xF == 0xF

    def _store_systick(self, offset: int, value: int) -> None:
        if offset == self.SYST_CVR:
            self._restart_systick()
        elif offset == self.SYST_CSR:
            if value & 1 and not self.words[offset] & 1:
                self._restart_systick()
            self.words[offset] = value & 7
        else:
            self.words[offset] = value & 0xFF_FFFF
        self.machine.interrupts_changed()

    def _restart_systick(self) -> None:
        self.systick_since, self.systick_wraps, self.systick_taken = self.machine.state.core.cycles, 0, 0

    def _systick(self) -> tuple[int, int]:
        """How often the counter has reached zero, and where it stands. It reloads one count after zero."""
        control, reload = self.words[self.SYST_CSR], self.words[self.SYST_RVR]
        if not control & 1 or not reload:
            return 0, 0
        cycles = self.machine.state.core.cycles - self.systick_since
        counts = cycles if control & 4 else cycles // 8
        return (counts + 1) // (reload + 1), reload - counts % (reload + 1)


class Dwt(Peripheral):
    """The cycle counter. On the M7 its registers are locked until the key is written."""

    SIZE_BYTES = 0x1000
    CTRL, CYCCNT, LAR, LSR = 0x000, 0x004, 0xFB0, 0xFB4
    KEY = 0xC5AC_CE55
    RESET: ClassVar = {CTRL: 0x4000_0000, CYCCNT: 0, **dict.fromkeys(range(0x008, 0x060, 4), 0), LAR: 0, LSR: 0}

    def __init__(self, machine: Machine, name: str, base: int) -> None:
        super().__init__(machine, name, base)
        self.counter = Counter(machine, DWT_ROW)
        self.counter.publish(base + self.CYCCNT)
        self.locked = emulation_of(machine.board.cpu).dwt_locked

    def retime(self) -> None:
        """Start or stop after a write to CTRL or DEMCR."""
        self.counter.set_rate(int(self.machine.trace_enabled and self.words[self.CTRL] & 1), 1)

    def load(self, offset: int) -> int:
        """Return the value of the register at ``offset``."""
        if offset == self.CYCCNT:
            return self.counter.count
        if offset == self.LSR:
            return int(self.locked) << 1 | 1
        return 0 if offset == self.LAR else self.words[offset]

    def store(self, offset: int, value: int) -> None:
        """Write a register.

        Args:
            offset: Of the register, from the base of the peripheral.
            value: The 32-bit word.

        Raises:
            PeripheralFault: while the DWT is locked.
        """
        if offset == self.LAR:
            self.locked = self.locked and value != self.KEY
            return
        if self.locked:
            raise PeripheralFault(
                f"the firmware writes DWT + {offset:#x} while the DWT is locked, which has no effect; "
                f"write {self.KEY:#x} to DWT_LAR first"
            )
        if offset == self.CYCCNT:
            self.counter.set_count(value)
        else:
            self.words[offset] = value
        if offset == self.CTRL:
            self.retime()


class DebugMcu(Peripheral):
    """DBGMCU: the device id code."""

    IDCODE = 0x00
    RESET: ClassVar = {IDCODE: 0, 0x04: 0, 0x08: 0, 0x0C: 0, 0x10: 0}

    def load(self, offset: int) -> int:
        """Return the value of the register at ``offset``."""
        return self.machine.device_id if offset == self.IDCODE else self.words[offset]


class SystemConfig(Peripheral):
    """SYSCFG: read back as written; memory remapping is not emulated."""

    RESET = dict.fromkeys(range(0x00, 0x30, 4), 0)
