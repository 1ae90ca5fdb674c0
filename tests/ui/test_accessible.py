"""Walks the tree that screen readers see: nothing without a name, nothing the keyboard cannot reach."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from PySide6.QtCore import Qt
from PySide6.QtGui import QAccessible, QAccessibleInterface
from PySide6.QtWidgets import QApplication, QLabel, QWidget
from pytestqt.qtbot import QtBot

from app.protocol import Conversation, Message, MessagePage, Role
from app.settings import LanguageChoice
from app.ui.hardware import HardwarePage
from app.ui.hardware.bar import Bar
from app.ui.hardware.page import ADVICE, MACHINE, SPEED
from app.ui.places import Place
from app.ui.translate import translations
from tests.ui.fake_client import FakeClient
from tests.ui.finding import texts
from tests.ui.hardware.said import tell_everything
from tests.ui.test_window import Shown, conversation

CONTROLS = {
    QAccessible.Role.Button,
    QAccessible.Role.ButtonMenu,
    QAccessible.Role.ButtonDropDown,
    QAccessible.Role.CheckBox,
    QAccessible.Role.RadioButton,
    QAccessible.Role.ComboBox,
    QAccessible.Role.EditableText,
    QAccessible.Role.SpinBox,
    QAccessible.Role.List,
    QAccessible.Role.ProgressBar,
    QAccessible.Role.Slider,
}
UNREACHED = {QAccessible.Role.ProgressBar}
"""Controls that are only looked at."""


def walk(interface: QAccessibleInterface) -> Iterator[QAccessibleInterface]:
    """This node and all below it that are shown."""
    yield interface
    for number in range(interface.childCount()):
        child = interface.child(number)
        if not child.state().invisible:
            yield from walk(child)


def controls(window: QWidget) -> Iterator[tuple[QAccessibleInterface, QWidget]]:
    """Every control that is shown, with its widget."""
    root = QAccessible.queryAccessibleInterface(window)
    assert root is not None
    for node in walk(root):
        widget = node.object()
        if node.role() in CONTROLS and isinstance(widget, QWidget) and widget.isVisible():
            yield node, widget


def reachable(widget: QWidget) -> bool:
    """Whether Tab or the arrow keys lead there (a part of a compound control counts as the whole)."""
    if widget.focusPolicy() & Qt.FocusPolicy.TabFocus:
        return True
    proxy = widget.focusProxy()
    parent = widget.parentWidget()
    return (proxy is not None and reachable(proxy)) or (parent is not None and parent.inherits("QSpinBox"))


@pytest.fixture
def shown(qtbot: QtBot, client: FakeClient, tmp_path: Path) -> Iterator[Shown]:
    QAccessible.setActive(True)
    open_one = Conversation(id=1, title="First", created=0, updated=0, leaf_id=2)
    made = Shown(qtbot, client, tmp_path, open_one, conversation(2, "Second"))
    question = Message(id=1, conversation_id=1, role=Role.USER, text="Hi", created=0, siblings=(1,))
    answer = Message(
        id=2,
        conversation_id=1,
        parent_id=1,
        role=Role.ASSISTANT,
        text="Hello\n```\ncode\n```",
        created=0,
        siblings=(2, 3),
    )
    client.answers["GET /api/conversations/1/messages"] = MessagePage(messages=[question, answer])
    yield made
    QAccessible.setActive(False)


def visit(shown: Shown, place: Place) -> None:
    shown.window.show_place(place)
    if place is Place.CHAT:
        shown.window.open_conversation(1)
        shown.qtbot.waitUntil(lambda: len(shown.window.chat.conversation.messages) == 2)
    QApplication.processEvents()


@pytest.mark.parametrize("place", list(Place))
@pytest.mark.parametrize("size", [(1280, 800), (800, 600)])
@pytest.mark.parametrize("language", [LanguageChoice.ENGLISH, LanguageChoice.CHINESE])
def test_every_control_is_named_and_reachable(
    shown: Shown, place: Place, size: tuple[int, int], language: LanguageChoice
) -> None:
    translations().use(language)
    shown.window.resize(*size)
    visit(shown, place)
    found = list(controls(shown.window))
    assert len(found) > 8
    nameless = [widget for node, widget in found if not node.text(QAccessible.Text.Name).strip()]
    assert nameless == []
    worked = [widget for node, widget in found if node.role() not in UNREACHED and not node.state().readOnly]
    stranded = [widget for widget in worked if not reachable(widget)]
    assert stranded == []


def test_the_walk_finds_a_nameless_button(shown: Shown) -> None:
    """The test above can fail."""
    visit(shown, Place.MODELS)
    shown.window.rail.hide()
    shown.window.sidebar.hide_button.setAccessibleName("")
    shown.window.sidebar.hide_button.setToolTip("")
    nameless = [widget for node, widget in controls(shown.window) if not node.text(QAccessible.Text.Name).strip()]
    assert nameless == [shown.window.sidebar.hide_button]


@pytest.mark.parametrize("place", list(Place))
def test_tab_goes_round_and_meets_every_control(shown: Shown, place: Place) -> None:
    """The keyboard alone: Tab from anywhere comes to everything that can be tabbed to, and back."""
    visit(shown, place)
    window = shown.window
    window.activateWindow()
    shown.qtbot.waitUntil(window.isActiveWindow)
    window.sidebar.new_button.setFocus(Qt.FocusReason.TabFocusReason)
    met: set[QWidget] = set()
    for _ in range(200):
        focused = QApplication.focusWidget()
        assert focused is not None
        if focused is window.sidebar.new_button and met:
            break
        met.add(focused)
        window.focusNextChild()
    else:
        pytest.fail("Tab never came back to where it began")
    expected = {widget for _, widget in controls(window) if widget.focusPolicy() & Qt.FocusPolicy.TabFocus}
    assert {widget for widget in expected if widget.isEnabled()} - met == set()


def test_the_tab_order_begins_at_the_top_of_the_sidebar(shown: Shown) -> None:
    visit(shown, Place.SETTINGS)
    window = shown.window
    window.activateWindow()
    shown.qtbot.waitUntil(window.isActiveWindow)
    window.sidebar.new_button.setFocus(Qt.FocusReason.TabFocusReason)
    order = []
    for _ in range(3):
        window.focusNextChild()
        focused = QApplication.focusWidget()
        assert focused is not None
        order.append(focused.accessibleName())
    assert order == ["Hide sidebar", "Search conversations", "Chat"]


@pytest.mark.parametrize("part", [MACHINE, ADVICE, SPEED])
@pytest.mark.parametrize("size", [(1280, 800), (800, 600)])
@pytest.mark.parametrize("language", [LanguageChoice.ENGLISH, LanguageChoice.CHINESE])
def test_every_part_of_this_computer_is_named_and_reachable(
    shown: Shown, part: int, size: tuple[int, int], language: LanguageChoice
) -> None:
    tell_everything(shown.client)
    translations().use(language)
    shown.window.resize(*size)
    visit(shown, Place.COMPUTER)
    page = shown.page()
    assert isinstance(page, HardwarePage)
    page.show_part(part)
    told = {MACHINE: "RTX 4060", ADVICE: "Third", SPEED: "model 13"}[part]
    shown.qtbot.waitUntil(lambda: told in texts(page))
    QApplication.processEvents()
    found = list(controls(page))
    assert len(found) > 4
    assert [widget for node, widget in found if not node.text(QAccessible.Text.Name).strip()] == []
    worked = [widget for node, widget in found if node.role() not in UNREACHED and not node.state().readOnly]
    assert [widget for widget in worked if not reachable(widget)] == []
    bars = [bar for bar in page.findChildren(Bar) if bar.isVisibleTo(page)]
    assert [bar for bar in bars if not bar.accessibleName()] == []


def test_pictures_that_mean_something_have_words(shown: Shown) -> None:
    visit(shown, Place.COMPUTER)
    for label in shown.page().findChildren(QLabel):
        if label.isVisible() and not label.pixmap().isNull():
            assert label.accessibleName()


@pytest.mark.parametrize("size", [(1280, 800), (800, 600)])
@pytest.mark.parametrize("language", [LanguageChoice.ENGLISH, LanguageChoice.CHINESE])
def test_the_panel_is_named_and_reachable(shown: Shown, size: tuple[int, int], language: LanguageChoice) -> None:
    translations().use(language)
    shown.window.resize(*size)
    visit(shown, Place.CHAT)
    side = shown.window.chat.side
    side.show(True)
    assert side.panel is not None
    side.panel.more.button.click()
    QApplication.processEvents()
    found = list(controls(side.panel))
    assert len(found) > 30
    assert [widget for node, widget in found if not node.text(QAccessible.Text.Name).strip()] == []
    assert [widget for _, widget in found if widget.isEnabled() and not reachable(widget)] == []
