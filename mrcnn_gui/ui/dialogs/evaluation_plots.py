"""The three pictures of an evaluation; what is clicked tells which instances it counts."""

from collections.abc import Sequence
from functools import cached_property
from typing import Any

from PySide6.QtCore import QPointF, Qt, Signal
from PySide6.QtGui import QBrush, QColor, QPalette, QShowEvent
from PySide6.QtWidgets import (
    QAbstractItemView,
    QTableWidget,
    QTableWidgetItem,
    QVBoxLayout,
    QWidget,
)

from mrcnn_gui.ui.panels.training_chart import curve_color
from mrcnn_gui.workflows.evaluation_figures import (
    BACKGROUND,
    BINS,
    Confusion,
    Instance,
    PrecisionRecall,
)

_NEAR = 12  # pixels between a click and the point that it means


class CurvePlot(QWidget):
    """Precision over recall, a curve for each category; a click takes the nearest point."""

    point_chosen = Signal(object)  # a PrecisionRecall

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setAccessibleName("Precision over recall by category")
        self.curves: dict[str, list[PrecisionRecall]] = {}

    @cached_property
    def _plot(self) -> Any:
        """Made for the first curves: the dialog comes up without it."""
        plot = _plot(self, "recall", "precision")
        text = self.palette().color(QPalette.ColorRole.Text)
        plot.addLegend(offset=(10, -10), labelTextColor=text)
        plot.scene().sigMouseClicked.connect(self._click)
        return plot

    def show_curves(self, curves: dict[str, list[PrecisionRecall]], threshold: float) -> None:
        """Draw curves, with a mark where each stands at a threshold."""
        import pyqtgraph

        self.curves = curves
        self._plot.clear()
        for place, (name, points) in enumerate(curves.items()):
            color = curve_color(place)
            xs, ys = [it.recall for it in points], [it.precision for it in points]
            self._plot.plot(xs, ys, pen=pyqtgraph.mkPen(color, width=2), name=name)
            above = [it for it in points if it.score >= threshold]
            if above:
                mark = ([above[-1].recall], [above[-1].precision])
                self._plot.plot(*mark, pen=None, symbol="o", symbolSize=9, symbolBrush=color)

    def nearest(self, position: QPointF) -> PrecisionRecall | None:
        """The point next to a place in the scene; None where none is near."""
        view = self._plot.getPlotItem().vb
        best, found = float(_NEAR), None
        for points in self.curves.values():
            for point in points:
                at = view.mapViewToScene(QPointF(point.recall, point.precision)) - position
                distance = (at.x() ** 2 + at.y() ** 2) ** 0.5
                if distance <= best:
                    best, found = distance, point
        return found

    def _click(self, event: Any) -> None:
        point = self.nearest(event.scenePos())
        if point is not None:
            self.point_chosen.emit(point)


class Histogram(QWidget):
    """Annotated instances by their best IoU; a click takes a bar."""

    instances_chosen = Signal(object)  # a sequence of instances

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setAccessibleName("Annotated instances by their best IoU")
        self.bins: Sequence[Sequence[Instance]] = []

    @cached_property
    def _plot(self) -> Any:
        """Made when the bars are first looked at."""
        plot = _plot(self, "best IoU with what is found", "instances", fixed=False)
        plot.scene().sigMouseClicked.connect(self._click)
        return plot

    def show_bins(self, bins: Sequence[Sequence[Instance]]) -> None:
        """Draw a bar for each bin, once somebody looks."""
        self.bins = bins
        if self.isVisible():
            self._draw()

    def showEvent(self, event: QShowEvent) -> None:
        """Draw what came meanwhile."""
        super().showEvent(event)
        self._draw()

    def _draw(self) -> None:
        if not self.bins:
            return
        import pyqtgraph

        bins, color = self.bins, curve_color(0)
        self._plot.clear()
        self._plot.addItem(
            pyqtgraph.BarGraphItem(
                x0=[place / BINS for place in range(BINS)],
                width=0.9 / BINS,
                height=[len(each) for each in bins],
                brush=color,
                pen=color,
            )
        )

    def choose(self, place: int) -> None:
        """Tell the instances of a bar."""
        if 0 <= place < len(self.bins):
            self.instances_chosen.emit(self.bins[place])

    def _click(self, event: Any) -> None:
        view = self._plot.getPlotItem().vb
        self.choose(int(view.mapSceneToView(event.scenePos()).x() * BINS))


class ConfusionTable(QTableWidget):
    """Annotated categories in rows, found ones in columns, the background last."""

    instances_chosen = Signal(object)  # a sequence of instances

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setAccessibleName("Annotated categories against found ones")
        self.setEditTriggers(QAbstractItemView.EditTrigger.NoEditTriggers)
        self._names: list[str] = []
        self._cells: Confusion = {}
        self.cellClicked.connect(self._choose)
        self.cellActivated.connect(self._choose)

    def show_confusion(self, cells: Confusion, categories: Sequence[str]) -> None:
        """Fill the table; cells are the darker the larger their share of the row is."""
        self._cells, self._names = cells, [*categories, BACKGROUND]
        count = len(self._names)
        self.setRowCount(count)
        self.setColumnCount(count)
        self.setHorizontalHeaderLabels([*categories, "missed"])
        self.setVerticalHeaderLabels([*categories, "not annotated"])
        for row, annotated in enumerate(self._names):
            total = sum(len(cells.get((annotated, found), ())) for found in self._names)
            for column, found in enumerate(self._names):
                number = len(cells.get((annotated, found), ()))
                self.setItem(row, column, self._cell(number, number / max(total, 1)))
        self.resizeColumnsToContents()

    def _cell(self, number: int, share: float) -> QTableWidgetItem:
        item = QTableWidgetItem(str(number) if number else "")
        item.setTextAlignment(Qt.AlignmentFlag.AlignCenter)
        color = QColor(self.palette().color(QPalette.ColorRole.Highlight))
        color.setAlphaF(0.45 * share)  # the number stays readable
        item.setBackground(QBrush(color))
        return item

    def _choose(self, row: int, column: int) -> None:
        key = self._names[row], self._names[column]
        self.instances_chosen.emit(self._cells.get(key, []))


def _plot(holder: QWidget, bottom: str, left: str, *, fixed: bool = True) -> Any:
    import pyqtgraph

    palette = holder.palette()
    text = palette.color(QPalette.ColorRole.Text)
    plot = pyqtgraph.PlotWidget(background=palette.color(QPalette.ColorRole.Base))
    item = plot.getPlotItem()
    item.setMenuEnabled(False)
    item.hideButtons()
    item.showGrid(x=False, y=True, alpha=0.2)
    item.vb.setMouseEnabled(x=False, y=False)
    item.vb.setXRange(0, 1)
    if fixed:
        item.vb.setYRange(0, 1)
    for side, words in (("bottom", bottom), ("left", left)):
        axis = item.getAxis(side)
        axis.setTextPen(text)
        axis.setPen(text)
        axis.setLabel(words, color=text.name())
    column = QVBoxLayout(holder)
    column.setContentsMargins(0, 0, 0, 0)
    column.addWidget(plot)
    return plot
