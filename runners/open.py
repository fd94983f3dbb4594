# SPDX-License-Identifier: Apache-2.0
"""From a URL to a byte pipe. The scheme picks the transport; a new transport is a row in ``_SCHEMES``.

::

    emu://stm32f746?elf=build/kws.elf     an emulated board running that image; &timing=full sets the timing level
    emu://stm32l4r5?image=kws.hex         the same with an image that was not built here: ELF, HEX or plain bytes
    host:///path/to/executable            the firmware as a process on this machine
    replay:///path/to/transcript          a recorded run
    /dev/ttyACM0, COM3, socket://h:1, …   anything pyserial opens
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from urllib.parse import SplitResult, parse_qs, unquote, urlsplit

from mlperf_tiny.errors import UsageError, did_you_mean
from mlperf_tiny.firmware.boards import find_board
from mlperf_tiny.runners.transports.transport import Transport

DEFAULT_BAUD = 115_200
_OF_PYSERIAL = ("socket", "rfc2217", "loop", "spy", "alt", "hwgrep", "cp2110")
_OF_EMULATOR = ("elf", "image", "baud", "timing")


def open_transport(url: str, *, baud: int | None = None) -> Transport:
    """Open the byte pipe that a URL names.

    Args:
        url: See the module; anything without ``://`` is a serial port.
        baud: Rate of a serial port [default: 115200]. Of an emulated board: the rate of the host's end of the line
            [default: whatever the firmware sets].

    Returns:
        The open transport.

    Raises:
        UsageError: for a URL that cannot mean anything.
        PortUnavailable: for one that cannot be opened.
    """
    try:
        scheme = urlsplit(url).scheme if "://" in url else ""
    except ValueError as error:
        raise UsageError(f"port {url!r} is not a URL: {error}. Write socket://HOST:PORT or /dev/ttyACM0.") from error
    opener = _SCHEMES.get(scheme)
    known = (*_SCHEMES, *_OF_PYSERIAL)
    if scheme and scheme not in known:
        raise UsageError(
            f"port {url!r} has no known scheme; choose one of {', '.join(known)}.{did_you_mean(scheme, known)}"
        )
    if opener is None:
        from mlperf_tiny.runners.transports.serial_port import SerialTransport

        return SerialTransport(url, baud or DEFAULT_BAUD)
    return opener(url, urlsplit(url), baud)


def _open_emulator(url: str, parts: SplitResult, baud: int | None) -> Transport:
    from mlperf_tiny.runners.emulator.board import EmulatedBoard
    from mlperf_tiny.runners.emulator.timing.levels import DEFAULT_LEVEL
    from mlperf_tiny.runners.emulator.transport import EmulatorTransport

    query = parse_qs(parts.query, keep_blank_values=True)
    unknown = sorted(set(query) - set(_OF_EMULATOR))
    if unknown:
        raise UsageError(
            f"{url}: there is no option {unknown[0]!r}; an emulated board takes elf or image, baud and timing."
            + did_you_mean(unknown[0], _OF_EMULATOR)
        )
    images = [query[name][0] for name in ("elf", "image") if query.get(name, [""])[0]]
    if len(images) != 1:
        raise UsageError(f"{url} has no image to run, or two; write emu://{parts.netloc}?elf=IMAGE.elf.")
    if "baud" in query:
        baud = _whole_number(url, "baud", query["baud"][0])
    timing = query.get("timing", [DEFAULT_LEVEL])[0]
    board = EmulatedBoard(find_board(parts.netloc), Path(images[0]), timing, baud=baud, foreign="image" in query)
    return EmulatorTransport(board, url)


def _open_host(url: str, parts: SplitResult, baud: int | None) -> Transport:
    from mlperf_tiny.runners.transports.host import HostTransport

    return HostTransport(_path(url, parts))


def _open_replay(url: str, parts: SplitResult, baud: int | None) -> Transport:
    from mlperf_tiny.runners.transports.replay import ReplayTransport

    return ReplayTransport(_path(url, parts))


def _path(url: str, parts: SplitResult) -> Path:
    # host://build/kws and host:///abs/kws: the first part of a relative path lands in netloc.
    path = unquote(parts.netloc + parts.path)
    if not path:
        raise UsageError(f"{url} names no file; write {parts.scheme}://PATH.")
    return Path(path)


def _whole_number(url: str, name: str, text: str) -> int:
    if not text.isdecimal() or int(text) == 0:
        raise UsageError(f"{url}: {name} is {text!r}; wanted a whole number above 0.")
    return int(text)


_SCHEMES: dict[str, Callable[[str, SplitResult, int | None], Transport]] = {
    "emu": _open_emulator,
    "host": _open_host,
    "replay": _open_replay,
}
