"""Looks are values that survive a restart, whatever stands in the file."""

from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.masks import Mask
from mrcnn_gui.project.annotation import Instance, Provenance, Source
from mrcnn_gui.services.kept_looks import KeptLooks
from mrcnn_gui.services.look import (
    ColorBy,
    Guides,
    InstanceFilter,
    Look,
    MaskForm,
    Tone,
    as_record,
    from_record,
)
from mrcnn_gui.services.settings import Settings
from mrcnn_gui.services.view_state import ViewState

junk = st.recursive(
    st.none() | st.booleans() | st.integers(-999, 999) | st.floats(-9, 9) | st.text(max_size=9),
    lambda inner: st.lists(inner, max_size=2) | st.dictionaries(st.text(max_size=5), inner),
)


def instance(category: int, source: Source, score: float | None = None) -> Instance:
    mask = Mask.from_bitmap(np.ones((2, 2), bool), 0, 0)
    return Instance(1, category, mask, Provenance(source, "v1", score))


def test_an_unchanged_tone_has_no_table() -> None:
    assert Tone().table() is None


@pytest.mark.parametrize(
    ("tone", "expected"),
    [
        (Tone(black=50 / 255, white=150 / 255), {0: 0, 50: 0, 75: 64, 150: 255, 255: 255}),
        (Tone(brightness=0.2), {0: 51, 100: 151, 230: 255}),
        (Tone(gamma=2.0), {0: 0, 64: 128, 255: 255}),
        (Tone(contrast=-1.0), {0: 128, 255: 128}),
        (Tone(contrast=1.0), {0: 0, 127: 0, 128: 255, 255: 255}),
    ],
)
def test_tones(tone: Tone, expected: dict[int, int]) -> None:
    table = tone.table()
    assert table is not None
    assert {value: int(table[value]) for value in expected} == expected
    assert (np.diff(table.astype(int)) >= 0).all()


def test_looks_survive_a_restart(tmp_path: Path) -> None:
    path = tmp_path / "settings.ini"
    state = ViewState()
    KeptLooks(state, Settings(path))
    state.look = Look(0.8, MaskForm.OUTLINE, ColorBy.SOURCE)
    state.tone = Tone(0.5, -0.25, 2.0, 0.1, 0.9)
    state.guides = Guides(pixel_grid=False, crosshair=True, minimap=True)
    again = ViewState()
    KeptLooks(again, Settings(path))
    assert (again.look, again.tone, again.guides) == (state.look, state.tone, state.guides)


@given(
    st.dictionaries(st.sampled_from(["opacity", "form", "black", "white", "gamma"]), junk) | junk
)
def test_whatever_stands_in_the_file_gives_a_look(record: object) -> None:
    look, tone = from_record(Look(), record), from_record(Tone(), record)
    assert from_record(Look(), as_record(look)) == look
    assert from_record(Tone(), as_record(tone)) == tone
    assert from_record(Guides(), record) == Guides()
    assert 0 <= tone.black < tone.white <= 1
    assert 0 <= look.opacity <= 1


def test_the_filter_passes_what_it_does_not_name() -> None:
    drawn, strong, weak = (
        instance(1, Source.HUMAN),
        instance(2, Source.MODEL, 0.9),
        instance(2, Source.MODEL, 0.4),
    )

    def seen(wanted: InstanceFilter) -> list[bool]:
        return [wanted.passes(each) for each in (drawn, strong, weak)]

    assert seen(InstanceFilter()) == [True, True, True]
    assert seen(InstanceFilter(min_score=0.5)) == [True, True, False]
    assert seen(InstanceFilter().toggled(2)) == [True, False, False]
    assert seen(InstanceFilter().toggled(Source.HUMAN)) == [False, True, True]
    assert InstanceFilter().toggled(2).toggled(2) == InstanceFilter()
