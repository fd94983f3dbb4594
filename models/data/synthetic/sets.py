# SPDX-License-Identifier: Apache-2.0
"""The synthetic data set of each task."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from itertools import product

from mlperf_tiny.models.data.formats.dataset import NO_LABEL, Dataset, Sample
from mlperf_tiny.models.data.synthetic.machines import DEFAULT_SEED, MACHINE_IDS, Clip, MachineFault, waveform
from mlperf_tiny.models.data.synthetic.patterns import pattern_bytes
from mlperf_tiny.models.features.machine_sound import ad_features
from mlperf_tiny.models.tasks import Task

CLIPS_PER_MACHINE = 5  # normal ones, and as many anomalies, in the test set of a run: 4 machines x 2 x 5 = 40 clips
PATTERNS = 16


def normal_clips(split: str, per_machine: int, seed: int = DEFAULT_SEED) -> tuple[Clip, ...]:
    """Return normal clips. Clips of different splits have only the machines in common.

    Args:
        split: One of train, calibrate, test, validate.
        per_machine: Clips of each machine id.
        seed: Selects the machines.

    Returns:
        The clips, machine by machine.
    """
    return tuple(Clip(machine_id, n, split, None, seed) for machine_id, n in product(MACHINE_IDS, range(per_machine)))


def faulty_clips(split: str, per_machine: int, seed: int = DEFAULT_SEED) -> tuple[Clip, ...]:
    """Return anomalous clips, with the kinds of fault in rotation.

    Args:
        split: One of train, calibrate, test, validate.
        per_machine: Clips of each machine id.
        seed: Selects the machines.

    Returns:
        The clips, machine by machine.
    """
    faults = tuple(MachineFault)
    return tuple(
        Clip(machine_id, n, split, faults[(n + machine_id) % len(faults)], seed)
        for machine_id, n in product(MACHINE_IDS, range(per_machine))
    )


def clip_features(clip: Clip) -> bytes:
    """Return the feature file (102,400 bytes) of a synthetic clip."""
    return ad_features(waveform(clip) / 32768.0)


def run_clips() -> tuple[Clip, ...]:
    """Return the clips that a run uses, normal and anomalous ones of all machines."""
    normal, faulty = normal_clips("test", CLIPS_PER_MACHINE), faulty_clips("test", CLIPS_PER_MACHINE)
    # Interleaved, so that the first few clips hold both classes and all machines.
    return tuple(sorted(normal + faulty, key=lambda clip: (clip.number, clip.machine_id)))


def machine_sounds(task: Task, clips: tuple[Clip, ...] | None = None) -> Dataset:
    """Return clips as a data set of official feature files, computed when a sample is loaded (some 10 ms each).

    Args:
        task: Anomaly detection.
        clips: The clips; those of a run by default.

    Returns:
        A labelled data set.
    """
    if clips is None:
        clips = run_clips()
    samples = tuple(
        Sample(f"{clip.name}.bin", int(clip.fault is not None), partial(clip_features, clip)) for clip in clips
    )
    origin = f"synthetic machine sounds (seed {clips[0].seed}), machines {', '.join(map(str, MACHINE_IDS))}"
    return Dataset(
        name=task.model_id,
        source="synthetic",
        origin=origin,
        samples=samples,
        listed=len(samples),
        window_bytes=task.window_bytes,
        stride_bytes=task.stride_bytes,
        complete=False,
    )


def patterns(task: Task) -> Dataset:
    """Return unlabelled inputs of the right size."""
    samples = tuple(Sample(f"pattern_{n:03d}.bin", NO_LABEL, partial(pattern_bytes, task, n)) for n in range(PATTERNS))
    return Dataset(
        name=task.model_id,
        source="synthetic",
        origin="synthetic patterns without labels, for performance runs only",
        samples=samples,
        listed=len(samples),
        window_bytes=task.window_bytes,
        stride_bytes=task.stride_bytes,
        complete=False,
        labelled=False,
    )


# By ``Task.synthetic``; scenes have no form as official files, so they get patterns.
_MAKERS: dict[str, Callable[[Task], Dataset]] = {
    "patterns": patterns,
    "scenes": patterns,
    "machine clips": machine_sounds,
}


def synthetic_dataset(task: Task) -> Dataset:
    """Return the synthetic data set of ``task``, the same on every machine."""
    return _MAKERS[task.synthetic](task)
