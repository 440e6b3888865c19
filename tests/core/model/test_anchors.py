import torch

from core.model.anchors import level_anchors, pyramid_anchors


def test_anchors_are_centred_on_their_cells() -> None:
    anchors = level_anchors((2, 3), 8, 32.0, (0.5, 1.0, 2.0))
    assert anchors.shape == (18, 4)
    centres = (anchors[:, :2] + anchors[:, 2:]) / 2
    expected = [(x, y) for y in (4.0, 12.0) for x in (4.0, 12.0, 20.0) for _ in range(3)]
    torch.testing.assert_close(centres, torch.tensor(expected))


def test_anchors_have_the_area_and_ratio_asked_for_without_rounding() -> None:
    sides = level_anchors((1, 1), 4, 24.0, (0.5, 1.0, 2.0))
    width, height = (sides[:, 2:] - sides[:, :2]).unbind(1)
    torch.testing.assert_close(width * height, torch.full((3,), 24.0**2))
    torch.testing.assert_close(height / width, torch.tensor([0.5, 1.0, 2.0]))


def test_every_level_doubles_the_stride() -> None:
    levels = [torch.zeros(1, 1, 16, 16), torch.zeros(1, 1, 8, 8)]
    fine, coarse = pyramid_anchors(levels, (16.0, 32.0), (1.0,))
    assert (fine[1] - fine[0]).tolist() == [4.0, 0.0, 4.0, 0.0]
    assert (coarse[1] - coarse[0]).tolist() == [8.0, 0.0, 8.0, 0.0]
