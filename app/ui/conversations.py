"""The conversations as the window knows them: fetched in pages, kept true by events, changed through the backend."""

import msgspec
from PySide6.QtCore import QObject, QTimer, Signal

from app.errors import AppError
from app.protocol import (
    Conversation,
    ConversationChange,
    ConversationChanged,
    ConversationRemoved,
    Event,
    Hello,
)
from app.ui.client import Client

PAGE = 200


class Conversations(QObject):
    """All conversations by id. Says `changed` (at most once per turn of the loop), and `removed` (id)."""

    changed = Signal()
    removed = Signal(int)

    def __init__(self, client: Client, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._client = client
        self._known: dict[int, Conversation] = {}
        self.loaded = False
        """Whether a first page has come: before that, an empty list means nothing."""
        self._announce = QTimer(self, singleShot=True, interval=0)
        self._announce.timeout.connect(self.changed)

    def all(self) -> list[Conversation]:
        return list(self._known.values())

    def get(self, conversation_id: int) -> Conversation | None:
        return self._known.get(conversation_id)

    def folders(self) -> list[str]:
        """Names of the folders in use, sorted."""
        return sorted({each.folder for each in self._known.values() if each.folder}, key=str.casefold)

    def take_event(self, event: Event) -> None:
        """Keep up with what happened in the backend, also through other clients."""
        if isinstance(event, Hello):
            self.fetch()
        elif isinstance(event, ConversationChanged):
            self._put([event.conversation])
        elif isinstance(event, ConversationRemoved):
            self._drop(event.conversation_id)

    def fetch(self) -> None:
        """Read the whole list again, page by page; the newest are there after the first."""
        self._fetch_page(None, set())

    def rename(self, conversation_id: int, title: str) -> None:
        self._change(conversation_id, ConversationChange(title=title))

    def pin(self, conversation_id: int, pinned: bool) -> None:
        self._change(conversation_id, ConversationChange(pinned=pinned))

    def move(self, conversation_id: int, folder: str) -> None:
        """Put into a folder; the empty name takes it out."""
        self._change(conversation_id, ConversationChange(folder=folder))

    def delete(self, conversation_id: int) -> None:
        self._client.delete(f"/api/conversations/{conversation_id}", object, lambda _: self._drop(conversation_id))

    def restore(self, conversation_id: int) -> None:
        path = f"/api/conversations/{conversation_id}/restore"
        self._client.post(path, None, Conversation, lambda each: self._put([each]))

    def _change(self, conversation_id: int, change: ConversationChange) -> None:
        """Show the change at once. What the backend made of it comes as an event; after an error, fetch the truth."""
        known = self._known.get(conversation_id)
        if known is not None:
            fields = {
                name: value
                for name in change.__struct_fields__
                if (value := getattr(change, name)) is not msgspec.UNSET
            }
            self._put([msgspec.structs.replace(known, **fields)])
        path = f"/api/conversations/{conversation_id}"
        self._client.patch(path, change, Conversation, lambda _: None, self._on_refused)

    def _on_refused(self, error: AppError) -> None:
        self._client.failed.emit(error)
        self.fetch()

    def _fetch_page(self, before: int | None, seen: set[int]) -> None:
        query = f"?limit={PAGE}" + (f"&before={before}" if before is not None else "")
        self._client.get(f"/api/conversations{query}", list[Conversation], lambda page: self._on_page(page, seen))

    def _on_page(self, page: list[Conversation], seen: set[int]) -> None:
        self.loaded = True
        fresh = [each for each in page if each.id not in seen]
        seen.update(each.id for each in fresh)
        self._put(fresh)
        if len(page) == PAGE and fresh:
            self._fetch_page(page[-1].id, seen)
        else:
            self._keep_only(seen)

    def _keep_only(self, ids: set[int]) -> None:
        for gone in [each for each in self._known if each not in ids]:
            self._drop(gone)

    def _put(self, conversations: list[Conversation]) -> None:
        self._known.update((each.id, each) for each in conversations)
        self._announce.start()

    def _drop(self, conversation_id: int) -> None:
        if self._known.pop(conversation_id, None) is not None:
            self._announce.start()
            self.removed.emit(conversation_id)
