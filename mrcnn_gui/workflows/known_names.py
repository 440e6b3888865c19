"""What a version calls the project's categories: they may have been renamed since its training."""

import json
from collections.abc import Iterable, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

from mrcnn_gui.project.annotation import Category, Suggestion
from mrcnn_gui.project.store import Store
from mrcnn_gui.workflows.models import project_models

IDS = "category_ids"
"""In a model's card: the project's id of each category, by its name at that time."""


def category_ids(coco_file: Path) -> dict[str, int]:
    """The ids in a COCO file by their names."""
    content = json.loads(coco_file.read_text(encoding="utf-8"))
    return {category["name"]: category["id"] for category in content["categories"]}


def renamed_since(card: Mapping[str, Any], categories: Mapping[str, int]) -> dict[str, str]:
    """The name in the parent of each category that is called otherwise now.

    Ids of the project never change. A category that took the place of one that was removed, or
    that another was merged into, keeps its own name.

    Args:
        card: Of the parent.
        categories: The project's ids by their names of now.
    """
    before = card.get(IDS)
    if not isinstance(before, dict):
        return {}
    names = {number: name for name, number in before.items()}
    return {
        name: names[number]
        for name, number in categories.items()
        if name not in before and number in names
    }


class NamesNow:
    """What a project calls now what its model versions find.

    A renamed category has its new name, a merged one that of the category it went into. Where
    neither is known the version's own word stays.
    """

    def __init__(
        self, folder: Path, categories: Iterable[Category], merged: Mapping[int, int]
    ) -> None:
        """Know the names of now.

        Args:
            folder: Project folder.
            categories: All there are.
            merged: For each that was merged into another one, which; by ids.
        """
        self._folder = folder
        self._names = {category.id: category.name for category in categories}
        self._merged = merged
        self._ids: dict[str, Any] = {}  # by version, as its card has them

    @classmethod
    def of(cls, store: Store) -> "NamesNow":
        """Those of an open project."""
        return cls(store.folder, store.categories(), store.project_history.merged())

    def name(self, version_id: str, category: str) -> str:
        """What the project calls a category that a version knows."""
        if version_id not in self._ids:
            cards = {each.id: each.card for each in project_models(self._folder).list()}
            self._ids[version_id] = cards.get(version_id, {}).get(IDS)
        ids = self._ids[version_id]
        if not isinstance(ids, dict) or category not in ids:
            return category
        number: int = ids[category]
        for _ in self._merged:  # one may have gone into another that was merged, too
            if number in self._names or number not in self._merged:
                break
            number = self._merged[number]
        return self._names.get(number, category)

    def suggestion(self, it: Suggestion) -> Suggestion:
        """A suggestion with the name of now; it keeps its key."""
        name = self.name(it.model_version, it.category)
        return it if name == it.category else replace(it, category=name)
