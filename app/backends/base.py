"""What the backend process asks of anything that can answer: a local engine, a remote server, or a fake.

One `Backend` stands for one loaded model. Its life is `load` once, any number of `generate`, `unload` once; it may die
at any moment between, which `wait_closed` reports and every answer in progress raises.
"""

from collections.abc import AsyncGenerator, Callable
from typing import Protocol, TypeAlias

from app.errors import AppError
from app.protocol import Delta, Finished, Generate, Loaded, LoadParams, Prefill, WorkerStats

AnswerPart: TypeAlias = Prefill | Delta | Finished
"""What an answer is made of: any number of Prefill, then Delta, and one Finished as the last part."""

ProgressCallback: TypeAlias = Callable[[float], None]
"""Told the share loaded, 0 to 1, on the event loop; it must not block."""


class Backend(Protocol):
    """Something that answers. All methods are called on one event loop."""

    @property
    def pid(self) -> int | None:
        """The process behind it while it runs; None for a backend without one of its own."""

    async def load(self, path: str, params: LoadParams, on_progress: ProgressCallback) -> Loaded:
        """Make it ready. Called once; cancelling the task, or `unload` meanwhile, stops the loading.

        Raises AppError: "model_load_failed", "load_cancelled", "engine_missing", or "worker_died".
        """

    def generate(self, request: Generate) -> AsyncGenerator[AnswerPart, None]:
        """Answer the turns. Requests may overlap; each has its own `request_id`.

        Ends after Finished. Closing the generator earlier (`aclose`) cancels the answer. Raises AppError:
        "prompt_too_long", "template_failed", "generation_failed", "bad_request", or "worker_died".
        """

    async def cancel(self, request_id: int) -> None:
        """Stop that answer: its generator ends soon, with `FinishReason.CANCELLED`. Unknown ids are ignored."""

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
