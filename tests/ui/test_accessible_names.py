"""Whoever cannot see the window hears what each control is."""

import pytest
from PySide6.QtCore import QTimer
from PySide6.QtGui import QAccessible
from PySide6.QtWidgets import (
    QAbstractButton,
    QAbstractItemView,
    QAbstractSlider,
    QAbstractSpinBox,
    QApplication,
    QComboBox,
    QDialog,
    QDialogButtonBox,
    QHeaderView,
    QLineEdit,
    QPlainTextEdit,
    QProgressBar,
    QScrollBar,
    QTabBar,
    QWidget,
)
from pytestqt.qtbot import QtBot

from mrcnn_gui.services.look import Guides, InstanceFilter
from mrcnn_gui.ui.dialogs.shortcuts import ShortcutSheet
from mrcnn_gui.ui.dialogs.training_plan import TrainingPlanDialog
from mrcnn_gui.ui.main_window import MainWindow
from mrcnn_gui.ui.services import Services

_CONTROLS = (
    *(QAbstractButton, QAbstractSlider, QAbstractSpinBox, QAbstractItemView),
    *(QComboBox, QLineEdit, QPlainTextEdit, QProgressBar),
)
_OF_QT = (QScrollBar, QHeaderView, QTabBar)  # parts of other controls, which Qt names
_ASKING = (
    *("new", "import", "import_results", "export", "relink", "project_history", "get_weights"),
    *("compute", "versions", "evaluate", "palette", "shortcuts", "change_shortcuts", "fine_tune"),
    "sample",
)
"""Commands that open a dialog; beside them are Qt's own, and fields of the window."""
_MODAL = ("grow_by", "merge_category", "delete_category")
"""Commands that ask, with everything else locked."""


def nameless(top: QWidget) -> list[str]:
    return [
        f"{type(it).__name__} in {type(it.parentWidget()).__name__}"
        for it in top.findChildren(QWidget)
        if isinstance(it, _CONTROLS) and not isinstance(it, _OF_QT) and not _is_named(it)
    ]


def _is_named(widget: QWidget) -> bool:
    parent = widget.parentWidget()
    assert parent is not None
    of_combo_box = parent.metaObject().className().startswith("QComboBox")
    inner = of_combo_box or isinstance(parent, (*_OF_QT, QDialogButtonBox, QAbstractItemView))
    spoken = QAccessible.queryAccessibleInterface(widget)
    named = spoken is not None and bool(spoken.text(QAccessible.Text.Name))
    return inner or named or widget.objectName().startswith("qt_")


def test_every_control_of_the_window_has_a_name(
    open_window: MainWindow, services: Services
) -> None:
    services.view_state.guides = Guides(minimap=True, crosshair=True)
    services.view_state.instance_filter = InstanceFilter(min_score=0.5)
    open_window.instances.filter.fill()
    assert nameless(open_window) == []
    assert open_window.canvas.minimap.accessibleName()


@pytest.mark.parametrize("command", _ASKING)
def test_every_control_of_a_dialog_has_a_name(trainable: MainWindow, command: str) -> None:
    trainable.actions_by_id[command].trigger()
    QApplication.processEvents()
    (dialog,) = (it for it in trainable.findChildren(QDialog) if it.isVisible())
    if isinstance(dialog, TrainingPlanDialog):
        assert dialog.form.rows  # all settings, which are made now
    assert nameless(dialog) == []
    dialog.close()


@pytest.mark.parametrize("command", _MODAL)
def test_every_control_of_a_question_has_a_name(
    trainable: MainWindow, services: Services, command: str, qtbot: QtBot
) -> None:
    services.project_edits.add_category("other")
    services.session.next_image(-1)
    assert services.session.document is not None
    services.view_state.selected_instance = next(iter(services.session.document.instances))
    QApplication.processEvents()
    found: list[list[str]] = []

    def look() -> None:
        dialog = QApplication.activeModalWidget()
        assert isinstance(dialog, QDialog)
        found.append(nameless(dialog))
        dialog.reject()

    QTimer.singleShot(0, look)
    trainable.actions_by_id[command].trigger()
    qtbot.waitUntil(lambda: found == [[]])


def test_every_command_that_asks_takes_part(open_window: MainWindow) -> None:
    asking = {it.objectName() for it in open_window.actions() if it.text().endswith("…")}
    assert asking - {*_ASKING, *_MODAL} == {"open", "recolour_category", "add_category", "find"}


def test_a_nameless_control_would_be_found(open_window: MainWindow) -> None:
    dialog: QDialog = ShortcutSheet(open_window.help.keymap, open_window)
    assert nameless(dialog) == []
    QLineEdit(dialog)
    assert len(nameless(dialog)) == 1
    dialog.close()
