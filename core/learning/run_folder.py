"""The files of a run: its checkpoint while it goes on, and the model that it keeps."""

import dataclasses
import json
import pickle
import shutil
from pathlib import Path
from typing import Any

import torch

from core.files import atomic_path
from core.learning.config import TrainConfig
from core.learning.progress import TrainingError
from core.model.checkpoint import save_model
from core.model.mask_rcnn import MaskRCNN

# Settings that may differ between the two halves of a resumed run.
_FREE = (
    *("device", "checkpoint_seconds", "epochs", "max_steps", "feature_cache"),
    *("output", "train_images", "val_images"),
)
# Files of which the name alone counts: folders are moved, and named from elsewhere.
_FILES = ("initial", "train_json", "val_json")


class RunFolder:
    """The output folder of one run: `checkpoint.pt` and `model/`."""

    def __init__(self, path: Path, config: TrainConfig) -> None:
        self._path = path
        self._settings = _compared(config.to_dict())

    @property
    def model(self) -> Path:
        """Where the kept model lies."""
        return self._path / "model"

    @property
    def _checkpoint(self) -> Path:
        return self._path / "checkpoint.pt"

    def save(self, state: dict[str, Any]) -> None:
        """Write the checkpoint; the one before stays until the new one is complete.

        Raises:
            OSError: It cannot be written.
        """
        self._path.mkdir(parents=True, exist_ok=True)
        content = {**state, "settings": json.dumps(self._settings)}
        with atomic_path(self._checkpoint) as temporary:
            try:
                torch.save(content, temporary)
            except RuntimeError as error:  # so a full disk is told
                raise OSError(f"{self._checkpoint} cannot be written: {error}") from error

    def load(self) -> dict[str, Any] | None:
        """The checkpoint, or None where there is none.

        Raises:
            TrainingError: It is damaged, or of a run with other settings.
        """
        if not self._checkpoint.exists():
            return None
        try:
            state: dict[str, Any] = torch.load(
                self._checkpoint, map_location="cpu", weights_only=True
            )
            settings = _compared({**_defaults(), **json.loads(state.pop("settings"))})
        except (RuntimeError, pickle.UnpicklingError, EOFError, KeyError, ValueError) as error:
            raise TrainingError(f"{self._checkpoint.name} is damaged: {error}") from error
        here = self._settings
        if changed := sorted(name for name in here if here[name] != settings.get(name)):
            raise TrainingError(
                "this folder holds a run with other settings "
                f"({', '.join(changed)}): choose another output, or the same settings"
            )
        return state

    def keep(self, model: MaskRCNN, card: dict[str, Any]) -> None:
        """Write the model, in place of the one kept before."""
        save_model(self.model, model, card)

    def finish(self) -> None:
        """Remove what only a running run needs."""
        self._checkpoint.unlink(missing_ok=True)

    def discard(self) -> None:
        """Remove everything that the run wrote, and the folder unless others wrote there too."""
        self.finish()
        if self.model.exists():
            shutil.rmtree(self.model)
        if self._path.exists() and not any(self._path.iterdir()):
            self._path.rmdir()


def _compared(settings: dict[str, Any]) -> dict[str, Any]:
    """What must be the same in both halves of a run, as JSON has it."""
    compared: dict[str, Any] = json.loads(
        json.dumps({name: value for name, value in settings.items() if name not in _FREE})
    )
    return {
        name: Path(value).name if value is not None and name in _FILES else value
        for name, value in compared.items()
    }


def _defaults() -> dict[str, Any]:
    """The settings that a checkpoint may not know: it was written before they existed."""
    return {
        each.name: each.default
        for each in dataclasses.fields(TrainConfig)
        if each.default is not dataclasses.MISSING
    }
