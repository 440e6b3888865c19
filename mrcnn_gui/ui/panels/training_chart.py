"""The live curves of a run: loss by step, and validation AP by epoch on its own axis."""

from typing import Any

from PySide6.QtGui import QColor, QPalette
from PySide6.QtWidgets import QVBoxLayout, QWidget

from mrcnn_gui.ui.theme import is_dark

HEIGHT = 130


class TrainingChart(QWidget):
    """Draws what a run reports.

    pyqtgraph is imported when the first run starts: no window waits for it.
    """

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setAccessibleName("Loss and validation AP of the run")
        self.setFixedHeight(HEIGHT)
        QVBoxLayout(self).setContentsMargins(0, 0, 0, 0)
        self._plot: Any = None
        self.losses: list[tuple[int, float]] = []
        self.scores: list[tuple[int, float]] = []

    def clear(self) -> None:
        """Begin a new run."""
        if self._plot is None:
            self._build()
        self.losses.clear()
        self.scores.clear()
        self._draw()

    def add_loss(self, step: int, loss: float) -> None:
        """Draw the loss of one step."""
        self.losses.append((step, loss))
        self._draw()

    def add_score(self, step: int, score: float) -> None:
        """Draw the validation AP reached at a step."""
        self.scores.append((step, score))
        self._draw()

    def _build(self) -> None:
        import pyqtgraph

        palette = self.palette()
        text = palette.color(QPalette.ColorRole.Text)
        self._plot = pyqtgraph.PlotWidget(background=palette.color(QPalette.ColorRole.Base))
        self._plot.setMinimumWidth(0)
        item = self._plot.getPlotItem()
        item.setMenuEnabled(False)
        item.hideButtons()
        item.showAxis("right")
        loss, ap = _curve_colors()
        for side, title, color in (("left", "loss", loss), ("right", "mask AP", ap)):
            axis = item.getAxis(side)
            axis.setLabel(title, color=color.name())
            axis.setTextPen(color)
        item.getAxis("bottom").setTextPen(text)
        self._loss_curve = item.plot(pen=pyqtgraph.mkPen(loss, width=2))
        self._score_view = pyqtgraph.ViewBox(enableMouse=False, enableMenu=False)
        item.scene().addItem(self._score_view)
        item.getAxis("right").linkToView(self._score_view)
        self._score_view.setXLink(item.vb)
        self._score_view.setYRange(0, 1)
        self._score_curve = pyqtgraph.PlotDataItem(
            pen=pyqtgraph.mkPen(ap, width=2), symbol="o", symbolSize=6, symbolBrush=ap
        )
        self._score_view.addItem(self._score_curve)
        item.vb.sigResized.connect(self._place_score_view)
        item.vb.setMouseEnabled(x=False, y=False)
        self._item = item
        layout = self.layout()
        assert layout is not None
        layout.addWidget(self._plot)

    def _place_score_view(self) -> None:
        self._score_view.setGeometry(self._item.vb.sceneBoundingRect())

    def _draw(self) -> None:
        for curve, points in ((self._loss_curve, self.losses), (self._score_curve, self.scores)):
            curve.setData([x for x, _ in points], [y for _, y in points])


def _curve_colors() -> tuple[QColor, QColor]:
    """For the loss and for the AP; told apart by colour-blind people too."""
    return (
        (QColor("#56b4e9"), QColor("#f0a040"))
        if is_dark()
        else (
            QColor("#0b6fb0"),
            QColor("#b45300"),
        )
    )
