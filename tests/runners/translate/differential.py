# SPDX-License-Identifier: Apache-2.0
"""Instructions run both ways from the same state: translated, and by the engine."""

from __future__ import annotations

import ctypes
import random
from collections.abc import Iterable
from dataclasses import dataclass, field
from itertools import count
from typing import Any

import numpy as np
import unicorn.arm_const as arm
from unicorn import UC_ARCH_ARM, UC_MODE_THUMB, Uc, UcError

from mlperf_tiny.runners.emulator.native.state import State
from mlperf_tiny.runners.emulator.timing.cores.core_table import emulation_of, find_core
from mlperf_tiny.runners.emulator.timing.levels import CostModel
from mlperf_tiny.runners.emulator.translate.compiler import Loader, compile_text
from mlperf_tiny.runners.emulator.translate.function import translate
from mlperf_tiny.runners.emulator.translate.guest import running as translated
from mlperf_tiny.runners.emulator.translate.guest.access import Place
from mlperf_tiny.runners.emulator.translate.guest.blocks import GuestFunction
from mlperf_tiny.runners.emulator.translate.guest.costs import Setting

FLASH, RAM = Place(base=0x0800_0000, size_bytes=1 << 16), Place(base=0x2000_0000, size_bytes=1 << 12)
RETURN = FLASH.base + 0x8000
_NAMES = count()
_EDGES = (0, 1, 2, 0x7F, 0x80, 0xFF, 0x7FFF, 0x8000, 0xFFFF, 0x7FFF_FFFF, 0x8000_0000, 0x8000_8000, 0xFFFF_FFFF)
_NUMBERS = (*(arm.UC_ARM_REG_R0 + index for index in range(13)), arm.UC_ARM_REG_SP, arm.UC_ARM_REG_LR)
BX_LR = 0x4770


@dataclass
class Start:
    """The state before: r0 to r14 and the flags as xPSR has them."""

    registers: list[int]
    flags: int
    ram: bytes = field(repr=False)


def random_start(rng: random.Random) -> Start:
    """Registers at random, every other one at an edge; the stack pointer is in RAM, and LR leads out."""
    values = [rng.choice(_EDGES) if rng.random() < 0.5 else rng.getrandbits(32) for _ in range(13)]
    ram = rng.randbytes(RAM.size_bytes)
    return Start([*values, RAM.base + 0x800, RETURN | 1], rng.getrandbits(5) << 27 | rng.getrandbits(4) << 16, ram)


class Engine:
    """The engine by itself."""

    def __init__(self, code: bytes, core: str) -> None:
        self._uc = Uc(UC_ARCH_ARM, UC_MODE_THUMB)
        self._uc.ctl_set_cpu_model(getattr(arm, f"UC_CPU_ARM_{emulation_of(core).unicorn_cpu}"))
        self._uc.mem_map(FLASH.base, FLASH.size_bytes)
        self._uc.mem_map(RAM.base, RAM.size_bytes)
        self._uc.mem_write(FLASH.base, code)

    def run(self, address: int, start: Start) -> tuple[list[int], int, bytes] | None:
        """Registers, flags and RAM after the block at an address; None where the engine refuses an instruction."""
        for number, value in zip(_NUMBERS, start.registers, strict=True):
            self._uc.reg_write(number, value)
        self._uc.reg_write(arm.UC_ARM_REG_XPSR, 1 << 24)
        others = self._uc.reg_read(arm.UC_ARM_REG_CPSR) & ~0xF80F_0000
        self._uc.reg_write(arm.UC_ARM_REG_CPSR, others | start.flags)
        self._uc.mem_write(RAM.base, start.ram)
        try:
            self._uc.emu_start(address | 1, RETURN)
        except UcError:
            return None
        registers = [self._uc.reg_read(number) for number in _NUMBERS]
        flags = self._uc.reg_read(arm.UC_ARM_REG_APSR) & 0xF80F_0000
        return registers, flags, bytes(self._uc.mem_read(RAM.base, RAM.size_bytes))


class Native:
    """A translation by itself."""

    def __init__(self, code: bytes, core: str, roots: Iterable[int], keeps_q: bool = True) -> None:
        function = GuestFunction(name="function", address=FLASH.base, code=code)
        model = CostModel(find_core(core))
        predicts = find_core(core).predicts_branches
        setting = Setting("pipeline", model.by_edge, predicts, keeps_q, RAM, FLASH, None)
        self.translation = translate(function, tuple(roots), setting, model, True)
        name = f"test_{next(_NAMES)}"
        content = compile_text(self.translation.text.replace("@translated(", f"@{name}("), True)
        self._loader = Loader()
        prototype = ctypes.CFUNCTYPE(None, *[ctypes.c_void_p] * 5, ctypes.c_int64)
        self._run = prototype(self._loader.load(name, content))
        self.numbers = {address: number for number, (address, _, _) in enumerate(self.translation.blocks)}
        self.context: Any = np.zeros(1, translated.CONTEXT)
        for at in translated.CALLED:
            self.context[at] = getattr(translated, at).address
        self.context["stop_at"] = self.context["interrupt_at"] = 1 << 60
        self.state = State()
        self._counts = np.zeros(2 * len(self.translation.edges) + 8 * len(self.numbers), np.int64)
        self._flash = np.frombuffer(code.ljust(FLASH.size_bytes, b"\0"), np.uint8).copy()

    def holds(self, address: int) -> bool:
        """Whether the block at an address is translated."""
        number = self.numbers.get(address)
        return number is not None and self.translation.translated[number]

    def run(self, address: int, start: Start) -> tuple[list[int], int, bytes]:
        """Registers, flags and RAM after the block at an address."""
        context, flags = self.context[0], start.flags
        context["registers"] = start.registers
        context["n"], context["z"] = flags & 0x8000_0000, flags >> 30 & 1 ^ 1
        for name, bit in (("c", 29), ("v", 28), ("q", 27)):
            context[name] = flags >> bit & 1
        context["ge"] = flags >> 16 & 15
        ram = np.frombuffer(start.ram, np.uint8).copy()
        addresses = (self.context, self.state.array, ram, self._flash, self._counts)
        self._run(*(array.ctypes.data for array in addresses), self.numbers[address])
        after = int(context["n"]) & 0x8000_0000 | (int(context["z"]) == 0) << 30
        after |= int(context["c"]) << 29 | int(context["v"]) << 28 | int(context["q"]) << 27 | int(context["ge"]) << 16
        return [int(value) for value in context["registers"]], after, ram.tobytes()
