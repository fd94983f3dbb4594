# SPDX-License-Identifier: Apache-2.0
"""Units on disk: found again, made again when damaged, shared by all images that have the function at its place."""

from __future__ import annotations

import hashlib
from concurrent.futures import ProcessPoolExecutor
from dataclasses import replace
from multiprocessing import get_context
from pathlib import Path

import pytest

from mlperf_tiny.runners.emulator.timing.cores.core_table import find_core
from mlperf_tiny.runners.emulator.timing.levels import CostModel
from mlperf_tiny.runners.emulator.translate import units
from mlperf_tiny.runners.emulator.translate.guest.access import Place
from mlperf_tiny.runners.emulator.translate.guest.blocks import GuestFunction, find_blocks, may_begin_in_it
from mlperf_tiny.runners.emulator.translate.guest.costs import Setting
from mlperf_tiny.runners.emulator.translate.status import reads_status
from mlperf_tiny.runners.emulator.translate.units import Unit, key_of, make_unit, read_unit

FLASH, RAM = Place(base=0x0800_0000, size_bytes=1 << 16), Place(base=0x2000_0000, size_bytes=1 << 12)
SETTING = Setting("pipeline, 1", True, True, True, RAM, FLASH, None)
# subs r0, #1; bne .-2; bx lr
FUNCTION = GuestFunction(name="count", address=FLASH.base, code=bytes.fromhex("0138fdd17047"))


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setattr(units, "cache_folder", lambda name: tmp_path)
    return tmp_path


def make(setting: Setting = SETTING, function: GuestFunction = FUNCTION) -> Unit:
    return make_unit(function, (function.address,), setting, CostModel(find_core("cortex-m7")), True)


def entries(folder: Path) -> list[Path]:
    return [path for path in folder.iterdir() if path.suffix != ".lock"]


def test_is_made_once(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    first = make()
    monkeypatch.setattr(units, "compile_text", lambda *_: pytest.fail("compiled again"))
    second = make()
    assert (first.content, first.blocks, first.targets) == (second.content, second.blocks, second.targets)
    assert first.parts.tolist() == second.parts.tolist()
    # Another model's image with the same function at the same place: the name of the function does not matter.
    assert make(function=replace(FUNCTION, name="other")).content == first.content
    assert len(entries(folder)) == 1


@pytest.mark.parametrize("damage", ["cut", "empty", "flipped", "digest"])
def test_a_damaged_entry_is_made_again(folder: Path, damage: str) -> None:
    whole = make()
    (entry,) = entries(folder)
    content = bytearray(entry.read_bytes())
    if damage == "flipped":
        content[len(content) // 2] ^= 1
    elif damage == "digest":
        content[3] ^= 1
    entry.write_bytes(b"" if damage == "empty" else content[:-1] if damage == "cut" else content)
    assert read_unit(folder, entry.name) is None
    assert make().content == whole.content
    assert read_unit(folder, entry.name) is not None


def make_in_process(folder: Path) -> str:
    """In a process of its own: make the unit, and say what it is."""
    units.cache_folder = lambda name: folder
    made = make()
    return hashlib.sha256(made.content).hexdigest()


def test_processes_share_a_folder(folder: Path) -> None:
    """Two want one unit at once; both have the same, and one entry is left."""
    with ProcessPoolExecutor(2, mp_context=get_context("spawn")) as pool:
        made = set(pool.map(make_in_process, [folder] * 2))
    (entry,) = entries(folder)
    assert made == {hashlib.sha256(make().content).hexdigest()}
    assert read_unit(folder, entry.name) is not None


def test_key_holds_all_that_the_code_depends_on() -> None:
    key = key_of(FUNCTION, (FLASH.base,), SETTING, True)
    others = [
        key_of(FUNCTION, (FLASH.base,), SETTING, False),
        key_of(replace(FUNCTION, cuts=((FLASH.base, 4),)), (FLASH.base,), SETTING, True),
        key_of(replace(FUNCTION, code=bytes.fromhex("0238fdd17047")), (FLASH.base,), SETTING, True),
        key_of(replace(FUNCTION, address=FLASH.base + 2), (FLASH.base,), SETTING, True),
        key_of(FUNCTION, (FLASH.base + 2,), SETTING, True),
        *(
            key_of(FUNCTION, (FLASH.base,), replace(SETTING, **{field: value}), True)  # type: ignore[arg-type]
            for field, value in (
                ("level", "pipeline, 2"),
                ("keeps_q", False),
                ("predicts_branches", False),
                ("ram", Place(base=0x2000_0000, size_bytes=1 << 13)),
            )
        ),
    ]
    assert len({key, *others}) == 1 + len(others)


def test_blocks_are_cut_at_pages_and_not_entered_within_it() -> None:
    # 508 nops, then: lsls r2, r0, #31; it ne (across the page): addne r1, #1; subs r0, #1; bx lr
    code = bytes.fromhex("00bf") * 510 + bytes.fromhex("c207 18bf 0131 0138 7047".replace(" ", ""))
    function = GuestFunction(name="f", address=FLASH.base, code=code)
    assert [(at - FLASH.base, len(block.code)) for at, block in find_blocks(function, (FLASH.base,)).items()] == [
        (0, 1024)
    ]
    assert may_begin_in_it(FLASH.base + 1024) and not may_begin_in_it(FLASH.base + 1020)


@pytest.mark.parametrize(
    ("code", "reads"),
    [
        ("eff30080", True),  # mrs r0, apsr
        ("eff30380", True),  # mrs r0, xpsr
        ("00bfeff30584", False),  # mrs r4, ipsr
        ("eff30880", False),  # mrs r0, msp
        ("80f30088", False),  # msr apsr_nzcvq, r0
        ("00bf7047", False),
    ],
)
def test_reads_status(code: str, reads: bool) -> None:
    assert reads_status(bytes.fromhex(code)) is reads
