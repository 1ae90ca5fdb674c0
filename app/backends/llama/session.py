"""A loaded model ready to answer: engine, prompt builder and template process together.

Importing this module loads llama.cpp.
"""

import logging
from collections.abc import Callable, Iterator

from app.backends.base import AnswerPart
from app.backends.llama.answer import Answer
from app.backends.llama.engine import Engine
from app.backends.llama.prompt import PromptBuilder, Renderer
from app.backends.llama.sampling import check_sampling
from app.protocol import Generate, Load, Loaded

_log = logging.getLogger(__name__)


class Session:
    """A model from loading to the end of its process. Raises AppError: "model_load_failed" or "load_cancelled"."""

    def __init__(self, load: Load, renderer: Renderer, on_progress: Callable[[float], bool]) -> None:
        self._engine = engine = Engine(load.path, load.params, on_progress)
        template = engine.template
        if not template:
            _log.warning("the file has no chat template; ChatML is used")
        renderer.wait_ready()
        self._prompts = PromptBuilder(engine.vocabulary, template, renderer)
        self.loaded = Loaded(
            context_length=engine.context_length,
            device=engine.device,
            load_s=engine.load_s,
            has_template=bool(template),
            supports_thinking="<think>" in template or "enable_thinking" in template,
        )

    def answer(self, request: Generate, arrived: float, cancelled: Callable[[], bool]) -> Iterator[AnswerPart]:
        """The parts of the answer. `arrived` is by `time.perf_counter`.

        Raises AppError: "bad_request", "template_failed", "prompt_too_long" or "generation_failed".
        """
        check_sampling(request.sampling)
        prompt = self._prompts.build(request.turns, request.thinking)
        yield from Answer(self._engine, request, prompt, arrived, cancelled).parts()

    def close(self) -> None:
        """Free the model; a worker needs not, its end does."""
        self._engine.close()
