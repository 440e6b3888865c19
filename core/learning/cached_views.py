"""Batches for the RoI heads alone: a few views of each image, gone through only once.

With `stages` "roi_heads" the backbone, the pyramid and the RPN are frozen. What they make of a view
of an image is then always the same: it is kept (`core.learning.feature_cache`), and the next step
with that view costs the heads alone.
"""

import hashlib
import json
from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property
from math import ceil

import numpy as np
import torch
from torch import Tensor

from core.learning.batches import BatchKey
from core.learning.config import TrainConfig
from core.learning.dataset import CocoDetectionDataset
from core.learning.feature_cache import FeatureCache
from core.learning.transforms import Augmentation
from core.model.mask_rcnn import MaskRCNN, Target
from core.model.roi_inputs import RoiInputs

_FROZEN = ("backbone.", "fpn.", "rpn.")

Pool = Callable[[Tensor, Target, torch.Generator], RoiInputs]


@dataclass(frozen=True)
class View:
    """A view of an image that the model has not seen yet.

    Attributes:
        key: Its name in the cache.
        seed: Of the RoIs.
        image: [3, H, W] in 0..1.
        target: What is on it.
    """

    key: str
    seed: int
    image: Tensor
    target: Target


@dataclass(frozen=True)
class CachedBatch:
    """Of each image of a batch what the heads learn from, or the view to make that from."""

    key: BatchKey
    parts: list[RoiInputs | View]


@dataclass(frozen=True)
class ViewLoader:
    """Makes batches ahead of their steps; may be called in any thread.

    Attributes:
        data: The images.
        config: `feature_cache` and `cached_views` say where, and how many views of each image.
        cache: Where the inputs are kept.
        weights: Names the frozen weights and the settings that the inputs depend on.
    """

    data: CocoDetectionDataset
    config: TrainConfig
    cache: FeatureCache
    weights: str

    def __call__(self, key: BatchKey) -> CachedBatch:
        """The views of a batch; an epoch shows one view of each image."""
        epoch = key.step // ceil(len(self.data) / self.config.batch_size)
        view = epoch % self.config.cached_views
        return CachedBatch(key, [self._part(i, view, key.image_size) for i in key.indices])

    def complete(self, batch: CachedBatch, pool: Pool) -> list[RoiInputs]:
        """Let the model see the views that it has not seen, and keep what it makes of them.

        Args:
            batch: Of this loader.
            pool: Makes the inputs of one view.
        """
        return [
            it
            if isinstance(it, RoiInputs)
            else self.cache.put(
                it.key, pool(it.image, it.target, torch.Generator().manual_seed(it.seed))
            )
            for it in batch.parts
        ]

    def _part(self, index: int, view: int, image_size: int) -> RoiInputs | View:
        key = self._key(index, view, image_size)
        inputs = self.cache.get(key)
        return self._view(key, index, view, image_size) if inputs is None else inputs

    def _view(self, key: str, index: int, view: int, image_size: int) -> View:
        config = self.config
        generator = np.random.default_rng((config.seed, view, self.data.image_ids[index]))
        long_side = max(1, round(image_size * generator.uniform(*config.scale_jitter)))
        augmentation = Augmentation(config.crop, config.copy_paste)
        image, target = self.data.augmented(index, long_side, generator, augmentation)
        return View(key, int(generator.integers(2**31)), image, target)

    def _key(self, index: int, view: int, image_size: int) -> str:
        config = self.config
        augmentation = (config.scale_jitter, config.crop, config.copy_paste, config.seed)
        what = (self.weights, self.data.identity(index), view, image_size)
        return _digest((*what, augmentation, self._others))

    @cached_property
    def _others(self) -> str:
        """Names all images where an object of any of them may be pasted; found once in a run."""
        if not self.config.copy_paste:
            return ""
        return _digest([self.data.identity(i) for i in range(len(self.data))])


def _digest(values: object) -> str:
    return hashlib.blake2b(json.dumps(values).encode(), digest_size=16).hexdigest()


def make_view_loader(
    model: MaskRCNN, data: CocoDetectionDataset, config: TrainConfig
) -> ViewLoader | None:
    """The loader of a run; None where it keeps nothing, or more than the RoI heads learns."""
    if config.feature_cache is None or config.stages != "roi_heads":
        return None
    return ViewLoader(data, config, FeatureCache(config.feature_cache), _name(model))


def _name(model: MaskRCNN) -> str:
    """Of the frozen weights and the model's settings, in hex.

    Not of the precision: whatever the heads learn in, all before them computes in float32.
    """
    settings = json.dumps(model.config.to_dict(), sort_keys=True)
    digest = hashlib.blake2b(settings.encode(), digest_size=16)
    for name, value in model.state_dict().items():
        if name.startswith(_FROZEN):
            digest.update(name.encode())
            digest.update(value.detach().cpu().contiguous().numpy().tobytes())
    return digest.hexdigest()
