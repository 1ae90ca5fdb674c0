"""One chat completion being written: collects the parts of an answer and shapes them as OpenAI's objects."""

import secrets
import time

import msgspec
from msgspec import UNSET

import app
from app import sse
from app.backends.base import AnswerPart
from app.protocol import Delta, DeltaKind, Finished, FinishReason, GenerationStats
from app.server.openai import wire

DONE = sse.encode(b"[DONE]")

_FINGERPRINT = f"fp_alcove_{app.__version__}"
_encoder = msgspec.json.Encoder()


class CompletionWriter:
    """Turns the parts of one answer into chunks as they come, or into one completion at the end."""

    def __init__(self, model: str, include_usage: bool) -> None:
        self._id = f"chatcmpl-{secrets.token_hex(12)}"
        self._created = int(time.time())
        self._model = model
        self._include_usage = include_usage
        self._texts: dict[DeltaKind, list[str]] = {kind: [] for kind in DeltaKind}
        self._reasoning_tokens = 0
        self._stats: GenerationStats | None = None

    def take(self, part: AnswerPart) -> None:
        """Remember a part."""
        if isinstance(part, Delta):
            self._texts[part.kind].append(part.text)
            self._reasoning_tokens += part.tokens if part.kind is DeltaKind.THINKING else 0
        elif isinstance(part, Finished):
            self._stats = part.stats

    def opening(self) -> bytes:
        """The chunk that says who speaks."""
        return self._chunk(wire.ChunkDelta(role="assistant", content="", refusal=None))

    def chunk(self, part: Delta) -> bytes:
        if part.kind is DeltaKind.THINKING:
            return self._chunk(wire.ChunkDelta(reasoning_content=part.text))
        return self._chunk(wire.ChunkDelta(content=part.text))

    def closing(self) -> bytes:
        """The last chunks: why it ended, what it cost (where asked for), and the mark of the end."""
        chunks = self._chunk(wire.ChunkDelta(), self._finish_name())
        if self._include_usage:
            chunks += self._encode([], self._usage())
        return chunks + DONE

    def completion(self) -> wire.Completion:
        """The whole answer at once."""
        thinking = "".join(self._texts[DeltaKind.THINKING])
        message = wire.AnswerMessage(content="".join(self._texts[DeltaKind.TEXT]), reasoning_content=thinking or UNSET)
        return wire.Completion(
            id=self._id,
            created=self._created,
            model=self._model,
            choices=[wire.Choice(message=message, finish_reason=self._finish_name())],
            usage=self._usage(),
            system_fingerprint=_FINGERPRINT,
        )

    def _chunk(self, delta: wire.ChunkDelta, finish: wire.FinishName | None = None) -> bytes:
        return self._encode([wire.ChunkChoice(delta=delta, finish_reason=finish)], None)

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
        limited = (FinishReason.LENGTH, FinishReason.CONTEXT_FULL)
        return "length" if self._stats is not None and self._stats.finish_reason in limited else "stop"

    def _usage(self) -> wire.Usage:
        prompt = self._stats.prompt_tokens if self._stats else 0
        written = self._stats.answer_tokens if self._stats else 0
        return wire.Usage(
            prompt_tokens=prompt,
            completion_tokens=written,
            total_tokens=prompt + written,
            completion_tokens_details=wire.CompletionDetails(reasoning_tokens=self._reasoning_tokens),
        )
