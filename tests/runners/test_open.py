# SPDX-License-Identifier: Apache-2.0
"""URLs to transports."""

from __future__ import annotations

from pathlib import Path

import pytest

from mlperf_tiny.errors import BenchError, UsageError
from mlperf_tiny.runners.emulator.transport import EmulatorTransport
from mlperf_tiny.runners.open import open_transport
from mlperf_tiny.runners.transports.serial_port import SerialTransport
from tests.runners.emulator_images import build_image


@pytest.fixture
def elf(tmp_path: Path) -> Path:
    path = tmp_path / "an image.elf"
    path.write_bytes(build_image("echo.c", "stm32f446"))
    return path


def test_an_emulated_board(elf: Path) -> None:
    url = f"emu://stm32f446?elf={elf}".replace(" ", "%20")
    transport = open_transport(url)
    assert isinstance(transport, EmulatorTransport)
    assert (transport.url, transport.read(1.0)) == (url, b"ready\r\n")
    transport.close()


@pytest.mark.parametrize("given", ["option", "url"])
def test_a_baud_rate_the_firmware_does_not_use(elf: Path, given: str) -> None:
    url = f"emu://stm32f446?elf={elf}" + ("&baud=9600" if given == "url" else "")
    transport = open_transport(url, baud=9600 if given == "option" else None)
    with pytest.raises(BenchError, match="the host's end at 9600"):
        transport.read(1.0)


def test_anything_else_is_a_serial_port() -> None:
    transport = open_transport("loop://")
    assert isinstance(transport, SerialTransport)
    transport.close()


@pytest.mark.parametrize(
    ("url", "message"),
    [
        ("emu://stm32f746", "has no image to run"),
        ("emu://stm32f746?elf=", "has no image to run"),
        ("emu://stm32f746?imag=x", "no option 'imag'"),
        ("emu://stm32f746?elf=x&baud=fast", "baud is 'fast'"),
        ("emu://stm32f746?elf=x&timing=exact", "no timing level 'exact'"),
        ("emu://pdp11?elf=x", "no device 'pdp11'"),
        ("emu://stm32f746?elf=nowhere", "cannot read the image nowhere"),
        ("host://", "names no file"),
        ("replay://", "names no file"),
        ("socket://[::1:5", "is not a URL"),
    ],
)
def test_unusable_urls(url: str, message: str) -> None:
    with pytest.raises(UsageError, match=message):
        open_transport(url)
