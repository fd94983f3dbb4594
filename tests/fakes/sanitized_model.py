# SPDX-License-Identifier: Apache-2.0
"""A plan's C on this machine under AddressSanitizer, every buffer alone between poisoned bytes."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path

from mlperf_tiny.firmware.codegen.emit_c import emit_c
from mlperf_tiny.firmware.codegen.ir.plan import Plan
from mlperf_tiny.firmware.codegen.pipeline import ENGINE
from mlperf_tiny.firmware.codegen.place import Placement

SANITIZE = ("-std=gnu11", "-O1", "-g", "-fsanitize=address,undefined", "-fno-sanitize-recover=all")
RED_ZONE = 64

MAIN = """
#include <stdio.h>
#include <stdlib.h>
#include "model.h"

int main(void)
{
    poison();
    for (int round = 0; round < 4; round++) {
        int8_t *input = model_input();
        for (uint32_t i = 0; i < model_info.input_bytes; i++) {
            input[i] = round == 0 ? -128 : round == 1 ? 127 : (int8_t)(rand() >> 7);
        }
        if (model_invoke() != 0) {
            return 3;
        }
        volatile int sum = 0;
        for (uint32_t i = 0; i < model_info.output_bytes; i++) {
            sum += model_output()[i];
        }
    }
    return 0;
}
"""


def place_guarded(plan: Plan) -> tuple[Placement, str]:
    """Every buffer and scratch alone between poisoned gaps; and the C function that poisons them."""
    at = RED_ZONE
    gaps = [f"(arena, {RED_ZONE})"]
    offsets: dict[int, int] = {}
    scratch: dict[int, int] = {}
    spans = [(offsets, b.tensor, b.size_bytes) for b in plan.buffers]
    spans += [(scratch, n, step.scratch_bytes) for n, step in enumerate(plan.steps) if step.scratch_bytes]
    for target, key, size in spans:
        target[key] = at
        end = at + size
        at = -(-end // 16) * 16 + RED_ZONE
        gaps.append(f"(arena + {end}, {at - end})")
    calls = "".join(f"    ASAN_POISON_MEMORY_REGION{gap};\n" for gap in gaps)
    text = f"#include <sanitizer/asan_interface.h>\nstatic void poison(void)\n{{\n{calls}}}\n"
    placement = Placement(offsets=offsets, scratch_offsets=scratch, arena_bytes=at, peak_bytes=at, peak_step=0)
    return placement, text


def run_sanitized(
    compiler: str, plan: Plan, objects: dict[str, Path], folder: Path
) -> subprocess.CompletedProcess[str]:
    """Compile one plan's C with the kernels under AddressSanitizer and run it on extreme and random inputs."""
    placement, poison = place_guarded(plan)
    files = emit_c(plan, placement)
    flags = [*SANITIZE, f"-I{folder}", f"-I{ENGINE}", f"-I{ENGINE / 'dsp'}"]
    for source in sorted({step.source for step in plan.steps} - objects.keys()):
        objects[source] = folder / (source.replace("/", "_") + ".o")
        subprocess.run([compiler, *flags, "-c", str(ENGINE / source), "-o", str(objects[source])], check=True)
    for name, text in files.items():
        (folder / name).write_text(text + (poison + MAIN if name == "model.c" else ""))
    kernels = [str(objects[source]) for source in sorted({step.source for step in plan.steps})]
    program = folder / "program"
    subprocess.run([compiler, *flags, str(folder / "model.c"), *kernels, "-o", str(program)], check=True)
    return subprocess.run([str(program)], capture_output=True, text=True, timeout=60, check=False)


def find_sanitizing_compiler(folder: Path) -> str | None:
    """A C compiler of this machine that has AddressSanitizer (the packaged one has not); ``folder`` is for a probe."""
    (folder / "probe.c").write_text("#include <sanitizer/asan_interface.h>\nint main(void) { return 0; }\n")
    for name in ("cc", "clang", "gcc"):
        compiler = shutil.which(name)
        command = [str(compiler), *SANITIZE, "probe.c", "-o", "probe"]
        if compiler and subprocess.run(command, cwd=folder, capture_output=True, check=False).returncode == 0:
            return compiler
    return None
