"""Errors that are to be expected, turned into messages for people."""

import logging
from collections.abc import Callable
from types import TracebackType

from mrcnn_gui.project.document import EditError
from mrcnn_gui.project.errors import ProjectError
from mrcnn_gui.services.jobs import describe

log = logging.getLogger(__name__)

EXPECTED = (ProjectError, EditError, OSError, ValueError)


class Telling:
    """A block whose expected errors end it, and are told with a title and a sentence."""

    def __init__(self, tell: Callable[[str, str], object], title: str) -> None:
        self._tell = tell
        self._title = title

    def __enter__(self) -> None:
        pass

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> bool:
        if not isinstance(error, EXPECTED):
            return False
        log.info("%s", self._title, exc_info=error)
        self._tell(self._title, describe(error))
        return True
