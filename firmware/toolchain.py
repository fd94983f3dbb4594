# SPDX-License-Identifier: Apache-2.0
"""The compilers that make images: one object per compiler, which gives command lines; only ``--version`` is run here.

``zig`` is the clang and lld inside the pinned PyPI package ``ziglang``: the same version gives the same ELF byte for
byte on every machine. ``gcc`` is whatever ``arm-none-eabi-gcc`` (for the host: ``cc``) is installed.
"""

from __future__ import annotations

import importlib.metadata
import shutil
import subprocess
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from mlperf_tiny.errors import CompilerFailed, UsageError, did_you_mean
from mlperf_tiny.firmware.boards import Board
from mlperf_tiny.firmware.build_problem import PACKAGES
from mlperf_tiny.firmware.engine_model import Library

APT = f"sudo apt install {' '.join(PACKAGES.values())}"

# Every compiler and every target. No fused multiply-add: host and board then print the same digits. No debug
# information: it would carry paths, and two people would get different files.
COMMON_FLAGS = (
    "-std=c11",
    "-O2",
    "-g0",
    "-Wall",
    "-Wextra",
    "-Werror",
    "-ffp-contract=off",
    "-fno-strict-aliasing",
    "-ffunction-sections",
    "-fdata-sections",
)

# The same of C++, for the glue to an engine that is a C++ library. No exceptions, no run-time types, no guards around
# static variables: an image has no run-time library for them.
CXX_FLAGS = (
    *(flag for flag in COMMON_FLAGS if not flag.startswith("-std=")),
    "-std=c++17",
    "-fno-exceptions",
    "-fno-rtti",
    "-fno-threadsafe-statics",
    "-fno-unwind-tables",
    "-fno-asynchronous-unwind-tables",
    "-fomit-frame-pointer",
)

# The page size is that of a loader that maps files; a programmer writes bytes, so the file need not be padded for it.
LINK_FLAGS = ("--gc-sections", "--build-id=none", "-z", "max-page-size=32")

# The stack of an image is small (STACK_BYTES in firmware/codegen/pipeline.py): no function may take much of it.
FREESTANDING_FLAGS = ("-ffreestanding", "-fno-pic", "-fomit-frame-pointer", "-Wframe-larger-than=384")

# The compiler's name of the core -> the triple that means it.
TRIPLES = {
    "cortex-m4": "thumbv7em-none-eabihf",
    "cortex-m7": "thumbv7em-none-eabihf",
    "cortex-m33": "thumbv8m.main-none-eabihf",
}


class Toolchain(Protocol):
    """What ``build_firmware`` needs of a compiler. Paths are relative to the folder in which the commands run."""

    @property
    def name(self) -> str:
        """``zig`` or ``gcc``."""

    def version(self, board: Board) -> str:
        """Return the version for records; raises CompilerFailed when the compiler is missing."""

    def flags(self, board: Board) -> tuple[str, ...]:
        """Return the flags that decide the code, the same for every file."""

    def compile(
        self, board: Board, source: str, output: str, includes: Sequence[str], library: Library | None = None
    ) -> list[str]:
        """Return the command line that makes one object.

        Args:
            board: The row to compile for.
            source: The C or C++ file.
            output: The object to make.
            includes: Folders of headers.
            library: What C++ sources (``.cc``) are compiled against.
        """

    def link(
        self, board: Board, objects: Sequence[str], output: str, script: str, library: Library | None = None
    ) -> list[str]:
        """Return the command line that makes the image.

        Args:
            board: The row to link for.
            objects: The objects, in order.
            output: The image to make.
            script: The linker script; not used for the host.
            library: The library to link.
        """


def file_flags(source: str) -> tuple[str, ...]:
    """Return the flags for one file, besides those for all.

    Outside the engine unrolled loops gain nothing, and the emulator finds a loop that polls a register more easily when
    it is not unrolled. The memory functions must not become calls to themselves.
    """
    plain = () if source.startswith(("engine/", "model/")) else ("-fno-unroll-loops",)
    return (*plain, "-fno-builtin") if source.endswith("cortex_m/memory.c") else plain


@dataclass(frozen=True)
class ZigToolchain:
    """clang and lld of the ``ziglang`` package."""

    name: str = "zig"

    def version(self, board: Board) -> str:
        """See ``Toolchain.version``."""
        try:
            return f"ziglang {importlib.metadata.version('ziglang')}"
        except importlib.metadata.PackageNotFoundError:
            raise _zig_missing() from None

    def flags(self, board: Board) -> tuple[str, ...]:
        """See ``Toolchain.flags``."""
        if board.is_host:
            return COMMON_FLAGS
        target = f"--target={TRIPLES[board.cpu]}"
        return (target, f"-mcpu={board.cpu}", f"-mfpu={board.fpu}", *FREESTANDING_FLAGS, *COMMON_FLAGS)

    def compile(
        self, board: Board, source: str, output: str, includes: Sequence[str], library: Library | None = None
    ) -> list[str]:
        """Return a command line; Args: as ``Toolchain.compile``."""
        _refuse_library(library)
        folder = _zig_folder()
        # `zig clang` is plain clang, without zig's own choice of targets and run-time library; it finds its headers
        # (stdint.h and the like) only with their folder as an argument. A process needs the C library of `zig cc`.
        driver = ["cc"] if board.is_host else ["clang", "-resource-dir", str(folder / "lib")]
        search = [f"-I{folder}" for folder in includes]
        return [_zig(folder), *driver, *self.flags(board), *file_flags(source), *search, "-c", source, "-o", output]

    def link(
        self, board: Board, objects: Sequence[str], output: str, script: str, library: Library | None = None
    ) -> list[str]:
        """Return a command line; Args: as ``Toolchain.link``."""
        _refuse_library(library)
        zig = _zig(_zig_folder())
        if board.is_host:
            return [zig, "cc", "-O2", *objects, "-o", output]
        return [zig, "ld.lld", *LINK_FLAGS, "-T", script, *objects, "-o", output]


@dataclass(frozen=True)
class GccToolchain:
    """``arm-none-eabi-gcc`` from the PATH, and ``cc`` for the host; ``arm-none-eabi-g++`` where there is a library."""

    name: str = "gcc"

    def version(self, board: Board) -> str:
        """See ``Toolchain.version``."""
        program = _gcc(board)
        result = subprocess.run(
            [program, "--version"], capture_output=True, encoding="utf-8", errors="replace", check=False
        )
        return result.stdout.splitlines()[0] if result.stdout else program

    def flags(self, board: Board) -> tuple[str, ...]:
        """See ``Toolchain.flags``."""
        if board.is_host:
            return COMMON_FLAGS
        return (*_gcc_core(board), *FREESTANDING_FLAGS, *COMMON_FLAGS)

    def compile(
        self, board: Board, source: str, output: str, includes: Sequence[str], library: Library | None = None
    ) -> list[str]:
        """Return a command line; Args: as ``Toolchain.compile``."""
        search = [f"-I{folder}" for folder in includes]
        if library is not None and source.endswith(".cc"):
            search += [part for folder in library.includes for part in ("-isystem", str(folder))]
            search += [f"-D{define}" for define in library.defines]
            flags = (*_gcc_core(board), *CXX_FLAGS, *library.flags)
            return [_gcc(board, "g++"), *flags, *search, "-c", source, "-o", output]
        own = file_flags(source)
        if "-fno-builtin" in own:
            own = (*own, "-fno-tree-loop-distribute-patterns")
        return [_gcc(board), *self.flags(board), *own, *search, "-c", source, "-o", output]

    def link(
        self, board: Board, objects: Sequence[str], output: str, script: str, library: Library | None = None
    ) -> list[str]:
        """Return a command line; Args: as ``Toolchain.link``."""
        if board.is_host:
            return [_gcc(board), *objects, "-o", output]
        options = ["-nostdlib", "-nostartfiles", "-Wl," + ",".join(LINK_FLAGS)]
        libraries = ["-lgcc"]
        if library is not None:
            # The full C library: the small one copies memory byte by byte. An image has no heap (_sbrk): one that needs
            # it does not link.
            libraries = [str(library.archive), "-Wl,--start-group", "-lm", "-lc", "-lgcc", "-Wl,--end-group"]
        return [_gcc(board), *_gcc_core(board), *options, "-T", script, *objects, *libraries, "-o", output]


TOOLCHAINS: dict[str, Toolchain] = {"zig": ZigToolchain(), "gcc": GccToolchain()}


def find_toolchain(name: str) -> Toolchain:
    """Return the toolchain called ``name``; raises UsageError with the valid names."""
    try:
        return TOOLCHAINS[name]
    except KeyError:
        raise UsageError(
            f"there is no toolchain {name!r}; choose one of {', '.join(sorted(TOOLCHAINS))}."
            + did_you_mean(name, TOOLCHAINS)
        ) from None


def _zig_missing() -> CompilerFailed:
    return CompilerFailed("zig", "the Python package ziglang is not installed. Install it with: pip install ziglang")


def _zig_folder() -> Path:
    try:
        import ziglang
    except ImportError:
        raise _zig_missing() from None
    assert ziglang.__file__ is not None
    return Path(ziglang.__file__).parent


def _zig(folder: Path) -> str:
    for name in ("zig", "zig.exe"):
        if (folder / name).is_file():
            return str(folder / name)
    raise _zig_missing()


def _refuse_library(library: Library | None) -> None:
    if library is not None:
        raise CompilerFailed(
            "zig", f"it cannot link {library.archive.name}, which needs a C++ library. Use --toolchain gcc."
        )


def _gcc_core(board: Board) -> tuple[str, ...]:
    return (f"-mcpu={board.cpu}", "-mthumb", f"-mfpu={board.fpu}", "-mfloat-abi=hard")


def _gcc(board: Board, language: str = "gcc") -> str:
    name = "cc" if board.is_host else f"arm-none-eabi-{language}"
    found = shutil.which(name)
    if found is None and language == "g++":
        raise CompilerFailed(name, f"it is not on the PATH. Install it; on Debian and Ubuntu: {APT}")
    if found is None:
        raise CompilerFailed(
            name,
            "it is not on the PATH. Install it"
            + ("" if board.is_host else f" (on Debian and Ubuntu: {APT})")
            + "; engine compiled is also built by the packaged one, --toolchain zig.",
        )
    return found
