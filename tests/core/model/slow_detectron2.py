"""detectron2's Mask R-CNN R50-FPN on one image, in NumPy, float64 and its own names.

Written from the papers and detectron2's documentation, to be obviously right rather than fast.
"""

import math
from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view
from numpy.typing import NDArray

from core.ops.roi_align import Sampling
from tests.core.ops.slow_roi_align import slow_roi_align

Array = NDArray[np.float64]
_MEAN_BGR = np.array([103.53, 116.28, 123.675])[:, None, None]
_ANCHOR_SIZES = (32, 64, 128, 256, 512)
_CLIP = math.log(1000 / 16)
_ROI_ALIGN = Sampling(aligned=True, per_bin=0)


@dataclass
class SlowDetectron2:
    """The weights, and the settings that a test makes smaller."""

    state: Mapping[str, Array]
    candidates: int
    proposals: int

    def pyramid(self, image: Array) -> list[Array]:
        """Return P2..P6 of an image [3, H, W], RGB in 0..1."""
        height, width = image.shape[1:]
        x = image[::-1] * 255 - _MEAN_BGR
        x = np.pad(x, ((0, 0), (0, -height % 32), (0, -width % 32)))
        x = np.maximum(self._normed("backbone.bottom_up.stem.conv1", x, 2), 0)
        x = _max_pool(x)
        features = []
        for stage, blocks in zip((2, 3, 4, 5), (3, 4, 6, 3), strict=True):
            for block in range(blocks):
                stride = 2 if block == 0 and stage > 2 else 1
                x = self._block(f"backbone.bottom_up.res{stage}.{block}", x, stride)
            features.append(x)
        merged = self._conv("backbone.fpn_lateral5", features[3])
        levels = [self._conv("backbone.fpn_output5", merged)]
        for stage in (4, 3, 2):
            above = merged.repeat(2, axis=1).repeat(2, axis=2)
            merged = self._conv(f"backbone.fpn_lateral{stage}", features[stage - 2]) + above
            levels.insert(0, self._conv(f"backbone.fpn_output{stage}", merged))
        return [*levels, levels[-1][:, ::2, ::2]]

    def propose(self, levels: list[Array], size: tuple[int, int]) -> Array:
        """Return the proposals [n, 4], best first."""
        found: list[tuple[float, Array]] = []
        for number, level in enumerate(levels):
            hidden = np.maximum(self._conv("proposal_generator.rpn_head.conv", level), 0)
            logits = self._conv("proposal_generator.rpn_head.objectness_logits", hidden)
            deltas = self._conv("proposal_generator.rpn_head.anchor_deltas", hidden)
            scored: list[tuple[float, Array]] = []
            for row, column, ratio in np.ndindex(*level.shape[1:], 3):
                anchor = _anchor(number, row, column, (0.5, 1.0, 2.0)[ratio])
                moved = _decode(
                    deltas[4 * ratio : 4 * ratio + 4, row, column], anchor, (1, 1, 1, 1)
                )
                scored.append((logits.item(ratio, row, column), _clip(moved, size)))
            scored.sort(key=lambda pair: -pair[0])
            best = [p for p in scored[: self.candidates] if (p[1][2:] > p[1][:2]).all()]
            found += _suppress(best, 0.7)
        found.sort(key=lambda pair: -pair[0])
        return np.array([box for _, box in found[: self.proposals]])

    def detect(
        self, levels: list[Array], proposals: Array, size: tuple[int, int]
    ) -> tuple[Array, Array, NDArray[np.int64]]:
        """Return boxes, scores and labels (1 for the first category), best first."""
        hidden = self._pool(levels, proposals, 7).reshape(len(proposals), -1)
        for layer in ("fc1", "fc2"):
            hidden = np.maximum(self._linear(f"roi_heads.box_head.{layer}", hidden), 0)
        logits = self._linear("roi_heads.box_predictor.cls_score", hidden)
        deltas = self._linear("roi_heads.box_predictor.bbox_pred", hidden)
        exponentials = np.exp(logits - logits.max(axis=1, keepdims=True))
        scores = exponentials / exponentials.sum(axis=1, keepdims=True)
        found = []
        for category in range(scores.shape[1] - 1):  # the last column is the background
            boxes = [
                (
                    score,
                    _clip(_decode(row[4 * category : 4 * category + 4], box, (10, 10, 5, 5)), size),
                )
                for score, row, box in zip(scores[:, category], deltas, proposals, strict=True)
                if score > 0.05
            ]
            boxes.sort(key=lambda pair: -pair[0])
            found += [(score, box, category + 1) for score, box in _suppress(boxes, 0.5)]
        found.sort(key=lambda triple: -triple[0])
        found = found[:100]
        return (
            np.array([box for _, box, _ in found]),
            np.array([score for score, _, _ in found]),
            np.array([label for _, _, label in found]),
        )

    def masks(self, levels: list[Array], boxes: Array, labels: NDArray[np.int64]) -> Array:
        """Return mask probabilities [n, 28, 28]."""
        weight = self.state["roi_heads.mask_head.deconv.weight"]  # [in, out, 2, 2]
        bias = self.state["roi_heads.mask_head.deconv.bias"]
        masks = []
        for x, label in zip(self._pool(levels, boxes, 14), labels, strict=True):
            for number in (1, 2, 3, 4):
                x = np.maximum(self._conv(f"roi_heads.mask_head.mask_fcn{number}", x), 0)
            fine = np.einsum("chw,coij->ohiwj", x, weight).reshape(len(bias), 28, 28)
            fine = np.maximum(fine + bias[:, None, None], 0)
            logits = self._conv("roi_heads.mask_head.predictor", fine)[label - 1]
            masks.append(1 / (1 + np.exp(-logits)))
        return np.array(masks)

    def _pool(self, levels: list[Array], boxes: Array, size: int) -> Array:
        pooled = []
        for box in boxes:
            side = math.sqrt((box[2] - box[0]) * (box[3] - box[1]))
            level = min(5, max(2, math.floor(4 + math.log2(side / 224 + 1e-8))))
            roi = np.array([[0, *box]])
            features = levels[level - 2][None]
            pooled.append(slow_roi_align(features, roi, size, 1 / 2**level, _ROI_ALIGN)[0])
        return np.array(pooled)

    def _block(self, name: str, x: Array, stride: int) -> Array:
        """A bottleneck that strides in its first 1 × 1 convolution."""
        y = np.maximum(self._normed(f"{name}.conv1", x, stride), 0)
        y = np.maximum(self._normed(f"{name}.conv2", y), 0)
        y = self._normed(f"{name}.conv3", y)
        has_shortcut = f"{name}.shortcut.weight" in self.state
        return np.maximum(
            y + (self._normed(f"{name}.shortcut", x, stride) if has_shortcut else x), 0
        )

    def _normed(self, name: str, x: Array, stride: int = 1) -> Array:
        y = _convolve(x, self.state[f"{name}.weight"], stride)
        weight, bias, mean, var = (
            self.state[f"{name}.norm.{part}"][:, None, None]
            for part in ("weight", "bias", "running_mean", "running_var")
        )
        return (y - mean) / np.sqrt(var + 1e-5) * weight + bias

    def _conv(self, name: str, x: Array) -> Array:
        bias = self.state[f"{name}.bias"][:, None, None]
        return _convolve(x, self.state[f"{name}.weight"], 1) + bias

    def _linear(self, name: str, x: Array) -> Array:
        return x @ self.state[f"{name}.weight"].T + self.state[f"{name}.bias"]


def _convolve(x: Array, weight: Array, stride: int) -> Array:
    kernel = weight.shape[-1]
    padded = np.pad(x, ((0, 0), (kernel // 2,) * 2, (kernel // 2,) * 2))
    windows = sliding_window_view(padded, (kernel, kernel), axis=(1, 2))[:, ::stride, ::stride]
    return np.asarray(np.tensordot(weight, windows, axes=((1, 2, 3), (0, 3, 4))))


def _max_pool(x: Array) -> Array:
    padded = np.pad(x, ((0, 0), (1, 1), (1, 1)), constant_values=-np.inf)
    return np.asarray(
        sliding_window_view(padded, (3, 3), axis=(1, 2))[:, ::2, ::2].max(axis=(3, 4))
    )


def _anchor(level: int, row: int, column: int, ratio: float) -> Array:
    width = math.sqrt(_ANCHOR_SIZES[level] ** 2 / ratio)
    height, stride = ratio * width, 4 * 2**level
    x, y = column * stride, row * stride
    return np.array([x - width / 2, y - height / 2, x + width / 2, y + height / 2])


def _decode(deltas: Array, box: Array, weights: tuple[int, int, int, int]) -> Array:
    dx, dy, dw, dh = deltas / weights
    width, height = box[2:] - box[:2]
    x, y = box[0] + width / 2 + dx * width, box[1] + height / 2 + dy * height
    w, h = width * math.exp(min(dw, _CLIP)), height * math.exp(min(dh, _CLIP))
    return np.array([x - w / 2, y - h / 2, x + w / 2, y + h / 2])


def _clip(box: Array, size: tuple[int, int]) -> Array:
    height, width = size
    return np.minimum(np.maximum(box, 0), [width, height, width, height])


def _suppress(scored: list[tuple[float, Array]], threshold: float) -> list[tuple[float, Array]]:
    kept: list[tuple[float, Array]] = []
    for score, box in scored:
        if all(_iou(box, other) <= threshold for _, other in kept):
            kept.append((score, box))
    return kept


def _iou(a: Array, b: Array) -> float:
    low, high = np.maximum(a[:2], b[:2]), np.minimum(a[2:], b[2:])
    shared = float(np.prod(np.maximum(high - low, 0)))
    return shared / (float(np.prod(a[2:] - a[:2]) + np.prod(b[2:] - b[:2])) - shared)
