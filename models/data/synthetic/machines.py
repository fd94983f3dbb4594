# SPDX-License-Identifier: Apache-2.0
"""Synthetic sounds of small machines, normal and anomalous, computed from a seed.

A clip is 11 s of 16-bit mono at 16 kHz: a motor and its gear with harmonics that follow load and speed, the impacts of
a worn bearing, a belt, and a room with its own noise and an occasional knock. Every machine id has its own speed, gear,
resonances and belt. An anomalous clip is a normal one with one fault added: a pitted bearing, a slipping belt, a
damaged gear or a loose part. Its severity ranges from hardly audible to obvious. Normal clips vary too, so that both
classes overlap.

Determinism: the same (machine, clip number, split, seed) gives the same 16-bit samples on every host. The sums are in
double precision and far from the rounding limit, so the last bits of a vector unit's sine do not matter.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum

import numpy as np
from numpy.typing import NDArray

from mlperf_tiny.models.features.clip import SAMPLE_RATE_HZ

CLIP_S = 11
SAMPLES = CLIP_S * SAMPLE_RATE_HZ
MACHINE_IDS = (1, 2, 3, 4)
DEFAULT_SEED = 20_240_229

Floats = NDArray[np.float64]
_TIME_S: Floats = np.arange(SAMPLES) / SAMPLE_RATE_HZ


class MachineFault(Enum):
    """The fault of an anomalous clip."""

    BEARING = "bearing"
    BELT = "belt"
    GEAR = "gear"
    LOOSE = "loose"


@dataclass(frozen=True)
class Clip:
    """One clip of the synthetic set."""

    machine_id: int
    """One of MACHINE_IDS."""
    number: int
    """Distinguishes clips of a machine."""
    split: str
    """One of train, calibrate, test, validate, which share no clip."""
    fault: MachineFault | None = None
    """None for a normal clip."""
    seed: int = DEFAULT_SEED
    """Selects the machines."""

    @property
    def name(self) -> str:
        """The name in the style of the real set: ``normal_id_01_00000003``."""
        return f"{'anomaly' if self.fault else 'normal'}_id_{self.machine_id:02d}_{self.number:08d}"


@dataclass(frozen=True, kw_only=True)
class MachineProperties:
    """The properties by which the sounds of two machine ids differ."""

    shaft_hz: float
    """Turns per second."""
    gear_teeth: int
    """Teeth that mesh in a turn."""
    harmonic_gains: tuple[float, ...]
    """Of the shaft, from the first harmonic."""
    mesh_gains: tuple[float, ...]
    """Of the tooth frequency, from the first harmonic."""
    bearing_per_turn: float
    """Impacts per turn of the shaft."""
    resonances_hz: tuple[float, ...]
    """Of the housing."""
    belt_hz: float
    """Pitch of the belt's squeak."""
    room_tilt: float
    """Exponent of the room noise over frequency."""


_SPLITS = {"train": 0, "calibrate": 1, "test": 2, "validate": 3}


def machine(machine_id: int, seed: int = DEFAULT_SEED) -> MachineProperties:
    """Return the properties of a machine.

    Args:
        machine_id: One of MACHINE_IDS.
        seed: Another seed gives other machines.

    Returns:
        The same values for the same arguments.
    """
    rng = np.random.default_rng([seed, 1_000, machine_id])
    shaft_hz = float(rng.uniform(38.0, 62.0))
    harmonics = 24
    fall = rng.uniform(0.75, 1.1)
    gains = tuple(float(g) for g in rng.uniform(0.4, 1.0, harmonics) / np.arange(1, harmonics + 1) ** fall)
    mesh = tuple(float(g) for g in rng.uniform(0.15, 0.5, 5) / np.arange(1, 6))
    return MachineProperties(
        shaft_hz=shaft_hz,
        gear_teeth=int(rng.integers(17, 29)),
        harmonic_gains=gains,
        mesh_gains=mesh,
        bearing_per_turn=float(rng.uniform(3.05, 5.6)),
        resonances_hz=tuple(float(f) for f in rng.uniform((900.0, 2400.0, 4200.0), (1600.0, 3600.0, 6200.0))),
        belt_hz=float(rng.uniform(2300.0, 4300.0)),
        room_tilt=float(rng.uniform(0.7, 1.1)),
    )


def waveform(clip: Clip) -> NDArray[np.int16]:
    """Return the samples of ``clip``, shape (176000,)."""
    kind = 0 if clip.fault is None else 1 + list(MachineFault).index(clip.fault)
    rng = np.random.default_rng([clip.seed, _SPLITS[clip.split], clip.machine_id, kind, clip.number])
    made = machine(clip.machine_id, clip.seed)
    severity = 0.0 if clip.fault is None else _severity(rng, clip.number)
    load = _load_curve(rng)
    turns = np.cumsum(made.shaft_hz * (1.0 + rng.normal(0.0, 0.008) - 0.03 * load)) / SAMPLE_RATE_HZ
    sound = _motor(rng, made, turns, load, severity if clip.fault is MachineFault.GEAR else 0.0)
    sound += _bearing(rng, made, turns, severity if clip.fault is MachineFault.BEARING else 0.0)
    sound += _belt(rng, made, turns, severity if clip.fault is MachineFault.BELT else 0.0)
    if clip.fault is MachineFault.LOOSE:
        sound += _rattle(rng, made, turns, severity)
    sound += _room(rng, made)
    gain = 0.05 * 10.0 ** (rng.normal(0.0, 1.0) / 20.0)
    return np.asarray(np.clip(np.rint(sound * gain * 32_768.0), -32_768, 32_767), dtype=np.int16)


def _severity(rng: np.random.Generator, number: int) -> float:
    """0.05..0.85; clip numbers rotate over five equal parts of it, so that a small set is like a large one."""
    return 0.05 + 0.8 * (number % 5 + float(rng.random())) / 5.0


def _smooth_steps(rng: np.random.Generator, levels: Floats, ramp_s: float) -> Floats:
    """A curve that stays at each level in turn and takes ``ramp_s`` to change."""
    ends = np.sort(rng.uniform(0.5, CLIP_S - 0.5, len(levels) - 1))
    knots = np.concatenate([[0.0], np.stack([ends, ends + ramp_s], axis=1).ravel(), [CLIP_S + 1.0]])
    order = np.argsort(knots, kind="stable")
    return np.interp(_TIME_S, knots[order], np.repeat(levels, 2)[order])


def _load_curve(rng: np.random.Generator) -> Floats:
    """Load over time, 0..1: two to four plateaus and a slow wander."""
    levels = rng.uniform(0.1, 0.9, int(rng.integers(2, 5)))
    wander = 0.06 * np.sin(2.0 * np.pi * (rng.uniform(0.2, 0.6) * _TIME_S + rng.random()))
    return np.clip(_smooth_steps(rng, levels, 0.4) + wander, 0.0, 1.0)


def _motor(rng: np.random.Generator, made: MachineProperties, turns: Floats, load: Floats, damage: float) -> Floats:
    """Shaft harmonics, and the gear's tooth frequency modulated once per turn; ``damage`` deepens the modulation."""
    turn = np.exp(2j * np.pi * turns)
    sound = np.zeros(SAMPLES)
    power = turn.copy()  # the k-th power is the k-th harmonic: one sine for all of them
    for gain in made.harmonic_gains:
        varied = gain * float(rng.uniform(0.85, 1.15))
        phase = np.exp(2j * np.pi * rng.random())
        sound += varied * (power * phase).real
        power *= turn
    sound *= 0.55 + 0.45 * load
    tooth = turn**made.gear_teeth
    depth = float(rng.uniform(0.05, 0.2)) + 0.9 * damage
    # A damaged tooth meshes once a turn: a narrow bump.
    bump = np.exp(-3.0 * (1.0 - np.cos(2.0 * np.pi * turns)))
    mesh = np.zeros(SAMPLES)
    power = tooth.copy()
    for gain in made.mesh_gains:
        mesh += gain * (1.0 + 0.5 * damage) * float(rng.uniform(0.8, 1.2)) * power.imag
        power *= tooth
    return sound + mesh * (0.4 + 0.6 * load) * (1.0 + depth * (4.0 * bump - 0.6))


def _bearing(rng: np.random.Generator, made: MachineProperties, turns: Floats, damage: float) -> Floats:
    """A click at every ball that passes the worn spot, ringing in the housing."""
    passes = np.floor(turns * made.bearing_per_turn)
    hits = np.flatnonzero(np.diff(passes) > 0.0)
    strength = (0.05 + 0.45 * damage**1.5) * rng.uniform(0.5, 1.5, len(hits)) * rng.uniform(0.7, 1.4)
    clicks = np.zeros(SAMPLES)
    clicks[hits] = strength
    return _ring(clicks, made.resonances_hz, decay_s=0.0022)


def _belt(rng: np.random.Generator, made: MachineProperties, turns: Floats, slip: float) -> Floats:
    """A faint whistle once per belt turn; a slipping belt squeaks for longer and louder."""
    turn = turns / 2.7 + rng.random()
    gate = np.clip(np.cos(2.0 * np.pi * turn) - (0.8 - 1.0 * slip), 0.0, None)
    pitch_hz = made.belt_hz * (1.0 + rng.normal(0.0, 0.015) + 0.02 * np.sin(2.0 * np.pi * turn))
    phase = np.cumsum(pitch_hz) / SAMPLE_RATE_HZ + 0.3 * rng.random()
    level = 0.03 + 0.5 * slip**1.5
    squeak = np.sin(2.0 * np.pi * phase) + 0.5 * np.sin(4.0 * np.pi * phase)
    return level * float(rng.uniform(0.6, 1.4)) * gate * squeak


def _rattle(rng: np.random.Generator, made: MachineProperties, turns: Floats, severity: float) -> Floats:
    """A loose part that hits about every other turn, not quite regularly, with short bursts of noise."""
    beats = np.flatnonzero(np.diff(np.floor(turns / 2.0)) > 0.0)
    beats = np.clip(beats + rng.integers(-60, 61, len(beats)), 0, SAMPLES - 1)
    clicks = np.zeros(SAMPLES)
    clicks[beats] = (0.15 + 1.2 * severity) * rng.uniform(0.2, 1.0, len(beats))
    return _ring(clicks, (420.0, 1_900.0, 5_200.0), decay_s=0.004)


def _room(rng: np.random.Generator, made: MachineProperties) -> Floats:
    """Coloured noise at a level that varies with the clip, and up to three knocks."""
    white = np.fft.rfft(rng.uniform(-1.0, 1.0, SAMPLES))
    at_hz = np.fft.rfftfreq(SAMPLES, 1.0 / SAMPLE_RATE_HZ)
    tilt = made.room_tilt + rng.normal(0.0, 0.06)
    level = 0.35 * 10.0 ** (rng.normal(0.0, 2.0) / 20.0)
    noise = np.fft.irfft(white * (1.0 + at_hz / 120.0) ** -tilt, SAMPLES) * level * 8.0
    knocks = np.zeros(SAMPLES)
    count = int(rng.integers(0, 4))
    knocks[rng.integers(0, SAMPLES, count)] = rng.uniform(0.2, 1.0, count)
    return noise + _ring(knocks, (180.0, 640.0, 2_700.0), decay_s=0.02)


def _ring(impulses: Floats, tones_hz: tuple[float, ...], decay_s: float) -> Floats:
    """Let each impulse excite damped tones."""
    length = int(8.0 * decay_s * SAMPLE_RATE_HZ)
    at_s = np.arange(length) / SAMPLE_RATE_HZ
    response = sum(np.sin(2.0 * np.pi * tone * at_s) for tone in tones_hz) * np.exp(-at_s / decay_s)
    out = np.zeros(SAMPLES + length)
    for at in np.flatnonzero(impulses):
        out[at : at + length] += impulses[at] * response
    return out[:SAMPLES]
