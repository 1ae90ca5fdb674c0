"""Puts a page together part by part, one part in each turn of the event loop, so that the window answers meanwhile."""

from collections.abc import Iterable, Iterator

from PySide6.QtCore import QCoreApplication, QObject, QTimer
from PySide6.QtWidgets import QApplication, QWidget
from shiboken6 import isValid


class Builder(QObject):
    """Does the steps it was last given, in their order. It ends with the widget it belongs to.

    All builders share the turns: who began first goes on until it is done.
    """

    def __init__(self, parent: QWidget) -> None:
        super().__init__(parent)
        self._steps: Iterator[object] | None = None

    @property
    def active(self) -> bool:
        """Whether there are steps left."""
        return self._steps is not None

    def build(self, steps: Iterable[object]) -> None:
        """Take these steps, each an item, in place of what was left of others."""
        self._steps = iter(steps)
        _turns().add(self)

    def step(self) -> None:
        """Do one of them."""
        steps = self._steps
        try:
            next(steps or iter(()))
        except StopIteration:
            if self._steps is steps:  # else the last step began other work
                self._steps = None


class _Turns(QObject):
    """Whose turn it is. Widgets that have gone are passed over."""

    def __init__(self, parent: QCoreApplication) -> None:
        super().__init__(parent)
        self._waiting: list[Builder] = []
        self._timer = QTimer(self, interval=0)
        self._timer.timeout.connect(self._on_turn)

    @property
    def busy(self) -> bool:
        return self._timer.isActive()

    def add(self, builder: Builder) -> None:
        if builder not in self._waiting:
            self._waiting.append(builder)
        self._timer.start()

    def _on_turn(self) -> None:
        self._waiting = [each for each in self._waiting if isValid(each) and each.active]
        if self._waiting:
            self._waiting[0].step()
        else:
            self._timer.stop()


def building() -> bool:
    """Whether anything is still being put together."""
    return _turns().busy


def _turns() -> _Turns:
    app = QApplication.instance()
    if app is None:
        raise TypeError("a builder needs an application")
    return app.findChild(_Turns) or _Turns(app)
