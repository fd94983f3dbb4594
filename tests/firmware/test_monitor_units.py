# SPDX-License-Identifier: Apache-2.0
"""Numbers to text, floats to int8, and the ports' memory functions, each against Python's own."""

from __future__ import annotations

import ctypes
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from mlperf_tiny.firmware.config import app_config
from tests.fakes.wire_formats import WIRE_FORMATS

pytestmark = pytest.mark.toolchain

ROOT = Path(__file__).parents[2]
FIRMWARE = ROOT / "firmware"
SHARED = ["-shared", "-fPIC", "-O2", "-std=c11", "-ffp-contract=off", "-fno-sanitize=all"]


def library(folder: Path, name: str, sources: list[Path], *flags: str) -> ctypes.CDLL:
    output = folder / name
    includes = [f"-I{path}" for path in (folder, *(FIRMWARE / part for part in ("monitor", "engine", "ports")))]
    command = [sys.executable, "-m", "ziglang", "cc", *SHARED, *flags, *includes, *map(str, sources), "-o", str(output)]
    subprocess.run(command, check=True)
    return ctypes.CDLL(str(output))


@pytest.fixture(scope="module")
def units(tmp_path_factory: pytest.TempPathFactory) -> ctypes.CDLL:
    folder = tmp_path_factory.mktemp("units")
    (folder / "app_config.h").write_text(app_config(640, WIRE_FORMATS["ad01"], clock_hz=0, baud=1, energy=False))
    # The rest of the monitor is not called; only what these two need is linked.
    stub = folder / "stub.c"
    stub.write_text(
        '#include "load.h"\n#include "model.h"\n#include "reply_crc.h"\n'
        "const model_info_t model_info;\nint8_t *model_input(void) { return 0; }\n"
        "const uint8_t *load_bytes(void) { return 0; }\nuint32_t load_stored(void) { return 0; }\n"
        "int load_complete(void) { return 0; }\nvoid reply_crc_add(char byte) { (void)byte; }\n"
    )
    monitor = [FIRMWARE / "monitor" / name for name in ("text.c", "input.c")]
    loaded = library(folder, "units.so", [Path(__file__).with_name("driver_units.c"), stub, *monitor])
    loaded.print_decimals.restype = loaded.print_unsigned.restype = ctypes.c_size_t
    return loaded


ROUNDED, CUT, SIX = range(3)  # decimals_t


def printed(units: ctypes.CDLL, values: np.ndarray, decimals: int) -> list[str]:
    out = ctypes.create_string_buffer(54 * values.size)
    length = units.print_decimals(values.ctypes.data_as(ctypes.c_void_p), ctypes.c_size_t(values.size), decimals, out)
    return out.raw[:length].decode().split("\n")[:-1]


def interesting_floats() -> np.ndarray:
    """Random bit patterns, every exponent, thousandths, millionths and their ties, and the ends of the range."""
    random = np.random.default_rng(0)
    bits = random.integers(0, 2**32, 50_000, dtype=np.uint64).astype(np.uint32)
    exponents = (
        np.arange(256, dtype=np.uint32)[:, None] << 23 | np.array([0, 1, 0x400000, 0x7FFFFF], np.uint32)
    ).ravel()
    ties = (np.arange(0, 4096, dtype=np.float64) / 16_384).astype(np.float32)  # binary fractions: exact ties among them
    thousandths = np.concatenate([np.arange(0, 20_000) / 2e3, np.arange(0, 20_000) / 2e6]).astype(np.float32)
    scores = np.float32(random.gamma(2.0, 8.0, 20_000))
    neighbours = np.nextafter(thousandths, np.float32(np.inf)), np.nextafter(thousandths, np.float32(-np.inf))
    known = [bits.view(np.float32), exponents.view(np.float32), ties, thousandths, *neighbours, scores]
    values = np.concatenate(known).astype(np.float32)
    return np.concatenate([values, -values])


def python_text(value: np.float32, decimals: int = 3) -> str:
    return "nan" if np.isnan(value) else f"{float(value):.{decimals}f}"


@pytest.mark.parametrize(("kind", "decimals"), [(ROUNDED, 3), (SIX, 6)])
def test_rounded_decimals_equal_printf(units: ctypes.CDLL, kind: int, decimals: int) -> None:
    values = interesting_floats()
    for value, text in zip(values, printed(units, values, kind), strict=True):
        assert text == python_text(value, decimals), f"{value!r}"


def test_truncated_decimals_are_exact(units: ctypes.CDLL) -> None:
    values = interesting_floats()
    for value, text in zip(values, printed(units, values, CUT), strict=True):
        # 160 decimals hold any float exactly.
        wanted = f"{float(value):.160f}"[:-157] if np.isfinite(value) else python_text(value)
        assert text == wanted, f"{value!r}"


def test_unsigned_numbers(units: ctypes.CDLL) -> None:
    values = np.array([0, 1, 9, 10, 99, 100, 4_294_967_295, 1_000_000_000, 999_999_999], np.uint32)
    out = ctypes.create_string_buffer(20 * values.size)
    length = units.print_unsigned(values.ctypes.data_as(ctypes.c_void_p), ctypes.c_size_t(values.size), out)
    assert out.raw[:length].decode().split() == [str(value) for value in values]


@pytest.mark.parametrize(("scale", "zero_point"), [(0.3910152316093445, 89), (1.0, 0), (1 / 256, -128), (1e-30, 127)])
def test_quantisation_rounds_half_away_and_clamps(units: ctypes.CDLL, scale: float, zero_point: int) -> None:
    ties = (np.arange(-600, 600) + 0.5).astype(np.float32) * np.float32(scale)
    values = np.concatenate([interesting_floats(), ties]).astype(np.float32)
    out = np.zeros(values.size, np.int8)
    units.quantise(
        values.ctypes.data_as(ctypes.c_void_p),
        ctypes.c_size_t(values.size),
        ctypes.c_float(scale),
        ctypes.c_int32(zero_point),
        out.ctypes.data_as(ctypes.c_void_p),
    )
    with np.errstate(all="ignore"):
        steps = (values / np.float32(scale)).astype(np.float64)
        wanted = np.trunc(steps + np.copysign(0.5, steps)) + zero_point
    wanted[np.isnan(steps)] = zero_point
    np.testing.assert_array_equal(out, np.clip(wanted, -128, 127).astype(np.int8))


@pytest.fixture(scope="module")
def memory(tmp_path_factory: pytest.TempPathFactory) -> ctypes.CDLL:
    names = [f"-D{name}=board_{name}" for name in ("memcpy", "memmove", "memset", "memcmp")]
    sources = [FIRMWARE / "ports/cortex_m" / name for name in ("memory.c", "arithmetic.c")]
    loaded = library(tmp_path_factory.mktemp("memory"), "memory.so", sources, "-fno-builtin", *names)
    for shift in ("__aeabi_llsl", "__aeabi_llsr", "__aeabi_lasr"):
        getattr(loaded, shift).restype = ctypes.c_int64 if shift == "__aeabi_lasr" else ctypes.c_uint64
    return loaded


SIZES = [*range(0, 40), 63, 64, 65, 100]


@pytest.mark.parametrize("function", ["memcpy", "memmove"])
def test_copying_at_every_alignment(memory: ctypes.CDLL, function: str) -> None:
    copy = getattr(memory, f"board_{function}")
    source = (ctypes.c_ubyte * 128)(*range(100, 228))
    for size in SIZES:
        for from_offset in range(5):
            for to_offset in range(5):
                target = (ctypes.c_ubyte * 128)()
                copy(ctypes.byref(target, to_offset), ctypes.byref(source, from_offset), ctypes.c_size_t(size))
                wanted = bytearray(128)
                wanted[to_offset : to_offset + size] = bytes(source)[from_offset : from_offset + size]
                assert bytes(target) == wanted, (size, from_offset, to_offset)


def test_moving_within_one_buffer(memory: ctypes.CDLL) -> None:
    for size in SIZES:
        for from_offset in range(10):
            for to_offset in range(10):
                buffer = (ctypes.c_ubyte * 128)(*range(128))
                wanted = bytearray(range(128))
                wanted[to_offset : to_offset + size] = bytes(wanted[from_offset : from_offset + size])
                memory.board_memmove(
                    ctypes.byref(buffer, to_offset), ctypes.byref(buffer, from_offset), ctypes.c_size_t(size)
                )
                assert bytes(buffer) == wanted, (size, from_offset, to_offset)


def test_filling_and_comparing(memory: ctypes.CDLL) -> None:
    for size in SIZES:
        for offset in range(5):
            buffer = (ctypes.c_ubyte * 128)()
            memory.board_memset(ctypes.byref(buffer, offset), 0x1A5, ctypes.c_size_t(size))
            assert bytes(buffer) == b"\0" * offset + b"\xa5" * size + b"\0" * (128 - offset - size)
    assert memory.board_memcmp(b"abc", b"abd", ctypes.c_size_t(2)) == 0
    assert memory.board_memcmp(b"abc", b"abd", ctypes.c_size_t(3)) < 0
    assert memory.board_memcmp(b"\xff", b"\x01", ctypes.c_size_t(1)) > 0


def test_wide_shifts(memory: ctypes.CDLL) -> None:
    for value in (0, 1, 0x8000_0000, 0x1234_5678_9ABC_DEF0, 0xFEDC_BA98_7654_3210, 2**64 - 1):
        signed = value - 2**64 if value >> 63 else value
        for shift in range(64):
            assert memory.__aeabi_llsl(ctypes.c_uint64(value), shift) == value << shift & (2**64 - 1)
            assert memory.__aeabi_llsr(ctypes.c_uint64(value), shift) == value >> shift
            assert memory.__aeabi_lasr(ctypes.c_int64(signed), shift) == signed >> shift
