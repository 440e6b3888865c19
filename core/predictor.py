"""Image in, detections out: the only class that users of inference need."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from core.learning.transforms import resize_image
from core.masks import Mask, RunLengths, encode_rle
from core.model.config import MaskRCNNConfig
from core.model.fixed_shape import without_padding
from core.model.folding import inference_copy
from core.model.graphs import GraphedModel
from core.model.mask_rcnn import Boxes, Features, MaskRCNN, Prediction, Selection
from core.model.precision import choose_precision
from core.model.preprocess import resize_short_side, to_batch
from core.model.pretrained import load_any
from core.ops.fused import fused_kernels_work
from core.ops.paste import Box, MaskGrid

# What may lie under a point: every score, and overlaps that `predict` would suppress.
_CANDIDATES = Selection(score_threshold=0.0, nms_threshold=0.8, class_agnostic_nms=True, limit=300)
_MASKS_PER_POINT = 16


@dataclass(frozen=True)
class Detection:
    """One object that the model found.

    Attributes:
        category: a name from the model's categories.
        score: 0..1.
        box_xyxy: continuous, in the image's pixels.
        shape: the mask, or what it is made of when somebody looks.
    """

    category: str
    score: float
    box_xyxy: Box
    shape: Mask | MaskGrid

    @property
    def mask(self) -> Mask:
        """In the image's pixels; not empty."""
        return self.shape if isinstance(self.shape, Mask) else self.shape.mask

    def run_lengths(self, height: int, width: int) -> RunLengths:
        """COCO's run lengths in the image, whose size is given."""
        if isinstance(self.shape, MaskGrid):
            return self.shape.run_lengths
        return encode_rle(self.shape, height, width)


@dataclass(frozen=True)
class _Embedded:
    """Images as the heads see them.

    Attributes:
        features: of the resized images.
        sizes: height and width of every image, in its own pixels.
        scales: per image, [4], its pixels per pixel of the resized one: across, down, across, down.
    """

    features: Features
    sizes: list[tuple[int, int]]
    scales: list[Tensor]


class Predictor:
    """Runs a model on images of any size.

    For whole images there are `predict` and `predict_batch`. To work on one image, `embed` it once;
    `predict_boxes` and `predict_at` then cost milliseconds.

    Args:
        model: is copied, with its norms folded into its convolutions; later changes of its weights
            are not seen.
        device: "auto" (CUDA where available), or any device of torch.
        precision: "fp32", "bf16", on CPUs "winograd" (fp32 with fewer multiplications), or "auto":
            what a measurement of a second or two finds clearly faster than plain fp32.
        kept: a file that remembers what was measured; None: it is measured once per process.

    Raises:
        ValueError: the precision is none of these, or not for the device.
    """

    def __init__(
        self,
        model: MaskRCNN,
        *,
        device: str = "auto",
        precision: str = "auto",
        kept: Path | None = None,
    ) -> None:
        self.device, found = _device(device)
        chosen = choose_precision(self.device, precision, kept, for_inference=True)
        self.precision = chosen.name
        self.reason = f"{found}; {chosen.reason}"
        self.config: MaskRCNNConfig = model.config
        self._model = inference_copy(model, chosen.dtype, winograd=chosen.winograd)
        self._model.to(self.device)
        self._uses_graphs = self.device.startswith("cuda") and fused_kernels_work()
        self._graphs: dict[Selection, GraphedModel] = {}
        self._embedded: _Embedded | None = None
        self._candidates: Boxes | None = None  # of the embedded image, found when first asked for

    @classmethod
    def load(
        cls,
        path: Path,
        *,
        device: str = "auto",
        precision: str = "auto",
        kept: Path | None = None,
    ) -> "Predictor":
        """Read a model: a version's folder, a .safetensors file, or a published checkpoint.

        Raises:
            ModelFileError: the file is missing, damaged, or of no known kind.
        """
        return cls(load_any(path), device=device, precision=precision, kept=kept)

    @property
    def categories(self) -> tuple[str, ...]:
        """The names of what the model finds."""
        return self.config.categories

    def predict(
        self,
        image: NDArray[np.uint8],
        *,
        min_score: float = 0.05,
        max_detections: int = 100,
        nms_threshold: float | None = None,
        class_agnostic_nms: bool | None = None,
    ) -> list[Detection]:
        """Find objects.

        Args:
            image: RGB [H, W, 3]; resized as the config says for the model.
            min_score: leave out what the model is less sure of, 0..1.
            max_detections: how many at most.
            nms_threshold: of two boxes with a larger IoU the better one stays; None: the config's.
            class_agnostic_nms: whether also boxes of different categories suppress each other;
                None: as the config says.

        Returns:
            Detections in the image's pixels, best first; empty when there are none.

        Raises:
            ValueError: the array is no RGB image.
        """
        selection = self._selection(min_score, max_detections, nms_threshold, class_agnostic_nms)
        return self.predict_batch([image], selection)[0]

    @torch.inference_mode()
    def predict_batch(
        self, images: Sequence[NDArray[np.uint8]], selection: Selection | None = None
    ) -> list[list[Detection]]:
        """Find objects in several images at once; they are padded to a common size.

        Args:
            images: each RGB [H, W, 3].
            selection: which boxes to keep; None: the config's.

        Returns:
            For each image its detections, as `predict` returns them.

        Raises:
            ValueError: an array is no RGB image.
        """
        if not images:
            return []
        if self._uses_graphs:
            return self._predict_on_gpu(images, selection or self._model.selection)
        embedded = self._embed(images)
        return self._detections(embedded, self._model.predict(embedded.features, selection))

    @torch.inference_mode()
    def embed(self, image: NDArray[np.uint8]) -> None:
        """Compute the features of an image and keep them, in place of those of the one before.

        Args:
            image: RGB [H, W, 3].

        Raises:
            ValueError: the array is no RGB image.
        """
        self._embedded = self._embed([image])
        self._candidates = None

    @torch.inference_mode()
    def predict_boxes(self, boxes_xyxy: Sequence[Box]) -> list[Detection]:
        """Return what each of some boxes on the embedded image holds.

        Args:
            boxes_xyxy: in the image's pixels; sides > 0; they may reach outside.

        Returns:
            For each box, in order: itself, its likeliest category with the score, and the mask
            inside it, which may be empty.

        Raises:
            RuntimeError: no image is embedded.
            ValueError: a box has no area or is not finite.
        """
        embedded = self._require_embedded()
        boxes = torch.tensor(list(boxes_xyxy), dtype=torch.float32).reshape(-1, 4)
        if not (boxes.isfinite().all() and (boxes[:, 2:] > boxes[:, :2]).all()):
            raise ValueError(f"expected boxes x1, y1, x2, y2 with x1 < x2, y1 < y2: {boxes_xyxy}")
        boxes = boxes.to(self.device) / embedded.scales[0]
        logits, _ = self._model.classify(embedded.features, [boxes])
        scores, columns = logits.softmax(dim=1)[:, 1:].max(dim=1)
        labels = columns + 1
        # What somebody has drawn is little, and deserves a second look.
        [probs] = self._model.masks_for_boxes(embedded.features, [boxes], [labels], twice=True)
        found = Prediction(boxes, scores, labels, probs)
        return self._detections(embedded, [found], keep_empty=True)[0]

    @torch.inference_mode()
    def predict_at(self, point: tuple[float, float], *, limit: int = 8) -> list[Detection]:
        """Return the objects that may lie under a point of the embedded image, best first.

        Also those that the model is not sure of, and those that overlap better ones: what
        `predict` would not show.

        Args:
            point: x and y in the image's pixels.
            limit: how many at most.

        Returns:
            Detections whose masks cover the point; empty when there are none.

        Raises:
            RuntimeError: no image is embedded.
            ValueError: the point lies outside of the image.
        """
        embedded = self._require_embedded()
        (x, y), (height, width) = point, embedded.sizes[0]
        if not (0 <= x < width and 0 <= y < height):
            raise ValueError(f"expected a point within {width} x {height} pixels, got {point}")
        if self._candidates is None:
            self._candidates = self._model.detect(embedded.features, _CANDIDATES)[0]
        boxes = self._candidates.boxes_xyxy
        at = boxes.new_tensor((x, y)) / embedded.scales[0][:2]
        under = ((boxes[:, :2] <= at) & (at < boxes[:, 2:])).all(dim=1)
        found = self._candidates.where(under).first(_MASKS_PER_POINT)
        detections = self._detections(
            embedded, self._model.with_masks(embedded.features, [found], lowest=0.0)
        )[0]
        return [d for d in detections if d.mask.contains(int(x), int(y))][:limit]

    def _selection(
        self, min_score: float, limit: int, nms: float | None, agnostic: bool | None
    ) -> Selection:
        usual = self._model.selection
        return Selection(
            score_threshold=min_score,
            nms_threshold=usual.nms_threshold if nms is None else nms,
            class_agnostic_nms=usual.class_agnostic_nms if agnostic is None else agnostic,
            limit=limit,
        )

    def _require_embedded(self) -> _Embedded:
        if self._embedded is None:
            raise RuntimeError("no image is embedded: call embed(image) first")
        return self._embedded

    def _embed(self, images: Sequence[NDArray[np.uint8]]) -> _Embedded:
        resized = self._resized(images)
        features = self._model.features(resized)
        sizes = [(image.shape[0], image.shape[1]) for image in images]
        return _Embedded(features, sizes, _scales(sizes, resized))

    def _resized(self, images: Sequence[NDArray[np.uint8]]) -> list[Tensor]:
        for image in images:
            _check(image)
        return [self._resize(image) for image in images]

    def _predict_on_gpu(
        self, images: Sequence[NDArray[np.uint8]], selection: Selection
    ) -> list[list[Detection]]:
        """Start everything, then wait once."""
        if selection not in self._graphs:
            self._graphs = {selection: GraphedModel(self._model, selection)}
        resized = self._resized(images)
        batch, limits = to_batch(resized, self.config)
        padded = self._graphs[selection](batch, torch.tensor(limits, device=batch.device))
        sizes = [(image.shape[0], image.shape[1]) for image in images]
        parts = zip(without_padding(padded), _scales(sizes, resized), sizes, strict=True)
        return [
            list(self._pasted(found, scale, size, keep_empty=False)) for found, scale, size in parts
        ]

    def _detections(
        self, embedded: _Embedded, found: Sequence[Prediction], *, keep_empty: bool = False
    ) -> list[list[Detection]]:
        """Bring what was found in resized images to the images' own pixels."""
        images = zip(found, embedded.scales, embedded.sizes, strict=True)
        return [
            list(self._pasted(part, scale, size, keep_empty=keep_empty))
            for part, scale, size in images
        ]

    def _pasted(
        self, found: Prediction, scale: Tensor, size: tuple[int, int], *, keep_empty: bool
    ) -> Iterator[Detection]:
        boxes = (found.boxes_xyxy * scale).tolist()
        scores, labels = found.scores.tolist(), found.labels.tolist()
        grids = found.mask_probs.cpu().numpy()
        for box, score, label, grid in zip(boxes, scores, labels, grids, strict=True):
            box_xyxy = (box[0], box[1], box[2], box[3])
            shape = MaskGrid(grid, box_xyxy, *size)
            if keep_empty or not shape.is_empty:
                yield Detection(self.categories[label - 1], score, box_xyxy, shape)

    def _resize(self, image: NDArray[np.uint8]) -> Tensor:
        """Return the image as the model wants it: [3, H, W] float32 in 0..1 on the device."""
        if self.config.resizing == "long_side":
            return self._to_tensor(resize_image(image, self.config.image_size))
        return resize_short_side(self._to_tensor(image), self.config)

    def _to_tensor(self, image: NDArray[np.uint8]) -> Tensor:
        """Return [3, H, W] float32 in 0..1 on the device."""
        pixels = torch.from_numpy(np.ascontiguousarray(image)).to(self.device)
        return pixels.permute(2, 0, 1).float() / 255


def _scales(sizes: Sequence[tuple[int, int]], resized: Sequence[Tensor]) -> list[Tensor]:
    """Return what a pixel of each resized image is in the image's own, [4]: across, down, twice.

    Rounding makes the two sides' factors differ a little.
    """
    factors = [
        (width / small.shape[2], height / small.shape[1])
        for (height, width), small in zip(sizes, resized, strict=True)
    ]
    return [torch.tensor(f * 2, device=s.device) for f, s in zip(factors, resized, strict=True)]


def _device(wanted: str) -> tuple[str, str]:
    """Return the device, and why it is that one."""
    if wanted != "auto":
        return wanted, f"{wanted} was asked for"
    if torch.cuda.is_available():
        return "cuda", f"torch finds {torch.cuda.get_device_name()}"
    return "cpu", "torch finds no CUDA GPU"


def _check(image: NDArray[np.uint8]) -> None:
    if image.dtype != np.uint8 or image.ndim != 3 or image.shape[2] != 3 or image.size == 0:
        raise ValueError(f"expected RGB uint8 [H, W, 3], got {image.dtype} {image.shape}")
