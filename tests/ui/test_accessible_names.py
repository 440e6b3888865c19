"""Whoever cannot see the window hears what each control is."""

from PySide6.QtGui import QAccessible
from PySide6.QtWidgets import (
    QAbstractButton,
    QAbstractItemView,
    QAbstractSlider,
    QComboBox,
    QDialog,
    QDialogButtonBox,
    QHeaderView,
    QLineEdit,
    QScrollBar,
    QTabBar,
    QWidget,
)

from mrcnn_gui.services.look import Guides, InstanceFilter
from mrcnn_gui.ui.dialogs.shortcuts import ShortcutSheet
from mrcnn_gui.ui.main_window import MainWindow
from mrcnn_gui.ui.services import Services

_CONTROLS = (QAbstractButton, QAbstractSlider, QAbstractItemView, QComboBox, QLineEdit)
_OF_QT = (QScrollBar, QHeaderView, QTabBar)  # parts of other controls, which Qt names


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


def test_a_nameless_control_would_be_found(open_window: MainWindow) -> None:
    dialog: QDialog = ShortcutSheet(open_window.help.keymap, open_window)
    assert nameless(dialog) == []
    QLineEdit(dialog)
    assert len(nameless(dialog)) == 1
    dialog.close()
