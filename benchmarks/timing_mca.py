# SPDX-License-Identifier: Apache-2.0
"""The pipeline models next to ``llvm-mca``, LLVM's static analyser, on the blocks that an image spends its time in.

``python -m benchmarks.timing_mca firmware.elf --input-bytes 490 [--device stm32f746] [--blocks 60] [--worst 6]``
runs a firmware image on the emulated board for one inference, takes its hottest blocks without the branch that ends
them, and compares cycles per repetition of each block. Needs ``llvm-mca`` and ``llvm-mc`` (package ``llvm``).

What must differ: llvm-mca has no fetch and no alignment, no load overlap of the Cortex-M4 (a load is one issue cycle
with a latency of two), no number of words in LDM and STM, and reads none of the adjustments LLVM's compiler adds to the
Cortex-M7 tables. It lets results be written in program order only, so that a short operation waits after a multiply or
a byte load. Blocks with IT are left out: it refuses them. It is an independent reading, not a measurement.
"""

from __future__ import annotations

import json
import re
import shutil
import subprocess
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import click
import numpy as np

from mlperf_tiny.firmware.boards import find_board
from mlperf_tiny.harness.wire.protocol import db_commands
from mlperf_tiny.runners.emulator.board import EmulatedBoard
from mlperf_tiny.runners.emulator.timing.cores.core_table import find_core
from mlperf_tiny.runners.emulator.timing.decode.block import decode_block
from mlperf_tiny.runners.emulator.timing.decode.core_model import Block, CoreModel, Stall
from mlperf_tiny.runners.emulator.timing.decode.operation import InsnKind

ROUNDS = 32
_MCA_ROUNDS = (100, 300)
_TARGET = "thumbv7em-none-eabi"
_FEWEST_INSTRUCTIONS = 3
_BEGIN, _END = "@ LLVM-MCA-BEGIN", "@ LLVM-MCA-END"


@dataclass(frozen=True)
class Comparison:
    """One block: cycles of one repetition by both, ``fetch_cycles`` of ours that llvm-mca does not model."""

    block: Block
    executions: int
    instructions: int
    model_cycles: float
    fetch_cycles: float
    mca_cycles: float
    text: tuple[str, ...]

    @property
    def ratio(self) -> float:
        """Model over llvm-mca, without our fetch stalls."""
        return (self.model_cycles - self.fetch_cycles) / self.mca_cycles


def hot_blocks(elf: Path, device: str, commands: Sequence[str]) -> dict[Block, int]:
    """Blocks without their final branch, by how often they ran while the image obeyed ``commands``."""
    board = EmulatedBoard(find_board(device), elf)
    _say(board, "")
    before = board.block_executions()
    for command in commands:
        _say(board, command)
    blocks: dict[Block, int] = {}
    for (address, size_bytes), count in board.block_executions().items():
        block = straight_line(Block(address, board.read_memory(address, size_bytes)))
        ran = count - before.get((address, size_bytes), 0)
        if block is not None and ran > 0:
            blocks[block] = blocks.get(block, 0) + ran
    board.close()
    return blocks


def _say(board: EmulatedBoard, command: str) -> None:
    board.send(command.encode())
    while not board.idle:
        board.run(10.0)


def inference(input_bytes: int) -> list[str]:
    """Commands of the product's firmware: load an input of zeros and run once."""
    return [f"db load {input_bytes}%", *(f"{line}%" for line in db_commands(bytes(input_bytes))), "infer 1 0%"]


def straight_line(block: Block) -> Block | None:
    """The block without the branch at its end; None when too little is left, or IT is in it: llvm-mca refuses IT."""
    decoded = decode_block(block)
    if any(one.operation.kind is InsnKind.IF_THEN for one in decoded):
        return None
    if decoded and decoded[-1].operation.branch is not None:
        block = Block(block.address, block.code[: -len(decoded[-1].code)])
        decoded = decoded[:-1]
    return block if len(decoded) >= _FEWEST_INSTRUCTIONS else None


def model_cycles(model: CoreModel, block: Block) -> tuple[float, float]:
    """Cycles of one repetition among many, and those of them that are fetch stalls."""
    once, many = (model.cost(Block(block.address, block.code * n), None, False) for n in (ROUNDS, 2 * ROUNDS))
    fetch = many.stalls.get(Stall.FETCH, 0) - once.stalls.get(Stall.FETCH, 0)
    return (many.cycles - once.cycles) / ROUNDS, fetch / ROUNDS


def disassemble(blocks: Sequence[Block], cpu: str) -> list[tuple[str, ...]]:
    """Each block as lines of assembly, by LLVM's own disassembler."""
    texts = []
    for block in blocks:
        code = " ".join(f"{byte:#04x}" for byte in block.code)
        out = _run(["llvm-mc", "--disassemble", f"-triple={_TARGET}", f"-mcpu={cpu}"], code)
        texts.append(tuple(line.strip() for line in out.splitlines() if line.strip() not in ("", ".text")))
    return texts


def mca_cycles(texts: Sequence[tuple[str, ...]], cpu: str) -> list[float]:
    """Cycles of one repetition of each block by llvm-mca."""
    lines = [
        line
        for number, text in enumerate(texts)
        for line in (f"{_BEGIN} block{number}", *map(_mnemonic, text), f"{_END} block{number}")
    ]
    source = "\n".join(lines) + "\n"
    totals = [_mca_totals(source, cpu, rounds) for rounds in _MCA_ROUNDS]
    return [(many - few) / (_MCA_ROUNDS[1] - _MCA_ROUNDS[0]) for few, many in zip(*totals, strict=True)]


def _mnemonic(line: str) -> str:
    """LLVM prints some addresses of literals as bare numbers, which its assembler reads only with a label."""
    return re.sub(r"\[pc, #-?\d+\]", "[pc, #16]", line)


def _mca_totals(source: str, cpu: str, rounds: int) -> list[int]:
    command = ["llvm-mca", f"-mtriple={_TARGET}", f"-mcpu={cpu}", f"-iterations={rounds}", "-json"]
    out = _run(command, source)
    return [int(region["SummaryView"]["TotalCycles"]) for region in json.loads(out)["CodeRegions"]]


def _run(command: list[str], text: str) -> str:
    if shutil.which(command[0]) is None:
        raise click.ClickException(f"{command[0]} is not installed; it comes with the package llvm.")
    done = subprocess.run(command, input=text, capture_output=True, text=True, check=False)
    if done.returncode != 0:
        raise click.ClickException(f"{' '.join(command)}:\n{done.stderr[-2000:]}")
    return done.stdout


def compare(blocks: dict[Block, int], cpu: str, most: int) -> list[Comparison]:
    """The ``most`` blocks with the most instructions executed, hottest first."""
    model = find_core(cpu).pipeline
    weights = {block: count * len(decode_block(block)) for block, count in blocks.items()}
    hottest = sorted(blocks, key=lambda block: weights[block], reverse=True)[:most]
    texts = disassemble(hottest, cpu)
    by_mca = mca_cycles(texts, cpu)
    return [
        Comparison(block, blocks[block], len(text), *model_cycles(model, block), mca, text)
        for block, text, mca in zip(hottest, texts, by_mca, strict=True)
    ]


def summary(rows: Sequence[Comparison], cpu: str) -> str:
    """Spread of the ratios, and the ratio of the totals by executions."""
    ratios = np.array([row.ratio for row in rows])
    tenth, median, ninetieth = np.percentile(ratios, [10, 50, 90])
    ours = sum(row.executions * (row.model_cycles - row.fetch_cycles) for row in rows)
    theirs = sum(row.executions * row.mca_cycles for row in rows)
    return (
        f"{cpu}: {len(rows)} blocks, model / llvm-mca: median {median:.3f}, p10 {tenth:.3f}, p90 {ninetieth:.3f}; "
        f"weighted by executions {ours / theirs:.3f}"
    )


@click.command()
@click.argument("elf", type=click.Path(exists=True, dir_okay=False, path_type=Path))
@click.option("--device", default="stm32f746", show_default=True)
@click.option("--input-bytes", type=int, help="Size of the model's input: the image is firmware of this project.")
@click.option("--send", default="", help="Text for the console of any other image, to make it work.")
@click.option("--blocks", "most", default=60, show_default=True, help="How many of the hottest blocks.")
@click.option("--worst", default=6, show_default=True, help="Show so many of the largest disagreements.")
def main(elf: Path, device: str, input_bytes: int | None, send: str, most: int, worst: int) -> None:
    """Compare the pipeline model with llvm-mca on the hottest blocks of a firmware image."""
    cpu = find_board(device).cpu
    print("running the image ...", file=sys.stderr)
    commands = [send] if input_bytes is None else inference(input_bytes)
    rows = compare(hot_blocks(elf, device, commands), cpu, most)
    print(summary(rows, cpu))
    for row in sorted(rows, key=lambda row: abs(np.log(row.ratio)), reverse=True)[:worst]:
        print(
            f"\n{row.block.address:#010x}: {row.instructions} instructions, ran {row.executions:,} times; model "
            f"{row.model_cycles:.2f} (fetch {row.fetch_cycles:.2f}), llvm-mca {row.mca_cycles:.2f}"
        )
        print("\n".join(f"    {line}" for line in row.text))


if __name__ == "__main__":
    main()
