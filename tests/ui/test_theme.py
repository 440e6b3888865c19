"""Light and dark, and screens of any density."""

from collections.abc import Iterator

import pytest
from PySide6.QtCore import QSize
from PySide6.QtGui import QColor, QIcon, QPalette
from PySide6.QtWidgets import QApplication

from mrcnn_gui.project.annotation import ReviewStatus
from mrcnn_gui.ui.main_window import MainWindow
from mrcnn_gui.ui.theme import danger_color, icon, is_dark, status_color

_READABLE = 4.5  # contrast of text, as WCAG 2 asks for
_SEEN = 3.0  # of the signs on controls


def relative_luminance(color: QColor) -> float:
    """Of WCAG 2, section 1.4.3."""
    channels = color.redF(), color.greenF(), color.blueF()
    red, green, blue = (
        value / 12.92 if value <= 0.04045 else ((value + 0.055) / 1.055) ** 2.4
        for value in channels
    )
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue


def contrast(a: QColor, b: QColor) -> float:
    low, high = sorted((relative_luminance(a), relative_luminance(b)))
    return (high + 0.05) / (low + 0.05)


@pytest.fixture(params=["light", "dark"])
def palette(request: pytest.FixtureRequest, qapp: QApplication) -> Iterator[QPalette]:
    """The application's colours, made of a window's and a button's."""
    before = QApplication.palette()
    ground = QColor("#2b2d30" if request.param == "dark" else "#efefef")
    QApplication.setPalette(QPalette(ground, ground))
    assert is_dark() == (request.param == "dark")
    yield QApplication.palette()
    QApplication.setPalette(before)


def test_words_with_a_colour_can_be_read(palette: QPalette) -> None:
    base = palette.color(QPalette.ColorRole.Base)
    for color in (danger_color(), *map(status_color, ReviewStatus)):
        assert contrast(color, base) >= _READABLE


def test_icons_are_seen_on_their_buttons(palette: QPalette) -> None:
    drawn = strongest(icon("brush"), 1.0)
    assert contrast(drawn, palette.color(QPalette.ColorRole.Button)) >= _SEEN


def test_icons_follow_a_change_of_the_colours_while_the_window_is_open(
    open_window: MainWindow, palette: QPalette
) -> None:
    action = open_window.actions_by_id["brush"]
    assert strongest(action.icon(), 1.0) == palette.color(QPalette.ColorRole.ButtonText)


@pytest.mark.parametrize("ratio", [1.0, 1.25, 1.5, 2.0])
def test_icons_have_a_pixel_for_each_of_the_screen(qapp: QApplication, ratio: float) -> None:
    pixmap = icon("brush").pixmap(QSize(20, 20), ratio)
    assert pixmap.size() == QSize(20, 20) * ratio
    assert pixmap.devicePixelRatio() == ratio


def strongest(shown: QIcon, ratio: float) -> QColor:
    """The colour of the most opaque pixel of an icon."""
    image = shown.pixmap(QSize(20, 20), ratio).toImage()
    pixels = [image.pixelColor(x, y) for x in range(image.width()) for y in range(image.height())]
    found = max(pixels, key=lambda pixel: pixel.alpha())
    assert found.alpha() > 0
    return QColor(found.red(), found.green(), found.blue())
