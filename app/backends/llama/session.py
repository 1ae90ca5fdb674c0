"""A loaded model with all it can do: write answers, make vectors, count tokens.

Importing this module loads llama.cpp.
"""

import time

from app.backends.llama.answering import Answering
from app.backends.llama.buffers import buffers_of
from app.backends.llama.context_fields import check_params
from app.backends.llama.embedding import abilities
from app.backends.llama.engine_log import EngineLog
from app.backends.llama.formats.builder import ConstraintBuilder
from app.backends.llama.model import Model, ProgressCheck
from app.backends.llama.scheduler import Listener
from app.backends.llama.templates.request import Renderer
from app.backends.llama.vectors import Vectors
from app.errors import AppError
from app.protocol import Load, Loaded, WorkerStats


class Session:
    """A model from loading to the end of its process.

    Raises AppError: "model_load_failed", "load_cancelled", "bad_request", and what its parts raise.
    """

    def __init__(self, load: Load, renderer: Renderer, on_progress: ProgressCheck, listener: Listener) -> None:
        started = time.perf_counter()
        check_params(load.params)
        self.model = model = Model(load.path, load.params, on_progress, EngineLog())
        able = abilities(model)
        constraints = ConstraintBuilder(model.vocabulary)
        try:
            if able.writes:
                constraints.start()  # beside all that follows
            if not (able.writes or able.embeds or able.reranks):
                raise AppError("model_load_failed", model=model.name, reason="model_writes_nothing", detail="")
            self.answering = Answering(load, model, renderer, listener, constraints) if able.writes else None
            self.vectors = Vectors(model, load.params, able)
            if self.answering is None:
                self.vectors.open()
        except AppError:
            constraints.close()
            model.close()
            raise
        self.loaded = self._describe(time.perf_counter() - started)

    def set_threads(self, threads: int) -> None:
        """The most threads it may use. May be called by any thread."""
        self.vectors.set_threads(threads)
        if self.answering is not None:
            self.answering.set_threads(threads)

    def complete(self, stats: WorkerStats) -> WorkerStats:
        """The figures of the worker with those of the engine. May be called by any thread."""
        return stats if self.answering is None else self.answering.complete(stats)

    def close(self) -> None:
        """Free everything; a worker needs not, its end does."""
        self.vectors.close()
        if self.answering is not None:
            self.answering.close()
        self.model.close()

    def _describe(self, load_s: float) -> Loaded:
        model, able, answering = self.model, self.vectors.abilities, self.answering
        if answering is None:
            return Loaded(
                context_length=self.vectors.limit,
                device=model.device,
                load_s=load_s,
                has_template=False,
                embeds=able.embeds,
                reranks=able.reranks,
                buffers=buffers_of(model.log.buffers),
            )
        prompts = answering.prompts
        return Loaded(
            context_length=answering.context.length,
            device=model.device,
            load_s=load_s,
            has_template=bool(model.template),
            supports_thinking=prompts.supports_thinking or prompts.always_thinks,
            supports_tools=prompts.supports_tools,
            sees=answering.sees,
            embeds=able.embeds,
            reranks=able.reranks,
            slots=answering.context.sequences,
            warnings=prompts.warnings,
            buffers=buffers_of(model.log.buffers),
        )
