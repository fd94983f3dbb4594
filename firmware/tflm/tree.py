# SPDX-License-Identifier: Apache-2.0
"""A TensorFlow Lite Micro source tree in which its library was built: which archive fits a board, and what it is."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from mlperf_tiny.errors import LibraryUnusable, UsageError, WrongTree
from mlperf_tiny.firmware.boards import BOARDS, Board
from mlperf_tiny.firmware.engine_model import Library
from mlperf_tiny.firmware.tflm.archive import Archive, Target, read_archive

VARIABLE = "TFLM_DIR"
ARCHIVE = "libtensorflow-microlite.a"
MICRO = Path("tensorflow/lite/micro")
RESOLVER = MICRO / "micro_mutable_op_resolver.h"
DOWNLOADS = MICRO / "tools/make/downloads"
HOW = "how to build it: docs/engines.md"

# A header by which each include folder is known to be there.
_HEADERS = {
    Path(): MICRO / "micro_interpreter.h",
    DOWNLOADS / "flatbuffers/include": Path("flatbuffers/flatbuffers.h"),
    DOWNLOADS / "gemmlowp": Path("fixedpoint/fixedpoint.h"),
    DOWNLOADS / "ruy": Path("ruy/profiler/instrumentation.h"),
}
_CMSIS_NN_SYMBOL = "arm_convolve_s8"
_INTERPRETER_SYMBOL = "MicroInterpreter15AllocateTensors"  # mangled
_HASH = re.compile(r"\b[0-9a-f]{40}\b")


@dataclass(frozen=True)
class SourceTree:
    """A source tree, and the archives that were found where ``TFLM_DIR`` points."""

    root: Path
    archives: tuple[Path, ...]


def find_tree(environ: Mapping[str, str]) -> SourceTree:
    """Return the tree that ``TFLM_DIR`` names, or one build in whose ``gen`` folder it names.

    Raises UsageError when it is not set, WrongTree when there is no tree or no library.
    """
    value = environ.get(VARIABLE, "")
    if not value:
        raise UsageError(
            f"engine tflm needs a TensorFlow Lite Micro source tree with its library built; name it with {VARIABLE} "
            f"({HOW})."
        )
    try:
        named = Path(value).expanduser().absolute()
    except RuntimeError as error:
        raise WrongTree(Path(value), f"no such home is known. Write the whole path in {VARIABLE}.") from error
    if not named.is_dir():
        raise WrongTree(named, f"it is not a folder. Name a TensorFlow Lite Micro source tree with {VARIABLE}.")
    root = next((folder for folder in (named, *named.parents) if (folder / MICRO).is_dir()), None)
    if root is None:
        raise WrongTree(
            named,
            f"it has no {MICRO}. Name a TensorFlow Lite Micro source tree with {VARIABLE}, or a folder in its gen.",
        )
    archives = sorted((root / "gen").glob(f"*/lib/{ARCHIVE}")) if named == root else sorted(named.rglob(ARCHIVE))
    if not archives:
        raise WrongTree(named, f"no {ARCHIVE} was built in it. Run its make with the target microlite ({HOW}).")
    return SourceTree(root, tuple(archives))


def find_library(tree: SourceTree, board: Board) -> Library:
    """Return the archive that was built for a board's core, one with CMSIS-NN before one without.

    Args:
        tree: The source tree.
        board: The row to link for.

    Raises:
        LibraryUnusable: With the reason for each archive, or the name of a missing header.
        UsageError: The device is the host.
    """
    if board.is_host:
        boards = [row.device for row in BOARDS if not row.is_host]
        raise UsageError(f"engine tflm is not supported on device {board.device}; choose a board: {', '.join(boards)}.")
    fitting: list[Archive] = []
    misfits: list[str] = []
    for path in tree.archives:
        try:
            archive = read_archive(path)
            problem = _misfit(archive, board)
        except LibraryUnusable as error:  # beside a damaged archive there may be a good one
            problem = f"is unusable: {error.problem.rstrip('.')}"
        if problem:
            misfits.append(f"{path.relative_to(tree.root)} {problem}")
        else:
            fitting.append(archive)
    if not fitting:
        raise LibraryUnusable(
            tree.root, f"it has no library for {board.device}: {'; '.join(misfits)}. Build one ({HOW})."
        )
    archive = min(fitting, key=lambda found: (not has_cmsis_nn(found), str(found.path)))
    return Library(
        archive=archive.path,
        includes=_includes(tree.root),
        # TF_LITE_STATIC_MEMORY decides the layout of structures and is on in every build for boards.
        defines=("TF_LITE_STATIC_MEMORY", "TF_LITE_STRIP_ERROR_STRINGS", "NDEBUG")
        + (("CMSIS_NN",) if has_cmsis_nn(archive) else ()),
        flags=(),
        version=version_of(tree.root),
        digest=archive.sha256,
    )


def has_cmsis_nn(archive: Archive) -> bool:
    """Whether the archive's kernels are those of CMSIS-NN."""
    return archive.defines(_CMSIS_NN_SYMBOL)


def version_of(root: Path) -> str:
    """Return the commit of a tree, from ``.git``, a file ``VERSION`` or the folder's name; else "unknown".

    ``.git`` is read here rather than by git, which would answer for a repository around the tree.
    """
    try:
        git = _git_folder(root)
        head = (git / "HEAD").read_text(encoding="utf-8", errors="replace").strip()
        commit = _ref(git, head.removeprefix("ref: ")) if head.startswith("ref: ") else head
        if _HASH.fullmatch(commit):
            return commit
    except (OSError, UnicodeDecodeError):
        pass
    try:
        return (root / "VERSION").read_text(errors="replace").split()[0][:40]
    except (OSError, IndexError):
        found = _HASH.search(root.name)
        return found[0] if found else "unknown"


def _git_folder(root: Path) -> Path:
    """``.git``, or for a submodule the folder that the file of that name gives."""
    git = root / ".git"
    return (
        root / git.read_text(encoding="utf-8", errors="replace").strip().removeprefix("gitdir: ")
        if git.is_file()
        else git
    )


def _ref(git: Path, name: str) -> str:
    loose = git / name
    if loose.is_file():
        return loose.read_text(encoding="utf-8", errors="replace").strip()
    for line in (git / "packed-refs").read_text(encoding="utf-8", errors="replace").splitlines():
        if line.endswith(f" {name}"):
            return line.split()[0]
    return ""


def _misfit(archive: Archive, board: Board) -> str:
    """Why ``archive`` cannot be linked into an image for ``board``, "" when it can."""
    target = next(iter(archive.targets))
    if len(archive.targets) > 1:
        return f"mixes objects for {' and '.join(sorted(map(str, archive.targets)))}"
    if not archive.defines(_INTERPRETER_SYMBOL):
        return "holds no interpreter (its index lacks MicroInterpreter::AllocateTensors)"
    return _wrong_target(target, board)


def _wrong_target(target: Target, board: Board) -> str:
    if target.core != board.cpu:
        return f"is for {target}, the board has a {board.cpu} (hard-float ABI)"
    if not target.hard_float:
        return f"is for {target}, the firmware passes floats in registers (hard-float ABI)"
    if "-sp-" in board.fpu and not target.single_precision:
        core = f"{board.cpu}+nofp.dp"
        return f"is for {target}, which {board.fpu} has not; build it with GCC_TARGET_ARCH={core}"
    return ""


def _includes(root: Path) -> tuple[Path, ...]:
    for folder, header in _HEADERS.items():
        if not (root / folder / header).is_file():
            raise LibraryUnusable(
                root,
                f"the header {folder / header} is missing. Run its make again, which fetches what it needs ({HOW}).",
            )
    return tuple(root / folder for folder in _HEADERS)
