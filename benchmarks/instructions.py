# SPDX-License-Identifier: Apache-2.0
"""Instructions and RAM of one inference, next to what TensorFlow Lite Micro with CMSIS-NN takes.

``python -m benchmarks.instructions MODEL.tflite ... [--device stm32f446] [--steps] [--json]``
runs each model on the emulated core with random and with extreme inputs. With ai-edge-litert installed the outputs are
compared with TFLite's reference kernels; any difference ends the run with status 1.
"""

from __future__ import annotations

import json
import sys
from dataclasses import asdict, dataclass
from pathlib import Path

import click
import numpy as np

from benchmarks.bare_core import BareCore
from benchmarks.models import default_models
from mlperf_tiny.firmware.boards import find_board
from mlperf_tiny.firmware.codegen.ir.plan import Isa, Plan
from mlperf_tiny.firmware.codegen.lower import lower
from mlperf_tiny.firmware.codegen.place import Placement, place
from mlperf_tiny.firmware.codegen.tflite.read_tflite import read_tflite


@dataclass(frozen=True)
class Baseline:
    """TFLM 90b983c2 with CMSIS-NN 4ab83cc3, gcc 12.2, counted by the same emulator per Invoke()."""

    m7_instructions: int
    m4_instructions: int
    arena_bytes: int


BASELINES = {
    "kws_ref_model": Baseline(7_761_234, 7_419_538, 22_820),
    "vww_96_int8": Baseline(24_483_841, 23_430_041, 100_708),
    "ad01_int8": Baseline(582_621, 573_255, 2_580),
    "pretrainedResnet_quant": Baseline(29_935_011, 28_616_048, 54_996),
    "str_ww_ref_model": Baseline(2_187_199, 2_137_667, 16_596),
    "kws_micronet_s": Baseline(21_631_496, 20_897_632, 62_932),
    "kws_micronet_m": Baseline(35_996_042, 34_965_910, 100_948),
    "ad_small_int8": Baseline(41_294_866, 40_400_383, 114_324),
    "ad_medium_int8_rev1": Baseline(121_731_677, 119_997_805, 271_188),
    "ad_large_int8": Baseline(129_786_849, 127_445_899, 378_820),
    "vww2_50_50_INT8": Baseline(13_279_546, 12_397_528, 66_452),
    "vww3_128_128_INT8": Baseline(77_007_528, 72_484_644, 134_308),
    "vww4_128_128_INT8": Baseline(64_621_701, 60_734_812, 119_524),
    "ds_cnn_s_quantized": Baseline(7_762_155, 7_420_444, 22_916),
    "ds_cnn_m_quantized": Baseline(21_736_348, 21_196_425, 68_884),
}


@dataclass(frozen=True)
class Row:
    """One model on one device. ``different`` counts output values unlike TFLite's; None without ai-edge-litert."""

    model: str
    device: str
    macs: int
    instructions: int
    arena_bytes: int
    constant_bytes: int
    baseline_instructions: int | None
    baseline_arena_bytes: int | None
    different: int | None
    steps: tuple[tuple[str, int, int], ...]


def measure(path: Path, device: str, isa: Isa) -> Row:
    """Run the model with three inputs; the count must not depend on the input, the largest is given."""
    data = path.read_bytes()
    plan = lower(read_tflite(data, path.name), isa)
    placement = place(plan)
    outputs, runs = _run(plan, placement, device)
    baseline = BASELINES.get(path.stem)
    instructions = None
    if baseline is not None:
        instructions = baseline.m7_instructions if find_board(device).cpu == "cortex-m7" else baseline.m4_instructions
    most = max(runs, key=lambda run: run[0])
    return Row(
        model=path.parent.name if path.stem == "model" else path.stem,  # shipped models lie in folders of their name
        device=device,
        macs=plan.macs,
        instructions=most[0],
        arena_bytes=placement.arena_bytes,
        constant_bytes=plan.constant_bytes,
        baseline_instructions=instructions,
        baseline_arena_bytes=baseline.arena_bytes if baseline else None,
        different=_different(data, inputs_of(plan), outputs),
        steps=tuple((step.title, step.macs, count) for step, count in zip(plan.steps, most[1], strict=True)),
    )


def inputs_of(plan: Plan) -> np.ndarray:
    """Return (3, values) int8: random values, then the two extremes alternating, then all at the lower one."""
    count = plan.input.size_bytes
    random = np.random.default_rng(0).integers(-128, 128, count)
    return np.stack([random, np.where(np.arange(count) % 2, 127, -128), np.full(count, -128)]).astype(np.int8)


def _run(plan: Plan, placement: Placement, device: str) -> tuple[np.ndarray, list[tuple[int, tuple[int, ...]]]]:
    core = BareCore(plan, placement, find_board(device))
    runs = [core.run(values) for values in inputs_of(plan)]
    return np.stack([run.output for run in runs]), [(run.instructions, run.steps) for run in runs]


def _different(model: bytes, inputs: np.ndarray, outputs: np.ndarray) -> int | None:
    try:
        from ai_edge_litert.interpreter import Interpreter, OpResolverType
    except ImportError:
        return None
    try:
        interpreter = Interpreter(
            model_content=model, num_threads=1, experimental_op_resolver_type=OpResolverType.BUILTIN_REF
        )
    except ValueError:  # LiteRT does not load every model that TFLM runs
        return None
    interpreter.allocate_tensors()
    source, target = interpreter.get_input_details()[0], interpreter.get_output_details()[0]
    if source["dtype"] != np.int8 or target["dtype"] != np.int8:
        return None
    different = 0
    for values, output in zip(inputs, outputs, strict=True):
        interpreter.set_tensor(source["index"], values.reshape(source["shape"]))
        interpreter.invoke()
        different += int(np.count_nonzero(interpreter.get_tensor(target["index"]).reshape(-1) != output))
    return different


def table_line(row: Row) -> str:
    """One line: model, device, instructions, those per MAC, against the baseline, arena, against the baseline."""
    against = f"{row.instructions / row.baseline_instructions:6.3f}" if row.baseline_instructions else "     -"
    arena = f"{row.arena_bytes / row.baseline_arena_bytes:6.3f}" if row.baseline_arena_bytes else "     -"
    equal = {None: "not compared", 0: "equal"}.get(row.different, f"{row.different} values differ")
    return (
        f"{row.model:28} {row.device:10} {row.instructions:12,} {row.instructions / max(row.macs, 1):6.2f} {against} "
        f"{row.arena_bytes:9,} {arena} {row.constant_bytes:9,}  {equal}"
    )


@click.command()
@click.argument("models", nargs=-1, type=click.Path(exists=True, dir_okay=False, path_type=Path))
@click.option("--device", "devices", multiple=True, default=("stm32f746", "stm32f446"), show_default=True)
@click.option("--isa", type=click.Choice([isa.value for isa in Isa]), default=Isa.DSP.value, show_default=True)
@click.option("--steps", is_flag=True, help="Show every kernel call.")
@click.option("--json", "as_json", is_flag=True, help="One JSON object a line.")
def main(models: tuple[Path, ...], devices: tuple[str, ...], isa: str, steps: bool, as_json: bool) -> None:
    """Count what one inference of each MODEL takes; without one, of the official models or the shipped one."""
    if not as_json:
        print(f"{'model':28} {'device':10} {'instructions':>12} {'/MAC':>6} {'/TFLM':>6} {'arena':>9} {'/TFLM':>6} "
              f"{'constants':>9}")  # fmt: skip
    wrong = False
    for path in models or default_models():
        for device in devices:
            row = measure(path, device, Isa(isa))
            wrong |= bool(row.different)
            print(json.dumps(asdict(row)) if as_json else table_line(row), flush=True)
            if steps and not as_json:
                for title, macs, count in row.steps:
                    print(f"    {count:12,} {count / macs if macs else 0:6.2f}  {title}")
    sys.exit(1 if wrong else 0)


if __name__ == "__main__":
    main()
