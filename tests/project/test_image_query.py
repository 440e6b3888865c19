"""Filtering images in the database, compared with looking at each of them."""

import pytest

from mrcnn_gui.project.annotation import Instance, Provenance, ReviewStatus, Side, Source
from mrcnn_gui.project.image_query import ImageQuery
from mrcnn_gui.project.store import Store
from tests.project.samples import block, instance

NAMES = [
    "../photos/IMG_1.jpg",
    "../photos/img%1.jpg",
    "../photos/Straße Ä.png",
    "../photos/two words.png",
    "../../else/where.png",
    "elsewhere",
    "inside/x..y.png",
    "a|b.png",
    "bad\udcff.png",
]

OTHER_DRIVE = "/far/away/img_9.png"


@pytest.fixture
def ids(store: Store) -> list[int]:
    """The images of these names, after the one that is there."""
    ids = [entry.id for entry in store.add_images(store.folder / name for name in NAMES)]
    far = ids[NAMES.index("elsewhere")]
    store._database.execute("UPDATE images SET path = ? WHERE id = ?", (OTHER_DRIVE, far))
    return ids


@pytest.mark.parametrize(
    "text",
    ["img", "IMG_1", "img%", "_", "%", "|", "STRASSE", "ä", "ß", "words two", "photos/img", "..",
     "../", "./", "away", "FAR", "else", "/", ".png", "\udcff", "é", "nothing", "x..", ""],
)  # fmt: skip
def test_a_search_finds_the_names_that_hold_all_words(
    store: Store, ids: list[int], text: str
) -> None:
    query = ImageQuery(text)
    assert store.find_images(query) == [e.id for e in store.images() if query.fits(e)]


@pytest.mark.parametrize(
    ("text", "found"),
    [("strasse", [2]), ("img", [0, 1, 5]), ("%", [1]), ("words TWO", [3]), ("away", [])],
)
def test_case_is_folded_and_folders_far_away_have_no_name(
    store: Store, ids: list[int], text: str, found: list[int]
) -> None:
    assert store.find_images(ImageQuery(text)) == [ids[place] for place in found]


def test_every_part_of_a_query_narrows_the_list(store: Store, ids: list[int]) -> None:
    store.update_image(ids[0], content_hash="ff" * 16)
    store.set_status(ids[0], ReviewStatus.DONE)
    store.update_image(ids[1], problem="it is damaged")
    store.insert_instances(ids[2], [instance(1, category_id=2)])
    model = Provenance(Source.MODEL, "v1", 0.5)
    store.insert_instances(ids[3], [Instance(2, 1, block(1, 2, 3, 4), model)])
    everything = [entry.id for entry in store.images()]
    assert store.find_images(ImageQuery()) == everything
    assert store.find_images(ImageQuery(status=ReviewStatus.DONE)) == [ids[0]]
    assert store.find_images(ImageQuery(side=Side.VALIDATION)) == []
    assert store.find_images(ImageQuery(side=Side.TRAIN)) == [ids[0]]
    assert store.find_images(ImageQuery(has_problem=True)) == [ids[1]]
    without = [each for each in everything if each != ids[1]]
    assert store.find_images(ImageQuery(has_problem=False)) == without
    assert store.find_images(ImageQuery(category_id=2)) == [ids[2]]
    assert store.find_images(ImageQuery(source=Source.MODEL)) == [ids[3]]
    assert store.find_images(ImageQuery("words", category_id=2)) == []
    both = ImageQuery("photos", category_id=1, source=Source.MODEL, has_problem=False)
    assert store.find_images(both) == [ids[3]]
