"""What waits to be gone on with: kept with the project, one for each image and tool."""

import json
from dataclasses import asdict, dataclass
from typing import Any, TypeAlias

from mrcnn_gui.services.session import Session

_SETTING = "drafts"
_POLYGON = "polygon"  # the only tool that kept any, once, and so under no name

_Kept: TypeAlias = dict[str, dict[str, dict[str, Any]]]
"""By the image's id and the tool."""


@dataclass(frozen=True)
class Draft:
    """A polygon that is not closed yet, or a question that the model has not answered.

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

    def keep(self, image_id: int, tool: str, draft: Draft) -> bool:
        """Keep what a tool has begun on an image; False when it cannot be written."""
        kept = self._all()
        kept.setdefault(str(image_id), {})[tool] = asdict(draft)
        return self._write(kept)

    def take(self, image_id: int, tool: str) -> Draft | None:
        """Hand out what a tool has begun on an image, which is kept no more."""
        kept = self._all()
        found = kept.get(str(image_id), {}).pop(tool, None)
        if found is None or not self._write({key: each for key, each in kept.items() if each}):
            return None
        return Draft(**found | {"points": tuple((x, y) for x, y in found["points"])})

    def _all(self) -> _Kept:
        kept: dict[str, dict[str, Any]] = json.loads(self._session.setting(_SETTING, "{}"))
        return {key: {_POLYGON: each} if "points" in each else each for key, each in kept.items()}

    def _write(self, kept: _Kept) -> bool:
        return self._session.set_setting(_SETTING, json.dumps(kept))
