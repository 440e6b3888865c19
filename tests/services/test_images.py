from collections.abc import Callable
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest
from PySide6.QtGui import QImage
from pytestqt.qtbot import QtBot

from mrcnn_gui.services.images import Images
from mrcnn_gui.services.jobs import Job, JobRunner, Lane
from mrcnn_gui.services.pyramid import Pyramid, to_qimage
from mrcnn_gui.services.session import Session
from mrcnn_gui.services.thumbnails import SIDE, Thumbnails
from tests.helpers.photos import photo, write_photo


def pixels_of(image: QImage) -> np.ndarray:
    rows = np.frombuffer(image.constBits(), np.uint8).reshape(image.height(), -1)
    return rows[:, : image.width() * 3].reshape(image.height(), image.width(), 3).copy()


def test_pyramid_halves_until_smaller_than_a_tile() -> None:
    pyramid = Pyramid.of(photo(0, 1101, 700))
    assert [level.shape[:2] for level in pyramid.levels] == [(700, 1101), (350, 551), (175, 276)]
    assert (pyramid.width, pyramid.height) == (1101, 700)
    assert pyramid.bytes == 3 * (700 * 1101 + 350 * 551 + 175 * 276)
    half = cv2.resize(pyramid.levels[0][:, :], (551, 350), interpolation=cv2.INTER_AREA)
    assert np.array_equal(pyramid.levels[1][:, :], half)


@pytest.mark.parametrize(
    ("scale", "level"), [(4.0, 0), (1.0, 0), (0.51, 0), (0.5, 1), (0.3, 1), (0.25, 2), (0.01, 2)]
)
def test_level_for_never_enlarges(scale: float, level: int) -> None:
    assert Pyramid.of(photo(0, 1101, 700)).level_for(scale) == level


def test_qimage_owns_its_pixels() -> None:
    pixels = photo(1, 5, 3)
    image = to_qimage(pixels)
    before = pixels.copy()
    pixels[:] = 0
    assert np.array_equal(pixels_of(image), before)


def test_one_pixel_image() -> None:
    pyramid = Pyramid.of(photo(0, 1, 1))
    assert pyramid.is_whole
    assert pyramid.level_for(0.01) == 0


def test_the_open_image_comes_first_then_its_neighbours(
    images: Images, session: Session, photo_project: Path, qtbot: QtBot
) -> None:
    ready: list[int] = []
    images.image_ready.connect(lambda image_id, _: ready.append(image_id))
    session.open_project(photo_project)
    session.open_image(3)
    qtbot.waitUntil(lambda: len(ready) == 3)
    assert ready[0] == 3
    assert set(ready) == {2, 3, 4}
    pyramid = images.pyramid(3)
    assert pyramid is not None
    assert np.array_equal(pyramid.levels[0][:, :], photo(3))
    session.open_image(2)
    assert ready[3] == 2  # at once: it was in memory


def test_least_recently_shown_images_are_let_go_but_never_the_open_one(
    session: Session, jobs: JobRunner, photo_project: Path, qtbot: QtBot
) -> None:
    images = Images(session, jobs, cache_bytes=2 * 64 * 48 * 3)
    session.open_project(photo_project)
    for image_id in (1, 2, 3, 4):
        session.open_image(image_id)
        qtbot.waitUntil(lambda wanted=image_id: images.pyramid(wanted) is not None)  # type: ignore[misc]
    kept = [image_id for image_id in (1, 2, 3, 4) if images.pyramid(image_id) is not None]
    assert 4 in kept
    assert len(kept) <= 2
    tiny = Images(session, jobs, cache_bytes=1)
    tiny.request(1)
    qtbot.waitUntil(lambda: tiny.pyramid(1) is not None)
    assert tiny.pyramid(2) is None


def test_unreadable_image_is_told_and_marked(
    images: Images, session: Session, photo_project: Path, qtbot: QtBot
) -> None:
    path = photo_project.parent / "photo_2.png"
    path.write_bytes(path.read_bytes()[:2000])
    session.open_project(photo_project)
    with qtbot.waitSignal(
        images.image_failed, check_params_cb=lambda image_id, _: image_id == 2
    ) as told:
        session.open_image(2)
    assert told.args is not None
    assert str(path) in told.args[1]
    assert session.images[1].problem == told.args[1]
    assert session.store.image(2).problem == told.args[1]


def test_image_removed_after_import(images: Images, open_session: Session, qtbot: QtBot) -> None:
    open_session.image_path(4).unlink()
    with qtbot.waitSignal(images.image_failed) as told:
        open_session.open_image(4)
    assert told.args is not None
    assert told.args[0] == 4
    assert "No such file" in told.args[1]
    assert open_session.images[3].problem


def test_thumbnail_is_read_once_and_cached_on_disk(
    images: Images, open_session: Session, qtbot: QtBot, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = write_photo(open_session.image_path(1), photo(7, 200, 100))
    with qtbot.waitSignal(images.thumbnail_ready) as ready:
        assert images.thumbnail(1) is None
    assert ready.args is not None
    assert ready.args[0] == 1
    image = images.thumbnail(1)
    assert image is not None
    assert (image.width(), image.height()) == (SIDE, SIDE // 2)
    assert open_session.folder is not None
    folder = open_session.folder
    assert len(list((folder / "cache" / "thumbnails").iterdir())) == 1

    def fail(*_: object, **__: object) -> None:
        raise AssertionError("the image was decoded again")

    open_session.close_project()
    open_session.open_project(folder)
    qtbot.waitUntil(lambda: images.pyramid(1) is not None and images.pyramid(2) is not None)
    monkeypatch.setattr("core.images.read_rgb", fail)
    with qtbot.waitSignal(images.thumbnail_ready):
        assert images.thumbnail(1) is None
    assert path.exists()


def test_damaged_thumbnail_and_unwritable_cache_do_no_harm(
    images: Images, open_session: Session, qtbot: QtBot
) -> None:
    assert open_session.folder is not None
    with qtbot.waitSignal(images.thumbnail_ready):
        images.thumbnail(1)
    [cached] = (open_session.folder / "cache" / "thumbnails").iterdir()
    cached.write_bytes(b"no picture")
    folder = open_session.folder
    open_session.close_project()
    open_session.open_project(folder)
    with qtbot.waitSignal(images.thumbnail_ready):
        images.thumbnail(1)
    cached.unlink()
    cached.parent.rmdir()
    cached.parent.write_text("a file stands where the folder should be")
    with qtbot.waitSignal(images.thumbnail_ready):
        images.thumbnail(2)


def test_thumbnail_of_an_unreadable_file_marks_the_image(
    images: Images, open_session: Session, qtbot: QtBot
) -> None:
    open_session.image_path(3).write_bytes(b"no picture")
    images.thumbnail(3)
    qtbot.waitUntil(lambda: "not an image" in open_session.images[2].problem)


class ManualRunner(JobRunner):
    """Starts nothing: the test ends each job itself."""

    def __init__(self) -> None:
        super().__init__()
        self.started: list[tuple[str, Callable[[Any], object]]] = []

    def start(self, lane: Lane, function: Callable[..., Any], *args: Any, **callbacks: Any) -> Job:
        self.started.append((args[0].stem, callbacks["on_done"]))
        return Job(function, args, lambda *_: None)


def _fail(_: int, text: str) -> None:
    pytest.fail(text)


def test_thumbnail_asked_for_last_comes_first(qtbot: QtBot) -> None:
    runner, ready = ManualRunner(), list[int]()
    thumbnails = Thumbnails(runner, lambda image_id, _: ready.append(image_id), _fail)
    for image_id in (1, 2, 3, 4, 5, 3, 1):
        thumbnails.request(image_id, Path(f"{image_id}.png"))
    for _, on_done in runner.started:  # grows while the jobs end
        on_done(QImage(1, 1, QImage.Format.Format_RGB888))
    assert [name for name, _ in runner.started] == ["1", "2", "3", "5", "4"]
    assert ready == [1, 2, 3, 5, 4]
