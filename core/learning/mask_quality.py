"""How good the mask head is by itself: masks inside the true boxes."""

from pathlib import Path

from core.formats.coco import CocoAnnotation, CocoImage, annotation_mask, read_coco
from core.images import read_rgb
from core.masks import Mask
from core.model.mask_rcnn import MaskRCNN
from core.predictor import Predictor


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
    coco, predictor = read_coco(truth), Predictor(model, device="cpu", precision="fp32")
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
            predictor.embed(read_rgb(images_root / image.file_name))
            found = predictor.predict_boxes([mask.box_xyxy for mask in masks])
            pairs += [(t.area, t.iou(f.mask)) for t, f in zip(masks, found, strict=True)]
    return pairs


def _true_mask(annotation: CocoAnnotation, image: CocoImage) -> Mask:
    return annotation_mask(annotation, image.height, image.width)
