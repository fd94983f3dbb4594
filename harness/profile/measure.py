# SPDX-License-Identifier: Apache-2.0
"""One inference of a model on an emulated board, layer by layer.

The image is the one that ``benchmark-run`` would run, driven through the ordinary session. After a warm-up and one more
inference, the profiled inference lasts from where the engine starts until where it starts again. What the layers do not
account for is the engine's frame around them and the monitor's loop with its copy of the input: ``outside``.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

from mlperf_tiny.errors import BuildError, UsageError
from mlperf_tiny.firmware.boards import find_board
from mlperf_tiny.harness.image.engines import DEFAULT_ENGINE, find_engine
from mlperf_tiny.harness.image.parts import ImageParts, resolve_parts
from mlperf_tiny.harness.profile.layers import LayerProfile, layer_edges, layers_between
from mlperf_tiny.harness.run.emulated import emulated_session
from mlperf_tiny.harness.run.short_inputs import short_inputs
from mlperf_tiny.models.catalog.catalog import find_model
from mlperf_tiny.models.data.download.cache import cache_folder
from mlperf_tiny.models.data.formats.dataset import Sample
from mlperf_tiny.runners.emulator.native.counts import Counts
from mlperf_tiny.runners.emulator.timing.levels import DEFAULT_LEVEL, find_level

# The inference after the warm-up is followed by one more, whose start is the end of the profiled one.
WARMUPS, TIMED = 1, 2


@dataclass(frozen=True, kw_only=True)
class ProfileOptions:
    """What the user asked for."""

    model: str
    """Name of a model, or path of a .tflite file."""
    device: str
    """The board."""
    task: str | None = None
    """Task of a model that is given as a file."""
    engine: str = DEFAULT_ENGINE
    """The engine."""
    toolchain: str | None = None
    """The compiler; None for the engine's default."""
    timing: str | None = None
    """The timing level; None for the default."""
    data: Path | None = None
    """Data folder, if one was named."""


@dataclass(frozen=True, kw_only=True)
class Profile:
    """One inference. ``total`` is exactly the sum of the layers and ``outside``."""

    model: str
    """Name of the model."""
    device: str
    """Name of the board."""
    core_hz: int
    """Clock of its core."""
    engine: str
    """Name of the engine."""
    kernels: str
    """Such as ``dsp`` or ``CMSIS-NN``."""
    compiler: str
    """Name and version."""
    timing_level: str
    """How closely time was modelled."""
    timing_model: str
    """With which versions of what."""
    inputs: str
    """Description of the input."""
    layers: tuple[LayerProfile, ...]
    """In the order in which they ran."""
    outside: Counts
    """What no layer accounts for."""
    total: Counts
    """The whole inference."""

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
    options: ProfileOptions, log: Callable[[str], None] = lambda text: None, environ: Mapping[str, str] = os.environ
) -> Profile:
    """Build the image of a model and profile its second inference.

    Args:
        options: What the user asked for.
        log: Takes one sentence for each step.
        environ: Names the cache, the data folder and the engines' libraries.

    Raises:
        UsageError: for a name that does not exist, and for the host.
        DataError: for a model or data that cannot be read.
        BuildError: for a model that cannot be built, or whose layers are not found in the code.
        TransportError, ProtocolError: when the firmware fails.
    """
    engine = find_engine(options.engine)
    board = find_board(options.device)
    if board.is_host:
        raise UsageError(
            "layers are profiled on emulated boards, which count instructions; device host is a process. "
            "Name a board with --device (benchmark-devices lists them)."
        )
    level = find_level(options.timing or DEFAULT_LEVEL, board)
    model = find_model(options.model, options.task, data_dir=options.data, environ=environ)
    parts = resolve_parts(engine.name, board, model, options.toolchain, environ=environ)
    samples, inputs = short_inputs(options.data, model, parts)
    image = parts.build(cache_folder(environ), log)
    log(f"one inference of {model.name} on {board.device}, layer by layer")
    layers, total = profile_elf(parts, image.elf, samples[0], level.name)
    return Profile(
        model=model.name,
        device=board.device,
        core_hz=board.clock_hz,
        engine=engine.name,
        kernels=parts.model.kernels,
        compiler=image.info.compiler,
        timing_level=level.name,
        timing_model=level.model,
        inputs=f"the first of {inputs}",
        layers=layers,
        outside=counts_outside(total, layers),
        total=total,
    )


def profile_elf(parts: ImageParts, elf: Path, sample: Sample, level: str) -> tuple[tuple[LayerProfile, ...], Counts]:
    """Profile the layers of an image, and the whole inference.

    Args:
        parts: What the image was built from.
        elf: The image.
        sample: Input of one inference.
        level: Name of the timing level.

    Raises:
        BuildError: when the layers are not found in the code.
        TransportError, ProtocolError: when the firmware does not boot, refuses or crashes.
    """
    boundaries = parts.engine.layers
    labels = boundaries.labels(parts.model, parts.content)
    with emulated_session(parts.board, elf, level, traced_function=boundaries.symbol) as emulated:
        emulated.session.load(sample.load())
        emulated.session.infer(TIMED, WARMUPS)
        trace = emulated.board.function_trace
        start = trace.first_address
        code = emulated.board.read_memory(start, trace.size_bytes)
    function_trace = list(trace)
    entries = [number for number, entry in enumerate(function_trace) if entry.address == start]
    if len(entries) != WARMUPS + TIMED:
        raise _not_found(boundaries.symbol, f"it was entered {len(entries)} times for {WARMUPS + TIMED} inferences")
    first, end = entries[WARMUPS], entries[WARMUPS + 1]
    edges = layer_edges(boundaries.order, function_trace[first:end], code, len(labels))
    if edges is None:
        raise _not_found(boundaries.symbol, f"it does not run {len(labels)} layers one after the other")
    return layers_between(edges, labels), function_trace[end].counts.since(function_trace[first].counts)


def counts_outside(total: Counts, layers: tuple[LayerProfile, ...]) -> Counts:
    """Return what no layer accounts for.

    Args:
        total: The whole inference.
        layers: All its layers.
    """
    rest = total
    for layer in layers:
        rest = rest.since(layer.counts)
    return rest


def _not_found(symbol: str, problem: str) -> BuildError:
    return BuildError(
        f"the layers are not found in this image: of {symbol}, {problem}. Build with another --toolchain or --engine."
    )


def _counts_json(counts: Counts) -> dict[str, object]:
    return {**vars(counts), "stalls": dict(counts.stalls)}
