"""What the transcript shows of a message, as a list of rows: bounded pieces that each become one widget.

Streaming, loading, editing and folding are all the same act: make the list again and touch the rows that differ.
"""

from dataclasses import dataclass
from enum import Enum
from typing import TypeAlias

from app.protocol import ErrorInfo, FinishReason, GenerationStats, Message, MessageState, Role
from app.ui.chat.segments import Code, Prose, Splitter

PREVIEW = 3_000
"""Characters of a person's own message that are shown before it is unfolded."""
PIECE = 2_000
"""Most characters of plain text in one row."""


@dataclass(frozen=True)
class Unfolding:
    """How the reader has set a message: what is unfolded or being edited, and how far its prompt has been read."""

    whole: bool = False
    thinking: bool = False
    editing: bool = False
    prefill: float | None = None
    """Share of the prompt that has been read, 0 to 1."""


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

    prefill: float | None = None


class Ending(Enum):
    """Why an answer ended before its end, where that is no error."""

    STOPPED = "stopped"
    LENGTH = "length"
    CONTEXT_FULL = "context_full"


@dataclass(frozen=True)
class Note:
    ending: Ending


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


Row: TypeAlias = Bubble | Editor | Thinking | Thought | Prose | Code | Waiting | Note | Problem | Footer

_ENDINGS = {FinishReason.LENGTH: Ending.LENGTH, FinishReason.CONTEXT_FULL: Ending.CONTEXT_FULL}


def rows_of(message: Message, unfolding: Unfolding = Unfolding(), splitter: Splitter | None = None) -> list[Row]:
    """The rows of one message; none for a message that is not shown (system, tool).

    A `splitter` kept for a message that grows saves reading it all again.
    """
    if message.role is Role.USER:
        return _question_rows(message, unfolding)
    if message.role is Role.ASSISTANT:
        return _answer_rows(message, unfolding, splitter or Splitter())
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
    if unfolding.editing:
        return [Editor(message.text)]
    text = message.text
    footer = _footer(message)
    if len(text) > PREVIEW and not unfolding.whole:
        return [Bubble(pieces(text)[0], hidden=len(text)), footer]
    parts = pieces(text)
    last = len(parts) - 1
    return [*(Bubble(part, i == 0, i == last) for i, part in enumerate(parts)), footer]


def _answer_rows(message: Message, unfolding: Unfolding, splitter: Splitter) -> list[Row]:
    streaming = message.state is MessageState.STREAMING
    rows: list[Row] = []
    if message.thinking:
        rows.append(_thinking(message, unfolding))
        if unfolding.thinking:
            rows += (Thought(part) for part in pieces(message.thinking.strip()))
    rows += splitter.split(message.text, streaming=streaming)
    if streaming and not message.text and not message.thinking:
        rows.append(Waiting(unfolding.prefill))
    return [*rows, *_ending(message), _footer(message)]


def _thinking(message: Message, unfolding: Unfolding) -> Thinking:
    running = message.state is MessageState.STREAMING and not message.text
    return Thinking(unfolding.thinking, running, message.stats.thinking_s if message.stats else None)


def _ending(message: Message) -> list[Row]:
    if message.state is MessageState.FAILED:
        return [Problem(message.error or ErrorInfo(code="generation_failed", values={"reason": "?"}))]
    if message.state is MessageState.STOPPED:
        return [Note(Ending.STOPPED)]
    ending = _ENDINGS.get(message.stats.finish_reason) if message.stats else None
    return [Note(ending)] if ending else []


def _footer(message: Message) -> Footer:
    siblings = message.siblings or (message.id,)
    version = siblings.index(message.id) + 1 if message.id in siblings else len(siblings)
    streaming = message.state is MessageState.STREAMING
    return Footer(message.role, version, len(siblings), streaming, message.model, message.stats)
