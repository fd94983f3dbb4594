# SPDX-License-Identifier: Apache-2.0
"""The checksums that a device offers: one over each reply with its command, one over the loaded input.

A reply is text, and a digit that was changed on the way is a digit. Firmware that prints ``m-offers-crc`` answers
``crc on``; from then on the last line of each reply before ``m-ready`` is ``m-crc-<n>-<crc>``, where ``n`` counts these
replies from 1 and ``crc`` is the CRC-32 of zlib over the command with its ``%``, the reply's lines each with CR LF, and
``m-crc-<n>-``. ``infer`` and ``crc`` print ``m-input-crc-<crc>``, over the bytes that the device holds. Replies to
``db <hex>`` have no checksum: that of the input covers them (docs/protocol.md).
"""

from __future__ import annotations

import zlib
from collections.abc import Sequence

from mlperf_tiny.errors import UnexpectedReply
from mlperf_tiny.harness.wire.grammar import text_of
from mlperf_tiny.harness.wire.protocol import InputCrc, ReplyCrcLine, decode_line

CRC_ON = "crc on"
CRC_OFF = "crc off"
CRC_INPUT = "crc"


class ReplyCrc:
    """Checks the replies of one device; the live session and the reading of a transcript use the same.

    Attributes:
        on: Whether replies must carry a checksum.
        input_crc: What the loaded bytes have, when it is known.
    """

    def __init__(self) -> None:
        self.on = False
        self.input_crc: int | None = None
        self._last = 0  # number of the last reply that was checked

    def forget(self) -> None:
        """The device has booted: checksums are off and nothing is loaded."""
        self.on, self.input_crc, self._last = False, None, 0

    def take(self, command: str, lines: Sequence[str]) -> None:
        """Check one reply, and follow what the command switches.

        Args:
            command: As it was sent, without its ``%``.
            lines: Of the reply, without ``m-ready``.

        Raises:
            UnexpectedReply: when a checksum is missing or does not fit, when the reply is an earlier one, or when the
                device holds another input than was loaded. After a missing one checksums are off: the device has
                probably restarted.
        """
        word, _, rest = command.partition(" ")
        if word == "db" and rest.startswith("load"):
            self.input_crc = None  # also when the reply is spoiled
        if command == CRC_ON:
            self.on, self._last = False, 0
        elif command == CRC_OFF:
            self.on = False
            return
        elif not self.on or (word == "db" and not rest.startswith(("load", "print"))):
            return
        self._last = self._number(command, lines)
        self.on = True
        if word == "infer" or command == CRC_INPUT:
            self._take_input(command, lines)

    def _number(self, command: str, lines: Sequence[str]) -> int:
        """The number of a reply whose checksum fits."""
        last = lines[-1] if lines else ""
        stated = decode_line(last)
        if not isinstance(stated, ReplyCrcLine):
            self.on = False
            wanted = "its last line 'm-crc-<n>-<crc>' although checksums are on (did the device restart?)"
            raise UnexpectedReply(command, wanted, text_of(lines))
        prefix = last[: last.index("m-crc-")]  # an IO manager puts a text before each line
        if not all(line.startswith(prefix) for line in lines):
            raise UnexpectedReply(command, f"{prefix!r} before each line", text_of(lines))
        text = "".join(f"{line[len(prefix) :]}\r\n" for line in lines[:-1])
        computed = zlib.crc32(f"{command}%{text}m-crc-{stated.number}-".encode("latin-1", "replace"))
        if computed != stated.crc:
            raise UnexpectedReply(
                command, f"the checksum that fits it, {computed:08x}: it was changed on the way", text_of(lines)
            )
        if stated.number <= self._last:
            raise UnexpectedReply(
                command, f"a number above {self._last} in its checksum: it is an earlier one", text_of(lines)
            )
        return stated.number

    def _take_input(self, command: str, lines: Sequence[str]) -> None:
        crcs = [reply.crc for reply in map(decode_line, lines) if isinstance(reply, InputCrc)]
        if len(crcs) != 1:
            raise UnexpectedReply(command, "one line 'm-input-crc-<crc>'", text_of(lines))
        if self.input_crc is None:
            self.input_crc = crcs[0]
        elif crcs[0] != self.input_crc:
            wanted = f"'m-input-crc-{self.input_crc:08x}' of the input that was loaded: the device holds another"
            raise UnexpectedReply(command, wanted, text_of(lines))
