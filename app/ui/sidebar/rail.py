"""The narrow strip that stands where the sidebar is hidden."""

from PySide6.QtCore import Qt, Signal
from PySide6.QtWidgets import QVBoxLayout, QWidget

from app.ui.theme import theme_of
from app.ui.translate import Retranslated
from app.ui.widgets import IconButton, follow_theme


class Rail(Retranslated, QWidget):
    """Three buttons: show the sidebar, new conversation, search."""

    show_asked = Signal()
    new_asked = Signal()
    search_asked = Signal()

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setObjectName("sidebar")
        self.setAttribute(Qt.WidgetAttribute.WA_StyledBackground)
        self._show = IconButton("panel-left", "", size=32)
        self._new = IconButton("square-pen", "", size=32)
        self._search = IconButton("search", "", size=32)
        self._show.clicked.connect(self.show_asked)
        self._new.clicked.connect(self.new_asked)
        self._search.clicked.connect(self.search_asked)
        self._column = QVBoxLayout(self)
        for button in (self._show, self._new, self._search):
            self._column.addWidget(button)
        self._column.addStretch(1)
        self.retranslate()
        follow_theme(self._restyle)

    def retranslate(self) -> None:
        self._show.set_label(self.tr("Show sidebar"), "Ctrl+B")
        self._new.set_label(self.tr("New conversation"), "Ctrl+N")
        self._search.set_label(self.tr("Search conversations"), "Ctrl+K")

    def _restyle(self) -> None:
        theme = theme_of(self)
        self.setFixedWidth(theme.px(49))
        self._column.setContentsMargins(theme.px(8), theme.px(12), theme.px(8), theme.px(12))
        self._column.setSpacing(theme.px(4))
