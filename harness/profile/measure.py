# SPDX-License-Identifier: Apache-2.0
"""One inference of a model on an emulated board, layer by layer.

The image is the one that ``benchmark-run`` would run, driven through the ordinary session. After a warm-up and one
inference more, the inference that is looked at lasts from where the engine starts until where it starts again: what the
layers do not account for is the engine's frame around them and the monitor's loop with its copy of the input, and is
given as ``outside``.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

from mlperf_tiny.errors import BuildError, UsageError
from mlperf_tiny.firmware.boards import Board, find_board
from mlperf_tiny.firmware.codegen.pipeline import CompiledModel
from mlperf_tiny.firmware.codegen.tflite.read_tflite import read_tflite
from mlperf_tiny.firmware.engine_model import EngineModel
from mlperf_tiny.harness.compare.engines import INFER_S, input_format_of, inputs_of, wire_of
from mlperf_tiny.harness.image.build import Image, build_image
from mlperf_tiny.harness.image.engines import ENGINES, check_at_hand, check_engine, toolchain_for
from mlperf_tiny.harness.profile.layers import (
    COMPILED_RUNNER,
    TFLM_RUNNER,
    Label,
    Layer,
    graph_labels,
    layers_between,
    loop_edges,
    plan_labels,
    return_addresses,
    straight_line_edges,
)
from mlperf_tiny.harness.wire.session import Session, Timeouts
from mlperf_tiny.models.catalog.catalog import find_model
from mlperf_tiny.models.data.download.cache import cache_folder
from mlperf_tiny.models.data.formats.dataset import Sample
from mlperf_tiny.runners.emulator.board import EmulatedBoard
from mlperf_tiny.runners.emulator.native.counts import Counts
from mlperf_tiny.runners.emulator.timing.levels import DEFAULT_LEVEL, find_level
from mlperf_tiny.runners.emulator.transport import EmulatorTransport

# The inference behind the warm-up is followed by one more, whose start is the end of the one that is looked at.
WARMUPS, TIMED = 1, 2


@dataclass(frozen=True)
class Subject:
    """What is to be profiled; None is "as usual". ``task`` is needed for a model that is given as a file."""

    model: str
    device: str
    task: str | None = None
    engine: str = "compiled"
    toolchain: str | None = None
    timing: str | None = None
    data: Path | None = None


@dataclass(frozen=True)
class Profile:
    """One inference. ``total`` is exactly the sum of the ``layers`` and ``outside``.

    ``timing_level`` and ``timing_model`` say how time was modelled, ``inputs`` in words what was inferred on.
    """

    model: str
    device: str
    core_hz: int
    engine: str
    kernels: str
    compiler: str
    timing_level: str
    timing_model: str
    inputs: str
    layers: tuple[Layer, ...]
    outside: Counts
    total: Counts

    @property
    def macs(self) -> int:
        """Multiply-accumulates of the convolutions and fully-connected layers."""
        return sum(layer.macs for layer in self.layers)

    def to_json(self) -> dict[str, object]:
        """The same as JSON values; counts under the names of ``Counts``."""
        return {
            **{name: value for name, value in vars(self).items() if name not in ("layers", "outside", "total")},
            "timing": "emulated",
            "macs": self.macs,
            "layers": [
                {"title": layer.title, "macs": layer.macs, **_counts_json(layer.counts)} for layer in self.layers
            ],
            "outside": _counts_json(self.outside),
            "total": _counts_json(self.total),
        }


def profile_model(
    subject: Subject, say: Callable[[str], None] = lambda text: None, environ: Mapping[str, str] = os.environ
) -> Profile:
    """Build the image of ``subject`` and profile its second inference.

    Raises UsageError, DataError, BuildError, or TransportError and ProtocolError when the firmware fails.
    """
    engine = check_engine(subject.engine)
    board = find_board(subject.device)
    if board.is_host:
        raise UsageError(
            "layers are profiled on emulated boards, which count instructions; device host is a process. "
            "Name a board with --device (benchmark-devices lists them)."
        )
    level = find_level(subject.timing or DEFAULT_LEVEL, board)
    toolchain = toolchain_for(engine, subject.toolchain)
    check_at_hand(engine, board, environ)
    model = find_model(subject.model, subject.task, data_dir=subject.data, environ=environ)
    content = model.load()
    made = ENGINES[engine](board, content, model.name)
    input_format = input_format_of(model, made)
    samples, inputs = inputs_of(subject.data, model, made, input_format)
    image = build_image(made, wire_of(model, input_format), board, toolchain, None, cache_folder(environ), say)
    say(f"one inference of {model.name} on {board.device}, layer by layer")
    layers, total = profile_image(board, image, made, content, samples[0], level.name)
    return Profile(
        model=model.name,
        device=board.device,
        core_hz=board.clock_hz,
        engine=engine,
        kernels=made.kernels,
        compiler=image.facts.compiler,
        timing_level=level.name,
        timing_model=level.model,
        inputs=f"the first of {inputs}",
        layers=layers,
        outside=_rest(total, layers),
        total=total,
    )


def profile_image(
    board: Board, image: Image, made: EngineModel, content: bytes, sample: Sample, level: str
) -> tuple[tuple[Layer, ...], Counts]:
    """Profile the model ``made`` from the .tflite ``content`` in its image: its layers, and the whole inference.

    Raises BuildError when the layers cannot be told apart in the code, ProtocolError or TransportError when the
    firmware does not come up, refuses or crashes.
    """
    labels = plan_labels(made.plan) if isinstance(made, CompiledModel) else _interpreted(content, made)
    runner = COMPILED_RUNNER if isinstance(made, CompiledModel) else TFLM_RUNNER
    emulated = EmulatedBoard(board, image.elf, level, watched=runner)
    transport = EmulatorTransport(emulated)
    try:
        session = Session(transport, Timeouts(infer_s=INFER_S))
        session.start()
        session.load(sample.load())
        session.infer(TIMED, WARMUPS)
        start, size_bytes = emulated.visits.first_address, emulated.visits.size_bytes
        code = emulated.read_memory(start, size_bytes)
    finally:
        transport.close()
    visits = list(emulated.visits)
    entries = [number for number, visit in enumerate(visits) if visit.address == start]
    if len(entries) != WARMUPS + TIMED:
        raise _cannot_tell(runner, f"it was entered {len(entries)} times for {WARMUPS + TIMED} inferences")
    first, end = entries[WARMUPS], entries[WARMUPS + 1]
    inside = visits[first:end]
    if isinstance(made, CompiledModel):
        edges = straight_line_edges(inside, return_addresses(code, start), len(labels))
    else:
        edges = loop_edges(inside, len(labels))
    if edges is None:
        raise _cannot_tell(runner, f"it does not run {len(labels)} layers one after the other")
    return layers_between(edges, labels), visits[end].counts.since(visits[first].counts)


def _interpreted(content: bytes, made: EngineModel) -> tuple[Label, ...]:
    return graph_labels(read_tflite(content, made.engine))


def _cannot_tell(runner: str, problem: str) -> BuildError:
    return BuildError(
        f"the layers cannot be told apart in this image: of {runner}, {problem}. "
        "Build with another --toolchain or --engine."
    )


def _rest(total: Counts, layers: tuple[Layer, ...]) -> Counts:
    rest = total
    for layer in layers:
        rest = rest.since(layer.counts)
    return rest


def _counts_json(counts: Counts) -> dict[str, object]:
    return {**vars(counts), "stalls": dict(counts.stalls)}
