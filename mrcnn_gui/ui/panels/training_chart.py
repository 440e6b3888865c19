"""The live curves of a run: its losses by step, and its validation AP."""

from typing import Any

from PySide6.QtCore import QTimer
from PySide6.QtGui import QColor, QPalette
from PySide6.QtWidgets import QLabel, QVBoxLayout, QWidget

from mrcnn_gui.ui.panels.training_course import Points, thinned
from mrcnn_gui.ui.theme import is_dark

_HEIGHT = 150
_DELAY_MS = 200  # between a report and the drawing: a fast run reports more than eyes can follow
# (on light ground, on dark ground); told apart by colour-blind people too.
_COLORS = (
    ("#0b6fb0", "#56b4e9"),
    ("#b45300", "#f0a040"),
    ("#007a5e", "#2fc79a"),
    ("#8a3f7c", "#dd8fcb"),
    ("#6b6100", "#e6dc5a"),
    ("#5f6670", "#a4abb5"),
)


def curve_color(place: int) -> QColor:
    """The colour of a curve by its place among all."""
    return QColor(_COLORS[place % len(_COLORS)][is_dark()])


class Chart(QWidget):
    """Curves by name with a legend below them.

    pyqtgraph is imported when the first curve is shown: no window waits for it.
    """

    def __init__(
        self, name: str, *, from_0_to_1: bool = False, parent: QWidget | None = None
    ) -> None:
        super().__init__(parent)
        self.setAccessibleName(name)
        self._from_0_to_1 = from_0_to_1
        self._plot: Any = None
        self._curves: dict[str, Any] = {}
        self._points: dict[str, Points] = {}
        self.legend = QLabel()
        self.legend.setWordWrap(True)
        self.legend.setIndent(4)
        self._column = QVBoxLayout(self)
        self._column.setContentsMargins(0, 0, 0, 0)
        self._column.setSpacing(2)
        self._column.addWidget(self.legend)
        self._timer = QTimer(self)
        self._timer.setSingleShot(True)
        self._timer.setInterval(_DELAY_MS)
        self._timer.timeout.connect(self.draw)

    def show_points(self, points: dict[str, Points]) -> None:
        """Draw curves soon; a curve whose name begins with "(" is drawn faintly, without legend."""
        self._points = points
        if not self._timer.isActive():
            self._timer.start()

    def draw(self) -> None:
        """Draw the curves now; the axes come with the first point."""
        if self._plot is None:
            if not any(self._points.values()):
                return  # two charts in one turn of the event loop would hold it
            self._build()
        for name in self._curves.keys() - self._points.keys():
            self._plot.removeItem(self._curves.pop(name))
        for name, points in self._points.items():
            if name not in self._curves:
                self._curves[name] = self._plot.plot(**self._style(name))
            self._curves[name].setData(*thinned(points))
        self.legend.setText(self._words())

    def _build(self) -> None:
        import pyqtgraph

        palette = self.palette()
        ground = palette.color(QPalette.ColorRole.Base)
        self._plot = pyqtgraph.PlotWidget(background=ground, enableMenu=False)
        self._plot.setMinimumWidth(0)
        self._plot.setFixedHeight(_HEIGHT)
        item = self._plot.getPlotItem()
        item.hideButtons()
        item.showGrid(x=False, y=True, alpha=0.2)
        text = palette.color(QPalette.ColorRole.Text)
        for side in ("left", "bottom"):
            axis = item.getAxis(side)
            axis.setTextPen(text)
            axis.setPen(text)
        item.getAxis("bottom").setLabel("step", color=text.name())
        item.vb.setMouseEnabled(x=False, y=False)
        if self._from_0_to_1:
            item.vb.setYRange(0, 1)
        self._column.insertWidget(0, self._plot)

    def _style(self, name: str) -> dict[str, Any]:
        import pyqtgraph

        color = self._color(name)
        if name.startswith("("):
            color.setAlpha(90)
            return {"pen": pyqtgraph.mkPen(color, width=1)}
        style = {"pen": pyqtgraph.mkPen(color, width=2), "antialias": True}
        if self._from_0_to_1:
            style |= {"symbol": "o", "symbolSize": 5, "symbolBrush": color, "symbolPen": color}
        return style

    def _color(self, name: str) -> QColor:
        named = [each for each in self._points if not each.startswith("(")]
        place = named.index(name) if name in named else 0
        return curve_color(place)

    def _words(self) -> str:
        named = {name: points for name, points in self._points.items() if name[0] != "("}
        return " &nbsp; ".join(
            f'<span style="color:{self._color(name).name()}">●</span>&nbsp;'
            + f"{name} {points[-1][1]:.2f}".replace(" ", "&nbsp;")
            for name, points in named.items()
            if points
        )
