# SPDX-License-Identifier: Apache-2.0
"""The emitted C and the engine as a program on this machine: int8 inputs on stdin, int8 outputs on stdout.

Compiled by the same compiler as the firmware, with undefined behaviour made a crash. Every input runs twice in a row;
a second answer that differs is an error, so that no test can miss state that an inference leaves.
"""

from __future__ import annotations

import hashlib
import os
import subprocess
import tempfile
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import ziglang

from mlperf_tiny.firmware.codegen.emit_c import emit_c
from mlperf_tiny.firmware.codegen.ir.plan import Plan
from mlperf_tiny.firmware.codegen.place import Placement, place

ENGINE = Path(__file__).parents[2] / "firmware" / "engine"
ZIG = Path(ziglang.__file__).parent / "zig"
FLAGS = ("-std=c11", "-O1", "-g", "-Wall", "-Wextra", "-Werror", "-fsanitize=undefined", "-fsanitize-trap=undefined")
# The same with a run-time library that names the line, 4 MB more for every program: for a crash that was seen.
SPEAKING = ("-std=c11", "-O1", "-g", "-fsanitize=undefined", "-fno-sanitize-recover=all")

MAIN = r"""
#include <stdio.h>
#include <string.h>
#include "model.h"

static int8_t input[1 << 20], first[1 << 20];

int main(void)
{
    if (model_info.input_bytes > sizeof input || model_info.output_bytes > sizeof first || model_init() != 0) {
        return 2;
    }
    while (fread(input, 1, model_info.input_bytes, stdin) == model_info.input_bytes) {
        for (int run = 0; run < 2; run++) {
            memcpy(model_input(), input, model_info.input_bytes);
            if (model_invoke() != 0) {
                return 3;
            }
            if (run == 0) {
                memcpy(first, model_output(), model_info.output_bytes);
            } else if (memcmp(first, model_output(), model_info.output_bytes) != 0) {
                return 4;
            }
        }
        fwrite(first, 1, model_info.output_bytes, stdout);
    }
    return 0;
}
"""


def place_apart(plan: Plan) -> Placement:
    """A placement without any reuse: every buffer and every scratch has memory of its own."""
    at = 0
    offsets: dict[int, int] = {}
    scratch: dict[int, int] = {}
    for buffer in plan.buffers:
        offsets[buffer.tensor] = at
        at += -(-buffer.size_bytes // 16) * 16
    for number, step in enumerate(plan.steps):
        if step.scratch_bytes:
            scratch[number] = at
            at += -(-step.scratch_bytes // 16) * 16
    return Placement(offsets=offsets, scratch_offsets=scratch, arena_bytes=max(at, 16), peak_bytes=at, peak_step=0)


@dataclass(frozen=True)
class HostModel:
    """A compiled model."""

    program: Path
    output_bytes: int
    files: tuple[str, ...]

    def run(self, inputs: np.ndarray) -> np.ndarray:
        """Return (n, output values) int8 for ``inputs`` (n, input values) int8; raises RuntimeError on a crash."""
        data = np.ascontiguousarray(inputs, dtype=np.int8).tobytes()
        done = subprocess.run([str(self.program)], input=data, capture_output=True, check=False)
        if done.returncode != 0:
            reason = {4: "the second run of an input differs from the first"}.get(done.returncode) or self._crash(data)
            raise RuntimeError(f"{self.program} ended with {done.returncode}: {reason}")
        return np.frombuffer(done.stdout, dtype=np.int8).reshape(-1, self.output_bytes)

    def _crash(self, data: bytes) -> str:
        """What the undefined behaviour was, and where."""
        speaking = self.program.with_name("speaking")
        _compile(self.files, SPEAKING, speaking)
        done = subprocess.run([str(speaking)], input=data, capture_output=True, check=False)
        speaking.unlink()
        return done.stderr.decode() or "it crashed"


def build_host_model(plan: Plan, placement: Placement | None = None, flags: tuple[str, ...] = FLAGS) -> HostModel:
    """Compile the plan; the program is kept in the system's temporary folder under the hash of what went in."""
    texts = emit_c(plan, placement or place(plan)) | {"main.c": MAIN}
    sources = sorted({step.source for step in plan.steps})
    digest = hashlib.sha256(repr((sorted(texts.items()), flags)).encode())
    for path in sorted(ENGINE.rglob("*.[ch]")):
        digest.update(path.read_bytes())
    folder = Path(tempfile.gettempdir()) / f"host-models-{os.getuid()}" / digest.hexdigest()[:24]
    program = folder / "model"
    files = (str(folder / "main.c"), str(folder / "model.c"), *(str(ENGINE / source) for source in sources))
    if not program.exists():
        folder.mkdir(parents=True, exist_ok=True)
        for name, text in texts.items():
            (folder / name).write_text(text)
        part = folder / f"model.{os.getpid()}"
        _compile(files, flags, part)
        part.rename(program)
    return HostModel(program, plan.output.size_bytes, files)


def _compile(files: tuple[str, ...], flags: tuple[str, ...], program: Path) -> None:
    includes = (f"-I{ENGINE}", f"-I{ENGINE / 'dsp'}")
    command = [str(ZIG), "cc", *flags, *includes, *files, "-o", str(program)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode != 0:
        raise RuntimeError(f"the emitted C in {Path(files[0]).parent} does not compile:\n{done.stderr}")
