# SPDX-License-Identifier: Apache-2.0
"""A board on a serial port, or on any URL of pyserial (``socket://``, ``rfc2217://``, ``loop://`` ...)."""

from __future__ import annotations

import errno
import os
import re
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit

import serial
from serial.tools import list_ports

from mlperf_tiny.errors import DeviceGone, PortInUse, PortUnavailable, WrongPort
from mlperf_tiny.file_lock import holder_of
from mlperf_tiny.firmware.boards import BOARDS
from mlperf_tiny.runners.transports.transport import DeviceInfo

WRITE_TIMEOUT_S = 30.0  # a command has 81 bytes: even 1200 baud needs less than a second


class SerialTransport:
    """A byte pipe over a serial port: 8 data bits, no parity, one stop bit, no flow control."""

    device_info = DeviceInfo(timing="hardware")

    def __init__(self, url: str, baud: int) -> None:
        """Open ``url`` at ``baud``; raises PortUnavailable with the system's reason."""
        self.url = url
        try:
            _check_address(url)
            self._port = serial.serial_for_url(url, baudrate=baud, write_timeout=WRITE_TIMEOUT_S)
            self._hold()
        except (serial.SerialException, OSError, ValueError, OverflowError) as error:
            number = getattr(error, "errno", None)
            if number is None and isinstance(error, ValueError):  # pyserial's for an address it cannot read
                raise WrongPort(url, str(error)) from error
            raise PortUnavailable(url, _reason(url, number) if number else str(error)) from error

    def _hold(self) -> None:
        """Take the port for this process alone: two readers would each get a part of every answer."""
        if os.name != "posix" or not isinstance(
            self._port, serial.Serial
        ):  # Windows opens a port once, a socket is one
            return
        try:
            self._port.exclusive = True
        except (serial.SerialException, OSError) as error:
            self._port.close()
            raise PortInUse(self.url, holder_of(Path(self.url))) from error

    def write(self, data: bytes) -> None:
        """Send ``data``; raises DeviceGone when the port has vanished or takes nothing any more."""
        try:
            self._port.write(data)
            self._port.flush()
        except (serial.SerialException, OSError, TypeError) as error:
            raise DeviceGone(self.url, str(error)) from error

    def read(self, timeout_s: float) -> bytes:
        """Wait for the first byte, then take all that has come with it."""
        try:
            self._port.timeout = timeout_s
            first = self._port.read(1)
            if not first:
                return b""
            return bytes(first + self._port.read(self._port.in_waiting))
        # pyserial stumbles over its own closed descriptor with a TypeError when the cable is pulled.
        except (serial.SerialException, OSError, TypeError) as error:
            raise DeviceGone(self.url, str(error)) from error

    def close(self) -> None:
        """Close the port."""
        self._port.close()


def _reason(url: str, number: int) -> str:
    """The system's reason, and for a port of another group's how to get into that group."""
    text = os.strerror(number)
    if number not in (errno.EACCES, errno.EPERM) or os.name != "posix":
        return text
    group = _group_of(url)
    return (
        f"{text}; serial ports belong to the group {group}: run 'sudo usermod -aG {group} $USER', log out and log in "
        "again"
    )


def _group_of(path: str) -> str:
    """The group of a device file; ``dialout`` where that is root or not known."""
    try:
        import grp  # not on Windows

        name = grp.getgrgid(Path(path).stat().st_gid).gr_name
    except (ImportError, OSError, KeyError):
        return "dialout"
    return "dialout" if name in ("root", "wheel") else name


def _check_address(url: str) -> None:
    """Raise ValueError for what pyserial would report in a cryptic way.

    That is a network address without host and port, and a path of something that is no device.
    """
    if not url:
        raise ValueError("it is empty")
    path = Path(url)
    if "://" not in url and (path.is_dir() or path.is_file()):
        raise ValueError(f"it is a {'folder' if path.is_dir() else 'file'}, not a serial port")
    address = urlsplit(url)
    if address.scheme in ("socket", "rfc2217") and not (address.hostname and address.port):
        raise ValueError(f"it names no host and port, as in {address.scheme}://localhost:4000")


def is_local_program(url: str) -> bool:
    """Return whether a program of this machine answers at ``url``, such as an emulated board.

    A pseudo terminal is one, and so is a socket of this machine: a board that is shared from here over the network has
    a port here, which is its name.

    Examples:
        >>> is_local_program("socket://localhost:4000"), is_local_program("socket://lab.example.org:4000")
        (True, False)
    """
    address = urlsplit(url)
    if address.scheme in ("socket", "rfc2217"):
        return address.hostname is not None and (
            address.hostname in ("localhost", "::1") or address.hostname.startswith("127.")
        )
    return re.fullmatch(r"/dev/(pts/\d+|ttys\d+)", os.path.realpath(url)) is not None


@dataclass(frozen=True, kw_only=True)
class FoundPort:
    """A serial port of this machine."""

    url: str
    """What to pass to ``--port``."""
    description: str
    """The operating system's; may be ""."""
    usb_id: tuple[int, int] | None
    """Vendor and product; None for a port without."""
    devices: tuple[str, ...]
    """Names of the rows of the device table whose probe has this USB id."""


def find_ports() -> tuple[FoundPort, ...]:
    """Return the serial ports of this machine, those that may be a board of the device table first."""
    found = []
    for port in list_ports.comports():
        usb_id = (port.vid, port.pid) if port.vid is not None and port.pid is not None else None
        devices = tuple(board.device for board in BOARDS if usb_id in board.usb_ids)
        found.append(FoundPort(url=port.device, description=port.description or "", usb_id=usb_id, devices=devices))
    return tuple(sorted(found, key=lambda row: (not row.devices, row.url)))
