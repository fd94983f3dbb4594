# SPDX-License-Identifier: Apache-2.0
"""One emulated board: the Unicorn core, the board's memories, the register models, and the loop that runs them.

What it does not do, and refuses with a message: DMA, self-programming of the flash, sleep modes, fault handlers. Of an
image that was not built here (``foreign``) it is counted instead, where the run can go on.
What it cannot notice: accesses that the MPU would refuse (its registers only read back), double precision sent to the
single-precision F746 (the core model has both; ``firmware/elf.py`` looks for it), a data cache switched on before its
lines were invalidated (caches cost time here, they hold no data), a PLL or regulator used before it is ready (both are
at once).
Unaligned LDRD, STRD, LDM and STM, which fault on silicon, are looked for only with ``check_alignment``.
Device time comes from a cycle model (``mlperf_tiny.runners.emulator.timing``), so it is a model too; instruction counts
are exact.
"""

from __future__ import annotations

import time
from pathlib import Path
from typing import Any

import unicorn.arm_const as arm
from unicorn import UC_ARCH_ARM, UC_MODE_THUMB, Uc

from mlperf_tiny.errors import DeviceCrashed, UsageError
from mlperf_tiny.firmware.boards import Board
from mlperf_tiny.interruption import HeldInterrupt
from mlperf_tiny.runners.emulator.chip.bus import Bus
from mlperf_tiny.runners.emulator.chip.device_time import FEMTOSECONDS
from mlperf_tiny.runners.emulator.chip.register_map import chip_of
from mlperf_tiny.runners.emulator.core import exact_pc
from mlperf_tiny.runners.emulator.core.alignment import AlignmentCheck
from mlperf_tiny.runners.emulator.core.block_costs import BlockCosts
from mlperf_tiny.runners.emulator.core.crash import Crash, report
from mlperf_tiny.runners.emulator.core.engine_callbacks import EngineCallbacks
from mlperf_tiny.runners.emulator.core.faults import REGISTERS, Fault, FaultWatch
from mlperf_tiny.runners.emulator.core.interrupts import Interrupts
from mlperf_tiny.runners.emulator.executors import translates
from mlperf_tiny.runners.emulator.function_trace import FunctionTrace
from mlperf_tiny.runners.emulator.garbage import BOARDS
from mlperf_tiny.runners.emulator.host_console import HostConsole
from mlperf_tiny.runners.emulator.memory.any_image import read_any_image
from mlperf_tiny.runners.emulator.memory.elf_image import read_image
from mlperf_tiny.runners.emulator.memory.memory import map_memories
from mlperf_tiny.runners.emulator.memory.pages import ask_for_pages
from mlperf_tiny.runners.emulator.native.bindings import NativeCore, release
from mlperf_tiny.runners.emulator.native.counts import Counts, counts_of
from mlperf_tiny.runners.emulator.native.engine import ENDED, FAILED
from mlperf_tiny.runners.emulator.native.entry_points import look_at_stack, next_event, wait
from mlperf_tiny.runners.emulator.native.state import RAM_PATTERN, STACK_GUARD_BYTES, State
from mlperf_tiny.runners.emulator.timing.cores.core_table import emulation_of
from mlperf_tiny.runners.emulator.timing.levels import Level, find_level
from mlperf_tiny.runners.emulator.timing.memory_setup import MemorySetup
from mlperf_tiny.runners.emulator.translate.translator import Translator

# One time slice of the core: short enough that Ctrl-C and time-outs are honoured, long enough to cost nothing.
SLICE_INSTRUCTIONS = 10_000_000
DEFAULT_INSTRUCTION_LIMIT = 20_000_000_000
# Room for translated code. The engine's own choice, a gigabyte, is sooner or later placed across a 4 GiB boundary from
# the engine itself; processors predict calls over that badly, and everything takes twice as long.
_TRANSLATIONS_BYTES = 32 << 20


class EmulatedBoard:
    """A board running one image. Not thread-safe; nothing runs except within ``run``."""

    def __init__(
        self,
        board: Board,
        elf: Path | bytes,
        timing: str = "instructions",
        *,
        instruction_limit: int = DEFAULT_INSTRUCTION_LIMIT,
        baud: int | None = None,
        traced_function: str | None = None,
        check_alignment: bool = False,
        count_blocks: bool = True,
        translate: bool | None = None,
        foreign: bool = False,
    ) -> None:
        """Load an image and power the board on.

        Args:
            board: The board's row.
            elf: The image: a file or its bytes.
            timing: A level of ``mlperf_tiny.runners.emulator.timing.levels``.
            instruction_limit: Ends a firmware that neither sends nor waits for input for so many instructions.
            baud: Rate of the host's end of the line. [default: whatever the firmware sets]
            traced_function: Symbol of a function whose blocks are noted in ``function_trace``.
            check_alignment: Report accesses that silicon refuses, at a hundredth of the speed.
            count_blocks: False leaves the counting hook out, and with it all means to stop: for benchmarks only.
            translate: Run hot functions as native code, which changes nothing but speed; it steps aside for
                ``check_alignment``. [default: as ``executors`` has it]
            foreign: The image was not built here: it may be ELF, HEX or plain bytes, any serial port may be its
                console, and what is not emulated is counted in ``unmodelled`` instead of ending the run.

        Raises:
            UsageError: for an image or device that cannot be emulated.
        """
        BOARDS.add(self)
        self.board = board
        chip = chip_of(board)
        self.level: Level = find_level(timing, board)
        self.image = read_any_image(elf, board.memory("flash").base) if foreign else read_image(elf)
        self._state = State()
        self._state.core.silence_limit = instruction_limit
        self._state.core.predicts_branches = self.level.predicts_branches
        self._state.core.watches_memory = self.level.watches_memory
        self._console = HostConsole(self._state)
        self._crash: DeviceCrashed | None = None
        self._reset_wanted = False

        self._uc = Uc(UC_ARCH_ARM, UC_MODE_THUMB)
        self._uc.ctl_set_cpu_model(getattr(arm, f"UC_CPU_ARM_{emulation_of(board.cpu).unicorn_cpu}"))
        engine: Any = self._uc  # its type stubs do not know the call
        engine.ctl_set_tcg_buffer_size(_TRANSLATIONS_BYTES)
        self._memories = map_memories(self._uc, board, chip, self.image)
        memory = MemorySetup(self._state, board) if self.level.watches_memory else None
        self._bus = Bus(board, chip, self._state, self._request_reset, baud, memory, foreign)
        self._block_costs = BlockCosts(self._state, self.level.cost_model, self._code)
        # Hooks are called in the order in which they are added: the trace has an entry before its block is counted.
        self.function_trace = FunctionTrace(lambda: self.counts)
        if traced_function is not None:
            self.function_trace.watch(self._uc, self.image, traced_function)
        if self.level.watches_memory:
            self._state.core.inexact_pc = exact_pc.flag_address(self._uc)
        inexact_pc = self._state.core.inexact_pc
        self._faults = FaultWatch(self._uc, self._memories.values(), self.image.stack_limit, inexact_pc)
        ask_for_pages(self._uc, self._state, self._memories.values())
        self._interrupts = Interrupts(self._uc, self._state, self._bus, self._faults)
        self._callbacks = EngineCallbacks(
            self._uc, self._state, self._bus, self._block_costs, self._interrupts, self._faults
        )
        self._core: NativeCore | None = NativeCore(self._uc, self._state, self._callbacks, count_blocks)
        if check_alignment:
            self._alignment = AlignmentCheck(self._uc, self._faults.note)
        self.translator: Translator | None = None
        wanted = translates() if translate is None else translate
        if wanted and count_blocks and not check_alignment:
            self.translator = Translator(
                self._uc,
                self._state,
                board,
                self.level,
                self._block_costs,
                self.image,
                self._memories,
                traced_function,
                self._bus,
            )
        self._start()

    # What modes and profiles read.

    @property
    def instructions(self) -> int:
        """Instructions executed since power-on; exact. Polling that was skipped is not in it."""
        return int(self._state.core.instructions)

    @property
    def cycles(self) -> int:
        """Core cycles since power-on by the cycle model, waiting included."""
        return int(self._state.core.cycles)

    @property
    def idle_cycles(self) -> int:
        """The part of ``cycles`` that was skipped because the firmware only waited."""
        return int(self._state.core.idle_cycles)

    @property
    def counts(self) -> Counts:
        """What has been done since power-on, and where the cycles went; some tens of microseconds to read."""
        return counts_of(self._state, *self._block_costs.parts())

    @property
    def unmodelled(self) -> dict[str, int]:
        """What a foreign image did that is not emulated, and how often; empty for others."""
        return {} if self._bus.unmodelled is None else dict(self._bus.unmodelled.counts)

    @property
    def console(self) -> str:
        """Name of the UART that is the console; "" while a foreign image has used none."""
        return self._bus.console_name

    @property
    def core_hz(self) -> int:
        """The present core clock, from the clock registers."""
        return self._bus.clocks.core_hz

    @property
    def device_time_fs(self) -> int:
        """Femtoseconds since power-on."""
        return self._bus.time.at(self.cycles)

    @property
    def device_time_s(self) -> float:
        """Seconds since power-on, by the device's clock."""
        return self.device_time_fs / FEMTOSECONDS

    @property
    def idle(self) -> bool:
        """The firmware waits for input, and the host has sent none it has not seen."""
        return bool(self._state.core.idle) and not self._console.has_input

    @property
    def lost_bytes(self) -> int:
        """Bytes from the host that found the receiver full or off."""
        return int(self._state.console.lost)

    @property
    def pin_edges(self) -> tuple[tuple[int, str, int], ...]:
        """Every edge of an output pin: (device time in femtoseconds, pin such as ``"PF13"``, level)."""
        return tuple(self._bus.pin_edges)

    @property
    def stack_used_bytes(self) -> int | None:
        """The deepest the stack has been; None when the image has no symbol for the end of its stack."""
        limit = self.image.stack_limit
        if limit is None:
            return None
        stack = self._memories["ram"].load(limit, self._stack_top - limit)
        return len(stack.lstrip(RAM_PATTERN))

    def block_executions(self) -> dict[tuple[int, int], int]:
        """How often each block ran, by (address, size in bytes)."""
        return self._block_costs.executions()

    def read_memory(self, address: int, size_bytes: int) -> bytes:
        """Return bytes as the core sees them.

        Args:
            address: Of the first byte.
            size_bytes: How many.

        Raises:
            UcError: where nothing is mapped.
        """
        assert self._core is not None, "the board has been closed"
        return bytes(self._uc.mem_read(address, size_bytes))

    # Running.

    def send(self, data: bytes) -> None:
        """Queue bytes on the console line; they start to arrive when the firmware next waits for them."""
        self._console.send(data)

    def run(self, timeout_s: float) -> bytes:
        """Run until the firmware has sent something, waits for input, or ``timeout_s`` host seconds have passed.

        A board that is only woken by ticks is first run until it is idle, for 2 s of device time at most. Returns what
        it sent up to the end of the time slice, b"" when it is idle or silent. At least one slice is run unless the
        board is idle. Raises DeviceCrashed when the core faults, hangs or runs away: after the output before the crash
        has been returned, and again at each later call. Ctrl-C ends the time slice; its handler is called when the core
        has stopped.
        """
        with HeldInterrupt(self._end_slice) as interrupt:
            self._run_until(time.monotonic() + timeout_s, interrupt)
        return self._console.take_output()

    def _run_until(self, deadline: float, interrupt: HeldInterrupt) -> None:
        self._callbacks.deadline_s = deadline
        while not (self._console.output or self.idle or interrupt.came):
            if self._crash is not None:
                raise self._crash
            try:
                self._run_slice()
            except Fault as fault:
                # The output before the crash is returned first.
                self._crash = self._crashed(fault)
                continue
            if time.monotonic() >= deadline and not self._interrupts.only_ticks:
                break

    def wait_for_translations(self) -> None:
        """Wait until the functions that are known to be hot have been translated; for benchmarks."""
        if self.translator is not None:
            self.translator.finish()

    def close(self) -> None:
        """Release the core and its translations: the board cannot run after this, nor can its memory be read."""
        if self._core is None:
            return
        self._core = None
        if self.translator is not None:
            self.translator.close()
        release(self._uc)

    def _start(self) -> None:
        """Power-on or reset: the first two words of the flash give stack pointer and entry."""
        flash = self._memories["flash"]
        words = flash.load(flash.base, 8)
        stack, entry = int.from_bytes(words[:4], "little"), int.from_bytes(words[4:], "little")
        on_ram = any(memory.writable and memory.shows(stack - 4, 4) for memory in self._memories.values())
        if not on_ram or not entry & 1 or not flash.shows(entry & ~1, 2):
            raise UsageError(
                f"{self.image.name} has no vector table at {flash.base:#010x}: stack pointer {stack:#010x}, "
                f"entry {entry:#010x}. Was it built for {self.board.device}?"
            )
        for register in REGISTERS.values():
            if register != arm.UC_ARM_REG_XPSR:
                self._uc.reg_write(register, 0)
        self._uc.reg_write(arm.UC_ARM_REG_SP, stack)
        self._uc.reg_write(arm.UC_ARM_REG_LR, 0xFFFF_FFFF)
        self._uc.reg_write(arm.UC_ARM_REG_PC, entry)
        self._state.core.next_address = entry & ~1
        self._state.core.before = 0
        self._stack_top = stack
        self._guard_stack()

    def _run_slice(self) -> None:
        """Let the core run until it is idle, a slice is over, or something went wrong."""
        interrupts = self._interrupts
        self._console.feed()
        self._callbacks.slice_end_s = 0.0
        length = interrupts.prepare(SLICE_INSTRUCTIONS) if self._bus.enabled_interrupts else SLICE_INSTRUCTIONS
        came_of_it = self._run_on(length)
        if self._reset_wanted:
            self._restart()
        elif self._faults.returned:
            interrupts.leave()
            look_at_stack(self._state)
            self._check()
        elif self._faults.called:
            interrupts.call()
        elif came_of_it & ENDED:
            self._on_wait_for_interrupt()
            self._check()
        elif self._bus.enabled_interrupts:
            if interrupts.only_waits(self._run_block):
                interrupts.sleep()
            self._check()
        elif came_of_it:
            self._check()

    def _run_on(self, instructions: int) -> int:
        """Let the core run; it stops at the first block after so many. Returns what ``run_core`` does; raises Fault."""
        assert self._core is not None, "the board has been closed"
        if self._state.core.instructions >= self._state.core.look_at and self.translator is not None:
            self.translator.update()
        came_of_it = self._core.run(instructions)
        self._console.collect()
        core = self._state.core
        if came_of_it & FAILED and self._faults.has_hint(core.error, core.next_address):
            return came_of_it & ~(FAILED | ENDED)
        if came_of_it & FAILED or self._faults.pending is not None:
            failure = self._faults.take(core.error)
            if failure is not None:
                raise failure
        return came_of_it

    def _run_block(self) -> bool:
        """Let the core run one block on. False when it stopped for another reason. Raises Fault."""
        return not self._run_on(1) & ENDED and not self._reset_wanted

    def _restart(self) -> None:
        self._reset_wanted = False
        self._bus.reset()
        self._interrupts.reset()
        self._start()

    def _check(self) -> None:
        """Raise Fault when the stack has reached its limit, or the firmware has run away."""
        core = self._state.core
        if core.stack_reached and not self._faults.on_process_stack:
            raise Fault(
                f"stack overflow: the stack has reached its limit, {self._stack_top - core.stack_limit:,} bytes below "
                "its top"
            )
        silent = core.instructions - self._state.console.last_output_at
        if silent > core.silence_limit and not core.idle:
            raise Fault(f"run-away: {silent:,} instructions without output or a wait for input")

    def _on_wait_for_interrupt(self) -> None:
        """WFI ended the time slice: sleep until something interrupts, or the line next moves, or for ever."""
        if self._interrupts.in_use:
            self._interrupts.sleep()
            return
        if self._state.uart.rx_full:
            return
        wait(self._state)
        if next_event(self._state) == 0:
            self._console.feed()

    # Called from within the core.

    def _code(self, address: int, size_bytes: int) -> bytes:
        return bytes(self._uc.mem_read(address, size_bytes))

    def _request_reset(self) -> None:
        self._reset_wanted = True
        self._end_slice()

    def _end_slice(self) -> None:
        self._state.core.stop_at = 0

    # Messages of crashes.

    def _guard_stack(self) -> None:
        """Tell the native core where the stack's limit is."""
        limit, ram, core = self.image.stack_limit, self._memories["ram"], self._state.core
        if limit is None or self._bus.unmodelled is not None:
            return  # of a foreign image: it may have several stacks
        core.stack_limit = limit
        # At the bottom of RAM the memory map itself is the guard.
        guarded = limit > ram.base and self._stack_top - limit > 4 * STACK_GUARD_BYTES
        core.stack_guard = ram.host_address(limit) if guarded else 0

    def _crashed(self, fault: Fault) -> DeviceCrashed:
        crash = Crash(
            registers=self._faults.registers(),
            address=fault.address,
            instructions=self.instructions,
            device_time_s=self.device_time_s,
            last_line=self._console.last_line,
        )
        return DeviceCrashed(self.board.device, fault.summary, report(crash, self.image))
