# SPDX-License-Identifier: Apache-2.0
"""A device in Python: the reference firmware's side of the protocol, on a clock of its own, with faults on order.

Written from the protocol's description alone and sharing no code with ``harness``, so that it can contradict it.
"""

from __future__ import annotations

import zlib
from collections.abc import Callable, Sequence

from mlperf_tiny.errors import DeviceGone
from mlperf_tiny.runners.transports.transport import DeviceInfo

COMMAND_CHARACTERS = 80
PATIENCE = 1000

Spoil = Callable[[str, bytes], bytes]
"""What a fault does: (command, reply as it should be) -> what is really sent."""


class FakeDevice:
    """A transport with a device behind it.

    ``infer`` gives the result texts of an input. ``latency_us`` is device time of one inference; ``counter_us`` is
    where the 32-bit counter stands; it moves in steps of ``tick_us``. Reading hands out ``piece_bytes`` at a time.
    An empty read costs its whole time-out on ``clock``, on an ``emulated`` device nothing. ``counting`` gives it an
    emulated device's counters.
    """

    url = "fake://"
    timing_level = ""
    timing_model = ""
    timing_generation: int | None = None

    def __init__(
        self,
        model_id: str = "kws01",
        input_bytes: int = 490,
        infer: Callable[[bytes], Sequence[str]] = lambda data: ["0.250"] * 4,
        latency_us: int = 1000,
        counter_us: int = 5_000,
        tick_us: int = 1,
        timing: str = "hardware",
        spoil: Spoil = lambda command, reply: reply,
        boots: bool = True,
        piece_bytes: int = 1 << 16,
        instructions_per_inference: int | None = None,
        offers_crc: bool = False,
    ) -> None:
        self.timing = timing
        self.model_id, self.input_bytes, self._infer = model_id, input_bytes, infer
        self.latency_us, self._counter_us, self._tick_us = latency_us, counter_us, tick_us
        self._spoil, self._piece_bytes = spoil, piece_bytes
        self._offers_crc = offers_crc
        self._checked: int | None = None  # replies with a checksum so far; None while they have none
        self._now_s = 0.0
        self._empty_reads = 0
        self._out = b""
        self._command = b""
        self._buffer = bytearray()
        self._size = 0
        self._tensor = bytes(input_bytes)
        self.commands: list[str] = []
        self.inferred: list[tuple[bytes, int, int]] = []
        self.closed = False
        self.gone = False
        self._instructions = 1_000
        self._per_inference = instructions_per_inference
        if instructions_per_inference is not None:
            self.counters = lambda: {"instructions": self._instructions, "cycles": 2 * self._instructions}
        if boots:
            self._say("(boot)", ["m-timestamp-mode-performance", self._lap(), "m-init-done", "m-ready"])

    @property
    def device_info(self) -> DeviceInfo:
        return DeviceInfo(
            timing=self.timing,
            timing_level=self.timing_level,
            timing_model=self.timing_model,
            timing_generation=self.timing_generation,
            just_started=self.timing != "hardware",
        )

    def clock(self) -> float:
        """Host seconds since this device was made."""
        return self._now_s

    def write(self, data: bytes) -> None:
        if self.gone:
            raise DeviceGone(self.url, "the fake was told to go")
        self._empty_reads = 0
        for byte in data:
            if byte == ord("%"):
                command, self._command = self._command.decode("latin-1"), b""
                self._obey(command)
            elif len(self._command) < COMMAND_CHARACTERS:
                self._command += bytes([byte])
            else:  # the reference firmware overwrites its last character
                self._command = self._command[:-1] + bytes([byte])

    def read(self, timeout_s: float) -> bytes:
        if self._out:
            piece, self._out = self._out[: self._piece_bytes], self._out[self._piece_bytes :]
            return piece
        if self.gone:
            raise DeviceGone(self.url, "the fake was told to go")
        if self.timing != "emulated":
            self._now_s += timeout_s
        self._empty_reads += 1
        assert self._empty_reads < PATIENCE, "the host keeps on reading from a device that has nothing to say"
        return b""

    def close(self) -> None:
        self.closed = True

    def _say(self, command: str, lines: Sequence[str]) -> None:
        self._out += self._spoil(command, "".join(f"{line}\r\n" for line in lines).encode("latin-1"))

    def _lap(self) -> str:
        return f"m-lap-us-{self._counter_us // self._tick_us * self._tick_us % 2**32}"

    def _obey(self, command: str) -> None:
        self.commands.append(command)
        word, *arguments = command.split() or [""]
        if not _readable(word, arguments):
            self._say(command, [f"e-[Command '{word}' has bad arguments]", "m-ready"])
            return
        lines = {
            "name": lambda: ["m-name-dut-[unspecified]"],
            "profile": self._profile,
            "timestamp": lambda: [self._lap()],
            "results": lambda: [self._results()],
            "db": lambda: self._db(arguments),
            "infer": lambda: self._run(*map(int, arguments)),
            **({"crc": lambda: self._crc(arguments)} if self._offers_crc else {}),
        }.get(word, lambda: [f"e-[Unknown command: {word}]"])()
        self._instructions += 100 + 10 * len(lines)
        self._say(command, [*lines, *self._reply_crc(command, lines), "m-ready"])

    def _profile(self) -> list[str]:
        offer = ["m-offers-crc"] if self._offers_crc else []
        return ["m-profile-[ULPMark for tinyML Firmware V0.0.1]", f"m-model-[{self.model_id}]", *offer]

    def _crc(self, arguments: list[str]) -> list[str]:
        if not arguments:
            return [self._input_crc()]
        self._checked = 0 if arguments == ["on"] else None
        return [f"m-crc-{arguments[0]}"]

    def _input_crc(self) -> str:
        return f"m-input-crc-{zlib.crc32(bytes(self._buffer)):08x}"

    def _reply_crc(self, command: str, lines: list[str]) -> list[str]:
        if self._checked is None or (command.startswith("db ") and not command.startswith("db load")):
            return []
        self._checked += 1
        start = f"m-crc-{self._checked}-"
        text = command + "%" + "".join(f"{line}\r\n" for line in lines) + start
        return [f"{start}{zlib.crc32(text.encode('latin-1')):08x}"]

    def _db(self, arguments: list[str]) -> list[str]:
        if not arguments:
            return ["e-[Command 'db' requires a subcommand]"]
        if arguments[0] == "load":
            self._size = int(arguments[1])
            self._buffer = bytearray()
            if self._size > self.input_bytes:
                return [f"Supplied buffer size {self._size} exceeds maximum of {self.input_bytes}"]
            return [f"m-[Expecting {self._size} bytes]"]
        if len(arguments[0]) % 2:
            return ["e-[Insufficent number of hex digits]"]
        before = len(self._buffer)
        self._buffer += bytes.fromhex(arguments[0])[: self._size - before]
        return ["m-load-done"] if before < self._size == len(self._buffer) else []

    def _run(self, count: int, warmup: int) -> list[str]:
        lines = []
        if len(self._buffer) == self.input_bytes:
            self._tensor = bytes(self._buffer)
        else:
            lines.append(f"Input db has {len(self._buffer)} elemented, expected {self.input_bytes}")
        self.inferred.append((self._tensor, count, warmup))
        start = self._lap()
        self._counter_us += count * self.latency_us
        self._now_s += (count + warmup) * self.latency_us / 1e6
        self._instructions += (count + warmup) * (self._per_inference or 0)
        return [
            *lines,
            *([] if self._checked is None else [self._input_crc()]),
            f"m-warmup-start-{warmup}",
            "m-warmup-done",
            f"m-infer-start-{count}",
            start,
            self._lap(),
            "m-infer-done",
            self._results(),
        ]

    def _results(self) -> str:
        return f"m-results-[{','.join(self._infer(self._tensor))}]"


def _readable(word: str, arguments: Sequence[str]) -> bool:
    """Whether the arguments are the numbers or the hex digits that the command takes."""
    decimal = all(argument.isascii() and argument.isdecimal() for argument in arguments)
    if word == "infer":
        return decimal and len(arguments) == 2
    if word != "db" or not arguments:
        return True
    if arguments[0] == "load":
        return len(arguments) == 2 and arguments[1].isascii() and arguments[1].isdecimal()
    return all(digit in "0123456789abcdefABCDEF" for digit in arguments[0])
