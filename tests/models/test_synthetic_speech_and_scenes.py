# SPDX-License-Identifier: Apache-2.0
"""Synthetic keyword clips and scenes: reproducible, of every class, and separable by more than chance."""

from __future__ import annotations

import dataclasses
from collections import Counter
from collections.abc import Callable

import numpy as np
import pytest

from mlperf_tiny.errors import DataError
from mlperf_tiny.models.data.formats.examples import Example, ExampleSet
from mlperf_tiny.models.data.synthetic import espeak
from mlperf_tiny.models.data.synthetic.scenes import synthetic_scenes
from mlperf_tiny.models.data.synthetic.speech import SPLITS, speakers, synthetic_speech


@pytest.fixture(scope="module")
def synthesiser() -> espeak.Synthesiser:
    try:
        return espeak.synthesiser()
    except DataError as error:
        pytest.skip(f"needs eSpeak NG: {error}")


@pytest.fixture(params=[synthetic_speech, synthetic_scenes], ids=["speech", "scenes"])
def made(request: pytest.FixtureRequest) -> Callable[[int], ExampleSet]:
    if request.param is synthetic_speech:
        request.getfixturevalue("synthesiser")
    return request.param


def test_splits_are_balanced_over_classes(made: Callable[[int], ExampleSet]) -> None:
    examples = made(10)
    assert examples.source == "synthetic" and len({e.name for e in (*examples.train, *examples.test)}) > 0
    for split, count in ((examples.train, 10), (examples.validation, 2), (examples.test, 2)):
        assert Counter(e.label for e in split) == dict.fromkeys(range(len(examples.labels)), count)
    everything = (*examples.train, *examples.validation, *examples.test)
    assert len({e.name for e in everything}) == len(everything)


def test_examples_are_reproducible_and_distinct(made: Callable[[int], ExampleSet]) -> None:
    first, second = made(2), made(2)
    contents = {e.name: e.load() for e in first.train}
    for example in reversed(second.train):  # in another order: none depends on those before it
        np.testing.assert_array_equal(example.load(), contents[example.name])
    assert len({content.tobytes() for content in contents.values()}) == len(contents)


@pytest.mark.usefixtures("synthesiser")
def test_clips_last_one_second_at_varied_levels() -> None:
    clips = np.stack([e.load() for e in synthetic_speech(4).train])
    assert clips.shape == (48, 16_000) and clips.dtype == np.int16
    peaks = np.abs(clips.astype(int)).max(axis=1)
    assert peaks.min() > 0 and (peaks < 8_000).any() and (peaks > 12_000).any() and (clips == 32_767).mean() < 1e-3


def test_speakers_are_in_one_split_only(synthesiser: espeak.Synthesiser) -> None:
    shares = [{variant for _, variant in speakers(synthesiser, split)} for split in SPLITS]
    assert all(shares) and not (shares[0] & shares[1] or shares[0] & shares[2] or shares[1] & shares[2])
    examples = synthetic_speech(20)
    heard = [{e.group.split("+")[1] for e in split if e.group} for split in (examples.train, examples.test)]
    assert heard[0] <= shares[0] and heard[1] <= shares[2] and len(heard[0]) > 10


def test_voices_differ_and_unknown_ones_are_refused(synthesiser: espeak.Synthesiser) -> None:
    low, high = (synthesiser.speak("left", espeak.Voice("en-us", variant)) for variant in ("m3", "f2"))
    slow = synthesiser.speak("left", espeak.Voice("en-us", "m3", words_per_minute=90))
    assert len(slow) > 1.3 * len(low) and not np.array_equal(low[: len(high)], high[: len(low)])
    with pytest.raises(DataError, match="no voice 'xx-none\\+f1'"):
        synthesiser.speak("left", espeak.Voice("xx-none", "f1"))


def test_missing_library_error_names_how_to_install_it(
    monkeypatch: pytest.MonkeyPatch, synthesiser: espeak.Synthesiser
) -> None:
    broken = dataclasses.replace(synthesiser, path="/nonexistent/libespeak-ng.so")
    with pytest.raises(DataError, match="cannot be loaded"):
        broken.speak("left", espeak.Voice("en-us", ""))
    monkeypatch.setitem(__import__("sys").modules, "espeakng_loader", None)
    monkeypatch.setattr("ctypes.util.find_library", lambda name: None)
    espeak.synthesiser.cache_clear()
    with pytest.raises(DataError, match=r"pip install 'mlperf-tiny-harness\[speech\]'"):
        synthetic_speech(1)
    monkeypatch.undo()
    assert espeak.synthesiser() == synthesiser


def nearest_mean(train: np.ndarray, train_labels: np.ndarray, test: np.ndarray, test_labels: np.ndarray) -> float:
    """The share of ``test`` that the nearest class mean of ``train`` classifies correctly."""
    means = np.stack([train[train_labels == label].mean(axis=0) for label in np.unique(train_labels)])
    distances = ((test[:, None, :] - means[None]) ** 2).sum(axis=2)
    return float((distances.argmin(axis=1) == test_labels).mean())


@pytest.mark.slow
@pytest.mark.usefixtures("synthesiser")
def test_words_are_separable_across_speakers() -> None:
    from mlperf_tiny.models.features.pipelines import find_pipeline

    def features(examples: tuple[Example, ...]) -> tuple[np.ndarray, np.ndarray]:
        made = find_pipeline("micronet-kws").compute(np.stack([e.load() for e in examples]))[..., 1:, 0]
        return made.reshape(len(made), -1), np.array([e.label for e in examples])

    examples = synthetic_speech(20)
    right = nearest_mean(*features(examples.train), *features(examples.test))
    assert right > 2 / 12  # one in twelve by chance


@pytest.mark.slow
def test_mean_colours_do_not_reveal_people() -> None:
    images = np.stack([e.load() for e in synthetic_scenes(150).train]).astype(float)
    labels = np.array([e.label for e in synthetic_scenes(150).train])
    assert images.shape == (300, 96, 96, 3)
    statistics = np.concatenate([images.mean(axis=(1, 2)), images.std(axis=(1, 2))], axis=1)
    half = len(labels) // 2
    assert nearest_mean(statistics[:half], labels[:half], statistics[half:], labels[half:]) < 0.65
