"""Colours and line widths of the canvas."""

from dataclasses import dataclass
from functools import lru_cache

from PySide6.QtGui import QColor

from mrcnn_gui.services.look import Look, MaskForm
from mrcnn_gui.ui.canvas.style import Style

GROUND = QColor(38, 40, 43)  # neutral and dark: it does not tint how a photo looks
TEXT = QColor(232, 234, 237)
FAINT_TEXT = QColor(160, 165, 172)
PROBLEM_TEXT = QColor(255, 176, 160)
LIGHT = QColor(255, 255, 255)
DARK = QColor(16, 18, 20)
SUGGESTION = QColor(0, 229, 255)  # no category of the default palette looks like this

_HOVERED_FILL = 0.12  # over the fill that is there
_SELECTED_FILL = 1.2  # times the opacity


@dataclass(frozen=True)
class Emphasis:
    """How much a mask stands out."""

    selected: bool = False
    hovered: bool = False


@lru_cache(maxsize=1024)
def instance_style(color: str, emphasis: Emphasis, ratio: float, look: Look = Look()) -> Style:  # noqa: B008
    """How an instance is drawn.

    A light border and a dark halo part the mask from any ground; the selected instance has a
    white outline instead. The hovered one is drawn once more, over its look at rest.

    Args:
        color: Of its inside, "#rrggbb".
        emphasis: Whether it is selected or hovered.
        ratio: Device pixels per logical pixel.
        look: How masks look.
    """
    tint = QColor(color)
    opacity = 0.0 if look.form is MaskForm.OUTLINE else look.opacity
    if emphasis.selected:
        return Style(
            fill=premultiplied(_brightened(tint, 0.3), min(_SELECTED_FILL * opacity, 1.0)),
            border=premultiplied(LIGHT),
            border_width=_width(3, ratio),
            halo=premultiplied(DARK),
            halo_width=_width(1.5, ratio),
        )
    if emphasis.hovered:
        return Style(
            fill=premultiplied(tint, _HOVERED_FILL),
            border=premultiplied(_brightened(tint, 0.75)),
            border_width=_width(2, ratio),
        )
    if look.form is MaskForm.FILL:
        return Style(fill=premultiplied(tint, opacity), border=0, border_width=0)
    return Style(
        fill=premultiplied(tint, opacity),
        border=premultiplied(_brightened(tint, 0.5)),
        border_width=_width(2, ratio),
        halo=premultiplied(DARK, 0.75),
        halo_width=_width(1, ratio),
    )


@lru_cache(maxsize=64)
def suggestion_style(emphasis: Emphasis, ratio: float) -> Style:
    """How a suggestion is drawn: dashes of two colours; filled only when it stands out."""
    fill = 0.3 if emphasis.selected else 0.18 if emphasis.hovered else 0.0
    return Style(
        fill=premultiplied(SUGGESTION, fill),
        border=premultiplied(SUGGESTION),
        border_width=_width(3 if emphasis.selected else 2, ratio),
        halo=premultiplied(DARK) if emphasis.selected else 0,
        halo_width=_width(1, ratio),
        gap=premultiplied(DARK),
        dash=_width(6, ratio),
    )


def premultiplied(color: QColor, alpha: float = 1.0) -> int:
    """The colour as 0xAARRGGBB with its channels multiplied by alpha; 0 when alpha is 0."""
    channels = (255, color.red(), color.green(), color.blue())
    value = 0
    for channel in channels:
        value = value << 8 | round(channel * alpha)
    return value


def _brightened(color: QColor, luminance: float) -> QColor:
    """The colour, mixed with as much white as gives it at least this relative luminance."""
    own = 0.2126 * color.redF() + 0.7152 * color.greenF() + 0.0722 * color.blueF()
    share = max(0.0, (luminance - own) / (1 - own)) if own < 1 else 0.0
    channels = (color.redF(), color.greenF(), color.blueF())
    return QColor.fromRgbF(*(channel + (1 - channel) * share for channel in channels))


def _width(logical: float, ratio: float) -> int:
    return max(1, round(logical * ratio))


def faded(color: QColor) -> QColor:
    """A colour that lets a little of what is below shine through."""
    paler = QColor(color)
    paler.setAlphaF(0.82)
    return paler
