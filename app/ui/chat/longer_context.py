"""The way on from a prompt that was too long: load the model again with more room, then write the answer again."""

from msgspec.structs import replace
from PySide6.QtCore import QObject

from app.errors import AppError
from app.protocol import ErrorInfo, LoadParams, Message, ModelEntry, ModelState
from app.ui.chat.acts import Acts
from app.ui.chat.conversation import OpenConversation
from app.ui.chat.model_picker import model_for
from app.ui.chat.row_widget import Ask, Desk
from app.ui.library import Library

TOO_LONG = "prompt_too_long"
ANSWER_ROOM = 1_024
"""Tokens wanted beyond the prompt, for the answer."""


class LongerContext(QObject):
    """Tells the desk what can be offered, and does it when it is asked for."""

    def __init__(self, conversation: OpenConversation, acts: Acts, library: Library, desk: Desk) -> None:
        super().__init__(conversation)
        self._conversation = conversation
        self._acts = acts
        self._library = library
        self._awaited: tuple[str, Message] | None = None
        """The id of the model that is being loaded, and the answer to write again then."""
        desk.longer_context = self.offer
        desk.asked.connect(self._on_asked)
        library.changed.connect(self._on_library)
        library.failed.connect(self._on_failed)

    def offer(self, error: ErrorInfo) -> int | None:
        """Tokens that the model could be loaded with; None where that does not help or is not known."""
        model = self._model
        return longer_context(error, model) if model is not None else None

    @property
    def _model(self) -> ModelEntry | None:
        return model_for(self._conversation.model, self._library.entries)

    def _on_asked(self, ask: Ask, message_id: int) -> None:
        message = next((each for each in self._conversation.messages if each.id == message_id), None)
        if ask is not Ask.LONGER_CONTEXT or message is None or message.error is None or (model := self._model) is None:
            return
        if (length := longer_context(message.error, model)) is not None:
            self._awaited = (model.id, message)
            known = self._library.params.get(model.id, LoadParams())
            self._library.load(model.id, replace(known, context_length=length))

    def _on_library(self) -> None:
        if self._awaited is None:
            return
        model_id, message = self._awaited
        model = next((each for each in self._library.entries if each.id == model_id), None)
        if model is None or not self._conversation.branch.knows(message.id):
            self._awaited = None
        elif model.error is not None:
            self._on_failed(model_id, AppError.from_info(model.error))
        elif model.state is ModelState.LOADED and message.error is not None and fits(message.error, model):
            self._awaited = None
            self._acts.regenerate(message)

    def _on_failed(self, model_id: str, error: AppError) -> None:
        if self._awaited is not None and self._awaited[0] == model_id:
            self._awaited = None
            self._conversation.failed.emit(error)


def longer_context(error: ErrorInfo, model: ModelEntry) -> int | None:
    """The context length, a power of two where the model allows it, that the prompt and an answer fit into."""
    needed = _prompt_tokens(error) + ANSWER_ROOM
    if error.code != TOO_LONG or model.context_length is None or model.context_length < needed:
        return None
    return min(1 << (needed - 1).bit_length(), model.context_length)


def fits(error: ErrorInfo, model: ModelEntry) -> bool:
    """Whether the loaded model has room for the prompt that was too long."""
    return model.loaded_context is not None and model.loaded_context > _prompt_tokens(error)


def _prompt_tokens(error: ErrorInfo) -> int:
    tokens = error.values.get("prompt_tokens")
    return tokens if isinstance(tokens, int) else 0
