# SPDX-License-Identifier: Apache-2.0
"""What MCUNet's authors publish beside what is measured here."""

from __future__ import annotations

from typing import Any

from benchmarks.doc_tables import markdown_table
from benchmarks.paper.cells import KIB, NONE, Figures, kib, latency, number
from benchmarks.paper.networks import MCUNET, find_network
from benchmarks.paper.published import ENLARGED, MEDIUM, SMALL
from benchmarks.paper.published_mcunet import CO_DESIGN, ON_F746, ON_H743, VWW, OnF746, OnH743
from benchmarks.paper.tables import Stored, figures_of


def measured_table(stored: Stored) -> str:
    """Return what each network takes here, on boards that hold it and by how much it exceeds the others.

    Args:
        stored: What was measured.
    """
    rows = []
    for arch in MCUNET:
        image, _ = _on_m7(stored, arch.name)
        boards = [latency(figures_of(stored, arch.name, device), device) for device in (SMALL, MEDIUM)]
        enlarged = figures_of(stored, arch.name, ENLARGED)
        sizes = [kib(image, name) for name in ("arena_bytes", "ram_bytes", "flash_bytes")]
        rows.append([arch.name, f"{arch.macs / 1e6:.2f}", *boards, latency(enlarged, MEDIUM), *sizes])
    head = (
        *("network", "MMAC", "stm32f446, ms", "stm32f746, ms", "enlarged, ms"),
        *("arena, KiB", "RAM of the image, KiB", "flash, KiB"),
    )
    return markdown_table(head, rows)


def _on_m7(stored: Stored, network: str) -> tuple[Figures | None, bool]:
    """What was measured on the STM32F746 or, where it is too small, with more memory; and whether that was needed."""
    found = figures_of(stored, network, MEDIUM)
    if found is not None and found["fits"]:
        return found, False
    return figures_of(stored, network, ENLARGED), True


def f746_table(stored: Stored) -> str:
    """Return the figures published for the STM32F746 beside ours.

    Args:
        stored: What was measured.
    """
    head = (
        *("network", "MMAC, printed", "recomputed", "TFLM 2020, ms", "TinyEngine, ms", "compiled, ms"),
        *("TinyEngine / compiled", "SRAM KiB, TinyEngine", "our arena", "flash KiB, TinyEngine", "our flash", "note"),
    )
    return markdown_table(head, [_f746_row(stored, row) for row in (*VWW, *ON_F746)])


def _f746_row(stored: Stored, row: OnF746) -> list[str]:
    ours, enlarged = _on_m7(stored, row.network)
    comparable = ours is not None and ours["fits"] and row.tinyengine.ms is not None and "H743" not in row.note
    notes = [text for text in (row.note, "ours with more memory" if enlarged else "") if text]
    return [
        *(row.network, f"{row.mmacs:g}", f"{find_network(row.network).macs / 1e6:.2f}"),
        *(number(row.tflm.ms), number(row.tinyengine.ms), latency(ours, MEDIUM)),
        f"{row.tinyengine.ms / ours['latency_ms']:.1f}" if comparable and ours and row.tinyengine.ms else NONE,
        *(number(row.tinyengine.sram_kib), kib(ours, "arena_bytes")),
        *(number(row.tinyengine.flash_kib), kib(ours, "flash_bytes"), "; ".join(notes)),
    ]


def h743_table(stored: Stored) -> str:
    """Return the figures published for the STM32H743 beside our memory, and beside our latency on the STM32F746.

    Args:
        stored: What was measured.
    """
    head = (
        *("network", "CMSIS-NN, ms", "X-CUBE-AI, ms", "TinyEngine, ms", "ours on the STM32F746, ms"),
        *("SRAM KiB: TFLM", "X-CUBE-AI", "TinyEngine", "our arena"),
        *("flash KiB: TFLM", "X-CUBE-AI", "TinyEngine", "our flash"),
    )
    return markdown_table(head, [_h743_row(stored, row) for row in ON_H743])


def _h743_row(stored: Stored, row: OnH743) -> list[str]:
    ours, _ = _on_m7(stored, row.network)
    engines = (row.cmsis_nn, row.cube_ai, row.tinyengine)
    return [
        *(row.network, *(number(engine.ms) for engine in engines), latency(ours, MEDIUM)),
        *(number(engine.sram_kib) for engine in engines),
        kib(ours, "arena_bytes"),
        *(number(engine.flash_kib) for engine in engines),
        kib(ours, "flash_bytes"),
    ]


def co_design_table(stored: Stored) -> str:
    """Return which networks fit under TFLM's memory and under the compiled engine's.

    Args:
        stored: What ``co_design`` found.
    """
    rows = []
    for device, families in stored["devices"].items():
        for family, found in families.items():
            tflm, compiled = found["tflm"], found["compiled"]
            rows.append(
                [
                    *(device, family, str(found["networks"])),
                    *(str(tflm["fitting"]), str(compiled["fitting"])),
                    *(_largest(tflm), _largest(compiled), _quotient(tflm, compiled, "macs")),
                ]
            )
    head = (
        *("board", "networks of", "number", "fit with TFLM", "fit compiled"),
        *("most MMAC with TFLM", "most MMAC compiled", "compiled / TFLM"),
    )
    return markdown_table(head, rows, left=2)


def _largest(found: dict[str, Any]) -> str:
    return f"{found['macs'] / 1e6:.1f} ({found['largest']})" if found["fitting"] else NONE


def _quotient(tflm: dict[str, Any], compiled: dict[str, Any], name: str) -> str:
    return f"{compiled[name] / tflm[name]:.2f}" if name in tflm and name in compiled else NONE


def first_stage_table(stored: Stored) -> str:
    """Return the part of TinyNAS's space that its first stage chooses under each memory.

    Args:
        stored: What ``co_design`` found.
    """
    rows = []
    for device, families in stored["devices"].items():
        tflm, compiled = families["TinyNAS"]["tflm"], families["TinyNAS"]["compiled"]
        quotient = _quotient(tflm, compiled, "part_mean_macs")
        rows.append([device, *_part(tflm), *_part(compiled), quotient])
    head = (
        *("board", "part with TFLM", "mean MMAC", "fit, %", "part compiled", "mean MMAC", "fit, %"),
        "compiled / TFLM",
    )
    return markdown_table(head, rows)


def _part(found: dict[str, Any]) -> list[str]:
    if "part" not in found:
        return ["none", NONE, NONE]
    return [found["part"], f"{found['part_mean_macs'] / 1e6:.1f}", f"{100 * found['part_fitting']:.0f}"]


def co_design_claims_table() -> str:
    """Return the paper's own table of co-design: accuracies that only its training gives."""
    rows = [[name, f"{interpreter:g}", f"{engine:g}"] for name, interpreter, engine in CO_DESIGN]
    return markdown_table(("network", "CMSIS-NN's memory, %", "TinyEngine's memory, %"), rows)


def overhead_text(stored: Stored) -> str:
    """Return what images take besides what follows from shapes, in KiB.

    Args:
        stored: What ``co_design`` found.
    """
    found = stored["overheads"]
    return "; ".join(
        f"{name}: RAM {row['ram'] / KIB:.1f} KiB, flash {row['flash'] / KIB:.1f} KiB" for name, row in found.items()
    )
