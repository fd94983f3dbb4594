# SPDX-License-Identifier: Apache-2.0
"""Synthetic keyword clips as a training dataset: eSpeak NG's voices in rooms with noise.

Words, classes and shape are those of Speech Commands. A speaker is an accent and a voice variant, and belongs to one
split only; speed, pitch, position in the second, room, loudness and noise differ with each clip. The same number gives
the same clip with the same version of the synthesiser.
"""

from __future__ import annotations

import zlib
from functools import partial

import numpy as np
from numpy.typing import NDArray

from mlperf_tiny.models.data.formats.examples import Example, ExampleSet
from mlperf_tiny.models.data.synthetic.espeak import Synthesiser, Voice, synthesiser
from mlperf_tiny.models.features.clip import KEYWORD_SAMPLES, SAMPLE_RATE_HZ
from mlperf_tiny.models.tasks import BY_NAME

LABELS = BY_NAME["kws"].labels
OTHER_WORDS = (
    "backward", "bed", "bird", "cat", "dog", "eight", "five", "follow", "forward", "four", "happy", "house", "learn",
    "marvin", "nine", "one", "seven", "sheila", "six", "three", "tree", "two", "visual", "wow", "zero",
)  # fmt: skip
ACCENTS = ("en-us", "en-us-nyc", "en", "en-gb-scotland", "en-gb-x-rp", "en-gb-x-gbclan", "en-gb-x-gbcwmd", "en-029")
# Those of the library's variants that sound like people.
VARIANTS = (
    "f1", "f2", "f3", "f4", "f5", "m1", "m2", "m3", "m4", "m5", "m6", "m7", "m8", "Andrea", "Annie", "Denis", "Gene",
    "Jacky", "Lee", "Mario", "Michael", "adam", "anika", "antonio", "aunty", "belinda", "benjamin", "boris", "caleb",
    "david", "edward", "grandma", "grandpa", "ian", "john", "linda", "max", "michel", "norbert", "pablo", "paul",
    "pedro", "quincy", "rob", "shelby", "steph", "travis", "victor", "zac",
)  # fmt: skip
SPLITS = ("train", "validation", "test")

Floats = NDArray[np.float64]


def synthetic_speech(per_class: int, seed: int = 0) -> ExampleSet:
    """Return a set of synthetic keyword clips, computed when they are loaded, some milliseconds each.

    Args:
        per_class: Training clips of each of the 12 classes; the other splits hold a fifth as many.
        seed: Another seed gives other clips.

    Returns:
        The set.

    Raises:
        DataError: No synthesiser was found.
    """
    engine = synthesiser()
    counts = dict(zip(SPLITS, (per_class, -(-per_class // 5), -(-per_class // 5)), strict=True))
    splits = {
        split: tuple(
            _example(engine, split, label, number, seed) for label in range(len(LABELS)) for number in range(n)
        )
        for split, n in counts.items()
    }
    origin = f"spoken by eSpeak NG {engine.version}"
    return ExampleSet(
        task="kws",
        source="synthetic",
        origin=origin,
        labels=LABELS,
        train=splits["train"],
        validation=splits["validation"],
        test=splits["test"],
    )


def speakers(engine: Synthesiser, split: str) -> tuple[tuple[str, str], ...]:
    """Return the speakers of a split.

    Args:
        engine: The synthesiser.
        split: One of SPLITS.

    Returns:
        Pairs of accent and variant; different splits share no variant.
    """
    known = [variant for variant in VARIANTS if variant in engine.variants] or list(engine.variants)
    share = [variant for variant in known if _split_of(variant) == split]
    return tuple((accent, variant) for variant in share for accent in ACCENTS)


def _split_of(variant: str) -> str:
    # By a hash of the name, so that a new variant does not move others to another split.
    return ("validation", "test", *["train"] * 6)[zlib.crc32(f"voice {variant}".encode()) % 8]


def _example(engine: Synthesiser, split: str, label: int, number: int, seed: int) -> Example:
    rng = np.random.default_rng([seed, SPLITS.index(split), label, number])
    if LABELS[label] == "silence":
        return Example(f"silence/{split}_{number}", label, "", partial(_silence, rng.bit_generator.random_raw()))
    word = LABELS[label] if LABELS[label] != "unknown" else OTHER_WORDS[int(rng.integers(len(OTHER_WORDS)))]
    accent, variant = speakers(engine, split)[int(rng.integers(len(speakers(engine, split))))]
    voice = Voice(
        accent, variant, int(rng.integers(105, 230)), int(np.clip(rng.normal(50, 16), 5, 95)), int(rng.integers(20, 90))
    )
    clip_seed = rng.bit_generator.random_raw()
    return Example(
        f"{word}/{split}_{number}", label, f"{accent}+{variant}", partial(_spoken, engine, word, voice, clip_seed)
    )


def _spoken(engine: Synthesiser, word: str, voice: Voice, seed: int) -> NDArray[np.int16]:
    rng = np.random.default_rng(seed)
    sound = engine.speak(word, voice).astype(np.float64)
    # Speed and formants together: a longer or a shorter vocal tract.
    spoken = _trimmed(_resampled(sound, engine.rate_hz, SAMPLE_RATE_HZ * rng.uniform(0.88, 1.12)))[:KEYWORD_SAMPLES]
    spoken = _coloured(spoken / (np.abs(spoken).max() + 1e-9), rng)
    start = int(rng.integers(0, KEYWORD_SAMPLES - len(spoken) + 1))
    clip: NDArray[np.float64] = np.zeros(2 * KEYWORD_SAMPLES)
    clip[start : start + len(spoken)] = spoken
    clip = _in_a_room(clip, rng)[:KEYWORD_SAMPLES]
    loudness = 10.0 ** rng.uniform(-1.1, -0.1)
    noise = _noise(rng) * loudness * 10.0 ** rng.uniform(-3.0, -0.8)
    return _to_int16(clip * loudness + noise)


def _silence(seed: int) -> NDArray[np.int16]:
    rng = np.random.default_rng(seed)
    return _to_int16(_noise(rng) * 10.0 ** rng.uniform(-4.0, -0.5))


def _to_int16(sound: Floats) -> NDArray[np.int16]:
    return np.asarray(np.clip(np.rint(sound * 32_767.0), -32_768, 32_767), np.int16)


def _trimmed(sound: Floats) -> Floats:
    """Without the silence that the synthesiser adds before and after a word."""
    loud = np.flatnonzero(np.abs(sound) > 0.01 * np.abs(sound).max())
    return sound[loud[0] : loud[-1] + 1] if len(loud) else sound[:1]


def _resampled(sound: Floats, from_hz: float, to_hz: float) -> Floats:
    """Through the spectrum: exact for what lies below both half rates."""
    count = max(1, round(len(sound) * to_hz / from_hz))
    spectrum = np.fft.rfft(sound)
    kept = np.zeros(count // 2 + 1, complex)
    both = min(len(kept), len(spectrum))
    kept[:both] = spectrum[:both]
    return np.fft.irfft(kept, count) * (count / len(sound))


def _coloured(sound: Floats, rng: np.random.Generator) -> Floats:
    """A microphone: a slope over frequency and two broad peaks or dips."""
    spectrum = np.fft.rfft(sound)
    at_hz = np.fft.rfftfreq(len(sound), 1.0 / SAMPLE_RATE_HZ)
    gain_db = rng.uniform(-4.0, 4.0) * np.log2((at_hz + 100.0) / 1000.0)
    for _ in range(2):
        centre_hz = 10.0 ** rng.uniform(2.4, 3.8)
        gain_db = gain_db + rng.uniform(-6.0, 6.0) * np.exp(-(np.log2((at_hz + 1.0) / centre_hz) ** 2))
    shaped = np.fft.irfft(spectrum * 10.0 ** (gain_db / 20.0), len(sound))
    return shaped / (np.abs(shaped).max() + 1e-9)


def _in_a_room(sound: Floats, rng: np.random.Generator) -> Floats:
    """An echo that decays within 0.02..0.3 s, at a level between none and clearly audible."""
    decay_s = rng.uniform(0.02, 0.3)
    length = int(decay_s * SAMPLE_RATE_HZ)
    tail = rng.normal(size=length) * np.exp(-6.9 * np.arange(length) / length)
    tail *= rng.uniform(0.0, 0.6) / (np.sqrt((tail**2).sum()) + 1e-9)
    tail[0] = 1.0
    points = 1 << (len(sound) + length).bit_length()
    wet = np.fft.irfft(np.fft.rfft(sound, points) * np.fft.rfft(tail, points), points)[: len(sound)]
    return wet / (np.abs(wet).max() + 1e-9)


def _noise(rng: np.random.Generator) -> Floats:
    """A second of coloured noise, sometimes with a hum or a knock."""
    white = np.fft.rfft(rng.normal(size=KEYWORD_SAMPLES))
    at_hz = np.fft.rfftfreq(KEYWORD_SAMPLES, 1.0 / SAMPLE_RATE_HZ)
    noise = np.fft.irfft(white * (at_hz + 30.0) ** -rng.uniform(0.0, 1.2), KEYWORD_SAMPLES)
    noise /= np.abs(noise).max()
    if rng.random() < 0.15:
        time_s = np.arange(KEYWORD_SAMPLES) / SAMPLE_RATE_HZ
        hum_hz = rng.choice([50.0, 60.0, rng.uniform(100.0, 900.0)])
        noise += rng.uniform(0.1, 0.8) * np.sin(2.0 * np.pi * (hum_hz * time_s + rng.random()))
    if rng.random() < 0.1:
        at = int(rng.integers(0, KEYWORD_SAMPLES - 800))
        noise[at : at + 800] += rng.uniform(1.0, 4.0) * rng.normal(size=800) * np.exp(-np.arange(800) / 120.0)
    return noise / np.abs(noise).max()
