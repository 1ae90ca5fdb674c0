"""The messages of the shown branch, from the newest back to as far as they were fetched."""

from collections.abc import Iterable

from PySide6.QtCore import QObject, Signal

from app.protocol import Message, MessageState, Role


class Branch(QObject):
    """Oldest first. `has_more` says that there are older ones."""

    changed = Signal(bool)
    """The list is another; True asks for its end to be shown."""
    message_changed = Signal(object)

    def __init__(self, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self.messages: list[Message] = []
        self.has_more = False

    @property
    def answering(self) -> Message | None:
        """The answer being written, if there is one."""
        last = self.messages[-1] if self.messages else None
        return last if last is not None and last.state is MessageState.STREAMING else None

    def find(self, message_id: int | None) -> Message | None:
        """The message of that id, if it is among them."""
        return next((message for message in self.messages if message.id == message_id), None)

    def knows(self, message_id: int | None) -> bool:
        return self.find(message_id) is not None

    def show(self, messages: Iterable[Message], *, has_more: bool = False, follow: bool = True) -> None:
        """These messages and no others."""
        self.messages, self.has_more = [*messages], has_more
        self.changed.emit(follow)

    def prepend(self, messages: Iterable[Message], *, has_more: bool) -> None:
        """The messages before the first one."""
        self.show([*messages, *self.messages], has_more=has_more, follow=False)

    def graft(self, *new: Message) -> None:
        """New messages take the place of what followed their parent."""
        ids = [message.id for message in self.messages]
        kept = ids.index(new[0].parent_id) + 1 if new[0].parent_id in ids else 0
        self.show([*self.messages[:kept], *new], has_more=self.has_more)

    def put(self, message: Message) -> None:
        """A message as it is now; one that is not among them is left out."""
        for place, known in enumerate(self.messages):
            if known.id == message.id:
                self.messages[place] = message
                self.message_changed.emit(message)

    def last(self, role: Role) -> Message | None:
        """The newest message of that role."""
        return next((message for message in reversed(self.messages) if message.role is role), None)
