"""The commands, the panel and the bar that say how things look, in the real window."""

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest
from PySide6.QtCore import QPoint, Qt
from PySide6.QtGui import QKeySequence
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QApplication
from pytestqt.qtbot import QtBot

from mrcnn_gui.project.annotation import Source
from mrcnn_gui.services.look import ColorBy, Guides, InstanceFilter, Look, MaskForm, Tone
from mrcnn_gui.services.settings import Settings
from mrcnn_gui.ui.main_window import MainWindow
from mrcnn_gui.ui.services import Services

Add = Callable[..., int]


def press(window: MainWindow, keys: str) -> None:
    QApplication.processEvents()  # what is enabled follows a moment later
    QTest.keySequence(window.canvas, QKeySequence(keys))


def rows(window: MainWindow) -> list[int]:
    model = window.instances.model
    return [model.id_at(row) for row in range(model.rowCount())]


def test_keys_change_the_look(open_window: MainWindow, services: Services) -> None:
    state = services.view_state
    for form in (MaskForm.FILL, MaskForm.OUTLINE, MaskForm.BOTH):
        press(open_window, "Shift+F")
        assert state.look.form is form
    press(open_window, "Shift+C")
    assert state.look.color_by is ColorBy.INSTANCE
    assert open_window.status.currentMessage() == "Colours: by instance"
    press(open_window, "Ctrl+Alt+Right")
    assert state.look.opacity == pytest.approx(0.45)
    for keys, name in (("Shift+G", "pixel_grid"), ("Shift+X", "crosshair"), ("Shift+M", "minimap")):
        before = getattr(state.guides, name)
        press(open_window, keys)
        assert getattr(state.guides, name) is not before
        QApplication.processEvents()
        assert open_window.actions_by_id[name].isChecked() is not before
    assert Settings(_path(services)).look(Guides()) == state.guides
    assert Settings(_path(services)).look(Look()) == state.look


def _path(services: Services) -> Path:
    services.settings._settings.sync()
    return Path(services.settings._settings.fileName())


def test_masks_are_away_while_the_key_is_held(open_window: MainWindow, services: Services) -> None:
    def only_image() -> bool:
        return services.view_state.only_image

    QApplication.processEvents()
    QTest.keyPress(open_window.canvas, Qt.Key.Key_Q)
    assert only_image()
    open_window.instances.setFocus()
    QTest.keyRelease(open_window.instances, Qt.Key.Key_Q)
    assert not only_image()
    press(open_window, "Shift+Q")
    assert only_image()
    press(open_window, "Shift+Q")
    assert not only_image()


def test_the_display_panel_shows_and_sets(open_window: MainWindow, services: Services) -> None:
    state, panel = services.view_state, open_window.display
    panel.opacity.slider.setValue(80)
    panel.brightness.slider.setValue(25)
    panel.black.slider.setValue(400)
    panel.white.slider.setValue(250)
    assert state.look.opacity == 0.8
    assert (state.tone.black, state.tone.white) == pytest.approx((0.249, 0.25))
    assert state.tone.brightness == 0.25
    assert panel.black.slider.value() == 249
    panel.color_by.setCurrentIndex(2)
    panel.color_by.activated.emit(2)
    assert state.look.color_by is ColorBy.SOURCE
    state.tone = replace(state.tone, gamma=5.0)
    assert panel.gamma.slider.value() == 100
    assert panel.gamma.value.text() == "5.00"
    QApplication.processEvents()
    panel.reset.click()
    assert state.tone == Tone()
    assert panel.brightness.slider.value() == 0


def test_the_filter_hides_rows_and_masks_on_every_image(
    open_window: MainWindow, services: Services, add_instance: Add, qtbot: QtBot
) -> None:
    first, second = add_instance(), add_instance(60)
    state, chip = services.view_state, open_window.tools.filtered
    assert not chip.isVisible()
    bar = open_window.instances.filter
    bar.fill()
    drawn = next(it for it in bar.menu.actions() if it.text() == "Drawn by you")
    drawn.trigger()
    assert state.filtered_instances == {first, second}
    assert rows(open_window) == []
    assert bar.count.text() == "0 of 2 shown"
    assert "filter" in open_window.instances.empty.text()
    assert open_window.canvas.instances_near(15, 15) == []
    press(open_window, "Ctrl+A")
    assert state.selected_instances == ()
    third = add_instance(90)
    assert third in state.filtered_instances
    services.session.next_image(1)
    fourth = add_instance()
    assert state.filtered_instances == {fourth}
    QApplication.processEvents()
    qtbot.mouseClick(chip, Qt.MouseButton.LeftButton)
    assert state.instance_filter == InstanceFilter()
    assert rows(open_window) == [fourth]
    qtbot.waitUntil(lambda: not chip.isVisible())
    services.session.next_image(-1)
    assert rows(open_window) == [first, second, third]


def test_the_selected_row_stays_marked_when_many_come_and_go(
    open_window: MainWindow, services: Services, add_instance: Add
) -> None:
    chosen = [add_instance(2 * number) for number in range(55)][7]
    state, view = services.view_state, open_window.instances.view
    state.selected_instance = chosen
    state.instance_filter = InstanceFilter(sources=frozenset({Source.HUMAN}))
    assert rows(open_window) == []
    assert state.selected_instance == chosen
    state.clear_filter()
    assert [it.row() for it in view.selectionModel().selectedRows()] == [7]


def test_the_filter_goes_with_the_project(open_window: MainWindow, services: Services) -> None:
    services.view_state.instance_filter = InstanceFilter(sources=frozenset({Source.MODEL}))
    services.session.close_project()
    assert not services.view_state.instance_filter.is_active


def test_the_score_slider_filters(
    open_window: MainWindow, services: Services, add_instance: Add, qtbot: QtBot
) -> None:
    drawn = add_instance(130)
    assert services.session.document is not None
    services.segmenter.run([services.session.document.image_id])
    qtbot.waitUntil(lambda: len(services.segmenter.visible_suggestions()) == 2)
    services.segmenter.accept_all_visible()
    bar = open_window.instances.filter
    bar.fill()
    bar.score.slider.setValue(80)
    assert len(rows(open_window)) == 2
    assert drawn in rows(open_window)
    assert bar.count.text() == "2 of 3 shown"


def test_a_press_on_the_minimap_of_the_window(open_window: MainWindow, services: Services) -> None:
    services.view_state.guides = Guides(minimap=True)
    canvas = open_window.canvas
    canvas.zoom_at(20.0, canvas.rect().center().toPointF())
    QTest.mousePress(canvas.minimap, Qt.MouseButton.LeftButton, pos=QPoint(30, 30))
    assert canvas.viewport is not None
    x, _ = canvas.viewport.to_image(canvas.viewport.view_width / 2, 0)
    assert x == pytest.approx(30 / canvas.minimap.width() * 160, abs=0.5)
