"""Lucide icons from resources/icons, tinted and drawn crisply at every device pixel ratio."""

from functools import cache

from PySide6.QtCore import QByteArray, QRect, QRectF, QSize, Qt
from PySide6.QtGui import QColor, QIcon, QIconEngine, QPainter, QPixmap
from PySide6.QtSvg import QSvgRenderer

from app.paths import RESOURCES

_FOLDER = RESOURCES / "icons"


def icon(name: str, colour: QColor | str) -> QIcon:
    """The icon of that file name in one colour. Raises FileNotFoundError for an icon that is not shipped."""
    return _icon(name, QColor(colour).name())


def paint_icon(painter: QPainter, name: str, colour: QColor | str, target: QRect) -> None:
    """Draw an icon into a square of a painter, for delegates."""
    icon(name, colour).paint(painter, target)


@cache
def _icon(name: str, colour: str) -> QIcon:
    return QIcon(_Engine(_source(name).replace("currentColor", colour)))


@cache
def _source(name: str) -> str:
    return (_FOLDER / f"{name}.svg").read_text(encoding="utf-8")


class _Engine(QIconEngine):
    """Renders the drawing afresh for each size asked for: QIcon alone would scale one bitmap."""

    def __init__(self, source: str) -> None:
        super().__init__()
        self._text = source
        self._renderer = QSvgRenderer(QByteArray(source.encode()))

    def paint(self, painter: QPainter, rect: QRect, mode: QIcon.Mode, state: QIcon.State) -> None:
        """A square at the left of the rectangle: a wider icon size is room before the words of a button."""
        if mode is QIcon.Mode.Disabled:
            painter.setOpacity(painter.opacity() * 0.5)
        side = min(rect.width(), rect.height())
        self._renderer.render(painter, QRectF(rect.left(), rect.center().y() - (side - 1) // 2, side, side))

    def pixmap(self, size: QSize, mode: QIcon.Mode, state: QIcon.State) -> QPixmap:
        return self.scaledPixmap(size, mode, state, 1.0)

    def scaledPixmap(self, size: QSize, mode: QIcon.Mode, state: QIcon.State, scale: float) -> QPixmap:
        """`size` is in units independent of the device; `scale` is how many pixels each of them has."""
        whole = size * scale
        pixmap = QPixmap(whole)
        pixmap.fill(Qt.GlobalColor.transparent)
        painter = QPainter(pixmap)
        self.paint(painter, QRect(0, 0, whole.width(), whole.height()), mode, state)
        painter.end()
        pixmap.setDevicePixelRatio(scale)
        return pixmap

    def clone(self) -> QIconEngine:
        return _Engine(self._text)
