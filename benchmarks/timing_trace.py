# SPDX-License-Identifier: Apache-2.0
"""Why a piece of code costs what it costs: every instruction with its issue cycle, its slot and what held it up.

``python -m benchmarks.timing_trace ELF --symbol NAME [--cpu cortex-m7] [--loop]``
shows a function block by block, each as it runs after the block before it; ``--loop`` shows each as it runs
after itself, which is right for the bodies of inner loops. Instructions are named by capstone where it is installed.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

import click
from elftools.elf.elffile import ELFFile
from elftools.elf.sections import Symbol, SymbolTableSection

from mlperf_tiny.runners.emulator.timing.cores.core_table import CORES, find_core
from mlperf_tiny.runners.emulator.timing.decode.block import decode_block
from mlperf_tiny.runners.emulator.timing.decode.core_model import Block, BlockCost, IssuedInsn

Names = Callable[[int, bytes], str]


def read_function(elf: Path, symbol: str) -> Block:
    """The code of a function, without the literals some compilers put after it; raises ClickException without it."""
    with elf.open("rb") as file:
        image = ELFFile(file)
        table = image.get_section_by_name(".symtab")
        symbols = list(table.iter_symbols()) if isinstance(table, SymbolTableSection) else []
        found = [one for one in symbols if one.name == symbol and one["st_info"]["type"] == "STT_FUNC"]
        if not found:
            near = sorted(one.name for one in symbols if symbol in one.name and one["st_info"]["type"] == "STT_FUNC")
            hint = f"; there are {', '.join(near[:8])}" if near else ""
            raise click.ClickException(f"{elf} has no function {symbol!r}{hint}.")
        start = found[0]["st_value"] & ~1
        size_bytes = found[0]["st_size"]
        later = [
            one["st_value"] & ~1 for one in symbols if _ends_function(one, size_bytes) and one["st_value"] > start + 1
        ]
        end = min([start + size_bytes, *later] if size_bytes else later or [start])
        for segment in image.iter_segments("PT_LOAD"):
            if segment["p_vaddr"] <= start < segment["p_vaddr"] + segment["p_filesz"]:
                return Block(start, segment.data()[start - segment["p_vaddr"] : end - segment["p_vaddr"]])
    raise click.ClickException(f"{symbol!r} lies in no loaded segment of {elf}.")


def _ends_function(symbol: Symbol, size_bytes: int) -> bool:
    """Literals end a function early; one whose assembler gave it no size ends where the next one begins."""
    return symbol.name.split(".")[0] == "$d" or (not size_bytes and symbol["st_info"]["type"] == "STT_FUNC")


def blocks_of(code: Block) -> Iterator[Block]:
    """The code cut after each branch and before each target of a branch within it."""
    decoded = decode_block(code)
    targets = {one.address + one.operation.target_offset for one in decoded if one.operation.target_offset is not None}
    start = code.address
    for one in decoded:
        end = one.address + len(one.code)
        if one.operation.branch is not None or end in targets:
            yield _part(code, start, end)
            start = end
    if start < code.end:
        yield _part(code, start, code.end)


def _part(code: Block, start: int, end: int) -> Block:
    return Block(start, code.code[start - code.address : end - code.address])


def disassembler() -> Names:
    """Names instructions by capstone; without it shows their half-words."""
    try:
        from capstone import CS_ARCH_ARM, CS_MODE_MCLASS, CS_MODE_THUMB, Cs
    except ImportError:
        return lambda address, code: code.hex()
    engine = Cs(CS_ARCH_ARM, CS_MODE_THUMB | CS_MODE_MCLASS)

    def name(address: int, code: bytes) -> str:
        found = next(engine.disasm_lite(code, address), None)
        return f"{found[2]} {found[3]}".strip() if found else code.hex()

    return name


def block_lines(cost: BlockCost, steps: Sequence[IssuedInsn], name: Names) -> Iterator[str]:
    """A headline and a line for each instruction."""
    lost = ", ".join(f"{cause.name.lower()} {cycles}" for cause, cycles in cost.stalls.items())
    yield f"{cost.instructions} instructions, {cost.cycles} cycles: {cost.issue_cycles} issue, {lost or 'no stall'}"
    for step in steps:
        stalls = " ".join(f"{cause.name.lower()} {cycles}" for cause, cycles in step.stalls.items())
        why = f"{stalls} {f'({step.blocker})' if step.blocker else ''}".strip()
        text = f"  {step.address:08x}  {step.cycle:4} {'.|'[step.slot]}  {name(step.address, step.code):36} {why}"
        yield text.rstrip()


@click.command()
@click.argument("elf", type=click.Path(exists=True, dir_okay=False, path_type=Path))
@click.option("--symbol", required=True, help="The function to show.")
@click.option("--cpu", type=click.Choice([core.name for core in CORES]), default="cortex-m7", show_default=True)
@click.option("--loop", is_flag=True, help="Each block as it runs after itself.")
def main(elf: Path, symbol: str, cpu: str, loop: bool) -> None:
    """Show a function's blocks with the issue cycle of each instruction; | marks the younger of a pair."""
    model, name = find_core(cpu).pipeline, disassembler()
    before: Block | None = None
    for block in blocks_of(read_function(elf, symbol)):
        edge = (block, block, True) if loop else (block, before, False)
        print("\n".join(block_lines(model.cost(*edge), model.explain(*edge), name)))
        before = block


if __name__ == "__main__":
    main()
