"""The pictures attached to the message that is being written: thumbnails in a row, each with a way to remove it."""

from dataclasses import dataclass

from PySide6.QtCore import QMimeData, QRect, QSize, Qt, Signal
from PySide6.QtGui import QImage, QPainter, QPainterPath, QPaintEvent, QResizeEvent
from PySide6.QtWidgets import QFileDialog, QHBoxLayout, QWidget

from app.errors import AppError
from app.ui.chat.pictures import PICTURE_FILTER, Pictures, picture_files, prepared, read_image
from app.ui.theme import theme_of
from app.ui.translate import Retranslated, words_of
from app.ui.widgets import IconButton, follow_theme, show_toast

MOST = 8
_SIDE = 64


@dataclass(eq=False)
class Attachment:
    """A picture; `id` is empty until the backend has it, perhaps after its draft was put away."""

    image: QImage
    id: str = ""


class Attachments(Retranslated, QWidget):
    """Says `changed` whenever there are others. `button` chooses files; it is there where the model sees."""

    changed = Signal()

    def __init__(self, pictures: Pictures, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._pictures = pictures
        self._held: list[Attachment] = []
        self.button = IconButton("image", "", size=32)
        self.button.clicked.connect(self._choose)
        self._sees = False
        self.button.hide()
        self._line = QHBoxLayout(self)
        self._line.setContentsMargins(0, 0, 0, 0)
        self._line.addStretch(1)
        self.hide()
        self.retranslate()
        follow_theme(self._restyle)

    @property
    def held(self) -> tuple[Attachment, ...]:
        return tuple(self._held)

    @property
    def ids(self) -> tuple[str, ...]:
        """What the message is sent with."""
        return tuple(each.id for each in self._held)

    @property
    def complete(self) -> bool:
        """Whether the backend has them all."""
        return all(each.id for each in self._held)

    def set_seeing(self, sees: bool) -> None:
        """Whether pictures can be given to the model."""
        self._sees = sees
        self.button.setVisible(sees)

    def add_data(self, data: QMimeData) -> None:
        """Attach what was pasted or dropped."""
        if not self._sees:
            show_toast(self, self.tr("The loaded model cannot see pictures. Choose one that comes with a projector."))
        elif files := picture_files(data):
            self.add_files(files)
        else:
            image = data.imageData()
            self.add_image(image if isinstance(image, QImage) else None)

    def add_files(self, paths: list[str]) -> None:
        """Attach the pictures in these files."""
        for path in paths:
            self.add_image(read_image(path))

    def add_image(self, image: QImage | None) -> None:
        """Attach a picture; None stands for a file that is none."""
        if image is None or image.isNull():
            show_toast(self, self.tr("This file is no picture that can be read."))
            return
        if len(self._held) >= MOST:
            show_toast(self, self.tr("A message can have {count} pictures.").format(count=MOST))
            return
        picture = prepared(image)
        attachment = Attachment(picture.image)
        self._held.append(attachment)
        self._show()
        self._pictures.give(
            picture,
            lambda picture_id: self._on_given(attachment, picture_id),
            lambda error: self._on_failed(attachment, error),
        )

    def set_held(self, held: tuple[Attachment, ...]) -> None:
        """Show other pictures: those of another draft."""
        self._held = list(held)
        self._show()

    def remove(self, attachment: Attachment) -> None:
        self._held = [each for each in self._held if each is not attachment]
        self._show()

    def retranslate(self) -> None:
        self.button.set_label(self.tr("Attach a picture"))
        for number, thumb in enumerate(self.findChildren(Thumbnail), 1):
            remove = self.tr("Remove picture {number}").format(number=number)
            thumb.set_words(self.tr("Picture {number}").format(number=number), remove)

    def _choose(self) -> None:
        dialog = QFileDialog(self, self.tr("Attach a picture"))
        dialog.setFileMode(QFileDialog.FileMode.ExistingFiles)
        dialog.setNameFilter(self.tr("Pictures") + f" ({PICTURE_FILTER})")
        dialog.filesSelected.connect(self.add_files)
        dialog.finished.connect(dialog.deleteLater)
        dialog.open()

    def _on_given(self, attachment: Attachment, picture_id: str) -> None:
        attachment.id = picture_id
        if attachment in self._held:
            self._show()

    def _on_failed(self, attachment: Attachment, error: AppError) -> None:
        self.remove(attachment)
        words = words_of(error)
        show_toast(self, f"{words.title}. {words.message}")

    def _show(self) -> None:
        while self._line.count() > 1:
            item = self._line.takeAt(0)
            if item is not None and (widget := item.widget()) is not None:
                widget.setParent(None)
                widget.deleteLater()
        for number, attachment in enumerate(self._held):
            thumb = Thumbnail(attachment.image, _SIDE, faint=not attachment.id)
            thumb.remove_button.clicked.connect(lambda _checked=False, each=attachment: self.remove(each))
            self._line.insertWidget(number, thumb)
        self.setVisible(bool(self._held))
        self.retranslate()
        self.changed.emit()

    def _restyle(self) -> None:
        self._line.setSpacing(theme_of(self).px(8))


class Thumbnail(QWidget):
    """A square cut out of a picture, with a button to remove it; faint while it is on its way."""

    def __init__(self, image: QImage, side: int, *, faint: bool = False) -> None:
        super().__init__()
        self._image, self._side, self._faint = image, side, faint
        self.remove_button = IconButton("x", "", self, colour="text", size=24)
        self.remove_button.setObjectName("removePicture")
        follow_theme(self._restyle)

    def set_words(self, name: str, remove: str) -> None:
        self.setAccessibleName(name)
        self.remove_button.set_label(remove)

    def sizeHint(self) -> QSize:
        side = theme_of(self).px(self._side)
        return QSize(side, side)

    def resizeEvent(self, event: QResizeEvent) -> None:
        self.remove_button.move(self.width() - self.remove_button.width(), 0)

    def paintEvent(self, event: QPaintEvent) -> None:
        painter = QPainter(self)
        painter.setRenderHints(QPainter.RenderHint.Antialiasing | QPainter.RenderHint.SmoothPixmapTransform)
        painter.setOpacity(0.5 if self._faint else 1.0)
        paint_rounded(painter, self._image, self.rect(), theme_of(self).px(8))

    def _restyle(self) -> None:
        theme = theme_of(self)
        self.setFixedSize(self.sizeHint())
        look = f"background: {theme.colours.surface}; border: 1px solid {theme.colours.line}"
        self.remove_button.setStyleSheet(f"#removePicture {{ {look}; border-radius: {theme.px(12)}px }}")
        self.update()


def paint_rounded(painter: QPainter, image: QImage, target: QRect, radius: int) -> None:
    """Fill a rounded rectangle with the middle of a picture."""
    path = QPainterPath()
    path.addRoundedRect(target.toRectF(), radius, radius)
    painter.setClipPath(path)
    size = image.size().scaled(target.size(), Qt.AspectRatioMode.KeepAspectRatioByExpanding)
    place = QRect(target.topLeft(), size)
    place.moveCenter(target.center())
    painter.drawImage(place, image)
    painter.setClipping(False)
