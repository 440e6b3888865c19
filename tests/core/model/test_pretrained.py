import pickle
from pathlib import Path

import numpy as np
import pytest
import torch
import torchvision
from torch import Tensor

from core.learning.run import _initial
from core.model.checkpoint import ModelFileError, load_model, save_model, with_categories
from core.model.coco_categories import COCO_IDS, COCO_NAMES
from core.model.config import MaskRCNNConfig
from core.model.presets import TORCHVISION_V2
from core.model.pretrained import PretrainedError, read_pretrained
from core.predictor import Predictor
from tests.core.learning.test_config import config
from tests.core.model.published_states import (
    detectron2_shapes,
    legacy,
    numbered,
    torchvision_state,
)


def saved(path: Path, state: object) -> Path:
    torch.save(state, path)
    return path


def first_rows(value: Tensor) -> list[float]:
    return value.flatten(1)[:, 0].tolist() if value.ndim > 1 else value.tolist()


def test_coco_has_80_categories_with_gaps_in_its_ids() -> None:
    weights = torchvision.models.detection.MaskRCNN_ResNet50_FPN_Weights.COCO_V1
    slots = weights.meta["categories"]
    assert [slots[number] for number in COCO_IDS] == list(COCO_NAMES)
    assert len(COCO_IDS) == 80


@pytest.mark.parametrize("kind", ["v1", "v1 legacy", "v2"])
def test_torchvisions_names_all_find_their_place(tmp_path: Path, kind: str) -> None:
    state = torchvision_state(2 if kind == "v2" else 1)
    if kind == "v1 legacy":
        state = legacy(state)
    model, report = read_pretrained(saved(tmp_path / "weights.pth", state))
    assert model.config.categories == COCO_NAMES
    assert len(report.loaded) + len(report.dropped) == len(state)
    assert set(report.loaded) == set(model.state_dict())
    assert report.new == ()
    assert model.config.backbone_norm_eps == (1e-5 if kind == "v2" else 0.0)
    # Slot n holds the value n + 1; the background is slot 0.
    expected = [1.0, *(number + 1.0 for number in COCO_IDS)]
    assert first_rows(model.box_head.classes.weight) == expected
    assert first_rows(model.box_head.classes.bias) == expected
    assert first_rows(model.box_head.deltas.bias) == [
        4.0 * number + k for number in COCO_IDS for k in (1, 2, 3, 4)
    ]
    assert first_rows(model.mask_head.logits.weight) == expected[1:]
    assert "re-headed box_head.classes.weight: 80 categories of 91 rows" in str(report)
    assert f"{len(report.loaded)} weights loaded" in str(report)
    assert "renamed: backbone.body.conv1.weight to backbone." in str(report)


def test_a_published_model_is_saved_loaded_and_given_other_categories(tmp_path: Path) -> None:
    state = torchvision_state(1, classes=3)
    model, _ = read_pretrained(saved(tmp_path / "w.pth", {"model": state}), ("cat", "dog"))
    save_model(tmp_path / "ours", model, {})
    again, _ = load_model(tmp_path / "ours")
    assert again.config == model.config
    adapted = with_categories(again, ("dog", "bird"))
    assert first_rows(adapted.mask_head.logits.weight)[0] == 3.0


def test_a_published_file_is_predicted_with_and_trained_from(tmp_path: Path) -> None:
    with torch.device("meta"):
        network = torchvision.models.resnet18()
    state = numbered({n: v.shape for n, v in network.state_dict().items()})
    path = saved(tmp_path / "resnet18.pth", state)
    assert Predictor.load(path, device="cpu").config.backbone == "resnet18"
    start = _initial(config(initial=path, categories=("cup", "egg")))
    assert start.config.categories == ("cup", "egg")
    detector = saved(tmp_path / "detector.pth", torchvision_state(1, classes=2))
    start = _initial(config(initial=detector, image_size=512))
    assert (start.config.resizing, start.config.image_size) == ("long_side", 512)
    with pytest.raises(ModelFileError):
        Predictor.load(tmp_path / "missing.pkl")


def test_categories_that_nobody_names_are_numbered(tmp_path: Path) -> None:
    model, _ = read_pretrained(saved(tmp_path / "w.pth", torchvision_state(1, classes=4)))
    assert model.config.categories == ("category 1", "category 2", "category 3")


@pytest.mark.parametrize("depth", [50, 101])
def test_detectron2s_background_moves_to_the_front(tmp_path: Path, depth: int) -> None:
    arrays = {
        name: value.numpy().astype(np.float16)
        for name, value in numbered(
            {name: torch.Size(shape) for name, shape in detectron2_shapes(depth=depth).items()}
        ).items()
    }
    path = tmp_path / "model_final.pkl"
    with path.open("wb") as file:
        pickle.dump({"model": arrays, "__author__": "Detectron2 Model Zoo"}, file)
    model, report = read_pretrained(path)
    assert model.config.stride_in_1x1
    assert model.config.image_bgr
    assert first_rows(model.box_head.classes.bias) == [81.0, *range(1, 81)]
    assert first_rows(model.box_head.deltas.bias) == [float(n) for n in range(1, 321)]
    assert set(report.loaded) == set(model.state_dict())
    assert len(report.dropped) == 5  # anchors
    assert model.config.backbone == f"resnet{depth}"
    assert f"detectron2 Mask R-CNN ResNet-{depth} FPN" in str(report)


def test_a_deeper_detectron2_is_recognised_whatever_the_order_of_its_bytes(tmp_path: Path) -> None:
    names = ("stem.conv1.weight", "res4.22.conv1.weight")
    arrays = {f"backbone.bottom_up.{name}": np.zeros((2, 2), ">f4") for name in names}
    path = tmp_path / "model_final.pkl"
    path.write_bytes(pickle.dumps({"model": arrays}))
    with pytest.raises(PretrainedError, match="no complete detectron2 Mask R-CNN ResNet-101 FPN"):
        read_pretrained(path)


@pytest.mark.parametrize("name", ["resnet18", "resnet34", "resnet50", "resnet101"])
def test_an_imagenet_backbone_gets_new_heads(tmp_path: Path, name: str) -> None:
    with torch.device("meta"):
        network = torchvision.models.get_model(name)
    state = numbered({n: v.shape for n, v in network.state_dict().items()})
    model, report = read_pretrained(saved(tmp_path / "resnet.pth", state))
    assert model.config.backbone == name
    assert {n for n in model.state_dict() if n.startswith("backbone.")} == set(report.loaded)
    assert "fc.weight" in report.dropped
    assert all(not n.startswith("backbone.") for n in report.new)
    assert "random, to be trained" in str(report)


def test_what_does_not_fit_is_refused_by_name_b13(tmp_path: Path) -> None:
    state = torchvision_state(1)
    del state["backbone.body.layer3.2.bn1.running_var"]
    state["roi_heads.keypoint_head.0.weight"] = torch.zeros(1)
    state["rpn.head.cls_logits.bias"] = torch.zeros(5)
    with pytest.raises(PretrainedError) as caught:
        read_pretrained(saved(tmp_path / "half.pth", state))
    message = str(caught.value)
    assert "backbone.stages.2.2.norm1.running_var is missing" in message
    assert "no place for roi_heads.keypoint_head.0.weight" in message
    assert "rpn.objectness.bias: expected the shape (3,), got (5,)" in message


def test_a_wrong_number_of_categories_is_refused(tmp_path: Path) -> None:
    path = saved(tmp_path / "w.pth", torchvision_state(1, classes=4))
    with pytest.raises(PretrainedError, match=r"box_head\.classes"):
        read_pretrained(path, ("only one",))


class _Evil:
    def __reduce__(self) -> tuple[object, tuple[str]]:
        return (print, ("executed",))


@pytest.mark.parametrize(
    ("suffix", "content", "reason"),
    [
        (".pth", {"a": _Evil()}, "damaged, or holds more than weights"),
        (".pkl", {"model": {"a": _Evil()}}, "print is refused"),
        (".pth", {"other.weight": torch.zeros(1)}, "of no known kind"),
        (".pth", [1, 2], "expected weights by name"),
        (".pkl", {"model": {"a": "text"}}, "expected plain numbers for a"),
        (".pth", {"a": torch.zeros(1, dtype=torch.complex64)}, "expected plain numbers for a"),
    ],
)
def test_other_files_are_refused_and_never_executed(
    tmp_path: Path,
    suffix: str,
    content: object,
    reason: str,
    capsys: pytest.CaptureFixture[str],
) -> None:
    path = tmp_path / f"file{suffix}"
    if suffix == ".pkl":
        path.write_bytes(pickle.dumps(content))
    else:
        torch.save(content, path)
    with pytest.raises(PretrainedError, match=reason):
        read_pretrained(path)
    assert "executed" not in capsys.readouterr().out


V1, V2 = "roi_heads.box_head.fc6.weight", "roi_heads.box_head.0.0.weight"
D2 = "backbone.bottom_up.stem.conv1.weight"
SCORES, MOVES = "roi_heads.box_predictor.cls_score", "roi_heads.box_predictor.bbox_pred"


@pytest.mark.parametrize(
    ("known_by", "shapes"),
    [
        (V1, {}),
        (V2, {f"{SCORES}.bias": ()}),
        (V1, {f"{SCORES}.bias": (91,), f"{SCORES}.weight": (5, 2)}),
        (V1, {f"{SCORES}.bias": (3,), f"{MOVES}.bias": (7,)}),
        (D2, {f"{SCORES}.bias": ()}),
    ],
)
def test_heads_whose_rows_do_not_go_together_are_refused(
    tmp_path: Path, known_by: str, shapes: dict[str, tuple[int, ...]]
) -> None:
    state = {name: torch.zeros(shape) for name, shape in {known_by: (2, 2), **shapes}.items()}
    with pytest.raises(PretrainedError, match=r"w\.pth is damaged"):
        read_pretrained(saved(tmp_path / "w.pth", state))


@pytest.mark.parametrize("suffix", [".pth", ".pkl"])
@pytest.mark.parametrize("content", [b"", b"junk that is no archive", b"\x80\x02"])
def test_damaged_and_missing_files_are_refused(tmp_path: Path, suffix: str, content: bytes) -> None:
    path = tmp_path / f"broken{suffix}"
    with pytest.raises(PretrainedError, match="cannot be read"):
        read_pretrained(path)
    path.write_bytes(content)
    with pytest.raises(PretrainedError, match="damaged"):
        read_pretrained(path)


def test_the_second_editions_norms_are_frozen_as_batches_are_small() -> None:
    assert TORCHVISION_V2.backbone_norm == TORCHVISION_V2.head_norm == "frozen_batch"
    assert MaskRCNNConfig.from_dict(TORCHVISION_V2.to_dict()) == TORCHVISION_V2
