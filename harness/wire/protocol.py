# SPDX-License-Identifier: Apache-2.0
"""The EE dialect of the serial protocol as pure functions: bytes to lines, lines to values, values to bytes.

A command is ASCII text ended by ``%``; a reply is text lines, the last of which is ``m-ready``. Published devices echo
the command, glue debug text to a message, leave out prefixes or add commas, so a message is looked for anywhere in its
line. The device is not trusted: a line that means nothing known is a ``Text``, never an exception.
"""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass

from mlperf_tiny.errors import UsageError

COMMAND_BYTES = 80
"""Characters of a command the reference firmware's buffer holds, the closing ``%`` not counted."""

DB_BYTES = (COMMAND_BYTES - len("db ")) // 2
"""Most payload bytes of one ``db <hex>`` command: two hex digits each, after ``db ``."""

LINE_BYTES = 4096
"""A longer line is cut: no real reply is longer, and a device that never ends its line may not fill the memory."""


class LineAssembler:
    """Framing: joins the pieces a transport delivers into lines, wherever they were cut."""

    def __init__(self) -> None:
        self._pending = b""

    def feed(self, data: bytes) -> list[str]:
        """Return the lines that ``data`` completes, without line ends; bytes outside ASCII stay one character each."""
        *ended, self._pending = (self._pending + data).split(b"\n")
        while len(self._pending) > LINE_BYTES:
            ended.append(self._pending[:LINE_BYTES])
            self._pending = self._pending[LINE_BYTES:]
        return [line.rstrip(b"\r\0").decode("latin-1") for line in ended]

    @property
    def pending(self) -> str:
        """What has come of the next line, which has no end yet."""
        return self._pending.decode("latin-1")


@dataclass(frozen=True)
class Ready:
    """``m-ready``: the reply is over."""


@dataclass(frozen=True)
class InitDone:
    """``m-init-done``: the device has booted and is about to listen."""


@dataclass(frozen=True)
class TimestampMode:
    """``m-timestamp-mode-performance`` or ``-energy``: an energy build prints no laps."""

    mode: str


@dataclass(frozen=True)
class Lap:
    """``m-lap-us-<n>``: the device's microsecond counter, 32 bits on most devices."""

    device_us: int


@dataclass(frozen=True)
class Name:
    """``m-name-<device>-[<vendor>]``."""

    device: str
    vendor: str


@dataclass(frozen=True)
class ProfileText:
    """``m-profile-[<text>]``."""

    text: str


@dataclass(frozen=True)
class ModelId:
    """``m-model-[<id>]``: which benchmark the firmware holds."""

    model_id: str


@dataclass(frozen=True)
class Expecting:
    """``m-[Expecting <n> bytes]``: how many bytes the device will take for the next input."""

    size_bytes: int


@dataclass(frozen=True)
class LoadDone:
    """``m-load-done``: all expected bytes have come."""


@dataclass(frozen=True)
class InferStart:
    """``m-infer-start-<n>``: the inferences about to be timed."""

    count: int


@dataclass(frozen=True)
class Results:
    """``m-results-[...]``: the output of the last inference."""

    values: tuple[float, ...]


@dataclass(frozen=True)
class ErrorLine:
    """``e-[<text>]``, or an error the reference firmware prints without its prefix; never ignored."""

    text: str


@dataclass(frozen=True)
class Text:
    """Any other line."""

    raw: str


Reply = (
    Ready
    | InitDone
    | TimestampMode
    | Lap
    | Name
    | ProfileText
    | ModelId
    | Expecting
    | LoadDone
    | InferStart
    | Results
    | ErrorLine
    | Text
)


def parse_values(text: str) -> tuple[float, ...] | None:
    """Return the numbers of a result list; an empty item is no value. None when an item is not a finite number."""
    if "_" in text:  # a digit separator to float(), garbage here
        return None
    try:
        values = tuple(float(item) for item in text.split(",") if item.strip())
    except ValueError:
        return None
    return values if all(map(math.isfinite, values)) else None


def _results(found: re.Match[str]) -> Reply | None:
    values = parse_values(found[1])
    return Results(values) if values else None


def _wrong_load(found: re.Match[str]) -> Reply | None:
    # One published device prints this line on every load, with equal counts: only differing ones are an error.
    return ErrorLine(found[0]) if int(found[1]) != int(found[2]) else None


# Order matters: errors first, so that nothing else on the line can hide one. The `e-[` of `m-profile-[` is no error,
# hence the look-behind.
_PATTERNS: tuple[tuple[re.Pattern[str], Callable[[re.Match[str]], Reply | None]], ...] = (
    (re.compile(r"(?<![A-Za-z])e-\[(.*?)\]?\s*$"), lambda m: ErrorLine(m[1])),
    (re.compile(r"Supplied buffer size \d+ exceeds maximum of \d+"), lambda m: ErrorLine(m[0])),
    (re.compile(r"Input db has (\d+) elemented, expected (\d+)"), _wrong_load),
    (re.compile(r"m-ready\s*$"), lambda m: Ready()),
    (re.compile(r"m-lap-us-(\d{1,20})[,\s]*$"), lambda m: Lap(int(m[1]))),
    (re.compile(r"m-results-\[([^\]]*)\]"), _results),
    (re.compile(r"m-load-done\s*$"), lambda m: LoadDone()),
    (re.compile(r"(?:m-\[)?Expecting (\d{1,10}) bytes"), lambda m: Expecting(int(m[1]))),
    (re.compile(r"m-infer-start-(\d{1,10})\s*$"), lambda m: InferStart(int(m[1]))),
    (re.compile(r"m-name-([^\[]*?)-\[(.*?)\]\s*$"), lambda m: Name(m[1], m[2])),
    (re.compile(r"m-profile-\[(.*?)\]\s*$"), lambda m: ProfileText(m[1])),
    (re.compile(r"m-model-\[(.*?)\]\s*$"), lambda m: ModelId(m[1])),
    (re.compile(r"m-timestamp-mode-([a-z]+)\s*$"), lambda m: TimestampMode(m[1])),
    (re.compile(r"m-init-done\s*$"), lambda m: InitDone()),
    # An error whose first letters were glued to other text is still one, where the line holds no message.
    (re.compile(r"^(?!.*m-(?:profile|name|model)-?).*e-\[(.*?)\]?\s*$"), lambda m: ErrorLine(m[1])),
)


def decode_line(line: str) -> Reply:
    """Return what one line of a reply means; never raises.

    Examples:
        >>> decode_line("m-lap-us-1234")
        Lap(device_us=1234)
    """
    if line == "m-ready":  # by far the most frequent line: one for each piece of a download
        return Ready()
    for pattern, make in _PATTERNS:
        found = pattern.search(line)
        if found and (reply := make(found)) is not None:
            return reply
    return Text(line)


def encode(command: str) -> bytes:
    """Return the bytes of one command.

    Raises UsageError for one the protocol cannot carry: empty (the reference firmware may crash on a bare ``%``),
    longer than COMMAND_BYTES, or holding anything but printable ASCII without ``%``.
    """
    if not command.strip() or len(command) > COMMAND_BYTES:
        raise UsageError(f"command {command[:100]!r} has {len(command)} characters, wanted 1 to {COMMAND_BYTES}.")
    if not command.isascii() or not command.isprintable() or "%" in command:
        raise UsageError(f"command {command!r} holds characters the serial protocol cannot carry.")
    return command.encode("ascii") + b"%"


def infer_command(count: int, warmup: int) -> str:
    """Return the command for timed inferences.

    Args:
        count: Timed inferences, at least 1.
        warmup: Untimed inferences before them, at least 0.

    Examples:
        >>> infer_command(10, 1)
        'infer 10 1'
    """
    if count < 1 or warmup < 0:
        raise UsageError(f"infer {count} {warmup}: wanted at least 1 inference and no negative warm-up.")
    return f"infer {count} {warmup}"


def db_commands(data: bytes, chunk_bytes: int = DB_BYTES) -> Iterator[str]:
    """Yield the ``db <hex>`` commands of a download.

    Args:
        data: The payload.
        chunk_bytes: Bytes of one command, 1 to ``DB_BYTES``.

    Examples:
        >>> list(db_commands(b"abc", 2))
        ['db 6162', 'db 63']
    """
    if not 1 <= chunk_bytes <= DB_BYTES:
        raise UsageError(f"{chunk_bytes} bytes per db command not supported (1 to {DB_BYTES}).")
    for at in range(0, len(data), chunk_bytes):
        yield f"db {data[at : at + chunk_bytes].hex()}"
