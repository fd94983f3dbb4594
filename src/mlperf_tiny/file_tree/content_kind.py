# SPDX-License-Identifier: Apache-2.0
"""What a file really is that is not what its name says: by the bytes it begins with."""

from __future__ import annotations

import re
from dataclasses import dataclass

from mlperf_tiny.errors import WrongRequest

_HEAD_BYTES = 4096
POINTER_BYTES = 1024
"""A Git LFS pointer is smaller, by its specification."""


@dataclass(frozen=True, kw_only=True)
class ContentKind:
    """A kind of file that is often found under the name of another."""

    what: str
    """A phrase after "it is"."""
    advice: str
    """What to do, as a sentence."""
    placeholder: bool = False
    """It lies where another file was meant to be, and is no data of any kind."""


_LFS = ContentKind(
    what="a Git LFS pointer, not the file itself",
    advice="Run 'git lfs pull' in its repository, or download the file itself.",
    placeholder=True,
)
_PAGE = ContentKind(
    what="a web page, not the file itself",
    advice="Download the file itself; on GitHub use the 'Raw' address.",
    placeholder=True,
)
_C_ARRAY = ContentKind(
    what="C source text, perhaps the model as an array",
    advice="Name the .tflite that it was made from, or turn the array back into bytes with 'xxd -r -p'.",
)
_CONVERT = "Convert the network to TensorFlow Lite and name the .tflite file."
_UNPACK = "Unpack it and name the file in it."

# How files of a kind begin, the pattern first that says most.
_KINDS: tuple[tuple[re.Pattern[bytes], ContentKind], ...] = (
    (re.compile(rb"version https?://git-lfs\.github\.com/spec/|version https?://hawser\.github\.com/spec/"), _LFS),
    (re.compile(rb"(?i)\s*(<!--.{0,2000}?-->\s*)?<(!doctype\s+html|html|head|body)\b", re.DOTALL), _PAGE),
    (
        re.compile(rb"(?i)\s*<(\?xml|!doctype|svg)\b"),
        ContentKind(what="an XML file", advice="Download the file itself."),
    ),
    (
        re.compile(rb"\x89HDF\r\n\x1a\n"),
        ContentKind(what="an HDF5 file, as Keras saves networks (.h5)", advice=_CONVERT),
    ),
    # ModelProto: field 1 (ir_version) is a small number, then the name of its producer or the next fields.
    (
        re.compile(rb"\x08[\x01-\x14](\x12.[ -~]{2,}|\x1a.|\x22.|\x3a.|\x42.)", re.DOTALL),
        ContentKind(what="an ONNX model", advice=_CONVERT),
    ),
    (re.compile(rb"PK\x03\x04|PK\x05\x06"), ContentKind(what="a zip archive", advice=_UNPACK)),
    (re.compile(rb"\x1f\x8b\x08"), ContentKind(what="a gzip archive", advice=_UNPACK)),
    (re.compile(rb"BZh[1-9]|\xfd7zXZ\x00|7z\xbc\xaf\x27\x1c"), ContentKind(what="a packed archive", advice=_UNPACK)),
    (
        re.compile(rb"\x7fELF"),
        ContentKind(what="an ELF file, compiled code", advice="Name the file that it was made from."),
    ),
    (
        re.compile(rb"\s*(//|/\*|#\s*(include|ifndef|ifdef|pragma|define)\b|(static |const |alignas|unsigned ))"),
        _C_ARRAY,
    ),
    (re.compile(rb"\s*\{\s*\""), ContentKind(what="a JSON text", advice="Download the file itself.")),
)


def content_kind(content: bytes) -> ContentKind | None:
    """Return what a file is by its beginning, or None for a kind that is not known here."""
    head = content[:_HEAD_BYTES].removeprefix(b"\xef\xbb\xbf")
    return next((kind for pattern, kind in _KINDS if pattern.match(head)), None)


def refuse_placeholder(content: bytes, where: str) -> None:
    """Raise WrongRequest for a Git LFS pointer or a web page in the place of a file.

    Args:
        content: The file, or its beginning.
        where: Its path, for the message.
    """
    kind = content_kind(content)
    if kind is not None and kind.placeholder:
        raise WrongRequest(f"{where} is {kind.what}. {kind.advice}")


def problem_of(content: bytes, error: object) -> str:
    """Return why a file cannot be decoded, as the end of a sentence.

    Args:
        content: The file, or its beginning.
        error: What the decoder said.
    """
    kind = content_kind(content)
    return f"it is {kind.what}" if kind else re.sub(r"<_io\.BytesIO object at \w+>", "it", str(error)).rstrip(".")
