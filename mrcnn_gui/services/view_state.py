"""What the person looks at: selection, tool, category, threshold, visibility, look."""

from PySide6.QtCore import QObject, Signal

from mrcnn_gui.project.reshaping import Overlap
from mrcnn_gui.services.appearance import Appearance

MIN_BRUSH_RADIUS = 0.5
MAX_BRUSH_RADIUS = 512.0
MIN_SCORE = 0.05
MAX_WAND_TOLERANCE = 128


class ViewState(Appearance):
    """State of the view that is no part of the document.

    Every attribute is read and assigned like a plain one (`state.tool = "brush"`), has a
    method of the same effect for signal connections (`set_tool`), and a signal
    `<name>_changed` that carries the new value; assigning the value it has does nothing.
    Either instances are selected or a suggestion. Of several instances the last one is primary:
    it is `selected_instance`, which panels show and the brush paints into.
    """

    selected_instance_changed = Signal(object)
    selected_instances_changed = Signal(object)
    selected_suggestion_changed = Signal(object)
    hovered_suggestion_changed = Signal(object)
    active_category_changed = Signal(object)
    tool_changed = Signal(str)
    brush_radius_changed = Signal(float)
    score_threshold_changed = Signal(float)
    overlap_changed = Signal(object)
    wand_tolerance_changed = Signal(int)

    def __init__(self, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._selected_instances: tuple[int, ...] = ()
        self._selected_suggestion: str | None = None
        self._hovered_suggestion: str | None = None
        self._active_category: int | None = None
        self._tool = "select"
        self._brush_radius = 12.0
        self._score_threshold = 0.5
        self._overlap = Overlap.ALLOWED
        self._wand_tolerance = 24

    @property
    def selected_instance(self) -> int | None:
        """Id of the primary selected instance; assigning it selects that one alone."""
        return self._selected_instances[-1] if self._selected_instances else None

    @selected_instance.setter
    def selected_instance(self, instance_id: int | None) -> None:
        self.selected_instances = () if instance_id is None else (instance_id,)

    def set_selected_instance(self, instance_id: int | None) -> None:
        """Select an instance, or none; the selected suggestion is let go."""
        self.selected_instance = instance_id

    @property
    def selected_instances(self) -> tuple[int, ...]:
        """Ids of all selected instances in the order they were selected; the last is primary."""
        return self._selected_instances

    @selected_instances.setter
    def selected_instances(self, instance_ids: tuple[int, ...]) -> None:
        if instance_ids:
            self.selected_suggestion = None
        before, primary = self._selected_instances, self.selected_instance
        self._selected_instances = tuple(dict.fromkeys(instance_ids))
        if self._selected_instances != before:
            self.selected_instances_changed.emit(self._selected_instances)
        if self.selected_instance != primary:
            self.selected_instance_changed.emit(self.selected_instance)

    def set_selected_instances(self, instance_ids: tuple[int, ...]) -> None:
        """Select instances, the primary one last; the selected suggestion is let go."""
        self.selected_instances = instance_ids

    @property
    def selected_suggestion(self) -> str | None:
        """Key of the selected suggestion."""
        return self._selected_suggestion

    @selected_suggestion.setter
    def selected_suggestion(self, key: str | None) -> None:
        if key is not None:
            self.selected_instance = None
        if key != self._selected_suggestion:
            self._selected_suggestion = key
            self.selected_suggestion_changed.emit(key)

    def set_selected_suggestion(self, key: str | None) -> None:
        """Select a suggestion, or none; the selected instance is let go."""
        self.selected_suggestion = key

    @property
    def hovered_suggestion(self) -> str | None:
        """Key of the suggestion under the cursor."""
        return self._hovered_suggestion

    @hovered_suggestion.setter
    def hovered_suggestion(self, key: str | None) -> None:
        if key != self._hovered_suggestion:
            self._hovered_suggestion = key
            self.hovered_suggestion_changed.emit(key)

    def set_hovered_suggestion(self, key: str | None) -> None:
        """Say which suggestion lies under the cursor."""
        self.hovered_suggestion = key

    @property
    def active_category(self) -> int | None:
        """Id of the category that new instances get."""
        return self._active_category

    @active_category.setter
    def active_category(self, category_id: int | None) -> None:
        if category_id != self._active_category:
            self._active_category = category_id
            self.active_category_changed.emit(category_id)

    def set_active_category(self, category_id: int | None) -> None:
        """Choose the category that new instances get."""
        self.active_category = category_id

    @property
    def tool(self) -> str:
        """Name of the active tool."""
        return self._tool

    @tool.setter
    def tool(self, name: str) -> None:
        if name != self._tool:
            self._tool = name
            self.tool_changed.emit(name)

    def set_tool(self, name: str) -> None:
        """Choose the tool."""
        self.tool = name

    @property
    def brush_radius(self) -> float:
        """Radius of brush and eraser, in image pixels."""
        return self._brush_radius

    @brush_radius.setter
    def brush_radius(self, radius: float) -> None:
        radius = min(max(float(radius), MIN_BRUSH_RADIUS), MAX_BRUSH_RADIUS)
        if radius != self._brush_radius:
            self._brush_radius = radius
            self.brush_radius_changed.emit(radius)

    def set_brush_radius(self, radius: float) -> None:
        """Set the brush's radius in image pixels; kept between 0.5 and 512."""
        self.brush_radius = radius

    @property
    def score_threshold(self) -> float:
        """Suggestions below this score are not shown."""
        return self._score_threshold

    @score_threshold.setter
    def score_threshold(self, score: float) -> None:
        score = min(max(float(score), MIN_SCORE), 1.0)
        if score != self._score_threshold:
            self._score_threshold = score
            self.score_threshold_changed.emit(score)

    def set_score_threshold(self, score: float) -> None:
        """Set the score from which suggestions are shown; kept between 0.05 and 1."""
        self.score_threshold = score

    @property
    def overlap(self) -> Overlap:
        """What becomes of new paint where other instances are."""
        return self._overlap

    @overlap.setter
    def overlap(self, overlap: Overlap) -> None:
        if overlap != self._overlap:
            self._overlap = Overlap(overlap)
            self.overlap_changed.emit(self._overlap)

    def set_overlap(self, overlap: Overlap) -> None:
        """Say what becomes of new paint where other instances are."""
        self.overlap = overlap

    @property
    def wand_tolerance(self) -> int:
        """How far a colour may be from the one that the magic wand was put on, per channel."""
        return self._wand_tolerance

    @wand_tolerance.setter
    def wand_tolerance(self, tolerance: int) -> None:
        tolerance = min(max(int(tolerance), 0), MAX_WAND_TOLERANCE)
        if tolerance != self._wand_tolerance:
            self._wand_tolerance = tolerance
            self.wand_tolerance_changed.emit(tolerance)

    def set_wand_tolerance(self, tolerance: int) -> None:
        """Set the magic wand's tolerance; kept between 0 and 128."""
        self.wand_tolerance = tolerance

    def clear(self) -> None:
        """Forget what belongs to one image: selection, hover and hidden instances."""
        self.selected_instance = None
        self.selected_suggestion = None
        self.hovered_suggestion = None
        self.hidden_instances = frozenset()
