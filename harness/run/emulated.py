# SPDX-License-Identifier: Apache-2.0
"""A session with an emulated board for a few inferences: what comparisons and profiles measure with."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from mlperf_tiny.firmware.boards import Board
from mlperf_tiny.harness.wire.session import Session, Timeouts
from mlperf_tiny.runners.emulator.board import EmulatedBoard
from mlperf_tiny.runners.emulator.transport import EmulatorTransport

INFER_TIMEOUT_S = 600.0
"""Host seconds that a few inferences may take, however busy the machine is."""


@dataclass(frozen=True, kw_only=True)
class EmulatedSession:
    """A booted board and the session with it."""

    board: EmulatedBoard
    """The emulated board: its memory, counters and function trace."""
    transport: EmulatorTransport
    """The byte pipe to it."""
    session: Session
    """Started: the device has answered its first questions."""


@contextmanager
def emulated_session(
    board: Board, elf: Path | bytes, level: str, traced_function: str | None = None
) -> Iterator[EmulatedSession]:
    """Boot an image on its emulated board, and close the board at the end.

    Args:
        board: The board's row.
        elf: The image.
        level: Name of the timing level.
        traced_function: Symbol of a function whose blocks are traced; None for no trace.

    Raises:
        ProtocolError: when the firmware does not answer as it should.
        TransportError: when it does not boot, or crashes.
    """
    emulated = EmulatedBoard(board, elf, level, traced_function=traced_function)
    transport = EmulatorTransport(emulated)
    try:
        session = Session(transport, Timeouts(infer_s=INFER_TIMEOUT_S))
        session.start()
        yield EmulatedSession(board=emulated, transport=transport, session=session)
    finally:
        transport.close()
