import numpy as np
import torch
import torch.nn.functional as F  # noqa: N812
from torch import Tensor

from core.masks import Mask
from core.ops.mask_sampling import sample_masks
from core.ops.paste import paste_mask

BOXES = torch.tensor(
    [
        (10.3, 7.7, 43.1, 38.9),
        (-12.4, -3.2, 20.0, 70.5),
        (50.5, 30.0, 90.25, 64.9),
        (0.0, 0.0, 80.0, 60.0),
        (30.2, 20.1, 33.9, 22.6),
    ]
)


def sample_by_definition(bitmap: np.ndarray, box: Tensor, size: int) -> Tensor:
    """Look up the centre of every cell in the whole 80 x 60 image."""
    x1, y1, x2, y2 = box.double()
    steps = (torch.arange(size).double() + 0.5) / size
    us, vs = (x1 + steps * (x2 - x1)) / 80 * 2 - 1, (y1 + steps * (y2 - y1)) / 60 * 2 - 1
    grid = torch.stack(torch.meshgrid(us, vs, indexing="xy"), dim=-1)
    image = torch.from_numpy(bitmap).double()[None, None]
    return F.grid_sample(image, grid[None], align_corners=False)[0, 0].float()


def test_samples_are_bilinear_at_the_cells_centres() -> None:
    rng = np.random.default_rng(3)
    bitmaps = [rng.random((60, 80)) < 0.5 for _ in BOXES]
    sampled = sample_masks([Mask.from_bitmap(bitmap) for bitmap in bitmaps], BOXES, 28)
    for found, bitmap, box in zip(sampled, bitmaps, BOXES, strict=True):
        torch.testing.assert_close(found, sample_by_definition(bitmap, box, 28))


def test_a_small_crop_is_sampled_like_the_whole_image() -> None:
    bitmap = np.zeros((60, 80), np.bool_)
    bitmap[20:24, 30:37] = np.random.default_rng(4).random((4, 7)) < 0.5
    masks = [Mask.from_bitmap(bitmap)] * len(BOXES)  # one mask that several boxes belong to
    for found, box in zip(sample_masks(masks, BOXES, 28), BOXES, strict=True):
        torch.testing.assert_close(found, sample_by_definition(bitmap, box, 28))


def test_an_object_that_fills_its_box_is_all_ones_b2() -> None:
    mask = Mask.from_bitmap(np.ones((30, 40), np.bool_), x=7, y=9)
    assert (sample_masks([mask], torch.tensor([[7.0, 9.0, 47.0, 39.0]]), 28) == 1).all()


def test_a_disc_survives_the_grid() -> None:
    y, x = np.mgrid[:60, :80]
    disc = Mask.from_bitmap((x - 40) ** 2 + (y - 30) ** 2 < 20**2)
    x1, y1, x2, y2 = map(float, disc.box_xyxy)
    grid = sample_masks([disc], torch.tensor([[x1, y1, x2, y2]]), 28)[0].numpy()
    assert paste_mask(grid, (x1, y1, x2, y2), 60, 80).iou(disc) > 0.98


def test_empty_masks_sample_to_zeros_among_others() -> None:
    full = Mask.from_bitmap(np.ones((9, 9), np.bool_))
    masks = [Mask.empty(), full, Mask.empty()]
    sampled = sample_masks(masks, torch.tensor([[0.0, 0.0, 9.0, 9.0]] * 3), 4)
    assert sampled.flatten(1).sum(1).tolist() == [0, 16, 0]


def test_no_masks_give_no_grids() -> None:
    assert sample_masks([], torch.zeros(0, 4), 28).shape == (0, 28, 28)
