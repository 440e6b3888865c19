"""Polygons that wait to be gone on with: kept with the project, one for each image."""

import json
from dataclasses import asdict, dataclass
from typing import Any

from mrcnn_gui.services.session import Session

_SETTING = "drafts"


@dataclass(frozen=True)
class Draft:
    """A polygon that is not closed yet.

    Attributes:
        points: In image coordinates.
        use: What the area will be for, as the tool calls it.
        target_id: The instance that it will be added to or taken from; None for a new one.
        category_id: Of the instance.
    """

    points: tuple[tuple[float, float], ...]
    use: str
    target_id: int | None
    category_id: int


class Drafts:
    """What was begun and not finished when the work turned elsewhere; no edit, never exported."""

    def __init__(self, session: Session) -> None:
        self._session = session

    def keep(self, image_id: int, draft: Draft) -> bool:
        """Keep a draft for an image; False when it cannot be written."""
        return self._write(self._all() | {str(image_id): asdict(draft)})

    def take(self, image_id: int) -> Draft | None:
        """Hand out the draft of an image, which is kept no more."""
        kept = self._all()
        found = kept.pop(str(image_id), None)
        if found is None or not self._write(kept):
            return None
        return Draft(**found | {"points": tuple((x, y) for x, y in found["points"])})

    def _all(self) -> dict[str, dict[str, Any]]:
        kept: dict[str, dict[str, Any]] = json.loads(self._session.setting(_SETTING, "{}"))
        return kept

    def _write(self, kept: dict[str, dict[str, Any]]) -> bool:
        return self._session.set_setting(_SETTING, json.dumps(kept))
