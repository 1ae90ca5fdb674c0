"""`alcove chat`: one question, or a conversation in the terminal; both are stored like those of the window."""

import contextlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace

from app.cli.client import Client
from app.cli.connection import quoted
from app.cli.terminal import Progress, Terminal
from app.errors import AppError
from app.protocol import (
    AnswerDelta,
    AnswerEvent,
    AnswerFinished,
    AnswerPrefill,
    AnswerQueued,
    AnswerSnapshot,
    Conversation,
    DeltaKind,
    Event,
    Message,
    MessageState,
    ModelChanged,
    ModelEntry,
    ModelState,
    NewConversation,
    NewMessage,
    Sampling,
    Started,
)


@dataclass(frozen=True)
class Question:
    """What was asked for on the command line, apart from the text."""

    model: str = ""
    system: str = ""
    temperature: float | None = None
    stream: bool = True

    @property
    def sampling(self) -> Sampling:
        return Sampling() if self.temperature is None else Sampling(temperature=self.temperature)


class Chat:
    """One conversation, begun with its first question. Use as a context: the client is there as long as it lasts."""

    def __init__(self, terminal: Terminal, question: Question) -> None:
        self._terminal = terminal
        self._question = question
        self._progress = Progress()
        self._client = Client(terminal.paths, "chat", self._on_event, terminal.other_version)
        self._conversation: Conversation | None = None

    @contextlib.contextmanager
    def open(self) -> Iterator[None]:
        """Attach to the backend. Raises AppError, also for a model that is not here."""
        with contextlib.ExitStack() as stack:
            with self._waiting("starting"):
                stack.enter_context(self._client)
            if self._question.model:
                entry = self._client.get(f"/api/models/{quoted(self._question.model)}", ModelEntry)
                self._question = replace(self._question, model=entry.id)
            yield

    def ask(self, text: str) -> MessageState:
        """Send the text, write the answer as it comes and return how it ended; Ctrl+C stops it. Raises AppError."""
        with self._waiting("thinking"):
            started = self._send(text)
            try:
                message = self._read(started.answer)
            except KeyboardInterrupt:
                message = self._client.post(f"/api/messages/{started.answer.id}/stop", Message)
        self._terminal.write("")
        if message.state is MessageState.FAILED and message.error is not None:
            raise AppError.from_info(message.error)
        return message.state

    def _send(self, text: str) -> Started:
        if self._conversation is None:
            new = NewConversation(model=self._question.model, system_prompt=self._question.system)
            self._conversation = self._client.post("/api/conversations", Conversation, new)
        path = f"/api/conversations/{self._conversation.id}/messages"
        return self._client.post(path, Started, NewMessage(text=text, sampling=self._question.sampling))

    def _read(self, answer: Message) -> Message:
        """Read the answer's stream to its end. This reader owns it: when it leaves, the answer is stopped."""
        writer = AnswerWriter(self._terminal, self._progress, self._question.stream)
        path = f"/api/messages/{answer.id}/stream"
        with contextlib.closing(self._client.stream(path, AnswerEvent, owner=1)) as events:
            for event in events:
                if isinstance(event, AnswerFinished):
                    writer.finish(event.message)
                    return event.message
                writer.take(event)
        raise AppError("backend_gone")

    @contextlib.contextmanager
    def _waiting(self, code: str) -> Iterator[None]:
        with self._terminal.progress(self._terminal.words(code)) as self._progress:
            yield

    def _on_event(self, event: Event) -> None:
        """Called on the client's thread: loading is what takes longest before the first word."""
        if isinstance(event, ModelChanged) and event.model.state is ModelState.LOADING:
            percent = round(100 * (event.model.progress or 0))
            self._progress.show(self._terminal.words("loading", model=event.model.name, percent=percent))


class AnswerWriter:
    """Writes an answer as it comes: thinking dimmed on a terminal and left out elsewhere; nothing is written twice."""

    def __init__(self, terminal: Terminal, progress: Progress, stream: bool) -> None:
        self._terminal = terminal
        self._progress = progress
        self._stream = stream
        self._written = ""
        self._thinking = False

    def take(self, event: AnswerEvent) -> None:
        """Write what one event brings."""
        if isinstance(event, AnswerQueued):
            self._progress.show(self._terminal.words("queued", position=event.position))
        elif isinstance(event, AnswerPrefill):
            self._progress.show(self._terminal.words("reading", done=event.done, total=event.total))
        elif isinstance(event, AnswerDelta) and self._stream:
            self._write(event.kind, event.text)
        elif isinstance(event, AnswerSnapshot) and self._stream:
            self._write(DeltaKind.THINKING, event.message.thinking)
            self._write(DeltaKind.TEXT, event.message.text)

    def finish(self, message: Message) -> None:
        """Write what is still missing of the whole answer."""
        rest = message.text.removeprefix(self._written) if message.text.startswith(self._written) else ""
        self._write(DeltaKind.TEXT, rest)

    def _write(self, kind: DeltaKind, text: str) -> None:
        if not text:
            return
        self._progress.stop()
        if kind is DeltaKind.THINKING:
            self._thinking = True
            self._terminal.write_dimmed(text)
            return
        if self._thinking:
            self._thinking = False
            self._terminal.write_dimmed("\n\n")
        self._written += text
        self._terminal.write(text, end="")


def answer_once(terminal: Terminal, question: Question, text: str) -> int:
    """Ask one thing; the exit code is 0 for an answer that ended by itself, 1 for one that was stopped."""
    chat = Chat(terminal, question)
    with chat.open():
        return 0 if chat.ask(text) is MessageState.COMPLETE else 1


def converse(terminal: Terminal, question: Question, read_line: Callable[[], str]) -> None:
    """Ask and answer until the end of the input (Ctrl+D). Ctrl+C stops an answer or drops a line, never the program."""
    terminal.note(terminal.words("chat_welcome"))
    chat = Chat(terminal, question)
    with chat.open():
        while (text := _next_line(terminal, read_line)) is not None:
            if text.strip():
                _answer_or_explain(terminal, chat, text)


def _answer_or_explain(terminal: Terminal, chat: Chat, text: str) -> None:
    """An answer that fails does not end the conversation."""
    try:
        state = chat.ask(text)
    except KeyboardInterrupt:
        state = MessageState.STOPPED
    except AppError as error:
        state = MessageState.FAILED
        terminal.error(error)
    if state is MessageState.STOPPED:
        terminal.note(terminal.words("stopped"))


def _next_line(terminal: Terminal, read_line: Callable[[], str]) -> str | None:
    """The next line; "" for one that was dropped with Ctrl+C, None at the end."""
    try:
        return read_line()
    except KeyboardInterrupt:
        terminal.note("")
        return ""
    except EOFError:
        terminal.note("")
        return None
