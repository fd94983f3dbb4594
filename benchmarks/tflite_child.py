# SPDX-License-Identifier: Apache-2.0
"""TFLite's reference kernels in a process of their own: models with wrong fields can crash them."""

from __future__ import annotations

import pickle
import select
import struct
import subprocess
import sys
from dataclasses import dataclass
from typing import IO, Any

LIMIT_S = 30.0
"""A model that takes longer counts as crashed."""


@dataclass(frozen=True, kw_only=True)
class Verdict:
    """What TFLite did with a model."""

    outcome: str
    """``allocated``, ``ran``, ``refused`` (it is not allocated), ``refused at invoke``, ``crashed``, or ``edges`` where
    input and output are not one int8 tensor each."""
    reason: str = ""
    """What it said, of a refusal."""
    outputs: tuple[bytes, ...] = ()
    """The output tensor for each input."""


class TfliteChild:
    """The process; it is started again after a crash."""

    def __init__(self) -> None:
        self._process: subprocess.Popen[bytes] | None = None

    def run(self, model: bytes, inputs: tuple[bytes, ...] = ()) -> Verdict:
        """Allocate a model, and run it.

        Args:
            model: The bytes of a .tflite.
            inputs: The input tensor of each inference; without any the model is only allocated.
        """
        if self._process is None:
            command = [sys.executable, "-m", "benchmarks.tflite_child"]
            self._process = subprocess.Popen(
                command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL
            )
        process = self._process
        assert process.stdin is not None and process.stdout is not None
        try:
            _write(process.stdin, (model, inputs))
            if select.select([process.stdout], [], [], LIMIT_S)[0]:
                return Verdict(**_read(process.stdout))
        except (EOFError, BrokenPipeError):
            pass
        self.close()
        return Verdict(outcome="crashed")

    def close(self) -> None:
        """End the process."""
        if self._process is not None:
            self._process.kill()
            self._process.communicate()
            self._process = None


def _write(pipe: IO[bytes], value: Any) -> None:
    text = pickle.dumps(value)
    pipe.write(struct.pack("<Q", len(text)) + text)
    pipe.flush()


def _read(pipe: IO[bytes]) -> Any:
    head = pipe.read(8)
    if len(head) < 8:
        raise EOFError
    return pickle.loads(pipe.read(struct.unpack("<Q", head)[0]))


def _answer(model: bytes, inputs: tuple[bytes, ...]) -> dict[str, Any]:
    import numpy as np
    from ai_edge_litert.interpreter import Interpreter, OpResolverType

    try:
        resolver = OpResolverType.BUILTIN_REF
        interpreter = Interpreter(model_content=model, num_threads=1, experimental_op_resolver_type=resolver)
        for edge in interpreter.get_input_details():
            if list(edge["shape_signature"][:1]) == [-1]:
                # As the compiler takes an open batch.
                interpreter.resize_tensor_input(edge["index"], [1, *edge["shape"][1:]])
        interpreter.allocate_tensors()
    except (RuntimeError, ValueError) as error:
        return {"outcome": "refused", "reason": str(error)}
    edges = (interpreter.get_input_details(), interpreter.get_output_details())
    if any(len(edge) != 1 or edge[0]["dtype"] != np.int8 for edge in edges):
        return {"outcome": "edges"}
    outputs = []
    (source,), (target,) = edges
    try:
        for row in inputs:
            interpreter.set_tensor(source["index"], np.frombuffer(row, np.int8).reshape(source["shape"]))
            interpreter.invoke()
            outputs.append(interpreter.get_tensor(target["index"]).tobytes())
    except (RuntimeError, ValueError) as error:
        return {"outcome": "refused at invoke", "reason": str(error)}
    return {"outcome": "ran" if inputs else "allocated", "outputs": tuple(outputs)}


def main() -> None:
    """Answer models from the standard input until it ends."""
    source, target = sys.stdin.buffer, sys.stdout.buffer
    while True:
        try:
            request = _read(source)
        except EOFError:
            return
        _write(target, _answer(*request))


if __name__ == "__main__":
    main()
