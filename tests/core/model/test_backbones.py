import pytest
import torch
import torchvision
from torch import Tensor, nn

from core.model.backbone import make_backbone
from core.model.config import BACKBONES, MaskRCNNConfig
from core.model.norms import FrozenBatchNorm, make_norm
from core.model.presets import resnet_imagenet
from core.model.published_names import from_resnet
from tests.core.model.torchvision_twins import assert_near


@pytest.mark.parametrize(
    ("name", "norm"),
    [
        *((name, "frozen_batch") for name in BACKBONES),
        *(
            (name, norm)
            for name in ("resnet18", "efficientnet_lite0")
            for norm in ("batch", "group")
        ),
    ],
)
def test_features_have_strides_4_to_32(name: str, norm: str) -> None:
    config = MaskRCNNConfig(backbone=name, backbone_norm=norm, backbone_width=0.25)
    backbone = make_backbone(config)
    for parameter in backbone.parameters():
        nn.init.normal_(parameter, std=0.1)
    with torch.no_grad():
        features = backbone(torch.rand(2, 3, 64, 96))
    assert [tuple(f.shape[1:]) for f in features] == [
        (channels, 64 // stride, 96 // stride)
        for channels, stride in zip(backbone.channels, (4, 8, 16, 32), strict=True)
    ]


@pytest.mark.parametrize("name", BACKBONES)
def test_the_parts_of_a_backbone_are_all_of_it(name: str) -> None:
    backbone = make_backbone(MaskRCNNConfig(backbone=name, backbone_width=0.25))
    parts = [part for number in (2, 3, 4, 5) for part in backbone.parts[number]]
    owned = [id(p) for part in parts for p in backbone.get_submodule(part).parameters()]
    assert sorted(owned) == sorted(id(p) for p in backbone.parameters())


def test_part_5_changes_c5_alone() -> None:
    backbone = make_backbone(MaskRCNNConfig(backbone="resnet18", backbone_width=0.25))
    for parameter in backbone.parameters():
        nn.init.normal_(parameter, std=0.1)
    image = torch.rand(1, 3, 64, 64)
    with torch.no_grad():
        before = backbone(image)
        for part in backbone.parts[5]:
            for parameter in backbone.get_submodule(part).parameters():
                parameter.add_(0.1)
        after = backbone(image)
    assert [torch.equal(a, b) for a, b in zip(before, after, strict=True)] == [True] * 3 + [False]


@pytest.mark.parametrize(
    ("name", "width", "blocks"),
    [
        ("efficientnet_lite1", (24, 40, 112, 320), (1, 3, 3, 4, 4, 5, 1)),
        ("efficientnet_lite2", (24, 48, 120, 352), (1, 3, 3, 4, 4, 5, 1)),
    ],
)
def test_larger_lites_scale_as_published(
    name: str, width: tuple[int, ...], blocks: tuple[int, ...]
) -> None:
    backbone = make_backbone(MaskRCNNConfig(backbone=name))
    assert backbone.channels == width
    assert tuple(len(stage) for stage in backbone.stages) == blocks  # type: ignore[arg-type]


@pytest.mark.parametrize("eps", [0.0, 1e-5, 1e-3])
def test_frozen_norm_is_batch_norm_in_evaluation_with_its_eps(eps: float) -> None:
    frozen = FrozenBatchNorm(5, eps)
    for value in frozen.buffers():
        value.uniform_(1e-4, 2)
    x = torch.randn(3, 5, 4, 6)
    mean, var, weight, bias = (
        value[:, None, None]
        for value in (frozen.running_mean, frozen.running_var, frozen.weight, frozen.bias)
    )
    expected = (x - mean) / (var + eps).sqrt() * weight + bias
    torch.testing.assert_close(frozen.train()(x), expected, rtol=1e-4, atol=1e-4)
    assert frozen.running_mean.equal(mean.flatten())


@pytest.mark.parametrize("norm", ["frozen_batch", "batch", "group"])
@pytest.mark.parametrize("name", ["resnet18", "efficientnet_lite0"])
def test_the_eps_of_every_norm_is_the_configs(name: str, norm: str) -> None:
    config = MaskRCNNConfig(backbone=name, backbone_norm=norm, backbone_norm_eps=0.25)
    norms = [module for module in make_backbone(config).modules() if hasattr(module, "eps")]
    assert len(norms) > 15
    assert {module.eps for module in norms} == {0.25}


def test_frozen_norm_has_nothing_to_learn_b14() -> None:
    assert not list(FrozenBatchNorm(4).parameters())


def test_norms_are_of_their_kind() -> None:
    assert isinstance(make_norm("batch", 8), nn.BatchNorm2d)
    assert isinstance(make_norm("none", 8), nn.Identity)
    group = make_norm("group", 24)
    assert isinstance(group, nn.GroupNorm)
    assert group.num_groups == 8  # 24 channels do not divide into 32 groups


@pytest.mark.parametrize("in_1x1", [False, True])
def test_the_stride_is_where_the_config_puts_it(in_1x1: bool) -> None:
    backbone = make_backbone(MaskRCNNConfig(backbone="resnet50", stride_in_1x1=in_1x1))
    block = backbone.get_submodule("stages.1.0")
    strides = [int(getattr(block, f"conv{i}").stride[0]) for i in (1, 2, 3)]
    assert strides == ([2, 1, 1] if in_1x1 else [1, 2, 1])


@pytest.mark.parametrize("name", ["resnet18", "resnet34", "resnet50", "resnet101"])
def test_resnets_have_the_published_shapes(name: str) -> None:
    backbone = make_backbone(MaskRCNNConfig(backbone=name, backbone_norm="batch"))

    def shapes(state: dict[str, Tensor]) -> list[tuple[int, ...]]:
        return sorted(tuple(v.shape) for n, v in state.items() if not n.startswith("fc."))

    with torch.device("meta"):
        theirs = torchvision.models.get_model(name)
    assert shapes(backbone.state_dict()) == shapes(theirs.state_dict())


@pytest.mark.parametrize("name", ["resnet18", "resnet34", "resnet50", "resnet101"])
@torch.inference_mode()
def test_resnets_compute_what_torchvisions_do(name: str) -> None:
    theirs = torchvision.models.get_model(name, weights=None).eval()
    generator = torch.Generator().manual_seed(0)
    for value in theirs.state_dict().values():
        if value.ndim == 1:  # of norms
            value.uniform_(0.5, 1.0, generator=generator)
    ours = make_backbone(resnet_imagenet(name))
    state = from_resnet(theirs.state_dict()).state
    ours.load_state_dict({n.removeprefix("backbone."): value for n, value in state.items()})
    images = torch.rand(2, 3, 64, 96, generator=generator)
    x = theirs.maxpool(theirs.relu(theirs.bn1(theirs.conv1(images))))
    for found, stage in zip(ours(images), ("layer1", "layer2", "layer3", "layer4"), strict=True):
        x = theirs.get_submodule(stage)(x)
        assert_near(found, x, stage)
