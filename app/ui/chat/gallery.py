"""The pictures of a message, above its text; a press shows one large."""

from PySide6.QtCore import QRect, QSize, Qt
from PySide6.QtGui import QImage, QPainter, QPaintEvent, QPixmap, QResizeEvent
from PySide6.QtWidgets import QAbstractButton, QDialog, QLabel, QVBoxLayout, QWidget

from app.ui.chat.attachments import paint_rounded
from app.ui.chat.row_widget import RowContext, RowWidget
from app.ui.chat.rows import Gallery, Row
from app.ui.theme import theme_of

_SIDE, _GAP = 160, 8
_SCREEN_SHARE = 0.85


class GalleryRow(RowWidget):
    """Pictures in rows from the right, as the person's words stand there, too."""

    def __init__(self, context: RowContext) -> None:
        super().__init__(context)
        self._shown: Gallery | None = None
        self._pictures: list[PictureButton] = []
        if context.desk.pictures is not None:
            context.desk.pictures.arrived.connect(self._on_arrived)

    def set_row(self, row: Row) -> None:
        if not isinstance(row, Gallery) or row == self._shown:
            return
        self._shown = row
        for picture in self._pictures:
            picture.deleteLater()
        self._pictures = [PictureButton(self) for _ in row.ids]
        for number, (picture, picture_id) in enumerate(zip(self._pictures, row.ids, strict=True), 1):
            picture.setAccessibleName(self.tr("Picture {number}").format(number=number))
            picture.setToolTip(self.tr("Show the picture large"))
            shelf = self.context.desk.pictures
            picture.set_image(shelf.image(picture_id) if shelf is not None else None)
            picture.show()
        self._place()

    def height_for(self, width: int) -> int:
        lines = -(-len(self._pictures) // self._in_a_line(width))
        return lines * self.look.px(_SIDE + _GAP)

    def resizeEvent(self, event: QResizeEvent) -> None:
        super().resizeEvent(event)
        self._place()

    def _in_a_line(self, width: int) -> int:
        return max(width // self.look.px(_SIDE + _GAP), 1)

    def _place(self) -> None:
        """The last line is filled from the right."""
        side, step = self.look.px(_SIDE), self.look.px(_SIDE + _GAP)
        most = self._in_a_line(self.width())
        for number, picture in enumerate(self._pictures):
            line, place = divmod(number, most)
            in_line = min(len(self._pictures) - line * most, most)
            left = self.width() - (in_line - place) * step + step - side
            picture.setGeometry(left, line * step, side, side)

    def _on_arrived(self, picture_id: str) -> None:
        shelf = self.context.desk.pictures
        if self._shown is None or shelf is None:
            return
        for picture, wanted in zip(self._pictures, self._shown.ids, strict=True):
            if wanted == picture_id:
                picture.set_image(shelf.image(picture_id))


class PictureButton(QAbstractButton):
    """A picture, cut square; an empty square until it is here."""

    def __init__(self, parent: QWidget) -> None:
        super().__init__(parent)
        self._image: QImage | None = None
        self.setCursor(Qt.CursorShape.PointingHandCursor)
        self.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
        self.clicked.connect(self._show_large)

    def set_image(self, image: QImage | None) -> None:
        self._image = image
        self.setEnabled(image is not None)
        self.update()

    def paintEvent(self, event: QPaintEvent) -> None:
        theme = theme_of(self)
        painter = QPainter(self)
        painter.setRenderHints(QPainter.RenderHint.Antialiasing | QPainter.RenderHint.SmoothPixmapTransform)
        if self._image is not None:
            paint_rounded(painter, self._image, self.rect(), theme.px(12))
            return
        painter.setPen(Qt.PenStyle.NoPen)
        painter.setBrush(theme.colour("sunken"))
        painter.drawRoundedRect(self.rect(), theme.px(12), theme.px(12))

    def _show_large(self) -> None:
        if self._image is None:
            return
        dialog = QDialog(self.window())
        dialog.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        dialog.setWindowTitle(self.accessibleName())
        room = self.screen().availableGeometry().size() * _SCREEN_SHARE
        label = QLabel()
        label.setAccessibleName(self.accessibleName())
        label.setPixmap(_fitted(self._image, room))
        column = QVBoxLayout(dialog)
        column.setContentsMargins(0, 0, 0, 0)
        column.addWidget(label)
        dialog.open()


def _fitted(image: QImage, room: QSize) -> QPixmap:
    """The picture in its own size, or as large as there is room."""
    if QRect(0, 0, room.width(), room.height()).contains(image.rect()):
        return QPixmap.fromImage(image)
    kept, smooth = Qt.AspectRatioMode.KeepAspectRatio, Qt.TransformationMode.SmoothTransformation
    return QPixmap.fromImage(image.scaled(room, kept, smooth))
