"""How far an average precision may be off because there are only so many images."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from core.formats.reference import COCOeval

Floats = NDArray[np.float64]
Bools = NDArray[np.bool_]

SAMPLES = 400
_RANGE = (2.5, 97.5)  # percentiles: 95 of 100 intervals hold the true value
_MOST_VALUES = 2_000_000  # of the arrays that samples are computed in


@dataclass(frozen=True)
class CategoryMatches:
    """The detections of one category, best first, and what became of them.

    Attributes:
        name: Of the category.
        images: [D] int64, the position of each detection's image.
        hits: [T, D], whether it matches a true instance, per IoU threshold.
        counts: [T, D], whether it counts; one on a crowd does not.
        truths: [I], how many true instances count on each image.
    """

    name: str
    images: NDArray[np.int64]
    hits: Bools
    counts: Bools
    truths: Floats

    def aps(self, weights: Floats) -> Floats:
        """COCO's AP where each image counts so many times.

        Args:
            weights: [S, I], of S samples.

        Returns:
            [S]; nan where a sample has no true instance.
        """
        rows = max(1, _MOST_VALUES // max(1, self.hits.size))
        parts = [self._aps(weights[i : i + rows]) for i in range(0, len(weights), rows)]
        return np.concatenate([np.zeros(0), *parts])

    def _aps(self, weights: Floats) -> Floats:
        truths = weights @ self.truths  # [S]
        if self.hits.shape[1] == 0:
            return np.where(truths > 0, 0.0, np.nan)
        each = weights[:, None, self.images] * self.counts  # [S, T, D]
        right = np.cumsum(each * self.hits, axis=2)
        wrong = np.cumsum(each * ~self.hits, axis=2)
        precision = right / np.maximum(right + wrong, 1)
        envelope = np.maximum.accumulate(precision[..., ::-1], axis=2)[..., ::-1]
        # How many of COCO's recalls 0, .01, ... 1 each detection is the first to reach.
        recall = right / np.maximum(truths, 1)[:, None, None]
        reached = np.floor(100 * recall + 1e-9) + 1
        new = np.diff(reached, axis=2, prepend=0)
        areas: Floats = (new * envelope).sum(axis=2).mean(axis=1) / 101
        return np.where(truths > 0, areas, np.nan)


@dataclass(frozen=True)
class Matches:
    """How detections match the truth, by category; `images` is how many images there are."""

    categories: tuple[CategoryMatches, ...]
    images: int

    @classmethod
    def of(cls, evaluation: COCOeval) -> "Matches":
        """Take them from an evaluation, of objects of all sizes."""
        parameters = evaluation.params
        per_category = len(parameters.areaRng) * len(parameters.imgIds)
        found = []
        for place, category in enumerate(parameters.catIds):
            start = place * per_category  # objects of all sizes come first
            images = evaluation.evalImgs[start : start + len(parameters.imgIds)]
            name = evaluation.cocoGt.cats[category]["name"]
            found.append(_category(name, images, len(parameters.iouThrs)))
        return cls(tuple(found), len(parameters.imgIds))

    def only(self, name: str) -> "Matches":
        """Those of one category."""
        return Matches(tuple(it for it in self.categories if it.name == name), self.images)

    def ap(self) -> float:
        """The mean AP of the categories that occur; 0 where none does."""
        return float(self.aps(np.ones((1, self.images)))[0])

    def aps(self, weights: Floats) -> Floats:
        """The same where each image counts as often as `weights` [S, I] says: [S]."""
        each = np.stack(
            [np.zeros(len(weights)) * np.nan, *(c.aps(weights) for c in self.categories)]
        )
        occurring = ~np.isnan(each)
        total = np.where(occurring, each, 0).sum(axis=0)
        aps: Floats = total / np.maximum(occurring.sum(axis=0), 1)
        return aps

    def interval(self, seed: int = 0) -> tuple[float, float]:
        """The 95 % bootstrap interval of the AP, over images (Efron 1979, percentiles)."""
        return _interval(self.aps(_draws(self.images, seed)))

    def gain_interval(self, before: "Matches", seed: int = 0) -> tuple[float, float]:
        """The 95 % interval of how much higher the AP is than another's on the same images."""
        weights = _draws(self.images, seed)
        return _interval(self.aps(weights) - before.aps(weights))


def _interval(values: Floats) -> tuple[float, float]:
    low, high = np.percentile(values, _RANGE)
    return float(low), float(high)


def _draws(images: int, seed: int) -> Floats:
    """How often each image is drawn in each sample: [SAMPLES, images]."""
    generator = np.random.default_rng(seed)
    draws: Floats = generator.multinomial(images, [1 / images] * images, SAMPLES).astype(float)
    return draws


def _category(
    name: str, images: list[dict[str, NDArray[np.bool_]] | None], thresholds: int
) -> CategoryMatches:
    parts: list[tuple[int, Floats, Bools, Bools]] = []
    truths = np.zeros(len(images))
    for place, image in enumerate(images):
        if image is None:  # neither a truth nor a detection of it
            continue
        truths[place] = np.count_nonzero(np.asarray(image["gtIgnore"]) == 0)
        hits, ignored = np.asarray(image["dtMatches"]) > 0, np.asarray(image["dtIgnore"], bool)
        parts.append((place, np.asarray(image["dtScores"], float), hits, ~ignored))
    empty = np.zeros((thresholds, 0), np.bool_)
    scores = np.concatenate([np.zeros(0), *(part[1] for part in parts)])
    order = np.argsort(-scores, kind="mergesort")  # as pycocotools sorts
    return CategoryMatches(
        name,
        np.concatenate([np.zeros(0, np.int64), *(np.full(len(p[1]), p[0]) for p in parts)])[order],
        np.concatenate([empty, *(part[2] for part in parts)], axis=1)[:, order],
        np.concatenate([empty, *(part[3] for part in parts)], axis=1)[:, order],
        truths,
    )
