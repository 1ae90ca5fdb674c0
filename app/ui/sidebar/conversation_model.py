"""The conversations as rows of a Qt list."""

import time

from PySide6.QtCore import QAbstractListModel, QModelIndex, QObject, QPersistentModelIndex, Qt

from app.format import day
from app.protocol import Conversation
from app.ui.conversations import Conversations
from app.ui.sidebar.groups import Heading, Row, arrange
from app.ui.translate import language

Index = QModelIndex | QPersistentModelIndex
ROW = Qt.ItemDataRole.UserRole
_NOWHERE = QModelIndex()


class ConversationModel(QAbstractListModel):
    """Rows of headings and conversations; role `ROW` gives the row itself. Renaming goes to `Conversations`."""

    def __init__(self, conversations: Conversations, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._conversations = conversations
        self._rows: list[Row] = []
        self._places: dict[int, int] = {}
        conversations.changed.connect(self.refresh)

    def refresh(self) -> None:
        """Arrange again; rows that stay where they are only change their content."""
        speaks = language()
        now = time.time()
        rows = arrange(self._conversations.all(), self.tr("Pinned"), lambda moment: day(moment, now, speaks))
        if [_identity(row) for row in rows] == [_identity(row) for row in self._rows]:
            self._rows = rows
            self.dataChanged.emit(self.index(0), self.index(max(0, len(rows) - 1)))
            return
        self.beginResetModel()
        self._rows = rows
        self._places = {row.id: place for place, row in enumerate(rows) if isinstance(row, Conversation)}
        self.endResetModel()

    def place_of(self, conversation_id: int) -> QModelIndex:
        """The index of a conversation; an invalid one where it is not in the list."""
        place = self._places.get(conversation_id)
        return QModelIndex() if place is None else self.index(place)

    def conversation_at(self, index: Index) -> Conversation | None:
        row = self._rows[index.row()] if 0 <= index.row() < len(self._rows) else None
        return row if isinstance(row, Conversation) else None

    def shown_title(self, conversation: Conversation) -> str:
        return conversation.title or self.tr("New conversation")

    def rowCount(self, parent: Index = _NOWHERE) -> int:
        return 0 if parent.isValid() else len(self._rows)

    def data(self, index: Index, role: int = Qt.ItemDataRole.DisplayRole) -> object:
        row = self._rows[index.row()]
        if role == ROW:
            return row
        if isinstance(row, Heading):
            return row.text if role in (Qt.ItemDataRole.DisplayRole, Qt.ItemDataRole.AccessibleTextRole) else None
        if role in (Qt.ItemDataRole.DisplayRole, Qt.ItemDataRole.AccessibleTextRole, Qt.ItemDataRole.ToolTipRole):
            return self.shown_title(row)
        return row.title if role == Qt.ItemDataRole.EditRole else None

    def setData(self, index: Index, value: object, role: int = Qt.ItemDataRole.EditRole) -> bool:
        conversation = self.conversation_at(index)
        title = str(value).strip()
        if conversation is None or role != Qt.ItemDataRole.EditRole or not title:
            return False
        if title != conversation.title:
            self._conversations.rename(conversation.id, title)
        return True

    def flags(self, index: Index) -> Qt.ItemFlag:
        if self.conversation_at(index) is None:
            return Qt.ItemFlag.NoItemFlags
        return Qt.ItemFlag.ItemIsEnabled | Qt.ItemFlag.ItemIsSelectable | Qt.ItemFlag.ItemIsEditable


def _identity(row: Row) -> object:
    return row.id if isinstance(row, Conversation) else row
