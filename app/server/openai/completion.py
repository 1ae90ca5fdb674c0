"""One chat completion being written: collects the parts of an answer and shapes them as OpenAI's objects."""

import secrets
import time
from collections.abc import Sequence

import msgspec
from msgspec import UNSET

import app
from app import sse
from app.backends.base import AnswerPart
from app.protocol import Delta, DeltaKind, Finished, FinishReason, GenerationStats, ToolCallDelta
from app.server.openai import wire

DONE = sse.encode(b"[DONE]")

_FINGERPRINT = f"fp_alcove_{app.__version__}"
_IMPOSSIBLE = -9999.0
"""What stands for a logarithm of zero, which JSON cannot say."""
_encoder = msgspec.json.Encoder()


class CompletionWriter:
    """Turns the parts of one answer into chunks as they come, or into one completion at the end."""

    def __init__(self, model: str, include_usage: bool, predicted: bool = False) -> None:
        """`predicted`: the request foretold a text, so that drafts that were accepted are told as its tokens."""
        self._id = f"chatcmpl-{secrets.token_hex(12)}"
        self._created = int(time.time())
        self._model = model
        self._include_usage = include_usage
        self._predicted = predicted
        self._texts: dict[DeltaKind, list[str]] = {kind: [] for kind in DeltaKind}
        self._calls: dict[int, wire.ToolCall] = {}
        self._logprobs: list[wire.Logprob] = []
        self._reasoning_tokens = 0
        self._stats: GenerationStats | None = None

    def take(self, part: AnswerPart) -> None:
        """Remember a part."""
        if isinstance(part, Delta):
            self._texts[part.kind].append(part.text)
            self._reasoning_tokens += part.tokens if part.kind is DeltaKind.THINKING else 0
            self._logprobs += _logprobs(part)
        elif isinstance(part, ToolCallDelta):
            nothing = wire.ToolCall(id="", function=wire.Function(name="", arguments=""))
            call = self._calls.setdefault(part.index, nothing)
            call.id, call.function.name = part.call_id or call.id, part.name or call.function.name
            call.function.arguments += part.arguments
        elif isinstance(part, Finished):
            self._stats = part.stats

    def opening(self) -> bytes:
        """The chunk that says who speaks."""
        return self._chunk(wire.ChunkDelta(role="assistant", content="", refusal=None))

    def chunk(self, part: AnswerPart) -> bytes:
        """The chunk of a part; nothing for parts that say nothing to a client."""
        if isinstance(part, ToolCallDelta):
            return self._chunk(wire.ChunkDelta(tool_calls=[_call_piece(part)]))
        if not isinstance(part, Delta):
            return b""
        if part.kind is DeltaKind.THINKING:
            return self._chunk(wire.ChunkDelta(reasoning_content=part.text))
        return self._chunk(wire.ChunkDelta(content=part.text), logprobs=_logprobs(part))

    def closing(self) -> bytes:
        """The last chunks: why it ended, what it cost (where asked for), and the mark of the end."""
        chunks = self._chunk(wire.ChunkDelta(), self._finish_name())
        if self._include_usage:
            chunks += self._encode([], self._usage())
        return chunks + DONE

    def completion(self) -> wire.Completion:
        """The whole answer at once."""
        thinking = "".join(self._texts[DeltaKind.THINKING])
        text = "".join(self._texts[DeltaKind.TEXT])
        message = wire.AnswerMessage(
            content=text if text or not self._calls else None,
            reasoning_content=thinking or UNSET,
            tool_calls=[self._calls[index] for index in sorted(self._calls)] or UNSET,
        )
        choice = wire.Choice(message=message, finish_reason=self._finish_name(), logprobs=_listed(self._logprobs))
        return wire.Completion(
            id=self._id,
            created=self._created,
            model=self._model,
            choices=[choice],
            usage=self._usage(),
            system_fingerprint=_FINGERPRINT,
        )

    def _chunk(
        self, delta: wire.ChunkDelta, finish: wire.FinishName | None = None, logprobs: Sequence[wire.Logprob] = ()
    ) -> bytes:
        return self._encode([wire.ChunkChoice(delta=delta, finish_reason=finish, logprobs=_listed(logprobs))], None)

    def _encode(self, choices: list[wire.ChunkChoice], usage: wire.Usage | None) -> bytes:
        chunk = wire.Chunk(
            id=self._id,
            created=self._created,
            model=self._model,
            choices=choices,
            usage=usage if self._include_usage else UNSET,
            system_fingerprint=_FINGERPRINT,
        )
        return sse.encode(_encoder.encode(chunk))

    def _finish_name(self) -> wire.FinishName:
        reason = self._stats.finish_reason if self._stats is not None else FinishReason.STOP
        if reason is FinishReason.TOOL_CALLS:
            return "tool_calls"
        return "length" if reason in (FinishReason.LENGTH, FinishReason.CONTEXT_FULL) else "stop"

    def _usage(self) -> wire.Usage:
        stats = self._stats or GenerationStats(
            prompt_tokens=0, answer_tokens=0, ttft_s=0.0, decode_s=0.0, context_length=0
        )
        return wire.Usage(
            prompt_tokens=stats.prompt_tokens,
            completion_tokens=stats.answer_tokens,
            total_tokens=stats.prompt_tokens + stats.answer_tokens,
            prompt_tokens_details=wire.PromptDetails(cached_tokens=stats.cached_tokens),
            completion_tokens_details=wire.CompletionDetails(
                reasoning_tokens=self._reasoning_tokens,
                accepted_prediction_tokens=stats.accepted_tokens if self._predicted else 0,
                rejected_prediction_tokens=stats.drafted_tokens - stats.accepted_tokens if self._predicted else 0,
            ),
        )


def _call_piece(part: ToolCallDelta) -> wire.ToolCallDelta:
    return wire.ToolCallDelta(
        index=part.index,
        id=part.call_id or UNSET,
        type="function" if part.call_id else UNSET,
        function=wire.FunctionDelta(name=part.name or UNSET, arguments=part.arguments),
    )


def _listed(logprobs: Sequence[wire.Logprob]) -> wire.Logprobs | None:
    return wire.Logprobs(content=list(logprobs)) if logprobs else None


def _logprobs(part: Delta) -> list[wire.Logprob]:
    """The log-probabilities of the answer's own tokens; what is thought has none in this dialect."""
    if part.kind is DeltaKind.THINKING:
        return []
    return [
        wire.Logprob(
            token=each.text,
            logprob=max(each.logprob, _IMPOSSIBLE),
            bytes=list(each.raw),
            top_logprobs=[
                wire.TopLogprob(token=other.text, logprob=max(other.logprob, _IMPOSSIBLE), bytes=list(other.raw))
                for other in each.top
            ],
        )
        for each in part.logprobs
    ]
