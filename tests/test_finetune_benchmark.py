"""The copies of a run's models that the benchmark of fine-tuning judges."""

from pathlib import Path
from unittest.mock import Mock

import pytest

from benchmarks.finetune_sets import _Curve


def test_a_copy_that_was_interrupted_does_not_count(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    curve = _Curve(tmp_path / "project")
    curve._model.mkdir(parents=True)
    (curve._model / "card.json").write_text("new")
    validated = Mock(phase="validate")
    with monkeypatch.context() as broken:
        broken.setattr(Path, "rename", Mock(side_effect=OSError("ended here")))
        with pytest.raises(OSError, match="ended here"):
            curve.note(validated)
    _Curve(tmp_path / "project").note(validated)
    [copy] = (tmp_path / "curve").iterdir()
    assert float(copy.name) < 60
    assert (copy / "card.json").read_text() == "new"
