# SPDX-License-Identifier: Apache-2.0
"""Whole boards with translations: equal to boards without, in every count, byte, register and cache line."""

from __future__ import annotations

import gc
import random
import warnings
import weakref
from pathlib import Path

import pytest

from mlperf_tiny.firmware.boards import find_board
from mlperf_tiny.firmware.build import build_firmware
from mlperf_tiny.firmware.codegen.ir.plan import Isa
from mlperf_tiny.firmware.codegen.pipeline import compile_model
from mlperf_tiny.harness.image.wire_format import wire_format
from mlperf_tiny.models.catalog.catalog import PRETRAINED
from mlperf_tiny.models.tasks import find_task
from mlperf_tiny.runners.emulator import board as board_module
from mlperf_tiny.runners.emulator import garbage
from mlperf_tiny.runners.emulator.board import EmulatedBoard
from mlperf_tiny.runners.emulator.translate import tables, translator, units, wanted
from tests.fakes.emulated_console import talk
from tests.runners.emulator_images import build_image
from tests.runners.translate.boards import assert_equal, both, translate_at_once

DEVICES, LEVELS = ("stm32f446", "stm32f746"), ("instructions", "pipeline", "full")


@pytest.mark.parametrize("level", LEVELS)
@pytest.mark.parametrize("device", DEVICES)
def test_console_firmware(monkeypatch: pytest.MonkeyPatch, device: str, level: str) -> None:
    translate_at_once(monkeypatch)
    # Visits that are short stay, so that each way between the two is taken often.
    monkeypatch.setattr(tables, "ENOUGH_VISITS", 1 << 60)
    plain, translated = both(device, build_image("echo.c", device), level)
    for line in (b"", b"t%", b"hello%", b"w%", b"w%", b"x" * 40 + b"%", b"t%"):
        assert talk(plain, line) == talk(translated, line)
        assert_equal(plain, translated)
    assert translated.translator is not None
    assert translated.translator.native_instructions > 0


@pytest.mark.parametrize("source", ["conditional.c", "conditional_access.c", "pages.c"])
@pytest.mark.parametrize("slice_instructions", [10_000_000, 97])
def test_stops_and_small_images(monkeypatch: pytest.MonkeyPatch, source: str, slice_instructions: int) -> None:
    translate_at_once(monkeypatch, 1_000)
    monkeypatch.setattr(board_module, "SLICE_INSTRUCTIONS", slice_instructions)
    plain, translated = both("stm32f746", build_image(source, "stm32f746"), "full")
    for _ in range(3):
        for one in (plain, translated):
            one.send(b"g%")
        while not plain.idle:
            for one in (plain, translated):
                one._run_slice()
        assert plain._console.take_output() == translated._console.take_output()
        assert_equal(plain, translated)


@pytest.mark.parametrize("device", DEVICES)
def test_stops_at_random_counts(monkeypatch: pytest.MonkeyPatch, device: str) -> None:
    """Units are made again with more effort as soon as they have run."""
    translate_at_once(monkeypatch)
    monkeypatch.setattr(translator, "BETWEEN_IMPROVEMENTS", 0)
    monkeypatch.setattr(wanted, "WORTH_MORE_INSTRUCTIONS", 1_000)
    monkeypatch.setattr(wanted, "LARGE_BLOCKS", 1_000)
    plain, translated = both(device, build_image("echo.c", device), "full")
    for one in (plain, translated):
        talk(one)
        talk(one, b"w%")
        one.send(b"w%")
    rng = random.Random(1)
    for _ in range(60):
        monkeypatch.setattr(board_module, "SLICE_INSTRUCTIONS", rng.choice([1, 7, 100, rng.randrange(1, 20_000)]))
        for one in (plain, translated):
            one._run_slice()
        assert_equal(plain, translated)
    assert translated.translator is not None
    units = [one.order.unit for one in translated.translator._wanted.values()]
    assert any(unit is not None and not unit.is_quick for unit in units)


@pytest.mark.parametrize("device", DEVICES)
def test_interrupts(monkeypatch: pytest.MonkeyPatch, device: str) -> None:
    translate_at_once(monkeypatch, 500)
    plain, translated = both(device, build_image("interrupts.c", device, "WAIT=0", "TICK"), "pipeline")
    for _ in range(400):
        for one in (plain, translated):
            one._run_slice()
        assert plain.cycles == translated.cycles
    assert_equal(plain, translated)


@pytest.mark.parametrize(("device", "level"), [("stm32f746", "full"), ("stm32f446", "pipeline")])
def test_kernels(monkeypatch: pytest.MonkeyPatch, tmp_path: Path, device: str, level: str) -> None:
    """A whole network, from inputs at random."""
    translate_at_once(monkeypatch, 100_000)
    board = find_board(device)
    compiled = compile_model((PRETRAINED / "kws-s" / "model.tflite").read_bytes(), "kws-s", Isa.DSP)
    wire = wire_format(find_task("kws"))
    elf = build_firmware(compiled, wire, board, tmp_path).elf.read_bytes()
    plain, translated = both(device, elf, level)
    rng = random.Random(5)
    for _ in range(2):
        for command in (*load_commands(rng.randbytes(compiled.input.size_bytes)), b"infer 1 0%"):
            assert talk(plain, command) == talk(translated, command)
    assert_equal(plain, translated)
    assert translated.translator is not None
    assert translated.translator.native_instructions > translated.instructions // 3


def load_commands(data: bytes) -> list[bytes]:
    """The commands that fill the input buffer."""
    lines = [data[first : first + 31].hex().encode() for first in range(0, len(data), 31)]
    return [b"db load %d%%" % len(data), *(b"db " + line + b"%" for line in lines)]


@pytest.mark.parametrize("level", ["pipeline", "full"])
def test_blocks_that_the_engine_cuts_elsewhere(monkeypatch: pytest.MonkeyPatch, level: str) -> None:
    """Its own code for a block of many loads becomes too long; units are made again with its cuts."""
    translate_at_once(monkeypatch, 500)
    plain, translated = both("stm32f746", build_image("long_blocks.c", "stm32f746"), level)
    for _ in range(6):
        assert talk(plain, b"g%") == talk(translated, b"g%")
        translated.wait_for_translations()
    assert_equal(plain, translated)
    assert translated.translator is not None
    assert translated.translator.native_instructions > translated.instructions // 3
    assert any(one.function.cuts for one in translated.translator._wanted.values())


def test_translations_end_with_their_board(monkeypatch: pytest.MonkeyPatch) -> None:
    translate_at_once(monkeypatch)
    board = both("stm32f746", build_image("echo.c", "stm32f746"), "pipeline")[1]
    for line in (b"", b"w%", b"w%", b"w%"):
        talk(board, line)
    assert board.translator is not None and board.translator.native_instructions
    code = weakref.ref(board.translator._loader)
    counts = board.counts
    board.close()
    assert code() is None and board.counts == counts


def test_boards_that_are_not_used_do_not_wait_for_the_garbage_collector() -> None:
    elf, alive = build_image("echo.c", "stm32f746"), list[weakref.ref[EmulatedBoard]]()
    gc.collect()
    gc.disable()
    try:
        for _ in range(3 * garbage.FEW):
            alive.append(weakref.ref(EmulatedBoard(find_board("stm32f746"), elf)))
            assert len([one for one in alive if one() is not None]) <= 2 * garbage.FEW
    finally:
        gc.enable()


def test_without_llvm_the_engine_goes_on_and_it_is_said_once(monkeypatch: pytest.MonkeyPatch) -> None:
    def refused(*_: object) -> bytes:
        raise RuntimeError("no target for this host")

    monkeypatch.setattr(units, "compile_text", refused)
    monkeypatch.setattr(units, "cache_folder", lambda name: None)
    translator._say_once.cache_clear()
    elf, said = build_image("echo.c", "stm32f746"), list[warnings.WarningMessage]()
    for _ in range(2):
        plain, board = (EmulatedBoard(find_board("stm32f746"), elf, "full", translate=how) for how in (False, True))
        with warnings.catch_warnings(record=True) as caught:
            warnings.simplefilter("always")
            for line in (b"", b"w%", b"w%", b"w%"):
                assert talk(plain, line) == talk(board, line)
                board.wait_for_translations()
        said += [one for one in caught if one.category is RuntimeWarning]
        assert board.translator is not None and board.translator.native_instructions == 0
        assert "no target for this host" in board.translator.refused[0] and plain.counts == board.counts
    assert len(said) == 1 and "runs it as before, only slower" in str(said[0].message)


def test_what_looks_at_each_instruction_leaves_the_engine_alone(tmp_path: Path) -> None:
    elf = build_image("echo.c", "stm32f746")
    assert EmulatedBoard(find_board("stm32f746"), elf, check_alignment=True).translator is None
    assert EmulatedBoard(find_board("stm32f746"), elf, translate=False).translator is None


def test_code_in_ram_ends_translations(monkeypatch: pytest.MonkeyPatch) -> None:
    translate_at_once(monkeypatch, 0)
    plain, translated = both("stm32f746", build_image("pages.c", "stm32f746"), "pipeline")
    for one in (plain, translated):
        talk(one, b"g%")
    assert translated.translator is not None and translated._state.core.code_in_ram
    assert_equal(plain, translated)
