"""The parts of the model whose shapes are fixed as ONNX files, each compared with the original.

What lies between them (anchors, non-maximum suppression, RoIAlign, pasting) depends on the data
and stays with whoever runs the files; `card.json` of a version says how its model is built.
"""

import importlib.util
import warnings
from collections.abc import Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn

from core.files import atomic_path
from core.model.mask_rcnn import MaskRCNN

OPSET = 17
MAX_DIFFERENCE = 1e-3  # of an output, in the units of the largest value in it
_BATCH = 2  # RoIs that the heads are traced with


class OnnxError(Exception):
    """A file cannot be made, or computes something else than the model; the message says which."""


@dataclass(frozen=True)
class OnnxPart:
    """A file that was written, and how far its outputs are from the original's."""

    path: Path
    difference: float


def export_onnx(model: MaskRCNN, folder: Path, name: str) -> list[OnnxPart]:
    """Write the pyramid with the RPN, the box head and the mask head of a model.

    * `NAME.pyramid.onnx`: image [1, 3, S, S], normalised, to P2..P6, and per level the logits
      [1, anchors] and deltas [1, anchors, 4] of the RPN. S is the config's image size, on the
      next multiple of 64.
    * `NAME.box.onnx`: pooled [N, C, 7, 7] to logits [N, K + 1] and deltas [N, 1 or K, 4].
    * `NAME.mask.onnx`: pooled [N, C, 14, 14] to logits [N, 1 or K, 28, 28].

    On an error none of them is left.

    Raises:
        OnnxError: PyTorch cannot make a file, or one computes something else than the model.
        OSError: A file cannot be written.
        ImportError: The package onnx is not installed.
    """
    model = model.cpu().float().eval()
    config, generator = model.config, torch.Generator().manual_seed(0)
    side = -(-config.image_size // 64) * 64
    channels = config.fpn_channels
    levels = [f"p{number}" for number in range(2, 7)]
    rpn = [f"rpn_{kind}_{level}" for kind in ("logits", "deltas") for level in levels]
    image = torch.randn((1, 3, side, side), generator=generator)
    pooled = [
        torch.randn((_BATCH, channels, size, size), generator=generator)
        for size in (config.box_pool, config.mask_pool)
    ]
    parts: list[tuple[str, nn.Module, Tensor, list[str], bool]] = [
        ("pyramid", _Pyramid(model), image, [*levels, *rpn], False),
        ("box", model.box_head, pooled[0], ["logits", "deltas"], True),
        ("mask", _Masks(model), pooled[1], ["logits"], True),
    ]
    written = []
    with ExitStack() as all_or_none:
        for part, module, example, outputs, batched in parts:
            path = folder / f"{name}.{part}.onnx"
            temporary = all_or_none.enter_context(atomic_path(path))
            try:
                _export(module, example, temporary, outputs, batched)
            except RuntimeError as error:
                raise OnnxError(f"{path.name} cannot be made: {error}") from error
            difference = _difference(module, example, temporary, batched)
            if not difference <= MAX_DIFFERENCE:
                raise OnnxError(
                    f"{path.name} computes something else: it differs by {difference:.2g}"
                )
            written.append(OnnxPart(path, difference))
    return written


class _Pyramid(nn.Module):
    def __init__(self, model: MaskRCNN) -> None:
        super().__init__()
        self.backbone, self.fpn, self.rpn = model.backbone, model.fpn, model.rpn

    def forward(self, image: Tensor) -> tuple[Tensor, ...]:
        levels = self.fpn(self.backbone(image))
        scores = self.rpn(levels)
        return (*levels, *scores.logits, *scores.deltas)


class _Masks(nn.Module):
    """The mask head for all its rows: which one counts is told by the box head."""

    def __init__(self, model: MaskRCNN) -> None:
        super().__init__()
        self.head = model.mask_head

    def forward(self, pooled: Tensor) -> Tensor:
        return self.head.all_logits(pooled)


def _export(
    module: nn.Module, example: Tensor, path: Path, outputs: Sequence[str], batched: bool
) -> None:
    names = [_input(batched), *outputs]
    axes = {name: {0: "rois"} for name in names} if batched else {}
    with warnings.catch_warnings(), torch.no_grad():
        warnings.simplefilter("ignore")  # the tracer's: shapes are meant to be fixed
        torch.onnx.export(
            module,
            (example,),
            str(path),
            input_names=names[:1],
            output_names=names[1:],
            dynamic_axes=axes,
            opset_version=OPSET,
            dynamo=False,  # the other exporter needs one more package
        )


def _difference(module: nn.Module, example: Tensor, path: Path, batched: bool) -> float:
    """The largest difference between the outputs of a file and those of its module."""
    if batched:
        example = torch.cat((example, example.flip(0)))[: _BATCH + 1]  # not as many as were traced
    with torch.no_grad():
        expected = module(example)
    expected = [expected] if isinstance(expected, Tensor) else list(expected)
    computed = _run(path, {_input(batched): example.numpy()})
    differences = [
        (torch.from_numpy(each) - value).abs().max() / value.abs().max().clamp(min=1e-6)
        for each, value in zip(computed, expected, strict=True)
    ]
    return float(torch.stack(differences).max())  # NaN if one of them is


def _run(path: Path, inputs: dict[str, Any]) -> list[Any]:
    if importlib.util.find_spec("onnxruntime") is not None:
        import onnxruntime

        session = onnxruntime.InferenceSession(str(path), providers=["CPUExecutionProvider"])
        return list(session.run(None, inputs))
    from onnx.reference import ReferenceEvaluator

    return list(ReferenceEvaluator(str(path)).run(None, inputs))


def _input(batched: bool) -> str:
    return "pooled" if batched else "image"
