"""What the overlay shows: the layers of one document, its suggestions and the preview."""

from collections.abc import Callable, Iterable

from mrcnn_gui.project.annotation import Suggestion
from mrcnn_gui.project.document import ImageDocument
from mrcnn_gui.services.view_state import ViewState
from mrcnn_gui.ui.canvas.compose import Layer, Style
from mrcnn_gui.ui.canvas.palette import Emphasis, instance_style, suggestion_style
from mrcnn_gui.ui.canvas.preview import Preview


class Scene:
    """Turns annotations into layers.

    Args:
        view_state: What is selected, hovered and hidden.
        preview: What a tool shows in place of an instance.
        color_of: "#rrggbb" of a category id.
    """

    def __init__(
        self, view_state: ViewState, preview: Preview, color_of: Callable[[int], str]
    ) -> None:
        self._view_state = view_state
        self._preview = preview
        self._color_of = color_of

    def layers(
        self, document: ImageDocument, suggestions: Iterable[Suggestion], ratio: float
    ) -> list[Layer]:
        """All layers, bottom first: instances (large ones below), suggestions, the selected one.

        Args:
            document: Whose instances are drawn.
            suggestions: Those that are visible.
            ratio: Device pixels per logical pixel.
        """
        layers = self._instances(document, ratio)
        layers.sort(key=lambda layer: -layer.crop.size)
        layers += [self._suggestion(suggestion, ratio) for suggestion in suggestions]
        return layers + self._selected(document, ratio)

    def _instances(self, document: ImageDocument, ratio: float) -> list[Layer]:
        state, hovered = self._view_state, self._preview.hovered_instance
        left_out = state.hidden_instances | {state.selected_instance}
        return [
            Layer(
                instance.mask.crop,
                instance.mask.x,
                instance.mask.y,
                self._style(instance.category_id, Emphasis(hovered=instance.id == hovered), ratio),
            )
            for instance in document.instances.values()
            if instance.id not in left_out
        ]

    def _suggestion(self, suggestion: Suggestion, ratio: float) -> Layer:
        state, mask = self._view_state, suggestion.mask
        emphasis = Emphasis(
            selected=suggestion.key == state.selected_suggestion,
            hovered=suggestion.key == state.hovered_suggestion,
        )
        return Layer(mask.crop, mask.x, mask.y, suggestion_style(emphasis, ratio))

    def _selected(self, document: ImageDocument, ratio: float) -> list[Layer]:
        """The selected instance, or what a tool shows in its place."""
        shape = self._preview.shape
        if shape is not None:
            style = self._style(shape.category_id, Emphasis(selected=True), ratio)
            return [Layer(shape.bitmap, shape.x, shape.y, style)]
        selected = self._view_state.selected_instance
        instance = None if selected is None else document.instances.get(selected)
        if instance is None or instance.id in self._view_state.hidden_instances:
            return []
        style = self._style(instance.category_id, Emphasis(selected=True), ratio)
        return [Layer(instance.mask.crop, instance.mask.x, instance.mask.y, style)]

    def _style(self, category_id: int, emphasis: Emphasis, ratio: float) -> Style:
        return instance_style(self._color_of(category_id), emphasis, ratio)
