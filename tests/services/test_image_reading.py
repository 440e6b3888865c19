from pathlib import Path

import numpy as np
import pytest
import pyvips
from pytestqt.qtbot import QtBot

from mrcnn_gui.services import image_reading
from mrcnn_gui.services.image_reading import build_pyramid, cache_key, read_pyramid, read_small
from mrcnn_gui.services.images import Images
from mrcnn_gui.services.jobs import Job
from mrcnn_gui.services.pyramid import Pyramid
from mrcnn_gui.services.session import Session
from tests.helpers.photos import photo, write_photo


@pytest.fixture
def job() -> Job:
    return Job(lambda **_: None, (), lambda *_: None)


@pytest.fixture(autouse=True)
def everything_is_large(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(image_reading, "LARGE_PIXELS", 500_000)
    monkeypatch.setattr(image_reading, "_VIEW", (400, 400))


def jpeg(path: Path, seed: int = 0) -> Path:
    return write_photo(path, photo(seed, 1100, 900))


def whole(pyramid: Pyramid | str) -> Pyramid:
    assert isinstance(pyramid, Pyramid)
    assert pyramid.is_whole
    return pyramid


def test_a_large_jpeg_is_seen_from_afar_then_whole_and_then_from_the_cache(
    tmp_path: Path, job: Job
) -> None:
    path, cache = jpeg(tmp_path / "a.jpg"), tmp_path / "cache"
    afar = read_pyramid(path, cache, job=job)
    assert isinstance(afar, Pyramid)
    assert not afar.is_whole
    assert (afar.width, afar.height) == (1100, 900)
    assert afar.levels[0].shape == (450, 550, 3)
    built = whole(build_pyramid(path, cache, job=job))
    again = whole(read_pyramid(path, cache, job=job))
    decoded = pyvips.Image.new_from_file(str(path)).numpy()
    for pyramid in (built, again):
        np.testing.assert_array_equal(pyramid.levels[0][100:300, 50:400], decoded[100:300, 50:400])
    assert [file.stem for file in cache.iterdir()] == [cache_key(path)]


def test_fine_levels_stay_on_disk(
    tmp_path: Path, job: Job, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = write_photo(tmp_path / "a.jpg", photo(0, 3000, 2600))
    pyramid = whole(build_pyramid(path, tmp_path / "cache", job=job))
    assert pyramid.levels[0].nbytes == 0
    assert pyramid.bytes < 3000 * 2600 * 3 / 2


def test_the_cache_on_disk_keeps_its_size(
    tmp_path: Path, job: Job, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(image_reading, "CACHE_BYTES", 9_000_000)  # two of some 4 MB
    cache = tmp_path / "cache"
    for number in range(4):
        build_pyramid(jpeg(tmp_path / f"{number}.jpg", number), cache, job=job)
    assert (cache / f"{cache_key(tmp_path / '3.jpg')}.tif").exists()
    assert sum(file.stat().st_size for file in cache.iterdir()) <= 9_000_000


def test_a_cache_that_cannot_be_written_is_told(tmp_path: Path, job: Job) -> None:
    (tmp_path / "cache").write_text("a file stands where the folder should be")
    told = build_pyramid(jpeg(tmp_path / "a.jpg"), tmp_path / "cache", job=job)
    assert isinstance(told, str)
    assert "cache cannot be written" in told


def test_what_is_large_and_of_no_such_kind_is_read_whole(tmp_path: Path, job: Job) -> None:
    path = write_photo(tmp_path / "a.png", photo(1, 1100, 900))
    pyramid = whole(read_pyramid(path, tmp_path / "cache", job=job))
    np.testing.assert_array_equal(pyramid.levels[0][:, :], photo(1, 1100, 900))


def test_the_open_image_comes_twice_with_progress_in_between(
    images: Images, session: Session, photo_project: Path, qtbot: QtBot
) -> None:
    for path in photo_project.parent.glob("*.png"):
        path.write_bytes(jpeg(path.with_suffix(".jpg")).read_bytes())  # the suffix means nothing
    came: list[bool] = []
    told: list[float] = []
    images.image_ready.connect(
        lambda image_id, it: came.append(it.is_whole) if image_id == 2 else None
    )
    images.detail_progress.connect(lambda _, share: told.append(share))
    session.open_project(photo_project)
    session.open_image(2)
    qtbot.waitUntil(lambda: came == [False, True])
    assert told
    assert not images.is_building
    pyramid = images.pyramid(2)
    assert pyramid is not None
    assert pyramid.is_whole
    assert session.folder is not None
    assert len(list((session.folder / "cache" / "levels").iterdir())) == 1


def test_a_thumbnail_never_needs_a_large_image_whole(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(*_: object, **__: object) -> None:
        raise AssertionError("the image was read whole")

    monkeypatch.setattr("core.images.read_rgb", fail)
    scan = pyvips.Image.new_from_array(photo(2, 3000, 2000)[:, :, 0].astype(np.uint16) * 200)
    for pyramid in (True, False):
        path = tmp_path / f"{pyramid}.tif"
        scan.tiffsave(str(path), tile=True, tile_width=256, tile_height=256, pyramid=pyramid)
        assert max(read_small(path, 96).shape) == 96
    assert read_small(jpeg(tmp_path / "a.jpg"), 96).shape == (79, 96, 3)
