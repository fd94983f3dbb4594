# SPDX-License-Identifier: Apache-2.0
"""The synthetic data set of each task."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from itertools import product

from mlperf_tiny.models.data.formats.dataset import NO_LABEL, Dataset, Sample
from mlperf_tiny.models.data.synthetic.machines import DEFAULT_SEED, MACHINE_IDS, Clip, Fault, waveform
from mlperf_tiny.models.data.synthetic.patterns import pattern_bytes
from mlperf_tiny.models.features.machine_sound import ad_features
from mlperf_tiny.models.tasks import Task

CLIPS_PER_MACHINE = 5  # of each kind, in the test set a run uses: 4 machines x 2 kinds x 5 = 40 clips
PATTERNS = 16


def normal_clips(split: str, per_machine: int, seed: int = DEFAULT_SEED) -> tuple[Clip, ...]:
    """Healthy clips, ``per_machine`` of each machine id. Clips of different splits share nothing but the machines."""
    return tuple(Clip(machine_id, n, split, None, seed) for machine_id, n in product(MACHINE_IDS, range(per_machine)))


def faulty_clips(split: str, per_machine: int, seed: int = DEFAULT_SEED) -> tuple[Clip, ...]:
    """Faulty clips, the kinds of fault taking turns."""
    faults = tuple(Fault)
    return tuple(
        Clip(machine_id, n, split, faults[(n + machine_id) % len(faults)], seed)
        for machine_id, n in product(MACHINE_IDS, range(per_machine))
    )


def clip_features(clip: Clip) -> bytes:
    """Return the feature file (102,400 bytes) of a synthetic clip."""
    return ad_features(waveform(clip) / 32768.0)


def run_clips() -> tuple[Clip, ...]:
    """The clips that a run uses, healthy and faulty ones of all machines."""
    healthy, faulty = normal_clips("test", CLIPS_PER_MACHINE), faulty_clips("test", CLIPS_PER_MACHINE)
    # Both kinds and all machines from the start, so that the first few clips are a set of their own.
    return tuple(sorted(healthy + faulty, key=lambda clip: (clip.number, clip.machine_id)))


def machine_sounds(task: Task, clips: tuple[Clip, ...] | None = None) -> Dataset:
    """The test clips as a data set: features are made when a sample is loaded, a few hundredths of a second each."""
    if clips is None:
        clips = run_clips()
    samples = tuple(
        Sample(f"{clip.name}.bin", int(clip.fault is not None), partial(clip_features, clip)) for clip in clips
    )
    origin = f"made-up machine sounds (seed {clips[0].seed}), machines {', '.join(map(str, MACHINE_IDS))}"
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
    """Unlabelled inputs of the right size."""
    samples = tuple(Sample(f"pattern_{n:03d}.bin", NO_LABEL, partial(pattern_bytes, task, n)) for n in range(PATTERNS))
    return Dataset(
        name=task.model_id,
        source="synthetic",
        origin="made-up patterns without labels, good for performance runs only",
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
    """Return the synthetic set of ``task``, the same on every machine."""
    return _MAKERS[task.synthetic](task)
