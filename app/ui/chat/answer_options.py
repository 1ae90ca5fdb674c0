"""How the shown conversation is answered: its system prompt and options, saved soon after each change."""

from collections.abc import Callable

from msgspec.structs import replace
from PySide6.QtCore import QObject, QTimer, Signal

from app.errors import AppError
from app.protocol import Conversation, ConversationChange, NewConversation, Options, Preset
from app.ui.chat.conversation import OpenConversation, Phase
from app.ui.client import Client

SAVE_MS = 300
"""So long after the last change it is saved."""


class AnswerOptions(QObject):
    """Follows one `OpenConversation`. Before a conversation's first message the values wait with it, to be sent along.

    Says `changed` whenever the values are others, and `failed` (AppError) where they could not be saved.
    """

    changed = Signal()
    failed = Signal(object)

    def __init__(self, conversation: OpenConversation, client: Client) -> None:
        super().__init__(conversation)
        self._conversation, self._client = conversation, client
        self.system_prompt = ""
        self.options = Options()
        self._id: int | None = conversation.id
        self._saving = 0
        """Changes on their way to the backend."""
        self._waiting: list[tuple[Callable[[], None], Callable[[AppError], None]]] = []
        self._timer = QTimer(self, singleShot=True, interval=SAVE_MS)
        self._timer.timeout.connect(self._save)
        conversation.conversation_changed.connect(self._on_conversation)

    # ------------------------------------------------------------ changing

    def change(self, **fields: object) -> None:
        """Set these fields of the options."""
        self._set(self.system_prompt, replace(self.options, **fields))

    def change_sampling(self, **fields: object) -> None:
        """Set these fields of the sampling; None gives one back to the model."""
        self.change(sampling=replace(self.options.sampling, **fields))

    def set_system_prompt(self, text: str) -> None:
        self._set(text, self.options)

    def use(self, preset: Preset) -> None:
        """Take all values of a preset. Which tools run without asking stays the conversation's own matter."""
        self._set(preset.system_prompt, replace(preset.options, allowed_tools=self.options.allowed_tools))

    def as_preset(self, name: str) -> Preset:
        """The values as they are now, under a name."""
        return Preset(name=name, system_prompt=self.system_prompt, options=replace(self.options, allowed_tools=()))

    def when_saved(self, act: Callable[[], None], refuse: Callable[[AppError], None]) -> None:
        """Do this once the backend knows the values; at once where it does already."""
        if self._timer.isActive():
            self._save()
        if self._saving:
            self._waiting.append((act, refuse))
        else:
            act()

    # ------------------------------------------------------------ keeping in step

    def _set(self, system_prompt: str, options: Options) -> None:
        if (system_prompt, options) == (self.system_prompt, self.options):
            return
        self.system_prompt, self.options = system_prompt, options
        self._touch()
        self.changed.emit()

    def _touch(self) -> None:
        if self._id is None:
            self._conversation.beginning = NewConversation(system_prompt=self.system_prompt, options=self.options)
        else:
            self._timer.start()

    def _on_conversation(self) -> None:
        conversation = self._conversation.conversation
        shown = conversation.id if conversation else None
        if shown == self._id:
            if conversation is not None and not self._saving and not self._timer.isActive():
                self._take(conversation)
            return
        if self._timer.isActive():
            self._save()
        begun_here = self._id is None and self._conversation.phase is Phase.SENDING
        self._id, self._saving = shown, 0
        self._waiting.clear()
        if conversation is None or not begun_here:
            self._take(conversation)
        elif (conversation.system_prompt, conversation.options) != (self.system_prompt, self.options):
            self._touch()  # changed while the conversation was being made

    def _take(self, conversation: Conversation | None) -> None:
        taken = conversation or NewConversation()
        self._conversation.beginning = NewConversation()
        if (taken.system_prompt, taken.options) != (self.system_prompt, self.options):
            self.system_prompt, self.options = taken.system_prompt, taken.options
            self.changed.emit()

    def _save(self) -> None:
        self._timer.stop()
        saved = self._id
        change = ConversationChange(system_prompt=self.system_prompt, options=self.options)
        self._saving += 1

        def done(_: Conversation) -> None:
            if saved == self._id:
                self._settle(None)

        def fail(error: AppError) -> None:
            self.failed.emit(error)
            if saved == self._id:
                self._settle(error)

        self._client.patch(f"/api/conversations/{saved}", change, Conversation, done, fail)

    def _settle(self, error: AppError | None) -> None:
        """A change has been saved or refused: go on with what waited for it."""
        self._saving = max(self._saving - 1, 0)
        if self._saving:
            return
        waiting, self._waiting = self._waiting, []
        for act, refuse in waiting:
            if error is None:
                act()
            else:
                refuse(error)
