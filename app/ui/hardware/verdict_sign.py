"""Where a suggested model would run: a drawn sign, always with its word; and quantizations in plain words."""

from PySide6.QtCore import QCoreApplication, QRectF, Qt
from PySide6.QtGui import QPainter, QPaintEvent, QPen
from PySide6.QtWidgets import QWidget

from app.protocol import Verdict
from app.ui.theme import Theme, theme_of
from app.ui.widgets import follow_theme

TONES = {Verdict.GPU: "good", Verdict.PARTLY: "warn", Verdict.CPU: "muted", Verdict.NO: "bad"}
"""Names of colours; the word always stands beside."""

_SIDE = 12


class VerdictSign(QWidget):
    """A full, half or empty circle, or a cross. Drawn, since fonts give these signs different sizes."""

    def __init__(self, verdict: Verdict) -> None:
        super().__init__()
        self._verdict = verdict
        self.setAccessibleName(verdict_words(verdict))
        follow_theme(self._restyle)

    def paintEvent(self, event: QPaintEvent) -> None:
        theme = theme_of(self)
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        colour = theme.colour(TONES[self._verdict])
        painter.setPen(QPen(colour, 1.5 * theme.unit))
        self._paint(painter, theme)

    def _paint(self, painter: QPainter, theme: Theme) -> None:
        colour = painter.pen().color()
        inset = theme.unit
        circle = QRectF(self.rect()).adjusted(inset, inset, -inset, -inset)
        if self._verdict is Verdict.NO:
            cross = circle.adjusted(inset, inset, -inset, -inset)
            painter.drawLine(cross.topLeft(), cross.bottomRight())
            painter.drawLine(cross.topRight(), cross.bottomLeft())
            return
        painter.drawEllipse(circle)
        painter.setBrush(colour)
        painter.setPen(Qt.PenStyle.NoPen)
        if self._verdict is Verdict.GPU:
            painter.drawEllipse(circle)
        elif self._verdict is Verdict.PARTLY:
            painter.drawPie(circle, 90 * 16, 180 * 16)

    def _restyle(self) -> None:
        side = theme_of(self).px(_SIDE)
        self.setFixedSize(side, side)
        self.update()


def verdict_words(verdict: Verdict) -> str:
    """Where it would run."""
    return {
        Verdict.GPU: QCoreApplication.translate("Verdict", "on the graphics card"),
        Verdict.PARTLY: QCoreApplication.translate("Verdict", "partly on the graphics card"),
        Verdict.CPU: QCoreApplication.translate("Verdict", "on the processor"),
        Verdict.NO: QCoreApplication.translate("Verdict", "does not fit"),
    }[verdict]


def quantization_words(name: str) -> str:
    """What a quantization means for a person, with its name: "smaller file, slightly less exact (Q4_K_M)"."""
    bits = next((character for character in name if character.isdigit()), "")
    if name.upper() in ("F16", "BF16", "F32"):
        bits = "16"
    meaning = {
        "1": QCoreApplication.translate("Quantization", "very small file, much less exact"),
        "2": QCoreApplication.translate("Quantization", "very small file, clearly less exact"),
        "3": QCoreApplication.translate("Quantization", "small file, noticeably less exact"),
        "4": QCoreApplication.translate("Quantization", "smaller file, slightly less exact"),
        "5": QCoreApplication.translate("Quantization", "smaller file, hardly less exact"),
        "6": QCoreApplication.translate("Quantization", "large file, practically exact"),
        "8": QCoreApplication.translate("Quantization", "large file, practically exact"),
        "16": QCoreApplication.translate("Quantization", "very large file, exact"),
    }.get(bits, "")
    return f"{meaning} ({name})" if meaning else name
