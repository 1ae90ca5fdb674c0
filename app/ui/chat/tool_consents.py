"""The person's word on the tools an answer calls: collected call by call, handed in when the last has been said."""

from collections.abc import Sequence
from itertools import islice, takewhile

from PySide6.QtCore import QObject, Signal

from app.protocol import FinishReason, Message, MessageState, Role, ToolCall
from app.ui.chat.answer_options import AnswerOptions
from app.ui.chat.rows import CallState


class ToolConsents(QObject):
    """Says `given` (message id, ids of the calls that may run) once every call of an answer has its word."""

    given = Signal(int, object)

    def __init__(self, answers: AnswerOptions, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._answers = answers
        self._said: dict[int, dict[str, bool]] = {}

    def states(self, message: Message, messages: Sequence[Message]) -> tuple[tuple[str, CallState], ...]:
        """How far each of the message's calls has come; `messages` are those of the shown branch."""
        done = dict(results(message, messages))
        waits = _waits(message, messages)
        words = self._words(message)
        complete = len(words) == len(message.tool_calls)

        def state(call: ToolCall) -> CallState:
            if call.id in done:
                return CallState.DONE
            if message.state is MessageState.STREAMING:
                return CallState.WRITING
            if not waits:
                return CallState.IDLE
            if complete:
                return CallState.RUNNING
            return CallState.DECIDED if call.id in words else CallState.ASKING

        return tuple((call.id, state(call)) for call in message.tool_calls)

    def say(self, message: Message, call_id: str, allowed: bool) -> None:
        """Allow or refuse one call."""
        self._said.setdefault(message.id, {})[call_id] = allowed
        words = self._words(message)
        if len(words) == len(message.tool_calls):
            self.given.emit(message.id, tuple(call_id for call_id, allowed in words.items() if allowed))

    def trust(self, message: Message, call_id: str) -> None:
        """Allow this call, and its tool in this conversation from now on."""
        name = next(call.name for call in message.tool_calls if call.id == call_id)
        known = self._answers.options.allowed_tools
        if name not in known:
            self._answers.change(allowed_tools=(*known, name))
        self.say(message, call_id, allowed=True)

    def forget(self) -> None:
        """Ask anew: what was said has come to nothing."""
        self._said.clear()

    def _words(self, message: Message) -> dict[str, bool]:
        """What is said about the calls, by their ids; a trusted tool needs no word."""
        trusted = self._answers.options.allowed_tools
        said = self._said.get(message.id, {})
        return {
            call.id: said.get(call.id, True) for call in message.tool_calls if call.id in said or call.name in trusted
        }


def results(message: Message, messages: Sequence[Message]) -> tuple[tuple[str, str], ...]:
    """What came of the message's calls: (call id, text). Ids may come again later, so only what follows it counts."""
    place = next((number for number, each in enumerate(messages, 1) if each.id == message.id), len(messages))
    following = takewhile(lambda each: each.role is Role.TOOL, islice(messages, place, None))
    return tuple((each.tool_call_id, each.text) for each in following)


def _waits(message: Message, messages: Sequence[Message]) -> bool:
    """Whether the model waits for the results: nothing but tools has spoken since."""
    if message.stats is None or message.stats.finish_reason is not FinishReason.TOOL_CALLS:
        return False
    spoken = [each for each in messages if each.role is not Role.TOOL]
    return bool(spoken) and spoken[-1].id == message.id
