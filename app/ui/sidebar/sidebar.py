"""The sidebar: composes what stands at the left of the window."""

from PySide6.QtCore import Qt, Signal
from PySide6.QtWidgets import QFrame, QHBoxLayout, QStackedWidget, QVBoxLayout, QWidget

from app.protocol import SearchHit
from app.ui.client import Client
from app.ui.conversations import Conversations
from app.ui.sidebar.conversation_list import ConversationList
from app.ui.sidebar.navigation import Navigation
from app.ui.sidebar.search import Search, SearchField, SearchResults
from app.ui.theme import theme_of
from app.ui.translate import Retranslated
from app.ui.widgets import Button, IconButton, Label, follow_theme

WIDTH = 260


class Sidebar(Retranslated, QWidget):
    """New conversation, search, pages, conversations. It asks the window for everything by signals."""

    new_asked = Signal()
    hide_asked = Signal()
    place_chosen = Signal(object)
    conversation_chosen = Signal(int)
    hit_chosen = Signal(object)

    def __init__(self, client: Client, conversations: Conversations, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setObjectName("sidebar")
        self.setAttribute(Qt.WidgetAttribute.WA_StyledBackground)
        self._conversations = conversations
        self._search = Search(client, self)
        self.new_button = Button(kind="wide", name="square-pen")
        self.hide_button = IconButton("panel-left", self.tr("Hide sidebar"), size=32)
        self.field = SearchField()
        self.navigation = Navigation()
        self.conversations = ConversationList(conversations)
        self.results = SearchResults()
        self._empty = Label(role="muted", wrap=True)
        self._stack = QStackedWidget()
        self._lay_out()
        self._connect()
        self.retranslate()
        follow_theme(self._restyle)

    def retranslate(self) -> None:
        self.new_button.setText(self.tr("New conversation"))
        self.hide_button.set_label(self.tr("Hide sidebar"), "Ctrl+B")
        self._say_empty()

    def focus_search(self) -> None:
        self.field.setFocus(Qt.FocusReason.ShortcutFocusReason)
        self.field.selectAll()

    def show_conversation(self, conversation_id: int | None) -> None:
        self.conversations.show_current(conversation_id)

    def _lay_out(self) -> None:
        top = QHBoxLayout()
        top.addWidget(self.new_button, 1)
        top.addWidget(self.hide_button)
        rule = QFrame()
        rule.setObjectName("rule")
        for widget in (self.conversations, self.results, self._empty):
            self._stack.addWidget(widget)
        self._empty.setAlignment(Qt.AlignmentFlag.AlignTop)
        self._column = QVBoxLayout(self)
        self._column.addLayout(top)
        for each in (self.field, self.navigation, rule):
            self._column.addWidget(each)
        self._column.addWidget(self._stack, 1)
        self._top = top

    def _connect(self) -> None:
        self.new_button.clicked.connect(self.new_asked)
        self.hide_button.clicked.connect(self.hide_asked)
        self.navigation.chosen.connect(self.place_chosen)
        self.conversations.chosen.connect(self.conversation_chosen)
        self.results.chosen.connect(self.hit_chosen)
        self.field.textChanged.connect(self._on_text)
        self.field.left_downwards.connect(self._on_downwards)
        self._search.found.connect(self._on_found)
        self._conversations.changed.connect(self._on_changed)

    def _on_text(self, text: str) -> None:
        self._search.look_for(text)
        if not text.strip():
            self._show_conversations()

    def _on_found(self, hits: list[SearchHit]) -> None:
        self.results.show_hits(hits)
        self._stack.setCurrentWidget(self.results if hits else self._empty)
        self._say_empty()

    def _on_downwards(self) -> None:
        if self._stack.currentWidget() is self.results:
            self.results.enter()
        else:
            self.conversations.setFocus(Qt.FocusReason.TabFocusReason)

    def _on_changed(self) -> None:
        if not self.field.text().strip():
            self._show_conversations()

    def _show_conversations(self) -> None:
        empty = self._conversations.loaded and not self._conversations.all()
        self._stack.setCurrentWidget(self._empty if empty else self.conversations)
        self._say_empty()

    def _say_empty(self) -> None:
        if self.field.text().strip():
            self._empty.setText(self.tr("Nothing found. Try fewer or shorter words."))
        else:
            self._empty.setText(self.tr("Your conversations will be listed here. They stay on this computer."))

    def _restyle(self) -> None:
        theme = theme_of(self)
        self.setFixedWidth(theme.px(WIDTH))
        self._column.setContentsMargins(*(theme.px(12),) * 4)
        self._column.setSpacing(theme.px(8))
        self._top.setSpacing(theme.px(4))
        self._empty.setContentsMargins(theme.px(12), theme.px(12), theme.px(12), 0)
