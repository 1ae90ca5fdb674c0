"""Conversations, their messages, and what is asked of the backend about them."""

from enum import StrEnum
from typing import TypeAlias

from msgspec import UNSET, UnsetType

from app.protocol.base import ErrorInfo, Wire
from app.protocol.generation import DeltaKind, GenerationStats, Options, Role, Sampling, ToolCall


class MessageState(StrEnum):
    COMPLETE = "complete"
    STREAMING = "streaming"
    STOPPED = "stopped"
    """Ended by its reader, or found unfinished when the database was opened."""
    FAILED = "failed"


class Message(Wire, frozen=True, kw_only=True):
    """One node of a conversation's tree. `siblings`: ids of all its versions in order of creation, itself included."""

    id: int
    conversation_id: int
    parent_id: int | None = None
    role: Role
    text: str = ""
    thinking: str = ""
    state: MessageState = MessageState.COMPLETE
    created: float
    model: str = ""
    """Name of the model that wrote it; empty for the person's own messages."""
    stats: GenerationStats | None = None
    error: ErrorInfo | None = None
    siblings: tuple[int, ...] = ()
    tool_calls: tuple[ToolCall, ...] = ()
    """Of an answer: the calls the model made. Their results follow as messages of the role `tool`."""
    tool_call_id: str = ""
    """Of a tool's result: the call it answers."""
    images: tuple[str, ...] = ()
    """Ids of the pictures that belong to it, for `/api/images/{id}`."""
    context_from: int | None = None
    """Of an answer: the first message that was in the model's context; None: none was left out."""


class Conversation(Wire, frozen=True, kw_only=True):
    """A conversation without its messages. `leaf_id` is the last message of the branch that is shown."""

    id: int
    title: str = ""
    created: float
    updated: float
    pinned: bool = False
    folder: str = ""
    model: str = ""
    """Id of the model it talks to; empty means whichever is loaded, else the starter model."""
    system_prompt: str = ""
    options: Options = Options()
    leaf_id: int | None = None


class ConversationChange(Wire, frozen=True, kw_only=True):
    """The fields of a conversation to set; those left out stay. Moving `leaf_id` shows another branch."""

    title: str | UnsetType = UNSET
    pinned: bool | UnsetType = UNSET
    folder: str | UnsetType = UNSET
    model: str | UnsetType = UNSET
    system_prompt: str | UnsetType = UNSET
    options: Options | UnsetType = UNSET


class NewConversation(Wire, frozen=True, kw_only=True):
    title: str = ""
    folder: str = ""
    model: str = ""
    system_prompt: str = ""
    options: Options = Options()


class MessagePage(Wire, frozen=True, kw_only=True):
    """A stretch of the shown branch, oldest first; `has_more` says whether older messages precede it."""

    messages: list[Message]
    has_more: bool = False


class SearchHit(Wire, frozen=True, kw_only=True):
    """One conversation or message that matched. `marks` are (start, end) character ranges within `snippet`."""

    conversation_id: int
    message_id: int | None = None
    """None where the title matched."""
    title: str
    snippet: str
    marks: tuple[tuple[int, int], ...] = ()
    created: float


class NewMessage(Wire, frozen=True, kw_only=True):
    """What a person sends. `parent_id` left out continues the shown branch; given, it makes a sibling branch (edit)."""

    text: str
    parent_id: int | UnsetType | None = UNSET
    model: str = ""
    thinking: bool = False
    sampling: Sampling = Sampling()
    """Fields that are given here go before the conversation's own."""
    images: tuple[str, ...] = ()
    """Ids given by `POST /api/images`."""


class ToolConsent(Wire, frozen=True, kw_only=True):
    """The person's word on the tools an answer calls. Those neither allowed nor known are told the model as refused."""

    allowed: tuple[str, ...] = ()
    """Ids of the calls that may run."""


class PromptRequest(Wire, frozen=True, kw_only=True):
    """Ask for the prompt the next message would make.

    `system_prompt` and `options` are those of a conversation that does not exist yet; one that does has its own.
    """

    text: str = ""
    thinking: bool = False
    model: str = ""
    images: tuple[str, ...] = ()
    system_prompt: str = ""
    options: Options = Options()


class PromptPreview(Wire, frozen=True, kw_only=True):
    """A prompt as the model would read it, control tokens written out, and its length."""

    text: str
    tokens: int
    context_length: int


class Regenerate(Wire, frozen=True, kw_only=True):
    model: str = ""
    thinking: bool = False
    sampling: Sampling = Sampling()


class Started(Wire, frozen=True, kw_only=True):
    """The stored question and the (still empty) answer whose stream can now be read."""

    conversation: Conversation
    question: Message | None = None
    answer: Message


class AnswerSnapshot(Wire, frozen=True, kw_only=True, tag="snapshot"):
    """First event of every answer stream: all that is there so far. Another follows where turns had to be left out."""

    message: Message


class AnswerQueued(Wire, frozen=True, kw_only=True, tag="queued"):
    """Others are answered first; `position` 1 is next."""

    position: int


class AnswerPrefill(Wire, frozen=True, kw_only=True, tag="prefill"):
    """How much of the prompt has been read."""

    done: int
    total: int
    cached: int = 0
    """Tokens of those done that did not have to be computed."""
    eta_s: float | None = None
    """Time the rest will take; None until it can be told."""


class AnswerToolCall(Wire, frozen=True, kw_only=True, tag="tool_call"):
    """A piece of a tool call; the first of each `index` has its id and name, pieces of `arguments` add up."""

    index: int
    id: str = ""
    name: str = ""
    arguments: str = ""


class AnswerDelta(Wire, frozen=True, kw_only=True, tag="delta"):
    text: str
    kind: DeltaKind = DeltaKind.TEXT


class AnswerFinished(Wire, frozen=True, kw_only=True, tag="finished"):
    """Last event of every answer stream, whatever its end; `message.state` and `.error` say how it ended."""

    message: Message


AnswerEvent: TypeAlias = AnswerSnapshot | AnswerQueued | AnswerPrefill | AnswerDelta | AnswerToolCall | AnswerFinished
