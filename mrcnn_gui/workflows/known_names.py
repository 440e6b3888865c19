"""What a parent calls the project's categories: they may have been renamed since it was trained."""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

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
