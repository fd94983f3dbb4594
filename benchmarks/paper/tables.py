# SPDX-License-Identifier: Apache-2.0
"""The MicroNets paper's tables with what is measured here beside what it prints."""

from __future__ import annotations

import statistics
from collections.abc import Callable, Sequence
from typing import Any

from benchmarks.doc_tables import markdown_table
from benchmarks.paper.cells import KIB, NONE, Figures, kib, latency, number
from benchmarks.paper.networks import find_network
from benchmarks.paper.published import (
    CONTENTS,
    ENLARGED,
    MEDIUM,
    PRINTED_UPTIME,
    SMALL,
    STRIDE_MS,
    TABLE_3,
    TABLE_3_ONLY,
    TABLE_4,
    Published,
)
from mlperf_tiny.models.arch.memory import buffers, greedy_bytes, tflite_bytes, tflm_ram_bytes
from mlperf_tiny.search.cost.analytic import CONSTANTS
from mlperf_tiny.search.cost.cost import plain_layers

Stored = dict[str, Any]
"""What was measured, as ``benchmarks.paper.measure`` keeps it."""


def figures_of(stored: Stored, network: str, device: str, engine: str = "compiled") -> Figures | None:
    """Return what was measured of a network on a board; None where it was not.

    Args:
        stored: What was measured.
        network: Its name.
        device: The board.
        engine: The engine.
    """
    measured = stored["networks"].get(network, {}).get("measured", {})
    found: Figures | None = measured.get(f"{device} {engine}")
    return found


def contents_table() -> str:
    """Return which tables and figures of the paper are here."""
    return markdown_table(("in the paper", "here", "where, or why not"), [list(row) for row in CONTENTS], left=3)


def absent_table() -> str:
    """Return the rows of the paper's tables that are not measured here, with the reason."""
    rows = [[row.network, row.absent] for row in (*TABLE_4, *TABLE_3_ONLY) if row.absent]
    return markdown_table(("network", "why it is not measured"), rows, left=2)


def size_table(stored: Stored) -> str:
    """Return operations and memory of each network: printed, computed by the paper's means, and measured.

    Args:
        stored: What was measured.
    """
    head = (
        "network",
        *("Mops, printed", "recomputed"),
        *("file KiB, printed", "computed", "our flash, KiB"),
        *("SRAM KiB, printed", "computed", "our RAM, KiB"),
    )
    return markdown_table(head, [_size_row(stored, row) for row in (*TABLE_4, *TABLE_3_ONLY)])


def _size_row(stored: Stored, row: Published) -> list[str]:
    mops, flash, sram = (
        NONE if value is None else f"{value:g}{row.mark(name)}"
        for name, value in (("mops", row.mops), ("flash_kib", row.flash_kib), ("sram_kib", row.sram_kib))
    )
    if row.absent:
        return [row.network, mops, NONE, flash, NONE, NONE, sram, NONE, NONE]
    arch, image = find_network(row.network), _image(stored, row.network)
    return [
        row.network,
        *(mops, f"{2 * arch.macs / 1e6:.2f}"),
        *(flash, f"{tflite_bytes(arch) / KIB:.0f}", kib(image, "flash_bytes")),
        *(sram, f"{tflm_ram_bytes(arch) / KIB:.1f}", kib(image, "ram_bytes")),
    ]


def _image(stored: Stored, network: str) -> Figures | None:
    """The image for the smallest board that holds it, the compiled engine's."""
    found = [figures_of(stored, network, device) for device in (SMALL, MEDIUM, ENLARGED)]
    return next((row for row in found if row is not None and row["fits"]), None)


def latency_table(stored: Stored, device: str) -> str:
    """Return latency and energy of each network on a device.

    Args:
        stored: What was measured.
        device: The board.
    """
    from mlperf_tiny.firmware.boards import find_board

    power = find_board(device).power
    assert power is not None, f"no power is known of {device}"
    rows = [_latency_row(stored, row, device, power.active_w) for row in TABLE_4 if not row.absent]
    head = (
        *("network", "printed, ms", "TFLM today, ms", "compiled, ms", "printed / compiled"),
        *("energy printed, mJ", "modelled, mJ"),
    )
    return markdown_table(head, rows)


def _latency_row(stored: Stored, row: Published, device: str, power_w: float) -> list[str]:
    ours, tflm = figures_of(stored, row.network, device), figures_of(stored, row.network, device, "tflm")
    assert ours is not None, f"{row.network} was not measured on {device}"
    printed = row.latency_ms(device)
    small = device == SMALL
    fits = ours["fits"]
    return [
        row.network,
        number(printed) + row.mark("small_s" if small else "medium_s"),
        latency(tflm, device),
        latency(ours, device),
        f"{printed / ours['latency_ms']:.1f}" if printed is not None and fits else NONE,
        number(row.small_mj if small else row.medium_mj, 1),
        f"{ours['latency_ms'] * power_w:.1f}" if fits else NONE,
    ]


def large_board_table(stored: Stored) -> str:
    """Return the latencies printed for the large board beside those of its core with its memory.

    Args:
        stored: What was measured.
    """
    rows = []
    for row in TABLE_4:
        if row.large_s is None or row.absent:
            continue
        ours, memory = figures_of(stored, row.network, MEDIUM), "STM32F746"
        if ours is not None and not ours["fits"]:
            ours, memory = figures_of(stored, row.network, ENLARGED), "enlarged"
        assert ours is not None, f"{row.network} was not measured"
        ratio = f"{1e3 * row.large_s / ours['latency_ms']:.1f}" if ours["fits"] else NONE
        rows.append([row.network, number(1e3 * row.large_s), latency(ours, MEDIUM), ratio, memory])
    return markdown_table(("network", "printed, ms", "compiled, ms", "printed / compiled", "memory"), rows)


def machine_sound_table(stored: Stored) -> str:
    """Return Table 3: size, operations, and the duty cycle, latency in percent of the time between inferences.

    Args:
        stored: What was measured.
    """
    head = (
        *("network", "AUC printed, %", "Mops, printed", "recomputed", "stride, ms"),
        *("duty cycle printed, %", "stm32f446, %", "stm32f746, %"),
    )
    return markdown_table(head, [_machine_sound_row(stored, row) for row in TABLE_3])


def _machine_sound_row(stored: Stored, row: Published) -> list[str]:
    stride_ms = STRIDE_MS.get(row.network)
    duty = []
    for device in (SMALL, MEDIUM):
        got = figures_of(stored, row.network, device)
        if got is None or stride_ms is None or not got["fits"]:
            duty.append(latency(got, device))
        else:
            duty.append(f"{100 * got['latency_ms'] / stride_ms:.1f}")
    recomputed = NONE if row.absent else f"{2 * find_network(row.network).macs / 1e6:.2f}"
    return [
        *(row.network, row.quality, number(row.mops, 2), recomputed, number(stride_ms)),
        *(PRINTED_UPTIME.get(row.network, NONE), *duty),
    ]


def memory_parts_table(stored: Stored) -> str:
    """Return Figure 2: the memory of KWS-L on the medium board, part by part.

    Args:
        stored: What was measured.
    """
    arch = find_network("micronet-kws-l")
    tflm, ours = (figures_of(stored, arch.name, MEDIUM, engine) for engine in ("tflm", "compiled"))
    assert ours is not None, "KWS-L was not measured"
    activations = greedy_bytes(buffers(arch, scratch=True))
    constants = sum(layer.weights + 4 * layer.biases for layer in arch.layers)
    per_channel = float(CONSTANTS.of_layers(plain_layers(arch.layers))) - constants
    rows = [
        ["RAM: activations, scratch", "174", *_pair(tflm and activations, ours["arena_bytes"])],
        ["RAM: kept by the interpreter", "34", *_pair(tflm and tflm["arena_bytes"] - activations, 0)],
        ["RAM: all else", "8", *_pair(tflm and tflm["ram_bytes"] - tflm["arena_bytes"], _besides(ours))],
        ["flash: weights, biases", "500", *_pair(tflm and constants, constants)],
        [
            "flash: rescaling, graph",
            "112",
            *_pair(tflm and tflite_bytes(arch) - constants, per_channel),
        ],
        [
            "flash: code, vectors",
            "75",
            *_pair(tflm and tflm["flash_bytes"] - tflite_bytes(arch), ours["flash_bytes"] - constants - per_channel),
        ],
    ]
    return markdown_table(("part", "printed, KB", "TFLM today, KiB", "compiled, KiB"), rows)


def _besides(figures: Figures) -> int:
    return int(figures["ram_bytes"] - figures["arena_bytes"])


def _pair(tflm: float | None, ours: float) -> tuple[str, str]:
    return NONE if tflm is None else f"{tflm / KIB:.1f}", f"{ours / KIB:.1f}"


Ratio = Callable[[Stored, Published], float | None]


def _ms(stored: Stored, network: str, device: str, engine: str) -> float | None:
    """A measured latency; None where there is none."""
    got = figures_of(stored, network, device, engine)
    return None if got is None or not got["fits"] else float(got["latency_ms"])


def _over(above: Ratio, below: Ratio) -> Ratio:
    def ratio(stored: Stored, row: Published) -> float | None:
        first, second = above(stored, row), below(stored, row)
        return None if first is None or second is None else first / second

    return ratio


def _latency_of(device: str, engine: str) -> Ratio:
    """A latency as a function of a row; engine "": the printed one, unless the paper marks it as an estimate."""
    if engine:
        return lambda stored, row: _ms(stored, row.network, device, engine)
    field = "small_s" if device == SMALL else "medium_s"
    return lambda stored, row: None if row.mark(field) else row.latency_ms(device)


def ratio_table(stored: Stored) -> str:
    """Return the ranges of the ratios of latencies over the networks, the auto-encoder by itself.

    Args:
        stored: What was measured.
    """
    rows = []
    for above, below in (("tflm", ""), ("compiled", "tflm"), ("compiled", "")):
        for device in (SMALL, MEDIUM):
            name = f"{_title(above)} / {_title(below)}, {device}"
            rows.append(_range_row(stored, name, _over(_latency_of(device, above), _latency_of(device, below))))
    for engine in ("", "tflm", "compiled"):
        ratio = _over(_latency_of(SMALL, engine), _latency_of(MEDIUM, engine))
        rows.append(_range_row(stored, f"{SMALL} / {MEDIUM}, {_title(engine)}", ratio))
    head = ("latency", "networks", "least", "median", "most", "auto-encoder")
    return markdown_table(head, rows)


def _title(engine: str) -> str:
    return {"": "printed", "tflm": "TFLM today"}.get(engine, engine)


def _range_row(stored: Stored, name: str, ratio: Ratio) -> list[str]:
    found = {row.network: ratio(stored, row) for row in TABLE_4 if not row.absent}
    encoder = found.pop("ad-autoencoder")
    values: Sequence[float] = sorted(value for value in found.values() if value is not None)
    if not values:
        return [name, "0", NONE, NONE, NONE, number(encoder, 2)]
    median = statistics.median(values)
    return [name, str(len(values)), *(f"{value:.2f}" for value in (values[0], median, values[-1])), number(encoder, 2)]
