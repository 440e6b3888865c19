"""Mask head (Mask R-CNN, arXiv 1703.06870): a small mask inside every box."""

from collections.abc import Sequence

import numpy as np
import torch
import torch.nn.functional as F  # noqa: N812
from torch import Tensor, nn

from core.model.box_head import RoiSample
from core.model.config import MaskRCNNConfig
from core.model.losses import at_least_float32, dice_loss, mask_loss
from core.model.norms import make_norm
from core.ops.inference_conv import inference_conv
from core.ops.mask_sampling import sample_masks
from core.ops.roi_align import Sampling, roi_align


class MaskHead(nn.Module):
    """Convolutions on 14 × 14 cells, one upsampling, a logit per cell of 28 × 28."""

    def __init__(self, config: MaskRCNNConfig) -> None:
        super().__init__()
        self.config = config
        channels = config.mask_channels
        inputs = [config.fpn_channels] + [channels] * (config.mask_convs - 1)
        bias = config.head_norm == "none"
        self.convs = nn.ModuleList(nn.Conv2d(c, channels, 3, padding=1, bias=bias) for c in inputs)
        self.norms = nn.ModuleList(make_norm(config.head_norm, channels) for _ in inputs)
        self.upsample = nn.ConvTranspose2d(channels, channels, 2, stride=2)
        rows = 1 if config.class_agnostic_mask else len(config.categories)
        self.logits = nn.Conv2d(channels, rows, 1)

    def forward(self, pooled: Tensor, labels: Tensor) -> Tensor:
        """Return the logits [N, 28, 28] of pooled RoIs [N, C, 14, 14] for labels [N] in 1..K."""
        logits = self.all_logits(pooled)
        rows = torch.zeros_like(labels) if self.config.class_agnostic_mask else labels - 1
        return logits[torch.arange(len(rows), device=rows.device), rows]

    def all_logits(self, pooled: Tensor) -> Tensor:
        """Return the logits [N, 1 or K, 28, 28] of pooled RoIs [N, C, 14, 14]."""
        hidden = pooled.contiguous(memory_format=torch.channels_last)
        for conv, norm in zip(self.convs, self.norms, strict=True):
            hidden = F.relu(norm(conv(hidden)), inplace=True)
        return self._fine_logits(hidden)

    def _fine_logits(self, hidden: Tensor) -> Tensor:
        """Return [N, rows, 2 h, 2 w] = logits(relu(upsample(hidden))) of [N, C, h, w].

        A transposed convolution of 2 × 2 cells and stride 2 maps every cell by itself to four,
        and the logits look at every cell by itself. So all is done on the coarse grid, and only
        the logits are put in their places: a third of the time on CPUs.
        """
        channels = self.upsample.out_channels
        weight = self.upsample.weight.permute(2, 3, 1, 0).reshape(4 * channels, -1, 1, 1)
        bias = self.upsample.bias.repeat(4) if self.upsample.bias is not None else None
        fine = F.relu(inference_conv(hidden, weight, bias, 1, 0), inplace=True)
        fine = fine.permute(0, 2, 3, 1).unflatten(3, (2, 2, channels))  # [N, h, w, 2, 2, C]
        logits = F.linear(fine, self.logits.weight.flatten(1), self.logits.bias)
        return at_least_float32(logits).permute(0, 5, 1, 3, 2, 4).flatten(4, 5).flatten(2, 3)

    def loss(
        self, logits: Tensor, samples: Sequence[RoiSample], sizes: Sequence[tuple[int, int]]
    ) -> Tensor:
        """Return the mask loss for the samples' positives, in order.

        Args:
            logits: [P, 28, 28].
            samples: of every image.
            sizes: height and width of every image.
        """
        return self.loss_to(logits, self.targets(samples, sizes))

    def loss_to(self, logits: Tensor, targets: Tensor) -> Tensor:
        """Return the mask loss of logits [P, 28, 28] against `targets` of their positives."""
        targets = targets.to(logits)
        loss = mask_loss(logits, targets)
        if self.config.mask_dice > 0:
            loss = loss + self.config.mask_dice * dice_loss(logits, targets)
        return loss

    def targets(self, samples: Sequence[RoiSample], sizes: Sequence[tuple[int, int]]) -> Tensor:
        """Return the true masks of the positives [P, 28, 28], bool or shares of cells."""
        grid = 2 * self.config.mask_pool
        if self.config.mask_targets == "pooled":
            pairs = zip(samples, sizes, strict=True)
            return torch.cat([_pooled_targets(sample, grid, size) for sample, size in pairs])
        masks = [mask for sample in samples for mask in sample.masks]
        boxes = torch.cat([sample.boxes_xyxy[: len(sample.masks)] for sample in samples])
        return sample_masks(masks, boxes, grid) >= 0.5


def _pooled_targets(sample: RoiSample, grid: int, size: tuple[int, int]) -> Tensor:
    """Return the mean of the true masks in every cell [P, grid, grid], as torchvision does.

    It makes whole images of the masks: for parity, not for speed.
    """
    boxes = sample.boxes_xyxy[: len(sample.masks)].cpu()
    if len(boxes) == 0:
        return torch.zeros(0, grid, grid)
    bitmaps = np.stack([mask.to_bitmap(*size) for mask in sample.masks])
    rois = torch.cat((torch.arange(len(boxes))[:, None], boxes), dim=1)
    masks = torch.from_numpy(bitmaps).to(boxes.dtype)[:, None]
    return roi_align(masks, rois, grid, 1.0, Sampling(aligned=False, per_bin=0))[:, 0]
