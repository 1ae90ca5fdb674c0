"""Finding things in a widget the way a person does: by their words and names."""

from typing import TypeVar

from PySide6.QtWidgets import QAbstractButton, QLabel, QPushButton, QWidget

W = TypeVar("W", bound=QWidget)


def child(widget: QWidget, kind: type[W]) -> W:
    """The first widget of that kind below; it has to be there."""
    found = widget.findChild(kind)
    assert found is not None, f"no {kind.__name__}"
    return found


def texts(widget: QWidget) -> str:
    """The words of all labels that can be seen, one a line."""
    labels = widget.findChildren(QLabel)
    return "\n".join(label.text() for label in labels if label.isVisibleTo(widget) and label.text())


def button(widget: QWidget, text: str) -> QPushButton:
    """The visible button with these words."""
    return next(each for each in widget.findChildren(QPushButton) if each.text() == text and each.isVisibleTo(widget))


def named(widget: QWidget, name: str) -> QAbstractButton:
    """The button with that accessible name."""
    return next(each for each in widget.findChildren(QAbstractButton) if each.accessibleName() == name)
