# SPDX-License-Identifier: Apache-2.0
"""Synthetic data: the same on every machine, and no clip equals another."""

from __future__ import annotations

import hashlib

import numpy as np
import pytest

from mlperf_tiny.models.data.formats.dataset import NO_LABEL
from mlperf_tiny.models.data.load import load_dataset
from mlperf_tiny.models.data.synthetic.machines import MACHINE_IDS, SAMPLES, Clip, MachineFault, waveform
from mlperf_tiny.models.data.synthetic.sets import clip_features, faulty_clips, normal_clips
from mlperf_tiny.models.tasks import TASKS, Task, find_task

# Of the 16-bit samples. If one changes, the metrics of shipped models are void: train them again.
CLIP_SHA256 = {
    Clip(1, 0, "test"): "fc8da7fe89f5d95f23b883a5a26065e66b6bbe4c735b654a561d700993a9dbd2",
    Clip(4, 3, "train"): "91ad7bbfdd4bf9b0251a0585b32083b558ca0aca61a2e7acbd58f390616d2481",
    Clip(2, 1, "test", MachineFault.BEARING): "0d835f1b9d163cbc62db749242f10d6c1c0414021a5271da942824345d6b9945",
    Clip(3, 2, "test", MachineFault.BELT): "42dcb3d74ccd4534937db0664ecefe3220c37a3c22839abd30ef8451f8b841b8",
    Clip(1, 4, "test", MachineFault.GEAR): "e2c18172cb5b4bca96f044990472a77ee0655dced37db208a95b191562defb04",
    Clip(4, 0, "test", MachineFault.LOOSE): "37c15f29f4078a784c96b98c2b2c55a7852824df49c85ee99109ad2f1ef976a2",
}

PATTERN_SHA256 = {
    "ic": "4f73dc0c845c80d053e43dc3baaf45ae39f6954258f26e4646a5385aa9b90569",
    "kws": "52b1d7a428e481e09a1507169549a69e68466d15cfc50cdd31f401ef7f6ad65f",
    "vww": "8a402ec735e226f26b07932679973aaf41227aa86209e61a76380724f969a9a0",
}


@pytest.mark.parametrize("clip", CLIP_SHA256, ids=lambda clip: f"{clip.name}-{clip.split}")
def test_clips_are_the_same_on_every_machine(clip: Clip) -> None:
    samples = waveform(clip)
    assert samples.shape == (SAMPLES,) and samples.dtype == np.int16
    assert hashlib.sha256(samples.astype("<i2").tobytes()).hexdigest() == CLIP_SHA256[clip]


@pytest.mark.parametrize("clip", CLIP_SHA256, ids=lambda clip: f"{clip.name}-{clip.split}")
def test_clips_are_loud_enough_and_hardly_clipped(clip: Clip) -> None:
    samples = waveform(clip).astype(np.float64)
    assert 300 < np.sqrt(np.mean(samples**2)) < 10_000
    assert np.mean(np.abs(samples) > 32_000) < 1e-4


@pytest.mark.parametrize("task", [task for task in TASKS if task.name in PATTERN_SHA256], ids=lambda task: task.name)
def test_patterns_are_the_same_on_every_machine_and_unlabelled(task: Task) -> None:
    dataset = load_dataset(task, synthetic=True)
    content = b"".join(sample.load() for sample in dataset.samples)
    assert hashlib.sha256(content).hexdigest() == PATTERN_SHA256[task.name]
    assert not dataset.labelled and {sample.label for sample in dataset.samples} == {NO_LABEL}
    assert {len(sample.load()) for sample in dataset.samples} == {task.file_bytes}
    assert len(set(content)) > 200  # a whole byte's range


def test_clips_differ_between_splits_seeds_machines_and_faults() -> None:
    clips = [
        Clip(machine_id, number, split) for machine_id in (1, 2) for number in (0, 1) for split in ("train", "test")
    ]
    clips += [Clip(1, 0, "test", fault) for fault in MachineFault] + [Clip(1, 0, "test", seed=1)]
    assert len({waveform(clip).tobytes() for clip in clips}) == len(clips)


def test_run_set_is_balanced_over_machines_and_faults() -> None:
    dataset = load_dataset(find_task("ad"), synthetic=True)
    assert dataset.source == "synthetic" and dataset.labelled and not dataset.complete
    assert len({sample.name for sample in dataset.samples}) == len(dataset.samples) == 40
    assert sum(sample.label for sample in dataset.samples) == 20
    for machine_id in MACHINE_IDS:
        assert sum(f"_id_{machine_id:02d}_" in sample.name for sample in dataset.samples) == 10
    first = dataset.samples[:8]  # a short run still has every machine, normal and anomalous
    assert {(sample.label, sample.name.split("_")[2]) for sample in first} == {
        (label, f"{machine_id:02d}") for label in (0, 1) for machine_id in MACHINE_IDS
    }
    assert {clip.fault for clip in faulty_clips("test", 5) if clip.machine_id == 2} == set(MachineFault)


def test_samples_are_the_features_of_the_clips() -> None:
    dataset = load_dataset(find_task("ad"), synthetic=True)
    first = dataset.samples[0].load()
    assert first == clip_features(normal_clips("test", 1)[0]) == dataset.samples[0].load()
    values = np.frombuffer(first, "<f4")
    assert np.isfinite(values).all() and -80 < values.min() < values.max() < 20
