"""Image in, detections out: the only class that users of inference need."""

import time
from dataclasses import dataclass, replace
from functools import cache
from pathlib import Path

import numpy as np
import torch
import torch.nn.functional as F  # noqa: N812
from numpy.typing import NDArray
from torch import Tensor

from core.learning.transforms import resize_image
from core.masks import Mask
from core.model.checkpoint import load_model
from core.model.config import MaskRCNNConfig
from core.model.mask_rcnn import Boxes, MaskRCNN
from core.model.preprocess import resize_short_side
from core.ops.paste import Box, paste_mask

_WORTHWHILE = 1.3  # how much faster bf16 must be before its lower precision is accepted
_PRECISIONS = ("auto", "fp32", "bf16")


@dataclass(frozen=True)
class Detection:
    """One object that the model found.

    Attributes:
        category: a name from the model's categories.
        score: 0..1.
        box_xyxy: continuous, in the image's pixels.
        mask: in the image's pixels; not empty.
    """

    category: str
    score: float
    box_xyxy: Box
    mask: Mask


class Predictor:
    """Runs a model on images of any size.

    Args:
        model: is put on the device and into evaluation mode: pass a copy of one that trains.
        device: "auto" (CUDA where available), or any device of torch.
        precision: "fp32", "bf16", or "auto": bf16 where a short measurement, once per process,
            finds it clearly faster.

    Raises:
        ValueError: the precision is none of these.
    """

    def __init__(self, model: MaskRCNN, *, device: str = "auto", precision: str = "auto") -> None:
        if precision not in _PRECISIONS:
            raise ValueError(f"precision: expected one of {_PRECISIONS}, got {precision!r}")
        if device == "auto":
            device = "cuda" if torch.cuda.is_available() else "cpu"
        self.device = device
        self.config: MaskRCNNConfig = model.config
        self._model = model.eval().to(device)
        self._uses_bf16 = precision == "bf16" or (precision == "auto" and _bf16_is_faster(device))

    @classmethod
    def load(cls, path: Path, *, device: str = "auto") -> "Predictor":
        """Read a model: a version's folder or a .safetensors file.

        Raises:
            ModelFileError: the file is missing, damaged, or no model of ours.
        """
        return cls(load_model(path)[0], device=device)

    @property
    def categories(self) -> tuple[str, ...]:
        """The names of what the model finds."""
        return self.config.categories

    def predict(
        self, image: NDArray[np.uint8], *, min_score: float = 0.05, max_detections: int = 100
    ) -> list[Detection]:
        """Find objects.

        Args:
            image: RGB [H, W, 3]; resized to the config's long side for the model.
            min_score: leave out what the model is less sure of, 0..1.
            max_detections: how many at most.

        Returns:
            Detections in the image's pixels, best first; empty when there are none.

        Raises:
            ValueError: the array is no RGB image.
        """
        if image.dtype != np.uint8 or image.ndim != 3 or image.shape[2] != 3 or image.size == 0:
            raise ValueError(f"expected RGB uint8 [H, W, 3], got {image.dtype} {image.shape}")
        height, width = image.shape[:2]
        found, probs = self._run(image, min_score, max_detections)
        detections = []
        for box, score, label, prob in zip(
            found.boxes_xyxy.tolist(),
            found.scores.tolist(),
            found.labels.tolist(),
            probs.cpu().numpy(),
            strict=True,
        ):
            box_xyxy = (box[0], box[1], box[2], box[3])
            mask = paste_mask(prob, box_xyxy, height, width)
            if not mask.is_empty:
                category = self.categories[label - 1]
                detections.append(Detection(category, score, box_xyxy, mask))
        return detections

    @torch.inference_mode()
    def _run(self, image: NDArray[np.uint8], min_score: float, limit: int) -> tuple[Boxes, Tensor]:
        """Return the boxes, in the image's pixels, and their mask probabilities [n, 28, 28]."""
        resized = self._resize(image)
        kind = torch.device(self.device).type
        with torch.autocast(kind, torch.bfloat16, enabled=self._uses_bf16):
            features = self._model.features([resized])
            selection = replace(self._model.selection, score_threshold=min_score, limit=limit)
            found = self._model.detect(features, selection)[0]
            probs = self._model.masks_for_boxes(features, [found.boxes_xyxy], [found.labels])[0]
        # Rounding makes the two sides' factors differ a little.
        across, down = image.shape[1] / resized.shape[2], image.shape[0] / resized.shape[1]
        scale = found.boxes_xyxy.new_tensor((across, down, across, down))
        return Boxes(found.boxes_xyxy * scale, found.scores, found.labels), probs

    def _resize(self, image: NDArray[np.uint8]) -> Tensor:
        """Return the image as the model wants it: [3, H, W] float32 in 0..1 on the device."""
        if self.config.resizing == "long_side":
            return self._to_tensor(resize_image(image, self.config.image_size))
        return resize_short_side(self._to_tensor(image), self.config)

    def _to_tensor(self, image: NDArray[np.uint8]) -> Tensor:
        """Return [3, H, W] float32 in 0..1 on the device."""
        pixels = torch.from_numpy(np.ascontiguousarray(image)).to(self.device)
        return pixels.permute(2, 0, 1).float() / 255


@cache
def _bf16_is_faster(device: str) -> bool:
    """Time one convolution of the mask head's kind in both precisions."""
    with torch.inference_mode():
        x = torch.zeros(8, 96, 14, 14, device=device).contiguous(memory_format=torch.channels_last)
        weight = torch.zeros(96, 96, 3, 3, device=device).contiguous(
            memory_format=torch.channels_last
        )
        half = _seconds(x.bfloat16(), weight.bfloat16())
        return _seconds(x, weight) > _WORTHWHILE * half


def _seconds(x: Tensor, weight: Tensor) -> float:
    """Return the best time of a few convolutions, after one to warm up."""
    times = []
    for _ in range(4):
        start = time.perf_counter()
        F.conv2d(x, weight, padding=1)
        if x.is_cuda:
            torch.cuda.synchronize(x.device)
        times.append(time.perf_counter() - start)
    return min(times[1:])
