"""What the model finds on validation images, drawn small; on the training's thread."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray
from PySide6.QtGui import QImage

from core.images import ImageReadError, read_rgb
from core.learning.progress import Preview, PreviewInstance
from mrcnn_gui.project.palette import next_color

MAX_SIDE = 400  # of a picture, in pixels: sharp in a panel on a dense screen
_OPACITY = 0.45
_OUTLINE = 1


@dataclass(frozen=True)
class TrainingPicture:
    """A validation image with what is found on it."""

    path: Path
    image: QImage
    found: int


def draw_pictures(
    previews: tuple[Preview, ...], colors: Mapping[str, str]
) -> list[TrainingPicture]:
    """Draw previews; an image that cannot be read is left out.

    Args:
        previews: What to draw.
        colors: Of the categories by name, as "#rrggbb".
    """
    pictures = []
    for preview in previews:
        try:
            pixels = read_rgb(preview.path, max_side=MAX_SIDE)
        except ImageReadError:
            continue
        for instance in preview.instances:
            color = colors.get(instance.category, next_color([]))
            _draw(pixels, instance, preview.size[0], _rgb(color))
        pictures.append(TrainingPicture(preview.path, _as_image(pixels), len(preview.instances)))
    return pictures


def _draw(
    pixels: NDArray[np.uint8],
    instance: PreviewInstance,
    full_width: int,
    color: tuple[int, int, int],
) -> None:
    """Tint the pixels of an instance and draw its outline."""
    scale = pixels.shape[1] / full_width
    left, top, right, bottom = (round(scale * edge) for edge in instance.mask.box_xyxy)
    right = min(max(right, left + 1), pixels.shape[1])
    bottom = min(max(bottom, top + 1), pixels.shape[0])
    if right <= left or bottom <= top:
        return
    crop = instance.mask.crop.astype(np.uint8)
    small = cv2.resize(crop, (right - left, bottom - top), interpolation=cv2.INTER_AREA)
    part = pixels[top:bottom, left:right]
    inside = small.astype(bool)
    tinted = (1 - _OPACITY) * part[inside] + _OPACITY * np.array(color)
    part[inside] = tinted.astype(np.uint8)
    outlines, _ = cv2.findContours(
        np.pad(small, 1), cv2.RETR_EXTERNAL, cv2.CHAIN_APPROX_NONE, offset=(left - 1, top - 1)
    )
    cv2.drawContours(pixels, outlines, -1, color, _OUTLINE)


def _as_image(pixels: NDArray[np.uint8]) -> QImage:
    height, width = pixels.shape[:2]
    whole = np.ascontiguousarray(pixels)
    image = QImage(whole.data, width, height, 3 * width, QImage.Format.Format_RGB888)
    return image.copy()  # the pixels of an array live no longer than it


def _rgb(color: str) -> tuple[int, int, int]:
    red, green, blue = bytes.fromhex(color.lstrip("#"))
    return red, green, blue
