"""The model versions of a project: the starter, then v1, v2, … in its models folder."""

import json
import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from core.files import publish_folder
from mrcnn_gui.project.errors import ProjectError

STARTER_VERSION = "starter"
WEIGHTS_FILE = "model.safetensors"
CARD_FILE = "card.json"


@dataclass(frozen=True)
class ModelVersion:
    """Published weights with their card.

    Attributes:
        id: "starter", or "v1", "v2", …
        folder: Holds the weights and the card.
        card: What the card says; empty when it cannot be read.
    """

    id: str
    folder: Path
    card: dict[str, Any]


class ModelVersions:
    """The versions in a models folder, behind the starter that ships with the program."""

    def __init__(self, models_folder: Path | None, starter: Path | None) -> None:
        """Look into a project's models folder, or without a project at the starter alone."""
        self._models_folder = models_folder
        self._starter = starter

    def list(self) -> list[ModelVersion]:
        """All versions that have weights, the starter first, then the oldest."""
        folders = {
            f"v{number}": folder for number, folder in _numbered(self._models_folder).items()
        }
        if self._starter is not None:
            folders = {STARTER_VERSION: self._starter, **folders}
        return [
            ModelVersion(version_id, folder, _read_card(folder / CARD_FILE))
            for version_id, folder in folders.items()
            if (folder / WEIGHTS_FILE).is_file()
        ]

    def get(self, version_id: str) -> ModelVersion:
        """One version.

        Raises:
            ProjectError: There is none of this name; the message lists those there are.
        """
        versions = {version.id: version for version in self.list()}
        if version_id not in versions:
            there = ", ".join(versions) or "none"
            raise ProjectError(f"there is no model version {version_id!r}; there is: {there}")
        return versions[version_id]

    def lineage(self, version_id: str) -> Iterator[dict[str, Any]]:
        """The cards of a version and of those that it came of, the nearest first.

        Those of deleted versions are among them; the starter, which has learned from nobody's
        images, is not.
        """
        folders = {f"v{number}": it for number, it in _numbered(self._models_folder).items()}
        while (folder := folders.pop(version_id, None)) is not None:
            card = _read_card(folder / CARD_FILE)
            yield card
            version_id = str(card.get("parent"))

    def publish(self, staging: Path) -> ModelVersion:
        """Give a finished folder the next version's name.

        Args:
            staging: Holds the weights and the card; on the models folder's file system.

        Raises:
            ProjectError: There is no project to publish in.
        """
        if self._models_folder is None:
            raise ProjectError("a model version belongs to a project, and there is none")
        self._models_folder.mkdir(parents=True, exist_ok=True)
        number = max(_numbered(self._models_folder), default=0) + 1
        publish_folder(staging, self._models_folder / f"v{number}")
        return self.get(f"v{number}")

    def delete(self, version_id: str) -> None:
        """Remove the weights of a version; its card stays, so that nobody gets its name again.

        Raises:
            ProjectError: There is none of this name, or it ships with the program.
        """
        if version_id == STARTER_VERSION:
            raise ProjectError("the starter ships with the program: it cannot be deleted")
        weights = self.get(version_id).folder / WEIGHTS_FILE
        try:
            weights.unlink()
        except OSError as error:
            raise ProjectError(f"cannot delete {weights}: {error.strerror or error}") from error


def _numbered(models_folder: Path | None) -> dict[int, Path]:
    """The folders v1, v2, … by their number, lowest first."""
    if models_folder is None or not models_folder.is_dir():
        return {}
    matches = ((re.fullmatch(r"v(\d+)", path.name), path) for path in models_folder.iterdir())
    return dict(sorted((int(match[1]), path) for match, path in matches if match))


def _read_card(path: Path) -> dict[str, Any]:
    try:
        card = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return {}
    return card if isinstance(card, dict) else {}
