import json
from pathlib import Path

import pytest
import torch

from core.model import precision
from core.model.precision import bf16_gain, choose_precision, winograd_gain
from core.ops.winograd import EDITION


@pytest.fixture
def measured(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    """What the next measurements find; each is taken once."""
    gains: list[float] = []
    monkeypatch.setattr(precision, "_measure", lambda _: gains.pop())
    bf16_gain.cache_clear()
    return gains


@pytest.fixture
def winograd(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    """What the next measurements of convolutions find."""
    gains: list[float] = []
    monkeypatch.setattr(precision, "_measure_winograd", lambda: gains.pop())
    winograd_gain.cache_clear()
    return gains


def test_half_precision_must_be_clearly_faster(measured: list[float], tmp_path: Path) -> None:
    for gain, name in ((0.1, "fp32"), (1.1, "fp32"), (2.0, "bf16")):
        measured.append(gain)
        chosen = choose_precision("cpu", kept=tmp_path / f"{gain}.json")
        assert chosen.name == name
        assert f"{gain:.1f} times" in chosen.reason


def test_it_is_measured_once_per_machine_and_edition_of_torch(
    measured: list[float], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    kept = tmp_path / "new" / "precision.json"
    measured[:] = [0.5, 3.0]
    assert choose_precision("cpu", kept=kept).dtype == torch.bfloat16
    bf16_gain.cache_clear()  # as in a new process
    assert choose_precision("cpu", kept=kept).dtype == torch.bfloat16
    assert list(json.loads(kept.read_text()).values()) == [3.0]
    bf16_gain.cache_clear()
    monkeypatch.setattr(torch, "__version__", "99.0")
    assert choose_precision("cpu", kept=kept).dtype == torch.float32
    assert measured == []


@pytest.mark.parametrize("content", ["", "[]", '{"a": "b"}', "{"])
def test_a_damaged_file_is_measured_anew(
    content: str, measured: list[float], tmp_path: Path
) -> None:
    kept = tmp_path / "precision.json"
    kept.write_text(content)
    measured.append(2.5)
    assert choose_precision("cpu", kept=kept).name == "bf16"
    assert 2.5 in json.loads(kept.read_text()).values()


def test_who_asks_gets_what_was_asked_for_unmeasured(measured: list[float]) -> None:
    assert choose_precision("cpu", "bf16").dtype == torch.bfloat16
    assert choose_precision("cpu", "fp32").dtype == torch.float32
    assert measured == []
    with pytest.raises(ValueError, match="precision"):
        choose_precision("cpu", "int8")


def test_the_measurement_compares_both(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(precision, "_SECONDS", 0.0)
    bf16_gain.cache_clear()
    assert bf16_gain("cpu") > 0
    bf16_gain.cache_clear()


@pytest.mark.parametrize(
    ("half", "fewer", "expected"),
    [(2.0, None, ("bf16", False)), (0.5, 2.0, ("winograd", True)), (0.5, 1.1, ("fp32", False))],
)
def test_fewer_multiplications_are_chosen_where_they_pay_and_bf16_does_not(
    half: float,
    fewer: float | None,
    expected: tuple[str, bool],
    measured: list[float],
    winograd: list[float],
    tmp_path: Path,
) -> None:
    measured.append(half)
    winograd.extend([] if fewer is None else [fewer])
    kept = tmp_path / "precision.json"
    chosen = choose_precision("cpu", kept=kept, for_inference=True)
    assert (chosen.name, chosen.winograd) == expected
    assert (f"winograd {EDITION} " in kept.read_text()) == (fewer is not None)
    assert ("Winograd" in chosen.reason) == chosen.winograd
    bf16_gain.cache_clear()
    winograd_gain.cache_clear()  # as in a new process, which reads the file
    assert choose_precision("cpu", kept=kept, for_inference=True) == chosen


def test_training_never_has_fewer_multiplications(
    measured: list[float], winograd: list[float]
) -> None:
    measured.append(0.5)
    assert not choose_precision("cpu").winograd
    with pytest.raises(ValueError, match="precision"):
        choose_precision("cpu", "winograd")
    assert not winograd
    bf16_gain.cache_clear()


def test_exact_convolutions_and_others_can_be_asked_for(winograd: list[float]) -> None:
    assert not choose_precision("cpu", "fp32", for_inference=True).winograd
    assert choose_precision("cpu", "winograd", for_inference=True).winograd
    assert not winograd


@pytest.mark.parametrize("device", ["cuda", "cuda:1"])
def test_fewer_multiplications_are_for_cpus(device: str) -> None:
    with pytest.raises(ValueError, match="expected auto, bf16, fp32, got 'winograd'"):
        choose_precision(device, "winograd", for_inference=True)


@pytest.mark.parametrize("name", ["fp32", "bf16", "winograd"])
def test_a_name_asks_for_the_same_again(name: str) -> None:
    chosen = choose_precision("cpu", name, for_inference=True)
    assert chosen.name == name
    assert name in chosen.reason


def test_the_convolutions_are_measured(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(precision, "_SECONDS", 0.0)
    winograd_gain.cache_clear()
    assert winograd_gain() > 0
    winograd_gain.cache_clear()
