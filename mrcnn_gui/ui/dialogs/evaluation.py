"""Where a version is right and wrong on done images; every figure leads to its instances."""

from collections.abc import Sequence

from PySide6.QtCore import Qt, Signal
from PySide6.QtWidgets import (
    QComboBox,
    QDialog,
    QHBoxLayout,
    QLabel,
    QListWidget,
    QListWidgetItem,
    QPushButton,
    QSlider,
    QSplitter,
    QTabWidget,
    QVBoxLayout,
    QWidget,
)

from mrcnn_gui.services.session import Session
from mrcnn_gui.services.trainer import Trainer
from mrcnn_gui.services.version_work import VersionWork
from mrcnn_gui.services.view_state import ViewState
from mrcnn_gui.ui.dialogs.evaluation_plots import ConfusionTable, CurvePlot, Histogram
from mrcnn_gui.ui.progress_bar import ThinProgressBar
from mrcnn_gui.ui.theme import SPACE, quiet_label
from mrcnn_gui.ui.wording import plural, sentence
from mrcnn_gui.workflows.evaluation import Annotated, Evaluation, ImageSet
from mrcnn_gui.workflows.evaluation_figures import (
    GOOD_IOU,
    Instance,
    PrecisionRecall,
    best_ious,
    best_threshold,
    confusion,
    curves,
    found_well,
    iou_histogram,
)

_INSTANCE = Qt.ItemDataRole.UserRole
_SIZE = (900, 620)
_SETS = {
    ImageSet.VALIDATION: "Validation images",
    ImageSet.TEST: "Test images",
    ImageSet.TRAIN: "Training images (optimistic: the model has seen them)",
    ImageSet.ALL: "All done images (optimistic: the model has seen most)",
}
_HINT = "Click a cell, a point or a bar: its instances are listed here, and a click shows them."


class EvaluationDialog(QDialog):
    """Version and set, the metrics, three pictures, and the instances behind what was clicked.

    Attributes:
        evaluation: What is shown; None before the first.
    """

    chosen = Signal(int, int, object)  # image id, instance id or 0, box (x0, y0, x1, y1)

    def __init__(
        self,
        session: Session,
        view_state: ViewState,
        trainer: Trainer,
        work: VersionWork,
        parent: QWidget,
    ) -> None:
        super().__init__(parent)
        self.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        self.setWindowTitle("Evaluation")
        self.resize(*_SIZE)
        self._session, self._view_state = session, view_state
        self._trainer, self._work = trainer, work
        self.evaluation: Evaluation | None = None
        self._curves: dict[str, list[PrecisionRecall]] = {}
        self.version, self.image_set = QComboBox(), QComboBox()
        self.version.setAccessibleName("Version")
        self.image_set.setAccessibleName("Set of images")
        for image_set, words in _SETS.items():
            self.image_set.addItem(words, image_set)
        for version in reversed(trainer.versions()):
            self.version.addItem(version.id)
        self.version.setCurrentText(trainer.active_version)
        self.run = QPushButton("&Evaluate")
        self.run.setDefault(True)
        self.progress = ThinProgressBar("Progress of the evaluation")
        self.summary = QLabel()
        self.summary.setWordWrap(True)
        self.curves, self.confusion, self.histogram = CurvePlot(), ConfusionTable(), Histogram()
        self.list = QListWidget()
        self.list.setAccessibleName("Instances behind the figure")
        self.list.setTextElideMode(Qt.TextElideMode.ElideMiddle)
        self.list.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self.hint = quiet_label(_HINT)
        self.slider = QSlider(Qt.Orientation.Horizontal)
        self.slider.setRange(5, 100)
        self.slider.setAccessibleName("Lowest score that counts, in percent")
        self.score, self.found = QLabel(), QLabel()
        self.found.setToolTip("Annotated instances that the best found mask covers this well")
        self.best = QPushButton("&Best")
        self.best.setToolTip("The score from which on F1 is highest, of the first category")
        self.best.setAutoDefault(False)
        self.take = QPushButton("&Use for suggestions")
        self.take.setToolTip("Show suggestions from this score up")
        self.take.setAutoDefault(False)
        self._lay_out()
        self._connect()
        self.slider.setValue(round(view_state.score_threshold * 100))
        self._refresh()

    def done(self, result: int) -> None:
        """Closing ends an evaluation under way."""
        self._work.cancel()
        super().done(result)

    def _lay_out(self) -> None:
        top, scores = QHBoxLayout(), QHBoxLayout()
        top.setSpacing(2 * SPACE)
        for choice in (self.version, self.image_set, self.run):
            top.addWidget(choice)
        top.addStretch(1)
        caption = QLabel("Score from")
        caption.setBuddy(self.slider)
        scores.setSpacing(2 * SPACE)
        for part in (caption, self.slider, self.score, self.best, self.take, self.found):
            scores.addWidget(part)
        tabs = QTabWidget()
        tabs.setDocumentMode(True)
        tabs.addTab(self.curves, "Precision and recall")
        tabs.addTab(self.confusion, "Confusion")
        tabs.addTab(self.histogram, "Overlap")
        side = QWidget()
        column = QVBoxLayout(side)
        column.setContentsMargins(0, 0, 0, 0)
        column.addWidget(self.hint)
        column.addWidget(self.list, 1)
        self.body = QSplitter(Qt.Orientation.Horizontal)
        self.body.addWidget(tabs)
        self.body.addWidget(side)
        self.body.setStretchFactor(0, 1)
        self.body.setSizes([_SIZE[0] - 260, 260])
        self.body.setChildrenCollapsible(False)
        self.scores = QWidget()
        scores.setContentsMargins(0, 0, 0, 0)
        self.scores.setLayout(scores)
        whole = QVBoxLayout(self)
        whole.setContentsMargins(4 * SPACE, 4 * SPACE, 4 * SPACE, 4 * SPACE)
        whole.setSpacing(3 * SPACE)
        whole.addLayout(top)
        for widget in (self.progress, self.summary, self.scores):
            whole.addWidget(widget)
        whole.addWidget(self.body, 1)
        whole.addStretch(0)  # keeps the first lines at the top before there is a body

    def _connect(self) -> None:
        self.run.clicked.connect(self._evaluate)
        self.slider.valueChanged.connect(self._draw)
        self.best.clicked.connect(self._take_best)
        self.take.clicked.connect(lambda: self._view_state.set_score_threshold(self._threshold))
        self.curves.point_chosen.connect(self._choose_point)
        self.confusion.instances_chosen.connect(self._list)
        self.histogram.instances_chosen.connect(self._list)
        self.list.itemClicked.connect(self._show_item)
        self.list.itemActivated.connect(self._show_item)
        self._work.state_changed.connect(self._refresh)
        self._work.progressed.connect(self._show_progress)
        self._work.evaluated.connect(self._show_evaluation)
        self._work.failed.connect(lambda reason: self._say(sentence(reason)))
        self._session.project_closed.connect(self.reject)

    @property
    def _threshold(self) -> float:
        return self.slider.value() / 100

    def _evaluate(self) -> None:
        if self._work.is_running:
            self._work.cancel()
            return
        self._say("")
        self._work.evaluate(self.version.currentText(), self.image_set.currentData())

    def _refresh(self) -> None:
        running = self._work.is_running
        self.progress.setVisible(running)
        self.run.setText("&Stop" if running else "&Evaluate")
        if not running:
            self.progress.wait()
        there = self.evaluation is not None
        self.scores.setVisible(there)
        self.body.setVisible(there)
        if not there and not self.summary.text():
            self._say("Choose a version and the images that it shall be measured on.")

    def _show_progress(self, counts: tuple[int, int]) -> None:
        self.progress.show_counts(*counts)

    def _show_evaluation(self, evaluation: Evaluation) -> None:
        self.evaluation = evaluation
        self._curves = curves(evaluation)
        self._say(summary_of(evaluation))
        self.list.clear()
        self._draw()

    def _draw(self, *_: object) -> None:
        self.score.setText(f"{self._threshold:.2f}")
        evaluation = self.evaluation
        if evaluation is None:
            return
        self.curves.show_curves(self._curves, self._threshold)
        cells = confusion(evaluation, self._threshold)
        self.confusion.show_confusion(cells, evaluation.categories)
        best = best_ious(evaluation, self._threshold)
        self.histogram.show_bins(iou_histogram(best))
        all_ = evaluation.metrics.instances
        self.found.setText(f"{found_well(best)} of {all_} found with IoU above {GOOD_IOU}")

    def _take_best(self) -> None:
        points = next(filter(None, self._curves.values()), [])
        self.slider.setValue(int(best_threshold(points) * 100))

    def _choose_point(self, point: PrecisionRecall) -> None:
        self.slider.setValue(int(point.score * 100))
        self._list([point.added])

    def _list(self, instances: Sequence[Instance]) -> None:
        self.list.clear()
        for instance in instances:
            entry = self._session.image(instance.image_id)
            name = str(entry.path).rpartition("/")[2] if entry is not None else "?"
            kind = "annotated" if isinstance(instance, Annotated) else f"{instance.score:.2f}"
            item = QListWidgetItem(f"{instance.category} ({kind}): {name}")
            item.setToolTip(item.text())
            item.setData(_INSTANCE, instance)
            self.list.addItem(item)
        self.hint.setText(plural(len(instances), "instance") if instances else "No instance.")

    def _show_item(self, item: QListWidgetItem) -> None:
        instance: Instance = item.data(_INSTANCE)
        instance_id = instance.instance_id if isinstance(instance, Annotated) else 0
        self.chosen.emit(instance.image_id, instance_id, instance.box_xyxy)

    def _say(self, words: str) -> None:
        self.summary.setText(words)
        self.summary.setAccessibleName(words)


def summary_of(evaluation: Evaluation) -> str:
    """The metrics in a few lines."""
    metrics = evaluation.metrics
    lines = [
        f"{evaluation.version} on {plural(metrics.images, 'image')} with "
        f"{plural(metrics.instances, 'instance')}: mask AP {metrics.mask_ap:.3f} "
        f"(AP50 {metrics.mask_ap50:.3f}, AP75 {metrics.mask_ap75:.3f}), "
        f"box AP {metrics.box_ap:.3f}, mean recall {metrics.ar100:.3f}."
    ]
    if len(metrics.per_category) > 1:
        scores = (f"{name} {score:.3f}" for name, score in metrics.per_category.items())
        lines.append(f"Mask AP by category: {', '.join(scores)}.")
    if evaluation.problems:
        lines.append(f"{plural(len(evaluation.problems), 'image')} could not be read.")
    return "\n".join(lines)
