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
_FREE = ("device", "checkpoint_seconds", "epochs", "max_steps", "feature_cache")


class RunFolder:
    """The output folder of one run: `checkpoint.pt` and `model/`."""

    def __init__(self, path: Path, config: TrainConfig) -> None:
        self._path = path
        self._settings = {
            name: value for name, value in config.to_dict().items() if name not in _FREE
        }

    @property
    def model(self) -> Path:
        """Where the kept model lies."""
        return self._path / "model"

    @property
    def _checkpoint(self) -> Path:
        return self._path / "checkpoint.pt"

    def save(self, state: dict[str, Any]) -> None:
        """Write the checkpoint; the one before stays until the new one is complete."""
        self._path.mkdir(parents=True, exist_ok=True)
        content = {**state, "settings": json.dumps(self._settings)}
        with atomic_path(self._checkpoint) as temporary:
            torch.save(content, temporary)

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
            settings = {**self._defaults(), **json.loads(state.pop("settings"))}
        except (RuntimeError, pickle.UnpicklingError, EOFError, KeyError, ValueError) as error:
            raise TrainingError(f"{self._checkpoint.name} is damaged: {error}") from error
        here = json.loads(json.dumps(self._settings))
        if changed := sorted(name for name in here if here[name] != settings.get(name)):
            raise TrainingError(
                "this folder holds a run with other settings "
                f"({', '.join(changed)}): choose another output, or the same settings"
            )
        return state

    def _defaults(self) -> dict[str, Any]:
        """The settings that a checkpoint may not know: it was written before they existed."""
        return {f.name: f.default for f in dataclasses.fields(TrainConfig) if f.name not in _FREE}

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
