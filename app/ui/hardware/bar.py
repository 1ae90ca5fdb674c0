"""A bar on a track, made of pieces, with a tick for the limit; and the legend that names the pieces."""

from collections.abc import Sequence
from dataclasses import dataclass

from PySide6.QtCore import QRect, QRectF, QSize
from PySide6.QtGui import QColor, QPainter, QPainterPath, QPaintEvent
from PySide6.QtWidgets import QHBoxLayout, QSizePolicy, QWidget

from app.ui.theme import SMALL, Theme, theme_of
from app.ui.widgets import Label, follow_theme

_HEIGHT, _TICK = 14, 3


@dataclass(frozen=True)
class Tone:
    """A colour by its name, perhaps thinned."""

    colour: str = "accent"
    strength: float = 1.0

    def drawn(self, theme: Theme) -> QColor:
        colour = theme.colour(self.colour)
        colour.setAlphaF(self.strength)
        return colour


@dataclass(frozen=True)
class Piece:
    """A part of a bar. What is free has no tone: it is the track."""

    size: float
    words: str
    tone: Tone | None = Tone()


class Bar(QWidget):
    """Shows the pieces from the left, against `whole`; all of it in words is its accessible name."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.pieces: tuple[Piece, ...] = ()
        self._whole = 1.0
        self.limit: float | None = None
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Fixed)
        follow_theme(self._restyle)

    def show_pieces(self, pieces: Sequence[Piece], whole: float, words: str, limit: float | None = None) -> None:
        """Draw these; `limit` in the same measure as the sizes."""
        changed = (tuple(pieces), whole, limit) != (self.pieces, self._whole, self.limit)
        self.pieces, self._whole, self.limit = tuple(pieces), max(whole, 1.0), limit
        if words != self.accessibleName():
            self.setAccessibleName(words)
            self.setToolTip(words)
        if changed:
            self.update()

    def sizeHint(self) -> QSize:
        theme = theme_of(self)
        return QSize(theme.px(120), theme.px(_HEIGHT))

    def minimumSizeHint(self) -> QSize:
        theme = theme_of(self)
        return QSize(theme.px(40), theme.px(_HEIGHT))

    def paintEvent(self, event: QPaintEvent) -> None:
        theme = theme_of(self)
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        inset = theme.px(_TICK)
        track = QRectF(self.rect()).adjusted(0.5, inset, -0.5, -inset)
        path = QPainterPath()
        path.addRoundedRect(track, track.height() / 2, track.height() / 2)
        painter.fillPath(path, theme.colour("sunken"))
        painter.save()
        painter.setClipPath(path)
        self._paint_pieces(painter, track, theme)
        painter.restore()
        painter.setPen(theme.colour("line"))
        painter.drawPath(path)
        if self.limit is not None:
            place = track.left() + track.width() * min(1.0, max(0.0, self.limit / self._whole))
            width = theme.px(2)
            painter.fillRect(QRect(round(place - width / 2), 0, width, self.height()), theme.colour("text"))

    def _paint_pieces(self, painter: QPainter, track: QRectF, theme: Theme) -> None:
        left, gap = track.left(), theme.unit
        for piece in self.pieces:
            width = track.width() * max(piece.size, 0.0) / self._whole
            if piece.tone is not None and width > 0:
                part = QRectF(left, track.top(), max(width - gap, gap), track.height())
                painter.fillRect(part, piece.tone.drawn(theme))
            left += width

    def _restyle(self) -> None:
        self.updateGeometry()
        self.update()


class Legend(QWidget):
    """The pieces of a bar in words, each with a small square of its tone."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._row = QHBoxLayout(self)
        self._row.setContentsMargins(0, 0, 0, 0)
        self._row.addStretch(1)
        self._entries: list[tuple[_Square, Label]] = []
        follow_theme(self._restyle)

    def show_pieces(self, pieces: Sequence[Piece]) -> None:
        """Say these, in place of what was said."""
        while len(self._entries) < len(pieces):
            entry = (_Square(), Label(role="muted", scale=SMALL, wrap=True))
            for widget in entry:
                self._row.insertWidget(self._row.count() - 1, widget)
            self._entries.append(entry)
        for place, (square, label) in enumerate(self._entries):
            square.setVisible(place < len(pieces))
            label.setVisible(place < len(pieces))
            if place < len(pieces):
                square.set_tone(pieces[place].tone)
                label.setText(pieces[place].words)

    def _restyle(self) -> None:
        self._row.setSpacing(theme_of(self).px(8))


class _Square(QWidget):
    def __init__(self) -> None:
        super().__init__()
        self._tone: Tone | None = None
        follow_theme(self._restyle)

    def set_tone(self, tone: Tone | None) -> None:
        self._tone = tone
        self.update()

    def paintEvent(self, event: QPaintEvent) -> None:
        theme = theme_of(self)
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        painter.setPen(theme.colour("line"))
        painter.setBrush(theme.colour("sunken") if self._tone is None else self._tone.drawn(theme))
        painter.drawRoundedRect(QRectF(self.rect()).adjusted(0.5, 0.5, -0.5, -0.5), theme.px(2), theme.px(2))

    def _restyle(self) -> None:
        side = theme_of(self).px(10)
        self.setFixedSize(side, side)
        self.update()
