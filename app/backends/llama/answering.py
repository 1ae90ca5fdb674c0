"""Everything that writes answers with a loaded model: context, slots, scheduler, and what prepares requests."""

import logging
import time
from collections.abc import Callable

import msgspec

from app.backends.llama.adapters import Adapters
from app.backends.llama.context import Context
from app.backends.llama.cores import default_threads
from app.backends.llama.formats.builder import ConstraintBuilder
from app.backends.llama.model import Model
from app.backends.llama.picking import Picker
from app.backends.llama.placing import at_hand
from app.backends.llama.preparing import Preparer, Tools
from app.backends.llama.requests import Answer
from app.backends.llama.scheduler import Listener, Scheduler
from app.backends.llama.slots import Slots
from app.backends.llama.speculation.draft_model import DraftModel
from app.backends.llama.state_files import StateFiles, identity_of
from app.backends.llama.states import StateMemory
from app.backends.llama.stepping import Stepper
from app.backends.llama.templates.prompt import PromptBuilder, Renderer
from app.backends.llama.threads import ONE_THREAD_BYTES, ThreadGovernor
from app.backends.llama.vision.projector import Vision
from app.hardware.defaults import DRAFT_OUTPUTS, MANY_SLOTS, default_slots, outputs_of
from app.protocol import Generate, Load, LoadParams, WorkerStats

_log = logging.getLogger(__name__)


class _Mixtures:
    """Puts the adapters of the answers that are computed next on the context."""

    def __init__(self, adapters: Adapters, context: Context) -> None:
        self._adapters = adapters
        self._context = context
        self._key = ""

    def use(self, answer: Answer) -> None:
        if answer.key != self._key:
            self._adapters.apply(self._context, answer.request.loras)
            self._key = answer.key


class Answering:
    """The answers of one model. Raises AppError: "model_load_failed", "bad_request", "template_failed",
    "adapter_unfit", "projector_unfit" or "draft_model_unfit"."""

    def __init__(self, load: Load, model: Model, renderer: Renderer, listener: Listener) -> None:
        params = load.params
        slots = params.slots or default_slots(model.size)
        outputs = outputs_of(slots)
        adapters = Adapters(model, params.loras)
        self.context = Context(model, params, slots, outputs)
        self.governor = make_governor(params, model.size)
        self.memory = StateMemory(params.state_memory)
        self._disk = open_state_files(load, self.context)
        self._slots = Slots(self.context, self.memory, self._disk)
        self._vision = open_vision(params, model)
        mixtures = _Mixtures(adapters, self.context)
        self._stepper = Stepper(self._slots, self.governor, mixtures, self._vision, outputs)
        self._drafts = open_draft_model(params, model, slots, lambda: self._stepper.threads)
        self._picker = Picker(self.context, model.vocabulary, self._slots)
        self.scheduler = Scheduler(self._slots, self._stepper, self._picker, listener, self._drafts)
        self.prompts = open_prompts(params, model, renderer)
        self._constraints = ConstraintBuilder(model.vocabulary)
        self._constraints.start()
        tools = Tools(model, self.prompts, self._constraints, adapters, self._stepper.times, self._vision)
        self.preparer = Preparer(tools, self.context.length, can_speculate=self.context.cuttable)

    @property
    def sees(self) -> bool:
        return self._vision is not None

    @property
    def keeps_states(self) -> bool:
        """Whether states may have to be written down before the process ends."""
        return self._disk is not None

    def prepare(self, request: Generate, arrived: float) -> tuple[Answer, tuple[int, ...]]:
        """As `Preparer.prepare`, with what the disk has of the prompt. Called by one thread, not the scheduler's."""
        answer, dropped = self.preparer.prepare(request, arrived)
        if self._disk is not None:
            self._disk.remember(request.keep_as)
            answer.stored = self._disk.fetch(answer.run, answer.key, at_hand(self._slots, answer.run, answer.key))
        return answer, dropped

    def look(self, answer: Answer, is_wanted: Callable[[], bool] = lambda: True) -> None:
        """Encode the pictures of the prompt, as long as anybody wants them; each may take seconds.

        Called by one thread, not the scheduler's. Raises AppError: "picture_unreadable" or "generation_failed".
        """
        for picture in answer.unseen:
            if self._vision is not None and is_wanted():
                answer.pictures[picture.key] = self._vision.encode(picture)

    def forget(self, name: str) -> None:
        """Keep nothing on disk under that name, until a request asks for it. May be called by any thread."""
        if self._disk is not None:
            self._disk.forget(name)

    def set_threads(self, threads: int) -> None:
        """The most threads it may use. May be called by any thread."""
        self.governor.set_most(threads)

    def flush(self, seconds: float) -> None:
        """Write down what is to be kept on disk, in that time at most."""
        if self._disk is not None:
            self._slots.write_out()
            self._disk.close(seconds)

    def complete(self, stats: WorkerStats) -> WorkerStats:
        """The figures of the worker with those of the engine. May be called by any thread."""
        figures = self.scheduler.figures
        return msgspec.structs.replace(
            stats,
            tokens_written=figures.written,
            context_length=self.context.length,
            queued=self.scheduler.queued,
            slots=self.context.sequences,
            slots_busy=self._slots.busy,
            cached_tokens=figures.cached,
            prompt_tokens=figures.prompts,
            states_bytes=self.memory.size,
            threads=self._stepper.threads,
            step_s=time.perf_counter() - began if (began := figures.step_began) else 0.0,
        )

    def close(self) -> None:
        """Free everything but the model; a worker needs not, its end does."""
        self._constraints.close()
        self._picker.close()
        self._stepper.close()
        if self._drafts is not None:
            self._drafts.close()
        if self._vision is not None:
            self._vision.close()
        self.context.close()


def open_state_files(load: Load, context: Context) -> StateFiles | None:
    """The states on disk; None where nothing shall be kept there, or the model file has gone meanwhile."""
    if load.states is None:
        return None
    try:
        return StateFiles(load.states, identity_of(context, load.params))
    except OSError as error:
        _log.warning("no states are kept on disk: %s", error)
        return None


def open_vision(params: LoadParams, model: Model) -> Vision | None:
    """The projector, where one was given."""
    threads = params.batch_threads or params.threads or default_threads()
    return Vision(params.projector, model, threads) if params.projector else None


def open_draft_model(params: LoadParams, model: Model, slots: int, threads: Callable[[], int]) -> DraftModel | None:
    """The model that drafts, where one was given, with as many threads as are in use."""
    if not params.draft_model:
        return None
    return DraftModel(params.draft_model, params, model.vocabulary, slots, model.log, threads=threads)


def open_prompts(params: LoadParams, model: Model, renderer: Renderer) -> PromptBuilder:
    """The builder of prompts, by the template of the file or the one that was given."""
    renderer.wait_ready()
    own, architecture = params.chat_template, model.meta("general.architecture")
    prompts = PromptBuilder(model.vocabulary, model.template, renderer, own_template=own, architecture=architecture)
    model.vocabulary.show(prompts.family.marker_texts)
    return prompts


class _TwoNumbers:
    """Keeps to the numbers that were asked for: one for steps that only write, one for those that read prompts."""

    def __init__(self, writing: int, reading: int) -> None:
        self._writing = writing
        self._reading = reading
        self._most = max(writing, reading)

    def set_most(self, most: int) -> None:
        self._most = most

    def threads_for(self, tokens: int) -> int:
        return min(self._most, self._writing if tokens <= MANY_SLOTS + DRAFT_OUTPUTS else self._reading)

    def observe(self, tokens: int, seconds: float) -> None:
        """What was asked for is not changed."""


def make_governor(params: LoadParams, size: int) -> "ThreadGovernor | _TwoNumbers":
    """Who decides about threads; numbers that were asked for are kept to."""
    threads = params.threads or default_threads()
    if params.batch_threads is not None:
        return _TwoNumbers(threads, params.batch_threads)
    return ThreadGovernor(
        threads,
        small=size < ONE_THREAD_BYTES and params.threads is None,
        adaptive=params.threads is None,
    )
