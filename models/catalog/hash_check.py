# SPDX-License-Identifier: Apache-2.0
"""The check of a model file's sha256: a known name always means the same file."""

from __future__ import annotations

import hashlib

from mlperf_tiny.errors import DataError


def has_hash(content: bytes, sha256: str) -> bool:
    """Return whether a file is the expected one.

    Args:
        content: The file.
        sha256: The expected hash, in hex.
    """
    return hashlib.sha256(content).hexdigest() == sha256


def checked_content(content: bytes, sha256: str, where: str) -> bytes:
    """Return ``content`` if it is a shipped model's file.

    Args:
        content: The file.
        sha256: The hash its card states, in hex.
        where: What the error calls the file.

    Raises:
        DataError: The file has another hash.
    """
    if not has_hash(content, sha256):
        got = hashlib.sha256(content).hexdigest()
        raise DataError(f"{where} has sha256 {got}, wanted {sha256}. Install the package again.")
    return content
