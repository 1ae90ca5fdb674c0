"""Tests of when Python looks for garbage."""

import gc
import weakref
from collections.abc import Iterator

import pytest
from PySide6.QtCore import QEvent, QPointF, Qt
from PySide6.QtGui import QMouseEvent, QWindow
from PySide6.QtWidgets import QApplication
from pytestqt.qtbot import QtBot

from app.ui import garbage

PATIENCE_MS = 20_000


@pytest.fixture(autouse=True)
def as_before() -> Iterator[None]:
    """Python's own way of searching, before and after."""
    threshold, enabled = gc.get_threshold(), gc.isenabled()
    yield
    gc.unfreeze()
    gc.set_threshold(*threshold)
    if not enabled:
        gc.disable()


class Knot:
    """Holds itself."""

    def __init__(self) -> None:
        self.me = self


def old_garbage() -> "weakref.ref[Knot]":
    """Something unreachable that only a full search finds."""
    knot = Knot()
    for _ in range(garbage.DUE + 1):
        gc.collect(1)
    return weakref.ref(knot)


def test_what_was_set_aside_is_not_searched_and_nothing_full_starts_by_itself() -> None:
    garbage.set_aside()
    assert gc.get_freeze_count() > 1_000
    before = gc.get_stats()[2]["collections"]
    kept = [[number] for number in range(200_000)]
    assert len(kept) == 200_000
    assert gc.get_stats()[1]["collections"] > 0
    assert gc.get_stats()[2]["collections"] == before


def test_everything_is_searched_when_the_window_is_quiet(qtbot: QtBot, qapp: QApplication) -> None:
    garbage.set_aside()
    window = QWindow()
    lost = old_garbage()
    garbage.QuietSearch(window, lambda: False, quiet_ms=1)
    qtbot.waitUntil(lambda: lost() is None, timeout=PATIENCE_MS)


def test_it_waits_until_nothing_is_being_done(qtbot: QtBot, qapp: QApplication) -> None:
    garbage.set_aside()
    window = QWindow()
    lost, asked = old_garbage(), []

    def busy() -> bool:
        asked.append(lost() is not None)
        return len(asked) < 4

    garbage.QuietSearch(window, busy, quiet_ms=1)
    qtbot.waitUntil(lambda: lost() is None, timeout=PATIENCE_MS)
    assert asked == [True] * 4


def test_it_looks_again_after_the_pointer_has_moved(qtbot: QtBot, qapp: QApplication) -> None:
    garbage.set_aside()
    window, looked = QWindow(), []

    def busy() -> bool:
        looked.append(True)
        return False

    garbage.QuietSearch(window, busy, quiet_ms=1)
    qtbot.waitUntil(lambda: len(looked) == 1, timeout=PATIENCE_MS)
    lost = old_garbage()
    here = QPointF(1, 1)
    none = Qt.MouseButton.NoButton
    moved = QMouseEvent(QEvent.Type.MouseMove, here, here, none, none, Qt.KeyboardModifier.NoModifier)
    QApplication.sendEvent(window, moved)
    qtbot.waitUntil(lambda: lost() is None, timeout=PATIENCE_MS)
    assert len(looked) == 2
