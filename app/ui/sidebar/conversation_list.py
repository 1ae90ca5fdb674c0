"""The list of conversations: choose, rename in place, pin, move, delete with undo."""

from functools import partial

from PySide6.QtCore import QModelIndex, QPoint, Qt, Signal
from PySide6.QtGui import QContextMenuEvent, QKeyEvent
from PySide6.QtWidgets import QAbstractItemView, QInputDialog, QListView, QMenu, QWidget

from app.protocol import Conversation
from app.ui.conversations import Conversations
from app.ui.icons import icon
from app.ui.sidebar.conversation_model import ConversationModel
from app.ui.sidebar.delegate import RowDelegate
from app.ui.theme import theme_of
from app.ui.translate import Retranslated
from app.ui.widgets import follow_theme, show_toast


class ConversationList(Retranslated, QListView):
    """Emits `chosen` with the id of a conversation the person picked, by pointer or keyboard."""

    chosen = Signal(int)

    def __init__(self, conversations: Conversations, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._conversations = conversations
        self._rows = ConversationModel(conversations, self)
        self._current: int | None = None
        self.setModel(self._rows)
        self.setItemDelegate(RowDelegate(self))
        self.setMouseTracking(True)
        self.setUniformItemSizes(False)
        self.setVerticalScrollMode(QAbstractItemView.ScrollMode.ScrollPerPixel)
        self.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self.setEditTriggers(QAbstractItemView.EditTrigger.EditKeyPressed)
        self.clicked.connect(self._on_picked)
        self.activated.connect(self._on_picked)
        self._rows.modelReset.connect(self._select_current)
        self.retranslate()
        follow_theme(self._restyle)

    def show_current(self, conversation_id: int | None) -> None:
        """Mark the conversation that is open; None for none."""
        self._current = conversation_id
        self._select_current()

    def retranslate(self) -> None:
        self.setAccessibleName(self.tr("Conversations"))
        self._rows.refresh()

    def menu_for(self, conversation: Conversation) -> QMenu:
        """The menu of one conversation."""
        menu = QMenu(self)
        ink = theme_of(self).colour("muted")
        rename = menu.addAction(icon("pencil", ink), self.tr("Rename"))
        rename.triggered.connect(partial(self.rename, conversation.id))
        words, sign = (self.tr("Unpin"), "pin-off") if conversation.pinned else (self.tr("Pin"), "pin")
        pin = menu.addAction(icon(sign, ink), words)
        pin.triggered.connect(partial(self._conversations.pin, conversation.id, not conversation.pinned))
        self._add_folders(menu.addMenu(icon("folder", ink), self.tr("Move to folder")), conversation)
        menu.addSeparator()
        delete = menu.addAction(icon("trash-2", theme_of(self).colour("bad")), self.tr("Delete"))
        delete.triggered.connect(partial(self.delete, conversation.id))
        return menu

    def rename(self, conversation_id: int) -> None:
        """Open the title for editing in its row."""
        index = self._rows.place_of(conversation_id)
        if index.isValid():
            self.setCurrentIndex(index)
            self.edit(index)

    def delete(self, conversation_id: int) -> None:
        """Delete, with a way back."""
        conversation = self._conversations.get(conversation_id)
        if conversation is None:
            return
        self._conversations.delete(conversation_id)
        text = self.tr("“{title}” deleted").format(title=_short(self._rows.shown_title(conversation)))
        show_toast(self, text, self.tr("Undo"), partial(self._conversations.restore, conversation_id))

    def keyPressEvent(self, event: QKeyEvent) -> None:
        conversation = self._rows.conversation_at(self.currentIndex())
        if conversation is not None and event.key() in (Qt.Key.Key_Delete, Qt.Key.Key_Backspace):
            self.delete(conversation.id)
        elif conversation is not None and event.key() in (Qt.Key.Key_Return, Qt.Key.Key_Enter):
            if self.state() is not QAbstractItemView.State.EditingState:
                self.chosen.emit(conversation.id)
        else:
            super().keyPressEvent(event)

    def contextMenuEvent(self, event: QContextMenuEvent) -> None:
        by_key = event.reason() is QContextMenuEvent.Reason.Keyboard
        index = self.currentIndex() if by_key else self.indexAt(event.pos())
        conversation = self._rows.conversation_at(index)
        if conversation is None:
            return
        at: QPoint = self.viewport().mapToGlobal(self.visualRect(index).center()) if by_key else event.globalPos()
        menu = self.menu_for(conversation)
        menu.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        menu.popup(at)

    def _add_folders(self, menu: QMenu, conversation: Conversation) -> None:
        for folder in self._conversations.folders():
            action = menu.addAction(folder.replace("&", "&&"))
            action.setCheckable(True)
            action.setChecked(folder == conversation.folder)
            action.triggered.connect(partial(self._conversations.move, conversation.id, folder))
        if self._conversations.folders():
            menu.addSeparator()
        menu.addAction(self.tr("New folder…")).triggered.connect(partial(self._on_new_folder, conversation.id))
        if conversation.folder:
            out = menu.addAction(self.tr("Take out of folder"))
            out.triggered.connect(partial(self._conversations.move, conversation.id, ""))

    def _on_new_folder(self, conversation_id: int) -> None:
        dialog = QInputDialog(self)
        dialog.setWindowTitle(self.tr("New folder"))
        dialog.setLabelText(self.tr("Name of the folder"))
        dialog.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        dialog.textValueSelected.connect(partial(self._on_named, conversation_id))
        dialog.open()

    def _on_named(self, conversation_id: int, name: str) -> None:
        if name.strip():
            self._conversations.move(conversation_id, name.strip())

    def _on_picked(self, index: QModelIndex) -> None:
        conversation = self._rows.conversation_at(index)
        if conversation is not None:
            self.chosen.emit(conversation.id)

    def _select_current(self) -> None:
        index = self._rows.place_of(self._current) if self._current is not None else QModelIndex()
        if index.isValid():
            self.setCurrentIndex(index)
        else:
            self.clearSelection()
            self.setCurrentIndex(QModelIndex())

    def _restyle(self) -> None:
        self.setSpacing(0)
        self.doItemsLayout()
        self.viewport().update()


def _short(title: str, most: int = 40) -> str:
    return title if len(title) <= most else title[: most - 1] + "…"
