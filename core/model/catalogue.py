"""The published weights that the program can get, and where they are kept."""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import platformdirs

from core.download import Checksum, download

_TORCHVISION = "https://download.pytorch.org/models/"
_DETECTRON2 = "https://dl.fbaipublicfiles.com/detectron2/COCO-InstanceSegmentation/"
# torchvision's code is BSD-3-Clause; of the weights it says only that the terms of the data may
# apply to them (its README, "Pre-trained Model License").
_TORCHVISION_LICENCE = "none of its own; published with torchvision (BSD-3-Clause)"
_DETECTRON2_LICENCE = "CC BY-SA 3.0"  # detectron2's MODEL_ZOO.md


@dataclass(frozen=True)
class PublishedWeights:
    """Weights that somebody published, with the facts that they state.

    Attributes:
        title: for people.
        url: where the file is.
        checksum: torchvision's file names hold the start of its SHA-256, detectron2's of its MD5.
        licence: of the weights.
        size_mib: of the file, where published.
        box_ap: on COCO val2017, 0..100; None for backbones.
        mask_ap: as `box_ap`.
    """

    title: str
    url: str
    checksum: Checksum
    licence: str
    size_mib: float | None = None
    box_ap: float | None = None
    mask_ap: float | None = None

    @property
    def file_name(self) -> str:
        """The last part of the address, which tells the files of all publishers apart."""
        return self.url.rpartition("/")[2]


def _torchvision(
    title: str,
    file_name: str,
    size_mib: float,
    box_ap: float | None = None,
    mask_ap: float | None = None,
) -> PublishedWeights:
    return PublishedWeights(
        title,
        _TORCHVISION + file_name,
        Checksum("sha256", file_name.rpartition("-")[2].removesuffix(".pth")),
        _TORCHVISION_LICENCE,
        size_mib,
        box_ap,
        mask_ap,
    )


def _detectron2(title: str, path: str, box_ap: float, mask_ap: float) -> PublishedWeights:
    checksum = Checksum("md5", path.rpartition("_")[2].removesuffix(".pkl"))
    return PublishedWeights(
        title, _DETECTRON2 + path, checksum, _DETECTRON2_LICENCE, None, box_ap, mask_ap
    )


# AP and sizes: torchvision's weight metadata and detectron2's MODEL_ZOO.md.
CATALOGUE = (
    _torchvision(
        "Mask R-CNN R50-FPN v2, COCO (torchvision)",
        "maskrcnn_resnet50_fpn_v2_coco-73cbd019.pth",
        177.219,
        47.4,
        41.8,
    ),
    _torchvision(
        "Mask R-CNN R50-FPN, COCO (torchvision)",
        "maskrcnn_resnet50_fpn_coco-bf2d0c1e.pth",
        169.84,
        37.9,
        34.6,
    ),
    _detectron2(
        "Mask R-CNN R50-FPN 3x, COCO (detectron2)",
        "mask_rcnn_R_50_FPN_3x/137849600/model_final_f10217.pkl",
        41.0,
        37.2,
    ),
    _detectron2(
        "Mask R-CNN R101-FPN 3x, COCO (detectron2)",
        "mask_rcnn_R_101_FPN_3x/138205316/model_final_a3ec72.pkl",
        42.9,
        38.6,
    ),
    _torchvision("ResNet-18, ImageNet (torchvision)", "resnet18-f37072fd.pth", 44.661),
    _torchvision("ResNet-34, ImageNet (torchvision)", "resnet34-b627a593.pth", 83.275),
    _torchvision("ResNet-50, ImageNet (torchvision)", "resnet50-0676ba61.pth", 97.781),
    _torchvision("ResNet-101, ImageNet (torchvision)", "resnet101-63fe2227.pth", 170.511),
)


def cache_folder() -> Path:
    """Where downloaded weights are kept: in the user's cache; it may be deleted at any time."""
    return platformdirs.user_cache_path("mrcnn-gui") / "weights"


def fetch(
    weights: PublishedWeights,
    folder: Path | None = None,
    *,
    on_progress: Callable[[int, int | None], None] = lambda _done, _total: None,
    should_stop: Callable[[], bool] = lambda: False,
) -> Path | None:
    """Return the file of published weights, downloaded and checked unless it is there already.

    Args:
        weights: of the catalogue.
        folder: where files are kept; None is `cache_folder()`.
        on_progress: told the bytes so far and all of them, None where the server does not say.
        should_stop: asked between pieces; what has arrived is kept for the next call.

    Returns:
        The file, or None when stopped.

    Raises:
        DownloadError: the server cannot be reached, says no, breaks off, or sends another file.
    """
    target = (cache_folder() if folder is None else folder) / weights.file_name
    return download(
        weights.url, target, weights.checksum, on_progress=on_progress, should_stop=should_stop
    )
