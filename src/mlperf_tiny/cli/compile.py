# SPDX-License-Identifier: Apache-2.0
"""``micronet-compile``: a .tflite in, a folder of readable C out."""

from __future__ import annotations

import json
from pathlib import Path

import click

from mlperf_tiny.cli.errors import reports_errors
from mlperf_tiny.errors import DataError
from mlperf_tiny.firmware.codegen.ir.plan import Isa
from mlperf_tiny.firmware.codegen.pipeline import CompiledModel, compile_model, self_contained
from mlperf_tiny.firmware.codegen.write import write_folder
from mlperf_tiny.models.catalog.catalog import find_model, model_names, read_model


@click.command()
@click.argument("model")
@click.option("--out", type=click.Path(path_type=Path), required=True, help="Folder for the C code.")
@click.option(
    "--isa",
    type=click.Choice([isa.value for isa in Isa]),
    default=Isa.DSP.value,
    show_default=True,
    help="Kernels: portable C, or the DSP instructions of Cortex-M4 and M7.",
)
@click.option("--data", type=click.Path(path_type=Path), help="Folder with the published models, for a model by name.")
@click.option("--force", is_flag=True, help="Replace a folder that holds other files.")
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object instead of the table.")
@reports_errors
def main(model: str, out: Path, isa: str, data: Path | None, force: bool, as_json: bool) -> None:
    """Compile MODEL, a .tflite file or a known name (mlperf-kws, micronet-kws-s, ...), to C.

    Writes model.c, model_constants.h and the kernels they need. Compile them with -I. -Iengine -Iengine/dsp.
    """
    compiled = compile_model(_load(model, data), Path(model).name, Isa(isa))
    try:
        write_folder(self_contained(compiled), out, force)
    except OSError as error:
        raise DataError(f"{out} cannot be written: {error.strerror}. Name another folder with --out.") from error
    if as_json:
        click.echo(json.dumps(_report(compiled, out), indent=1))
    else:
        click.echo(_table(compiled, out))


def _load(model: str, data: Path | None) -> bytes:
    path = Path(model)
    if not model or model in model_names() or not (path.exists() or path.suffix == ".tflite"):
        return find_model(model, data_dir=data).load()  # for a misspelt name it lists those there are
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


def _table(compiled: CompiledModel, out: Path) -> str:
    plan, placement = compiled.plan, compiled.placement
    rows = [["layer", "MACs", "constants", "scratch"]]
    for step in plan.steps:
        numbers = (step.macs, sum(c.size_bytes for c in step.constants), step.scratch_bytes)
        rows.append([step.title, *(f"{n:,}" if n else "-" for n in numbers)])
    width = max(len(row[0]) for row in rows)
    lines = [f"{title:{width}}  {macs:>12}  {constants:>10}  {scratch:>8}" for title, macs, constants, scratch in rows]
    fullest = f", full in layer {plan.steps[placement.peak_step].title}" if plan.steps else ""
    kernels = f"{len(compiled.sources)} {plan.isa.value} kernels"
    lines += [
        "",
        *(f"note: {note}" for note in plan.notes),
        f"MACs       {plan.macs:>12,}",
        f"constants  {plan.constant_bytes:>12,} bytes of flash",
        f"arena      {placement.arena_bytes:>12,} bytes of RAM{fullest}",
        f"written    {out}: {', '.join(compiled.files)}, engine/ with {kernels}",
    ]
    return "\n".join(lines)
