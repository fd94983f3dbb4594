# SPDX-License-Identifier: Apache-2.0
"""Images: reproducible, measured, refused when they do not fit, and free of what the core cannot do."""

from __future__ import annotations

import hashlib
import io
import shutil
import struct
import subprocess
import sys
from collections.abc import Mapping
from dataclasses import dataclass, field, fields, replace
from pathlib import Path

import pytest
from elftools.elf.elffile import ELFFile

from mlperf_tiny.errors import CompilerFailed, DoesNotFit, UsageError
from mlperf_tiny.firmware.boards import BOARDS, KIB, Board, Memory, find_board
from mlperf_tiny.firmware.build import Firmware, build_firmware
from mlperf_tiny.firmware.config import linker_script
from mlperf_tiny.firmware.elf import double_precision_instructions, refuse_double_precision
from mlperf_tiny.firmware.toolchain import TOOLCHAINS, Toolchain, ZigToolchain, find_toolchain
from mlperf_tiny.firmware.wire import WireFormat
from tests.fakes.compiled import AD, IC, KWS, VWW, FakeCompiled
from tests.fakes.wire_formats import WIRE_FORMATS

CHIPS = [board for board in BOARDS if not board.is_host]
MODELS = {"kws01": KWS, "vww01": VWW, "ic01": IC, "ad01": AD}
KWS01 = WIRE_FORMATS["kws01"]
F746 = find_board("stm32f746")


@dataclass(frozen=True)
class Changed(FakeCompiled):
    """A fake model with some of its text replaced."""

    changes: Mapping[str, str] = field(default_factory=dict)

    @property
    def files(self) -> Mapping[str, str]:
        files = dict(super().files)
        for old, new in self.changes.items():
            assert old in files["model.c"]
            files["model.c"] = files["model.c"].replace(old, new)
        return files


def changed(model: FakeCompiled, changes: Mapping[str, str]) -> Changed:
    return Changed(**{row.name: getattr(model, row.name) for row in fields(model)}, changes=changes)


def symbols(elf: Path) -> dict[str, int]:
    with elf.open("rb") as file:
        table = ELFFile(file).get_section_by_name(".symtab")
        return {symbol.name: symbol["st_value"] for symbol in table.iter_symbols() if symbol.name}


@pytest.fixture(scope="module")
def kws_image(tmp_path_factory: pytest.TempPathFactory) -> Firmware:
    return build_firmware(KWS, KWS01, F746, tmp_path_factory.mktemp("kws"))


@pytest.mark.parametrize("board", CHIPS, ids=lambda board: board.device)
@pytest.mark.parametrize("wire", WIRE_FORMATS.values(), ids=lambda wire: wire.model_id)
def test_every_board_and_task(board: Board, wire: WireFormat, tmp_path: Path) -> None:
    model = MODELS[wire.model_id]
    built = build_firmware(model, wire, board, tmp_path)
    assert built.elf_sha256 == hashlib.sha256(built.elf.read_bytes()).hexdigest()
    assert built.baud == board.baud
    assert 0 < built.flash_bytes < 16 * KIB
    assert built.ram_bytes >= KWS.stack_bytes + model.input_bytes + wire.buffer_bytes
    names = symbols(built.elf)
    flash, ram = board.memory("flash"), board.memory("ram")
    with built.elf.open("rb") as file:
        image = ELFFile(file)
        assert image["e_entry"] == names["reset_handler"] | 1
        stack, reset, *handlers = struct.unpack("<16I", (tmp_path / "firmware.bin").read_bytes()[:64])
        assert reset == image["e_entry"]
        assert stack == names["__stack_top"] == ram.base + KWS.stack_bytes
        exceptions = {number for number, handler in enumerate(handlers, 2) if handler}
        assert exceptions == {2, 3, 4, 5, 6, 11, 12, 14, 15}, "the others are reserved"
        assert set(handlers) == {0, names["fault_handler"] | 1}
        assert names["__stack_limit"] == ram.base, "an overflow must run out of the RAM"
        for segment in image.iter_segments("PT_LOAD"):
            assert segment["p_filesz"] == 0 or flash.base <= segment["p_paddr"] < flash.base + flash.size_bytes
    assert (tmp_path / "firmware.bin").stat().st_size == built.flash_bytes


@pytest.mark.parametrize("board", CHIPS, ids=lambda board: board.device)
def test_energy_build(board: Board, kws_image: Firmware, tmp_path: Path) -> None:
    built = build_firmware(KWS, KWS01, board, tmp_path, energy=True)
    assert built.baud == 9600
    assert "port_timestamp_pulse" in symbols(built.elf)
    assert "port_timestamp_pulse" not in symbols(kws_image.elf), "a performance build leaves the pin alone"


def test_same_image_in_another_folder(kws_image: Firmware, tmp_path: Path) -> None:
    other = tmp_path / "somewhere else" / "deeper"
    again = build_firmware(KWS, KWS01, F746, other)
    assert again.elf_sha256 == kws_image.elf_sha256
    assert replace(again, elf=kws_image.elf) == kws_image
    content = again.elf.read_bytes()
    assert str(tmp_path).encode() not in content
    assert str(Path.home()).encode() not in content


def test_building_twice_in_one_folder(tmp_path: Path) -> None:
    first = build_firmware(KWS, KWS01, F746, tmp_path)
    assert build_firmware(KWS, KWS01, F746, tmp_path) == first


@pytest.mark.parametrize("board", CHIPS, ids=lambda board: board.device)
def test_image_larger_than_ram_is_refused(board: Board, tmp_path: Path) -> None:
    fits = build_firmware(KWS, KWS01, board, tmp_path)
    spare = board.memory("ram").size_bytes - fits.ram_bytes
    grown = {"static int8_t output[": f"int8_t ballast[{spare}];\nstatic int8_t output["}
    held = {"return FAKE_INVOKE_CODE;": "return FAKE_INVOKE_CODE + ballast[0];"}
    full = build_firmware(changed(KWS, {**grown, **held}), KWS01, board, tmp_path)
    assert full.ram_bytes == board.memory("ram").size_bytes
    one_more = {"static int8_t output[": f"int8_t ballast[{spare + 8}];\nstatic int8_t output["}
    with pytest.raises(DoesNotFit) as caught:
        build_firmware(changed(KWS, {**one_more, **held}), KWS01, board, tmp_path)
    error = caught.value
    assert (error.region, error.need_bytes, error.have_bytes) == ("ram", full.ram_bytes + 8, full.ram_bytes)
    assert not (tmp_path / "firmware.elf").exists()


def test_image_larger_than_flash_is_refused(kws_image: Firmware, tmp_path: Path) -> None:
    small = replace(
        F746,
        memories=(Memory(name="flash", base=0x0800_0000, size_bytes=kws_image.flash_bytes - 1), F746.memory("ram")),
    )
    with pytest.raises(DoesNotFit) as caught:
        build_firmware(KWS, KWS01, small, tmp_path)
    assert (caught.value.region, caught.value.need_bytes) == ("flash", kws_image.flash_bytes)


def test_initialised_data_is_kept_in_flash(tmp_path: Path) -> None:
    marked = {
        "static int8_t output[": "int32_t marker[3] = {0x11223344, 0x55667788, 0x0badcafe};\nstatic int8_t output[",
        "return FAKE_INVOKE_CODE;": "return FAKE_INVOKE_CODE + (marker[0]++ == 0);",
    }
    built = build_firmware(changed(KWS, marked), KWS01, F746, tmp_path)
    names = symbols(built.elf)
    image = (tmp_path / "firmware.bin").read_bytes()
    offset = names["__data_load"] - F746.memory("flash").base + names["marker"] - names["__data_start"]
    assert image[offset : offset + 12] == bytes.fromhex("4433221188776655fecaad0b")


def test_compiler_messages_are_in_the_error(tmp_path: Path) -> None:
    broken = changed(KWS, {"int model_init(void)": "int unused_here;\nint model_init(int why)"})
    with pytest.raises(CompilerFailed, match=r"model/model\.c") as caught:
        build_firmware(broken, KWS01, F746, tmp_path)
    assert "model_init" in caught.value.detail


def test_double_arithmetic_does_not_link(tmp_path: Path) -> None:
    double = changed(KWS, {"return FAKE_INIT_CODE;": "volatile double x = 2.0; return (int)(x * x);"})
    with pytest.raises(CompilerFailed, match="aeabi"):
        build_firmware(double, KWS01, F746, tmp_path)


def test_double_precision_instructions_are_found(kws_image: Firmware, tmp_path: Path) -> None:
    assert double_precision_instructions(kws_image.elf) == []
    with_unit = replace(F746, fpu="fpv5-d16")
    double = changed(KWS, {"return FAKE_INIT_CODE;": "volatile double x = 2.0; return (int)(x * x);"})
    built = build_firmware(double, KWS01, with_unit, tmp_path)
    found = double_precision_instructions(built.elf)
    start = symbols(built.elf)["model_init"] & ~1
    assert len(found) >= 2, "a product and a conversion"
    assert all(start <= address < start + 64 for address in found)
    with pytest.raises(CompilerFailed, match="double-precision"):
        refuse_double_precision(built.elf, F746, "zig")


def test_unknown_toolchain() -> None:
    with pytest.raises(UsageError, match="gcc, zig"):
        find_toolchain("iar")


def test_missing_gcc_is_an_error_with_the_next_step(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(shutil, "which", lambda name: None)
    with pytest.raises(CompilerFailed, match=r"arm-none-eabi-gcc.*PATH"):
        build_firmware(KWS, KWS01, F746, tmp_path, find_toolchain("gcc"))


def test_missing_zig_is_an_error_with_the_next_step(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setitem(sys.modules, "ziglang", None)
    with pytest.raises(CompilerFailed, match="pip install ziglang"):
        build_firmware(KWS, KWS01, F746, tmp_path)


@pytest.mark.parametrize("board", CHIPS, ids=lambda board: board.device)
def test_gcc_builds_too(board: Board, tmp_path: Path) -> None:
    if shutil.which("arm-none-eabi-gcc") is None:
        pytest.skip("needs arm-none-eabi-gcc")
    built = build_firmware(AD, WIRE_FORMATS["ad01"], board, tmp_path, find_toolchain("gcc"))
    assert built.flash_bytes < 16 * KIB
    assert "arm-none-eabi-gcc" in built.compiler
    assert double_precision_instructions(built.elf) == []


def test_toolchains_by_name() -> None:
    assert all(name == toolchain.name for name, toolchain in TOOLCHAINS.items())


def test_recorded_flags_are_those_used() -> None:
    toolchain: Toolchain = ZigToolchain()
    command = toolchain.compile(F746, "a.c", "a.o", ["monitor"])
    assert set(toolchain.flags(F746)) <= set(command)
    assert "-mfpu=fpv5-sp-d16" in command


def test_another_chip_of_the_family_is_one_row(tmp_path: Path) -> None:
    bigger = replace(
        F746,
        device="stm32f767",
        memories=(
            Memory(name="flash", base=0x0800_0000, size_bytes=2048 * KIB),
            Memory(name="ram", base=0x2000_0000, size_bytes=512 * KIB),
        ),
    )
    needs = FakeCompiled(400 * KIB // 2, 12)
    with pytest.raises(DoesNotFit):
        build_firmware(needs, KWS01, F746, tmp_path)
    assert build_firmware(needs, KWS01, bigger, tmp_path).ram_bytes > 320 * KIB


def test_a_pll_factor_out_of_range_does_not_compile(tmp_path: Path) -> None:
    assert F746.chip is not None
    too_fast = replace(F746, chip=replace(F746.chip, clocks=replace(F746.chip.clocks, pll_n=225)))
    with pytest.raises(CompilerFailed, match=r"clock_f4_f7\.c") as caught:
        build_firmware(KWS, KWS01, too_fast, tmp_path)
    assert "VCO must be 100 to 432 MHz" in caught.value.detail


@pytest.mark.parametrize("baud", [9600, 115_200, 230_400, 460_800, 921_600, 1_000_000])
@pytest.mark.parametrize("board", CHIPS, ids=lambda board: board.device)
def test_common_baud_rates_have_small_errors(board: Board, baud: int) -> None:
    """The register values of the reference manuals' tables, within 1 % of the rate asked for."""
    assert board.chip is not None
    units_hz = board.uart_clock_hz * (256 if board.chip.console_uart.low_power else 1)
    units = (units_hz + baud // 2) // baud
    assert abs(units_hz / units / baud - 1) < 0.01


@pytest.mark.parametrize("baud", [300, 3_300_000, 8_000_000])
def test_impossible_baud_rates_do_not_compile(baud: int, tmp_path: Path) -> None:
    with pytest.raises(CompilerFailed, match=r"usart_v2\.c") as caught:
        build_firmware(KWS, KWS01, F746, tmp_path, baud=baud)
    assert "baud rate" in caught.value.detail


def test_files_of_an_earlier_build_are_not_used(kws_image: Firmware, tmp_path: Path) -> None:
    folder = tmp_path / "source" / "config"
    folder.mkdir(parents=True)
    for name in ("limits.h", "stray.c", "app_config.h"):
        (folder / name).write_text("#error of an earlier build\n")
    assert build_firmware(KWS, KWS01, F746, tmp_path).elf_sha256 == kws_image.elf_sha256


def test_large_frames_do_not_compile(tmp_path: Path) -> None:
    greedy = {"static uint8_t sums[FAKE_OUTPUT_BYTES];": "volatile uint8_t sums[2000];"}
    with pytest.raises(CompilerFailed, match=r"model\.c") as caught:
        build_firmware(changed(KWS, greedy), KWS01, F746, tmp_path)
    assert "frame" in caught.value.detail


def test_the_linker_script_is_filled_in() -> None:
    script = linker_script(F746, KWS.stack_bytes)
    assert "ORIGIN = 0x08000000" in script
    assert "$" not in script


def test_the_stack_starts_on_eight_bytes_whatever_its_size(tmp_path: Path) -> None:
    built = build_firmware(KWS, KWS01, F746, tmp_path, stack_bytes=1500)
    assert symbols(built.elf)["__stack_top"] == F746.memory("ram").base + 1504


def test_host_program_runs(tmp_path: Path) -> None:
    built = build_firmware(KWS, KWS01, find_board("host"), tmp_path)
    result = subprocess.run([built.elf], input=b"profile%", capture_output=True, timeout=30, check=True)
    assert b"m-model-[kws01]\r\nm-offers-crc\r\nm-ready\r\n" in result.stdout


def test_progress_is_reported(tmp_path: Path) -> None:
    lines = io.StringIO()
    build_firmware(KWS, KWS01, F746, tmp_path, log=lambda line: print(line, file=lines))
    assert "stm32f746" in lines.getvalue()
