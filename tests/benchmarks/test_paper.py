# SPDX-License-Identifier: Apache-2.0
"""The rows of the papers: recomputed operations and files against printed ones, the document against what is stored."""

from __future__ import annotations

import re

import pytest

from benchmarks.doc_tables import DOCS, marks
from benchmarks.paper import tables, tables_mcunet
from benchmarks.paper.__main__ import all_tables
from benchmarks.paper.cells import lacking, latency
from benchmarks.paper.measure import stored
from benchmarks.paper.networks import MCUNET, find_network, mobilenetv2, proxyless
from benchmarks.paper.published import CONTENTS, TABLE_3_ONLY, TABLE_4, Published
from benchmarks.paper.published_mcunet import ON_F746, ON_H743, VWW, OnF746
from mlperf_tiny.models.arch.memory import tflite_bytes

COUNTED = [row for row in (*TABLE_4, *TABLE_3_ONLY) if row.mops is not None and not row.absent]


def mops(row: Published) -> float:
    """Operations as the paper counts them: a map of 49 rows has 24.5 after a stride of 2."""
    arch = find_network(row.network)
    halves = arch.input_shape == (49, 10, 1)
    return sum(2e-6 * layer.macs * (0.98 if halves and layer.out_shape[0] == 25 else 1.0) for layer in arch.layers)


@pytest.mark.parametrize("row", COUNTED, ids=lambda row: row.network)
def test_recomputed_operations_are_those_printed(row: Published) -> None:
    # VWW-2's maps of 50 pixels are halved four times with a half pixel left each time.
    assert mops(row) == pytest.approx(row.mops, rel=0.2 if row.network == "micronet-vww-2" else 0.02)


@pytest.mark.parametrize("row", (*VWW, *ON_F746), ids=lambda row: row.network)
def test_networks_of_mcunet_have_the_printed_operations(row: OnF746) -> None:
    assert find_network(row.network).macs / 1e6 == pytest.approx(row.mmacs, abs=0.05)


@pytest.mark.parametrize(
    ("network", "parameters"),
    [("mcunet-in4", 1.73e6), ("mcunet-in2", 0.73e6), ("mcunet-vww2", 0.64e6), ("proxyless-w0.3-r176", 0.75e6)],
)
def test_networks_of_mcunet_have_the_printed_parameters(network: str, parameters: float) -> None:
    # The lists count the scales of batch normalisation as well, which are folded here.
    assert find_network(network).parameters == pytest.approx(parameters, rel=0.02)


def test_families_at_width_1_are_the_published_networks() -> None:
    # Multiply-accumulates and parameters of MobileNetV2 (arXiv 1801.04381) and of ProxylessNAS mobile (4,080,512 with
    # batch normalisation) at 224 pixels.
    assert mobilenetv2(1.0, 224).macs == pytest.approx(300e6, rel=0.01)
    assert mobilenetv2(1.0, 224).parameters == pytest.approx(3.47e6, rel=0.01)
    assert proxyless(1.0, 224).macs == pytest.approx(320e6, rel=0.01)
    assert proxyless(1.0, 224).parameters == pytest.approx(4.06e6, rel=0.01)


@pytest.mark.parametrize(("network", "file_bytes"), [("person-detection", 300_568), ("mcunet-vww1", 639_536)])
def test_predicted_files_are_near_published_ones(network: str, file_bytes: int) -> None:
    assert tflite_bytes(find_network(network)) == pytest.approx(file_bytes, rel=0.03)


def test_every_table_and_figure_is_listed_once() -> None:
    found: list[str] = []
    for titles, _, _ in CONTENTS:
        for kind, numbers in re.findall(r"(Table|Figure)s? ([\d, ]+)", titles):
            found += [f"{kind} {number}" for number in re.findall(r"\d+", numbers)]
    wanted = [f"Table {number}" for number in range(1, 6)] + [f"Figure {number}" for number in range(2, 12)]
    assert sorted(found) == sorted(wanted)


def test_all_networks_of_both_papers_are_measured_or_have_a_reason() -> None:
    networks = stored()["networks"]
    rows = [row for row in (*TABLE_4, *TABLE_3_ONLY) if not row.absent]
    for name in [row.network for row in rows] + [arch.name for arch in MCUNET]:
        for device in ("stm32f446", "stm32f746"):
            got = networks[name]["measured"][f"{device} compiled"]
            assert latency(got, device), name  # a latency, or by how much it exceeds the board
        assert networks[name]["macs"] == find_network(name).macs
    assert {row.network for row in ON_H743} <= {arch.name for arch in MCUNET}


@pytest.mark.parametrize(
    ("need", "text"),
    [
        ({"ram_bytes": 131072 + 21 * 1024, "flash_bytes": 0}, "RAM +21 KiB"),
        ({"ram_bytes": 0, "flash_bytes": 524288 + 1024}, "flash +1 KiB"),
        ({"ram_bytes": 262144, "flash_bytes": 1048576}, "RAM +128 KiB, flash +512 KiB"),
    ],
)
def test_lack_of_memory_is_given_in_kib(need: dict[str, int], text: str) -> None:
    assert lacking({"fits": False, **need}, "stm32f446") == text
    assert latency({"fits": False, **need}, "stm32f446") == text


def test_network_that_should_fit_has_no_lack() -> None:
    with pytest.raises(ValueError, match="stm32f446 holds"):
        lacking({"fits": False, "ram_bytes": 1, "flash_bytes": 1}, "stm32f446")


def test_ratios_leave_estimates_of_the_paper_out() -> None:
    def fake(latency_ms: float) -> dict[str, object]:
        return {"fits": True, "latency_ms": latency_ms}

    measured = {
        f"{device} {engine}": fake(50.0) for device in ("stm32f446", "stm32f746") for engine in ("compiled", "tflm")
    }
    found = {"networks": {row.network: {"measured": measured} for row in TABLE_4}}
    lines = tables.ratio_table(found).splitlines()
    printed = next(line for line in lines if line.startswith("| compiled / printed, stm32f746"))
    # Thirteen rows of Table 4 print a latency on the STM32F746 that is no estimate, besides the auto-encoder's.
    cells = [cell.strip() for cell in printed.split("|")[2:-1]]
    assert cells == ["13", "0.08", "0.23", "0.86", "16.67"]
    today = next(line for line in lines if line.startswith("| compiled / TFLM today, stm32f446"))
    assert [cell.strip() for cell in today.split("|")[3:-1]] == ["1.00"] * 4


def test_mcunet_latency_of_another_board_has_no_ratio() -> None:
    row = next(row for row in ON_F746 if row.network == "mcunet-in4")
    got = {"fits": True, "latency_ms": 100.0, "arena_bytes": 1024, "flash_bytes": 2048}
    found = {"networks": {"mcunet-in4": {"measured": {"stm32f746 compiled": got}}}}
    cells = tables_mcunet._f746_row(found, row)
    assert cells[5:7] == ["100.0", "-"] and "STM32H743" in cells[-1]


def test_document_has_the_tables_of_what_was_measured() -> None:
    text = (DOCS / "paper.md").read_text(encoding="utf-8")
    for name, table in all_tables().items():
        begin, end = marks(name)
        assert text.partition(begin)[2].partition(end)[0].strip() == table, name
