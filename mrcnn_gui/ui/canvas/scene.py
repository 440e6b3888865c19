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
        left_out = state.hidden_instances.union(state.selected_instances, self._replaced())
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
        """The selected instances, and what a tool shows in their place or as new ones."""
        left_out = self._view_state.hidden_instances | self._replaced()
        chosen = [key for key in self._view_state.selected_instances if key not in left_out]
        instances = [document.instances[key] for key in chosen if key in document.instances]
        layers = [
            Layer(it.mask.crop, it.mask.x, it.mask.y, self._selected_style(it.category_id, ratio))
            for it in instances
        ]
        return layers + [
            Layer(it.bitmap, it.x, it.y, self._selected_style(it.category_id, ratio))
            for it in self._preview.shapes
        ]

    def _replaced(self) -> frozenset[int | None]:
        """Ids of the instances that a tool shows otherwise."""
        return frozenset(shape.instance_id for shape in self._preview.shapes)

    def _selected_style(self, category_id: int, ratio: float) -> Style:
        return self._style(category_id, Emphasis(selected=True), ratio)

    def _style(self, category_id: int, emphasis: Emphasis, ratio: float) -> Style:
        return instance_style(self._color_of(category_id), emphasis, ratio)
