# SPDX-License-Identifier: Apache-2.0
"""The EE dialect of the serial protocol as pure functions: bytes to lines, lines to values, values to bytes.

A command is ASCII text ended by ``%``; a reply is text lines, the last of which is ``m-ready``. Published devices echo
the command, glue debug text to a message, leave out prefixes or add commas, so a message is looked for anywhere in its
line. The device is not trusted: a line that means nothing known is a ``Text``, never an exception.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass

from mlperf_tiny.errors import UsageError

COMMAND_BYTES = 80
"""Characters of a command the reference firmware's buffer holds, the closing ``%`` not counted."""

DB_BYTES = (COMMAND_BYTES - len("db ")) // 2
"""Most payload bytes of one ``db <hex>`` command: two hex digits each, after ``db ``."""

LINE_BYTES = 64 * 1024
"""A longer line is cut: a device that never ends its line may not fill the memory. The results of a model of some 6,000
outputs are a line of this length."""

DECODED_CHARACTERS = 64 * 1024
"""Of a line from a file, which no assembler has cut, so many characters are decoded."""

MAX_VALUE = 1e30
"""A result is less than this, so that squares and sums of results are finite."""

NUMBER_CHARACTERS = 40
"""A number of a result list is no longer."""


class LineAssembler:
    """Framing: joins the pieces a transport delivers into lines, wherever they were cut."""

    def __init__(self) -> None:
        self._pending = b""

    def feed(self, data: bytes) -> list[str]:
        """Return the lines that ``data`` completes, without line ends; bytes outside ASCII stay one character each.

        A line over ``LINE_BYTES`` comes as several, the same ones however it was cut on the way.
        """
        *ended, last = (self._pending + data).split(b"\n")
        lines = [piece for line in ended for piece in _pieces(line)]
        *cut, self._pending = _pieces(last)
        return [line.rstrip(b"\r\0").decode("latin-1") for line in lines + cut]

    @property
    def pending(self) -> str:
        """What has come of the next line, which has no end yet."""
        return self._pending.decode("latin-1")


def _pieces(line: bytes) -> list[bytes]:
    """A line in pieces of ``LINE_BYTES``; the last one is not empty unless the line is."""
    return [line[at : at + LINE_BYTES] for at in range(0, max(len(line), 1), LINE_BYTES)]


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
class OffersCrc:
    """``m-offers-crc``: the device can add checksums to its replies."""


@dataclass(frozen=True)
class ReplyCrcLine:
    """``m-crc-<n>-<crc>``: the checksum of a reply and its command."""

    number: int
    """Counts the replies with a checksum, from 1."""
    crc: int
    """CRC-32."""


@dataclass(frozen=True)
class InputCrc:
    """``m-input-crc-<crc>``: the checksum of the bytes that the device holds."""

    crc: int
    """CRC-32."""


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
    | OffersCrc
    | ReplyCrcLine
    | InputCrc
    | ErrorLine
    | Text
)


def parse_values(text: str) -> tuple[float, ...] | None:
    """Return the numbers of a result list; an empty item is no value.

    None when an item is not a number, too long for one, or not less than ``MAX_VALUE``.
    """
    items = [item.strip() for item in text.split(",")]
    if "_" in text or any(len(item) > NUMBER_CHARACTERS for item in items):  # float() takes _ between digits
        return None
    try:
        values = tuple(float(item) for item in items if item)
    except ValueError:
        return None
    return values if all(abs(value) < MAX_VALUE for value in values) else None  # not a number is less than nothing


def bracketed(text: str, mark: str) -> str | None:
    """Return what stands between a mark and the next ``]``; None where either is missing.

    Args:
        text: Searched.
        mark: What comes before, up to and including the ``[``.
    """
    start = text.find(mark)
    end = text.find("]", start + len(mark))
    return text[start + len(mark) : end] if start >= 0 <= end else None


def _to_the_end(text: str, mark: str) -> str | None:
    """What stands between the first ``mark`` and the ``]`` that ends the text."""
    start = text.find(mark) + len(mark)
    return text[start:-1] if mark in text[:-1] and text.endswith("]") else None


def _error(text: str) -> Reply | None:
    # The `e-[` of `m-profile-[` is no error, hence the look-behind.
    start = _ERROR.search(text)
    return ErrorLine(text[start.end() :].removesuffix("]")) if start else None


def _glued_error(text: str) -> Reply | None:
    # An error whose first letters were glued to other text is still one, where the line holds no message.
    if "e-[" not in text or any(message in text for message in ("m-profile", "m-name", "m-model")):
        return None
    return ErrorLine(text.rpartition("e-[")[2].removesuffix("]"))


def _too_large(text: str) -> Reply | None:
    found = _TOO_LARGE.search(text)
    return ErrorLine(found[0]) if found else None


def _wrong_load(text: str) -> Reply | None:
    # One published device prints this line on every load, with equal counts: only differing ones are an error.
    found = _WRONG_LOAD.search(text)
    return ErrorLine(found[0]) if found and found[1].lstrip("0") != found[2].lstrip("0") else None


def _ready(text: str) -> Reply | None:
    return Ready() if text.endswith("m-ready") else None


def _lap(text: str) -> Reply | None:
    found = _LAP.match(text, max(text.rfind("m-lap-us-"), 0))
    return Lap(int(found[1])) if found and not text[found.end() :].replace(",", " ").strip() else None


def _results(text: str) -> Reply | None:
    listed = bracketed(text, "m-results-[")
    values = parse_values(listed) if listed else None
    return Results(values) if values else None


def _load_done(text: str) -> Reply | None:
    return LoadDone() if text.endswith("m-load-done") else None


def _expecting(text: str) -> Reply | None:
    found = _EXPECTING.search(text)
    return Expecting(int(found[1])) if found else None


def _infer_start(text: str) -> Reply | None:
    found = _INFER_START.search(text)
    return InferStart(int(found[1])) if found else None


def _name(text: str) -> Reply | None:
    """The device's name has no ``[`` in it, so that each part of the text is looked at once."""
    start = text.find("m-name-") if text.endswith("]") else -1
    while start >= 0 and (bracket := text.find("[", start)) >= 0:
        device = text[start + len("m-name-") : bracket]
        if device.endswith("-"):
            return Name(device[:-1], text[bracket + 1 : -1])
        start = text.find("m-name-", bracket)
    return None


def _profile(text: str) -> Reply | None:
    profile = _to_the_end(text, "m-profile-[")
    return None if profile is None else ProfileText(profile)


def _model(text: str) -> Reply | None:
    model_id = _to_the_end(text, "m-model-[")
    return None if model_id is None else ModelId(model_id)


def _mode(text: str) -> Reply | None:
    found = _MODE.search(text)
    return TimestampMode(found[1]) if found else None


def _init_done(text: str) -> Reply | None:
    return InitDone() if text.endswith("m-init-done") else None


def _offers_crc(text: str) -> Reply | None:
    return OffersCrc() if text.endswith("m-offers-crc") else None


def _reply_crc(text: str) -> Reply | None:
    found = _REPLY_CRC.search(text)
    return ReplyCrcLine(int(found[1]), int(found[2], 16)) if found else None


def _input_crc(text: str) -> Reply | None:
    found = _INPUT_CRC.search(text)
    return InputCrc(int(found[1], 16)) if found else None


# Each takes time in proportion to its line: a device or a log may send any.
_ERROR = re.compile(r"(?<![A-Za-z])e-\[")
_TOO_LARGE = re.compile(r"Supplied buffer size [0-9]+ exceeds maximum of [0-9]+")
_WRONG_LOAD = re.compile(r"Input db has ([0-9]+) elemented, expected ([0-9]+)")
_LAP = re.compile(r"m-lap-us-([0-9]{1,20})(?![0-9])")
_EXPECTING = re.compile(r"Expecting ([0-9]{1,10}) bytes")
_INFER_START = re.compile(r"m-infer-start-([0-9]{1,10})\Z")
_REPLY_CRC = re.compile(r"m-crc-([0-9]{1,10})-([0-9a-f]{8})\Z")
_INPUT_CRC = re.compile(r"m-input-crc-([0-9a-f]{8})\Z")
_MODE = re.compile(r"m-timestamp-mode-([a-z]+)\Z")

# Order matters: errors first, so that nothing else on the line can hide one.
_DECODERS: tuple[Callable[[str], Reply | None], ...] = (
    *(_error, _too_large, _wrong_load, _ready, _lap, _results, _load_done, _expecting),
    *(_infer_start, _reply_crc, _input_crc, _name, _profile, _model, _mode, _init_done, _offers_crc, _glued_error),
)


# To Python these are spaces; from a device they are a byte that was spoiled, perhaps a digit.
_SPOILED = str.maketrans(dict.fromkeys("\x0b\x0c\x1c\x1d\x1e\x1f\x85\xa0", "?"))


def decode_line(line: str) -> Reply:
    """Return what one line of a reply means; never raises. Of a line over 64 KiB only the beginning is read.

    Examples:
        >>> decode_line("m-lap-us-1234")
        Lap(device_us=1234)
    """
    if line == "m-ready":  # by far the most frequent line: one for each piece of a download
        return Ready()
    text = line[:DECODED_CHARACTERS]
    text = (text if text.isprintable() else text.translate(_SPOILED)).rstrip()
    for decode in _DECODERS:
        if (reply := decode(text)) is not None:
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
