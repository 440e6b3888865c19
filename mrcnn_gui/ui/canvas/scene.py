"""What the picture shows of one document: the masks at rest, and those that stand out.

The masks at rest are kept as a stack in which an edit replaces one layer, so that an event costs
the same for ten instances and for thousands.
"""

from collections.abc import Callable, Collection, Iterable, Sequence

from mrcnn_gui.project.annotation import Instance, Source, Suggestion
from mrcnn_gui.project.document import ImageDocument
from mrcnn_gui.project.origin import origin_of
from mrcnn_gui.project.stacking import height
from mrcnn_gui.services.view_state import ViewState
from mrcnn_gui.ui.canvas.boxes import Box, overlap
from mrcnn_gui.ui.canvas.layer_stack import EMPTY, LayerStack, Rank
from mrcnn_gui.ui.canvas.palette import Emphasis, instance_style, suggestion_style
from mrcnn_gui.ui.canvas.preview import Preview, Shape
from mrcnn_gui.ui.canvas.style import Layer, Style
from mrcnn_gui.ui.mask_colors import mask_color

_MANY = 100  # so many instances are cheaper to stack anew than to replace one by one
_INSTANCES, _SUGGESTIONS = 0, 1  # first number of a rank


class Scene:
    """Turns the annotations of one image into layers.

    Args:
        document: Whose instances are shown.
        view_state: What is selected, hovered and hidden.
        preview: What a tool shows in place of instances.
        color_of: "#rrggbb" of a category id.
        ratio: Device pixels per logical pixel.

    Attributes:
        ratio: The same; `restack` follows it.
        at_rest: The masks that do not stand out.
    """

    def __init__(
        self,
        document: ImageDocument,
        view_state: ViewState,
        preview: Preview,
        color_of: Callable[[int], str],
        ratio: float,
    ) -> None:
        self._document = document
        self._view_state = view_state
        self._preview = preview
        self._color_of = color_of
        self.ratio = ratio
        self._suggestions: Sequence[Suggestion] = ()
        self._colors: dict[int, str] = {}  # of the categories seen
        self._ranks: dict[int, Rank] = {}  # of the instances in the stack
        self._left_out: frozenset[int] = frozenset()
        self.at_rest: LayerStack = EMPTY
        self.restack()

    def restack(self) -> None:
        """Follow a change that may be everywhere: colours, the suggestions."""
        self._colors.clear()
        self._left_out = self._now_left_out()
        shown = [it for it in self._document.instances.values() if it.id not in self._left_out]
        self._ranks = {instance.id: _rank(instance) for instance in shown}
        layers = [(self._ranks[instance.id], self._layer(instance)) for instance in shown]
        self.at_rest = LayerStack.of((*layers, *self._suggested()))

    def follow(self, instance_ids: Iterable[int]) -> list[Box]:
        """Follow edits of these instances, and what is selected and hidden now.

        Returns:
            The image boxes in which the masks at rest look different.
        """
        left_out = self._now_left_out()
        changed = {*instance_ids, *(left_out ^ self._left_out)}
        before = [self.at_rest.box(self._ranks[it]) for it in changed if it in self._ranks]
        if len(changed) > _MANY:
            self.restack()
        else:
            self._left_out = left_out
            self._replace(changed)
        return before + [self.at_rest.box(self._ranks[it]) for it in changed if it in self._ranks]

    def show_suggestions(self, suggestions: Sequence[Suggestion]) -> list[Box]:
        """Show these; returns the image boxes in which the masks at rest look different."""
        before = {suggestion.key: suggestion for suggestion in self._suggestions}
        after = {suggestion.key: suggestion for suggestion in suggestions}
        self._suggestions = suggestions
        if before == after and list(before) == list(after):
            return []  # as after most edits
        self.at_rest = self.at_rest.below((_SUGGESTIONS,)).over(self._suggested())
        both = before | after
        return [both[key].mask.box_xyxy for key in before.keys() ^ after.keys()]

    def instances_near(self, x: int, y: int) -> list[Instance]:
        """The shown instances whose box holds a pixel; the cost does not follow their number."""
        instances = self._document.instances
        ids = [rank[-1] for rank in self.at_rest.ranks_at(x, y) if rank[0] == _INSTANCES]
        near = [instances[it] for it in ids if it in instances] + self._shown_selection()
        return [it for it in near if overlap(it.mask.box_xyxy, (x, y, x + 1, y + 1))]

    def emphasised(self) -> dict[tuple[str, object], Box]:
        """What is hovered and selected, and the image boxes of it."""
        state, instances = self._view_state, self._document.instances
        hovered = self._preview.hovered_instance
        boxes: dict[tuple[str, object], Box] = {}
        if hovered in instances and hovered not in self._left_out:
            boxes["hovered", hovered] = instances[hovered].mask.box_xyxy
        selection = self._shown_selection()
        for instance in selection:
            boxes["selected", instance.id] = instance.mask.box_xyxy
        for index, shape in enumerate(self._preview.shapes):
            if shape.instance_id not in {instance.id for instance in selection}:
                boxes["drawn", index] = shape.box_xyxy
        for origin in self._origins():
            boxes["origin", origin.key] = origin.mask.box_xyxy
        for it in self._suggestions:
            for role, key in (
                ("hovered", state.hovered_suggestion),
                ("selected", state.selected_suggestion),
            ):
                if it.key == key:
                    boxes[role, key] = it.mask.box_xyxy
        return boxes

    def standing_out(self) -> LayerStack:
        """What is hovered and selected, drawn over all else; the selected ones on top."""
        layers = [*self._hovered(), *self._chosen_suggestions(), *self._selected()]
        style = suggestion_style(Emphasis(), self.ratio)
        layers += [Layer(it.mask.crop, it.mask.x, it.mask.y, style) for it in self._origins()]
        return LayerStack.of(((index,), layer) for index, layer in enumerate(layers))

    def _now_left_out(self) -> frozenset[int]:
        """Unseen ones, and those that stand out: selected, or shown otherwise by a tool."""
        state = self._view_state
        return state.unseen_instances.union(state.selected_instances, self._replaced())

    def _replace(self, instance_ids: Collection[int]) -> None:
        gone = [self._ranks.pop(it) for it in instance_ids if it in self._ranks]
        instances = self._document.instances
        shown = [
            instances[it] for it in instance_ids if it in instances and it not in self._left_out
        ]
        self._ranks |= {it.id: _rank(it) for it in shown}
        stack = self.at_rest.without(gone)
        self.at_rest = stack.over([(_rank(it), self._layer(it)) for it in shown])

    def _layer(self, instance: Instance, emphasis: Emphasis = Emphasis()) -> Layer:  # noqa: B008
        color_by, made_by = self._view_state.look.color_by, instance.provenance.source
        color = mask_color(
            color_by, instance.id, instance.category_id, made_by, self._category_color
        )
        mask = instance.mask
        return Layer(mask.crop, mask.x, mask.y, self._style(color, emphasis))

    def _suggested(self) -> list[tuple[Rank, Layer]]:
        style = suggestion_style(Emphasis(), self.ratio)
        return [
            ((_SUGGESTIONS, index), Layer(it.mask.crop, it.mask.x, it.mask.y, style))
            for index, it in enumerate(self._suggestions)
        ]

    def _hovered(self) -> list[Layer]:
        hovered = self._preview.hovered_instance
        instance = None if hovered is None else self._document.instances.get(hovered)
        if instance is None or instance.id in self._left_out:
            return []
        return [self._layer(instance, Emphasis(hovered=True))]

    def _chosen_suggestions(self) -> list[Layer]:
        state, layers = self._view_state, []
        for it in self._suggestions:
            selected = it.key == state.selected_suggestion
            emphasis = Emphasis(selected, it.key == state.hovered_suggestion)
            if emphasis != Emphasis():
                style = suggestion_style(emphasis, self.ratio)
                layers.append(Layer(it.mask.crop, it.mask.x, it.mask.y, style))
        return layers

    def _selected(self) -> list[Layer]:
        """The selected instances, and what a tool shows in their place or as new ones."""
        emphasis, replaced = Emphasis(selected=True), self._replaced()
        chosen = [it for it in self._shown_selection() if it.id not in replaced]
        layers = [self._layer(it, emphasis) for it in chosen]
        selected = {None, *self._view_state.selected_instances}
        beside: list[Layer] = []  # what others lose
        own: list[Layer] = []  # what is drawn or moved itself
        for it in self._preview.shapes:
            taken_from = it.instance_id not in selected
            look = Emphasis() if taken_from else emphasis
            style = self._style(self._shape_color(it), look)
            (beside if taken_from else own).append(Layer(it.bitmap, it.x, it.y, style, it.patch))
        return [*beside, *layers, *own]

    def _origins(self) -> list[Suggestion]:
        """The suggestions that the selected instances once were, where these are asked for."""
        if not self._view_state.shows_origin:
            return []
        decisions = self._document.decisions.values()
        found = (origin_of(it, decisions) for it in self._shown_selection())
        return [it for it in found if it is not None]

    def _shown_selection(self) -> list[Instance]:
        hidden, instances = self._view_state.hidden_instances, self._document.instances
        chosen = (it for it in self._view_state.selected_instances if it not in hidden)
        return [instances[it] for it in chosen if it in instances]

    def _replaced(self) -> frozenset[int]:
        """Ids of the instances that a tool shows otherwise."""
        ids = (shape.instance_id for shape in self._preview.shapes)
        return frozenset(it for it in ids if it is not None)

    def _shape_color(self, shape: Shape) -> str:
        instance = self._document.instances.get(shape.instance_id or 0)
        made_by = Source.HUMAN if instance is None else instance.provenance.source
        return mask_color(
            self._view_state.look.color_by,
            shape.instance_id or 0,
            shape.category_id,
            made_by,
            self._category_color,
        )

    def _category_color(self, category_id: int) -> str:
        color = self._colors.get(category_id)
        if color is None:
            color = self._colors[category_id] = self._color_of(category_id)
        return color

    def _style(self, color: str, emphasis: Emphasis) -> Style:
        return instance_style(color, emphasis, self.ratio, self._view_state.look)


def _rank(instance: Instance) -> Rank:
    """Among the instances, by their height."""
    return _INSTANCES, *height(instance)
