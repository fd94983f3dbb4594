# SPDX-License-Identifier: Apache-2.0
"""Images that were not built here: formats, any serial port as console, what is not emulated counted by name."""

from __future__ import annotations

import pytest

from mlperf_tiny.errors import DeviceCrashed, UsageError
from mlperf_tiny.firmware.boards import find_board
from mlperf_tiny.firmware.build import Firmware, build_firmware
from mlperf_tiny.runners.emulator.board import EmulatedBoard
from mlperf_tiny.runners.emulator.memory.any_image import read_any_image
from mlperf_tiny.runners.emulator.memory.elf_image import read_image
from mlperf_tiny.runners.emulator.translate.call_targets import functions_in
from tests.fakes.compiled import KWS
from tests.fakes.emulated_console import talk
from tests.fakes.wire_formats import WIRE_FORMATS
from tests.runners.emulator_images import build_image
from tests.runners.translate.boards import translate_at_once

L4R5 = find_board("stm32l4r5")


@pytest.fixture(scope="module")
def firmware(tmp_path_factory: pytest.TempPathFactory) -> Firmware:
    return build_firmware(KWS, WIRE_FORMATS["kws01"], L4R5, tmp_path_factory.mktemp("kws"))


def hex_of(data: bytes, base: int) -> bytes:
    """Intel HEX as the specification has it: 16 bytes a record, an extended linear address for each 64 KiB."""

    def record(offset: int, kind: int, content: bytes) -> str:
        values = bytes([len(content), offset >> 8, offset & 0xFF, kind]) + content
        return f":{values.hex().upper()}{-sum(values) & 0xFF:02X}"

    lines = []
    for at in range(0, len(data), 16):
        address = base + at
        if at == 0 or address % 0x1_0000 == 0:
            lines.append(record(0, 4, (address >> 16).to_bytes(2, "big")))
        lines.append(record(address & 0xFFFF, 0, data[at : at + 16]))
    return "\n".join([*lines, record(0, 1, b"")]).encode()


def test_all_formats_run_alike(firmware: Firmware) -> None:
    plain = firmware.elf.with_suffix(".bin").read_bytes()
    answers = []
    for image in (firmware.elf.read_bytes(), plain, hex_of(plain, 0x0800_0000)):
        board = EmulatedBoard(L4R5, image, foreign=True)
        assert talk(board).endswith(b"m-ready\r\n")
        assert (board.console, board.unmodelled) == ("LPUART1", {})
        answers.append((talk(board, b"profile%"), board.instructions, board.cycles))
    assert answers[0] == answers[1] == answers[2]
    assert b"kws01" in answers[0][0]


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda text: text[:-12], "cut short"),
        (lambda text: text.replace(b"\n:10", b"\n:11", 1), "line 2 is no Intel HEX record"),
        (lambda text: b":zz\n" + text, "line 1 is no Intel HEX record: b':zz'"),
        (lambda text: b"", "has 0 bytes"),
        (lambda text: b"<!DOCTYPE html><html>", "not a firmware image"),
    ],
)
def test_damaged_files_are_named(change, message: str) -> None:  # type: ignore[no-untyped-def]
    with pytest.raises(UsageError, match=message):
        read_any_image(change(hex_of(bytes(range(64)), 0x0800_0000)), 0x0800_0000)


def test_what_is_not_emulated_is_counted_by_name() -> None:
    board = EmulatedBoard(find_board("stm32f746"), build_image("foreign.c", "stm32f746"), foreign=True)
    assert talk(board) == b"right\r\n"
    assert board.console == "USART6"
    assert talk(board, b"echo") == b"echo"
    assert board.unmodelled == {
        "SAI1 + 0x4: written": 1,
        "RTC + 0x0: written": 2,
        "RTC + 0x0: read": 1,
        "writes TIM3 while its clock is off (RCC_APB1ENR bit 1)": 1,
    }


def test_an_image_built_here_may_use_nothing_that_is_not_emulated() -> None:
    board = EmulatedBoard(find_board("stm32f746"), build_image("foreign.c", "stm32f746"))
    with pytest.raises(DeviceCrashed, match="has no peripheral"):
        talk(board)


def test_functions_are_found_without_symbols(firmware: Firmware) -> None:
    """Nearly all functions of the symbol table that are called or pointed to, and few that are none."""
    image = read_image(firmware.elf)
    named = {address for address, size, _ in image.functions if size}
    found = {address for address, _, _ in functions_in(image.segments[:1])}
    assert len(found & named) >= 0.8 * len(named)
    assert len(found - named) <= 0.1 * len(named)


def test_a_stripped_image_is_translated_with_the_same_counts(monkeypatch: pytest.MonkeyPatch) -> None:
    """An image whose symbols are taken away: what is hot is found by calls and pointers, and runs natively."""
    translate_at_once(monkeypatch)
    (base, flash), *_ = read_image(build_image("echo.c", "stm32f746")).segments
    assert base == 0x0800_0000
    plain, translated = (
        EmulatedBoard(find_board("stm32f746"), flash, "full", foreign=True, translate=on) for on in (False, True)
    )
    for board in (plain, translated):
        talk(board)
        assert [talk(board, b"w%") for _ in range(3)] == 3 * [b"worked\r\n"]
    assert (plain.instructions, plain.cycles) == (translated.instructions, translated.cycles)
    assert translated.translator is not None and translated.translator.native_instructions > 0


@pytest.mark.parametrize("data", [b"", b"\0\0", bytes(64)])
def test_a_segment_without_calls_has_no_functions(data: bytes) -> None:
    assert functions_in([(0x0800_0000, data)]) == ()
