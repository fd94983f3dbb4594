# SPDX-License-Identifier: Apache-2.0
"""Plan and offsets in, C text out: ``model.c`` (the kernel calls in order) and ``model_constants.h`` (the arrays).

Compile ``model.c`` together with ``firmware/engine/<source>`` of every step, with the include folders
``firmware/engine`` and ``firmware/engine/dsp`` and the folder of the text. ``-DMODEL_ARENA_LIMIT_BYTES=n`` makes the
compiler refuse a larger arena. The same plan gives the same bytes.
"""

from __future__ import annotations

import textwrap
from collections.abc import Iterable, Iterator
from pathlib import PurePosixPath
from typing import Any

import numpy as np
from numpy.typing import NDArray

from mlperf_tiny.firmware.codegen.ir.plan import Constant, Plan, Step
from mlperf_tiny.firmware.codegen.place import Placement

ARENA_ALIGNMENT_BYTES = 16
LINE_COLUMNS = 116
ROW_COLUMNS = LINE_COLUMNS - 4
VALUES_AT_A_TIME = 65_536
_INT8_TEXT = np.array([f"{number}, ".encode() for number in (*range(128), *range(-128, 0))])
"""Each int8 by its bits as an unsigned number; shorter ones are filled up with zero bytes."""


def emit_c(plan: Plan, placement: Placement) -> dict[str, str]:
    """Return {file name: text} of the C that implements ``firmware/engine/model.h``; pure.

    Args:
        plan: The kernel calls.
        placement: Where their buffers lie.
    """
    return {"model.c": _model(plan, placement), "model_constants.h": _constants(plan)}


def _model(plan: Plan, placement: Placement) -> str:
    headers = sorted({f"{PurePosixPath(step.source).stem}.h" for step in plan.steps})
    parts = [
        "/* SPDX-License-Identifier: Apache-2.0 */",
        _comment(
            f"Generated from {PurePosixPath(plan.source).name}: {len(plan.steps)} kernel calls ({plan.isa.value}), "
            f"{plan.macs:,} multiply-accumulates, {plan.constant_bytes:,} bytes of constants, "
            f"{placement.arena_bytes:,} bytes of arena.",
            *plan.notes,
        ),
        '#include "model.h"\n\n#include "model_constants.h"\n' + "".join(f'#include "{name}"\n' for name in headers),
        f"enum {{ ARENA_BYTES = {placement.arena_bytes} }};\n\n"
        "#ifdef MODEL_ARENA_LIMIT_BYTES\n"
        '_Static_assert(ARENA_BYTES <= MODEL_ARENA_LIMIT_BYTES, "the activations do not fit the RAM of the device");\n'
        "#endif\n\n"
        f"static _Alignas({ARENA_ALIGNMENT_BYTES}) int8_t arena[ARENA_BYTES];\n",
        _arena_asserts(plan, placement),
        *[_parameters(number, step) for number, step in enumerate(plan.steps)],
        _info(plan),
        "int model_init(void)\n{\n    return 0;\n}\n",
        f"int8_t *model_input(void)\n{{\n    return arena + {placement.offsets[plan.input_tensor]};\n}}\n",
        _invoke(plan, placement),
        f"const int8_t *model_output(void)\n{{\n    return arena + {placement.offsets[plan.output_tensor]};\n}}\n",
    ]
    return "\n".join(part for part in parts if part)


def _constants(plan: Plan) -> str:
    arrays = {c.name: c for step in plan.steps for c in step.constants}
    parts = [
        "/* SPDX-License-Identifier: Apache-2.0 */",
        _comment(f"Constants of {PurePosixPath(plan.source).name}; generated."),
        "#ifndef MODEL_CONSTANTS_H\n#define MODEL_CONSTANTS_H\n\n#include <stdint.h>\n",
        *[_array(constant) for constant in arrays.values()],
        "#endif\n",
    ]
    return "\n".join(parts)


def _array(constant: Constant) -> str:
    """One array. Words are aligned by their type; bytes get the same, so that kernels may load four at a time."""
    values = constant.values.reshape(-1)
    text = _rows(values)
    align = "_Alignas(4) " if constant.ctype in ("int8_t", "uint8_t", "int16_t") else ""
    comment = _comment(constant.comment) if constant.comment else ""
    return f"{comment}static const {align}{constant.ctype} {constant.name}[{values.size}] = {{\n{text},\n}};\n"


def _rows(values: NDArray[Any]) -> str:
    """Numbers with commas between them, as many in a line as it holds; some at a time, for the memory."""
    done: list[str] = []
    rest = ""
    for first in range(0, values.size, VALUES_AT_A_TIME):
        last = first + VALUES_AT_A_TIME
        numbers = _numbers(values[first:last]) + ("," if last < values.size else "")
        *lines, rest = _lines(f"{rest} {numbers}" if rest else numbers)
        done += ["".join(f"    {line}\n" for line in lines)]
    return "".join(done) + f"    {rest}"


def _numbers(values: NDArray[Any]) -> str:
    if values.dtype == np.int8:
        return _INT8_TEXT[values.view(np.uint8)].tobytes().translate(None, b"\0").decode()[:-2]
    return ", ".join(map(str, values.tolist()))


def _lines(text: str) -> Iterator[str]:
    """Cut text at spaces, as late as a line allows: ``textwrap`` does the same in ten times the time."""
    start = 0
    while len(text) - start > ROW_COLUMNS:
        end = text.rindex(" ", start, start + ROW_COLUMNS + 1)
        yield text[start:end]
        start = end + 1
    yield text[start:]


def _parameters(number: int, step: Step) -> str:
    fields = "".join(f"    .{name} = {value},\n" for name, value in step.fields.items())
    return f"static const {step.struct} step_{number} = {{\n{fields}}};\n"


def _arena_asserts(plan: Plan, placement: Placement) -> str:
    lines = [
        f'_Static_assert({placement.offsets[b.tensor]} + {b.size_bytes} <= ARENA_BYTES, "tensor {b.tensor}");\n'
        for b in plan.buffers
    ]
    for number, offset in sorted(placement.scratch_offsets.items()):
        size = plan.steps[number].scratch_bytes
        lines.append(
            f'_Static_assert({offset} % 4 == 0 && {offset} + {size} <= ARENA_BYTES, "scratch of step {number}");\n'
        )
    return "".join(lines)


def _invoke(plan: Plan, placement: Placement) -> str:
    lines = []
    for number, step in enumerate(plan.steps):
        sources = [placement.offsets[tensor] for tensor in step.inputs]
        target = placement.offsets[step.output]
        arguments = [f"&step_{number}", *[f"arena + {offset}" for offset in (*sources, target)]]
        where = f"arena {' and '.join(map(str, sources))} -> {target}" if sources else f"-> arena {target}"
        if step.scratch_bytes:
            scratch = placement.scratch_offsets[number]
            where += f", scratch {scratch}"
            # Scratch is untyped memory, aligned to 4.
            arguments.append(f"(void *)(arena + {scratch})")
        lines.append(f"    /* {_safe(step.title)}  {where} */\n    {step.kernel}({', '.join(arguments)});\n")
    return "int model_invoke(void)\n{\n" + "".join(lines) + "    return 0;\n}\n"


def _info(plan: Plan) -> str:
    fields = {
        "engine": '"compiled"',
        "input_bytes": plan.input.size_bytes,
        "output_bytes": plan.output.size_bytes,
        "input_scale": _float(plan.input.scale),
        "input_zero_point": plan.input.zero_point,
        "output_scale": _float(plan.output.scale),
        "output_zero_point": plan.output.zero_point,
        "arena_bytes": "ARENA_BYTES",
    }
    return (
        "const model_info_t model_info = {\n"
        + "".join(f"    .{name} = {text},\n" for name, text in fields.items())
        + "};\n"
    )


def _float(value: float) -> str:
    """The shortest C literal that gives this float32 back."""
    text = str(np.float32(value))
    return text + ("f" if any(c in text for c in ".e") else ".0f")


def _comment(*lines: str) -> str:
    wrapped: Iterable[str] = (part for line in lines for part in textwrap.wrap(_safe(line), LINE_COLUMNS - 3))
    return "/* " + "\n * ".join(wrapped) + " */\n"


def _safe(text: str) -> str:
    """Text from a model file inside a C comment: printable ASCII, and no way out of the comment."""
    printable = "".join(c if " " <= c <= "~" else "?" for c in text)
    return printable.replace("*/", "* /").replace("/*", "/ *").replace("??/", "? ?/").replace("\\", "/")
