# SPDX-License-Identifier: Apache-2.0
"""A conversation with one device: send a command, collect its reply up to ``m-ready``, insist on what it must hold.

Only a session owns a transport. Every wait has a deadline on a monotonic clock of the host; every time that is
measured is the device's. Times are in seconds for the host and in microseconds for the device.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass
from types import NoneType
from typing import Any, TypeVar

from mlperf_tiny.errors import DeviceSilent, Refused, UnexpectedReply
from mlperf_tiny.harness.wire import protocol
from mlperf_tiny.harness.wire.protocol import (
    Expecting,
    InferStart,
    Lap,
    LineAssembler,
    LoadDone,
    Model,
    Name,
    Profile,
    Ready,
    Results,
    decode_line,
)
from mlperf_tiny.runners.transports.transport import Transport

COUNTER_WRAP_US = 2**32
REPLY_LINES = 10_000
NAME_S = 2.0  # answer to the first questions, as the official runner allows while it looks for devices
BOOT_S = 30.0  # first m-ready of a device this program has just started: host time, on a machine that may be busy
LOAD_S_PER_BYTE = 0.016  # download allowance of the official runner
QUIET_S = 0.2  # a board that says nothing for so long has nothing more to say
IDENTITY_TRIES = 3
LOAD_TRIES = 2

USUAL_NAME = "dut"
"""What ``name`` answers in every device that the official runner accepts."""

_ENERGY_BUILD = (
    "; firmware built for energy pulses a pin instead and talks at 9600 baud: flash the same built for performance, "
    "EE_CFG_ENERGY_MODE 0"
)

T = TypeVar("T")


@dataclass(frozen=True)
class Timeouts:
    """``command_s`` is for one short command; ``infer_s`` for one ``infer`` whose length is not known yet.

    ``name_s`` is for the first questions, where something that is no device at all should be found out soon.
    """

    command_s: float = 5.0
    infer_s: float = 120.0
    name_s: float = NAME_S


@dataclass(frozen=True)
class Identity:
    """What the device says it is. ``vendor`` is the text of ``name``, ``model_id`` the benchmark its firmware holds."""

    device: str
    vendor: str
    profile: str
    model_id: str


@dataclass(frozen=True)
class Inference:
    """Reply to one ``infer``: device time of the window from its first to its last lap, and the last output.

    ``wrapped`` is true when the 32-bit counter passed its end inside the window and 2^32 was added.
    """

    count: int
    elapsed_us: int
    wrapped: bool
    results: tuple[float, ...]


def window_us(laps: tuple[int, int]) -> tuple[int, bool]:
    """Return device microseconds between two laps, and whether the 32-bit counter wrapped (2^32 is added once)."""
    elapsed = laps[1] - laps[0]
    return (elapsed, False) if elapsed >= 0 else (elapsed + COUNTER_WRAP_US, True)


def read_inference(count: int, warmup: int, lines: list[str]) -> Inference:
    """Decode the reply lines of ``infer count warmup``.

    Raises Refused for an error line, and UnexpectedReply when laps or results are missing, when the device timed
    another number of inferences, or when the counter ran backwards by more than a wrap explains.
    """
    command = protocol.infer_command(count, warmup)
    _raise_refusal(command, lines)
    replies = [decode_line(line) for line in lines]
    raw = _shown(lines)
    for reply in replies:
        if isinstance(reply, InferStart) and reply.count != count:
            raise UnexpectedReply(command, f"'m-infer-start-{count}'", raw)
    laps = [reply.device_us for reply in replies if isinstance(reply, Lap)]
    results = [reply.values for reply in replies if isinstance(reply, Results)]
    if len(laps) < 2:
        raise UnexpectedReply(command, f"two 'm-lap-us-' lines ({len(laps)} came{'' if laps else _ENERGY_BUILD})", raw)
    if not results:
        raise UnexpectedReply(command, "a readable 'm-results-[...]' line", raw)
    elapsed_us, wrapped = window_us((laps[-2], laps[-1]))
    if elapsed_us < 0:
        raise UnexpectedReply(command, "laps of a counter that runs forward", raw)
    return Inference(count, elapsed_us, wrapped, results[-1])


class Session:
    """One device behind ``transport``; ``note`` is told in words of anything that was put right on the way."""

    def __init__(
        self,
        transport: Transport,
        timeouts: Timeouts | None = None,
        clock: Callable[[], float] = time.monotonic,
        note: Callable[[str], None] = lambda text: None,
        chunk_bytes: int = protocol.DB_BYTES,
    ) -> None:
        self.transport = transport
        self.timeouts = timeouts or Timeouts()
        self._clock = clock
        self._note = note
        self._chunk_bytes = chunk_bytes
        self._lines = LineAssembler()
        self._late: list[str] = []
        self._repeats = 0  # how many more times than once this device says m-ready

    def start(self) -> Identity:
        """Wait for the boot lines, if any come, and ask who is there.

        A board may have booted long ago, be booting, or hold half a command of an earlier program: each question is
        asked up to three times. A device that keeps its name to itself is still a device; what it holds must be known.
        Raises what the last try raised.
        """
        # A recording tells by itself whether its device was there before: an emulated board behind a port was.
        just_started = getattr(self.transport, "just_started", self.transport.timing != "hardware")
        boot = self._drain(BOOT_S, quiet_s=BOOT_S if just_started else QUIET_S, until_ready=True)
        if not boot and just_started:
            raise DeviceSilent("(boot)", BOOT_S)
        try:
            name = self._ask("name", Name, "'m-name-...'")[0]
        except (Refused, UnexpectedReply) as error:
            self._note(f"the device does not tell its name: {error}")
            name = Name("", "")
        self._expect_repeats(self.resync())
        if name.device not in ("", USUAL_NAME):
            self._note(f"the device calls itself {name.device!r}; the official runner refuses all but {USUAL_NAME!r}")
        replies = self._ask("profile", Model, "'m-model-[...]'", Profile)
        model_id = next(reply.model_id for reply in replies if isinstance(reply, Model))
        profile = next((reply.text for reply in replies if isinstance(reply, Profile)), "")
        return Identity(name.device, name.vendor, profile, model_id)

    def command(self, text: str, timeout_s: float | None = None) -> list[str]:
        """Send one command and return its reply lines without ``m-ready``.

        Raises Refused for ``e-[...]``, DeviceSilent when ``m-ready`` does not come within ``timeout_s`` host seconds,
        UnexpectedReply when the device does not stop talking.
        """
        data = protocol.encode(text)
        self._raise_late_errors(text)
        self.transport.write(data)
        lines = self._reply(text, self.timeouts.command_s if timeout_s is None else timeout_s)
        _raise_refusal(text, lines)
        return lines

    def timestamp(self) -> int:
        """The device's microsecond counter; raises UnexpectedReply from an energy build, which prints none."""
        lines = self.command("timestamp")
        laps = [reply.device_us for reply in map(decode_line, lines) if isinstance(reply, Lap)]
        if not laps:
            raise UnexpectedReply("timestamp", "a 'm-lap-us-' line", _shown(lines))
        return laps[-1]

    def load(self, data: bytes) -> None:
        """Make ``data`` the device's next input; returns only when the device has confirmed every byte.

        A spoiled transfer is noted and repeated once. Raises Refused, UnexpectedReply or DeviceSilent.
        """
        self._raise_late_errors("db load")  # not this load's fault, so loading again would only hide it
        self._again_if_spoiled(lambda: self._load_once(data), tries=LOAD_TRIES, what="loading")

    def infer(self, count: int, warmup: int, timeout_s: float | None = None) -> Inference:
        """Run ``infer count warmup``; see read_inference for what it raises. Never repeated: time was measured."""
        command = protocol.infer_command(count, warmup)
        lines = self.command(command, self.timeouts.infer_s if timeout_s is None else timeout_s)
        inference = read_inference(count, warmup, lines)
        if inference.wrapped:
            self._note(f"the device's 32-bit microsecond counter wrapped during {command!r}; 2^32 was added")
        return inference

    def resync(self) -> list[str]:
        """Let the device finish what it is saying and forget it, so that the next reply belongs to its command.

        Returns the lines that were forgotten.
        """
        dropped = self._drain(self.timeouts.command_s, QUIET_S)
        if self._lines.pending:
            dropped.append(self._lines.pending)
            self._lines = LineAssembler()
        if dropped:
            self._note(f"dropped while getting back in step: {_shown(dropped)}")
        return dropped

    def _load_once(self, data: bytes) -> None:
        announce = f"db load {len(data)}"
        deadline = self._clock() + self.timeouts.command_s + LOAD_S_PER_BYTE * len(data)
        lines = self.command(announce)
        sizes = [reply.size_bytes for reply in map(decode_line, lines) if isinstance(reply, Expecting)]
        if sizes != [len(data)]:
            raise UnexpectedReply(announce, f"'m-[Expecting {len(data)} bytes]'", _shown(lines))
        done = False
        for command in protocol.db_commands(data, self._chunk_bytes):
            if done:
                raise UnexpectedReply(announce, "room for all its bytes ('m-load-done' came early)", _shown(lines))
            left_s = max(deadline - self._clock(), 0.0)
            lines = self.command(command, min(left_s, self.timeouts.command_s))
            done = any(isinstance(decode_line(line), LoadDone) for line in lines)
        if not done:
            raise UnexpectedReply(announce, "'m-load-done' after the last byte", _shown(lines))

    def _ask(self, command: str, wanted: type[T], words: str, also: type[Any] = NoneType) -> list[T | Any]:
        """The replies of the wanted kinds to ``command``; at least one is of ``wanted``."""

        def ask_once() -> list[T | Any]:
            lines = self.command(command, min(self.timeouts.command_s, self.timeouts.name_s))
            replies = [reply for reply in map(decode_line, lines) if isinstance(reply, (wanted, also))]
            if not any(isinstance(reply, wanted) for reply in replies):
                raise UnexpectedReply(command, words, _shown(lines))
            return replies

        return self._again_if_spoiled(ask_once, tries=IDENTITY_TRIES, what=f"asking {command!r}")

    def _again_if_spoiled(self, work: Callable[[], T], tries: int, what: str) -> T:
        for _ in range(tries - 1):
            try:
                return work()
            except (Refused, UnexpectedReply, DeviceSilent) as error:
                if isinstance(error, DeviceSilent) and self._silence_is_final:
                    raise
                self._note(f"{what} again after: {error}")
                self.resync()
        return work()

    @property
    def _silence_is_final(self) -> bool:
        # An emulated device that says nothing has nothing to do: asking again would only hide that.
        return self.transport.timing == "emulated"

    def _reply(self, command: str, timeout_s: float) -> list[str]:
        """Lines up to ``m-ready``, which is left out; what comes behind it is kept for _raise_late_errors."""
        start = self._clock()
        lines: list[str] = []
        while (data := self._read(start + timeout_s)) is not None:
            received = self._lines.feed(data)
            for at, line in enumerate(received):
                if isinstance(decode_line(line), Ready):
                    self._late += received[at + 1 :]
                    self._await_repeats()
                    return lines
                lines.append(line)
            if len(lines) > REPLY_LINES:
                raise UnexpectedReply(command, f"'m-ready' within {REPLY_LINES} lines", _shown(lines[-3:]))
        _raise_refusal(command, lines)
        if self._lines.pending:
            lines.append(self._lines.pending)
        raise DeviceSilent(command, round(self._clock() - start, 3), _shown(lines))

    def _expect_repeats(self, dropped: list[str]) -> None:
        """Learn from what came behind the reply to ``name`` whether this device says ``m-ready`` more than once.

        A second one must be waited for each time: taken for the end of the next reply, it would put all that follow
        out of step.
        """
        if dropped and all(isinstance(decode_line(line), Ready) for line in dropped):
            self._repeats = len(dropped)
            self._note(f"the device ends a reply with {1 + self._repeats} lines 'm-ready'; all of them are waited for")

    def _await_repeats(self) -> None:
        deadline = self._clock() + QUIET_S
        while sum(isinstance(decode_line(line), Ready) for line in self._late) < self._repeats:
            if (data := self._read(deadline)) is None:
                return
            self._late += self._lines.feed(data)

    def _raise_late_errors(self, command: str) -> None:
        late, self._late = self._late, []
        _raise_refusal(f"something sent before {command!r}", late)

    def _read(self, deadline: float) -> bytes | None:
        """What came, perhaps nothing yet; None when the deadline has passed or an emulated device is idle."""
        started = self._clock()
        if started >= deadline:
            return None
        data = self.transport.read(deadline - started)
        # Back early with empty hands: an emulated device waits for us, and nothing will ever come.
        early = self._clock() - started < (deadline - started) / 2
        return None if not data and early and self._silence_is_final else data

    def _drain(self, longest_s: float, quiet_s: float, until_ready: bool = False) -> list[str]:
        """Lines that come until the device is quiet for ``quiet_s`` or, if asked for, ready; an error is only text."""
        lines, self._late = self._late, []
        end = self._clock() + longest_s
        while data := self._read(min(end, self._clock() + quiet_s)):
            received = self._lines.feed(data)
            lines = (lines + received)[-REPLY_LINES:]
            if until_ready and any(isinstance(decode_line(line), Ready) for line in received):
                break
        return lines


def _raise_refusal(command: str, lines: list[str]) -> None:
    for line in lines:
        reply = decode_line(line)
        if isinstance(reply, protocol.Refused):
            raise Refused(command, reply.text)


def _shown(lines: list[str]) -> str:
    """Reply lines as they are shown in a message: one line, the last 400 characters."""
    return " | ".join(lines)[-400:]
