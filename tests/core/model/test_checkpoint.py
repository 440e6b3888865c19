import json
import os
from dataclasses import replace
from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file, save_file

from core.model.checkpoint import (
    CARD_NAME,
    WEIGHTS_NAME,
    ModelFileError,
    load_model,
    save_model,
    with_categories,
)
from core.model.mask_rcnn import MaskRCNN
from tests.core.model.tiny import TINY

CARD = {"name": "Prüfung", "images": [1, 2, 3]}


def stem(model: MaskRCNN) -> torch.Tensor:
    return model.backbone.get_parameter("stem.weight")


@pytest.fixture
def saved(tmp_path: Path) -> Path:
    folder = tmp_path / "models" / "version 1"
    save_model(folder, MaskRCNN(TINY, seed=5), CARD)
    return folder


def test_a_model_survives_the_disk(saved: Path) -> None:
    model, card = load_model(saved)
    assert card == CARD
    assert model.config == TINY
    assert not model.training
    expected = MaskRCNN(TINY, seed=5).state_dict()
    assert all(torch.equal(value, expected[name]) for name, value in model.state_dict().items())


def test_only_the_two_files_are_left(saved: Path) -> None:
    assert sorted(path.name for path in saved.iterdir()) == [CARD_NAME, WEIGHTS_NAME]


@pytest.mark.skipif(os.name == "nt", reason="Windows has no such permissions")
def test_whoever_may_read_the_card_may_read_the_weights(saved: Path) -> None:
    assert (saved / WEIGHTS_NAME).stat().st_mode == (saved / CARD_NAME).stat().st_mode


def test_a_weights_file_alone_has_an_empty_card(saved: Path) -> None:
    model, card = load_model(saved / WEIGHTS_NAME)
    assert model.config == TINY
    assert card == {}


def test_half_the_size_keeps_three_digits(saved: Path, tmp_path: Path) -> None:
    save_model(tmp_path / "half", MaskRCNN(TINY, seed=5), CARD, half=True)
    sizes = [(folder / WEIGHTS_NAME).stat().st_size for folder in (tmp_path / "half", saved)]
    assert sizes[0] < 0.6 * sizes[1]
    expected, read = MaskRCNN(TINY, seed=5).state_dict(), load_model(tmp_path / "half")[0]
    for name, value in read.state_dict().items():
        assert value.dtype == expected[name].dtype
        torch.testing.assert_close(value, expected[name], rtol=1e-3, atol=1e-7)


def test_saving_again_replaces(saved: Path) -> None:
    save_model(saved, MaskRCNN(TINY, seed=6), {})
    model, card = load_model(saved)
    assert card == {}
    assert torch.equal(stem(model), stem(MaskRCNN(TINY, seed=6)))


@pytest.mark.parametrize("path", ["missing.safetensors", "missing folder"])
def test_a_missing_model_is_named(tmp_path: Path, path: str) -> None:
    with pytest.raises(ModelFileError, match=f"{path}: no such model file"):
        load_model(tmp_path / path)


@pytest.mark.parametrize("keep", [0, 5, 1000, -1])
def test_a_truncated_file_is_refused(saved: Path, keep: int) -> None:
    weights = saved / WEIGHTS_NAME
    weights.write_bytes(weights.read_bytes()[:keep])
    with pytest.raises(ModelFileError, match="truncated, damaged"):
        load_model(saved)


def test_any_other_file_is_refused(tmp_path: Path) -> None:
    other = tmp_path / "photo.safetensors"
    other.write_bytes(b"\xff\xd8\xff\xe0 no weights" * 100)
    with pytest.raises(ModelFileError, match=r"photo\.safetensors.*no safetensors"):
        load_model(other)


def test_weights_of_another_program_are_refused(tmp_path: Path) -> None:
    save_file({"x": torch.zeros(1)}, tmp_path / "x.safetensors")
    with pytest.raises(ModelFileError, match="no config"):
        load_model(tmp_path / "x.safetensors")


@pytest.mark.parametrize(
    "config", ["{", "[]", '{"wings": 2}', '{"box_pool": "wide"}', '{"categories": []}']
)
def test_a_config_that_cannot_be_used_is_refused(saved: Path, config: str) -> None:
    weights = saved / WEIGHTS_NAME
    save_file(load_file(weights), weights, {"config": config})
    with pytest.raises(ModelFileError, match="config cannot be used"):
        load_model(saved)


def test_weights_that_do_not_fit_are_refused_b13(saved: Path) -> None:
    weights = saved / WEIGHTS_NAME
    state = load_file(weights)
    del state["mask_head.logits.weight"]
    save_file(state, weights, {"config": json.dumps(TINY.to_dict())})
    with pytest.raises(ModelFileError, match=r"do not fit[\s\S]*mask_head.logits.weight"):
        load_model(saved)


@pytest.mark.parametrize("text", ["{", "[1]"])
def test_a_damaged_card_is_refused(saved: Path, text: str) -> None:
    (saved / CARD_NAME).write_text(text)
    with pytest.raises(ModelFileError, match=CARD_NAME):
        load_model(saved)


def specific(*categories: str) -> MaskRCNN:
    return MaskRCNN(
        replace(TINY, categories=categories, class_agnostic_box=False, class_agnostic_mask=False),
        seed=9,
    )


def test_rows_of_categories_that_stay_are_kept() -> None:
    old = specific("a", "b", "c")
    new = with_categories(old, ("c", "d", "a"))
    assert new.config.categories == ("c", "d", "a")
    classes = new.box_head.classes.weight
    assert torch.equal(classes[[0, 1, 3]], old.box_head.classes.weight[[0, 3, 1]])
    assert torch.equal(new.box_head.deltas.weight[:4], old.box_head.deltas.weight[8:])
    assert torch.equal(new.mask_head.logits.weight[2], old.mask_head.logits.weight[0])
    assert torch.equal(stem(new), stem(old))
    assert old.config.categories == ("a", "b", "c")


def test_a_new_category_joins_without_changing_how_the_others_compare() -> None:
    old = specific("a", "b")
    new = with_categories(old, ("a", "b", "new"))
    hidden = torch.randn(6, 64)
    before = old.box_head.classes(hidden)
    after = new.box_head.classes(hidden)
    torch.testing.assert_close(after[:, :3], before)
    torch.testing.assert_close(after[:, 3], before[:, 1:].mean(dim=1))
    deltas = old.box_head.deltas.weight.view(2, 4, 64)
    torch.testing.assert_close(new.box_head.deltas.weight[8:], deltas.mean(dim=0))


def test_a_renamed_category_keeps_its_rows_and_a_removed_one_goes() -> None:
    old = specific("a", "b", "c")
    new = with_categories(old, ("second", "a"), {"second": "b"})
    assert torch.equal(new.box_head.classes.weight, old.box_head.classes.weight[[0, 2, 1]])
    assert torch.equal(new.box_head.classes.bias, old.box_head.classes.bias[[0, 2, 1]])


def test_an_object_model_seeds_new_categories_and_splits_their_score() -> None:
    old = MaskRCNN(TINY, seed=2)
    new = with_categories(old, ("balloon", "kite"))
    hidden = torch.randn(5, 64)
    before = old.box_head.classes(hidden).softmax(1)
    after = new.box_head.classes(hidden).softmax(1)
    torch.testing.assert_close(after[:, 0], before[:, 0])
    torch.testing.assert_close(after[:, 1:], before[:, 1:].expand(-1, 2) / 2)


def test_a_new_model_can_be_changed_without_the_old_one() -> None:
    old = MaskRCNN(TINY, seed=2)
    kept = old.fpn.laterals[0][0].weight.clone()  # type: ignore[index]
    new = with_categories(old, ("balloon",))
    with torch.no_grad():
        new.fpn.laterals[0][0].weight.zero_()  # type: ignore[index]
    assert torch.equal(old.fpn.laterals[0][0].weight, kept)  # type: ignore[index]
