"""What a fine-tune will do, shown before it begins."""

from PySide6.QtCore import Qt
from PySide6.QtWidgets import (
    QCheckBox,
    QDialog,
    QDialogButtonBox,
    QFormLayout,
    QLabel,
    QPushButton,
    QVBoxLayout,
    QWidget,
)

from mrcnn_gui.services.settings import Settings
from mrcnn_gui.services.trainer import Trainer
from mrcnn_gui.services.training_planner import TrainingPlanner
from mrcnn_gui.ui.dialogs.training_form import TrainingForm, with_defaults
from mrcnn_gui.ui.theme import SPACE, drop_button_icons, quiet_label
from mrcnn_gui.ui.wording import duration, listed, plural
from mrcnn_gui.workflows.finetune_options import FinetuneOptions
from mrcnn_gui.workflows.training_plan import TrainingPlan

_WIDTH = 560
_FACTS = (
    *("Learns from", "Will know", "Judged on", "Begins with", "Runs on", "Takes"),
    "Afterwards",
)
_LOOKING = "Looking at the done images, and measuring how fast this machine learns…"
_AFTERWARDS = (
    "The new version is put into use when its mask AP on the validation images is not worse than"
    " that of {parent}; otherwise it is kept aside. You can go back at any time."
)
_UNJUDGED = (
    "No done image is kept for validation, so that nobody can tell whether the new version is"
    " better: you are asked. With more done images some are kept."
)
_ASKED = "You are asked whether the new version is put into use."
_CROSSED = (
    "The images that it learns from: too few instances are kept for validation. Each is judged by a"
    " model that learned from the others."
)
_AFTERWARDS_CROSSED = (
    "The new version is put into use when its mask AP on these images is not worse than that of"
    " {parent}; otherwise it is kept aside for you to choose. You can go back at any time."
)


class TrainingPlanDialog(QDialog):
    """The plan, with Start as the default; all settings behind a button."""

    def __init__(
        self, trainer: Trainer, planner: TrainingPlanner, settings: Settings, parent: QWidget
    ) -> None:
        super().__init__(parent)
        self.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        self.setWindowTitle("Fine-tune the model")
        self._trainer, self._planner, self._settings = trainer, planner, settings
        self._plan: TrainingPlan | None = None
        self.facts = {name: _fact(name) for name in _FACTS}
        self._form: TrainingForm | None = None
        self.skip = QCheckBox("&Start at once from now on, without this plan")
        self.skip.setToolTip("Model > Show the plan first brings it back")
        self.skip.setChecked(not settings.shows_plan)
        self.buttons = QDialogButtonBox(QDialogButtonBox.StandardButton.Cancel)
        roles = QDialogButtonBox.ButtonRole
        self.start_button = self.buttons.addButton("Start", roles.AcceptRole)
        self.advanced = self.buttons.addButton("&Advanced", roles.ActionRole)
        self.reset = self.buttons.addButton("&Reset", roles.ResetRole)
        self._set_up_buttons()
        self._lay_out()
        self._connect()
        self._refresh()
        self._say("Learns from", _LOOKING)
        self._fit_height()
        planner.plan()

    @property
    def form(self) -> TrainingForm:
        """All settings; made when it is first asked for, because few look at them."""
        if self._form is None:
            self._form = TrainingForm()
            self._form.hide()
            self._form.show_settings({} if self._plan is None else self._plan.settings)
            self._form.changed.connect(self._refresh)
            self._column.insertWidget(1, self._form, 1)
        return self._form

    def done(self, result: int) -> None:
        """Nobody waits for the plan any more."""
        self._planner.cancel()
        super().done(result)

    def _set_up_buttons(self) -> None:
        drop_button_icons(self.buttons)
        self.start_button.setDefault(True)
        self.advanced.setCheckable(True)
        self.advanced.setToolTip("Show every setting")
        self.reset.setToolTip("Choose every setting from the data and the machine again")
        for button in (self.advanced, self.reset):
            assert isinstance(button, QPushButton)
            button.setAutoDefault(False)

    def _lay_out(self) -> None:
        form = QFormLayout()
        form.setHorizontalSpacing(4 * SPACE)
        form.setVerticalSpacing(2 * SPACE)
        for name, fact in self.facts.items():
            caption = quiet_label(name)
            caption.setAlignment(Qt.AlignmentFlag.AlignTop)
            form.addRow(caption, fact)
        self._column = column = QVBoxLayout(self)
        column.setContentsMargins(4 * SPACE, 4 * SPACE, 4 * SPACE, 4 * SPACE)
        column.setSpacing(3 * SPACE)
        column.addLayout(form)
        column.addWidget(self.skip)
        column.addWidget(self.buttons)
        self.setMinimumWidth(_WIDTH)
        self.resize(_WIDTH, self.height())

    def _connect(self) -> None:
        self._planner.planned.connect(self._show_plan)
        self._planner.failed.connect(self._show_failure)
        self.advanced.toggled.connect(self._show_form)
        self.reset.clicked.connect(self._reset)
        self.buttons.accepted.connect(self._start)
        self.buttons.rejected.connect(self.reject)

    def _show_plan(self, plan: TrainingPlan) -> None:
        self._plan = plan
        if self._form is not None:
            self._form.show_settings(plan.settings)
        self._say("Learns from", _learned(plan))
        self._say("Will know", listed(plan.categories))
        judged, afterwards = _judged(plan)
        self._say("Judged on", judged)
        self._say("Begins with", plan.parent)
        self._say("Runs on", f"{plan.device}, while you keep annotating")
        self._say("Afterwards", afterwards.format(parent=plan.parent))
        self._refresh()
        self._fit_height()

    def _show_failure(self, reason: str) -> None:
        self._say("Learns from", f"The plan cannot be made: {reason}")
        self._refresh()
        self._fit_height()

    def _show_form(self, shown: bool) -> None:
        self.form.setVisible(shown)
        self.reset.setVisible(shown)
        self._fit_height()

    def _fit_height(self) -> None:
        """Give the words their lines, and no more."""
        layout = self.layout()
        assert layout is not None
        layout.activate()
        width = self.width()
        self.resize(width, layout.totalHeightForWidth(width))

    def _reset(self) -> None:
        if self._plan is not None:
            self.form.show_settings(self._plan.settings)

    def _refresh(self) -> None:
        plan, form = self._plan, self._form
        right = plan is not None and (form is None or form.is_right)
        self.start_button.setEnabled(right)
        self.advanced.setEnabled(plan is not None)
        self.reset.setVisible(form is not None and not form.isHidden())
        changed = form is not None and (not right or bool(form.chosen()))
        self.reset.setEnabled(plan is not None and changed)
        if plan is not None and right:
            settings = with_defaults(plan.settings) if form is None else form.settings()
            seconds = plan.estimate(settings)
            epochs = plural(settings["epochs"], "epoch")
            self._say("Takes", f"about {duration(seconds)} ({epochs})")
        elif plan is not None:
            self._say("Takes", "A setting has to be put right first.")

    def _say(self, name: str, words: str) -> None:
        self.facts[name].setText(words)
        self.facts[name].setAccessibleName(f"{name}: {words}")

    def _start(self) -> None:
        if not self.start_button.isEnabled():
            return
        self._settings.shows_plan = not self.skip.isChecked()
        self.accept()
        chosen = {} if self._form is None else self._form.chosen()
        self._trainer.start(FinetuneOptions(settings=chosen))


def _learned(plan: TrainingPlan) -> str:
    images, instances = plural(plan.images, "done image"), plural(plan.instances, "instance")
    return f"{images} with {instances}"


def _judged(plan: TrainingPlan) -> tuple[str, str]:
    """What judges the new version, and what follows from that."""
    if plan.facts is not None and plan.facts.is_cross_judged:
        return _CROSSED, _AFTERWARDS_CROSSED
    if not plan.validation_images:
        return _UNJUDGED, _ASKED
    images = plural(plan.validation_images, "other done image")
    return f"{images}, never trained on", _AFTERWARDS


def _fact(name: str) -> QLabel:
    label = QLabel("…")
    label.setWordWrap(True)
    label.setTextFormat(Qt.TextFormat.PlainText)
    label.setAccessibleName(name)
    return label
