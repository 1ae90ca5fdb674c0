"""One part in each turn, in order, until the content changes or the widget goes."""

from collections.abc import Iterator

import pytest
from PySide6.QtWidgets import QWidget
from pytestqt.qtbot import QtBot

from app.ui.hardware.builder import Builder, building


@pytest.fixture
def widget(qtbot: QtBot) -> QWidget:
    widget = QWidget()
    qtbot.addWidget(widget)
    return widget


def steps(done: list[str], words: str) -> Iterator[None]:
    for word in words:
        done.append(word)
        yield


def test_steps_are_done_in_order_and_the_first_to_begin_is_first_done(widget: QWidget, qtbot: QtBot) -> None:
    done: list[str] = []
    first, second = Builder(widget), Builder(widget)
    first.build(steps(done, "abc"))
    second.build(steps(done, "xy"))
    assert done == [], "nothing in the turn that asked for it"
    qtbot.waitUntil(lambda: not building())
    assert "".join(done) == "abcxy"
    assert not first.active


def test_other_work_takes_the_place_of_what_was_left(widget: QWidget, qtbot: QtBot) -> None:
    done: list[str] = []
    builder = Builder(widget)

    def old() -> Iterator[None]:
        done.append("old")
        builder.build(steps(done, "n"))
        yield
        done.append("older")

    builder.build(old())
    qtbot.waitUntil(lambda: not building())
    assert done == ["old", "n"]


def test_nothing_is_built_for_a_widget_that_has_gone(widget: QWidget, qtbot: QtBot) -> None:
    done: list[str] = []
    gone = QWidget()
    Builder(gone).build(steps(done, "ab"))
    gone.deleteLater()
    Builder(widget).build(steps(done, "c"))
    qtbot.waitUntil(lambda: not building())
    assert done[-1] == "c"
    assert "b" not in done
