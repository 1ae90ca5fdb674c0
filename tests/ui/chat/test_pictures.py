"""Tests of pictures on their way: small enough, upright, without what a camera notes, and nothing that is none."""

from pathlib import Path

import pytest
from PySide6.QtCore import QMimeData, QUrl
from PySide6.QtGui import QColor, QImage, QImageReader
from pytestqt.qtbot import QtBot

from app.ui.chat.pictures import LARGEST_SIDE, Pictures, holds_pictures, picture_files, prepared, read_image
from tests.ui.fake_client import FakeClient


def image(width: int, height: int, kind: QImage.Format = QImage.Format.Format_RGB32) -> QImage:
    made = QImage(width, height, kind)
    made.fill(QColor("#2C6E60"))
    return made


@pytest.mark.parametrize(("width", "height"), [(4_096, 1_024), (1_024, 4_096), (2_049, 2_049), (10, 10)])
def test_large_ones_are_scaled_down_and_keep_their_shape(qtbot: QtBot, width: int, height: int) -> None:
    picture = prepared(image(width, height))
    read = QImage.fromData(picture.content.data)
    assert max(read.width(), read.height()) == min(max(width, height), LARGEST_SIDE)
    assert abs(read.width() / read.height() - width / height) < 0.01
    assert picture.image.size() == read.size()


def test_what_shows_through_stays_so(qtbot: QtBot) -> None:
    assert prepared(image(5, 5, QImage.Format.Format_ARGB32)).content.kind == "image/png"
    assert prepared(image(5, 5)).content.kind == "image/jpeg"


def test_a_file_is_read_small_enough(qtbot: QtBot, tmp_path: Path) -> None:
    path = tmp_path / "large.png"
    image(3_000, 1_500).save(str(path))
    read = read_image(str(path))
    assert read is not None
    assert (read.width(), read.height()) == (2_048, 1_024)


@pytest.mark.parametrize("data", [b"", b"not a picture", b"\x89PNG\r\n\x1a\n cut off"])
def test_what_is_no_picture_is_none(qtbot: QtBot, data: bytes, tmp_path: Path) -> None:
    assert read_image(data) is None
    path = tmp_path / "x.png"
    path.write_bytes(data)
    assert read_image(str(path)) is None


def test_a_camera_held_sideways_is_set_upright(qtbot: QtBot, tmp_path: Path) -> None:
    plain = prepared(image(40, 20)).content.data
    exif = bytes.fromhex("ffe1 0022 457869660000 4d4d002a00000008 0001 0112 0003 00000001 0006 0000 00000000")
    turned = plain[:2] + exif + plain[2:]
    read = read_image(turned)
    assert read is not None
    assert (read.width(), read.height()) == (20, 40)
    assert b"Exif" not in prepared(read).content.data


def test_a_picture_is_told_from_text_with_an_illustration(qtbot: QtBot, tmp_path: Path) -> None:
    screenshot, page, files, mixed, words = (QMimeData() for _ in range(5))
    screenshot.setImageData(image(5, 5))
    page.setImageData(image(5, 5))
    page.setText("a page")
    files.setUrls([QUrl.fromLocalFile("/x/a.JPG"), QUrl.fromLocalFile("/x/b.png")])
    mixed.setUrls([QUrl.fromLocalFile("/x/a.jpg"), QUrl.fromLocalFile("/x/b.txt")])
    words.setText("words")
    assert holds_pictures(screenshot)
    assert holds_pictures(files)
    assert not any(holds_pictures(each) for each in (page, mixed, words))
    assert picture_files(files) == ["/x/a.JPG", "/x/b.png"]
    assert b"png" in [bytes(each.data()) for each in QImageReader.supportedImageFormats()]


def test_each_is_fetched_once_and_again_only_where_it_failed(qtbot: QtBot, client: FakeClient) -> None:
    pictures = Pictures(client)
    arrived: list[str] = []
    pictures.arrived.connect(arrived.append)
    assert pictures.image("a") is None
    assert pictures.image("a") is None
    qtbot.waitUntil(lambda: client.answered == 1)  # there is no such picture yet
    client.answers["GET /api/images/a"] = prepared(image(5, 5)).content.data
    assert pictures.image("a") is None
    qtbot.waitUntil(lambda: arrived == ["a"])
    assert pictures.image("a") is not None
    assert len(client.requests) == 2
