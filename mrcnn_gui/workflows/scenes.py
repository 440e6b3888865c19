"""The photo-like scenes of the sample project: stones and leaves on the ground.

A scene is made by its number alone: the same pixels and masks on every run. What each object
covers is known exactly, which real photos never tell.
"""

from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from core.masks import Mask
from mrcnn_gui.workflows.scene_objects import Field, Sprite, blur, leaf, noise, pebble, shade

WIDTH, HEIGHT = 1280, 960
SCENES = 24
CATEGORIES = ("pebble", "leaf")
MIN_VISIBLE = 0.45  # of an object's own area: what lies below stays recognisable
GROUNDS = (
    ((0.58, 0.50, 0.39), (0.70, 0.62, 0.50)),  # sand
    ((0.30, 0.24, 0.18), (0.42, 0.34, 0.26)),  # earth
    ((0.44, 0.43, 0.41), (0.55, 0.54, 0.51)),  # gravel
    ((0.27, 0.29, 0.19), (0.38, 0.35, 0.24)),  # forest floor
)


@dataclass(frozen=True, eq=False)
class SceneInstance:
    """One object of a scene: its category and the pixels that nothing hides."""

    category: str
    mask: Mask


@dataclass(frozen=True, eq=False)
class _Canvas:
    """A scene while it is painted.

    Attributes:
        color: [H, W, 3] float32 RGB.
        owner: [H, W] number of the object seen there, -1 for the ground.
    """

    color: Field
    owner: NDArray[np.int16]


def scene(index: int) -> tuple[NDArray[np.uint8], tuple[SceneInstance, ...]]:
    """Paint one scene.

    Args:
        index: 0 to 23.

    Returns:
        RGB [960, 1280, 3] and the instances, lowest first, with their visible pixels.

    Raises:
        IndexError: There is no scene with this number.
    """
    if not 0 <= index < SCENES:
        raise IndexError(f"expected a scene from 0 to {SCENES - 1}, got {index}")
    rng = np.random.default_rng([2026, index])
    turn, rise = rng.uniform(-2.6, -1.9), rng.uniform(0.65, 0.95)
    light = np.array([np.cos(turn) * np.cos(rise), np.sin(turn) * np.cos(rise), np.sin(rise)])
    canvas = _Canvas(_ground(rng, light), np.full((HEIGHT, WIDTH), -1, np.int16))
    categories: list[str] = []
    areas: list[int] = []
    for _ in range(int(rng.integers(11, 19))):
        sprite = (pebble if rng.random() < 0.5 else leaf)(rng, light)
        place = _free_place(rng, canvas.owner, sprite, areas)
        if place is not None:
            _put(canvas, sprite, place, len(categories), light)
            areas.append(int(np.count_nonzero(canvas.owner == len(categories))))
            categories.append(sprite.category)
    masks = (Mask.from_bitmap(canvas.owner == number) for number in range(len(categories)))
    instances = tuple(map(SceneInstance, categories, masks))
    return _develop(rng, canvas.color), instances


def _ground(rng: np.random.Generator, light: NDArray[np.float64]) -> Field:
    dark, bright = (np.array(c, np.float32) for c in GROUNDS[rng.integers(len(GROUNDS))])
    shape = (HEIGHT, WIDTH)
    blend = np.clip(0.5 + 0.4 * noise(rng, shape, (260, 110, 45, 18)), 0, 1)[..., None]
    grain = noise(rng, shape, (7, 4, 2))
    relief = 9 * noise(rng, shape, (150, 60)) + rng.uniform(1.0, 2.2) * grain
    diffuse, _ = shade(blur(relief, 0.8), light)
    tint = 1 + 0.10 * noise(rng, shape, (5, 2.5))[..., None]
    color: Field = (dark * (1 - blend) + bright * blend) * tint * diffuse[..., None]
    return color


def _free_place(
    rng: np.random.Generator, owner: NDArray[np.int16], sprite: Sprite, areas: list[int]
) -> tuple[int, int] | None:
    """Left and top of a place where the sprite hides nobody too much, or None."""
    solid = sprite.coverage >= 0.5
    area, (height, width) = int(solid.sum()), solid.shape
    spare = _count(owner, len(areas)) - MIN_VISIBLE * np.array(areas)
    for _ in range(60):
        left = int(rng.integers(-width // 4, WIDTH - 3 * width // 4))
        top = int(rng.integers(-height // 4, HEIGHT - 3 * height // 4))
        scene_part, sprite_part = _overlap(left, top, height, width)
        visible = solid[sprite_part]
        hidden = _count(owner[scene_part][visible], len(areas))
        touches = bool(hidden.any()) or rng.random() < 0.12  # piles are more telling than rows
        if touches and visible.sum() >= 0.7 * area and (hidden <= spare).all():
            return left, top
    return None


def _count(owner: NDArray[np.int16], objects: int) -> NDArray[np.int64]:
    """How many pixels each object owns."""
    return np.bincount(owner.ravel().astype(np.int64) + 1, minlength=objects + 1)[1:]


def _overlap(
    left: int, top: int, height: int, width: int
) -> tuple[tuple[slice, slice], tuple[slice, slice]]:
    """Where a patch lies in the scene, and which part of the patch that is."""
    x0, y0 = max(left, 0), max(top, 0)
    x1, y1 = min(left + width, WIDTH), min(top + height, HEIGHT)
    inside = (slice(y0 - top, y1 - top), slice(x0 - left, x1 - left))
    return (slice(y0, y1), slice(x0, x1)), inside


def _put(
    canvas: _Canvas, sprite: Sprite, place: tuple[int, int], number: int, light: NDArray[np.float64]
) -> None:
    """Cast the sprite's shadow, then draw it over what is there."""
    margin = 60
    dark = _shadow(np.pad(sprite.coverage, margin), sprite.thickness, light)
    around, inside = _overlap(place[0] - margin, place[1] - margin, *dark.shape)
    canvas.color[around] *= 1 - dark[inside][..., None]
    here, inside = _overlap(*place, *sprite.coverage.shape)
    coverage = sprite.coverage[inside][..., None]
    canvas.color[here] *= 1 - coverage
    canvas.color[here] += sprite.color[inside] * coverage
    canvas.owner[here][coverage[..., 0] >= 0.5] = number


def _shadow(coverage: Field, thickness: float, light: NDArray[np.float64]) -> Field:
    """Darkness 0..1 around a sprite: the cast shadow, and the contact with the ground."""
    reach = thickness / light[2]
    cast = np.zeros_like(coverage)
    for step in np.linspace(0.25, 1, 6):
        dx, dy = -light[0] * reach * step, -light[1] * reach * step
        move = np.array([[1, 0, dx], [0, 1, dy]])
        np.maximum(cast, cv2.warpAffine(coverage, move, coverage.shape[::-1]), out=cast)
    cast = blur(cast, 1.5 + reach * 0.12)
    contact = blur(coverage, 3 + thickness * 0.2)
    return np.asarray(1 - (1 - 0.55 * cast) * (1 - 0.35 * contact), np.float32)


def _develop(rng: np.random.Generator, color: Field) -> NDArray[np.uint8]:
    """What a camera makes of it: fall-off, focus, exposure, sensor noise."""
    y, x = np.mgrid[-1 : 1 : HEIGHT * 1j, -1 : 1 : WIDTH * 1j].astype(np.float32)
    slant = rng.uniform(-0.1, 0.1, 2)
    falloff = 1 - 0.14 * (x**2 + y**2) / 2 + slant[0] * x + slant[1] * y
    warmth = 1 + rng.uniform(-0.05, 0.05) * np.array([1, 0, -1])
    picture = color * falloff[..., None] * (warmth * rng.uniform(0.95, 1.12)).astype(np.float32)
    picture = blur(picture, rng.uniform(0.6, 1.0))
    picture = np.clip(picture, 0, None) ** np.float32(0.86)  # a little lift of the shadows
    grain = rng.standard_normal(picture.shape, np.float32) * np.float32(rng.uniform(0.008, 0.016))
    return np.asarray(np.clip((picture + grain) * 255, 0, 255), np.uint8)
