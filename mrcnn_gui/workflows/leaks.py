"""Training images that would give the validation away: copies, and members of the same group."""

from collections.abc import Sequence
from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

_SIDE = 16  # pixels of a thumbnail
# Correlation of thumbnails. Measured on photos: saved again, resized or brightened ones have .96
# and more, different ones of one scene .84 at most.
_ALIKE = 0.95
# Where more of the images resemble those for validation, all show one scene (a fixed camera, say):
# leaving them out would leave nothing to learn from.
_MOST_LEFT_OUT = 0.2


@dataclass(frozen=True)
class Look:
    """What an image is told apart by.

    Attributes:
        name: For people.
        content_hash: Of its file; "" where not known.
        group: Of the project; "" for none.
        thumbnail: [256] float32, grey values without their mean, of length 1 (or 0: a plain image).
        kept_for: What, where it is not trained on.
    """

    name: str
    content_hash: str
    group: str
    thumbnail: NDArray[np.float32]
    kept_for: str = "validation"


def thumbnail(image: NDArray[np.uint8]) -> NDArray[np.float32]:
    """Make what `Look.thumbnail` holds of an HWC RGB image."""
    grey = cv2.cvtColor(image, cv2.COLOR_RGB2GRAY)
    small = cv2.resize(grey, (_SIDE, _SIDE), interpolation=cv2.INTER_AREA).astype(np.float32)
    values: NDArray[np.float32] = (small - small.mean()).ravel()
    length = float(np.linalg.norm(values))
    return values / length if length > _SIDE else np.zeros_like(values)


@dataclass(frozen=True)
class Leaks:
    """What the images for validation and test have in common with the training images.

    Attributes:
        reasons: For every training image, by its position, that must not be trained on: why.
        warning: Why metrics are optimistic all the same; "" when they are not known to be.
    """

    reasons: dict[int, str]
    warning: str = ""


def find_leaks(train: Sequence[Look], kept: Sequence[Look]) -> Leaks:
    """Look for training images that show what those kept for validation and test show."""
    if not train or not kept:
        return Leaks({})
    reasons = _same(train, kept)
    alike, purposes = _alike(train, kept)
    more = alike.keys() - reasons.keys()
    is_one_scene = len(more) > max(1, _MOST_LEFT_OUT * len(train))
    if is_one_scene or (more and len(more) + len(reasons) == len(train)):
        return Leaks(
            reasons,
            f"{len(alike)} of {len(train)} images to train on look nearly like images that are "
            f"kept for {purposes}: on other images the model will be worse than the metrics say.",
        )
    return Leaks(alike | reasons)


def _same(train: Sequence[Look], kept: Sequence[Look]) -> dict[int, str]:
    """Copies, and members of the same group."""
    reasons: dict[int, str] = {}
    groups = {it.group: it for it in kept if it.group}
    contents = {it.content_hash: it for it in kept if it.content_hash}
    for place, look in enumerate(train):
        if look.content_hash in contents:
            reasons[place] = _reason(look, "the same image as", contents[look.content_hash])
        elif look.group in groups:
            reasons[place] = _reason(look, "of the same group as", groups[look.group])
    return reasons


def _alike(train: Sequence[Look], kept: Sequence[Look]) -> tuple[dict[int, str], str]:
    """Near copies, and what those that they resemble are kept for."""
    correlation = _stacked(train) @ _stacked(kept).T  # [train, kept]
    twins = correlation.argmax(axis=1).tolist()
    reasons = {
        place: _reason(train[place], "nearly the same as", kept[twin])
        for place, twin in enumerate(twins)
        if correlation[place, twin] > _ALIKE
    }
    resembled = np.flatnonzero((correlation > _ALIKE).any(axis=0)).tolist()
    purposes = {kept[place].kept_for for place in resembled}
    return reasons, " or ".join(sorted(purposes, reverse=True))


def _reason(look: Look, what: str, twin: Look) -> str:
    return f"{look.name}: {what} {twin.name}, which is kept for {twin.kept_for}"


def _stacked(looks: Sequence[Look]) -> NDArray[np.float32]:
    return np.stack([look.thumbnail for look in looks])
