"""What is drawn over the picture, and the display of its values."""

from collections.abc import Callable
from dataclasses import replace

import numpy as np
import pytest
from numpy.typing import NDArray
from PySide6.QtCore import QPoint, QPointF, Qt
from PySide6.QtGui import QImage, QPainter
from pytestqt.qtbot import QtBot

from mrcnn_gui.services.look import Guides, Look, MaskForm, Tone
from mrcnn_gui.ui.canvas.boxes import Box
from mrcnn_gui.ui.canvas.guides import paint_pixel_grid
from mrcnn_gui.ui.canvas.view import CanvasView
from mrcnn_gui.ui.canvas.viewport import Viewport
from mrcnn_gui.ui.services import Services
from tests.ui.canvas.conftest import Mouse, grabbed, pixel_at


@pytest.mark.parametrize(("scale", "shown"), [(8.0, False), (10.0, True), (9.3, True)])
def test_the_pixel_grid_lies_on_the_borders_above_800_percent(
    canvas: CanvasView, services: Services, scale: float, shown: bool
) -> None:
    canvas.zoom_at(scale, QPointF(320, 240))
    without = grabbed(canvas).astype(int)
    services.view_state.guides = Guides(pixel_grid=True)
    changed = (grabbed(canvas).astype(int) != without).any(axis=2)
    assert changed.any() == shown
    if shown:
        assert canvas.viewport is not None
        columns, rows = canvas.viewport.grid.columns(-1, 640), canvas.viewport.grid.rows(-1, 480)
        left, top = np.flatnonzero(np.diff(columns)), np.flatnonzero(np.diff(rows))
        assert changed[:, left].mean(axis=0).min() > 0.9  # a dark line on black is not seen
        assert changed[top].mean(axis=1).min() > 0.9
        beside = np.zeros_like(changed)
        for lines in (left, left + 1):
            beside[:, lines[lines < 640]] = True
        for lines in (top, top + 1):
            beside[lines[lines < 480]] = True
        assert not (changed & ~beside).any()


def test_parts_of_the_pixel_grid_make_the_whole() -> None:
    viewport = Viewport(30, 20, 200, 150).zoomed(9.3, 40, 30)

    def painted(*boxes: Box) -> NDArray[np.uint32]:
        image = QImage(200, 150, QImage.Format.Format_ARGB32_Premultiplied)
        image.fill(0)
        painter = QPainter(image)
        for box in boxes:
            paint_pixel_grid(painter, viewport, box)
        painter.end()
        return np.frombuffer(image.constBits(), np.uint32).reshape(150, 200).copy()

    whole = painted((0, 0, 200, 150))
    for x in range(60, 80):
        parts = painted((0, 0, x, 70), (x, 0, 200, 70), (0, 70, 200, 150))
        np.testing.assert_array_equal(parts, whole)


def test_the_crosshair_follows_the_cursor(
    canvas: CanvasView, services: Services, mouse: Mouse
) -> None:
    services.view_state.guides = Guides(pixel_grid=False, crosshair=True)
    before = grabbed(canvas).astype(int)
    for at in ((40.5, 30.5), (90.5, 70.5)):
        mouse.move(*at)
        place = canvas.to_view(*at).toPoint()
        changed = (grabbed(canvas).astype(int) != before).any(axis=2)
        assert changed[place.y(), :].all()
        assert changed[:, place.x()].all()
        assert changed.sum() < 5 * (640 + 480)


def test_the_minimap_shows_and_moves_the_view(
    canvas: CanvasView, services: Services, qtbot: QtBot
) -> None:
    canvas.zoom_at(12.0, QPointF(0, 0))
    minimap = canvas.minimap
    assert not minimap.isVisible()
    services.view_state.guides = Guides(minimap=True)
    assert minimap.isVisible()
    assert minimap.width() / minimap.height() == pytest.approx(160 / 120, rel=0.02)
    start, stop = QPoint(20, 20), QPoint(120, 90)
    qtbot.mousePress(minimap, Qt.MouseButton.LeftButton, pos=start)
    qtbot.mouseMove(minimap, stop)
    qtbot.mouseRelease(minimap, Qt.MouseButton.LeftButton, pos=stop)
    assert minimap.seen().center().toPoint() != start
    qtbot.mousePress(minimap, Qt.MouseButton.LeftButton, pos=stop)
    assert canvas.viewport is not None
    x, y = canvas.viewport.to_image(320, 240)
    assert x == pytest.approx(120 / minimap.width() * 160, abs=0.2)
    assert y == pytest.approx(90 / minimap.height() * 120, abs=0.2)
    services.view_state.guides = Guides()
    assert not minimap.isVisible()


def test_tones_change_what_is_seen_and_nothing_else(
    canvas: CanvasView, services: Services, add_instance: Callable[..., int]
) -> None:
    bright = pixel_at(canvas, 45, 55)
    services.view_state.tone = Tone(brightness=-0.5)
    assert pixel_at(canvas, 45, 55) == tuple(round(value - 127.5) for value in bright)
    pyramid = services.images.pyramid(1)
    assert pyramid is not None
    assert tuple(pyramid.levels[0][55:56, 45:46][0, 0]) == bright
    services.view_state.tone = Tone()
    assert pixel_at(canvas, 45, 55) == bright


def test_only_the_image_is_shown_on_demand(
    canvas: CanvasView,
    services: Services,
    suggest: Callable[[], None],
    add_instance: Callable[..., int],
) -> None:
    without = grabbed(canvas)
    services.view_state.selected_instance = add_instance(60, 70)
    add_instance(90, 60)
    suggest()
    assert (grabbed(canvas) != without).any()
    services.view_state.only_image = True
    np.testing.assert_array_equal(grabbed(canvas), without)


def test_forms_of_masks(
    canvas: CanvasView, services: Services, add_instance: Callable[..., int]
) -> None:
    ground, far = pixel_at(canvas, 100.5, 100.5), pixel_at(canvas, 90.4, 100.5)
    add_instance(90, 90)

    def looks(look: Look) -> tuple[bool, bool]:
        services.view_state.look = look
        return pixel_at(canvas, 100.5, 100.5) != ground, pixel_at(canvas, 90.4, 100.5) != far

    assert looks(Look()) == (True, True)
    assert looks(Look(form=MaskForm.OUTLINE)) == (False, True)
    inside = replace(Look(form=MaskForm.FILL), opacity=0.0)
    assert looks(inside) == (False, False)
    assert looks(Look(opacity=1.0)) == (True, True)
    assert pixel_at(canvas, 100.5, 100.5) == (230, 159, 0)  # the category's colour itself


def test_the_origin_of_an_edited_instance_is_shown(
    canvas: CanvasView, services: Services, suggest: Callable[[], None], mouse: Mouse
) -> None:
    suggest()
    services.segmenter.accept(canvas.suggestions[0].key)
    document = services.session.document
    assert document is not None
    (instance,) = document.instances.values()
    services.view_state.selected_instance = instance.id
    mouse.drag((20.5, 20.5), (60.5, 80.5))
    assert document.instances[instance.id].mask.x == instance.mask.x + 40
    edge = 10.4, 15.5  # on the outline of the suggestion
    plain = pixel_at(canvas, *edge)
    services.view_state.shows_origin = True
    assert pixel_at(canvas, *edge) != plain
    services.view_state.selected_instance = None
    assert pixel_at(canvas, *edge) == plain
