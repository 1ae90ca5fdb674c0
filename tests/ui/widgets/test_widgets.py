from typing import Protocol

import pytest
from PySide6.QtCore import QPoint, Qt
from PySide6.QtGui import QGuiApplication
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QApplication, QHBoxLayout, QLabel, QLineEdit, QPushButton, QVBoxLayout, QWidget
from pytestqt.qtbot import QtBot

from app.errors import AppError
from app.settings import Settings, Theme
from app.ui.theme import theme_source
from app.ui.widgets import (
    Badge,
    Button,
    Choice,
    ElidedLabel,
    EmptyState,
    ErrorCard,
    FieldRow,
    FocusRing,
    IconButton,
    Label,
    Pill,
    Ring,
    Switch,
    Toast,
    show_toast,
)
from tests.ui.finding import button, texts


class Host(Protocol):
    def __call__(self, *widgets: QWidget) -> QWidget: ...


@pytest.fixture
def host(qtbot: QtBot) -> Host:
    """Makes a window that holds these widgets and lives as long as the test."""
    windows: list[QWidget] = []

    def make(*widgets: QWidget) -> QWidget:
        window = QWidget()
        windows.append(window)
        column = QVBoxLayout(window)
        for widget in widgets:
            column.addWidget(widget)
        qtbot.addWidget(window)
        window.resize(480, 360)
        window.show()
        return window

    return make


# ---------------------------------------------------------------- errors


def test_an_error_says_what_happened_and_what_to_do(qtbot: QtBot, host: Host) -> None:
    card = ErrorCard(AppError("port_in_use", host="127.0.0.1", port=8484, next_port=8485), "Try again")
    host(card)
    said = texts(card)
    assert "Port 8484 is in use" in said
    assert "8485" in said
    assert "port_in_use" not in said  # the bare code is for the details
    with qtbot.waitSignal(card.acted):
        button(card, "Try again").click()


def test_details_are_folded_and_can_be_copied(qtbot: QtBot, host: Host) -> None:
    card = ErrorCard(AppError("disk_full", folder="/home/x"))
    host(card)
    button(card, "Details").click()
    assert "disk_full" in texts(card)
    button(card, "Copy details").click()
    assert "disk_full" in QGuiApplication.clipboard().text()
    button(card, "Hide details").click()
    assert "disk_full" not in texts(card)


def test_an_error_without_an_action_has_no_button_for_it(qtbot: QtBot, host: Host) -> None:
    card = ErrorCard(AppError("unauthorized"))
    host(card)
    assert [each.text() for each in card.findChildren(QPushButton) if each.isVisibleTo(card)] == ["Details"]


# ---------------------------------------------------------------- toast


def test_a_toast_offers_the_way_back(qtbot: QtBot, host: Host) -> None:
    inner = QLabel("x")
    window = host(inner)
    undone: list[bool] = []
    toast = show_toast(inner, "Deleted", "Undo", lambda: undone.append(True))
    assert toast.isVisible()
    assert toast.parent() is window
    button(toast, "Undo").click()
    assert undone == [True]
    assert not toast.isVisible()


def test_there_is_one_toast_and_it_stays_inside(qtbot: QtBot, host: Host) -> None:
    inner = QLabel("x")
    window = host(inner)
    first = show_toast(inner, "One")
    second = show_toast(inner, "Two")
    assert first is second
    assert len(window.findChildren(Toast)) == 1
    window.resize(320, 240)
    assert window.rect().contains(second.geometry())


# ---------------------------------------------------------------- buttons and small things


def test_an_icon_button_is_named(qtbot: QtBot) -> None:
    made = IconButton("plus", "New conversation")
    qtbot.addWidget(made)
    assert made.accessibleName() == "New conversation"
    made.set_label("Search", "Ctrl+K")
    assert made.accessibleName() == "Search"
    assert "Ctrl+K" in made.toolTip()
    assert made.focusPolicy() & Qt.FocusPolicy.TabFocus
    assert made.width() >= 28


def test_icons_follow_the_theme(qtbot: QtBot) -> None:
    made = IconButton("square", "Stop")
    qtbot.addWidget(made)
    light = made.icon().pixmap(18, 18).toImage()
    theme_source().use(Settings(theme=Theme.DARK))
    assert made.icon().pixmap(18, 18).toImage() != light


def test_a_disabled_button_greys_its_icon(qtbot: QtBot) -> None:
    made = Button("Send", kind="primary", name="square")
    qtbot.addWidget(made)
    before = made.icon().pixmap(16, 16).toImage()
    made.setEnabled(False)
    assert made.icon().pixmap(16, 16).toImage() != before


def test_sizes_follow_the_text_size(qtbot: QtBot) -> None:
    made, ring, switch = IconButton("plus", "New"), Ring("x"), Switch()
    before = [widget.width() for widget in (made, ring, switch)]
    theme_source().use(Settings(text_size=200))
    for widget, width in zip((made, ring, switch), before, strict=True):
        assert widget.width() == pytest.approx(2 * width, abs=2)
        qtbot.addWidget(widget)


def test_a_pill_is_a_button_with_its_text_as_name(qtbot: QtBot) -> None:
    pill = Pill("Starter · Q8_0", opens_menu=True)
    qtbot.addWidget(pill)
    assert pill.accessibleName() == "Starter · Q8_0"
    narrow = pill.sizeHint().width()
    pill.set_text("A much longer name · Q4_K_M")
    assert pill.sizeHint().width() > narrow
    pill.set_progress(0.5)
    pill.resize(pill.sizeHint())
    assert pill.grab().toImage() != QPushButton().grab().toImage()
    with qtbot.waitSignal(pill.clicked):
        QTest.keyClick(pill, Qt.Key.Key_Space)


def test_an_empty_badge_is_not_there(qtbot: QtBot, host: Host) -> None:
    badge = Badge("Loaded", "accent")
    host(badge)
    badge.set_text("")
    assert not badge.isVisible()
    badge.set_text("Broken", "bad")
    assert badge.isVisible()
    assert badge.accessibleName() == "Broken"


@pytest.mark.parametrize("share", [-1.0, 0.0, 0.5, 0.95, 7.0])
def test_a_ring_draws_any_share(qtbot: QtBot, share: float) -> None:
    ring = Ring("none")
    qtbot.addWidget(ring)
    ring.set_value(share, "1,204 of 8,192")
    assert ring.toolTip() == "1,204 of 8,192"
    assert not ring.grab().isNull()


def test_a_fuller_ring_shows_more(qtbot: QtBot) -> None:
    ring = Ring("x")
    qtbot.addWidget(ring)
    empty = ring.grab().toImage()
    ring.set_value(0.5, "x")
    half = ring.grab().toImage()
    ring.set_value(0.95, "x")
    assert len({empty.cacheKey(), half.cacheKey()}) == 2
    assert empty != half
    assert ring.grab().toImage() != half


def test_a_long_line_is_cut_and_told_whole(qtbot: QtBot, host: Host) -> None:
    label = ElidedLabel("word " * 50)
    window = host(label)
    label.setFixedWidth(120)
    window.grab()
    assert label.toolTip() == "word " * 50
    label.setText("short")
    window.grab()
    assert label.toolTip() == ""
    assert label.minimumSizeHint().width() < 120


def test_a_label_never_reads_html(qtbot: QtBot) -> None:
    label = Label("<b>not bold</b>")
    qtbot.addWidget(label)
    assert label.textFormat() is Qt.TextFormat.PlainText


def test_an_empty_state_has_one_button(qtbot: QtBot, host: Host) -> None:
    state = EmptyState("box")
    host(state)
    state.set_words("Nothing", "Put a file here.", "Open folder")
    with qtbot.waitSignal(state.acted):
        button(state, "Open folder").click()
    state.set_words("Nothing", "", "")
    assert texts(state) == "Nothing"


# ---------------------------------------------------------------- fields


def test_a_switch_is_worked_by_keyboard(qtbot: QtBot, host: Host) -> None:
    switch = Switch()
    host(switch)
    off = switch.grab().toImage()
    QTest.keyClick(switch, Qt.Key.Key_Space)
    assert switch.isChecked()
    assert switch.grab().toImage() != off


def test_only_a_persons_choice_is_told(qtbot: QtBot, host: Host) -> None:
    choice = Choice()
    host(choice)
    choice.set_options([("a", "Alpha"), ("b", "Beta")])
    with qtbot.assertNotEmitted(choice.picked):
        choice.set_value("b")
    with qtbot.waitSignal(choice.picked) as picked:
        QTest.keyClick(choice, Qt.Key.Key_Up)
    assert picked.args == ["a"]
    choice.set_options([("b", "Bê"), ("a", "Alfa")])
    assert choice.currentText() == "Alfa"


def test_a_field_row_names_its_control(qtbot: QtBot, host: Host) -> None:
    switch = Switch()
    row = FieldRow(switch)
    host(row)
    row.set_words("Public port", "For other programs")
    assert switch.accessibleName() == "Public port"
    assert switch.accessibleDescription() == "For other programs"


# ---------------------------------------------------------------- focus


def test_the_ring_follows_the_keyboard_only(qtbot: QtBot, host: Host, qapp: QApplication) -> None:
    one, two, field = Button("One"), Button("Two"), QLineEdit()
    window = host(one, two, field)
    ring = FocusRing(window, qapp)
    window.activateWindow()
    qtbot.waitUntil(window.isActiveWindow)
    one.setFocus()
    QTest.keyClick(one, Qt.Key.Key_Tab)
    assert two.hasFocus()
    assert ring.isVisible()
    assert ring.geometry().contains(QPoint(two.geometry().center()))
    QTest.keyClick(two, Qt.Key.Key_Tab)
    assert field.hasFocus()
    assert not ring.isVisible()  # a field shows its focus by its border


def test_the_ring_is_whole_where_a_row_reaches_to_the_edge(qtbot: QtBot, qapp: QApplication) -> None:
    window, row = QWidget(), QPushButton("Row")
    qtbot.addWidget(window)
    row.setParent(window)
    row.setGeometry(0, 10, 200, 32)
    window.resize(200, 100)
    ring = FocusRing(window, qapp)
    with qtbot.waitExposed(window):
        window.show()
    ring.setWidget(row)
    ring.show()
    assert ring.geometry().width() > window.width()
    assert window.rect().contains(ring.seen.translated(ring.pos()))


def test_rows_do_not_widen_the_window(qtbot: QtBot) -> None:
    long = Label("word " * 200, wrap=True)
    window = QWidget()
    QHBoxLayout(window).addWidget(long)
    qtbot.addWidget(window)
    assert window.minimumSizeHint().width() < 400
