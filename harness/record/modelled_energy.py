# SPDX-License-Identifier: Apache-2.0
"""Energy of an emulated run: the power measured on such a board times the modelled latency."""

from __future__ import annotations

from mlperf_tiny.harness.record.record import EnergyMetrics, RunRecord


def modelled_energy(record: RunRecord) -> EnergyMetrics | None:
    """Return the energy of one inference in uJ; None without a latency or without a measured power of the board."""
    device = record.settings.device
    mean_w, lowest_w, highest_w = device.active_power_w, device.lowest_power_w, device.highest_power_w
    if record.performance is None or mean_w is None or lowest_w is None or highest_w is None:
        return None
    latency_us = 1000.0 * record.performance.latency_ms
    return EnergyMetrics(
        "modelled", mean_w * latency_us, lowest_w * latency_us, highest_w * latency_us, device.power_source
    )
