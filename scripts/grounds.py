"""Bare grounds: pictures on which there is nothing, of random colours and textures.

Trained on photos alone the starter took sand and soil for one large object: in its photos what
fills the picture mostly is one. On these grounds there is no object but what copy-paste puts there.
"""

from pathlib import Path
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from mrcnn_gui.workflows.scene_objects import Field, blur, noise, shade

WIDTH, HEIGHT = 640, 480


def write_grounds(folder: Path, count: int) -> list[dict[str, Any]]:
    """Write `count` pictures; return their COCO image records, without ids, beside the folder.

    Raises:
        OSError: The folder cannot be written.
    """
    folder.mkdir(parents=True, exist_ok=True)
    records = []
    for number in range(count):
        path = folder / f"ground_{number:04}.jpg"
        _, data = cv2.imencode(".jpg", ground(number)[..., ::-1], [cv2.IMWRITE_JPEG_QUALITY, 92])
        path.write_bytes(data.tobytes())
        records.append(
            {"file_name": f"{folder.name}/{path.name}", "width": WIDTH, "height": HEIGHT}
        )
    return records


def ground(number: int) -> NDArray[np.uint8]:
    """Paint the ground with this number, RGB [480, 640, 3]; always the same pixels."""
    rng = np.random.default_rng([480, 640, number])
    patches = _pattern(rng, rng.uniform(40, 400))
    grain = _pattern(rng, rng.uniform(2, 12))
    blend = np.clip(0.5 + rng.uniform(0.1, 0.5) * patches, 0, 1)[..., None]
    first, second = _color(rng), _color(rng)
    second = first + rng.uniform(0.1, 0.6) * (second - first)  # seldom two colours at odds
    color = first * (1 - blend) + second * blend
    color = color * (1 + rng.uniform(0, 0.2) * grain[..., None]) * _relief(rng, grain)[..., None]
    color = blur((color * _light(rng)[..., None]).astype(np.float32), rng.uniform(0.4, 2.0))
    color += rng.standard_normal(color.shape, np.float32) * np.float32(rng.uniform(0, 0.03))
    return np.asarray(np.clip(color * 255, 0, 255), np.uint8)


def _color(rng: np.random.Generator) -> NDArray[np.float64]:
    """Mostly pale."""
    color = rng.uniform(0.08, 0.95, 3)
    return np.asarray(color.mean() + rng.uniform(0, 1) ** 2 * (color - color.mean()))


def _pattern(rng: np.random.Generator, cell: float) -> Field:
    """Noise about cells of a size in pixels, every third time drawn out to one side."""
    cells = tuple(max(2.0, cell / step) for step in (1, 2.3, 5))
    if rng.random() < 2 / 3:
        return noise(rng, (HEIGHT, WIDTH), cells)
    stretch = rng.uniform(2, 6)
    long = noise(rng, (max(8, round(HEIGHT / stretch)), WIDTH), cells)
    drawn_out = cv2.resize(long, (WIDTH, HEIGHT), interpolation=cv2.INTER_CUBIC)
    return np.asarray(drawn_out, np.float32)


def _relief(rng: np.random.Generator, grain: Field) -> Field:
    """How bright the slopes of the ground are."""
    turn, rise = rng.uniform(0, 2 * np.pi), rng.uniform(0.5, 1.2)
    light = np.array([np.cos(turn) * np.cos(rise), np.sin(turn) * np.cos(rise), np.sin(rise)])
    height = rng.uniform(0, 6) * noise(rng, (HEIGHT, WIDTH), (120, 40)) + rng.uniform(0, 2) * grain
    diffuse, _ = shade(np.asarray(blur(height, 0.8), np.float32), light)
    return diffuse


def _light(rng: np.random.Generator) -> Field:
    """The fall-off of light over the picture."""
    y, x = np.mgrid[-1 : 1 : HEIGHT * 1j, -1 : 1 : WIDTH * 1j].astype(np.float32)
    slant = rng.uniform(-0.25, 0.25, 2)
    falloff = 1 - rng.uniform(0, 0.4) * (x**2 + y**2) / 2 + slant[0] * x + slant[1] * y
    return np.asarray(falloff * rng.uniform(0.8, 1.1), np.float32)
