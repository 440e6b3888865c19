import pytest
from hypothesis import given
from hypothesis import strategies as st

from mrcnn_gui.ui.canvas.viewport import MARGIN, MAX_SCALE, Viewport

VIEW = Viewport(image_width=400, image_height=300, view_width=800, view_height=500)
AT = st.tuples(st.floats(0, 800), st.floats(0, 500))


def test_fitted_shows_all_of_the_image_in_the_middle() -> None:
    fitted = VIEW.fitted()
    left, top = fitted.to_view(0, 0)
    right, bottom = fitted.to_view(400, 300)
    assert top == pytest.approx(MARGIN, abs=1)
    assert bottom == pytest.approx(500 - MARGIN, abs=1)
    assert left == pytest.approx(800 - right, abs=1)


@given(AT, st.lists(st.floats(-1.0, 1.0), min_size=1, max_size=30))
def test_zooming_back_and_forth_does_not_drift(
    at: tuple[float, float], powers: list[float]
) -> None:
    start = viewport = Viewport(40_000, 30_000, 800, 500, scale=4.0, x=-50_000.0, y=-50_000.0)
    for power in powers:
        viewport = viewport.zoomed(4.0 * 2.0**power, *at)
    back = viewport.zoomed(4.0, *at)
    assert (back.x, back.y) == pytest.approx((start.x, start.y), abs=1e-6)
    before = (at[0] - start.x) / 4, (at[1] - start.y) / 4
    assert viewport.to_view(*before) == pytest.approx(at, abs=0.51)


@given(AT, st.floats(0.1, 60))
def test_view_and_image_coordinates_are_inverse(at: tuple[float, float], scale: float) -> None:
    viewport = VIEW.fitted().zoomed(scale, 300, 200)
    assert viewport.to_view(*viewport.to_image(*at)) == pytest.approx(at, abs=1e-6)


def test_the_scale_has_limits() -> None:
    assert VIEW.zoomed(1e6, 0, 0).scale == MAX_SCALE
    assert VIEW.zoomed(1e-6, 0, 0).scale == pytest.approx(VIEW.fit_scale / 2)


def test_the_image_cannot_be_lost() -> None:
    left, top = VIEW.fitted().panned(-1e6, -1e6).to_view(400, 300)
    assert left > 0
    assert top > 0


def test_a_resize_keeps_the_middle() -> None:
    viewport = VIEW.fitted().zoomed(5.0, 300, 200)
    middle = viewport.to_image(400, 250)
    assert viewport.resized(600, 700).to_image(300, 350) == pytest.approx(middle, abs=0.3)
