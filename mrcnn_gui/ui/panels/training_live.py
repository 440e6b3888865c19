"""How a run goes: figures, curves, scores by category, and pictures."""

from typing import TYPE_CHECKING

from PySide6.QtCore import Qt
from PySide6.QtWidgets import (
    QCheckBox,
    QGridLayout,
    QLabel,
    QTabWidget,
    QTreeWidget,
    QTreeWidgetItem,
    QVBoxLayout,
    QWidget,
)

from mrcnn_gui.ui.panels.training_chart import Chart
from mrcnn_gui.ui.panels.training_course import Progress, TrainingCourse
from mrcnn_gui.ui.panels.training_pictures import TrainingPictures
from mrcnn_gui.ui.theme import SPACE, quiet_label
from mrcnn_gui.ui.wording import size_of_memory

if TYPE_CHECKING:
    from mrcnn_gui.services.training_pictures import TrainingPicture

_FIGURES = ("Loss", "Mask AP", "Learning rate", "Mask AP50", "Images/s", "Memory")
_COLUMNS = 2
_NOTHING = "\N{EN DASH}"
_PARTS = {
    "rpn_objectness": "RPN object",
    "rpn_box": "RPN box",
    "box_class": "category",
    "box_regression": "box",
    "mask": "mask",
}


class TrainingLive(QWidget):
    """Everything is fed by the reports of the run."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.course = TrainingCourse()
        self.figures = {name: QLabel(_NOTHING) for name in _FIGURES}
        self.losses = Chart("Loss by step")
        self.scores = Chart("Mask AP on the validation images by step", from_0_to_1=True)
        self.parts = QCheckBox("Parts of the loss")
        self.parts.toggled.connect(self._draw)
        self.categories = _category_list()
        self.no_scores = quiet_label("The first validation comes at the end of an epoch.")
        self.pictures = TrainingPictures()
        self.tabs = QTabWidget()
        self.tabs.setDocumentMode(True)
        self.tabs.addTab(_page(self.losses, self.parts), "Loss")
        self.tabs.addTab(_page(self.no_scores, self.scores, self.categories), "Score")
        self.tabs.addTab(self.pictures, "Images")
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(2 * SPACE)
        column.addLayout(self._figure_grid())
        column.addWidget(self.tabs)

    def clear(self) -> None:
        """Begin a new run."""
        self.course.clear()
        self.pictures.clear()
        for name in _FIGURES:
            self._say(name, _NOTHING)
        self._draw()

    def add_course(self, reports: list[Progress]) -> None:
        """Take what a run that goes on reported before."""
        for report in reports:
            self.course.add(report)
        if reports:
            self._show_figures(reports[-1])
        self._draw()

    def add(self, progress: Progress) -> None:
        """Take a report."""
        self.course.add(progress)
        self._show_figures(progress)
        self._draw()

    def add_pictures(self, pictures: "list[TrainingPicture]") -> None:
        """Take what was found on validation images."""
        self.pictures.add(pictures)

    def _figure_grid(self) -> QGridLayout:
        grid = QGridLayout()
        grid.setHorizontalSpacing(3 * SPACE)
        grid.setVerticalSpacing(SPACE)
        for place, (name, figure) in enumerate(self.figures.items()):
            row, column = divmod(place, _COLUMNS)
            caption = quiet_label(name)
            caption.setWordWrap(False)
            grid.addWidget(caption, row, 2 * column)
            grid.addWidget(figure, row, 2 * column + 1)
        for column in range(_COLUMNS):
            grid.setColumnStretch(2 * column + 1, 1)
        return grid

    def _show_figures(self, progress: Progress) -> None:
        course = self.course
        if course.smoothed:
            self._say("Loss", f"{course.smoothed[-1][1]:.3f}")
        if course.scores:
            best = course.best_score or 0.0
            newest = course.scores[-1][1]
            more = f" (best {best:.2f})" if round(best, 2) > round(newest, 2) else ""
            self._say("Mask AP", f"{newest:.2f}{more}")
        if course.scores50:
            self._say("Mask AP50", f"{course.scores50[-1][1]:.2f}")
        if progress.learning_rate:
            self._say("Learning rate", f"{progress.learning_rate:.2g}")
        if progress.images_per_second:
            self._say("Images/s", f"{progress.images_per_second:.1f}")
        if progress.memory_bytes:
            self._say("Memory", size_of_memory(progress.memory_bytes))

    def _say(self, name: str, words: str) -> None:
        self.figures[name].setText(words)
        self.figures[name].setAccessibleName(f"{name}: {words}")

    def _draw(self, *_: object) -> None:
        course = self.course
        if self.parts.isChecked():
            parts = {_PARTS.get(name, name): points for name, points in course.parts.items()}
            self.losses.show_points({"total": course.smoothed} | parts)
        else:
            self.losses.show_points({"(raw)": course.losses, "total": course.smoothed})
        self.scores.show_points({"AP": course.scores, "AP50": course.scores50})
        self.no_scores.setVisible(not course.scores)
        self.scores.setVisible(bool(course.scores))
        self._list_categories()

    def _list_categories(self) -> None:
        scores = self.course.per_category
        self.categories.setVisible(len(scores) > 1)
        texts = [[name, f"{score:.2f}"] for name, score in sorted(scores.items())]
        shown = [self.categories.topLevelItem(row) for row in range(len(texts))]
        if [[it.text(0), it.text(1)] for it in shown if it is not None] == texts:
            return
        self.categories.clear()
        for text in texts:
            item = QTreeWidgetItem(text)
            item.setTextAlignment(1, Qt.AlignmentFlag.AlignRight)
            self.categories.addTopLevelItem(item)


def _category_list() -> QTreeWidget:
    tree = QTreeWidget()
    tree.setAccessibleName("Mask AP by category")
    tree.setHeaderLabels(["Category", "Mask AP"])
    tree.setRootIsDecorated(False)
    tree.setUniformRowHeights(True)
    tree.setMaximumHeight(120)
    return tree


def _page(*widgets: QWidget) -> QWidget:
    page = QWidget()
    column = QVBoxLayout(page)
    column.setContentsMargins(0, SPACE, 0, 0)
    column.setSpacing(SPACE)
    for widget in widgets:
        column.addWidget(widget)
    column.addStretch(1)
    return page
