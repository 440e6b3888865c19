"""What a canvas should show, computed slowly and plainly from the masks and the image."""

import cv2
import numpy as np
from numpy.typing import NDArray
from PySide6.QtGui import QImage, QPainter
from PySide6.QtWidgets import QApplication, QWidget

from mrcnn_gui.project.annotation import Instance, Suggestion
from mrcnn_gui.project.document import ImageDocument
from mrcnn_gui.project.palette import CATEGORY_COLORS, SOURCE_COLORS
from mrcnn_gui.services.look import ColorBy, Look, Tone
from mrcnn_gui.services.pyramid import Level, Pyramid
from mrcnn_gui.services.view_state import ViewState
from mrcnn_gui.ui.canvas.grid import Grid
from mrcnn_gui.ui.canvas.palette import GROUND, Emphasis, instance_style, suggestion_style
from mrcnn_gui.ui.canvas.style import Layer, Style
from mrcnn_gui.ui.canvas.viewport import Viewport

Bitmap = NDArray[np.bool_]
Picture = NDArray[np.uint8]  # [height, width, 3] RGB
_RGB, _ARGB = QImage.Format.Format_RGB32, QImage.Format.Format_ARGB32_Premultiplied
_PAD = 20  # view pixels around the view that an outline may depend on


def on_screen(widget: QWidget) -> Picture:
    """The device pixels that the window shows of a widget now: nothing is painted for this."""
    QApplication.processEvents()
    window = widget.window()
    place = widget.mapTo(window, widget.rect().topLeft())
    taken = widget.screen().grabWindow(
        window.winId(), place.x(), place.y(), widget.width(), widget.height()
    )
    if widget.devicePixelRatioF() != 1.0:  # the offscreen platform has no dense windows
        taken = widget.grab()
    image = taken.toImage().convertToFormat(QImage.Format.Format_RGB32)
    rows = np.frombuffer(image.constBits(), np.uint8).reshape(image.height(), -1, 4)
    return rows[:, : image.width(), 2::-1].copy()


def reference(
    pyramid: Pyramid,
    document: ImageDocument,
    view_state: ViewState,
    viewport: Viewport,
    colors: dict[int, str],
    *,
    hovered: int | None = None,
    suggestions: tuple[Suggestion, ...] = (),
    ratio: float = 1.0,
) -> Picture:
    """The whole view: the image, over it the masks at rest, over those what stands out.

    Lines are `ratio` times as wide as on a screen of usual density.
    """
    picture = _image(pyramid, viewport, view_state.tone)
    if view_state.only_image:
        return picture
    look = view_state.look
    at_rest = [
        Layer(it.mask.crop, it.mask.x, it.mask.y, _style(colors, it, look, Emphasis(), ratio))
        for it in sorted(
            document.instances.values(), key=lambda it: (it.z_order, -it.mask.crop.size, it.id)
        )
        if it.id not in view_state.unseen_instances and it.id != view_state.selected_instance
    ]
    at_rest += [_suggested(it, Emphasis()) for it in suggestions]
    picture = _over(picture, masks(at_rest, viewport))
    standing_out = []
    for instance_id, emphasis in (
        (hovered, Emphasis(hovered=True)),
        (view_state.selected_instance, Emphasis(selected=True)),
    ):
        instance = document.instances.get(instance_id or 0)
        unseen = view_state.unseen_instances if emphasis.hovered else view_state.hidden_instances
        covered = emphasis.hovered and instance_id == view_state.selected_instance
        if instance is not None and instance_id not in unseen and not covered:
            style = _style(colors, instance, look, emphasis, ratio)
            mask = instance.mask
            standing_out.append(Layer(mask.crop, mask.x, mask.y, style))
    return _over(picture, masks(standing_out, viewport))


def masks(layers: list[Layer], viewport: Viewport) -> NDArray[np.uint32]:
    """Masks on nothing: all fills, over those all halos, over those all borders."""
    height, width = viewport.view_height + 2 * _PAD, viewport.view_width + 2 * _PAD
    pixels = np.zeros((height, width), np.uint32)
    grid = Grid(viewport.scale, viewport.grid.x + _PAD, viewport.grid.y + _PAD)
    seen = [(part, layer.style) for layer in layers if (part := _seen(layer, grid, height, width))]
    for (rows, columns, inside), style in seen:
        pixels[rows, columns][inside & (style.fill > 0)] = style.fill
    for (rows, columns, inside), style in seen:
        if style.halo:
            pixels[rows, columns][_spread(inside, style.halo_width) & ~inside] = style.halo
    for (rows, columns, inside), style in seen:
        border = inside & _spread(~inside, style.border_width)
        assert style.gap is None, "dashes have no reference"
        pixels[rows, columns][border] = style.border
    return np.ascontiguousarray(pixels[_PAD:-_PAD, _PAD:-_PAD])


def _seen(layer: Layer, grid: Grid, height: int, width: int) -> tuple[slice, slice, Bitmap] | None:
    """Rows and columns of the view around a mask, and which of those pixels show it."""
    crop = layer.crop
    left, right = _range(layer.x, crop.shape[1], grid.scale, grid.x, width)
    top, bottom = _range(layer.y, crop.shape[0], grid.scale, grid.y, height)
    if left >= right or top >= bottom:
        return None
    x = np.floor((np.arange(left, right) + 0.5 - grid.x) / grid.scale).astype(int) - layer.x
    y = np.floor((np.arange(top, bottom) + 0.5 - grid.y) / grid.scale).astype(int) - layer.y
    known_x, known_y = (x >= 0) & (x < crop.shape[1]), (y >= 0) & (y < crop.shape[0])
    sampled = crop[y.clip(0, crop.shape[0] - 1)[:, None], x.clip(0, crop.shape[1] - 1)]
    return slice(top, bottom), slice(left, right), sampled & known_x & known_y[:, None]


def _range(start: int, length: int, scale: float, offset: int, limit: int) -> tuple[int, int]:
    first = int(np.floor(start * scale)) + offset - _PAD // 2
    last = int(np.ceil((start + length) * scale)) + offset + _PAD // 2
    return max(first, 0), min(last, limit)


def _spread(bitmap: Bitmap, radius: int) -> Bitmap:
    """Pixels with one of the bitmap's in the disc around them; beyond its edge there are none."""
    disc = cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (2 * radius + 1, 2 * radius + 1))
    height, width = bitmap.shape
    padded = np.pad(bitmap, radius)
    result = np.zeros_like(bitmap)
    for row, column in np.argwhere(disc):
        result |= padded[row : row + height, column : column + width]
    return result


def _image(pyramid: Pyramid, viewport: Viewport, tone: Tone) -> Picture:
    """The ground with the image on it; between pixels, interpolated in steps of 1/32."""
    grid, scale = viewport.grid, viewport.scale
    level = pyramid.levels[pyramid.level_for(scale)]
    height, width = level.shape[:2]
    ground = np.array([GROUND.red(), GROUND.green(), GROUND.blue()], np.uint8)
    picture = np.tile(ground, (viewport.view_height, viewport.view_width, 1))
    x = (np.arange(viewport.view_width) + 0.5 - grid.x) / scale
    y = (np.arange(viewport.view_height) + 0.5 - grid.y) / scale
    on_x, on_y = (x >= 0) & (x < pyramid.width), (y >= 0) & (y < pyramid.height)
    x, y = x[on_x], y[on_y]
    if scale == 1.0 or scale >= 4.0:
        rows, columns = np.floor(y).astype(int), np.floor(x).astype(int)
        part = level[rows[0] : rows[-1] + 1, columns[0] : columns[-1] + 1]
        seen = part[rows[:, None] - rows[0], columns - columns[0]]
    else:
        seen = _interpolated(level, x * (width / pyramid.width), y * (height / pyramid.height))
    table = tone.table()
    picture[np.ix_(on_y, on_x)] = seen if table is None else table[seen]
    return picture


def _interpolated(
    level: Level, x: NDArray[np.floating], y: NDArray[np.floating]
) -> NDArray[np.uint8]:
    height, width = level.shape[:2]
    across = np.floor((x - 0.5) * 32 + 0.5).astype(int).clip(0, 32 * (width - 1))
    down = np.floor((y - 0.5) * 32 + 0.5).astype(int).clip(0, 32 * (height - 1))
    left, top = across // 32, down // 32
    right, bottom = (left + 1).clip(max=width - 1), (top + 1).clip(max=height - 1)
    share_x, share_y = (across % 32)[:, None], (down % 32)[:, None, None]
    part = level[top[0] : bottom[-1] + 1, left[0] : right[-1] + 1]
    top, bottom, left, right = top - top[0], bottom - top[0], left - left[0], right - left[0]
    upper, lower = (
        part[rows][:, left].astype(np.int64) * (32 - share_x)
        + part[rows][:, right].astype(np.int64) * share_x
        for rows in (top, bottom)
    )
    total = upper * (32 - share_y) + lower * share_y
    return np.asarray(np.rint(total / 1024), dtype=np.uint8)


def _over(below: Picture, above: NDArray[np.uint32]) -> Picture:
    """Premultiplied pixels over opaque ones; Qt's own rounding."""
    opaque = np.asarray(cv2.cvtColor(below, cv2.COLOR_RGB2BGRA), dtype=np.uint8)
    ground, cover = (
        _qimage(opaque, _RGB),
        _qimage(above.view(np.uint8).reshape(opaque.shape), _ARGB),
    )
    painter = QPainter(ground)
    painter.drawImage(0, 0, cover)
    painter.end()
    rows = np.frombuffer(ground.constBits(), np.uint8).reshape(opaque.shape)
    return rows[:, :, 2::-1].copy()


def _qimage(pixels: NDArray[np.uint8], form: QImage.Format) -> QImage:
    height, width = pixels.shape[:2]
    return QImage(np.ascontiguousarray(pixels).data, width, height, 4 * width, form).copy()


def _style(
    colors: dict[int, str], instance: Instance, look: Look, emphasis: Emphasis, ratio: float
) -> Style:
    color = {
        ColorBy.CATEGORY: colors[instance.category_id],
        ColorBy.INSTANCE: CATEGORY_COLORS[instance.id % 12],
        ColorBy.SOURCE: SOURCE_COLORS[instance.provenance.source],
    }[look.color_by]
    return instance_style(color, emphasis, ratio, look)


def _suggested(suggestion: Suggestion, emphasis: Emphasis) -> Layer:
    mask = suggestion.mask
    return Layer(mask.crop, mask.x, mask.y, suggestion_style(emphasis, 1.0))
