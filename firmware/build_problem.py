# SPDX-License-Identifier: Apache-2.0
"""What a compiler's messages mean where a part of it, or of a library's tree, is missing, and the next step."""

from __future__ import annotations

import re

PACKAGES = {
    "compiler": "gcc-arm-none-eabi",
    "C": "libnewlib-arm-none-eabi",
    "C++": "libstdc++-arm-none-eabi-newlib",
}
"""Debian's and Ubuntu's packages with the parts of the cross compiler."""

_NO_HEADER = re.compile(r"fatal error: '?([\w./+-]+?)'?(?:: No such file or directory| file not found)")
_NO_LIBRARY = re.compile(r"cannot find (-l[\w+]+|crt\w+\.o|lib[\w+]+\.a)")
_UNDEFINED = re.compile(r"undefined reference to [`']([^`'\n]+)'")
_DAMAGE = (
    "file format not recognized",
    "malformed archive",
    "file truncated",
    "no more archived files",
    " is not an object",
)
"""What linkers say of a library's file."""
_TREE_FOLDERS = ("tensorflow/", "third_party/", "flatbuffers/", "gemmlowp/", "ruy/", "fixedpoint/", "Include/", "arm_")
_C_HEADERS = frozenset({
    "assert", "ctype", "errno", "float", "inttypes", "limits", "locale", "math", "setjmp", "signal", "stdarg",
    "stdbool", "stddef", "stdint", "stdio", "stdlib", "string", "strings", "time", "wchar", "newlib", "_ansi",
})  # fmt: skip


def explain(messages: str, with_library: bool) -> str:
    """Return what is missing and the next step, or "" for messages about the code itself.

    Args:
        messages: What the compiler or linker printed.
        with_library: Whether the image is linked with a prebuilt library.
    """
    if found := _NO_HEADER.search(messages):
        return _header(found[1], with_library)
    if found := _NO_LIBRARY.search(messages):
        part = "C++" if "stdc++" in found[1] or "supc++" in found[1] else "C"
        return _install(f"the {part} library for Arm is missing (no {found[1]})", part)
    if not with_library:
        return ""
    if library := _damaged_library(messages):
        return f"the library {library} is damaged or was copied in part. Build it again with the target microlite."
    if missing := list(dict.fromkeys(_UNDEFINED.findall(messages))):
        more = f" and {len(missing) - 1} more" if missing[1:] else ""
        return (
            f"the library is incomplete: it lacks {missing[0]}{more}. Build it again with the target microlite, "
            "from the same tree as its headers."
        )
    return ""


def _damaged_library(messages: str) -> str:
    """The path of a library that a line names before it says that the file is damaged; "" for none."""
    for line in messages.splitlines():
        for phrase in _DAMAGE:
            before, found, _ = line.partition(phrase)
            words = before.replace(":", " ").split() if found else ()
            for word in words:
                name, dot, _ = word.rpartition(".a")
                if name:
                    return name + dot
    return ""


def _header(header: str, with_library: bool) -> str:
    if with_library and header.startswith(_TREE_FOLDERS):
        return (
            f"the library's tree is incomplete: it has no header {header}. Copy the whole tree, with what its make "
            "downloads, or run its make again."
        )
    if "/" in header or (header.endswith((".h", ".hpp")) and not _is_of_c(header)):
        return ""
    part = "C" if header.endswith(".h") else "C++"
    return _install(f"the {part} library for Arm is missing (no header {header})", part)


def _is_of_c(header: str) -> bool:
    return header.removesuffix(".h") in _C_HEADERS


def _install(problem: str, part: str) -> str:
    return f"{problem}. Install it; on Debian and Ubuntu: sudo apt install {PACKAGES[part]}"
