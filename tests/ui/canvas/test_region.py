import pytest

from mrcnn_gui.project.annotation import Region, RegionKind
from mrcnn_gui.ui.canvas.drawings import Note
from mrcnn_gui.ui.canvas.view import CanvasView
from mrcnn_gui.ui.services import Services
from tests.ui.canvas.conftest import CONTROL, SHIFT, Mouse

SQUARE = ((20, 20), (60, 20), (60, 60), (20, 60))


@pytest.fixture
def region(canvas: CanvasView) -> CanvasView:
    canvas.set_tool("region")
    return canvas


def regions(services: Services) -> list[Region]:
    assert services.session.document is not None
    return list(services.session.document.regions.values())


def notes(canvas: CanvasView) -> list[str]:
    return [it.text for it in canvas.preview.drawings if isinstance(it, Note)]


def test_a_drag_marks_an_area_finished_and_undo_takes_it_back(
    region: CanvasView, mouse: Mouse, services: Services
) -> None:
    mouse.drag(*SQUARE)
    (marked,) = regions(services)
    assert marked.kind is RegionKind.FINISHED
    assert marked.mask.box_xyxy == (20, 20, 60, 60)
    assert notes(region) == ["finished"]
    services.session.undo()
    assert regions(services) == []
    assert notes(region) == []
    services.session.redo()
    assert regions(services) == [marked]


def test_shift_marks_it_to_be_ignored_and_control_clears(
    region: CanvasView, mouse: Mouse, services: Services
) -> None:
    mouse.keys = SHIFT
    mouse.drag(*SQUARE)
    assert [it.kind for it in regions(services)] == [RegionKind.IGNORE]
    assert notes(region) == ["ignored"]
    mouse.keys = CONTROL
    mouse.drag((10, 10), (70, 10), (70, 70), (10, 70))
    assert regions(services) == []


def test_regions_are_shown_while_the_tool_is_in_the_hand(
    region: CanvasView, mouse: Mouse, services: Services
) -> None:
    mouse.drag(*SQUARE)
    region.set_tool("select")
    assert region.preview.drawings == ()
    region.set_tool("region")
    assert notes(region) == ["finished"]


def test_a_click_says_what_to_do(region: CanvasView, mouse: Mouse, services: Services) -> None:
    told: list[str] = []
    region.message.connect(told.append)
    mouse.click(30, 30)
    assert told == ["Drag around the area with the button held down."]
    assert regions(services) == []


def test_escape_drops_the_line(region: CanvasView, mouse: Mouse, services: Services) -> None:
    mouse.press(*SQUARE[0])
    mouse.drag_to(*SQUARE[1])
    mouse.drag_to(*SQUARE[2])
    assert region.cancel_gesture()
    mouse.release(*SQUARE[3])
    assert regions(services) == []
    assert region.preview.drawings == ()
