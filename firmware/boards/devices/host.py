# SPDX-License-Identifier: Apache-2.0
"""The firmware as a process on this machine."""

from __future__ import annotations

from mlperf_tiny.firmware.boards.facts.board import Board

BOARD = Board(device="host", boards=("this machine",), port="host")
