"""The figures of an answer that was written in several stretches."""

from msgspec.structs import replace

from app.protocol import GenerationStats


def added_up(earlier: GenerationStats | None, later: GenerationStats | None) -> GenerationStats | None:
    """The figures of both stretches as those of one answer; one alone stays as it is.

    The prompt is that of the first: what the second read beyond it is the answer so far, which is counted already.
    """
    if earlier is None or later is None:
        return earlier or later
    return replace(
        later,
        prompt_tokens=earlier.prompt_tokens,
        cached_tokens=earlier.cached_tokens,
        prefill_s=earlier.prefill_s,
        ttft_s=earlier.ttft_s,
        answer_tokens=earlier.answer_tokens + later.answer_tokens,
        decode_s=earlier.decode_s + later.decode_s,
        queue_s=earlier.queue_s + later.queue_s,
        thinking_s=_sum(earlier.thinking_s, later.thinking_s),
        drafted_tokens=earlier.drafted_tokens + later.drafted_tokens,
        accepted_tokens=earlier.accepted_tokens + later.accepted_tokens,
    )


def _sum(one: float | None, other: float | None) -> float | None:
    return one if other is None else other if one is None else one + other
