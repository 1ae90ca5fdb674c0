import ast
from pathlib import Path

import pytest
from PySide6.QtCore import QSize
from PySide6.QtGui import QColor, QIcon, QImage
from PySide6.QtWidgets import QApplication

from app.paths import RESOURCES
from app.ui.icons import icon
from app.ui.places import Place

UI = Path(__file__).resolve().parents[2] / "app" / "ui"
ICON_CALLS = {"icon": 0, "paint_icon": 1, "IconButton": 0, "EmptyState": 0, "set_icon": 0}


def colours_in(image: QImage) -> set[str]:
    """The colours of all opaque pixels."""
    pixels = ((x, y) for x in range(image.width()) for y in range(image.height()))
    found = (image.pixelColor(x, y) for x, y in pixels)
    return {colour.name() for colour in found if colour.alpha() == 255}


def named_icons() -> set[str]:
    """Every icon that the sources name literally."""
    names = set()
    for path in UI.rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if not isinstance(node, ast.Call):
                continue
            name = node.func.attr if isinstance(node.func, ast.Attribute) else getattr(node.func, "id", "")
            place = ICON_CALLS.get(name)
            said = [] if place is None or place >= len(node.args) else [node.args[place]]
            said += [keyword.value for keyword in node.keywords if keyword.arg == "name" and name == "Button"]
            names |= {each.value for each in said if isinstance(each, ast.Constant) and isinstance(each.value, str)}
    return names


def test_every_named_icon_is_shipped(qapp: QApplication) -> None:
    names = named_icons() | {place.icon for place in Place}
    assert len(names) > 10
    shipped = {path.stem for path in (RESOURCES / "icons").glob("*.svg")}
    assert names <= shipped


def test_every_shipped_icon_draws_something(qapp: QApplication) -> None:
    for path in (RESOURCES / "icons").glob("*.svg"):
        image = icon(path.stem, "#FF0000").pixmap(24, 24).toImage()
        assert any(image.pixelColor(x, y).alpha() for x in range(24) for y in range(24)), path.stem


def test_an_icon_takes_its_colour(qapp: QApplication) -> None:
    image = icon("square", QColor("#2C6E60")).pixmap(48, 48).toImage()
    assert "#2c6e60" in colours_in(image)


def test_an_icon_is_drawn_afresh_for_dense_screens(qapp: QApplication) -> None:
    pixmap = icon("plus", "#000000").pixmap(QSize(18, 18), 2.0)
    assert pixmap.size() == QSize(36, 36)
    assert pixmap.devicePixelRatio() == 2.0
    assert "#000000" in colours_in(pixmap.toImage())


def test_a_wider_size_leaves_room_at_the_right(qapp: QApplication) -> None:
    image = icon("square", "#000000").pixmap(24, 16).toImage()
    opaque = [x for x in range(24) for y in range(16) if image.pixelColor(x, y).alpha() > 100]
    assert max(opaque) < 16


def test_disabled_is_fainter(qapp: QApplication) -> None:
    def strongest(mode: QIcon.Mode) -> int:
        image = icon("square", "#000000").pixmap(QSize(24, 24), mode).toImage()
        return max(image.pixelColor(x, y).alpha() for x in range(24) for y in range(24))

    assert strongest(QIcon.Mode.Disabled) < strongest(QIcon.Mode.Normal)


def test_an_unknown_icon_is_an_error(qapp: QApplication) -> None:
    with pytest.raises(FileNotFoundError):
        icon("no-such-icon", "#000000")
