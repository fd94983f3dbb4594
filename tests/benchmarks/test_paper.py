# SPDX-License-Identifier: Apache-2.0
"""The rows of the paper: recomputed operations against printed ones, and the document against what is stored."""

from __future__ import annotations

import pytest

from benchmarks.doc_tables import DOCS, marks
from benchmarks.paper.__main__ import tables
from benchmarks.paper.published import TABLE_4, Published
from mlperf_tiny.models.arch.zoo import find_arch


def mops(row: Published) -> float:
    """Operations as the paper counts them: a map of 49 rows has 24.5 after a stride of 2."""
    arch = find_arch(row.network)
    halves = arch.input_shape == (49, 10, 1)
    return sum(2e-6 * layer.macs * (0.98 if halves and layer.out_shape[0] == 25 else 1.0) for layer in arch.layers)


@pytest.mark.parametrize("row", TABLE_4, ids=lambda row: row.network)
def test_recomputed_operations_are_those_printed(row: Published) -> None:
    # VWW-2's maps of 50 pixels are halved four times with a half pixel left each time.
    assert mops(row) == pytest.approx(row.mops, rel=0.2 if row.network == "micronet-vww-2" else 0.02)


def test_document_has_the_tables_of_what_was_measured() -> None:
    text = (DOCS / "paper.md").read_text(encoding="utf-8")
    for name, table in tables().items():
        begin, end = marks(name)
        assert text.partition(begin)[2].partition(end)[0].strip() == table
