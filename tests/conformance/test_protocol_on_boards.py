# SPDX-License-Identifier: Apache-2.0
"""The protocol table on every emulated board: the very image that would be flashed, from its reset vector on."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from mlperf_tiny.firmware.boards import BOARDS, Board
from mlperf_tiny.firmware.build import build_firmware
from mlperf_tiny.firmware.wire import InputFormat, ResultFormat, WireFormat
from mlperf_tiny.runners.emulator.board import EmulatedBoard
from mlperf_tiny.runners.open import open_transport
from mlperf_tiny.runners.transports.transport import Transport
from tests.conformance import protocol_table as table
from tests.fakes.compiled import FakeCompiled

WIRE = WireFormat(
    model_id=table.MODEL_ID,
    input=InputFormat.INT8,
    results=ResultFormat.TRUNCATED,
    buffer_bytes=table.BUFFER_BYTES,
)
MODEL = FakeCompiled(table.INPUT_BYTES, table.OUTPUT_BYTES)


@pytest.fixture(scope="module", params=[board for board in BOARDS if not board.is_host], ids=lambda row: row.device)
def url(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> str:
    board: Board = request.param
    built = build_firmware(MODEL, WIRE, board, tmp_path_factory.mktemp(board.device))
    return f"emu://{board.device}?elf={built.elf}"


def reply(device: Transport) -> list[str]:
    """Lines up to the next m-ready, and no byte more."""
    return reply_of(device.read)


def reply_of(read: Callable[[float], bytes]) -> list[str]:
    received = b""
    while not received.endswith(b"m-ready\r\n"):
        data = read(5.0)
        assert data, f"the device fell silent after {received!r}"
        received += data
    lines = received.decode("ascii").split("\r\n")
    assert lines.count("m-ready") == 1
    return lines[:-2]


def agrees(patterns: tuple[str, ...], lines: list[str]) -> bool:
    return len(patterns) == len(lines) and all(map(table.line_matches, patterns, lines))


def test_table(url: str) -> None:
    wrong = []
    for case in table.CASES:
        device = open_transport(url)
        try:
            boot = reply(device)
            assert agrees(table.BOOT, boot), boot
            for command, patterns in case.exchanges:
                device.write(command)
                lines = reply(device)
                if not agrees(patterns, lines):
                    wrong.append((case.name, command, patterns, lines))
        finally:
            device.close()
    assert wrong == []


def test_windows_hold_nothing_but_inferences(url: str) -> None:
    """A lap line takes 1.8 ms to send; the fake's inference well below 5 us."""
    device = open_transport(url)
    try:
        reply(device)
        for command in (b"db load 16%", b"db %s%%" % bytes(16).hex().encode()):
            device.write(command)
            reply(device)
        spans_us = []
        for count in (1, 100, 10_000):
            device.write(b"infer %d 3%%" % count)
            laps = [int(line.removeprefix("m-lap-us-")) for line in reply(device) if line.startswith("m-lap-us-")]
            spans_us.append(laps[1] - laps[0])
    finally:
        device.close()
    each_us = (spans_us[2] - spans_us[1]) / 9_900
    assert each_us < 5
    assert abs(spans_us[0] - each_us) < 3
    assert abs(spans_us[1] - 100 * each_us) < 3


@pytest.mark.parametrize("board", [board for board in BOARDS if not board.is_host], ids=lambda row: row.device)
def test_energy_build_marks_windows_by_falling_edges(board: Board, tmp_path: Path) -> None:
    """Boot, `timestamp` and each end of a window: one low pulse each of at least 1 us, from a pin that idles high."""
    built = build_firmware(MODEL, WIRE, board, tmp_path, energy=True)
    device = EmulatedBoard(board, built.elf, baud=9600)
    ramp = bytes(range(16)).hex().encode()
    for command in (None, b"timestamp%", b"db load 16%", b"db %s%%" % ramp, b"infer 10000 1%"):
        if command is not None:
            device.send(command)
        lines = reply_of(device.run)
        assert not any("m-lap-us" in line for line in lines)
    times_us = [time_fs / 1e9 for time_fs, _, _ in device.pin_edges]
    levels = [level for _, _, level in device.pin_edges]
    first = levels.index(0)
    assert levels[first:] == [0, 1] * 4, "boot, timestamp, start, end"
    falls, rises = times_us[first::2], times_us[first + 1 :: 2]
    assert all(rise - fall >= 1 for fall, rise in zip(falls, rises, strict=True))
    window_us = falls[3] - falls[2]
    assert 10_000 * 0.1 < window_us < 10_000 * 5
    device.close()
