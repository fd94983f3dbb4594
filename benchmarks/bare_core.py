# SPDX-License-Identifier: Apache-2.0
"""A compiled model alone on an emulated Cortex-M core: no board, no monitor, just model_invoke() and a count.

The code is made by the product's own toolchain and flags, so the count is what the model costs inside the firmware.
"""

from __future__ import annotations

import subprocess
import tempfile
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path

import numpy as np
import unicorn.arm_const as arm
from elftools.elf.elffile import ELFFile
from unicorn import (
    UC_ARCH_ARM,
    UC_HOOK_BLOCK,
    UC_HOOK_MEM_READ,
    UC_HOOK_MEM_WRITE,
    UC_MODE_THUMB,
    UC_PROT_EXEC,
    UC_PROT_READ,
    Uc,
)

from mlperf_tiny.firmware.boards import Board
from mlperf_tiny.firmware.codegen.emit_c import emit_c
from mlperf_tiny.firmware.codegen.ir.plan import Plan
from mlperf_tiny.firmware.codegen.place import Placement
from mlperf_tiny.firmware.toolchain import ZigToolchain

ENGINE = Path(__file__).parents[1] / "firmware" / "engine"
MEMORY = Path(__file__).parents[1] / "firmware" / "ports" / "cortex_m" / "memory.c"
FLASH, RAM, STACK, RETURN = 0x0800_0000, 0x2000_0000, 0x3000_0000, 0x0FFF_0000
FLASH_BYTES, RAM_BYTES, STACK_BYTES = 4 << 20, 2 << 20, 1 << 16
CPUS = {"cortex-m4": arm.UC_CPU_ARM_CORTEX_M4, "cortex-m7": arm.UC_CPU_ARM_CORTEX_M7}
SCRIPT = f"""
EXTERN(model_init model_input model_invoke model_output)
SECTIONS
{{
    . = {FLASH};
    .text : {{ *(.text .text.*) *(.rodata .rodata.*) }}
    . = {RAM};
    .data : {{ *(.data .data.*) *(.bss .bss.* COMMON) }}
    /DISCARD/ : {{ *(.ARM.exidx* .ARM.extab*) }}
}}
"""


@dataclass(frozen=True)
class Run:
    """What one inference gave and took. ``steps`` holds the instructions of each kernel call, in order."""

    output: np.ndarray
    instructions: int
    steps: tuple[int, ...]


class BareCore:
    """One model on one core. Raises unicorn.UcError where the code faults.

    With ``watch_alignment`` (slow) ``unaligned`` counts word accesses off a word boundary by whether silicon does
    them: single loads and stores may, LDRD, LDM and their like fault there but not in this emulator.
    """

    def __init__(
        self,
        plan: Plan,
        placement: Placement,
        board: Board,
        folder: Path | None = None,
        watch_alignment: bool = False,
    ) -> None:
        with tempfile.TemporaryDirectory() as temporary:
            image = build(plan, placement, board, folder or Path(temporary))
            with image.open("rb") as file:
                elf = ELFFile(file)
                symbols = {s.name: int(s["st_value"]) for s in elf.get_section_by_name(".symtab").iter_symbols()}
                segments = [(s["p_paddr"], s.data()) for s in elf.iter_segments() if s["p_type"] == "PT_LOAD"]
        self._plan, self._symbols = plan, symbols
        self._core = Uc(UC_ARCH_ARM, UC_MODE_THUMB)
        self._core.ctl_set_cpu_model(CPUS[board.cpu])
        self._core.mem_map(FLASH, FLASH_BYTES, UC_PROT_READ | UC_PROT_EXEC)
        self._core.mem_map(RAM, RAM_BYTES)
        self._core.mem_map(STACK, STACK_BYTES)
        self._core.mem_map(RETURN, 4096)
        for address, data in segments:
            self._core.mem_write(address, data)
        self._blocks: Counter[tuple[int, int]] = Counter()
        self._lengths: dict[tuple[int, int], int] = {}
        self._starts = {symbols[step.kernel] & ~1 for step in plan.steps}
        self._marks: list[int] = []
        self._count = 0
        self._core.hook_add(UC_HOOK_BLOCK, self._on_block)
        self.unaligned: Counter[bool] = Counter()
        if watch_alignment:
            self._core.hook_add(UC_HOOK_MEM_READ | UC_HOOK_MEM_WRITE, self._on_access)

    def run(self, values: np.ndarray) -> Run:
        """Run one inference; ``values`` is the int8 input tensor."""
        self._core.mem_write(self._call("model_input"), values.astype(np.int8).tobytes())
        self._count, self._marks = 0, []
        self._call("model_invoke")
        total, marks = self._count, [*self._marks, self._count]
        data = self._core.mem_read(self._call("model_output"), self._plan.output.size_bytes)
        steps = tuple(end - start for start, end in pairwise(marks))
        return Run(np.frombuffer(bytes(data), np.int8), total, steps)

    def _call(self, name: str) -> int:
        self._core.reg_write(arm.UC_ARM_REG_SP, STACK + STACK_BYTES)
        self._core.reg_write(arm.UC_ARM_REG_LR, RETURN | 1)
        self._core.emu_start(self._symbols[name] | 1, RETURN)
        return int(self._core.reg_read(arm.UC_ARM_REG_R0))

    def _on_block(self, core: Uc, address: int, size: int, data: object) -> None:
        if address in self._starts:
            self._marks.append(self._count)
        key = (address, size)
        length = self._lengths.get(key)
        if length is None:
            length = self._lengths[key] = thumb_instructions(bytes(core.mem_read(address, size)))
        self._count += length

    def _on_access(self, core: Uc, access: int, address: int, size: int, value: int, data: object) -> None:
        if size == 4 and address % 4:
            code = core.mem_read(core.reg_read(arm.UC_ARM_REG_PC), 2)
            self.unaligned[not is_multiple(int.from_bytes(code, "little"))] += 1


def is_multiple(first_half: int) -> bool:
    """True when the instruction moves several words: LDM, STM, PUSH, POP, LDRD, STRD."""
    narrow = first_half >> 12 == 0b1100 or first_half & 0xF600 == 0xB400
    return narrow or first_half & 0xFE00 == 0xE800


def thumb_instructions(code: bytes) -> int:
    """How many Thumb-2 instructions ``code`` holds."""
    at = count = 0
    while at < len(code):
        at += 4 if code[at + 1] >> 3 in (0b11101, 0b11110, 0b11111) else 2
        count += 1
    return count


def build(plan: Plan, placement: Placement, board: Board, folder: Path) -> Path:
    """Compile and link the model for the board's core; return the ELF."""
    toolchain = ZigToolchain()
    texts: Mapping[str, str] = emit_c(plan, placement)
    for name, text in texts.items():
        (folder / name).write_text(text)
    (folder / "bare.ld").write_text(SCRIPT)
    sources = [str(folder / "model.c"), str(MEMORY)]
    sources += [str(ENGINE / source) for source in sorted({step.source for step in plan.steps})]
    includes = [str(folder), str(ENGINE), str(ENGINE / "dsp")]
    objects = [str(folder / f"{number}.o") for number in range(len(sources))]
    for source, output in zip(sources, objects, strict=True):
        _run(toolchain.compile(board, source, output, includes))
    image = folder / "bare.elf"
    _run([*toolchain.link(board, objects, str(image), str(folder / "bare.ld")), "-e", "model_invoke"])
    return image


def _run(command: list[str]) -> None:
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode != 0:
        raise RuntimeError(f"{' '.join(command)}:\n{done.stderr}")
