"""From a request to an answer that can be scheduled: prompt, format, sampler, drafters; all that needs no context."""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import count

import msgspec

from app.backends.llama.adapters import Adapters
from app.backends.llama.formats.builder import ConstraintBuilder
from app.backends.llama.model import Model
from app.backends.llama.output.parser import OutputParser
from app.backends.llama.output.repetition import RepetitionFinder
from app.backends.llama.output.syntax import Layout
from app.backends.llama.requests import Answer, Limits, Times
from app.backends.llama.runs import PictureSpan, TokenRun, picture_cells
from app.backends.llama.sampling.params import check_sampling, decide
from app.backends.llama.sampling.sampler import TokenSampler
from app.backends.llama.speculation.length import DraftLength, StepTimes
from app.backends.llama.speculation.lookup import LookupDrafter
from app.backends.llama.templates.prompt import Picture, Prompt, PromptBuilder
from app.backends.llama.turns import Fitter
from app.backends.llama.vision.projector import Vision
from app.backends.llama.writing import Writing
from app.errors import AppError
from app.protocol import FormatKind, Generate, OutputFormat, PromptText, ToolChoice

CHANNEL_OPENING = "<|channel|>final<|message|>"
"""What an answer in a format begins with where the family writes in channels."""


@dataclass(frozen=True)
class Tools:
    """What the parts of a loaded model do for its requests."""

    model: Model
    prompts: PromptBuilder
    constraints: ConstraintBuilder
    adapters: Adapters
    times: StepTimes
    vision: Vision | None


class Preparer:
    """Prepares requests for a context of that many cells. Used by one thread, not the scheduler's."""

    def __init__(self, tools: Tools, context: int, *, can_speculate: bool) -> None:
        self._tools = tools
        self._context = context
        self._can_speculate = can_speculate
        self._orders = count()

    def prepare(self, request: Generate, arrived: float) -> tuple[Answer, tuple[int, ...]]:
        """The answer, and the indexes of turns that are left out. `arrived` is by `time.perf_counter`.

        Raises AppError: "bad_request", "bad_format", "template_failed", "prompt_too_long" or "model_cannot_see".
        """
        check_sampling(request.sampling)
        key = self._tools.adapters.key(request.loras)
        wanted = self._format(request)
        constraint = self._tools.constraints.build(wanted) if wanted is not None else None
        prompt, dropped = self._fit(request)
        if prompt.pieces and isinstance(prompt.pieces[-1], Picture):
            raise AppError("bad_request", reason="the prompt ends with a picture: nothing asks for an answer")
        run = self._run(prompt)
        answer = Answer(
            request=msgspec.structs.replace(request, turns=()),  # it may wait long, with pictures of many megabytes
            run=run,
            key=key,
            writing=self._writing(request, prompt),
            limits=Limits(self._context, request.sampling.max_tokens, request.thinking_budget),
            times=Times(arrived),
            order=next(self._orders),
            constraint=constraint,
            thinking_end=self._tokens(self._tools.prompts.family.thinking_end),
            repetition=RepetitionFinder() if request.stop_repetition else None,
            unseen=[piece for piece in prompt.pieces if isinstance(piece, Picture)],
            lookup=self._lookup(request, run),
            sampler=self._sampler(request, run),  # the last: what has it must be closed
        )
        if constraint is not None and not prompt.opens_thinking:
            answer.force(self._format_opening(request))
        answer.constrain_in_time()
        return answer, dropped

    def preview(self, request: Generate) -> PromptText:
        """The prompt that request would make. Raises AppError as `prepare` does."""
        prompt, dropped = self._fit(request)
        length = self._measure(prompt)
        return PromptText(request_id=request.request_id, text=prompt.text, tokens=length, dropped=dropped)

    # ------------------------------------------------------------ the prompt

    def _fit(self, request: Generate) -> tuple[Prompt, tuple[int, ...]]:
        def build(dropped: frozenset[int]) -> Prompt:
            turns = tuple(turn for index, turn in enumerate(request.turns) if index not in dropped)
            return self._tools.prompts.build(msgspec.structs.replace(request, turns=turns))

        return Fitter(self._context, build, self._measure).fit(request)

    def _measure(self, prompt: Prompt) -> int:
        """Cells of the prompt, its pictures included."""
        return sum(1 if isinstance(piece, int) else self._span(piece, 0).cells for piece in prompt.pieces)

    def _run(self, prompt: Prompt) -> TokenRun:
        if not any(isinstance(piece, Picture) for piece in prompt.pieces):
            return TokenRun(prompt.tokens)
        cells: list[int] = []
        spans = []
        for piece in prompt.pieces:
            if isinstance(piece, int):
                cells.append(piece)
                continue
            spans.append(self._span(piece, len(cells)))
            cells += picture_cells(piece.key, spans[-1].cells).tolist()
        return TokenRun(cells, spans)

    def _span(self, picture: Picture, start: int) -> PictureSpan:
        if self._tools.vision is None:
            raise AppError("model_cannot_see", model=self._tools.model.name)
        measure = self._tools.vision.measure(picture)
        return PictureSpan(picture.key, start, measure.cells, measure.positions)

    # ------------------------------------------------------------ the answer

    def _format(self, request: Generate) -> OutputFormat | None:
        """What the answer has to be like: a call where one is demanded, else the format asked for."""
        demanded = request.tool_choice is ToolChoice.REQUIRED or bool(request.tool_name)
        if demanded and request.tool_choice is not ToolChoice.NONE:
            family = self._tools.prompts.family
            try:
                return family.call_format(request.tools, request.tool_name, request.parallel_tool_calls)
            except ValueError as error:
                raise AppError("bad_request", reason=str(error)) from error
        return None if request.format.kind is FormatKind.TEXT else request.format

    def _format_opening(self, request: Generate) -> Sequence[int]:
        """Tokens that have to stand before an answer in a format, where the family needs some."""
        if request.tools or self._tools.prompts.family.syntax.layout is not Layout.CHANNELS:
            return ()
        return self._tokens(CHANNEL_OPENING)

    def _writing(self, request: Generate, prompt: Prompt) -> Writing:
        tools = () if request.tool_choice is ToolChoice.NONE else request.tools
        family, parallel = self._tools.prompts.family, request.parallel_tool_calls
        parser = OutputParser(family, prompt.opens_thinking, tools, parallel=parallel)
        return Writing(request.request_id, parser, request.sampling.stop)

    def _sampler(self, request: Generate, run: TokenRun) -> TokenSampler:
        model = self._tools.model
        prompt = run.tokens[run.tokens >= 0].tolist()
        return TokenSampler(decide(request.sampling, model.recommended_sampling), model.vocabulary, prompt)

    def _lookup(self, request: Generate, run: TokenRun) -> tuple[LookupDrafter, DraftLength] | None:
        if not (self._can_speculate and request.speculate):
            return None
        lookup = LookupDrafter(run.tokens.tolist(), self._tokens(request.prediction, special=False))
        return lookup, DraftLength(self._tools.times)

    def _tokens(self, text: str, *, special: bool = True) -> list[int]:
        return self._tools.model.vocabulary.tokenize(text, parse_special=special)
