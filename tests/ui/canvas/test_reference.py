"""The window's pixels after random work equal a slow reference."""

from collections.abc import Callable

import numpy as np
import pytest
from PySide6.QtCore import QPointF

from core.masks import Mask
from mrcnn_gui.project.annotation import Instance, Provenance, Source
from mrcnn_gui.project.edits import AddInstance, PaintMask, RemoveInstance, SetOrder
from mrcnn_gui.services.look import ColorBy, Look, MaskForm, Tone
from mrcnn_gui.ui.canvas.view import CanvasView
from mrcnn_gui.ui.services import Services
from tests.helpers.reference_picture import on_screen, reference
from tests.ui.canvas.conftest import Mouse, sharpen


class Monkey:
    """Somebody who does anything, but the same for each seed."""

    def __init__(self, canvas: CanvasView, mouse: Mouse, services: Services, seed: int) -> None:
        self.canvas, self.mouse, self.services = canvas, mouse, services
        self.random = np.random.default_rng(seed)

    def act(self) -> None:
        acts: list[Callable[[], object]] = [
            self.pan,
            self.zoom,
            self.add,
            self.paint,
            self.remove,
            self.select,
            self.hide,
            self.hover,
            self.undo,
            self.reorder,
            self.restyle,
            self.leave_out,
        ]
        acts[self.random.integers(len(acts))]()

    def pan(self) -> None:
        self.canvas.pan(*self.random.integers(-90, 90, 2).tolist())

    def zoom(self) -> None:
        at = QPointF(*self.random.integers(50, 430, 2).tolist())
        self.canvas.zoom_at(float(2 ** self.random.uniform(-1, 3.5)), at)

    def add(self) -> None:
        session = self.services.session
        category = session.categories[0].id
        instance_id = session.new_instance_id()
        provenance = Provenance(Source.HUMAN)
        session.push(AddInstance(Instance(instance_id, category, self.blob(), provenance)))

    def paint(self) -> None:
        if (instance := self.any_instance()) is not None:
            self.services.session.push(PaintMask(instance.id, self.blob()))

    def remove(self) -> None:
        if (instance := self.any_instance()) is not None:
            self.services.session.push(RemoveInstance(instance))

    def select(self) -> None:
        instance = self.any_instance()
        self.services.view_state.selected_instance = None if instance is None else instance.id

    def hide(self) -> None:
        if (instance := self.any_instance()) is not None:
            hidden = self.services.view_state.hidden_instances
            self.services.view_state.hidden_instances = hidden ^ {instance.id}

    def hover(self) -> None:
        self.mouse.move(*self.random.uniform(0, 120, 2).tolist())

    def undo(self) -> None:
        self.services.session.undo()

    def reorder(self) -> None:
        if (instance := self.any_instance()) is not None:
            order = int(self.random.integers(-2, 3))
            self.services.session.push(SetOrder(instance.id, instance.z_order, order))

    def restyle(self) -> None:
        form, color_by = self.random.integers(3, size=2).tolist()
        opacity, gamma = self.random.uniform(0, 1, 2).tolist()
        state = self.services.view_state
        state.look = Look(opacity, list(MaskForm)[form], list(ColorBy)[color_by])
        state.tone = Tone(0.1, opacity - 0.5, 0.5 + gamma, 0.1, 0.8)
        state.only_image = bool(self.random.integers(4) == 0)

    def leave_out(self) -> None:
        if (instance := self.any_instance()) is not None:
            left_out = self.services.view_state.filtered_instances
            self.services.view_state.filtered_instances = left_out ^ {instance.id}

    def blob(self) -> Mask:
        height, width = self.random.integers(5, 60, 2).tolist()
        bitmap = self.random.random((height, width)) < 0.9
        bitmap[0, 0] = True
        x, y = self.random.integers(0, 100, 2).tolist()
        return Mask.from_bitmap(bitmap, x, y).clip(160, 120)

    def any_instance(self) -> Instance | None:
        document = self.services.session.document
        assert document is not None
        instances = list(document.instances.values())
        return instances[self.random.integers(len(instances))] if instances else None


@pytest.mark.parametrize("seed", range(8))
def test_the_screen_equals_the_reference_after_anything(
    canvas: CanvasView, mouse: Mouse, services: Services, seed: int
) -> None:
    monkey = Monkey(canvas, mouse, services, seed)
    for _ in range(4):
        monkey.add()
    for step in range(40):
        monkey.act()
        if step % 8 == 7:
            compare(canvas, services)


def compare(canvas: CanvasView, services: Services) -> None:
    sharpen(canvas)
    document, pyramid = services.session.document, services.images.pyramid(canvas.image_id)
    assert document is not None
    assert pyramid is not None
    assert canvas.viewport is not None
    colors = {category.id: category.color for category in services.session.categories}
    state = services.view_state
    expected = reference(
        pyramid,
        document,
        state,
        canvas.viewport,
        colors,
        hovered=canvas.preview.hovered_instance,
        ratio=canvas.devicePixelRatioF(),
    )
    np.testing.assert_array_equal(on_screen(canvas), expected)


def test_hover_looks_only_at_what_lies_under_the_cursor(
    canvas: CanvasView, services: Services, add_instance: Callable[..., int]
) -> None:
    near, selected = add_instance(20, 20, 30), add_instance(25, 25, 30)
    add_instance(100, 80, 10)
    hidden = add_instance(22, 22, 30)
    services.view_state.selected_instance = selected
    services.view_state.hidden_instances = frozenset({hidden})
    assert {instance.id for instance in canvas.instances_near(30, 30)} == {near, selected}
    assert canvas.instances_near(90, 10) == []
