# SPDX-License-Identifier: Apache-2.0
"""``micronet-compile``: compile a .tflite model to a folder of readable C."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from mlperf_tiny.cli.command import OneOf, click_command, json_option
from mlperf_tiny.cli.options import DIR, DataOptions, data_options
from mlperf_tiny.cli.output import echo, echo_json
from mlperf_tiny.disk import write_error
from mlperf_tiny.file_names import plain_text
from mlperf_tiny.firmware.codegen.ir.plan import Isa
from mlperf_tiny.terminal import text_table

if TYPE_CHECKING:
    from mlperf_tiny.firmware.codegen.pipeline import CompiledModel


@click_command()
@click.argument("model", metavar="NAME|PATH")
@click.option("--out", type=DIR, required=True, metavar="DIR", help="Folder for the C code.")
@click.option(
    "--isa",
    type=OneOf([isa.value for isa in Isa]),
    default=Isa.DSP.value,
    help="Kernels: portable C, or the DSP instructions of Cortex-M4 and M7.",
)
@data_options(text="Folder with the published models, for a model by name.")
@click.option("--force", is_flag=True, help="Replace a folder that holds other files.")
@json_option
def main(model: str, out: Path, isa: str, data: DataOptions, force: bool, as_json: bool) -> None:
    """Compile a model, a .tflite file or a known name (mlperf-kws, micronet-kws-s, ...), to C.

    Writes model.c, model_constants.h and the kernels they need. Compile them with -I. -Iengine -Iengine/dsp.
    """
    from mlperf_tiny.firmware.codegen.pipeline import compile_model, self_contained
    from mlperf_tiny.firmware.codegen.write import write_folder

    compiled = compile_model(_load(model, data.data), plain_text(Path(model).name), Isa(isa))
    try:
        write_folder(self_contained(compiled), out, force)
    except OSError as error:
        raise write_error(error, out, "or name another folder with --out") from error
    if as_json:
        echo_json(_report(compiled, out), indent=1)
    else:
        echo(_text(compiled, out))


def _load(model: str, data: Path | None) -> bytes:
    from mlperf_tiny.models.catalog.catalog import find_model, model_names
    from mlperf_tiny.models.catalog.model import read_model

    path = Path(model)
    if not model or model in model_names() or not (path.exists() or path.suffix == ".tflite"):
        return find_model(model, data_dir=data).load()  # an unknown name is an error that lists the known ones
    return read_model(path)


def _report(compiled: CompiledModel, out: Path) -> dict[str, object]:
    plan, placement = compiled.plan, compiled.placement
    return {
        "model": plan.source,
        "model_sha256": compiled.model_sha256,
        "isa": plan.isa.value,
        "out": str(out),
        "input": {"shape": plan.input.shape, "scale": plan.input.scale, "zero_point": plan.input.zero_point},
        "output": {"shape": plan.output.shape, "scale": plan.output.scale, "zero_point": plan.output.zero_point},
        "layers": [
            {
                "title": step.title,
                "kernel": step.kernel,
                "macs": step.macs,
                "constant_bytes": sum(c.size_bytes for c in step.constants),
                "scratch_bytes": step.scratch_bytes,
            }
            for step in plan.steps
        ],
        "macs": plan.macs,
        "constant_bytes": plan.constant_bytes,
        "arena_bytes": placement.arena_bytes,
        "peak_step": placement.peak_step,
        "notes": list(plan.notes),
    }


def _text(compiled: CompiledModel, out: Path) -> str:
    plan, placement = compiled.plan, compiled.placement
    layers = [["layer", "MACs", "constants", "scratch"]]
    for step in plan.steps:
        sizes = (step.macs, sum(c.size_bytes for c in step.constants), step.scratch_bytes)
        layers.append([step.title, *(f"{size:,}" if size else "-" for size in sizes)])
    peak = f", peak in layer {plan.steps[placement.peak_step].title}" if plan.steps else ""
    totals = [
        ["MACs", f"{plan.macs:,}", ""],
        ["constants", f"{plan.constant_bytes:,}", "bytes of flash"],
        ["arena", f"{placement.arena_bytes:,}", f"bytes of RAM{peak}"],
    ]
    kernels = f"{len(compiled.sources)} {plan.isa.value} kernels"
    return "\n".join(
        [
            text_table(layers, align="<>>>"),
            "",
            *(f"note: {note}" for note in plan.notes),
            text_table(totals, align="<><"),
            f"written to {out}: {', '.join(compiled.files)}, engine/ with {kernels}",
        ]
    )
