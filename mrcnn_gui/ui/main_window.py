"""The window: puts panels around the canvas and connects them to the services."""

from collections.abc import Sequence
from pathlib import Path

from PySide6.QtCore import Qt
from PySide6.QtGui import QCloseEvent, QDragEnterEvent, QDropEvent
from PySide6.QtWidgets import (
    QBoxLayout,
    QDockWidget,
    QHBoxLayout,
    QMainWindow,
    QStackedWidget,
    QTabWidget,
    QVBoxLayout,
    QWidget,
)

from mrcnn_gui.services.filtering import Filtering
from mrcnn_gui.services.kept_looks import KeptLooks
from mrcnn_gui.ui.action_states import ActionStates
from mrcnn_gui.ui.actions import bind_canvas_keys, build_actions, build_menus
from mrcnn_gui.ui.canvas.view import CanvasView
from mrcnn_gui.ui.clipboard_commands import ClipboardCommands
from mrcnn_gui.ui.closing import Closing
from mrcnn_gui.ui.edit_commands import EditCommands
from mrcnn_gui.ui.errors import MessageBar
from mrcnn_gui.ui.focus_keys import FocusKeys
from mrcnn_gui.ui.help_commands import HelpCommands
from mrcnn_gui.ui.instance_commands import InstanceCommands
from mrcnn_gui.ui.look_commands import LookCommands
from mrcnn_gui.ui.mask_commands import MaskCommands
from mrcnn_gui.ui.model_commands import ModelCommands
from mrcnn_gui.ui.panels.category_list import CategoryListPanel
from mrcnn_gui.ui.panels.display_panel import DisplayPanel
from mrcnn_gui.ui.panels.history_list import HistoryPanel
from mrcnn_gui.ui.panels.image_list import ImageListPanel
from mrcnn_gui.ui.panels.instance_list import InstanceListPanel
from mrcnn_gui.ui.panels.project_bar import ProjectBar
from mrcnn_gui.ui.panels.start_page import StartPage
from mrcnn_gui.ui.panels.status_bar import StatusBar
from mrcnn_gui.ui.panels.suggestion_bar import SuggestionBar
from mrcnn_gui.ui.panels.tool_bar import CanvasToolBar
from mrcnn_gui.ui.panels.tool_palette import ToolPalette
from mrcnn_gui.ui.panels.training_panel import TrainingPanel
from mrcnn_gui.ui.panels.unfinished_bar import UnfinishedBar
from mrcnn_gui.ui.project_commands import ProjectCommands
from mrcnn_gui.ui.review_commands import ReviewCommands
from mrcnn_gui.ui.services import Services
from mrcnn_gui.ui.training_commands import TrainingCommands

_LEFT, _RIGHT = Qt.DockWidgetArea.LeftDockWidgetArea, Qt.DockWidgetArea.RightDockWidgetArea
_SIZE = (1440, 900)
_MIN_WIDTHS = {_LEFT: 280, _RIGHT: 304}  # names of categories have room beside a scroll bar
_WIDTHS = [280, 360]  # images; categories and all below them: what is left is the canvas's
_HEIGHTS = [120, 200, 430]  # categories, instances and history, training


class MainWindow(QMainWindow):
    """Menus, docks, canvas, bars. What they do stands in the commands and the services."""

    def __init__(self, services: Services) -> None:
        super().__init__()
        self._services = services
        self.setObjectName("main_window")
        self.setAcceptDrops(True)
        self.resize(*_SIZE)
        self.messages = MessageBar(self)
        services.session.leaving.connect(self.messages.hide)  # first: what follows may tell more
        self._make_commands()
        self._make_central()
        self._make_docks()
        self._make_menus()
        self._connect()
        self._states = ActionStates(
            self.actions_by_id,
            services.session,
            services.view_state,
            services.segmenter,
            services.trainer,
            self,
        )
        FocusKeys(self)
        self.restoreGeometry(services.settings.window_geometry)
        self._show_project()

    def _make_commands(self) -> None:
        """Panels that are targets of commands come first, then the actions."""
        it = self._services
        KeptLooks(it.view_state, it.settings)
        Filtering(it.session, it.view_state)
        self.canvas = CanvasView(it.session, it.view_state, it.images, it.segmenter, it.jobs)
        self.images = ImageListPanel(it.session, it.images, it.jobs)
        self.categories = CategoryListPanel(it.session, it.project_edits, it.view_state)
        self.instances = InstanceListPanel(it.session, it.view_state)
        self.closing = Closing(self, it.session, it.trainer)
        self.project = ProjectCommands(
            self, it.session, it.settings, it.jobs, self.closing, it.project_edits
        )
        self.edit = EditCommands(it.session, it.view_state, self.canvas)
        self.instance = InstanceCommands(it.session, it.view_state, self.canvas)
        self.look = LookCommands(it.view_state)
        self.mask_edits = MaskCommands(it.session, it.view_state, self)
        self.clipboard = ClipboardCommands(it.session, it.view_state, self)
        self.model = ModelCommands(self, it.session, it.segmenter, it.weights, it.settings)
        self.training_commands = TrainingCommands(self, it, self.canvas)
        self.review = ReviewCommands(
            it.session, it.view_state, it.segmenter, self.edit, self.canvas
        )
        self.help = HelpCommands(self, it.settings)
        targets = {
            "window": self,
            "canvas": self.canvas,
            "images": self.images,
            "categories": self.categories,
            "project": self.project,
            "edit": self.edit,
            "mask": self.mask_edits,
            "instance": self.instance,
            "look": self.look,
            "view_state": it.view_state,
            "clipboard": self.clipboard,
            "model": self.model,
            "review": self.review,
            "session": it.session,
            "segmenter": it.segmenter,
            "trainer": it.trainer,
            "training": self.training_commands,
            "help": self.help,
        }
        self.actions_by_id = build_actions(self, targets)
        self.help.use(self.actions_by_id)
        self.addActions(list(self.actions_by_id.values()))
        bind_canvas_keys(self.canvas, self.actions_by_id)

    def _make_central(self) -> None:
        it, actions = self._services, self.actions_by_id
        self.start = StartPage(actions, it.settings)
        self.tools = CanvasToolBar(it.view_state, actions)
        self.palette_bar = ToolPalette(it.view_state, actions)
        self.suggestions = SuggestionBar(it.session, it.view_state, it.segmenter, actions)
        work = _column(self.tools, _row(self.palette_bar, self.canvas), self.suggestions)
        self.pages = QStackedWidget()
        self.pages.addWidget(self.start)
        self.pages.addWidget(work)
        self.project_bar = ProjectBar(it.session)
        self.unfinished_bar = UnfinishedBar(it.session, it.trainer, actions)
        self.setCentralWidget(_column(self.project_bar, self.unfinished_bar, self.pages))
        self.status = StatusBar(it.session, it.segmenter)
        self.setStatusBar(self.status)

    def _make_docks(self) -> None:
        it = self._services
        self.history = HistoryPanel(it.session)
        self.training = TrainingPanel(it.session, it.trainer, self.actions_by_id)
        self.display = DisplayPanel(it.view_state, self.actions_by_id)
        self.docks = [
            self._add_dock("Images", self.images, _LEFT),
            self._add_dock("Categories", self.categories, _RIGHT),
            self._add_dock("Instances", self.instances, _RIGHT),
            self._add_dock("History", self.history, _RIGHT),
            self._add_dock("Training", self.training, _RIGHT),
            self._add_dock("Display", self.display, _RIGHT),
        ]

        self.setTabPosition(_RIGHT, QTabWidget.TabPosition.North)
        self.tabifyDockWidget(self.docks[2], self.docks[3])
        self.tabifyDockWidget(self.docks[3], self.docks[5])
        self.docks[2].raise_()

    def _add_dock(self, title: str, panel: QWidget, side: Qt.DockWidgetArea) -> QDockWidget:
        dock = QDockWidget(title, self)
        dock.setObjectName(title.lower())
        dock.setWidget(panel)
        dock.setMinimumWidth(_MIN_WIDTHS[side])
        features = QDockWidget.DockWidgetFeature
        dock.setFeatures(features.DockWidgetClosable | features.DockWidgetMovable)
        self.addDockWidget(side, dock)
        return dock

    def _make_menus(self) -> None:
        menus = build_menus(self.menuBar(), self.actions_by_id)
        recent = menus["File"].addMenu("&Recent projects")
        menus["File"].insertMenu(self.actions_by_id["export"], recent)
        recent.aboutToShow.connect(lambda: self.project.fill_recent(recent))
        panels = menus["View"].addMenu("&Panels")
        for number, dock in enumerate(self.docks, start=1):
            toggle = dock.toggleViewAction()
            toggle.setShortcut(f"Alt+{number}")
            panels.addAction(toggle)

    def _connect(self) -> None:
        session = self._services.session
        session.failed.connect(self.messages.show_error)
        session.project_opened.connect(self._show_project)
        session.project_closed.connect(self._show_project)
        session.document_changed.connect(self.messages.pass_by)
        for source in (self.canvas, self.mask_edits, self.clipboard):
            source.message.connect(self.messages.show_notice)
        for teller in (self.canvas, self.clipboard, self.look):
            teller.hint.connect(self.status.show_hint)
        self.canvas.position_changed.connect(self.status.show_position)
        self.canvas.zoom_changed.connect(self.status.show_zoom)
        self._services.project_edits.finished.connect(self.messages.show_notice)
        self._services.weights.added.connect(self.training.versions.refresh)
        self.instances.instance_clicked.connect(self.edit.show_instance)
        self.instances.lock_clicked.connect(self.instance.toggle_one_locked)
        self.start.recent_chosen.connect(self.project.open)
        self.training_commands.plan_toggled.connect(self._check_plan)
        self._check_plan()

    def _check_plan(self) -> None:
        self.actions_by_id["show_plan"].setChecked(self.training_commands.shows_plan)

    def _show_project(self) -> None:
        folder = self._services.session.folder
        self.pages.setCurrentIndex(0 if folder is None else 1)
        self.messages.lie_over(self.start if folder is None else self.canvas)
        self._show_docks(folder is not None)
        if folder is None:
            self.start.refresh()
            self.setWindowTitle("mrcnn-gui")
        else:
            name = folder.parent.name if folder.name == ".mrcnn" else folder.name
            self.setWindowTitle(f"{name} \N{EN DASH} mrcnn-gui")
            self.canvas.setFocus()

    def _show_docks(self, there: bool) -> None:
        """Without a project the docks are away; with one they are as the person left them."""
        for dock in self.docks:
            dock.toggleViewAction().setEnabled(there)
            dock.setVisible(there)
        if there and not self._services.settings.window_state.isEmpty():
            self.restoreState(self._services.settings.window_state)
        elif there:
            tall = [self.docks[1], self.docks[2], self.docks[4]]
            self.resizeDocks(tall, _HEIGHTS, Qt.Orientation.Vertical)
            self.resizeDocks(self.docks[:2], _WIDTHS, Qt.Orientation.Horizontal)
            self.docks[2].raise_()

    def dragEnterEvent(self, event: QDragEnterEvent) -> None:
        """One local folder, or a file in it, may be dropped."""
        if any(url.isLocalFile() for url in event.mimeData().urls()):
            event.acceptProposedAction()

    def dropEvent(self, event: QDropEvent) -> None:
        """Open the first folder dropped."""
        paths = [Path(url.toLocalFile()) for url in event.mimeData().urls() if url.isLocalFile()]
        if paths:
            event.acceptProposedAction()
            self.project.open(paths[0])

    def closeEvent(self, event: QCloseEvent) -> None:
        """Keep the window's layout and close the project; a training is ended first."""
        self._services.settings.window_geometry = self.saveGeometry()
        if self._services.session.folder is not None:
            self._services.settings.window_state = self.saveState()
        if self.closing.may_close():
            self.closing.close_project()
            event.accept()
        else:
            event.ignore()


def _column(*widgets: QWidget) -> QWidget:
    """The widgets below each other without gaps; those that can grow, grow."""
    return _filled(QVBoxLayout(), widgets)


def _row(*widgets: QWidget) -> QWidget:
    """The widgets beside each other without gaps; those that can grow, grow."""
    return _filled(QHBoxLayout(), widgets)


def _filled(layout: QBoxLayout, widgets: Sequence[QWidget]) -> QWidget:
    holder = QWidget()
    holder.setLayout(layout)
    layout.setContentsMargins(0, 0, 0, 0)
    layout.setSpacing(0)
    for widget in widgets:
        grows = type(widget) is QWidget or isinstance(widget, CanvasView | QStackedWidget)
        layout.addWidget(widget, 1 if grows else 0)
    return holder
