"""The colours stay apart for colour-blind eyes (Machado, Oliveira and Fernandes 2009)."""

from itertools import combinations

import cv2
import numpy as np
import pytest
from numpy.typing import NDArray

from mrcnn_gui.project.palette import CATEGORY_COLORS, SOURCE_COLORS, instance_color

EYES = {
    "usual": np.eye(3),
    "protan": np.array([[0.152, 1.053, -0.205], [0.115, 0.786, 0.099], [-0.004, -0.048, 1.052]]),
    "deutan": np.array([[0.367, 0.861, -0.228], [0.280, 0.673, 0.047], [-0.012, 0.043, 0.969]]),
    "tritan": np.array([[1.256, -0.077, -0.179], [-0.078, 0.931, 0.148], [0.005, 0.691, 0.304]]),
}


def lab(color: str, eye: NDArray[np.float64]) -> NDArray[np.float32]:
    srgb = np.array([int(color[at : at + 2], 16) for at in (1, 3, 5)]) / 255
    linear = np.where(srgb <= 0.04045, srgb / 12.92, ((srgb + 0.055) / 1.055) ** 2.4)
    seen = (eye @ linear).clip(0, 1)
    back = np.where(seen <= 0.0031308, seen * 12.92, 1.055 * seen ** (1 / 2.4) - 0.055)
    pixel = cv2.cvtColor(back.astype(np.float32)[None, None], cv2.COLOR_RGB2LAB)
    return np.asarray(pixel[0, 0], dtype=np.float32)


def nearest(colors: tuple[str, ...], eye: str) -> float:
    seen = [lab(color, EYES[eye]) for color in colors]
    return min(float(np.linalg.norm(a - b)) for a, b in combinations(seen, 2))


@pytest.mark.parametrize("eye", EYES)
def test_colours_stay_apart(eye: str) -> None:
    assert nearest(CATEGORY_COLORS[:7], eye) > 16
    assert nearest(CATEGORY_COLORS, eye) > 13
    assert nearest(tuple(SOURCE_COLORS.values()), eye) > 30


def test_neighbouring_instances_differ() -> None:
    assert all(instance_color(key) != instance_color(key + 1) for key in range(1, 40))
