# SPDX-License-Identifier: Apache-2.0
"""Markers are assigned from what a test imports and uses."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.markers import MARKERS, NEEDS, markers_of_file, markers_of_test


def written(folder: Path, text: str) -> Path:
    path = folder / "test_it.py"
    path.write_text(text)
    return path


@pytest.mark.parametrize(
    ("top", "body", "wanted"),
    [
        ("import json", "pass", {"unit"}),
        ("from mlperf_tiny.runners.emulator import board", "pass", {"emulator"}),
        ("from tests.fakes.host_model import build_model", "pass", {"toolchain"}),
        ("from mlperf_tiny.firmware.buildings import x", "pass", {"unit"}),
        ("import json", "pytest.importorskip('tensorflow')", {"tensorflow"}),
        ("tf = pytest.importorskip('tensorflow')", "import ziglang", {"tensorflow", "toolchain"}),
    ],
)
def test_marker_of_a_test(tmp_path: Path, top: str, body: str, wanted: set[str]) -> None:
    path = written(tmp_path, f"import pytest\n{top}\n\ndef test_it() -> None:\n    {body}\n")
    assert markers_of_test(path, "test_it") == wanted
    assert markers_of_test(path, "test_it", ("data_dir",)) == (wanted | {"data"}) - {"unit"}


def test_import_inside_one_test_does_not_mark_the_file(tmp_path: Path) -> None:
    path = written(tmp_path, "def test_a() -> None:\n    import tensorflow\n\ndef test_b() -> None: ...\n")
    assert markers_of_file(path) == frozenset()
    assert markers_of_test(path, "test_b") == {"unit"}


def test_every_need_is_a_marker() -> None:
    assert set(NEEDS) < set(MARKERS)
