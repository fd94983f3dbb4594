# SPDX-License-Identifier: Apache-2.0
"""Synthetic scenes with and without people, 96 x 96 RGB, drawn from a seed.

A scene is a room or a landscape with objects in it: trees, posts, houses, cars, animals, furniture, balls. In half of
them there are people as well: whole or clipped by the edge, near or far, standing, walking or with raised arms, with
many colours of clothes and skin. Posts, animals and furniture share sizes, positions and colours with people, so that
no single one of these reveals the class. Figures of a network that was trained on such images are about drawings, not
about photographs, and are labelled so.
"""

from __future__ import annotations

from functools import partial

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw, ImageFilter

from mlperf_tiny.models.data.formats.examples import Example, ExampleSet
from mlperf_tiny.models.tasks import BY_NAME

LABELS = BY_NAME["vww"].labels
SIDE = 96
_ZOOM = 2  # drawn larger and reduced, so that edges are soft
_PIXELS = SIDE * _ZOOM
SPLITS = ("train", "validation", "test")

Colour = tuple[int, int, int]
_SKINS: tuple[Colour, ...] = ((255, 224, 196), (234, 192, 160), (198, 134, 96), (141, 85, 54), (92, 56, 38))


def synthetic_scenes(per_class: int, seed: int = 0) -> ExampleSet:
    """Return a set of scenes with and without a person.

    Args:
        per_class: Training images of each of the two classes; the other splits hold a fifth as many.
        seed: Another seed gives other images.

    Returns:
        The set; images are drawn when they are loaded.
    """
    counts = dict(zip(SPLITS, (per_class, -(-per_class // 5), -(-per_class // 5)), strict=True))
    splits = {
        split: tuple(_example(split, label, number, seed) for number in range(count) for label in range(2))
        for split, count in counts.items()
    }
    return ExampleSet(
        task="vww",
        source="synthetic",
        origin="synthetic scenes",
        labels=LABELS,
        train=splits["train"],
        validation=splits["validation"],
        test=splits["test"],
    )


def _example(split: str, label: int, number: int, seed: int) -> Example:
    load = partial(scene, [seed, SPLITS.index(split), number, label], label == 1)
    return Example(f"{LABELS[label]}/{split}_{number}", label, "", load)


def scene(seed: list[int], with_person: bool) -> NDArray[np.uint8]:
    """Return one image.

    Args:
        seed: The same seed gives the same image with the same version of Pillow.
        with_person: Whether at least one person is in it.

    Returns:
        Shape (96, 96, 3).
    """
    rng = np.random.default_rng(seed)
    image = Image.fromarray(_background(rng))
    draw = ImageDraw.Draw(image)
    objects = [_OBJECTS[int(rng.integers(len(_OBJECTS)))] for _ in range(int(rng.integers(2, 7)))]
    if with_person:
        for _ in range(1 + int(rng.random() < 0.3)):
            objects.insert(len(objects) - int(rng.random() < 0.4), _person)  # at most one object covers them
    for draw_object in objects:
        draw_object(draw, rng)
    small = image.filter(ImageFilter.GaussianBlur(rng.uniform(0.3, 1.8))).resize((SIDE, SIDE), Image.Resampling.BOX)
    light = np.asarray(small, np.float64) * rng.uniform(0.55, 1.15) + rng.uniform(-15.0, 25.0)
    grain = rng.normal(0.0, rng.uniform(1.0, 8.0), light.shape)
    return np.asarray(np.clip(np.rint(light + grain), 0, 255), np.uint8)


def _background(rng: np.random.Generator) -> NDArray[np.uint8]:
    """Two slopes of colour that meet at a horizon or at the edge of a floor, with blotches."""
    horizon = int(_PIXELS * rng.uniform(0.25, 0.8))
    rows = np.empty((_PIXELS, 3))
    for start, end in ((0, horizon), (horizon, _PIXELS)):
        rows[start:end] = np.linspace(rng.uniform(40, 250, 3), rng.uniform(40, 250, 3), end - start)
    coarse = rng.normal(0.0, rng.uniform(2.0, 22.0), (12, 12, 3))
    blotches = np.kron(coarse, np.ones((_PIXELS // 12, _PIXELS // 12, 1)))
    return np.asarray(np.clip(rows[:, None, :] + blotches, 0, 255), np.uint8)


def _colour(rng: np.random.Generator, low: int = 10, high: int = 245) -> Colour:
    red, green, blue = (int(value) for value in rng.integers(low, high, 3))
    return red, green, blue


def _place(rng: np.random.Generator, smallest: float, largest: float) -> tuple[float, float, float]:
    """Centre, foot and height of an object in pixels; large objects are lower, as near ones are."""
    height = _PIXELS * float(np.exp(rng.uniform(np.log(smallest), np.log(largest))))
    foot = _PIXELS * rng.uniform(0.55, 0.75) + 0.35 * height * rng.uniform(0.7, 1.2)
    return _PIXELS * rng.uniform(0.05, 0.95), float(foot), height


def _person(draw: ImageDraw.ImageDraw, rng: np.random.Generator) -> None:
    """Head, hair, trunk, arms and legs in the proportions of people, in some pose."""
    x, foot, tall = _place(rng, 0.3, 1.5)
    x = float(np.clip(x, 0.15 * _PIXELS, 0.85 * _PIXELS))
    foot = max(foot, 0.3 * tall + 0.2 * _PIXELS)
    head = tall * rng.uniform(0.12, 0.15)
    broad, top = tall * rng.uniform(0.2, 0.28), foot - tall
    skin = tuple(int(np.clip(v + rng.integers(-12, 13), 0, 255)) for v in _SKINS[int(rng.integers(len(_SKINS)))])
    shirt, trousers, hair = _colour(rng), _colour(rng), _colour(rng, 5, 130)
    hip, neck = foot - tall * 0.47, top + head
    step, limb = tall * rng.uniform(0.02, 0.16), max(2, round(tall * rng.uniform(0.055, 0.08)))
    for side in (-1, 1):
        knee = (x + side * step * 0.7, (hip + foot) / 2)
        draw.line([(x + side * broad * 0.2, hip), knee, (x + side * step, foot)], trousers, round(limb * 1.3), "curve")
    draw.rounded_rectangle([x - broad / 2, neck + head * 0.2, x + broad / 2, hip + head * 0.2], broad * 0.25, shirt)
    for side in (-1, 1):
        turn = rng.uniform(-0.2, 1.2) if rng.random() < 0.75 else rng.uniform(1.6, 3.0)  # hanging, or raised
        bend = turn + rng.uniform(-0.3, 0.9)
        shoulder = np.array([x + side * broad * 0.48, neck + head * 0.4])
        elbow = shoulder + 0.17 * tall * np.array([side * np.sin(turn), np.cos(turn)])
        hand = elbow + 0.16 * tall * np.array([side * np.sin(bend), np.cos(bend)])
        draw.line([tuple(shoulder), tuple(elbow)], shirt, limb, "curve")
        draw.line([tuple(elbow), tuple(hand)], skin if rng.random() < 0.6 else shirt, round(limb * 0.85), "curve")
        draw.ellipse([*(hand - limb * 0.55), *(hand + limb * 0.55)], skin)
    draw.rectangle([x - head * 0.2, neck - head * 0.2, x + head * 0.2, neck + head * 0.35], skin)
    draw.ellipse([x - head * 0.42, top - head * 0.05, x + head * 0.42, top + head * 0.75], hair)
    draw.ellipse([x - head * 0.37, top + head * 0.1, x + head * 0.37, top + head], skin)
    if tall > 0.5 * _PIXELS:
        for side in (-1, 1):
            eye = (x + side * head * 0.15, top + head * 0.5)
            draw.ellipse([eye[0] - head * 0.05, eye[1] - head * 0.05, eye[0] + head * 0.05, eye[1] + head * 0.05], hair)
        draw.line([(x - head * 0.12, top + head * 0.78), (x + head * 0.12, top + head * 0.78)], (150, 60, 60), 2)


def _tree(draw: ImageDraw.ImageDraw, rng: np.random.Generator) -> None:
    x, foot, tall = _place(rng, 0.3, 1.3)
    wide = tall * rng.uniform(0.03, 0.08)
    draw.rectangle([x - wide, foot - tall * 0.6, x + wide, foot], _colour(rng, 30, 120))
    leaves = (int(rng.integers(20, 120)), int(rng.integers(80, 200)), int(rng.integers(20, 100)))
    for _ in range(int(rng.integers(1, 5))):
        at_x, at_y = x + tall * rng.uniform(-0.15, 0.15), foot - tall * rng.uniform(0.55, 0.9)
        size = tall * rng.uniform(0.12, 0.25)
        draw.ellipse([at_x - size, at_y - size, at_x + size, at_y + size], leaves)


def _post(draw: ImageDraw.ImageDraw, rng: np.random.Generator) -> None:
    """A lamp or a sign: as thin and as tall as a person, with a round or square top."""
    x, foot, tall = _place(rng, 0.3, 1.3)
    wide, top = tall * rng.uniform(0.015, 0.05), tall * rng.uniform(0.06, 0.14)
    draw.rectangle([x - wide, foot - tall, x + wide, foot], _colour(rng))
    shape = draw.ellipse if rng.random() < 0.5 else draw.rectangle
    shape([x - top, foot - tall - top, x + top, foot - tall + top], _colour(rng))


def _house(draw: ImageDraw.ImageDraw, rng: np.random.Generator) -> None:
    x, foot, tall = _place(rng, 0.3, 0.9)
    wide, walls, panes = tall * rng.uniform(0.4, 0.9), _colour(rng), _colour(rng)
    draw.rectangle([x - wide, foot - tall * 0.6, x + wide, foot], walls)
    roof = [(x - wide * 1.1, foot - tall * 0.6), (x, foot - tall), (x + wide * 1.1, foot - tall * 0.6)]
    draw.polygon(roof, _colour(rng))
    for at in np.arange(-0.7, 0.8, rng.uniform(0.35, 0.7)).tolist():
        draw.rectangle([x + wide * at, foot - tall * 0.45, x + wide * (at + 0.2), foot - tall * 0.25], panes)


def _car(draw: ImageDraw.ImageDraw, rng: np.random.Generator) -> None:
    x, foot, tall = _place(rng, 0.12, 0.45)
    wide, paint = tall * rng.uniform(1.0, 1.4), _colour(rng)
    draw.rounded_rectangle([x - wide, foot - tall * 0.6, x + wide, foot - tall * 0.15], tall * 0.12, paint)
    draw.rounded_rectangle([x - wide * 0.55, foot - tall, x + wide * 0.5, foot - tall * 0.5], tall * 0.15, paint)
    draw.rectangle([x - wide * 0.45, foot - tall * 0.9, x + wide * 0.4, foot - tall * 0.6], _colour(rng, 120, 230))
    for side in (-0.6, 0.6):
        wheel = x + wide * side
        draw.ellipse([wheel - tall * 0.2, foot - tall * 0.35, wheel + tall * 0.2, foot + tall * 0.05], (25, 25, 28))


def _animal(draw: ImageDraw.ImageDraw, rng: np.random.Generator) -> None:
    """A body on four legs with a head: limbs as people have them, but lying."""
    x, foot, tall = _place(rng, 0.12, 0.6)
    coat, side = _colour(rng, 30, 220), int(rng.choice([-1, 1]))
    for at in (-0.55, -0.4, 0.4, 0.55):
        draw.line([(x + tall * at, foot - tall * 0.4), (x + tall * at, foot)], coat, max(2, round(tall * 0.1)))
    draw.ellipse([x - tall * 0.75, foot - tall * 0.75, x + tall * 0.75, foot - tall * 0.25], coat)
    head = np.array([x + side * tall * 0.8, foot - tall * rng.uniform(0.75, 1.0)])
    draw.line([(x + side * tall * 0.5, foot - tall * 0.55), tuple(head)], coat, max(2, round(tall * 0.18)))
    draw.ellipse([*(head - tall * 0.18), *(head + tall * 0.18)], coat)
    ears = head + tall * np.array([[-0.1, -0.1], [0.1, -0.1], [0.0, -0.2]])
    draw.polygon([tuple(corner) for corner in ears], coat)


def _furniture(draw: ImageDraw.ImageDraw, rng: np.random.Generator) -> None:
    """A table, a chair or a shelf, some of them in the colours of skin."""
    x, foot, tall = _place(rng, 0.2, 0.9)
    wide = tall * rng.uniform(0.3, 0.8)
    wood = _SKINS[int(rng.integers(len(_SKINS)))] if rng.random() < 0.5 else _colour(rng)
    leg = max(2, round(tall * 0.06))
    for side in (-1, 1):
        draw.line([(x + side * wide, foot - tall * 0.5), (x + side * wide, foot)], wood, leg)
    draw.rectangle([x - wide, foot - tall * 0.55, x + wide, foot - tall * 0.45], wood)
    if rng.random() < 0.6:
        draw.rectangle([x - wide, foot - tall, x - wide + leg, foot - tall * 0.5], wood)


def _ball(draw: ImageDraw.ImageDraw, rng: np.random.Generator) -> None:
    """Something round, often of the colour of a face."""
    x, foot, tall = _place(rng, 0.05, 0.3)
    paint = _SKINS[int(rng.integers(len(_SKINS)))] if rng.random() < 0.4 else _colour(rng)
    draw.ellipse([x - tall / 2, foot - tall, x + tall / 2, foot], paint)


_OBJECTS = (_tree, _post, _house, _car, _animal, _furniture, _ball)
