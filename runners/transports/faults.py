# SPDX-License-Identifier: Apache-2.0
"""A transport with one fault: it wraps any other and spoils one command or its reply, as cables and boards do.

The kind is a row of ``FAULTS``, the moment is a command, what exactly is spoiled is drawn by a seed: the same values
give the same fault. Kinds that are not ``detectable`` make a reply that could have been right: only a checksum over
what was sent finds them (docs/protocol.md).
"""

from __future__ import annotations

import random
from collections.abc import Callable
from dataclasses import dataclass

from mlperf_tiny.errors import DeviceGone
from mlperf_tiny.runners.transports.transport import DeviceInfo, Transport, clock_of, counters_of

LONGEST_DELAY = 1.6
"""A reply is held back for this many time-outs at most."""
NOISE = bytes(range(0x80, 0x100))
_LETTERS = bytes(range(0x41, 0x5B)) + bytes(range(0x61, 0x7B)) + b"-[],%\r\n"
_DIGITS = b"0123456789"

Spoil = Callable[[bytes, random.Random], bytes]


@dataclass(frozen=True, kw_only=True)
class Fault:
    """A kind of fault."""

    name: str
    """Its name."""
    command: Spoil | None = None
    """What is sent instead of the command; None: the command itself."""
    reply: Spoil | None = None
    """What comes instead of each piece of the reply; None: the reply itself."""
    detectable: bool = True
    """Whether the host can tell that something was wrong from replies without checksums."""
    words: tuple[str, ...] = ()
    """First words of the commands it happens to; () for all."""


def _position(data: bytes, of: bytes, draw: random.Random) -> int | None:
    found = [at for at, byte in enumerate(data) if byte in of]
    return draw.choice(found) if found else None


def _lose(of: bytes) -> Spoil:
    def spoil(data: bytes, draw: random.Random) -> bytes:
        at = _position(data, of, draw)
        return data if at is None else data[:at] + data[at + 1 :]

    return spoil


def _change(of: bytes, to: bytes) -> Spoil:
    def spoil(data: bytes, draw: random.Random) -> bytes:
        at = _position(data, of, draw)
        if at is None:
            return data
        return data[:at] + bytes([draw.choice([byte for byte in to if byte != data[at]])]) + data[at + 1 :]

    return spoil


def _noise(data: bytes, draw: random.Random) -> bytes:
    at = draw.randrange(len(data) + 1)
    return data[:at] + bytes(draw.choices(NOISE, k=draw.randrange(1, 5))) + data[at:]


def _lose_line(data: bytes, draw: random.Random) -> bytes:
    lines = data.splitlines(keepends=True)
    del lines[draw.randrange(len(lines))]
    return b"".join(lines)


def _repeat_line(data: bytes, draw: random.Random) -> bytes:
    lines = data.splitlines(keepends=True)
    at = draw.randrange(len(lines))
    return b"".join([*lines[: at + 1], *lines[at:]])


def _cut(data: bytes, draw: random.Random) -> bytes:
    return data[: draw.randrange(len(data))]


_READY = b"m-ready\r\n"
_WHOLE_REPLIES = ("reply late", "reply in single bytes", "stale results", "stale reply")
ANY_BYTE = bytes(range(0x20, 0x7F)) + b"\r\n"

FAULTS: tuple[Fault, ...] = (
    Fault(name="command lost", command=lambda data, draw: b""),
    Fault(name="command twice", command=lambda data, draw: data * 2),
    Fault(name="command: letter lost", command=_lose(_LETTERS)),
    Fault(name="command: byte garbled", command=_change(ANY_BYTE, NOISE)),
    Fault(name="command: noise", command=_noise),
    Fault(name="reply lost", reply=lambda data, draw: b""),
    Fault(name="reply twice", reply=lambda data, draw: data * 2),
    Fault(name="reply cut", reply=_cut),
    Fault(name="reply: line lost", reply=_lose_line),
    Fault(name="reply: line twice", reply=_repeat_line),
    Fault(name="reply: letter lost", reply=_lose(_LETTERS)),
    Fault(name="reply: byte garbled", reply=_change(ANY_BYTE, NOISE)),
    Fault(name="reply: noise", reply=_noise),
    Fault(name="reply late"),
    Fault(name="reply in single bytes"),
    Fault(name="disconnected before"),
    Fault(name="disconnected after"),
    Fault(name="rebooted, command lost"),
    Fault(name="rebooted before the command"),
    Fault(name="silent from here on"),
    Fault(name="another device"),
    Fault(name="command: digit lost", command=_lose(_DIGITS), detectable=False),
    Fault(name="command: digit changed", command=_change(_DIGITS, _DIGITS), detectable=False),
    Fault(name="reply: digit lost", reply=_lose(_DIGITS), detectable=False),
    Fault(name="reply: digit changed", reply=_change(_DIGITS, _DIGITS), detectable=False),
    Fault(name="stale results", detectable=False, words=("infer",)),
    Fault(name="stale reply", detectable=False, words=("infer",)),
)
BY_NAME = {fault.name: fault for fault in FAULTS}


@dataclass(frozen=True, kw_only=True)
class Moment:
    """When a fault happens: at one command."""

    word: str
    """Its first word."""
    occurrence: int
    """How many commands with that word came before it, at least 0."""


class FaultyTransport:
    """Carries the bytes of another transport, with one fault.

    Args:
        transport: Carries the bytes.
        fault: What goes wrong; None for nothing.
        moment: When.
        seed: Draws what is spoiled.
        timeout_s: Host seconds that the host waits for a reply: what is late is late by about that.
        reopen: Opens the device again after it was rebooted.
        other: Opens the device that is there instead of it.
    """

    def __init__(
        self,
        transport: Transport,
        fault: Fault | None = None,
        moment: Moment | None = None,
        seed: int = 0,
        timeout_s: float = 1.0,
        reopen: Callable[[], Transport] | None = None,
        other: Callable[[], Transport] | None = None,
    ) -> None:
        self._transport, self._fault, self._moment = transport, fault, moment
        self._draw = random.Random(seed)
        self._timeout_s, self._reopen, self._other = timeout_s, reopen, other
        self.url = transport.url
        self.commands: list[str] = []
        """Every command, as the host sent it."""
        self.sent_by_device = b""
        """All that the device really sent."""
        self.happened = False
        """Whether the moment has come."""
        self._at_fault = False
        self._silent = self._gone = False
        self._reply = self._former = b""
        self._ready: list[bytes] = []
        self._ready_at_s = 0.0
        if counters_of(transport) is not None:  # an attribute only where the device counts: callers ask for it
            self.counters = self._counters
        self.clock = clock_of(transport)

    @property
    def device_info(self) -> DeviceInfo:
        """That of the wrapped transport."""
        return self._transport.device_info

    def write(self, data: bytes) -> None:
        """Send one command; raises DeviceGone when the device was disconnected."""
        self._raise_gone()
        command = data.decode("latin-1").removesuffix("%")
        self._at_fault = self._is_moment(command)
        self.commands.append(command)
        self._former, self._reply = self._reply or self._former, b""
        if self._at_fault:
            self.happened = True
            data = self._before_write(data)
        if data and not self._silent:
            self._transport.write(data)

    def read(self, timeout_s: float) -> bytes:
        """Read what the device sends, or what the fault makes of it."""
        self._raise_gone()
        if self._ready:
            return self._read_held(timeout_s)
        data = self._transport.read(timeout_s)
        self.sent_by_device += data
        if self._silent or not data:
            return b""
        self._reply += data
        return self._spoiled(data) if self._at_fault else data

    def close(self) -> None:
        """Close the wrapped transport."""
        self._transport.close()

    def _counters(self) -> dict[str, int]:
        counters = counters_of(self._transport)
        return counters() if counters is not None else {}

    def _is_moment(self, command: str) -> bool:
        if self._fault is None or self._moment is None or self.happened:
            return False
        word = word_of(command)
        before = sum(word_of(former) == word for former in self.commands)
        return (word, before) == (self._moment.word, self._moment.occurrence)

    def _before_write(self, data: bytes) -> bytes:
        assert self._fault is not None
        name = self._fault.name
        if name == "disconnected before":
            self._gone = True
            self._raise_gone()
        if name == "silent from here on":
            self._silent = True
        opener = self._other if name == "another device" else self._reopen
        if name.startswith(("rebooted", "another")) and opener is not None:
            self._transport.close()
            self._transport = opener()
            if name == "rebooted, command lost":
                return b""
        return self._fault.command(data, self._draw) if self._fault.command else data

    def _spoiled(self, data: bytes) -> bytes:
        """What comes of the reply, which is complete when the device sends m-ready."""
        assert self._fault is not None
        name = self._fault.name
        if self._fault.reply is None and name not in _WHOLE_REPLIES:
            if name == "disconnected after":
                self._gone = True
            return data
        while not self._reply.endswith(_READY):  # the host sees a spoiled reply in one piece
            if not (more := self._transport.read(self._timeout_s)):
                return b""
            self.sent_by_device += more
            self._reply += more
        whole, self._at_fault = self._reply, False
        if name == "reply late":
            self._ready = [whole]
            self._ready_at_s = self.clock() + self._timeout_s * self._draw.uniform(0.1, LONGEST_DELAY)
            return self._read_held(0.0)
        if name == "reply in single bytes":
            self._ready = [whole[at : at + 1] for at in range(len(whole))]
            return self._read_held(0.0)
        if name == "stale results":
            return self._stale_results(whole)
        if name == "stale reply":
            return self._stale_reply(whole)
        return self._fault.reply(whole, self._draw) if self._fault.reply else whole

    def _stale_reply(self, whole: bytes) -> bytes:
        """The reply that the device gave to the same command before."""
        replies = self.sent_by_device[: -len(whole)].split(_READY)
        former = [reply for reply in replies if b"m-results-[" in reply]
        return former[-1] + _READY if former else whole

    def _stale_results(self, whole: bytes) -> bytes:
        """The reply with the results that the device printed before."""
        line = b"m-results-["
        former = self.sent_by_device[: -len(whole)].rpartition(line)
        if not former[1] or line not in whole:
            return whole
        head, _, tail = whole.partition(line)
        return head + line + former[2].partition(b"\n")[0] + b"\n" + tail.partition(b"\n")[2]

    def _read_held(self, timeout_s: float) -> bytes:
        wait_s = self._ready_at_s - self.clock()
        if wait_s > 0:
            more = self._transport.read(min(timeout_s, wait_s))
            self.sent_by_device += more
            if more:
                self._ready.append(more)
            if self.clock() < self._ready_at_s:
                return b""
        return self._ready.pop(0)

    def _raise_gone(self) -> None:
        if self._gone:
            raise DeviceGone(self.url, "the connection was cut")


def word_of(command: str) -> str:
    """The kind of a command: its first word, ``db load`` apart from ``db``."""
    return "db load" if command.startswith("db load") else command.partition(" ")[0]
