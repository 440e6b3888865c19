"""How things look survives a restart."""

from PySide6.QtCore import QObject

from mrcnn_gui.services.appearance import Appearance
from mrcnn_gui.services.settings import Settings


class KeptLooks(QObject):
    """Gives masks, image and guides the look that they had last, and notes every other one."""

    def __init__(self, appearance: Appearance, settings: Settings) -> None:
        super().__init__(appearance)
        self._settings = settings
        appearance.look = settings.look(appearance.look)
        appearance.tone = settings.look(appearance.tone)
        appearance.guides = settings.look(appearance.guides)
        for changed in (
            appearance.look_changed,
            appearance.tone_changed,
            appearance.guides_changed,
        ):
            changed.connect(settings.set_look)
