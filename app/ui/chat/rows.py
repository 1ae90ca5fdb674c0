"""What the transcript shows of a message, as a list of rows: bounded pieces that each become one widget.

Streaming, loading, editing and folding are all the same act: make the list again and touch the rows that differ.
"""

from dataclasses import dataclass, replace
from enum import Enum
from typing import TypeAlias

from app.protocol import (
    AnswerPrefill,
    AnswerQueued,
    ErrorInfo,
    FinishReason,
    GenerationStats,
    Message,
    MessageState,
    Role,
    ToolCall,
)
from app.ui.chat.segments import Code, Prose, Splitter

PREVIEW = 3_000
"""Characters of a person's own message that are shown before it is unfolded."""
PIECE = 2_000
"""Most characters of plain text in one row."""


Progress: TypeAlias = AnswerQueued | AnswerPrefill


class CallState(Enum):
    """How far a tool call has come."""

    WRITING = "writing"
    ASKING = "asking"
    """The person's word is wanted."""
    DECIDED = "decided"
    """It was given; other calls of the same answer still wait for theirs."""
    RUNNING = "running"
    DONE = "done"
    IDLE = "idle"
    """It has not run, and nobody is asked any more."""


@dataclass(frozen=True)
class Around:
    """What is known about a message from elsewhere: the answer's stream, the messages around it, the person's word."""

    progress: Progress | None = None
    left_out: bool = False
    """All before this message was not in the context of the newest answer."""
    last: bool = False
    """Nothing follows it."""
    calls: tuple[tuple[str, CallState], ...] = ()
    """Its tool calls by id."""
    results: tuple[tuple[str, str], ...] = ()
    """What came of them, by id."""


@dataclass(frozen=True)
class Unfolding:
    """How a message is shown: what the reader has unfolded or is editing, and what stands around it."""

    whole: bool = False
    thinking: bool = False
    editing: bool = False
    results: frozenset[str] = frozenset()
    """Ids of the tool calls whose results are unfolded."""
    around: Around = Around()

    def placed(self, around: Around) -> "Unfolding":
        """Folded the same, with other things around it."""
        return replace(self, around=around)

    def toggled_result(self, call_id: str) -> "Unfolding":
        """The same with that tool call's result folded, or unfolded."""
        return replace(self, results=self.results ^ {call_id})


@dataclass(frozen=True)
class Bubble:
    """A piece of the person's own text; `first` and `last` round the corners."""

    text: str
    first: bool = True
    last: bool = True
    hidden: int = 0
    """Characters of the whole message when only its beginning is shown, else 0."""


@dataclass(frozen=True)
class Editor:
    text: str


@dataclass(frozen=True)
class Thinking:
    """The line that folds and unfolds the thinking; `duration_s` is None where it is not known."""

    unfolded: bool
    running: bool
    duration_s: float | None = None


@dataclass(frozen=True)
class Thought:
    text: str


@dataclass(frozen=True)
class Waiting:
    """Nothing has been written yet."""

    progress: Progress | None = None


@dataclass(frozen=True)
class LeftOut:
    """The line between what was in the context and what was not."""


@dataclass(frozen=True)
class Gallery:
    """The pictures of a message, by id."""

    ids: tuple[str, ...]


@dataclass(frozen=True)
class ToolCard:
    """A tool the model calls, and what came of it."""

    call: ToolCall
    state: CallState
    result: str | None = None
    unfolded: bool = False


class Ending(Enum):
    """Why an answer ended before its end, where that is no error."""

    STOPPED = "stopped"
    LENGTH = "length"
    CONTEXT_FULL = "context_full"
    REPETITION = "repetition"
    FORMAT_CUT = "format_cut"
    """It met a limit, and was closed so that it can be read."""
    KEPT = "kept"
    """It failed, and what had been written is there."""


@dataclass(frozen=True)
class Note:
    ending: Ending
    last: bool = False
    """Nothing follows it, so that the answer could go on."""


@dataclass(frozen=True)
class Problem:
    error: ErrorInfo


@dataclass(frozen=True)
class Footer:
    """The line of actions and figures; `version` counts from 1."""

    role: Role
    version: int = 1
    versions: int = 1
    busy: bool = False
    model: str = ""
    stats: GenerationStats | None = None


Row: TypeAlias = (
    Bubble
    | Editor
    | Thinking
    | Thought
    | Prose
    | Code
    | Waiting
    | LeftOut
    | Gallery
    | ToolCard
    | Note
    | Problem
    | Footer
)

_ENDINGS = {
    FinishReason.LENGTH: Ending.LENGTH,
    FinishReason.CONTEXT_FULL: Ending.CONTEXT_FULL,
    FinishReason.REPETITION: Ending.REPETITION,
}


def rows_of(message: Message, unfolding: Unfolding = Unfolding(), splitter: Splitter | None = None) -> list[Row]:
    """The rows of one message; none for a message that is not shown (system, tool).

    A `splitter` kept for a message that grows saves reading it all again.
    """
    edge: list[Row] = [LeftOut()] if unfolding.around.left_out else []
    if message.role is Role.USER:
        return edge + _question_rows(message, unfolding)
    if message.role is Role.ASSISTANT:
        return edge + _answer_rows(message, unfolding, splitter or Splitter())
    return []


def pieces(text: str, limit: int = PIECE) -> list[str]:
    """The text cut into pieces of at most `limit` characters, at line ends or spaces where there are any."""
    found = []
    while len(text) > limit:
        cut = max(text.rfind("\n", limit // 2, limit), -1)
        if cut < 0:
            cut = text.rfind(" ", limit // 2, limit)
        end = cut if cut > 0 else limit
        found.append(text[:end])
        text = text[end + 1 :] if cut > 0 else text[end:]
    return [*found, text]


def _question_rows(message: Message, unfolding: Unfolding) -> list[Row]:
    gallery: list[Row] = [Gallery(message.images)] if message.images else []
    if unfolding.editing:
        return [*gallery, Editor(message.text)]
    text = message.text
    footer = _footer(message)
    if len(text) > PREVIEW and not unfolding.whole:
        return [*gallery, Bubble(pieces(text)[0], hidden=len(text)), footer]
    parts = pieces(text) if text or not gallery else []
    last = len(parts) - 1
    return [*gallery, *(Bubble(part, i == 0, i == last) for i, part in enumerate(parts)), footer]


def _answer_rows(message: Message, unfolding: Unfolding, splitter: Splitter) -> list[Row]:
    streaming = message.state is MessageState.STREAMING
    rows: list[Row] = []
    if message.thinking:
        rows.append(_thinking(message, unfolding))
        if unfolding.thinking:
            rows += (Thought(part) for part in pieces(message.thinking.strip()))
    rows += splitter.split(message.text, streaming=streaming)
    rows += _tool_cards(message, unfolding)
    progress = unfolding.around.progress
    if streaming and (progress is not None or not rows):
        rows.append(Waiting(progress))
    return [*rows, *_ending(message, unfolding.around.last), _footer(message)]


def _tool_cards(message: Message, unfolding: Unfolding) -> list[Row]:
    states, results = dict(unfolding.around.calls), dict(unfolding.around.results)
    still = CallState.WRITING if message.state is MessageState.STREAMING else CallState.IDLE
    return [
        ToolCard(call, states.get(call.id, still), results.get(call.id), call.id in unfolding.results)
        for call in message.tool_calls
    ]


def _thinking(message: Message, unfolding: Unfolding) -> Thinking:
    running = message.state is MessageState.STREAMING and not message.text
    return Thinking(unfolding.thinking, running, message.stats.thinking_s if message.stats else None)


def _ending(message: Message, last: bool) -> list[Row]:
    if message.state is MessageState.FAILED:
        problem = Problem(message.error or ErrorInfo(code="generation_failed", values={"reason": "?"}))
        return [problem, Note(Ending.KEPT, last)] if message.text and last else [problem]
    if message.state is MessageState.STOPPED:
        return [Note(Ending.STOPPED, last)]
    if message.stats is None or message.state is MessageState.STREAMING:
        return []
    ending = Ending.FORMAT_CUT if message.stats.format_cut else _ENDINGS.get(message.stats.finish_reason)
    return [Note(ending, last)] if ending else []


def _footer(message: Message) -> Footer:
    siblings = message.siblings or (message.id,)
    version = siblings.index(message.id) + 1 if message.id in siblings else len(siblings)
    streaming = message.state is MessageState.STREAMING
    return Footer(message.role, version, len(siblings), streaming, message.model, message.stats)
