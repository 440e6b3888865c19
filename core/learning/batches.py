"""Which images make which step, and their preparation ahead of the step that needs them."""

from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Generic, TypeVar

import cv2
import numpy as np
from torch import Tensor
from torch.utils.data import DataLoader, Dataset

from core.learning.config import TrainConfig
from core.learning.dataset import CocoDetectionDataset
from core.learning.transforms import Augmentation
from core.model.mask_rcnn import Target

Key = TypeVar("Key")
Value = TypeVar("Value")


@dataclass(frozen=True)
class BatchKey:
    """What defines a batch: with the run's seed, the same key always gives the same batch.

    Attributes:
        indices: Positions of the images in the data set.
        step: The step that learns from the batch, from 0.
        image_size: Long side in pixels, before the random scale.
    """

    indices: tuple[int, ...]
    step: int
    image_size: int


@dataclass(frozen=True)
class Batch:
    """Images, each [3, H, W] in 0..1, and what is on them."""

    key: BatchKey
    images: list[Tensor]
    targets: list[Target]


def make_batch(data: CocoDetectionDataset, config: TrainConfig, key: BatchKey) -> Batch:
    """Read and augment the images of a batch, all at one random scale: less padding."""
    seed = (config.seed, key.step)
    long_side = round(key.image_size * np.random.default_rng(seed).uniform(*config.scale_jitter))
    augmentation = Augmentation(config.crop, config.copy_paste)
    pairs = [
        data.augmented(
            index, max(1, long_side), np.random.default_rng((*seed, index)), augmentation
        )
        for index in key.indices
    ]
    return Batch(key, [image for image, _ in pairs], [target for _, target in pairs])


def epoch_batches(
    landscape: Sequence[bool], batch_size: int, seed: tuple[int, ...]
) -> list[list[int]]:
    """Put all images in random order into batches that mostly share an orientation.

    A batch is padded to its largest width and height, so mixing portrait with landscape photos
    would compute on a third more pixels.

    Args:
        landscape: Whether each image is at least as wide as high.
        batch_size: Images a batch; the last batch may be smaller.
        seed: Of the order; different for each epoch.
    """
    generator = np.random.default_rng(seed)
    order = generator.permutation(len(landscape))
    order = order[np.argsort(np.asarray(landscape)[order], kind="stable")]
    batches = [order[i : i + batch_size].tolist() for i in range(0, len(order), batch_size)]
    return [batches[i] for i in generator.permutation(len(batches))]


@contextmanager
def prefetched(
    make: Callable[[Key], Value], keys: Iterable[Key], processes: int = 1
) -> Iterator[Iterator[Value]]:
    """Yield an iterator over `make(key)` in the order of the keys, made ahead of their use.

    An error in `make` is raised where its value is asked for. On leaving, what is being made is
    waited for, and the thread or the processes have ended.

    Args:
        make: To be called away from the caller's thread; it must be picklable for processes.
        keys: What to make; asked for a few ahead.
        processes: How many make values at the same time; 1: a thread, one value ahead.
    """
    if processes > 1:
        yield from _from_processes(make, keys, processes)
        return
    with ThreadPoolExecutor(max_workers=1, thread_name_prefix="batches") as pool:

        def values() -> Iterator[Value]:
            ahead: Future[Value] | None = None
            for key in keys:
                ready, ahead = ahead, pool.submit(make, key)
                if ready is not None:
                    yield ready.result()
            if ahead is not None:
                yield ahead.result()

        try:
            yield values()
        finally:
            pool.shutdown(cancel_futures=True)


def _from_processes(
    make: Callable[[Key], Value], keys: Iterable[Key], processes: int
) -> Iterator[Iterator[Value]]:
    loader: DataLoader[Value] = DataLoader(
        _Made(make),
        batch_size=None,
        sampler=keys,
        num_workers=processes,
        multiprocessing_context="spawn",  # a fork would copy the locks of Qt's threads
        worker_init_fn=_be_one_of_many,
    )
    values = iter(loader)
    try:
        yield values
    finally:
        values._shutdown_workers()  # type: ignore[attr-defined]  # noqa: SLF001 - no other way


class _Made(Dataset[Value], Generic[Key, Value]):
    """`make` as a data set whose indices are the keys."""

    def __init__(self, make: Callable[[Key], Value]) -> None:
        self._make = make

    def __getitem__(self, key: Key) -> Value:
        return self._make(key)


def _be_one_of_many(_number: int) -> None:
    """Leave the other cores to the other processes."""
    cv2.setNumThreads(1)
