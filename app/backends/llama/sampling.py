"""How the next token is chosen: checks what was asked, and builds llama.cpp's chain of samplers for it."""

import math
import secrets
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from app.backends.llama.binding import llama
from app.errors import AppError
from app.protocol import Sampling

PENALTY_WINDOW = 64
"""Tokens looked back on by the repeat penalty; llama.cpp's own default."""
_SEEDS = 2**32 - 1
"""llama.cpp takes 32 bits and draws a seed of its own for the largest value."""

_RANGES = {
    "temperature": (0.0, 5.0),
    "top_k": (0, 1_000_000),
    "top_p": (0.0, 1.0),
    "min_p": (0.0, 1.0),
    "repeat_penalty": (0.01, 10.0),
}
MAX_STOPS, MAX_STOP_LENGTH = 32, 1024


@dataclass(frozen=True)
class Choice:
    """How tokens are chosen, every value decided. The defaults are those of a careful chat."""

    temperature: float = 0.7
    top_k: int = 40
    top_p: float = 0.95
    min_p: float = 0.05
    repeat_penalty: float = 1.0
    seed: int | None = None


def decide(sampling: Sampling, recommended: Mapping[str, float]) -> Choice:
    """What was asked for, then what the model's file recommends where that makes sense, then the defaults."""
    usual = Choice()

    def pick(name: str) -> float:
        asked, default = getattr(sampling, name), getattr(usual, name)
        if asked is not None:
            return float(asked)
        low, high = _RANGES[name]
        value = recommended.get(name, default)
        return float(value if low <= value <= high else default)

    return Choice(
        temperature=pick("temperature"),
        top_k=int(pick("top_k")),
        top_p=pick("top_p"),
        min_p=pick("min_p"),
        repeat_penalty=pick("repeat_penalty"),
        seed=sampling.seed,
    )


def check_sampling(sampling: Sampling) -> None:
    """Raises AppError("bad_request") for a value no sampler can work with."""
    for name, (low, high) in _RANGES.items():
        value = getattr(sampling, name)
        if value is not None and (not math.isfinite(value) or not low <= value <= high):
            raise AppError("bad_request", reason=f"{name} must be between {low} and {high}, not {value}")
    if sampling.max_tokens is not None and sampling.max_tokens < 1:
        raise AppError("bad_request", reason=f"max_tokens must be at least 1, not {sampling.max_tokens}")
    if len(sampling.stop) > MAX_STOPS or any(len(stop) > MAX_STOP_LENGTH for stop in sampling.stop):
        raise AppError("bad_request", reason=f"at most {MAX_STOPS} stop strings of {MAX_STOP_LENGTH} characters")


class Sampler:
    """A chain of samplers for one answer; `close` frees it."""

    def __init__(self, choice: Choice, vocabulary_size: int, recent: Sequence[int]) -> None:
        self._chain = llama.llama_sampler_chain_init(llama.llama_sampler_chain_default_params())
        for sampler in _samplers(choice, vocabulary_size):
            llama.llama_sampler_chain_add(self._chain, sampler)
        for token in recent[-PENALTY_WINDOW:]:
            llama.llama_sampler_accept(self._chain, token)

    def sample(self, context: llama.llama_context_p) -> int:
        """The next token by the logits of the context's last decoded one."""
        return int(llama.llama_sampler_sample(self._chain, context, -1))

    def close(self) -> None:
        llama.llama_sampler_free(self._chain)


def _samplers(choice: Choice, vocabulary_size: int) -> list["llama.llama_sampler_p"]:
    """The chain in llama.cpp's own order; steps that change nothing are left out."""
    chain = []
    if choice.repeat_penalty != 1.0:
        penalty = choice.repeat_penalty
        chain.append(llama.llama_sampler_init_penalties(vocabulary_size, PENALTY_WINDOW, penalty, 0.0, 0.0))
    if choice.temperature == 0.0:
        return [*chain, llama.llama_sampler_init_greedy()]
    if choice.top_k > 0:
        chain.append(llama.llama_sampler_init_top_k(choice.top_k))
    if choice.top_p < 1.0:
        chain.append(llama.llama_sampler_init_top_p(choice.top_p, 1))
    if choice.min_p > 0.0:
        chain.append(llama.llama_sampler_init_min_p(choice.min_p, 1))
    seed = secrets.randbelow(_SEEDS) if choice.seed is None else choice.seed % _SEEDS
    return [*chain, llama.llama_sampler_init_temp(choice.temperature), llama.llama_sampler_init_dist(seed)]
