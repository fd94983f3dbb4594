# SPDX-License-Identifier: Apache-2.0
"""The pipeline models against functions whose cycles were measured on silicon.

``python -m benchmarks.timing_functions M7.elf M4.elf M33.elf``
The functions are the AES routines of github.com/jnk0le/cortexm-AES, written in assembly for one core each and timed by
their author with DWT.CYCCNT, code and tables where no access waits: Cortex-M7 on an STM32H743, Cortex-M4 on an
STM32F407, Cortex-M33 on an RP2350. An image holds the sources in ``aes/target`` of a core and ``aes/lookup_tables.c``,
linked at 0x08000000 (code) and 0x20000000 (data); the functions are called one by one on the bare core.

The published totals hold the call around the function; the model's do not. What a further round of the cipher costs is
free of that: the column ``round`` compares it.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import click
import unicorn.arm_const as arm
from elftools.elf.elffile import ELFFile
from elftools.elf.sections import SymbolTableSection
from unicorn import UC_ARCH_ARM, UC_HOOK_BLOCK, UC_MODE_THUMB, Uc

from mlperf_tiny.runners.emulator.timing.cores.core_table import find_core
from mlperf_tiny.runners.emulator.timing.decode.core_model import Block

FLASH, RAM, RETURN = 0x0800_0000, 0x2000_0000, 0x0FFF_0000
REGION_BYTES = 1 << 20
KEY, DATA, RESULT = RAM + 0x8_0000, RAM + 0x9_0000, RAM + 0xA_0000
STACK = RAM + REGION_BYTES
ROUNDS = (10, 14)


@dataclass(frozen=True)
class MeasuredFunction:
    """A function for keys of 128 and of 256 bits and the cycles of both; one symbol serves both or each has its own."""

    cpu: str
    symbols: tuple[str, str]
    cycles: tuple[int, int]
    arguments: tuple[int, ...]


def _cipher(cpu: str, symbol: str, *cycles: int) -> MeasuredFunction:
    return MeasuredFunction(cpu, (symbol, symbol), (cycles[0], cycles[1]), (KEY, DATA, RESULT))


def _by_key(cpu: str, symbol: str, *cycles: int) -> MeasuredFunction:
    names = (symbol.format(128), symbol.format(256))
    return MeasuredFunction(cpu, names, (cycles[0], cycles[1]), (KEY, DATA, RESULT))


# doc/aes/CM7_details.md, CM3_CM4_details.md (STM32F4 with 0 wait states) and CM33_details.md at b18b7a4.
MEASURED = (
    _cipher("cortex-m7", "CM7_1T_AES_encrypt", 292, 400),
    _cipher("cortex-m7", "CM7_1T_AES_decrypt", 293, 401),
    _cipher("cortex-m7", "CM7_DSPsBOX_AES_encrypt", 400, 556),
    _by_key("cortex-m7", "CM7_1T_AES{}_keyschedule_enc", 139, 178),
    MeasuredFunction("cortex-m7", ("CM7_1T_AES_keyschedule_dec",) * 2, (357, 509), (KEY,)),
    _cipher("cortex-m4", "CM3_1T_AES_encrypt", 626, 858),
    _cipher("cortex-m4", "CM3_1T_AES_decrypt", 629, 863),
    _cipher("cortex-m4", "CM4_DSPsBOX_AES_encrypt", 844, 1172),
    _cipher("cortex-m4", "CM4_DSPsBOX_AES_decrypt", 1240, 1744),
    _by_key("cortex-m4", "CM3_1T_AES{}_encrypt_unrolled", 601, 821),
    _by_key("cortex-m4", "CM3_1T_AES{}_decrypt_unrolled", 602, 822),
    _by_key("cortex-m4", "CM3_1T_AES{}_keyschedule_enc", 302, 378),
    MeasuredFunction("cortex-m4", ("CM3_1T_AES_keyschedule_dec",) * 2, (811, 1164), (KEY,)),
    _cipher("cortex-m33", "CM33_1T_AES_encrypt", 574, 790),
    _cipher("cortex-m33", "CM33_1T_AES_decrypt", 576, 792),
    _cipher("cortex-m33", "CM33_d4T_AES_encrypt", 595, 815),
    _by_key("cortex-m33", "CM33_1T_AES{}_keyschedule_enc", 271, 307),
)


class Functions:
    """The functions of one image on a bare core."""

    def __init__(self, elf: Path) -> None:
        with elf.open("rb") as file:
            image = ELFFile(file)
            table = image.get_section_by_name(".symtab")
            symbols = table.iter_symbols() if isinstance(table, SymbolTableSection) else ()
            self.symbols = {symbol.name: int(symbol["st_value"]) for symbol in symbols}
            self._segments = [(s["p_vaddr"], s.data()) for s in image.iter_segments("PT_LOAD") if s["p_filesz"]]

    def cycles(self, cpu: str, symbol: str, arguments: tuple[int, ...]) -> int:
        """Cycles of one call by the core's model, every branch predicted; the call itself is not in them."""
        core = Uc(UC_ARCH_ARM, UC_MODE_THUMB)
        core.ctl_set_cpu_model(arm.UC_CPU_ARM_CORTEX_M7)
        core.mem_map(FLASH, REGION_BYTES)
        core.mem_map(RAM, REGION_BYTES)
        core.mem_map(RETURN, 4096)
        for address, data in self._segments:
            core.mem_write(address, data)
        core.reg_write(arm.UC_ARM_REG_SP, STACK)
        core.reg_write(arm.UC_ARM_REG_LR, RETURN | 1)
        for number, value in enumerate(arguments):
            core.reg_write(arm.UC_ARM_REG_R0 + number, value)
        model = find_core(cpu).pipeline
        total, before = 0, None

        def on_block(uc: Any, address: int, size_bytes: int, data: object) -> None:
            nonlocal total, before
            block = Block(address, bytes(core.mem_read(address, size_bytes)))
            total += model.cost(block, before, before is not None and before.end != address).cycles
            before = block

        core.hook_add(UC_HOOK_BLOCK, on_block)
        core.emu_start(self.symbols[symbol] | 1, RETURN)
        return total


@click.command()
@click.argument("elfs", nargs=-1, required=True, type=click.Path(exists=True, dir_okay=False, path_type=Path))
def main(elfs: tuple[Path, ...]) -> None:
    """Compare the models with measured functions, as far as they are in the images."""
    print(f"{'function':36} {'model':>11} {'measured':>11} {'apart':>8} {'round: model':>13} {'measured':>9}")
    for functions in map(Functions, elfs):
        for row in MEASURED:
            if not set(row.symbols) <= set(functions.symbols):
                continue
            few, many = (
                functions.cycles(row.cpu, symbol, (*row.arguments, rounds))
                for symbol, rounds in zip(row.symbols, ROUNDS, strict=True)
            )
            apart = f"{row.cycles[0] - few:+}, {row.cycles[1] - many:+}"
            per_round = (many - few) / (ROUNDS[1] - ROUNDS[0])
            measured = (row.cycles[1] - row.cycles[0]) / (ROUNDS[1] - ROUNDS[0])
            print(
                f"{row.symbols[0]:36} {f'{few}, {many}':>11} {f'{row.cycles[0]}, {row.cycles[1]}':>11} {apart:>8} "
                f"{per_round:13.2f} {measured:9.2f}"
            )


if __name__ == "__main__":
    main()
