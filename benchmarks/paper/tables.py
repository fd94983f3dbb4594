# SPDX-License-Identifier: Apache-2.0
"""The paper's tables with what is measured here beside what it prints."""

from __future__ import annotations

from typing import Any

from benchmarks.doc_tables import markdown_table
from benchmarks.paper.published import CONTENTS, PRINTED_UPTIME, SMALL, STRIDE_MS, TABLE_4, Published
from mlperf_tiny.models.arch.memory import tflite_bytes, tflm_ram_bytes
from mlperf_tiny.models.arch.zoo import find_arch

KIB = 1024
NONE = "-"


def contents_table() -> str:
    """Return which tables and figures of the paper are here."""
    return markdown_table(("in the paper", "here", "where, or why not"), [list(row) for row in CONTENTS], left=3)


def size_table(stored: dict[str, Any]) -> str:
    """Return operations and memory of each network: printed, computed by the paper's means, and measured.

    Args:
        stored: What was measured.
    """
    rows = []
    for row in TABLE_4:
        arch = find_arch(row.network)
        ours = stored["networks"][row.network]["measured"][f"{SMALL} compiled"]
        big = stored["networks"][row.network]["measured"]["stm32f746 compiled"]
        image = ours if ours["fits"] else big
        rows.append(
            [
                row.network,
                f"{row.mops:g}",
                f"{2 * arch.macs / 1e6:.2f}",
                f"{row.flash_kib:g}",
                f"{tflite_bytes(arch) / KIB:.0f}",
                _kib(image, "flash_bytes"),
                f"{row.sram_kib:g}",
                f"{tflm_ram_bytes(arch) / KIB:.1f}",
                _kib(image, "ram_bytes"),
            ]
        )
    head = (
        "network",
        *("Mops, printed", "recomputed"),
        *("file KiB, printed", "computed", "our flash, KiB"),
        *("SRAM KiB, printed", "computed", "our RAM, KiB"),
    )
    return markdown_table(head, rows)


def _kib(figures: dict[str, Any], name: str) -> str:
    return f"{figures[name] / KIB:.1f}" if figures["fits"] else NONE


def latency_table(stored: dict[str, Any], device: str) -> str:
    """Return latency and energy of each network on a device.

    Args:
        stored: What was measured.
        device: The board.
    """
    from mlperf_tiny.firmware.boards import find_board

    power = find_board(device).power
    assert power is not None, f"no power is known of {device}"
    rows = [_latency_row(row, stored["networks"][row.network]["measured"], device, power.active_w) for row in TABLE_4]
    head = (
        *("network", "printed, ms", "TFLM today, ms", "compiled, ms", "printed / compiled"),
        *("energy printed, mJ", "modelled, mJ"),
    )
    return markdown_table(head, rows)


def _latency_row(row: Published, measured: dict[str, Any], device: str, power_w: float) -> list[str]:
    ours, tflm = measured[f"{device} compiled"], measured.get(f"{device} tflm", {"fits": None})
    printed = row.latency_ms(device)
    energy = row.small_mj if device == SMALL else row.medium_mj
    return [
        row.network,
        NONE if printed is None else f"{printed:.0f}",
        NONE if tflm["fits"] is None else f"{tflm['latency_ms']:.1f}" if tflm["fits"] else "too large",
        f"{ours['latency_ms']:.1f}" if ours["fits"] else "too large",
        f"{printed / ours['latency_ms']:.1f}" if printed is not None and ours["fits"] else NONE,
        NONE if energy is None else f"{energy:.1f}",
        f"{ours['latency_ms'] * power_w:.1f}" if ours["fits"] else NONE,
    ]


def uptime_table(stored: dict[str, Any]) -> str:
    """Return the duty cycle of the networks for machine sounds: latency in percent of the time between inferences.

    Args:
        stored: What was measured.
    """
    rows = []
    for network, stride_ms in STRIDE_MS.items():
        cells = [network, f"{stride_ms:.0f}", PRINTED_UPTIME.get(network, NONE)]
        for device in ("stm32f446", "stm32f746"):
            got = stored["networks"][network]["measured"][f"{device} compiled"]
            cells.append(f"{100 * got['latency_ms'] / stride_ms:.1f}" if got["fits"] else "too large")
        rows.append(cells)
    return markdown_table(("network", "stride, ms", "printed, %", "stm32f446, %", "stm32f746, %"), rows)
