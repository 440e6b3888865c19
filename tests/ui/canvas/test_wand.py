from collections.abc import Callable

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from pytestqt.qtbot import QtBot

from core.masks import Mask
from core.masks.flood import flood
from core.masks.parts import fill_holes
from mrcnn_gui.project.annotation import Instance
from mrcnn_gui.services.pyramid import Pyramid
from mrcnn_gui.ui.canvas.view import CanvasView
from mrcnn_gui.ui.canvas.viewport import Viewport
from mrcnn_gui.ui.canvas.visible_pixels import PINHOLE, visible_pixels
from mrcnn_gui.ui.services import Services
from tests.core.masks.strategies import quick
from tests.ui.canvas.conftest import SHIFT, Mouse, grabbed, held

Add = Callable[..., int]
SQUARE = Mask.from_bitmap(np.ones((50, 50), dtype=np.bool_), 20, 30)  # the photo's bright one


@pytest.fixture
def wand(canvas: CanvasView) -> CanvasView:
    canvas.set_tool("wand")
    canvas.fit()
    return canvas


def instances(services: Services) -> dict[int, Instance]:
    assert services.session.document is not None
    return services.session.document.instances


def test_it_takes_what_has_the_colour_under_the_cursor(
    wand: CanvasView, mouse: Mouse, services: Services, qtbot: QtBot
) -> None:
    mouse.press(40, 50)
    assert instances(services) == {}
    qtbot.waitUntil(lambda: wand.preview.shape is not None)
    shown = grabbed(wand)
    mouse.release(40, 50)
    (made,) = instances(services).values()
    assert made.mask == SQUARE
    place = wand.to_view(30, 40).toPoint()
    np.testing.assert_array_equal(grabbed(wand)[place.y(), place.x()], shown[place.y(), place.x()])


def test_a_drag_to_the_right_takes_more(
    wand: CanvasView, mouse: Mouse, services: Services, qtbot: QtBot
) -> None:
    mouse.press(40, 50)
    mouse.drag_to(120, 50)
    assert services.view_state.wand_tolerance > 24
    mouse.drag_to(1000, 50)
    mouse.release(1000, 50)
    qtbot.waitUntil(lambda: bool(instances(services)))
    (made,) = instances(services).values()
    tolerance = services.view_state.wand_tolerance
    pyramid = wand._images.pyramid(wand.image_id)
    assert pyramid is not None
    pixels = np.ascontiguousarray(pyramid.levels[0][0:120, 0:160])
    assert made.mask == fill_holes(flood(pixels, 40, 50, tolerance), PINHOLE)
    assert tolerance == 128


def test_escape_drops_it_and_the_tolerance(
    wand: CanvasView, mouse: Mouse, services: Services, qtbot: QtBot
) -> None:
    before = grabbed(wand)
    mouse.press(40, 50)
    mouse.drag_to(70, 50)
    qtbot.waitUntil(lambda: wand.preview.shape is not None)
    assert (grabbed(wand) != before).any()
    assert wand.cancel_gesture()
    mouse.release(70, 50)
    np.testing.assert_array_equal(grabbed(wand), before)
    assert services.view_state.wand_tolerance == 24
    assert instances(services) == {}


def test_shift_adds_to_the_selected_instance(
    wand: CanvasView, mouse: Mouse, services: Services, add_instance: Add, qtbot: QtBot
) -> None:
    services.view_state.selected_instance = key = add_instance(100, 80)
    before = instances(services)[key].mask
    with held(mouse, SHIFT):
        mouse.click(40, 50)
    qtbot.waitUntil(lambda: instances(services)[key].mask != before)
    assert instances(services)[key].mask == before.union(SQUARE)


def test_a_release_before_it_is_found_is_kept_and_a_second_press_drops_nothing(
    wand: CanvasView, mouse: Mouse, services: Services, qtbot: QtBot
) -> None:
    mouse.click(40, 50)
    assert instances(services) == {}  # the answer comes from another thread, later
    mouse.press(40, 50)
    assert [it.mask for it in instances(services).values()] == [SQUARE]
    mouse.release(40, 50)
    qtbot.waitUntil(lambda: len(instances(services)) == 2)


def test_another_tool_drops_nothing(
    wand: CanvasView, mouse: Mouse, services: Services, qtbot: QtBot
) -> None:
    mouse.click(40, 50)
    wand.set_tool("select")
    assert [it.mask for it in instances(services).values()] == [SQUARE]


def test_escape_drops_what_is_on_its_way(
    wand: CanvasView, mouse: Mouse, services: Services, qtbot: QtBot
) -> None:
    mouse.click(40, 50)
    assert wand.cancel_gesture()
    assert not wand.cancel_gesture()
    mouse.click(40, 50)
    qtbot.waitUntil(lambda: bool(instances(services)))
    assert len(instances(services)) == 1


def test_it_does_nothing_beside_the_image(
    wand: CanvasView, mouse: Mouse, services: Services, qtbot: QtBot
) -> None:
    mouse.click(-5, 10)
    assert instances(services) == {}


@quick
@given(
    st.tuples(st.integers(1, 1300), st.integers(1, 700)),
    st.floats(0.1, 3.0),
    st.tuples(st.floats(0, 1), st.floats(0, 1)),
)
def test_whatever_the_view_shows_the_pixel_itself_is_taken(
    size: tuple[int, int], scale: float, place: tuple[float, float]
) -> None:
    width, height = size
    pyramid = Pyramid.of(np.zeros((height, width, 3), dtype=np.uint8))
    viewport = Viewport(width, height, 300, 200).fitted().zoomed(scale, 100, 100)
    seen = visible_pixels(pyramid, viewport)
    assert seen is not None
    column, row = int(place[0] * (width - 1)), int(place[1] * (height - 1))
    view_x, view_y = viewport.to_view(column + 0.5, row + 0.5)
    area = seen.alike(column, row, 0)
    assert area.clip(width, height) == area
    if 0 <= view_x < 300 and 0 <= view_y < 200:
        assert area.contains(column, row)
        assert area.crop.all()


def test_a_coarse_level_is_enlarged_to_the_images_pixels() -> None:
    pixels = np.zeros((1024, 2048, 3), dtype=np.uint8)
    pixels[256:512, 512:1024] = 200
    viewport = Viewport(2048, 1024, 512, 256).fitted()
    seen = visible_pixels(Pyramid.of(pixels), viewport)
    assert seen is not None
    assert seen.level_width < 2048
    assert seen.alike(600, 300, 10).box_xyxy == (512, 256, 1024, 512)
