"""How good the mask head is by itself: masks inside the true boxes."""

from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray

from core.formats.coco import CocoAnnotation, CocoImage, annotation_mask, read_coco
from core.images import read_rgb
from core.learning.transforms import resize_image
from core.masks import Mask
from core.model.mask_rcnn import MaskRCNN
from core.ops.paste import paste_mask


def mask_ious_from_true_boxes(
    model: MaskRCNN, truth: Path, images_root: Path
) -> list[tuple[int, float]]:
    """Predict a mask inside each true box and compare it with the true mask.

    Args:
        model: A class-agnostic model, on the CPU.
        truth: COCO file; crowds are left out.
        images_root: Folder that relative file names start from.

    Returns:
        For each instance its true area in pixels and the IoU, both in the pixels of the image.
    """
    coco = read_coco(truth)
    pairs: list[tuple[int, float]] = []
    for image in coco.images:
        masks = [
            mask
            for annotation in coco.annotations
            if annotation.image_id == image.id
            and not annotation.is_crowd
            and not (mask := _true_mask(annotation, image)).is_empty
        ]
        if masks:
            pixels = read_rgb(images_root / image.file_name)
            found = _masks_in_boxes(model, pixels, masks)
            pairs += [(t.area, t.iou(f)) for t, f in zip(masks, found, strict=True)]
    return pairs


def _true_mask(annotation: CocoAnnotation, image: CocoImage) -> Mask:
    return annotation_mask(annotation, image.height, image.width)


@torch.inference_mode()
def _masks_in_boxes(model: MaskRCNN, image: NDArray[np.uint8], masks: list[Mask]) -> list[Mask]:
    """The model's masks inside the boxes of masks."""
    height, width = image.shape[:2]
    resized = resize_image(image, model.config.image_size)
    across, down = resized.shape[1] / width, resized.shape[0] / height
    boxes = torch.tensor([mask.box_xyxy for mask in masks]) * torch.tensor(
        [across, down, across, down]
    )
    pixels = torch.from_numpy(np.ascontiguousarray(resized)).permute(2, 0, 1).float() / 255
    features = model.eval().features([pixels])
    labels = torch.ones(len(masks), dtype=torch.int64)
    probs = model.masks_for_boxes(features, [boxes], [labels])[0].numpy()
    return [
        paste_mask(prob, mask.box_xyxy, height, width)
        for prob, mask in zip(probs, masks, strict=True)
    ]
