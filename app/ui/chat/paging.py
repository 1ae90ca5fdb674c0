"""Fetches a conversation page by page, the newest first, up to a message that is wanted."""

from collections.abc import Callable

from PySide6.QtCore import QObject, Signal

from app.errors import AppError
from app.protocol import MessagePage
from app.ui.chat.branch import Branch
from app.ui.chat.visit import Visit

PAGE = 50
"""Messages fetched at a time."""


class Paging(QObject):
    """Fills a branch."""

    loaded = Signal()
    """The newest messages are there."""
    target_loaded = Signal(int)
    """The message that was wanted is among the messages now."""
    failed = Signal(object)
    """Older messages could not be fetched: an AppError."""

    def __init__(self, branch: Branch, parent: QObject) -> None:
        super().__init__(parent)
        self._branch = branch
        self._visit: Visit | None = None
        self._path = ""
        self._fetching = False
        self.target: int | None = None
        """The message that is wanted."""

    def begin(self, target: int | None = None) -> None:
        """Forget what was being fetched; another conversation comes, wanted at that message."""
        self._visit = None
        self._fetching = False
        self.target = target

    def fetch(self, visit: Visit, conversation_id: int, follow: bool, lost: Callable[[AppError], None]) -> None:
        """Fetch the newest messages, as many as there were."""
        self._visit, self._path = visit, f"/api/conversations/{conversation_id}/messages"
        limit = max(len(self._branch.messages), PAGE)

        def done(page: MessagePage) -> None:
            self._branch.show(page.messages, has_more=page.has_more, follow=follow)
            self.loaded.emit()
            self._seek()

        visit.get(f"{self._path}?limit={limit}", MessagePage, done, lost)

    def fetch_older(self) -> None:
        """Fetch the page before the first message, once at a time."""
        if self._visit is None or not self._branch.has_more or self._fetching or not self._branch.messages:
            return
        self._fetching = True
        before = self._branch.messages[0].id
        self._visit.get(f"{self._path}?limit={PAGE}&before={before}", MessagePage, self._on_older, self._on_failed)

    def _on_older(self, page: MessagePage) -> None:
        self._fetching = False
        self._branch.prepend(page.messages, has_more=page.has_more)
        self._seek()

    def _on_failed(self, error: AppError) -> None:
        self._fetching = False
        self.failed.emit(error)

    def _seek(self) -> None:
        if self.target is None:
            return
        if self._branch.knows(self.target):
            self.target_loaded.emit(self.target)
            self.target = None
        else:
            self.fetch_older()
