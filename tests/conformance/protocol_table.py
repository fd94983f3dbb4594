# SPDX-License-Identifier: Apache-2.0
"""The EE dialect as a table: what is sent, what must come back. Plain data, for any device that can be made to hold
the model below: the monitor as a process, the same monitor in an image on an emulated board, a device in Python.

The device under the table:

* ``profile`` says kws01; 16 int8 values in, sent as they are; 4 values out, shown as truncated decimals
* output j is the sum of inputs j, j+4, j+8, j+12 in eight bits, read as signed, plus 128, over 256
* its buffer holds 20 bytes, so that a load can be complete and still not be an input

Each case starts on a freshly booted device. A reply is given without its closing ``m-ready``, of which there is
always exactly one, and without line ends. ``<n>`` stands for an unsigned decimal number, ``<text>`` for anything,
``<crc>`` for eight hex digits.
"""

from __future__ import annotations

import re
import zlib
from dataclasses import dataclass

MODEL_ID = "kws01"
INPUT_BYTES = 16
OUTPUT_BYTES = 4
BUFFER_BYTES = 20

BOOT = ("m-timestamp-mode-performance", "m-lap-us-<n>", "m-init-done")
BOOT_ENERGY = ("m-timestamp-mode-energy", "m-init-done")


Exchange = tuple[bytes, tuple[str, ...]]
"""A command with its ``%``, and the lines of its reply."""


@dataclass(frozen=True)
class Case:
    """Commands and their replies."""

    name: str
    exchanges: tuple[Exchange, ...]
    reference: bool = True
    """Whether the reference firmware answers the same; elsewhere it is unsafe or silent, and this is our answer."""

    @property
    def before_any(self) -> bool:
        """Whether the replies hold only while nothing has been inferred."""
        return "before any" in self.name


def line_matches(pattern: str, line: str) -> bool:
    """Whether ``line`` is what ``pattern`` of the table stands for."""
    expression = re.escape(pattern).replace("<n>", "[0-9]{1,10}").replace("<text>", ".+")
    expression = expression.replace("<crc>", "[0-9a-f]{8}")
    return re.fullmatch(expression, line) is not None


def _laps(count: int, warmup: int, results: str) -> tuple[str, ...]:
    return (
        f"m-warmup-start-{warmup}",
        "m-warmup-done",
        f"m-infer-start-{count}",
        "m-lap-us-<n>",
        "m-lap-us-<n>",
        "m-infer-done",
        f"m-results-[{results}]",
    )


def _checked(command: bytes, number: int, *lines: str) -> Exchange:
    """A reply with its checksum, as docs/protocol.md defines it."""
    covered = command + b"".join(line.encode() + b"\r\n" for line in lines) + b"m-crc-%d-" % number
    return command, (*lines, f"m-crc-{number}-{zlib.crc32(covered):08x}")


def _expect(size: int) -> Exchange:
    return (b"db load %d%%" % size, (f"m-[Expecting {size} bytes]",))


_RAMP = (b"db 000102030405060708090a0b0c0d0e0f%", ("m-load-done",))
_RAMP_RESULT = "0.593,0.609,0.625,0.640"
_ZEROS = (b"db 00000000000000000000000000000000%", ("m-load-done",))
_ZEROS_RESULT = "0.500,0.500,0.500,0.500"
_INFER_RAMP = (b"infer 1 0%", _laps(1, 0, _RAMP_RESULT))
_INFER_ZEROS = (b"infer 1 0%", _laps(1, 0, _ZEROS_RESULT))
_RESULTS_RAMP = (b"results%", (f"m-results-[{_RAMP_RESULT}]",))

_CRC_ON = _checked(b"crc on%", 1, "m-crc-on")
_CRC_OFF = (b"crc off%", ("m-crc-off",))
_RAMP_CRC = f"m-input-crc-{zlib.crc32(bytes(range(16))):08x}"

_NO_SUBCOMMAND = ("e-[Command 'db' requires a subcommand]",)
_NO_COUNT = ("e-[Command 'db load' requires the # of bytes]",)
_NOT_POSITIVE = ("e-[Command 'db load' must be >0 bytes]",)
_ODD = ("e-[Insufficent number of hex digits]",)
_NOT_LOADING = ("e-[No load in progress: send 'db load' first]",)
_COMPLETE = ("e-[The load is complete: send 'db load' first]",)
_TOO_LONG = ("e-[Command longer than 80 characters dropped]",)
_EMPTY = ("e-[Empty command]",)
_NO_RESULT = ("e-[No inference has run]",)
_ITERATIONS = ("e-[Inference iterations must be >0]",)
_WARMUP = ("e-[Inference warmup must be >=0]",)


def _wrong_size(loaded: int) -> Exchange:
    return (b"infer 1 0%", (f"e-[Input db has {loaded} elemented, expected {INPUT_BYTES}]",))


def _too_large(size: int, said: int | None = None) -> Exchange:
    line = f"e-[Supplied buffer size {said or size} exceeds maximum of {BUFFER_BYTES}]"
    return (b"db load %d%%" % size, (line,))


CASES: tuple[Case, ...] = (
    # Questions
    Case("name", ((b"name%", ("m-name-dut-[<text>]",)),)),
    Case(
        "profile",
        ((b"profile%", ("m-profile-[ULPMark for tinyML Firmware V0.0.1]", "m-model-[kws01]", "m-offers-crc")),),
        reference=False,
    ),
    Case("timestamp", ((b"timestamp%", ("m-lap-us-<n>",)),)),
    Case("blanks collapse", ((b"  name   extra words %", ("m-name-dut-[<text>]",)),)),
    # Unknown commands
    Case("unknown", ((b"foo%", ("e-[Unknown command: foo]",)),)),
    Case("unknown, first word only", ((b"foo bar%", ("e-[Unknown command: foo]",)),)),
    Case("case matters", ((b"NAME%", ("e-[Unknown command: NAME]",)),)),
    Case("no prefixes", ((b"nam%", ("e-[Unknown command: nam]",)), (b"namex%", ("e-[Unknown command: namex]",)))),
    Case("line ends are part of a command", ((b"\r\nname%", ("e-[Unknown command: ??name]",)),), reference=False),
    Case(
        "a reply cannot be forged", ((b"x\r\nm-ready\r\n%", ("e-[Unknown command: x??m-ready??]",)),), reference=False
    ),
    Case("nul", ((b"name\x00%", ("e-[Unknown command: name?]",)),), reference=False),
    Case("high bytes", ((b"\x80\xff\x7f\t%", ("e-[Unknown command: ????]",)),), reference=False),
    # Empty and over-long commands
    Case("bare end", ((b"%", _EMPTY), (b"%", _EMPTY), (b"name%", ("m-name-dut-[<text>]",))), reference=False),
    Case("blanks only", ((b"     %", _EMPTY),), reference=False),
    Case("80 characters", ((b"name" + b" " * 76 + b"%", ("m-name-dut-[<text>]",)),)),
    Case("81 characters", ((b"name" + b" " * 77 + b"%", _TOO_LONG),), reference=False),
    Case("long unknown", ((b"y" * 80 + b"%", (f"e-[Unknown command: {'y' * 80}]",)),)),
    Case("5,000 characters", ((b"z" * 5000 + b"%", _TOO_LONG), (b"foo%", ("e-[Unknown command: foo]",))), False),
    # Loading
    Case("db alone", ((b"db%", _NO_SUBCOMMAND), (b"db   %", _NO_SUBCOMMAND))),
    Case("db load alone", ((b"db load%", _NO_COUNT),)),
    Case("db load nothing", ((b"db load 0%", _NOT_POSITIVE), (b"db load many%", _NOT_POSITIVE))),
    Case("db load negative", ((b"db load -1%", _NOT_POSITIVE),), reference=False),
    Case("db load, number then text", ((b"db load 7up%", ("m-[Expecting 7 bytes]",)),)),
    Case("db load, the most", (_expect(20),)),
    Case("db load too much", (_too_large(21), (b"db 00%", _NOT_LOADING)), reference=False),
    Case(
        "db load beyond any number",
        (_too_large(10**20, 2**31 - 1), (b"db 00%", _NOT_LOADING)),
        reference=False,
    ),
    Case("one load", (_expect(INPUT_BYTES), _RAMP)),
    Case("either case", (_expect(INPUT_BYTES), (b"db 000102030405060708090A0b0C0d0E0f%", ("m-load-done",)))),
    Case(
        "in pieces",
        (
            _expect(INPUT_BYTES),
            (b"db 0001020304050607%", ()),
            (b"db 08090a0b0c0d0e%", ()),
            (b"db 0f%", ("m-load-done",)),
        ),
    ),
    Case("surplus digits are ignored", (_expect(2), (b"db 0102zz%", ("m-load-done",)))),
    Case("odd digits", (_expect(INPUT_BYTES), (b"db 000%", _ODD), _RAMP)),
    Case("not hex", (_expect(INPUT_BYTES), (b"db zz%", ("e-[Invalid hex digit 'zz']",)), _RAMP)),
    Case("half hex", (_expect(INPUT_BYTES), (b"db 0g%", ("e-[Invalid hex digit '0g']",)), _RAMP)),
    Case(
        "a bad pair leaves nothing behind",
        (_expect(INPUT_BYTES), (b"db ffffffzz%", ("e-[Invalid hex digit 'zz']",)), _RAMP, _INFER_RAMP),
        reference=False,
    ),
    Case(
        "control bytes in digits",
        (_expect(INPUT_BYTES), (b"db 0\x00%", ("e-[Invalid hex digit '0?']",))),
        reference=False,
    ),
    Case("data before a load", ((b"db 00%", _NOT_LOADING),), reference=False),
    Case("data after a load", (_expect(INPUT_BYTES), _RAMP, (b"db 00%", _COMPLETE), _INFER_RAMP), False),
    # The buffer
    Case("print nothing", ((b"db print%", ()),)),
    Case(
        "print lines of eight",
        (
            _expect(INPUT_BYTES),
            _RAMP,
            (b"db print%", ("m-buffer-00-01-02-03-04-05-06-07", "m-buffer-08-09-0a-0b-0c-0d-0e-0f")),
        ),
    ),
    Case(
        "print a short line, then an empty one",
        (
            _expect(10),
            (b"db fffefdfcfbfaf9f8f7f6%", ("m-load-done",)),
            (b"db print 3%", ("m-buffer-ff-fe-fd-fc-fb-fa-f9-f8", "m-buffer-f7-f6", "")),
        ),
    ),
    Case("print the announced size", (_expect(2), (b"db ab%", ()), (b"db print%", ("m-buffer-ab-00", "")))),
    # Inference
    Case("infer", (_expect(INPUT_BYTES), _RAMP, _INFER_RAMP)),
    Case("infer, defaults", (_expect(INPUT_BYTES), _RAMP, (b"infer%", _laps(1, 10, _RAMP_RESULT)))),
    Case("infer, default warm-up", (_expect(INPUT_BYTES), _RAMP, (b"infer 3%", _laps(3, 10, _RAMP_RESULT)))),
    Case("infer, warm-up is text", (_expect(INPUT_BYTES), _RAMP, (b"infer 3 x%", _laps(3, 0, _RAMP_RESULT)))),
    Case(
        "infer again on the same load",
        (
            _expect(INPUT_BYTES),
            _RAMP,
            (b"infer 2 1%", _laps(2, 1, _RAMP_RESULT)),
            (b"infer 5 2%", _laps(5, 2, _RAMP_RESULT)),
        ),
    ),
    Case(
        "infer none",
        (
            _expect(INPUT_BYTES),
            _RAMP,
            (b"infer 0%", _ITERATIONS),
            (b"infer -3%", _ITERATIONS),
            (b"infer x%", _ITERATIONS),
        ),
    ),
    Case("infer, negative warm-up", (_expect(INPUT_BYTES), _RAMP, (b"infer 1 -1%", _WARMUP))),
    Case("infer 0 -1", ((b"infer 0 -1%", _ITERATIONS),)),
    Case(
        "the next load replaces the last",
        (_expect(INPUT_BYTES), _RAMP, _INFER_RAMP, _expect(INPUT_BYTES), _ZEROS, _INFER_ZEROS),
    ),
    Case("infer on nothing", (_wrong_size(0),), reference=False),
    Case(
        "infer on too little",
        (_expect(15), (b"db 00112233445566778899aabbccddee%", ("m-load-done",)), _wrong_size(15)),
        False,
    ),
    Case(
        "infer on too much",
        (_expect(17), (b"db 00112233445566778899aabbccddeeff00%", ("m-load-done",)), _wrong_size(17)),
        False,
    ),
    Case("infer in mid-load", (_expect(INPUT_BYTES), (b"db 0001%", ()), _wrong_size(2)), False),
    Case(
        "infer on an input's worth of a larger load",
        (_expect(20), (_RAMP[0], ()), (b"infer 1 0%", ("e-[The load is not complete]",))),
        reference=False,
    ),
    Case(
        "a load cut short by the next",
        (_expect(INPUT_BYTES), (b"db 0001%", ()), _expect(INPUT_BYTES), _RAMP, _INFER_RAMP),
    ),
    Case("a new load forgets the old", (_expect(INPUT_BYTES), _RAMP, _expect(INPUT_BYTES), _wrong_size(0)), False),
    Case("a refused load forgets the old", (_expect(INPUT_BYTES), _RAMP, _too_large(21), _wrong_size(0)), False),
    Case(
        "a load of nothing forgets the old",
        (_expect(INPUT_BYTES), _RAMP, (b"db load 0%", _NOT_POSITIVE), _wrong_size(0)),
        False,
    ),
    # Results
    Case("results before any", ((b"results%", _NO_RESULT),), reference=False),
    Case("results again", (_expect(INPUT_BYTES), _RAMP, _INFER_RAMP, _RESULTS_RAMP)),
    Case(
        "results outlive the next load",
        (_expect(INPUT_BYTES), _RAMP, _INFER_RAMP, _expect(INPUT_BYTES), _ZEROS, _RESULTS_RAMP),
    ),
    # Checksums
    Case(
        "checksums begin, before any result",
        (_CRC_ON, _checked(b"results%", 2, *_NO_RESULT), _CRC_ON, _CRC_OFF),
        reference=False,
    ),
    Case(
        "a load with checksums",
        (
            _CRC_ON,
            _checked(b"db load 16%", 2, "m-[Expecting 16 bytes]"),
            (b"db 0001020304050607%", ()),
            (b"db 08090a0b0c0d0e0f%", ("m-load-done",)),
            _checked(b"crc%", 3, _RAMP_CRC),
            (b"infer 1 0%", (_RAMP_CRC, *_laps(1, 0, _RAMP_RESULT), "m-crc-4-<crc>")),
            _checked(b"results%", 5, f"m-results-[{_RAMP_RESULT}]"),
            _CRC_OFF,
        ),
        reference=False,
    ),
    Case(
        "errors have checksums", (_CRC_ON, _checked(b"foo%", 2, "e-[Unknown command: foo]"), _CRC_OFF), reference=False
    ),
    Case(
        "a bad pair has none",
        (_CRC_ON, _checked(b"db load 0%", 2, *_NOT_POSITIVE), (b"db zz%", _NOT_LOADING), _CRC_OFF),
        reference=False,
    ),
    Case("checksums end", (_CRC_ON, _CRC_OFF, (b"infer 0%", _ITERATIONS)), reference=False),
    Case("checksum of the input, without others", (_expect(INPUT_BYTES), _RAMP, (b"crc%", (_RAMP_CRC,))), False),
    Case("checksum of no input", ((b"crc%", ("e-[The load is not complete]",)),), reference=False),
    Case(
        "checksum of half an input",
        (_expect(INPUT_BYTES), (b"db 0001%", ()), (b"crc%", ("e-[The load is not complete]",))),
        reference=False,
    ),
    Case("crc of what", ((b"crc x%", ("e-[Command 'crc' takes on, off or nothing, not 'x']",)),), reference=False),
)
