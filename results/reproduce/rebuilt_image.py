# SPDX-License-Identifier: Apache-2.0
"""The image of a recorded run, rebuilt from the model and this program's own sources, and compared with the record."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from mlperf_tiny.errors import DataError
from mlperf_tiny.file_tree import FileTree
from mlperf_tiny.firmware.boards import Board
from mlperf_tiny.firmware.elf import flash_image
from mlperf_tiny.harness.image.build import BuiltImage
from mlperf_tiny.harness.image.parts import ImageParts, recorded_parts
from mlperf_tiny.harness.record.settings import FirmwareInfo, Settings, versions
from mlperf_tiny.results.review.own.own_runs import CODE, OwnRunFiles
from mlperf_tiny.results.submission.code_folder import SOURCE, has_sources
from mlperf_tiny.results.submission.manifest import sha256
from mlperf_tiny.results.submission.runner_files import PROGRAM

FIELDS = (
    ("compiler", "compiler"),
    ("toolchain", "toolchain"),
    ("flags", "flags"),
    ("engine version", "engine_version"),
    ("kernels", "kernels"),
    ("baud", "baud"),
    ("sources", "source_digest"),
)
"""What decides an image besides the model: name, and the recorded value, most telling first."""

MAX_SOURCE_BYTES = 64 << 20
MAX_ELF_BYTES = 64 << 20
MAX_LISTED_SOURCES = 3


@dataclass(frozen=True, kw_only=True)
class RebuiltImage:
    """An image beside the recorded one."""

    recorded: FirmwareInfo
    """What the record holds of its image."""
    image: BuiltImage
    """The image of today."""
    same_flash: bool | None
    """Whether the bytes in flash are equal, whatever the symbols; None where neither hash nor ELF file are recorded."""
    differences: tuple[str, ...]
    """What was recorded otherwise, the first cause first; () for equal files."""

    @property
    def same_file(self) -> bool:
        """Whether the two ELF files are equal bit for bit."""
        return self.image.info.elf_sha256 == self.recorded.elf_sha256

    @property
    def same(self) -> bool:
        """Whether a board with either image would run the same."""
        return self.same_file or bool(self.same_flash)


def rebuild(
    settings: Settings, model: bytes, work: Path, tree: FileTree, files: OwnRunFiles, log: Callable[[str], None]
) -> RebuiltImage:
    """Build the image of a run; no image that was built before is taken for it.

    Args:
        settings: The recorded settings.
        model: The .tflite file.
        work: An empty folder.
        tree: Where the run is from.
        files: The run's files there: its ELF file and, in a submission, the sources are compared.
        log: Takes one sentence for each step.

    Raises:
        RecordError: The run has no image.
        UsageError: Its device, engine or compiler does not exist here.
        BuildError: The model cannot be compiled.
    """
    recorded = settings.firmware
    parts = recorded_parts(settings, model, settings.model.name)
    image = parts.build(work, log)
    assert recorded is not None
    if image.info.elf_sha256 == recorded.elf_sha256:
        return RebuiltImage(recorded=recorded, image=image, same_flash=True, differences=())
    same_flash = _same_flash(recorded, image, parts.board, tree, files, work)
    differences = [*_settings_differences(settings, recorded, image), *_enclosed_sources(tree, files, settings, parts)]
    if same_flash:
        differences.insert(0, "the ELF files differ, the bytes in flash are equal")
    elif same_flash is None:
        differences.append("the recorded ELF file is not enclosed, so the bytes in flash cannot be compared")
    elif not differences:
        differences.append("the bytes in flash differ, although all that is recorded of the image is equal")
    return RebuiltImage(recorded=recorded, image=image, same_flash=same_flash, differences=tuple(differences))


def _settings_differences(settings: Settings, recorded: FirmwareInfo, image: BuiltImage) -> list[str]:
    differences = [
        f"{name} was {_shown(getattr(recorded, key), key)}, is {_shown(getattr(image.info, key), key)}"
        for name, key in FIELDS
        if getattr(recorded, key) != getattr(image.info, key)
    ]
    was, now = settings.versions.get(PROGRAM, ""), versions()[PROGRAM]
    return differences + ([f"{PROGRAM} was {_shown(was)}, is {_shown(now)}"] if was != now else [])


def _shown(value: object, key: str = "") -> str:
    if isinstance(value, tuple):
        return " ".join(map(str, value))
    return repr(value) if value == "" else str(value)[: 12 if key == "source_digest" else 80]


def _same_flash(
    recorded: FirmwareInfo, image: BuiltImage, board: Board, tree: FileTree, files: OwnRunFiles, work: Path
) -> bool | None:
    if recorded.flash_sha256:
        return recorded.flash_sha256 == image.info.flash_sha256
    if files.elf is None or board.is_host:
        return None  # earlier records have no hash of the flash
    try:
        content = tree.read(files.elf, MAX_ELF_BYTES)
    except DataError:
        return None
    if sha256(content) != recorded.elf_sha256:
        return None  # the review reports it
    path = work / "recorded.elf"
    path.write_bytes(content)
    flash = _flash(path, board)
    return None if flash is None else flash == _flash(image.elf, board)


def _flash(elf: Path, board: Board) -> bytes | None:
    """What a programmer would write; None for a file that is not an image for the board."""
    try:
        return flash_image(elf, board)
    except DataError:
        return None


def _enclosed_sources(tree: FileTree, files: OwnRunFiles, settings: Settings, parts: ImageParts) -> list[str]:
    """Which source files of a submission are not those that this program compiles."""
    code = code_folder_of(files.folder)
    if code is None or not has_sources(settings):
        return []
    prefix = f"{code}/{SOURCE}/"
    theirs = {path[len(prefix) :] for path in tree.sizes if path.startswith(prefix)}
    if not theirs:
        return []
    ours = parts.sources()
    different = [name for name in sorted(ours.keys() | theirs) if not _same(tree, prefix + name, ours.get(name))]
    listed = [f"source {name} is not as it is here" for name in different[:MAX_LISTED_SOURCES]]
    more = len(different) - len(listed)
    return listed + ([f"{more} more sources differ"] if more else [])


def _same(tree: FileTree, path: str, content: bytes | None) -> bool:
    if content is None or path not in tree.sizes or tree.sizes[path] != len(content):
        return False
    try:
        return tree.read(path, MAX_SOURCE_BYTES) == content
    except DataError:
        return False


def code_folder_of(folder: str) -> str | None:
    """Return the folder of a submission's code when a run lies in one, else None.

    Examples:
        >>> code_folder_of("closed/labs/code/kws/board")
        'closed/labs/code/kws/board'
    """
    return folder if CODE in folder.split("/") else None
