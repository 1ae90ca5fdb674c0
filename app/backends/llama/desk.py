"""The worker's other threads: they load the model, then prepare requests while the main one computes steps."""

import logging
import os
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from itertools import count
from queue import PriorityQueue
from typing import TYPE_CHECKING, Generic, TypeAlias, TypeVar

import msgspec

from app.backends.base import unloaded_error
from app.backends.llama.looking import PictureLine
from app.backends.llama.pipes import EXIT_FAULT, Output, Requests
from app.backends.llama.templates.renderer import TemplateRenderer
from app.backends.llama.unwanted import UnwantedError
from app.errors import AppError
from app.protocol import (
    Embed,
    Failed,
    Finished,
    FinishReason,
    Generate,
    GenerationStats,
    Load,
    LoadFailed,
    LoadProgress,
    PreviewPrompt,
    Priority,
    Rerank,
    Tokenize,
    Tokens,
    TurnsDropped,
)

if TYPE_CHECKING:
    from app.backends.llama.answering import Answering
    from app.backends.llama.requests import Answer
    from app.backends.llama.session import Session

PROGRESS_STEP = 0.01
"""Share of a load between two reports: llama.cpp reports every tensor."""

Asked: TypeAlias = Generate | PreviewPrompt | Tokenize | Embed | Rerank
ThingT = TypeVar("ThingT")

_log = logging.getLogger(__name__)


class Desk:
    """Obeys commands, the window's first. `on_session` is given the loaded model, `on_answer` each prepared answer."""

    def __init__(
        self,
        output: Output,
        requests: Requests,
        on_session: Callable[["Session"], None],
        on_answer: Callable[["Answer"], None],
    ) -> None:
        self._output = output
        self._requests = requests
        self._on_session = on_session
        self._on_answer = on_answer
        self._commands: Line[tuple[Load | Asked, float]] = Line()
        self._vectors: Line[tuple[Load | Asked, float]] = Line()
        self._pictures = PictureLine(lambda news: output.send(*news))
        self._session: Session | None = None

    def put(self, message: Load | Asked, arrived: float) -> None:
        """Obey this when its turn has come. May be called by any thread."""
        line = self._vectors if isinstance(message, Embed | Rerank) else self._commands
        line.put((message, arrived), _rank(message))

    def cancel(self, request_id: int) -> None:
        """Nobody wants it any more: who waits for pictures to be encoded need not. May be called by any thread."""
        if (answer := self._pictures.remove(request_id)) is not None:
            self._on_answer(answer)

    def start(self) -> None:
        """Obey for ever: vectors and pictures, which take long, on threads of their own."""
        for name, serve in (
            ("desk", lambda: self._obey(*self._commands.get())),
            ("vectors", lambda: self._obey(*self._vectors.get())),
            ("pictures", lambda: self._look(self._pictures.take())),
        ):
            threading.Thread(target=self._serve, args=(serve,), name=name, daemon=True).start()

    def _serve(self, serve_next: Callable[[], None]) -> None:
        try:
            while True:
                serve_next()
        except BaseException as error:  # noqa: BLE001 (the edge of a thread: a worker without it must not live on)
            say_last_words(repr(error))
            _log.exception("the desk ends")
        finally:
            os._exit(EXIT_FAULT)

    # ------------------------------------------------------------ loading

    def _load(self, message: Load) -> None:
        try:
            session = self._session = self._open_session(message)
        except AppError as error:
            _log.warning("not loaded: %s", error)
            self._output.send(LoadFailed(error=error.info))
            return
        loaded = session.loaded
        _log.info("loaded in %.3f s, context %d, %s", loaded.load_s, loaded.context_length, loaded.device)
        self._on_session(session)
        self._output.send(loaded)

    def _open_session(self, message: Load) -> "Session":
        renderer = TemplateRenderer()
        session_type = import_session()
        try:
            return session_type(message, renderer, ProgressReporter(self._output), self._requests)
        except (RuntimeError, ValueError, MemoryError) as error:
            _log.exception("loading failed")
            name, detail = os.path.basename(message.path), str(error)
            reason = "out_of_memory" if isinstance(error, MemoryError) else detail
            raise AppError("model_load_failed", model=name, reason=reason, detail=detail) from error

    # ------------------------------------------------------------ preparing

    def _obey(self, message: Load | Asked, arrived: float) -> None:
        if isinstance(message, Load):
            self._load(message)
            return
        with self._guarding(_number(message)):
            self._answer(message, arrived)

    def _look(self, answer: "Answer") -> None:
        """Encode the pictures of an answer; one that is not wanted any more the scheduler ends."""
        with self._guarding(answer.id, answer.close):
            assert self._session is not None
            _answering(self._session).look(answer, lambda: not self._requests.is_cancelled(answer.id))
            self._on_answer(answer)

    @contextmanager
    def _guarding(self, request_id: int, clean_up: Callable[[], None] = lambda: None) -> Iterator[None]:
        """Whatever goes wrong in there is the end of this request only."""
        try:
            yield
        except AppError as error:
            clean_up()
            _log.info("request %d failed: %s", request_id, error.code)
            self._fail(request_id, error)
        except BrokenPipeError:
            _log.info("the backend has gone")
        except Exception as error:  # noqa: BLE001 (the edge of a request)
            clean_up()
            _log.exception("request %d failed", request_id)
            self._fail(request_id, AppError("generation_failed", reason=type(error).__name__))

    def _fail(self, request_id: int, error: AppError) -> None:
        self._requests.close_request(request_id)
        self._output.send(Failed(request_id=request_id, error=error.info))

    def _answer(self, message: Asked, arrived: float) -> None:
        session = self._session
        if session is None:
            raise unloaded_error()
        if isinstance(message, Generate):
            if self._requests.is_cancelled(message.request_id):
                self._drop(message, arrived, _answering(session).context.length)
                return
            self._prepare(_answering(session), message, arrived)
            return
        if isinstance(message, PreviewPrompt):
            reply: msgspec.Struct = _answering(session).preparer.preview(message.request)
        elif isinstance(message, Tokenize):
            tokens = session.model.vocabulary.tokenize(message.text, parse_special=message.special)
            reply = Tokens(request_id=message.request_id, tokens=tuple(tokens))
        else:
            try:
                reply = session.vectors.answer(message, lambda: not self._requests.is_cancelled(message.request_id))
            except UnwantedError:
                self._requests.close_request(message.request_id)
                return
        self._requests.close_request(_number(message))
        self._output.send(reply)

    def _prepare(self, answering: "Answering", message: Generate, arrived: float) -> None:
        answer, dropped = answering.prepare(message, arrived)
        if dropped:
            self._output.send(TurnsDropped(request_id=message.request_id, turns=dropped))
        if answer.unseen:
            self._pictures.put(answer)
        else:
            self._on_answer(answer)

    def _drop(self, message: Generate, arrived: float, context_length: int) -> None:
        """End a request that nobody waits for any more before anything was done for it."""
        stats = GenerationStats(
            prompt_tokens=0,
            answer_tokens=0,
            ttft_s=time.perf_counter() - arrived,
            decode_s=0.0,
            context_length=context_length,
            finish_reason=FinishReason.CANCELLED,
        )
        self._requests.close_request(message.request_id)
        self._output.send(Finished(request_id=message.request_id, stats=stats))


class Line(Generic[ThingT]):
    """A queue in which the smaller rank goes first, and of one rank who came first."""

    def __init__(self) -> None:
        self._queue: PriorityQueue[tuple[int, int, ThingT]] = PriorityQueue()
        self._numbers = count()

    def put(self, thing: ThingT, rank: int) -> None:
        """May be called by any thread."""
        self._queue.put((rank, next(self._numbers), thing))

    def get(self) -> ThingT:
        """The next one; waits for it."""
        return self._queue.get()[2]


def _rank(message: Load | Asked) -> int:
    """Loading goes before all, and what the window waits for before what programs wait for."""
    if isinstance(message, Load):
        return -1
    if isinstance(message, PreviewPrompt):
        return message.request.priority
    return message.priority if isinstance(message, Generate) else Priority.WINDOW


def _number(message: Asked) -> int:
    return message.request.request_id if isinstance(message, PreviewPrompt) else message.request_id


def _answering(session: "Session") -> "Answering":
    """What writes answers. Raises AppError("bad_request") where the model writes none."""
    if session.answering is None:
        raise AppError("bad_request", reason=f"{session.model.name} makes vectors, it writes nothing")
    return session.answering


class ProgressReporter:
    """Reports the progress of loading, in steps that are worth a message."""

    def __init__(self, output: Output) -> None:
        self._output = output
        self._reported = -1.0

    def __call__(self, fraction: float) -> bool:
        """Always goes on: a load that is no longer wanted ends with its process."""
        if fraction >= 1.0 or fraction - self._reported >= PROGRESS_STEP:
            self._reported = fraction
            self._output.send(LoadProgress(fraction=fraction))
        return True


def import_session() -> "type[Session]":
    """The session's class; importing it loads llama.cpp. Raises AppError("engine_missing")."""
    try:
        from app.backends.llama.binding import capture_abort  # noqa: PLC0415 (loads the engine, which may be missing)
        from app.backends.llama.session import Session  # noqa: PLC0415
    except (ImportError, OSError, RuntimeError, AttributeError) as error:
        raise AppError("engine_missing", reason=str(error)) from error
    capture_abort(say_last_words)
    return Session


def say_last_words(message: str) -> None:
    """The process is about to end, as after a failed assertion of llama.cpp: the backend reads this as the reason."""
    os.write(2, f"{message.strip()}\n".encode())
