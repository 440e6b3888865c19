from pathlib import Path

import numpy as np
import pytest

from core.images import read_info
from core.masks import Mask
from mrcnn_gui.project.annotation import ReviewStatus, Side
from mrcnn_gui.project.store import ProjectError, Store
from mrcnn_gui.workflows.sample import write_sample
from mrcnn_gui.workflows.scenes import CATEGORIES, HEIGHT, SCENES, WIDTH, scene


@pytest.fixture(scope="module")
def sample(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_sample(tmp_path_factory.mktemp("sample") / "scenes")


@pytest.mark.slow
def test_the_sample_has_16_images_to_do_and_8_done(sample: Path) -> None:
    with Store.open(sample, read_only=True) as store:
        entries = store.images()
        counts = store.instance_counts()
        done = [entry for entry in entries if entry.status is ReviewStatus.DONE]
        assert [len(entries), len(done)] == [24, 8]
        assert sum(entry.status is ReviewStatus.TODO for entry in entries) == 16
        assert [category.name for category in store.categories()] == list(CATEGORIES)
        validation = [entry.id for entry in done if entry.side is Side.VALIDATION]
        test = [entry.id for entry in done if entry.side is Side.TEST]
        assert [len(validation), len(test)] == [1, 4]
        assert counts[validation[0]] >= 12
        assert counts.keys() == {entry.id for entry in done}
        info = read_info(store.image_path(entries[-1]))
    assert (info.width, info.height) == (WIDTH, HEIGHT) == (entries[-1].width, entries[-1].height)


@pytest.mark.slow
def test_the_done_images_carry_the_exact_masks(sample: Path) -> None:
    with Store.open(sample, read_only=True) as store:
        masks = [instance.mask for instance in store.instances(store.images()[0].id)]
    assert masks == [instance.mask for instance in scene(0)[1]]


@pytest.mark.slow
def test_the_sample_leaves_nothing_but_images_and_the_project(sample: Path) -> None:
    names = {path.name for path in sample.parent.iterdir()}
    assert names == {".mrcnn"} | {f"scene_{n:02d}.jpg" for n in range(1, SCENES + 1)}
    assert [path.name for path in sample.parent.parent.iterdir()] == [sample.parent.name]


def test_a_scene_is_the_same_every_time_and_its_masks_share_no_pixel() -> None:
    (first, instances), (second, _) = scene(9), scene(9)
    assert first.shape == (HEIGHT, WIDTH, 3)
    assert np.array_equal(first, second)
    assert 10 <= len(instances) <= 18
    assert {instance.category for instance in instances} == set(CATEGORIES)
    union = Mask.empty()
    for instance in instances:
        union = union.union(instance.mask)
    assert union.area == sum(instance.mask.area for instance in instances)


def test_every_scene_is_another() -> None:
    assert not np.array_equal(scene(5)[0], scene(6)[0])
    with pytest.raises(IndexError, match="from 0 to 23, got 24"):
        scene(24)


def test_a_folder_with_files_is_refused(tmp_path: Path) -> None:
    (tmp_path / "mine.txt").write_text("keep me")
    with pytest.raises(ProjectError, match="empty folder"):
        write_sample(tmp_path)
    assert [path.name for path in tmp_path.iterdir()] == ["mine.txt"]


def test_a_file_in_the_place_of_the_folder_is_refused(tmp_path: Path) -> None:
    (tmp_path / "scenes").write_text("a file")
    with pytest.raises(ProjectError, match="cannot write the sample"):
        write_sample(tmp_path / "scenes")


def test_the_current_folder_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    with pytest.raises(ProjectError, match="a folder of its own"):
        write_sample(Path())
    assert list(tmp_path.iterdir()) == []
