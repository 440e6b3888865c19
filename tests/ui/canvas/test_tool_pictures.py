"""Each tool at work and after it, as stored pictures: no text in them, and no font matters.

After an intended change of the looks, `RENEW_PICTURES=1 python -m pytest` with this file's name
writes them anew; look at them before they are committed.
"""

import os
from pathlib import Path

import cv2
import numpy as np
import pytest
from numpy.typing import NDArray
from PySide6.QtCore import QPointF
from pytestqt.qtbot import QtBot

from core.masks import Mask
from mrcnn_gui.project.annotation import Instance, Provenance, Source
from mrcnn_gui.project.edits import AddInstance
from mrcnn_gui.services.look import Guides
from mrcnn_gui.ui.canvas import drawings
from mrcnn_gui.ui.canvas.view import CanvasView
from mrcnn_gui.ui.services import Services
from tests.ui.canvas.conftest import SHIFT, Mouse, grabbed, held

Picture = NDArray[np.uint8]
Points = tuple[tuple[float, float], ...]

FOLDER = Path(__file__).parent / "pictures"
WIDTH, HEIGHT = 100, 75  # of the image, in pixels; it is shown twice as large
SEEN = 40  # a channel that is farther off is another colour; nearer, it was drawn by another Qt
SPECKS = 12  # pixels that may be of another colour: where two edges meet, Qt's versions differ

DRAGS: dict[str, Points] = {
    "select": ((14, 14), (18, 18), (29, 22)),
    "vertex": ((10, 10), (7, 8), (4, 5)),
    "brush": ((45, 30), (52, 40), (60, 40)),
    "eraser": ((40, 20), (35, 35), (20, 44)),
    "lasso": ((60, 10), (80, 10), (90, 25), (70, 32)),
    "rectangle": ((55, 8), (70, 20), (85, 30)),
    "wand": ((80, 60), (83, 60)),
    "cut": ((5, 20), (25, 27), (50, 30)),
    "box_prompt": ((55, 5), (80, 20), (90, 30)),
    "frame": ((2, 2), (30, 30), (75, 72)),
}
CORNERS = ((60, 8), (90, 12), (80, 30))


@pytest.fixture
def photos(tmp_path: Path) -> Path:
    """One image of flat colours."""
    pixels = np.full((HEIGHT, WIDTH, 3), (60, 80, 70), np.uint8)
    pixels[48:70, 68:95] = (40, 160, 190)
    pixels[8:44, 8:46] = (150, 110, 90)
    folder = tmp_path / "flat"
    folder.mkdir()
    (folder / "flat.png").write_bytes(cv2.imencode(".png", pixels)[1].tobytes())
    return folder


@pytest.fixture
def scene(
    services: Services, photos: Path, qtbot: QtBot, monkeypatch: pytest.MonkeyPatch
) -> CanvasView:
    """200 x 150 pixels: a ring, which is selected, and a square that it overlaps."""
    monkeypatch.setattr(drawings, "_paint_note", lambda *_: None)  # text
    it = services
    canvas = CanvasView(it.session, it.view_state, it.images, it.segmenter, it.jobs)
    qtbot.addWidget(canvas)
    canvas.resize(2 * WIDTH, 2 * HEIGHT)
    canvas.show()
    with qtbot.waitSignals([it.session.project_opened, it.images.image_ready]):
        it.session.open_path(photos)
    if canvas.devicePixelRatioF() != 1:
        pytest.skip("the pictures are those of a screen of ordinary density")
    it.view_state.guides = Guides(pixel_grid=False)
    it.view_state.active_category = it.session.categories[0].id
    it.view_state.brush_radius = 6
    canvas.zoom_at(2.0, QPointF(WIDTH, HEIGHT))
    ring = np.ones((34, 36), np.bool_)
    ring[12:20, 12:22] = False
    add(services, Mask.from_bitmap(ring, 10, 10))
    selected = next(iter(instances(services)))
    add(services, Mask.from_bitmap(np.ones((26, 30), np.bool_), 36, 40))
    it.view_state.selected_instance = selected
    return canvas


def instances(services: Services) -> dict[int, Instance]:
    assert services.session.document is not None
    return services.session.document.instances


def add(services: Services, mask: Mask) -> None:
    session = services.session
    category, made_by = session.categories[0].id, Provenance(Source.HUMAN)
    session.push(AddInstance(Instance(session.new_instance_id(), category, mask, made_by)))


@pytest.mark.parametrize("tool", DRAGS)
def test_a_drag_looks_as_it_did(
    scene: CanvasView, services: Services, qtbot: QtBot, tool: str, tmp_path: Path
) -> None:
    mouse, points = Mouse(scene), DRAGS[tool]
    scene.set_tool("select" if tool == "frame" else tool)
    before = dict(instances(services))
    with held(mouse, SHIFT if tool == "frame" else mouse.keys):
        mouse.press(*points[0])
        for point in points[1:]:
            mouse.drag_to(*point)
        compare(grabbed(scene), f"{tool}-drawn", tmp_path)
        mouse.release(*points[-1])
    if tool != "frame":
        qtbot.waitUntil(lambda: instances(services) != before)
    mouse.move(3, 72)
    compare(grabbed(scene), f"{tool}-done", tmp_path)


def test_a_polygon_looks_as_it_did(scene: CanvasView, services: Services, tmp_path: Path) -> None:
    mouse = Mouse(scene)
    scene.set_tool("polygon")
    for corner in CORNERS:
        mouse.click(*corner)
    mouse.move(62, 28)
    compare(grabbed(scene), "polygon-drawn", tmp_path)
    scene.accept_gesture()
    compare(grabbed(scene), "polygon-done", tmp_path)


def test_a_candidate_looks_as_it_did(scene: CanvasView, qtbot: QtBot, tmp_path: Path) -> None:
    mouse = Mouse(scene)
    scene.set_tool("click_prompt")
    mouse.click(85, 20)
    qtbot.waitUntil(lambda: bool(scene.preview.shapes))
    compare(grabbed(scene), "click_prompt-drawn", tmp_path)
    scene.accept_gesture()
    compare(grabbed(scene), "click_prompt-done", tmp_path)


def test_a_picture_that_is_off_by_a_pixel_would_be_seen(scene: CanvasView) -> None:
    mouse = Mouse(scene)
    for tool in ("rectangle", "brush", "vertex", "lasso"):
        scene.set_tool(tool)
        pictures = []
        for off in (0, 1):
            mouse.press(*DRAGS[tool][0])
            for x, y in DRAGS[tool][1:]:
                mouse.drag_to(x, y + off)
            pictures.append(grabbed(scene))
            scene.cancel_gesture()
        assert specks(*pictures) > SPECKS


def test_every_tool_has_pictures_of_its_own() -> None:
    pictures = {path.stem: read(path) for path in FOLDER.glob("*.png")}
    assert len(pictures) == 2 * (len(DRAGS) + 2)
    for name, picture in pictures.items():
        alike = {it for it, other in pictures.items() if specks(picture, other) <= SPECKS}
        tool = name.split("-")[0]  # where the preview is what becomes of it, both look the same
        assert alike <= {f"{tool}-drawn", f"{tool}-done"}


def compare(picture: Picture, name: str, work: Path) -> None:
    path = FOLDER / f"{name}.png"
    if os.environ.get("RENEW_PICTURES"):
        write(path, picture)
    seen = specks(picture, read(path))
    if seen > SPECKS:
        write(work / path.name, picture)
    assert seen <= SPECKS, f"{seen} pixels differ from {path}; now it looks as {work / path.name}"


def specks(picture: Picture, other: Picture) -> int:
    """How many pixels have another colour."""
    far = np.abs(picture.astype(np.int16) - other).max(axis=2) > SEEN
    return int(np.count_nonzero(far))


def read(path: Path) -> Picture:
    return np.asarray(cv2.imdecode(np.fromfile(path, np.uint8), cv2.IMREAD_COLOR), np.uint8)[
        :, :, ::-1
    ]


def write(path: Path, picture: Picture) -> None:
    path.write_bytes(cv2.imencode(".png", picture[:, :, ::-1])[1].tobytes())
