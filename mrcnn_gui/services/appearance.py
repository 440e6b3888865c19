"""What is seen of image and masks, and how."""

from PySide6.QtCore import QObject, Signal

from mrcnn_gui.services.look import Guides, InstanceFilter, Look, Tone


class Appearance(QObject):
    """The part of the view's state that says how things look; see `ViewState`."""

    hidden_instances_changed = Signal(object)
    look_changed = Signal(object)
    tone_changed = Signal(object)
    guides_changed = Signal(object)
    instance_filter_changed = Signal(object)
    filtered_instances_changed = Signal(object)
    only_image_changed = Signal(bool)
    shows_origin_changed = Signal(bool)

    def __init__(self, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._hidden_instances: frozenset[int] = frozenset()
        self._look = Look()
        self._tone = Tone()
        self._guides = Guides()
        self._instance_filter = InstanceFilter()
        self._filtered_instances: frozenset[int] = frozenset()
        self._unseen_instances: frozenset[int] = frozenset()
        self._only_image = False
        self._shows_origin = False

    @property
    def hidden_instances(self) -> frozenset[int]:
        """Ids of the instances that are not drawn."""
        return self._hidden_instances

    @hidden_instances.setter
    def hidden_instances(self, instance_ids: frozenset[int]) -> None:
        if instance_ids != self._hidden_instances:
            self._hidden_instances = frozenset(instance_ids)
            self._unseen_instances = self._hidden_instances | self._filtered_instances
            self.hidden_instances_changed.emit(self._hidden_instances)

    def set_hidden_instances(self, instance_ids: frozenset[int]) -> None:
        """Say which instances are not drawn."""
        self.hidden_instances = instance_ids

    @property
    def look(self) -> Look:
        """How masks look."""
        return self._look

    @look.setter
    def look(self, look: Look) -> None:
        if look != self._look:
            self._look = look
            self.look_changed.emit(look)

    def set_look(self, look: Look) -> None:
        """Say how masks look."""
        self.look = look

    @property
    def tone(self) -> Tone:
        """How the pixels of the image look."""
        return self._tone

    @tone.setter
    def tone(self, tone: Tone) -> None:
        if tone != self._tone:
            self._tone = tone
            self.tone_changed.emit(tone)

    def set_tone(self, tone: Tone) -> None:
        """Say how the pixels of the image look."""
        self.tone = tone

    @property
    def guides(self) -> Guides:
        """What is drawn over image and masks, for the eye."""
        return self._guides

    @guides.setter
    def guides(self, guides: Guides) -> None:
        if guides != self._guides:
            self._guides = guides
            self.guides_changed.emit(guides)

    def set_guides(self, guides: Guides) -> None:
        """Say what is drawn over image and masks."""
        self.guides = guides

    @property
    def instance_filter(self) -> InstanceFilter:
        """Which instances are seen, on every image."""
        return self._instance_filter

    @instance_filter.setter
    def instance_filter(self, instance_filter: InstanceFilter) -> None:
        if instance_filter != self._instance_filter:
            self._instance_filter = instance_filter
            self.instance_filter_changed.emit(instance_filter)

    def set_instance_filter(self, instance_filter: InstanceFilter) -> None:
        """Say which instances are seen."""
        self.instance_filter = instance_filter

    def clear_filter(self) -> None:
        """Leave no instance out."""
        self.instance_filter = InstanceFilter()

    @property
    def filtered_instances(self) -> frozenset[int]:
        """Ids of the instances that the filter leaves out."""
        return self._filtered_instances

    @filtered_instances.setter
    def filtered_instances(self, instance_ids: frozenset[int]) -> None:
        if instance_ids != self._filtered_instances:
            self._filtered_instances = instance_ids
            self._unseen_instances = self._hidden_instances | instance_ids
            self.filtered_instances_changed.emit(instance_ids)

    def set_filtered_instances(self, instance_ids: frozenset[int]) -> None:
        """Say which instances the filter leaves out."""
        self.filtered_instances = instance_ids

    @property
    def only_image(self) -> bool:
        """Whether the image is shown without any mask."""
        return self._only_image

    @only_image.setter
    def only_image(self, only_image: bool) -> None:
        if only_image != self._only_image:
            self._only_image = only_image
            self.only_image_changed.emit(only_image)

    def set_only_image(self, only_image: bool) -> None:
        """Show the image without any mask, or with them."""
        self.only_image = only_image

    @property
    def shows_origin(self) -> bool:
        """Whether the suggestion is shown that a selected instance once was."""
        return self._shows_origin

    @shows_origin.setter
    def shows_origin(self, shows: bool) -> None:
        if shows != self._shows_origin:
            self._shows_origin = shows
            self.shows_origin_changed.emit(shows)

    def set_shows_origin(self, shows: bool) -> None:
        """Show the suggestion that a selected instance once was, or not."""
        self.shows_origin = shows

    @property
    def unseen_instances(self) -> frozenset[int]:
        """Ids of the instances that are hidden or left out by the filter."""
        return self._unseen_instances
