"""Which commands make sense now: facts about the services decide what is enabled."""

from collections.abc import Mapping
from dataclasses import asdict

from PySide6.QtCore import QObject
from PySide6.QtGui import QAction

from mrcnn_gui.project.annotation import ReviewStatus, Side
from mrcnn_gui.services.segmenter import Segmenter
from mrcnn_gui.services.session import Session
from mrcnn_gui.services.trainer import Trainer
from mrcnn_gui.services.view_state import ViewState
from mrcnn_gui.ui.actions import COMMANDS
from mrcnn_gui.ui.soon import Soon


class ActionStates(QObject):
    """Keeps the actions enabled, checked and worded as the services' state demands."""

    def __init__(
        self,
        actions: Mapping[str, QAction],
        session: Session,
        view_state: ViewState,
        segmenter: Segmenter,
        trainer: Trainer,
        parent: QObject,
    ) -> None:
        """`parent` is that of the actions: both end together."""
        super().__init__(parent)
        self._actions = actions
        self._session = session
        self._view_state = view_state
        self._segmenter = segmenter
        self._trainer = trainer
        self._can_train = False
        self._steps: set[str] = set()  # of the history that can be made now
        self._soon, training_soon = Soon(self.refresh, self), Soon(self._refresh_training, self)
        for changed in (
            *(session.project_opened, session.project_closed, session.image_opened),
            *(session.history_changed, session.exclusive.changed),
            *(view_state.selected_instances_changed, view_state.score_threshold_changed),
            *(view_state.guides_changed, view_state.only_image_changed),
            *(view_state.shows_origin_changed, view_state.instance_filter_changed),
            *(segmenter.suggestions_changed, segmenter.state_changed),
        ):
            changed.connect(self._soon.ask)
        # At once, so that an undo typed right after a stroke finds its command enabled.
        session.history_changed.connect(self._refresh_history)
        for changed in (
            *(session.project_opened, session.project_closed, session.images_changed),
            *(session.image_entry_changed, trainer.state_changed),
        ):
            changed.connect(training_soon.ask)
        self._refresh_history()
        self.refresh()

    def refresh(self) -> None:
        """Read the facts and set the actions."""
        facts = self.facts()
        for command in COMMANDS:
            needed = set(command.needs.split())
            self._actions[command.id].setEnabled(needed <= facts)
        document = self._session.document
        done = document is not None and document.status is ReviewStatus.DONE
        self._check("done", done)
        entry = self._session.entry
        self._check("keep_for_test", entry is not None and entry.side is Side.TEST)
        self._check("tiles", self._segmenter.tiles)
        state = self._view_state
        self._check("only_image", state.only_image)
        self._check("origin", state.shows_origin)
        for name, shown in asdict(state.guides).items():
            self._check(name, shown)

    def facts(self) -> set[str]:
        """What is true now; `Command.needs` names what a command needs of it."""
        session, segmenter, trainer = self._session, self._segmenter, self._trainer
        unfinished = trainer.unfinished
        can_be_kept = unfinished is not None and unfinished.can_be_kept
        has_project, has_image = session.folder is not None, session.document is not None
        checks = {
            "project": has_project,
            "writable": has_project and not session.no_writing,
            "image": has_image,
            "instance": self._view_state.selected_instance is not None,
            "several": len(self._view_state.selected_instances) > 1,
            "suggestions": has_image and bool(segmenter.visible_suggestions()),
            "filter": self._view_state.instance_filter.is_active,
            "segmenter_idle": not segmenter.is_running,
            "segmenter_runs": segmenter.is_running,
            "training": trainer.is_running and not trainer.is_stopping,
            "training_unfinished": unfinished is not None and not session.no_writing,
            "training_keepable": can_be_kept and not session.no_writing,
            "training_ready": has_project and self._can_train and not session.no_writing,
        }
        return self._steps | {fact for fact, holds in checks.items() if holds}

    def _refresh_training(self) -> None:
        """Ask whether a training can start: it reads all images, so no stroke asks for it."""
        trainer = self._trainer
        idle = not trainer.is_running and trainer.unfinished is None
        self._can_train = idle and not trainer.missing()
        self._soon.ask()

    def _refresh_history(self) -> None:
        """Ask what can be undone and redone: that reads the disk, and only an edit alters it."""
        history, writable = self._session.history, not self._session.no_writing
        can_undo = history is not None and history.can_undo
        can_redo = history is not None and history.can_redo
        self._steps = {name for name, can in (("undo", can_undo), ("redo", can_redo)) if can}
        for name in ("undo", "redo"):
            self._actions[name].setEnabled(name in self._steps and writable)
        self._word("undo", "&Undo", history.undo_title if history else "")
        self._word("redo", "&Redo", history.redo_title if history else "")

    def _check(self, command_id: str, holds: bool) -> None:
        self._actions[command_id].setChecked(holds)

    def _word(self, command_id: str, verb: str, title: str) -> None:
        text = f"{verb} {title[0].lower()}{title[1:]}" if title else verb
        self._actions[command_id].setText(text)
