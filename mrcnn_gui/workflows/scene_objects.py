"""Pebbles and leaves: the objects of the sample project, drawn from numbers alone.

Every object is a small patch with a colour, a coverage and a height. The shape is described by a
signed distance in pixels, so that the edge is smooth in the picture and exact in the mask.
"""

from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

Field = NDArray[np.float32]

STONES = ((0.50, 0.49, 0.47), (0.62, 0.57, 0.50), (0.42, 0.36, 0.32), (0.71, 0.69, 0.66),
          (0.50, 0.35, 0.28), (0.33, 0.35, 0.37))  # fmt: skip
FOLIAGE = ((0.31, 0.40, 0.15), (0.66, 0.53, 0.17), (0.64, 0.31, 0.13), (0.50, 0.16, 0.12),
           (0.44, 0.31, 0.18), (0.24, 0.33, 0.17))  # fmt: skip


@dataclass(frozen=True, eq=False)
class Sprite:
    """One object before it lies in a scene.

    Attributes:
        category: "pebble" or "leaf".
        color: [h, w, 3] linear-looking RGB in 0..1, already shaded.
        coverage: [h, w] in 0..1; a pixel belongs to the object from one half on.
        thickness: How high the object rises over the ground, in pixels.
    """

    category: str
    color: Field
    coverage: Field
    thickness: float


def noise(rng: np.random.Generator, shape: tuple[int, int], cells: tuple[float, ...]) -> Field:
    """Sum of smooth random fields, one per cell size in pixels, halved in strength each time.

    Returns:
        [height, width], mean about 0 and values mostly within -1..1.
    """
    height, width = shape
    total = np.zeros(shape, np.float32)
    for octave, cell in enumerate(cells):
        grid_shape = (int(height / cell) + 3, int(width / cell) + 3)
        grid = rng.uniform(-1, 1, grid_shape).astype(np.float32)
        total += cv2.resize(grid, (width, height), interpolation=cv2.INTER_CUBIC) / 2**octave
    return total


def blur(field: Field, sigma: float) -> Field:
    """Gaussian blur of one or three channels; sigma in pixels."""
    return np.asarray(cv2.GaussianBlur(field, (0, 0), sigma), np.float32)


def shade(height: Field, light: NDArray[np.float64], shine: float = 0.0) -> tuple[Field, Field]:
    """Light a height field (in pixels) from one direction: Lambert and Blinn-Phong terms.

    Args:
        height: [h, w] in pixels.
        light: Unit vector (x right, y down, z to the viewer) towards the light.
        shine: Strength of the highlight.

    Returns:
        Diffuse factor (1 on flat ground) and highlight to be added, both [h, w].
    """
    slope_y, slope_x = np.gradient(height)
    length = np.sqrt(slope_x**2 + slope_y**2 + 1)
    lit = (-slope_x * light[0] - slope_y * light[1] + light[2]) / length
    half = light + np.array([0, 0, 1])
    half /= np.linalg.norm(half)
    gloss = (-slope_x * half[0] - slope_y * half[1] + half[2]) / length
    ambient = 0.35
    diffuse = ambient + (1 - ambient) * np.maximum(lit, 0) / light[2]
    return diffuse.astype(np.float32), (shine * np.maximum(gloss, 0) ** 24).astype(np.float32)


def pebble(rng: np.random.Generator, light: NDArray[np.float64]) -> Sprite:
    """A rounded stone of some 90 to 260 pixels, speckled, at times with a pale vein."""
    long = rng.uniform(46, 128)
    short = long * rng.uniform(0.62, 0.95)
    u, v = _rotated_grid(rng, long * 1.3)
    angle = np.arctan2(v / short, u / long)
    outline = np.ones_like(u)
    for wave in range(2, 6):
        phase, strength = rng.uniform(0, 2 * np.pi), rng.normal(0, 0.09 / wave)
        outline += strength * np.cos(wave * angle + phase)
    ratio = np.hypot(u / long, v / short) / outline
    distance = _pixels_from_edge(ratio - 1)
    rise = short * rng.uniform(0.45, 0.62)
    dome = rise * np.maximum(1 - np.minimum(ratio, 1) ** 2.3, 0) ** 0.55
    bumps = noise(rng, u.shape, (28, 9, 3)) * rng.uniform(0.5, 1.6)
    diffuse, gloss = shade(blur(dome + bumps, 1.2), light, rng.uniform(0, 0.16))
    color = _stone_color(rng, u, v) * diffuse[..., None] + gloss[..., None]
    return Sprite("pebble", color.astype(np.float32), _coverage(distance), rise * 0.55)


def leaf(rng: np.random.Generator, light: NDArray[np.float64]) -> Sprite:
    """A fallen leaf of some 130 to 340 pixels with a stem, veins and a curled blade."""
    half_length = rng.uniform(64, 150)
    half_width = half_length * rng.uniform(0.34, 0.62)
    u, v = _rotated_grid(rng, half_length * 1.45)
    along = u / half_length  # -1 at the stem, 1 at the tip
    across = v - rng.uniform(-0.22, 0.22) * half_length * along**2
    width = _blade_width(rng, along) * half_width
    blade = np.where(np.abs(along) < 1, np.abs(across) - width, np.hypot(across, 9.0))
    stem = np.maximum(np.abs(across) - half_length * 0.022, np.abs(along + 1.05) * 40 - 13)
    distance = np.minimum(_pixels_from_edge(blade), stem)
    spacing = rng.uniform(0.13, 0.2)
    veins = _veins(along, across, half_length, spacing)
    curl = rng.uniform(-0.5, 1.0) * across**2 / half_width
    relief = curl - 2.4 * veins + 3.5 * noise(rng, u.shape, (70, 30))
    diffuse, gloss = shade(blur(relief, 1.0), light, 0.05)
    color = _leaf_color(rng, across / np.maximum(width, 1), veins)
    color = color * diffuse[..., None] + gloss[..., None]
    return Sprite("leaf", color.astype(np.float32), _coverage(distance), rng.uniform(6, 13))


def _rotated_grid(rng: np.random.Generator, reach: float) -> tuple[Field, Field]:
    """Coordinates (u, v) in pixels about the centre of a square patch, turned at random."""
    half = int(np.ceil(reach))
    y, x = np.mgrid[-half : half + 1, -half : half + 1].astype(np.float32)
    turn = rng.uniform(0, 2 * np.pi)
    cosine, sine = np.float32(np.cos(turn)), np.float32(np.sin(turn))
    return x * cosine + y * sine, y * cosine - x * sine


def _pixels_from_edge(level: Field) -> Field:
    """First-order signed distance, in pixels, of a function whose zero is the edge."""
    slope_y, slope_x = np.gradient(level)
    return np.asarray(level / np.maximum(np.hypot(slope_x, slope_y), 1e-4), np.float32)


def _coverage(distance: Field) -> Field:
    return np.asarray(np.clip(0.5 - distance, 0, 1), np.float32)


def _stone_color(rng: np.random.Generator, u: Field, v: Field) -> Field:
    base = np.array(STONES[rng.integers(len(STONES))]) * rng.uniform(0.85, 1.15)
    other = np.array(STONES[rng.integers(len(STONES))])
    blend = np.clip(0.3 + 0.35 * noise(rng, u.shape, (60, 25, 10)), 0, 0.8)[..., None]
    color = base * (1 - blend) + other * blend
    speckle = noise(rng, u.shape, (4, 2)) * rng.uniform(0.03, 0.12)
    color = color * (1 + speckle[..., None])
    if rng.random() < 0.4:
        tilt, place = rng.uniform(-0.5, 0.5), rng.uniform(-25, 25)
        wander = 7 * noise(rng, u.shape, (30, 12))
        vein = np.exp(-(((v + tilt * u + wander - place) / rng.uniform(2, 6)) ** 2))
        color = color + 0.22 * vein[..., None]
    return np.asarray(color, np.float32)


def _blade_width(rng: np.random.Generator, along: Field) -> Field:
    """Half width of the blade, 0..1, along its axis: ovate, pointed, toothed or lobed."""
    inside = np.clip(along, -1, 1)
    belly = (1 - inside**2) ** rng.uniform(0.6, 0.9) * (1 - rng.uniform(0.15, 0.4) * inside)
    if rng.random() < 0.35:
        lobes = 0.28 * np.cos(rng.uniform(9, 13) * inside + rng.uniform(0, 2 * np.pi))
        return np.asarray(belly * (0.86 + lobes), np.float32)
    teeth = np.abs((inside * rng.uniform(11, 17)) % 1 - 0.5) * rng.uniform(0.04, 0.14)
    return np.asarray(belly * (1 - teeth), np.float32)


def _veins(along: Field, across: Field, half_length: float, spacing: float) -> Field:
    """Strength 0..1 of the midrib and the side veins, which leave it at a slant."""
    midrib = np.exp(-((across / (2.6 - 1.2 * np.clip(along, -1, 1))) ** 2))
    slant = (along - 0.75 * np.abs(across) / half_length) / spacing
    pixels = np.abs(slant - np.round(slant)) * spacing * half_length
    side = 0.55 * np.exp(-((pixels / 1.5) ** 2))
    return np.asarray(np.maximum(midrib, side), np.float32)


def _leaf_color(rng: np.random.Generator, edge: Field, veins: Field) -> Field:
    base = np.array(FOLIAGE[rng.integers(len(FOLIAGE))]) * rng.uniform(0.85, 1.15)
    other = np.array(FOLIAGE[rng.integers(len(FOLIAGE))])
    patches = 0.25 + 0.45 * noise(rng, edge.shape, (80, 34, 12))
    blend = np.clip(patches + 0.35 * np.abs(np.clip(edge, -1, 1)) ** 3, 0, 1)[..., None]
    color = base * (1 - blend) + other * blend
    color = color * (1 + 0.08 * noise(rng, edge.shape, (9, 4, 2))[..., None])
    spots = np.clip(noise(rng, edge.shape, (16, 7)) - 0.85, 0, 0.5)[..., None] * 1.2
    color = color * (1 - spots)
    return np.asarray(color * (1 + 0.35 * veins[..., None]) + 0.05 * veins[..., None], np.float32)
