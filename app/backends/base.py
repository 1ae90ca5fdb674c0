"""What the backend process asks of anything that can answer: a local engine, a remote server, or a fake.

One `Backend` stands for one loaded model. Its life is `load` once, any number of `generate`, `unload` once; it may die
at any moment between, which `wait_closed` reports and every answer in progress raises.
"""

from collections.abc import AsyncGenerator, Callable, Sequence
from dataclasses import dataclass
from typing import Protocol, TypeAlias

from app.errors import AppError
from app.protocol import (
    Delta,
    Finished,
    Generate,
    Loaded,
    LoadParams,
    Prefill,
    PromptText,
    Queued,
    StateFolder,
    ToolCallDelta,
    TurnsDropped,
    WorkerStats,
)

AnswerPart: TypeAlias = Queued | TurnsDropped | Prefill | Delta | ToolCallDelta | Finished
"""What an answer is made of: Queued while it waits, TurnsDropped where it must, then Prefill, then what is written, and
one Finished as the last part."""


@dataclass(frozen=True)
class Embedded:
    """Vectors in the order of the texts, and the tokens that were read."""

    vectors: list[list[float]]
    tokens: int


@dataclass(frozen=True)
class Reranked:
    """Scores in the order of the documents, and the tokens that were read."""

    scores: list[float]
    tokens: int


ProgressCallback: TypeAlias = Callable[[float], None]
"""Told the share loaded, 0 to 1, on the event loop; it must not block."""


class Backend(Protocol):
    """Something that answers. All methods are called on one event loop."""

    @property
    def pid(self) -> int | None:
        """The process behind it while it runs; None for a backend without one of its own."""

    async def load(
        self, path: str, params: LoadParams, on_progress: ProgressCallback, states: StateFolder | None = None
    ) -> Loaded:
        """Make it ready. Called once; cancelling the task, or `unload` meanwhile, stops the loading.

        Raises AppError: "model_load_failed", "load_cancelled", "engine_missing", or "worker_died".
        """

    def generate(self, request: Generate) -> AsyncGenerator[AnswerPart, None]:
        """Answer the turns. Requests may overlap; each has its own `request_id`.

        Ends after Finished. Closing the generator earlier (`aclose`) cancels the answer. Raises AppError:
        "prompt_too_long", "template_failed", "generation_failed", "bad_request", "bad_format", or "worker_died".
        """

    async def cancel(self, request_id: int) -> None:
        """Stop that answer: its generator ends soon, with `FinishReason.CANCELLED`. Unknown ids are ignored."""

    async def preview(self, request: Generate) -> PromptText:
        """The prompt that request would make, and its length. Raises AppError as `generate` does."""

    async def tokenize(self, text: str, special: bool = False) -> tuple[int, ...]:
        """The tokens of a text; with `special`, texts of control tokens become these. Raises AppError."""

    async def embed(self, texts: Sequence[str], normalize: bool = True) -> Embedded:
        """One vector for each text. Raises AppError: "bad_request" where the model has none, "prompt_too_long"."""

    async def rerank(self, query: str, documents: Sequence[str]) -> Reranked:
        """How well each document answers the query, higher is better. Raises AppError as `embed` does."""

    async def set_threads(self, threads: int) -> None:
        """The most threads it may use from now on; a backend without threads here ignores it."""

    async def forget(self, keep_as: str) -> None:
        """Keep nothing on disk under that name, until a request asks for it again."""

    async def stats(self) -> WorkerStats:
        """What it is doing. Raises AppError("worker_died") or, when it was unloaded, "generation_failed"."""

    async def unload(self) -> None:
        """End it and free its memory; returns when that is done. May be called at any time, and twice.

        Answers in progress raise AppError("generation_failed"): cancel them first to end them in order.
        """

    async def wait_closed(self) -> AppError | None:
        """Wait for its end: None after `unload` or a load that failed, AppError("worker_died") if it died by itself."""


BackendFactory: TypeAlias = Callable[[], Backend]
"""Makes a fresh, unloaded backend."""


def unloaded_error() -> AppError:
    """What answers of a backend raise that has been unloaded."""
    return AppError("generation_failed", reason="model_unloaded")
