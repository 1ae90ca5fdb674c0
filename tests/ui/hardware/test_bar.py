"""Bars are drawn to scale, and all of them is said in words."""

from PySide6.QtGui import QImage
from PySide6.QtWidgets import QLabel
from pytestqt.qtbot import QtBot

from app.ui.hardware.bar import Bar, Legend, Piece, Tone
from app.ui.hardware.builder import building
from app.ui.hardware.table import Table
from app.ui.theme import theme_of


def painted(bar: Bar) -> QImage:
    bar.resize(200, 14)
    return bar.grab().toImage()


def test_pieces_take_their_share_of_the_width(qtbot: QtBot) -> None:
    bar = Bar()
    qtbot.addWidget(bar)
    bar.show_pieces([Piece(50, "ours"), Piece(25, "others", Tone("bad")), Piece(25, "free", None)], 100, "words", 90)
    image, theme = painted(bar), theme_of(bar)
    scale = image.width() / 200
    seen = [image.pixelColor(round(place * scale), image.height() // 2).name() for place in (50, 120, 160)]
    assert seen == [theme.colour(name).name() for name in ("accent", "bad", "sunken")]
    assert image.pixelColor(round(180 * scale), 1) == theme.colour("text"), "the tick of the limit"
    assert bar.accessibleName() == "words"


def test_what_is_more_than_the_whole_stays_inside(qtbot: QtBot) -> None:
    bar = Bar()
    qtbot.addWidget(bar)
    bar.show_pieces([Piece(500, "too much")], 100, "words", 300)
    assert painted(bar).pixelColor(100, 7) == theme_of(bar).colour("accent")


def test_a_legend_says_the_pieces_of_now(qtbot: QtBot) -> None:
    legend = Legend()
    qtbot.addWidget(legend)
    legend.show_pieces([Piece(1, "one"), Piece(2, "two")])
    legend.show_pieces([Piece(3, "three", None)])
    shown = [label.text() for label in legend.findChildren(QLabel) if label.isVisibleTo(legend)]
    assert shown == ["three"]


def test_a_table_keeps_its_cells_and_hides_what_is_no_more(qtbot: QtBot) -> None:
    table = Table(1, 1)
    qtbot.addWidget(table)
    table.set_head(["name", "figure"])
    table.set_rows([["a", "1"], ["b", "2"]])
    qtbot.waitUntil(lambda: not building())
    cells = table.findChildren(QLabel)
    table.set_rows([["a", "3"]])
    assert table.rows == [["a", "3"]]
    assert table.findChildren(QLabel) == cells
    assert [label.text() for label in cells if label.isVisibleTo(table)] == ["name", "figure", "a", "3"]
