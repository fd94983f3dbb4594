# SPDX-License-Identifier: Apache-2.0
"""The device table: rows that agree with themselves, with the port's C and with the emulator."""

from __future__ import annotations

import re

import pytest

from mlperf_tiny.firmware.boards import BOARDS, DEVICES, Board
from mlperf_tiny.firmware.boards.facts import board
from mlperf_tiny.firmware.build import FIRMWARE, port_sources
from mlperf_tiny.firmware.config import board_config
from mlperf_tiny.runners.emulator.chip.register_map import slots_of

CHIPS = [row for row in BOARDS if row.chip is not None]
STATED = re.compile(r"\bBOARD_\w+")


def test_devices_have_different_names() -> None:
    assert len(DEVICES) == len(BOARDS)


@pytest.mark.parametrize("row", CHIPS, ids=lambda row: row.device)
def test_the_clock_set_up_keeps_to_the_limits_of_the_chip(row: Board) -> None:
    assert row.chip is not None
    clocks = row.chip.clocks
    pll_input_hz = clocks.hsi_hz / clocks.pll_m
    assert clocks.pll_input_hz[0] <= pll_input_hz <= clocks.pll_input_hz[1]
    assert clocks.vco_hz[0] <= pll_input_hz * clocks.pll_n <= clocks.vco_hz[1]
    assert clocks.pll_n_range[0] <= clocks.pll_n <= clocks.pll_n_range[1]
    assert row.clock_hz <= clocks.max_core_hz
    assert clocks.apb1_hz <= clocks.max_apb1_hz
    assert clocks.apb2_hz <= clocks.max_apb2_hz


@pytest.mark.parametrize("row", CHIPS, ids=lambda row: row.device)
def test_the_ports_sources_exist_and_read_only_what_the_row_states(row: Board) -> None:
    stated = set(STATED.findall(board_config(row)))
    for name in port_sources(row):
        used = set(STATED.findall((FIRMWARE / "ports" / name).read_text()))
        assert used <= stated


@pytest.mark.parametrize("row", CHIPS, ids=lambda row: row.device)
def test_the_emulator_has_every_pin_of_the_row(row: Board) -> None:
    assert row.chip is not None
    names = {slot.name for slot in slots_of(row)}
    pins = (row.chip.console.tx_pin, row.chip.console.rx_pin, row.chip.timestamp_pin)
    assert {f"GPIO{board.pin_port(pin)}" for pin in pins} <= names
    assert row.chip.console.uart in names
