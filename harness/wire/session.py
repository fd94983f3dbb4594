# SPDX-License-Identifier: Apache-2.0
"""A session with one device: send a command, collect its reply up to ``m-ready``, check what it must hold.

Only a session owns a transport. Every wait has a deadline on a monotonic clock of the host; every time that is
measured is the device's. Times are in seconds for the host and in microseconds for the device.
"""

from __future__ import annotations

import time
import zlib
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, TypeVar

from mlperf_tiny.errors import DeviceSilent, Refused, UnexpectedReply
from mlperf_tiny.harness.wire import protocol, reply_crc
from mlperf_tiny.harness.wire.grammar import raise_surplus, text_of
from mlperf_tiny.harness.wire.inference import Inference, raise_refusal, read_inference
from mlperf_tiny.harness.wire.protocol import (
    Expecting,
    InitDone,
    Lap,
    LineAssembler,
    LoadDone,
    ModelId,
    Name,
    OffersCrc,
    ProfileText,
    Ready,
    TimestampMode,
    decode_line,
)
from mlperf_tiny.runners.transports.transport import Transport

REPLY_LINES = 10_000
NAME_S = 2.0  # answer to the first questions, as the official runner allows while it looks for devices
BOOT_S = 30.0  # first m-ready of a device this program has just started: host time, on a machine that may be busy
LOAD_S_PER_BYTE = 0.016  # download allowance of the official runner
QUIET_S = 0.2  # a board that sends nothing for so long has finished its reply
IDENTITY_TRIES = 3
LOAD_TRIES = 2

DEFAULT_NAME = "dut"
"""What ``name`` answers in every device that the official runner accepts."""

T = TypeVar("T")


@dataclass(frozen=True)
class Timeouts:
    """Host seconds that replies may take."""

    command_s: float = 5.0
    """One short command."""
    infer_s: float = 120.0
    """One ``infer`` whose length is not known yet."""
    name_s: float = NAME_S
    """The first questions: a port without a device should be found out soon."""


@dataclass(frozen=True)
class Identity:
    """What the device answers of itself."""

    device: str
    """First part of ``m-name``."""
    vendor: str
    """Its text in brackets."""
    profile: str
    """Text of ``m-profile``."""
    model_id: str
    """Benchmark its firmware holds."""


class Session:
    """A session with one device.

    Args:
        transport: The byte pipe to it.
        timeouts: How long replies may take.
        clock: Monotonic host seconds.
        note: Takes one sentence for anything that was corrected on the way.
        chunk_bytes: Payload of one ``db`` command, 1 to ``protocol.DB_BYTES``.
        result_values: Numbers of a result; None when it is not known.
        line_dropped: Called when the beginning of a line was dropped: a listener to the same bytes must drop it too.
    """

    def __init__(
        self,
        transport: Transport,
        timeouts: Timeouts | None = None,
        clock: Callable[[], float] = time.monotonic,
        note: Callable[[str], None] = lambda text: None,
        chunk_bytes: int = protocol.DB_BYTES,
        result_values: int | None = None,
        line_dropped: Callable[[], None] = lambda: None,
    ) -> None:
        self.transport = transport
        self.timeouts = timeouts or Timeouts()
        self._clock = clock
        self._note = note
        self._chunk_bytes = chunk_bytes
        self._result_values = result_values
        self._line_dropped = line_dropped
        self._lines = LineAssembler()
        self._late: list[str] = []
        self._identity: Identity | None = None
        self._booted = False  # boot lines have come since the device last said who it is
        self._crc = reply_crc.ReplyCrc()
        self._offers_crc = False
        self._repeats = 0  # how many more times than once this device sends m-ready

    def start(self) -> Identity:
        """Wait for the boot lines, if any come, and ask for name and profile.

        A board may have booted long ago, be booting, or hold half a command of an earlier program, so each question is
        asked up to three times. A device may refuse its name; its model id must be known. Raises what the last try
        raised.
        """
        just_started = self.transport.device_info.just_started
        boot = self._drain(BOOT_S, quiet_s=BOOT_S if just_started else QUIET_S, until_ready=True)
        if not boot and just_started:
            raise DeviceSilent("(boot)", BOOT_S)
        try:
            name = self._ask("name", Name, "'m-name-...'")[0]
        except (Refused, UnexpectedReply) as error:
            self._note(f"the device does not answer its name: {error}")
            name = Name("", "")
        self._expect_repeats(self.resync())
        if name.device not in ("", DEFAULT_NAME):
            self._note(f"the device is named {name.device!r}; the official runner refuses all but {DEFAULT_NAME!r}")
        self._identity = self._ask_profile(name)
        return self._identity

    def command(self, text: str, timeout_s: float | None = None) -> list[str]:
        """Send one command and return its reply lines without ``m-ready``.

        Args:
            text: The command, without its ``%``.
            timeout_s: Host seconds; None for those of a short command.

        Raises:
            Refused: for ``e-[...]``.
            DeviceSilent: when ``m-ready`` does not come in time.
            UnexpectedReply: when the reply does not end, holds more than was asked for, or has no checksum that fits
                although the device gives one.
        """
        data = protocol.encode(text)
        self._raise_late_errors(text)
        self.transport.write(data)
        lines = self._reply(text, self.timeouts.command_s if timeout_s is None else timeout_s)
        raise_refusal(text, lines)
        raise_surplus(text, lines)
        self._crc.take(text, lines)
        return lines

    def timestamp(self) -> int:
        """The device's microsecond counter; raises UnexpectedReply from an energy build, which prints none."""
        lines = self.command("timestamp")
        laps = [reply.device_us for reply in map(decode_line, lines) if isinstance(reply, Lap)]
        if not laps:
            raise UnexpectedReply("timestamp", "a 'm-lap-us-' line", text_of(lines))
        return laps[-1]

    def load(self, data: bytes) -> None:
        """Make ``data`` the device's next input; returns only when the device has confirmed every byte.

        A spoiled transfer is noted and repeated once. Raises Refused, UnexpectedReply or DeviceSilent.
        """
        self._raise_late_errors("db load")  # it belongs to an earlier command, so loading again would only hide it

        def load_again() -> None:
            self._check_same_device()
            self._load_once(data)

        self._again_if_spoiled(lambda: self._load_once(data), tries=LOAD_TRIES, what="loading", again=load_again)

    def infer(self, count: int, warmup: int, timeout_s: float | None = None) -> Inference:
        """Run timed inferences; never repeated, because time was measured.

        Args:
            count: Timed inferences, at least 1.
            warmup: Untimed inferences before them.
            timeout_s: Host seconds; None for those of a first ``infer``.

        Raises:
            ProtocolError: as ``read_inference`` does.
            DeviceSilent: when the reply does not come in time.
        """
        command = protocol.infer_command(count, warmup)
        lines = self.command(command, self.timeouts.infer_s if timeout_s is None else timeout_s)
        inference = read_inference(count, warmup, lines, self._result_values)
        if inference.wrapped:
            self._note(f"the device's 32-bit microsecond counter wrapped during {command!r}; 2^32 was added")
        return inference

    def resync(self) -> list[str]:
        """Let the device finish its output and drop it, so that the next reply belongs to its command.

        Returns the lines that were dropped.
        """
        dropped = self._drain(self.timeouts.command_s, QUIET_S)
        if self._lines.pending:
            dropped.append(self._lines.pending)
            self._lines = LineAssembler()
            self._line_dropped()
        if dropped:
            self._note(f"dropped to resynchronise: {text_of(dropped)}")
        return dropped

    def _load_once(self, data: bytes) -> None:
        announce = f"db load {len(data)}"
        deadline = self._clock() + self.timeouts.command_s + LOAD_S_PER_BYTE * len(data)
        lines = self.command(announce)
        sizes = [reply.size_bytes for reply in map(decode_line, lines) if isinstance(reply, Expecting)]
        if sizes != [len(data)]:
            raise UnexpectedReply(announce, f"'m-[Expecting {len(data)} bytes]'", text_of(lines))
        done = False
        for command in protocol.db_commands(data, self._chunk_bytes):
            if done:
                raise UnexpectedReply(announce, "room for all its bytes ('m-load-done' came early)", text_of(lines))
            left_s = max(deadline - self._clock(), 0.0)
            lines = self.command(command, min(left_s, self.timeouts.command_s))
            done = any(isinstance(decode_line(line), LoadDone) for line in lines)
        if not done:
            raise UnexpectedReply(announce, "'m-load-done' after the last byte", text_of(lines))
        if self._crc.on:
            self._crc.input_crc = zlib.crc32(data)
            self.command(reply_crc.CRC_INPUT)

    def _ask_profile(self, name: Name) -> Identity:
        self._booted = False
        self._crc.forget()
        replies = self._ask("profile", ModelId, "'m-model-[...]'", (ProfileText, OffersCrc))
        if any(isinstance(reply, OffersCrc) for reply in replies):
            self._offers_crc = True
            self._again_if_spoiled(self._switch_crc_on, tries=IDENTITY_TRIES, what=f"asking {reply_crc.CRC_ON!r}")
        model_id = next(reply.model_id for reply in replies if isinstance(reply, ModelId))
        profile = next((reply.text for reply in replies if isinstance(reply, ProfileText)), "")
        return Identity(name.device, name.vendor, profile, model_id)

    def _check_same_device(self) -> None:
        """Raise UnexpectedReply when what has booted meanwhile is another device than at the start."""
        was = self._identity
        restarted = self._booted or (self._offers_crc and not self._crc.on)
        if was is not None and restarted and (now := self._ask_profile(Name(was.device, was.vendor))) != was:
            raise UnexpectedReply(
                "profile",
                f"the {was.model_id!r} and {was.profile!r} of the device that the session began with",
                f"{now.model_id!r} and {now.profile!r}",
            )

    def _switch_crc_on(self) -> None:
        self.command(reply_crc.CRC_ON, min(self.timeouts.command_s, self.timeouts.name_s))

    def _ask(self, command: str, wanted: type[T], text: str, also: tuple[type[Any], ...] = ()) -> list[T | Any]:
        """The replies of the wanted kinds to ``command``; at least one is of ``wanted``."""

        def ask_once() -> list[T | Any]:
            lines = self.command(command, min(self.timeouts.command_s, self.timeouts.name_s))
            replies: list[T | Any] = [reply for reply in map(decode_line, lines) if isinstance(reply, (wanted, *also))]
            if not any(isinstance(reply, wanted) for reply in replies):
                raise UnexpectedReply(command, text, text_of(lines))
            return replies

        return self._again_if_spoiled(ask_once, tries=IDENTITY_TRIES, what=f"asking {command!r}")

    def _again_if_spoiled(
        self, work: Callable[[], T], tries: int, what: str, again: Callable[[], T] | None = None
    ) -> T:
        """Do ``work``, up to ``tries`` times; ``again`` is what is done after the first time, where that differs."""
        for _ in range(tries - 1):
            try:
                return work()
            except (Refused, UnexpectedReply, DeviceSilent) as error:
                if isinstance(error, DeviceSilent) and self._silence_is_final:
                    raise
                self._note(f"{what} again after: {error}")
                self.resync()
                work = again or work
        return work()

    @property
    def _silence_is_final(self) -> bool:
        # An emulated device that sends nothing waits for input: asking again would only hide that.
        return self.transport.device_info.timing == "emulated"

    def _reply(self, command: str, timeout_s: float) -> list[str]:
        """Lines up to ``m-ready``, which is not returned; what comes after it is kept for _raise_late_errors."""
        start = self._clock()
        lines: list[str] = []
        while (data := self._read(start + timeout_s)) is not None:
            received = self._lines.feed(data)
            for at, line in enumerate(received):
                reply = decode_line(line)
                self._booted |= isinstance(reply, (InitDone, TimestampMode))
                if isinstance(reply, Ready):
                    self._late += received[at + 1 :]
                    self._await_repeats()
                    return lines
                lines.append(line)
            if len(lines) > REPLY_LINES:
                raise UnexpectedReply(command, f"'m-ready' within {REPLY_LINES} lines", text_of(lines[-3:]))
        raise_refusal(command, lines)
        if self._lines.pending:
            lines.append(self._lines.pending)
        raise DeviceSilent(command, round(self._clock() - start, 3), text_of(lines))

    def _expect_repeats(self, dropped: list[str]) -> None:
        """Find out from what came after the reply to ``name`` whether this device sends ``m-ready`` more than once.

        A second one must be waited for each time: taken for the end of the next reply, it would shift all replies that
        follow.
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
        raise_refusal(f"something sent before {command!r}", late)

    def _read(self, deadline: float) -> bytes | None:
        """What came, or b"" for nothing yet; None when the deadline has passed or an emulated device is idle."""
        started = self._clock()
        if started >= deadline:
            return None
        data = self.transport.read(deadline - started)
        # Nothing, before the deadline: an emulated device waits for input, and nothing will ever come.
        early = self._clock() - started < (deadline - started) / 2
        return None if not data and early and self._silence_is_final else data

    def _drain(self, longest_s: float, quiet_s: float, until_ready: bool = False) -> list[str]:
        """Lines that come until the device is quiet for ``quiet_s`` or, if asked for, ready; an error is only text."""
        lines, self._late = self._late, []
        end = self._clock() + longest_s
        while data := self._read(min(end, self._clock() + quiet_s)):
            received = self._lines.feed(data)
            lines = (lines + received)[-REPLY_LINES:]
            self._booted |= any(isinstance(decode_line(line), (InitDone, TimestampMode)) for line in received)
            if until_ready and any(isinstance(decode_line(line), Ready) for line in received):
                break
        return lines
