"""The form of all settings of a training, with what each means and what is wrong with it."""

from collections.abc import Mapping
from itertools import groupby
from typing import Any

from PySide6.QtCore import Qt, Signal
from PySide6.QtGui import QPalette
from PySide6.QtWidgets import (
    QCheckBox,
    QComboBox,
    QFormLayout,
    QFrame,
    QLabel,
    QLineEdit,
    QScrollArea,
    QVBoxLayout,
    QWidget,
)

from mrcnn_gui.ui.theme import SPACE, danger_color, quiet_label
from mrcnn_gui.ui.wording import sentence
from mrcnn_gui.workflows.training_settings import (
    SettingField,
    as_text,
    read_settings,
    setting_fields,
)

_HEIGHT = 340
_EDITOR_WIDTH = 220


class TrainingForm(QScrollArea):
    """One row for each setting, in groups; what is wrong is said below the field.

    Attributes:
        rows: By the setting's name.
    """

    changed = Signal()

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setAccessibleName("All settings of the training")
        self.rows = {field.name: _Row(field) for field in setting_fields()}
        self._defaults: dict[str, Any] = {}
        content = QWidget()
        column = QVBoxLayout(content)
        column.setSpacing(2 * SPACE)
        for title, fields in groupby(setting_fields(), lambda field: field.group):
            column.addWidget(_title(title))
            form = QFormLayout()
            form.setSpacing(2 * SPACE)
            form.setFieldGrowthPolicy(QFormLayout.FieldGrowthPolicy.AllNonFixedFieldsGrow)
            for field in fields:
                row = self.rows[field.name]
                form.addRow(row.caption, row)
                row.changed.connect(self._check)
            column.addLayout(form)
        _align([row.caption for row in self.rows.values()])
        self.setWidget(content)
        self.setWidgetResizable(True)
        self.setFrameShape(QFrame.Shape.StyledPanel)
        self.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self.setMinimumHeight(_HEIGHT)
        self.show_settings({})

    def show_settings(self, settings: Mapping[str, Any]) -> None:
        """Fill the form; what is not named has its default."""
        self._defaults = with_defaults(settings)
        for name, row in self.rows.items():
            row.set_text(as_text(self._defaults[name]))
        self._check()

    @property
    def is_right(self) -> bool:
        """Whether a training can be begun with these settings."""
        return not self._read()[1]

    def settings(self) -> dict[str, Any]:
        """All settings; of use where the form is right."""
        return self._read()[0]

    def chosen(self) -> dict[str, Any]:
        """The settings that differ from those that the form was filled with."""
        return {
            name: value
            for name, value in self.settings().items()
            if as_text(value) != as_text(self._defaults[name])
        }

    def _read(self) -> tuple[dict[str, Any], dict[str, str]]:
        return read_settings({name: row.text() for name, row in self.rows.items()})

    def _check(self) -> None:
        problems = self._read()[1]
        for name, row in self.rows.items():
            row.show_problem(problems.get(name, ""))
        self.changed.emit()


class _Row(QWidget):
    """The editor of one setting above its help."""

    changed = Signal()

    def __init__(self, field: SettingField) -> None:
        super().__init__()
        words = field.name.replace("_", " ").capitalize()
        self.caption = QLabel(words)
        self.editor = _editor(field)
        self.editor.setAccessibleName(words)
        self.editor.setToolTip(field.help)
        self.caption.setBuddy(self.editor)
        self._problem = QLabel()
        self._problem.setWordWrap(True)
        palette = self._problem.palette()
        palette.setColor(QPalette.ColorRole.WindowText, danger_color())
        self._problem.setPalette(palette)
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 0, 0, SPACE)
        column.setSpacing(SPACE)
        column.addWidget(self.editor, alignment=Qt.AlignmentFlag.AlignLeft)
        column.addWidget(self._problem)
        column.addWidget(quiet_label(_plain(field.help)))
        self._problem.hide()
        if isinstance(self.editor, QLineEdit):
            self.editor.textEdited.connect(self.changed)
        elif isinstance(self.editor, QComboBox):
            self.editor.currentTextChanged.connect(self.changed)
        else:
            self.editor.toggled.connect(self.changed)

    @property
    def problem(self) -> str:
        """What is wrong; "" when nothing is."""
        return self._problem.text()

    def text(self) -> str:
        """What the editor holds."""
        if isinstance(self.editor, QLineEdit):
            return self.editor.text()
        if isinstance(self.editor, QComboBox):
            return self.editor.currentText()
        return str(self.editor.isChecked())

    def set_text(self, text: str) -> None:
        """Fill the editor."""
        self.editor.blockSignals(True)
        if isinstance(self.editor, QLineEdit):
            self.editor.setText(text)
        elif isinstance(self.editor, QComboBox):
            self.editor.setCurrentText(text)
        else:
            self.editor.setChecked(text == "True")
        self.editor.blockSignals(False)

    def show_problem(self, problem: str) -> None:
        """Say below the editor what is wrong with it."""
        self._problem.setText(sentence(problem))
        self._problem.setVisible(bool(problem))
        self.editor.setAccessibleDescription(problem)


def with_defaults(settings: Mapping[str, Any]) -> dict[str, Any]:
    """All settings that a form shows; those that are not named have their defaults."""
    known = {field.name: field.default for field in setting_fields()}
    return known | {key: settings[key] for key in settings if key in known}


def _editor(field: SettingField) -> QLineEdit | QComboBox | QCheckBox:
    if field.is_flag:
        return QCheckBox("Yes")
    if field.choices:
        box = QComboBox()
        box.addItems(field.choices)
        box.setFixedWidth(_EDITOR_WIDTH)
        return box
    line = QLineEdit()
    line.setFixedWidth(_EDITOR_WIDTH)
    if field.may_be_empty:
        line.setPlaceholderText("none")
    return line


def _plain(text: str) -> str:
    """A docstring's words without its marks of code."""
    return text.replace("`", "")


def _title(text: str) -> QLabel:
    label = QLabel(text)
    font = label.font()
    font.setBold(True)
    label.setFont(font)
    return label


def _align(captions: list[QLabel]) -> None:
    """Let the fields of all groups begin at the same place."""
    width = max(caption.sizeHint().width() for caption in captions)
    for caption in captions:
        caption.setFixedWidth(width)
