# SPDX-License-Identifier: Apache-2.0
"""The host build of the firmware, spoken to in one go: all commands in, all replies out."""

from __future__ import annotations

import subprocess
from collections.abc import Iterable
from pathlib import Path

from mlperf_tiny.firmware.boards import find_board
from mlperf_tiny.firmware.build import build_firmware
from mlperf_tiny.firmware.engine_model import EngineModel
from mlperf_tiny.firmware.wire import WireFormat

Reply = list[str]
"""The lines of one reply, without the closing m-ready."""


def build_host(model: EngineModel, wire: WireFormat, folder: Path, energy: bool = False) -> Path:
    """Return the program."""
    return build_firmware(model, wire, find_board("host"), folder, energy=energy).elf


def talk(program: Path, commands: Iterable[bytes]) -> list[Reply]:
    """Return the boot messages and one reply per command; fails unless each ends in exactly one m-ready."""
    commands = list(commands)
    assert all(command.count(b"%") == 1 and command.endswith(b"%") for command in commands)
    result = subprocess.run([program], input=b"".join(commands), capture_output=True, timeout=60, check=True)
    assert result.stderr == b""
    *ended, last = result.stdout.decode("ascii").split("m-ready\r\n")
    assert last == "", f"the last line is not m-ready: {last!r}"
    assert len(ended) == len(commands) + 1, f"{len(ended)} times m-ready after boot and {len(commands)} commands"
    for reply in ended:
        assert reply == "" or reply.endswith("\r\n")
        assert reply.count("\n") == reply.count("\r\n") == reply.count("\r")
    return [reply.split("\r\n")[:-1] for reply in ended]


def load_commands(data: bytes, chunk_bytes: int = 38) -> list[bytes]:
    """The commands that load ``data``."""
    pieces = [data[at : at + chunk_bytes] for at in range(0, len(data), chunk_bytes)]
    return [b"db load %d%%" % len(data), *(b"db %s%%" % piece.hex().encode() for piece in pieces)]
