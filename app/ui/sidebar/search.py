"""Search over all conversations: a field that asks a moment after the last key, and the list of what was found."""

from urllib.parse import quote

from PySide6.QtCore import QAbstractListModel, QModelIndex, QObject, QPersistentModelIndex, QRect, Qt, QTimer, Signal
from PySide6.QtGui import QKeyEvent, QPainter, QPaintEvent, QResizeEvent
from PySide6.QtWidgets import QAbstractItemView, QLineEdit, QListView, QWidget

from app.protocol import SearchHit
from app.ui.client import Call, Client
from app.ui.icons import paint_icon
from app.ui.sidebar.conversation_model import ROW
from app.ui.sidebar.delegate import RowDelegate
from app.ui.theme import theme_of
from app.ui.translate import Retranslated
from app.ui.widgets import IconButton, follow_theme

DEBOUNCE_MS = 120
_LIMIT = 100
Index = QModelIndex | QPersistentModelIndex
_NOWHERE = QModelIndex()


class SearchField(Retranslated, QLineEdit):
    """The field, with a magnifier and, while there is text, a button that clears it.

    `left_downwards` asks for the focus to go to the results.
    """

    left_downwards = Signal()

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._clear = IconButton("x", "", self, size=24)
        self._clear.clicked.connect(self.clear)
        self._clear.clicked.connect(self.setFocus)
        self._clear.hide()
        self.textChanged.connect(lambda text: self._clear.setVisible(bool(text)))
        self.retranslate()
        follow_theme(self._restyle)

    def retranslate(self) -> None:
        self.setPlaceholderText(self.tr("Search"))
        self.setAccessibleName(self.tr("Search conversations"))
        self._clear.set_label(self.tr("Clear search"), "Esc")

    def keyPressEvent(self, event: QKeyEvent) -> None:
        if event.key() == Qt.Key.Key_Escape and self.text():
            self.clear()
        elif event.key() in (Qt.Key.Key_Down, Qt.Key.Key_Return, Qt.Key.Key_Enter):
            self.left_downwards.emit()
        else:
            super().keyPressEvent(event)

    def paintEvent(self, event: QPaintEvent) -> None:
        super().paintEvent(event)
        theme = theme_of(self)
        size = theme.px(16)
        place = QRect(theme.px(10), (self.height() - size) // 2, size, size)
        paint_icon(QPainter(self), "search", theme.colour("muted"), place)

    def resizeEvent(self, event: QResizeEvent) -> None:
        super().resizeEvent(event)
        room = (self.height() - self._clear.height()) // 2
        self._clear.move(self.width() - self._clear.width() - room, room)

    def _restyle(self) -> None:
        theme = theme_of(self)
        self.setTextMargins(theme.px(24), 0, theme.px(24), 0)


class Search(QObject):
    """Asks the backend for what a field says; only the newest question's answer counts. `found` carries the hits."""

    found = Signal(object)

    def __init__(self, client: Client, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._client = client
        self._text = ""
        self._call: Call | None = None
        self._wait = QTimer(self, singleShot=True, interval=DEBOUNCE_MS)
        self._wait.timeout.connect(self._ask)

    def look_for(self, text: str) -> None:
        """Search for this a moment after the last change; empty text ends the search."""
        self._text = text.strip()
        if self._call is not None:
            self._call.abort()
            self._call = None
        if self._text:
            self._wait.start()
        else:
            self._wait.stop()

    def _ask(self) -> None:
        path = f"/api/search?q={quote(self._text)}&limit={_LIMIT}"
        self._call = self._client.get(path, list[SearchHit], self._on_found)

    def _on_found(self, hits: list[SearchHit]) -> None:
        self._call = None
        self.found.emit(hits)


class _Hits(QAbstractListModel):
    def __init__(self, parent: QObject) -> None:
        super().__init__(parent)
        self.hits: list[SearchHit] = []

    def show_hits(self, hits: list[SearchHit]) -> None:
        self.beginResetModel()
        self.hits = hits
        self.endResetModel()

    def rowCount(self, parent: Index = _NOWHERE) -> int:
        return 0 if parent.isValid() else len(self.hits)

    def data(self, index: Index, role: int = Qt.ItemDataRole.DisplayRole) -> object:
        hit = self.hits[index.row()]
        if role == ROW:
            return hit
        title = hit.title or self.tr("New conversation")
        if role in (Qt.ItemDataRole.AccessibleTextRole, Qt.ItemDataRole.ToolTipRole):
            return title if hit.message_id is None else f"{title}: {hit.snippet}"
        return title if role == Qt.ItemDataRole.DisplayRole else None


class SearchResults(Retranslated, QListView):
    """What was found. `chosen` carries the SearchHit that was picked."""

    chosen = Signal(object)

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._hits = _Hits(self)
        self.setModel(self._hits)
        self.setItemDelegate(RowDelegate(self))
        self.setMouseTracking(True)
        self.setVerticalScrollMode(QAbstractItemView.ScrollMode.ScrollPerPixel)
        self.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self.setEditTriggers(QAbstractItemView.EditTrigger.NoEditTriggers)
        self.clicked.connect(self._on_picked)
        self.retranslate()
        follow_theme(self.doItemsLayout)

    def retranslate(self) -> None:
        self.setAccessibleName(self.tr("Search results"))

    def show_hits(self, hits: list[SearchHit]) -> None:
        self._hits.show_hits(hits)

    def enter(self) -> None:
        """Take the focus on the first hit."""
        if self._hits.hits:
            self.setFocus(Qt.FocusReason.TabFocusReason)
            self.setCurrentIndex(self._hits.index(0))

    def keyPressEvent(self, event: QKeyEvent) -> None:
        if event.key() in (Qt.Key.Key_Return, Qt.Key.Key_Enter) and self.currentIndex().isValid():
            self._on_picked(self.currentIndex())
        else:
            super().keyPressEvent(event)

    def _on_picked(self, index: QModelIndex) -> None:
        self.chosen.emit(self._hits.hits[index.row()])
