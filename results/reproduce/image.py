# SPDX-License-Identifier: Apache-2.0
"""The image built once more, from the model and this program's own sources, and held against the recorded hash."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from mlperf_tiny.errors import DataError
from mlperf_tiny.file_tree import FileTree
from mlperf_tiny.harness.image.build import BuiltImage
from mlperf_tiny.harness.image.parts import recorded_parts
from mlperf_tiny.harness.record.settings import FirmwareInfo, Settings
from mlperf_tiny.results.review.own.own_runs import CODE
from mlperf_tiny.results.submission.code_folder import SOURCE, has_sources

FIELDS = (
    ("compiler", "compiler"),
    ("toolchain", "toolchain"),
    ("flags", "flags"),
    ("engine version", "engine_version"),
    ("kernels", "kernels"),
    ("baud", "baud"),
    ("sources", "source_digest"),
)
"""What decides an image besides the model: name, and the recorded fact, most telling first."""

MAX_SOURCE_BYTES = 64 << 20
MOST_SAID = 3


@dataclass(frozen=True)
class Rebuilt:
    """``differences`` say what was recorded otherwise, the first cause first; () for an equal image."""

    recorded: FirmwareInfo
    image: BuiltImage
    differences: tuple[str, ...]

    @property
    def equal(self) -> bool:
        """Whether the two images are equal bit for bit."""
        return self.image.info.elf_sha256 == self.recorded.elf_sha256


def rebuild(
    settings: Settings, model: bytes, work: Path, tree: FileTree, code: str | None, say: Callable[[str], None]
) -> Rebuilt:
    """Build the image of a run in ``work``; nothing that was built before is taken for it.

    ``code`` is the submission's folder whose sources are compared when the images differ. Raises RecordError for a run
    without an image, UsageError and BuildError.
    """
    recorded = settings.firmware
    parts = recorded_parts(settings, model, settings.model.name)
    image = parts.build(work, say)
    assert recorded is not None
    if image.info.elf_sha256 == recorded.elf_sha256:
        return Rebuilt(recorded, image, ())
    differences = [
        f"{name} was {_shown(getattr(recorded, key))}, is {_shown(getattr(image.info, key))}"
        for name, key in FIELDS
        if getattr(recorded, key) != getattr(image.info, key)
    ]
    if code is not None and has_sources(settings):
        differences += _sources(tree, code, parts.sources())
    return Rebuilt(recorded, image, tuple(differences) or ("nothing that is recorded of it differs",))


def _shown(value: object) -> str:
    if isinstance(value, tuple):
        return " ".join(map(str, value))
    return repr(value) if value == "" else str(value)[:80]


def _sources(tree: FileTree, code: str, ours: dict[str, bytes]) -> list[str]:
    """Which enclosed source files are not those that this program compiles."""
    prefix = f"{code}/{SOURCE}/"
    theirs = {path[len(prefix) :] for path in tree.sizes if path.startswith(prefix)}
    if not theirs:
        return []
    different = [name for name in sorted(ours.keys() | theirs) if not _same(tree, prefix + name, ours.get(name))]
    said = [f"source {name} is not as it is here" for name in different[:MOST_SAID]]
    return said + ([f"{len(different) - MOST_SAID} more sources"] if len(different) > MOST_SAID else [])


def _same(tree: FileTree, path: str, content: bytes | None) -> bool:
    if content is None or path not in tree.sizes or tree.sizes[path] != len(content):
        return False
    try:
        return tree.read(path, MAX_SOURCE_BYTES) == content
    except DataError:
        return False


def code_folder_of(folder: str) -> str | None:
    """The folder of a submission's code when a run lies in one, else None."""
    return folder if CODE in folder.split("/") else None
