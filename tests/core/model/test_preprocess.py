from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor
from torch._subclasses.fake_tensor import FakeTensorMode
from torchvision.models.detection.transform import GeneralizedRCNNTransform

from core.model.config import MaskRCNNConfig
from core.model.preprocess import resize_short_side, to_batch

MEAN, STD = (0.485, 0.456, 0.406), (0.229, 0.224, 0.225)


@pytest.mark.parametrize("size", [(120, 160), (97, 33), (40, 301), (60, 60)])
def test_torchvisions_way_is_torchvisions(size: tuple[int, int]) -> None:
    config = MaskRCNNConfig(
        resizing="torchvision", image_size=80, image_max_size=133, image_mean=MEAN, image_std=STD
    )
    image = torch.rand(3, *size)
    theirs = GeneralizedRCNNTransform(80, 133, list(MEAN), list(STD))([image])[0]
    batch, sizes = to_batch([resize_short_side(image, config)], config)
    assert sizes == theirs.image_sizes
    torch.testing.assert_close(batch, theirs.tensors, rtol=1e-5, atol=1e-5)


@pytest.mark.parametrize(
    ("size", "expected"), [((120, 160), (80, 107)), ((40, 301), (18, 133)), ((200, 100), (133, 67))]
)
def test_detectron2s_way_bounds_both_sides_and_rounds(
    size: tuple[int, int], expected: tuple[int, int]
) -> None:
    config = MaskRCNNConfig(resizing="detectron2", image_size=80, image_max_size=133)
    assert resize_short_side(torch.rand(3, *size), config).shape[1:] == expected


@pytest.mark.parametrize("resizing", ["torchvision", "detectron2"])
@pytest.mark.parametrize(("size", "expected"), [((1, 5000), (1, 133)), ((4000, 3), (133, 1))])
def test_no_side_of_a_very_long_image_vanishes(
    resizing: str, size: tuple[int, int], expected: tuple[int, int]
) -> None:
    config = MaskRCNNConfig(resizing=resizing, image_size=80, image_max_size=133)
    assert resize_short_side(torch.rand(3, *size), config).shape[1:] == expected


def test_detectron2s_way_averages_where_it_shrinks() -> None:
    stripes = torch.zeros(3, 64, 64)
    stripes[:, :, ::2] = 1
    config = MaskRCNNConfig(resizing="detectron2", image_size=16, image_max_size=133)
    inner = resize_short_side(stripes, config)[:, 2:-2, 2:-2]
    assert (inner - 0.5).abs().max() < 0.1


@pytest.mark.gpu
def test_detectron2s_way_gives_the_same_pixels_on_a_gpu() -> None:
    config = MaskRCNNConfig(resizing="detectron2", image_size=80, image_max_size=133)
    image = torch.randint(256, (3, 120, 160)) / 255
    resized = resize_short_side(image.cuda(), config)
    assert resized.is_cuda
    assert torch.equal(resized.cpu(), resize_short_side(image, config))


def test_detectron2s_way_resizes_on_the_processor_wherever_the_image_lies(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    places = []

    def followed(pixels: Tensor, *args: Any, **options: Any) -> Tensor:
        places.append(pixels.device.type)
        return interpolate(pixels, *args, **options)

    interpolate = torch.nn.functional.interpolate
    monkeypatch.setattr("core.model.preprocess.F.interpolate", followed)
    config = MaskRCNNConfig(resizing="detectron2", image_size=80, image_max_size=133)
    with FakeTensorMode():  # as on a GPU, without one
        resized = resize_short_side(torch.rand(3, 120, 160, device="cuda"), config)
    assert (places, resized.device.type) == (["cpu"], "cuda")


def test_channels_are_normalised_swapped_and_padded_with_zeros() -> None:
    config = MaskRCNNConfig(image_mean=MEAN, image_std=STD, image_bgr=True)
    images = [torch.rand(3, 20, 50), torch.rand(3, 33, 10)]
    batch, sizes = to_batch(images, config)
    assert batch.shape == (2, 3, 64, 64)
    assert sizes == [(20, 50), (33, 10)]
    blue = (images[0][2] - MEAN[2]) / STD[2]
    torch.testing.assert_close(batch[0, 0, :20, :50], blue)
    assert batch[0, :, 20:].abs().max() == 0
    assert np.isclose(float(batch[1, 2, 32, 9]), float((images[1][0, 32, 9] - MEAN[0]) / STD[0]))


def test_few_sizes_of_batches_where_they_are_asked_for() -> None:
    images = [torch.rand(3, 100, 200), torch.rand(3, 130, 90)]
    exact, _ = to_batch(images, MaskRCNNConfig())
    coarse, sizes = to_batch(images, MaskRCNNConfig(), few_sizes=True)
    assert (exact.shape[2:], coarse.shape[2:]) == ((160, 224), (256, 256))
    assert sizes == [(100, 200), (130, 90)]
    torch.testing.assert_close(coarse[..., :160, :224], exact)
