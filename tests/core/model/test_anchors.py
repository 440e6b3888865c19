import torch
from torchvision.models.detection.anchor_utils import AnchorGenerator
from torchvision.models.detection.image_list import ImageList

from core.model.anchors import level_anchors, pyramid_anchors
from core.model.config import MaskRCNNConfig


def test_anchors_are_centred_on_their_cells() -> None:
    anchors = level_anchors((2, 3), (8, 8), 32.0, (0.5, 1.0, 2.0))
    assert anchors.shape == (18, 4)
    centres = (anchors[:, :2] + anchors[:, 2:]) / 2
    expected = [(x, y) for y in (4.0, 12.0) for x in (4.0, 12.0, 20.0) for _ in range(3)]
    torch.testing.assert_close(centres, torch.tensor(expected))


def test_anchors_have_the_area_and_ratio_asked_for_without_rounding() -> None:
    sides = level_anchors((1, 1), (4, 4), 24.0, (0.5, 1.0, 2.0))
    width, height = (sides[:, 2:] - sides[:, :2]).unbind(1)
    torch.testing.assert_close(width * height, torch.full((3,), 24.0**2))
    torch.testing.assert_close(height / width, torch.tensor([0.5, 1.0, 2.0]))


def test_every_level_doubles_the_stride() -> None:
    levels = [torch.zeros(1, 1, 16 // 2**i, 16 // 2**i) for i in range(5)]
    fine, coarse, *_ = pyramid_anchors(levels, MaskRCNNConfig(anchor_ratios=(1.0,)))
    assert (fine[1] - fine[0]).tolist() == [4.0, 0.0, 4.0, 0.0]
    assert (coarse[1] - coarse[0]).tolist() == [8.0, 0.0, 8.0, 0.0]


def test_torchvisions_anchors_are_its_own_also_where_p6_is_odd() -> None:
    sizes = (32.0, 64.0, 128.0, 256.0, 512.0)
    levels = [torch.zeros(1, 1, -(-96 // s), -(-160 // s)) for s in (4, 8, 16, 32, 64)]
    config = MaskRCNNConfig(anchor_style="torchvision", anchor_sizes=sizes)
    generator = AnchorGenerator(tuple((int(s),) for s in sizes), (config.anchor_ratios,) * 5)
    images = ImageList(torch.zeros(1, 3, 96, 160), [(96, 160)])
    expected = generator(images, levels)[0]
    assert torch.equal(torch.cat(pyramid_anchors(levels, config)), expected)


def test_detectron2s_anchors_stand_on_the_corners_and_keep_their_size() -> None:
    config = MaskRCNNConfig(anchor_style="detectron2", anchor_sizes=(32.0,) * 5)
    levels = [torch.zeros(1, 1, 2, 2)] * 5
    anchors = pyramid_anchors(levels, config)[4]
    centres = (anchors[:, :2] + anchors[:, 2:]) / 2
    torch.testing.assert_close(centres[:3], torch.zeros(3, 2))
    torch.testing.assert_close(centres[3:6], torch.tensor([[64.0, 0.0]] * 3))
    torch.testing.assert_close(anchors[0, 2:], torch.tensor([16 * 2**0.5, 16 * 0.5**0.5]))
