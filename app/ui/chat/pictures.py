"""Pictures on their way: made small enough, handed to the backend, and fetched from it to be shown."""

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from urllib.parse import quote

from msgspec import Struct
from PySide6.QtCore import QBuffer, QByteArray, QIODevice, QMimeData, QObject, QSize, Qt, Signal
from PySide6.QtGui import QImage, QImageReader

from app.errors import AppError
from app.ui.client import Client, Content

LARGEST_SIDE = 2_048
"""Pixels: a model sees no more of a picture."""
PICTURE_FILTER = "*.png *.jpg *.jpeg *.webp *.gif *.bmp"
QUALITY = 95
"""Of JPEG: nothing of it can be seen at this size."""


class PictureId(Struct, frozen=True):
    """What the backend calls a picture it was given."""

    id: str


@dataclass(frozen=True)
class Picture:
    """A picture as it is sent, and as it is drawn."""

    content: Content
    image: QImage


class Pictures(QObject):
    """Gives pictures to the backend and fetches them by id, each once. Says `arrived` (id) for every one fetched."""

    arrived = Signal(str)

    def __init__(self, client: Client, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._client = client
        self._images: dict[str, QImage | None] = {}

    def give(self, picture: Picture, on_done: Callable[[str], None], on_error: Callable[[AppError], None]) -> None:
        """Hand a picture to the backend; `on_done` gets its id."""

        def done(answer: PictureId) -> None:
            self._images[answer.id] = picture.image
            on_done(answer.id)

        self._client.post("/api/images", picture.content, PictureId, done, on_error)

    def image(self, picture_id: str) -> QImage | None:
        """The picture, if it is here already; else it is fetched, and `arrived` comes later."""
        if picture_id not in self._images:
            self._images[picture_id] = None
            self._fetch(picture_id)
        return self._images.get(picture_id)

    def _fetch(self, picture_id: str) -> None:
        path = f"/api/images/{quote(picture_id, safe='')}"
        self._client.get(path, bytes, partial(self._on_fetched, picture_id), lambda _: self._forget(picture_id))

    def _on_fetched(self, picture_id: str, data: bytes) -> None:
        image = read_image(data)
        if image is not None:
            self._images[picture_id] = image
            self.arrived.emit(picture_id)

    def _forget(self, picture_id: str) -> None:
        """It did not come: ask again when it is wanted again."""
        self._images.pop(picture_id, None)


def read_image(source: bytes | str) -> QImage | None:
    """The picture in these bytes or that file, upright, at most `LARGEST_SIDE` wide and high; None for no picture."""
    buffer = QBuffer()  # held until the picture is read
    if isinstance(source, bytes):
        buffer.setData(QByteArray(source))
        buffer.open(QIODevice.OpenModeFlag.ReadOnly)
    reader = QImageReader(buffer) if isinstance(source, bytes) else QImageReader(source)
    reader.setDecideFormatFromContent(True)
    reader.setAutoTransform(True)  # cameras note how they were held
    size = reader.size()
    if size.isValid() and max(size.width(), size.height()) > LARGEST_SIDE:
        reader.setScaledSize(size.scaled(LARGEST_SIDE, LARGEST_SIDE, Qt.AspectRatioMode.KeepAspectRatio))
    image = reader.read()
    return None if image.isNull() else fitted(image)


def fitted(image: QImage) -> QImage:
    """The picture, scaled down where it is too large."""
    if max(image.width(), image.height()) <= LARGEST_SIDE:
        return image
    size = QSize(LARGEST_SIDE, LARGEST_SIDE)
    return image.scaled(size, Qt.AspectRatioMode.KeepAspectRatio, Qt.TransformationMode.SmoothTransformation)


def prepared(image: QImage) -> Picture:
    """The picture written anew, which leaves behind what a camera notes about place and time."""
    small = fitted(image)
    transparent = small.hasAlphaChannel()
    kind = "png" if transparent or small.colorCount() else "jpeg"
    data = QByteArray()
    buffer = QBuffer(data)
    buffer.open(QIODevice.OpenModeFlag.WriteOnly)
    small.save(buffer, kind.upper(), -1 if kind == "png" else QUALITY)  # type: ignore[call-overload] # it takes a device
    return Picture(Content(bytes(data.data()), f"image/{kind}"), small)


def holds_pictures(data: QMimeData) -> bool:
    """Whether what is pasted or dropped is a picture, or files that are; a picture beside text is its illustration."""
    return bool(picture_files(data)) or (data.hasImage() and not data.hasText())


def picture_files(data: QMimeData) -> list[str]:
    """The paths of the picture files in it; none where other things are among them."""
    paths = [url.toLocalFile() for url in data.urls()]
    kinds = {bytes(each.data()).decode() for each in QImageReader.supportedImageFormats()}
    return paths if all(path.rpartition(".")[2].lower() in kinds for path in paths) else []
