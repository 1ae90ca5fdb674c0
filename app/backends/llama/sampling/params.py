"""What sampling can be asked for: the ranges, the defaults, and the decision between request, file and default."""

import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from app.errors import AppError
from app.protocol import Sampling

MAX_STOPS, MAX_STOP_LENGTH = 32, 1024
MAX_BREAKERS, MAX_BREAKER_LENGTH = 16, 40
"""llama.cpp reads 40 bytes of a sequence breaker, and walks through the whole vocabulary for each."""
MAX_BIASES = 4096
MAX_LOGPROBS = 20
_MOST_TOKENS = 2**31 - 1

_RANGES: Mapping[str, tuple[float, float]] = {
    "temperature": (0.0, 5.0),
    "dynamic_range": (0.0, 5.0),
    "dynamic_exponent": (0.01, 10.0),
    "top_k": (0, 1_000_000),
    "top_p": (0.0, 1.0),
    "min_p": (0.0, 1.0),
    "typical_p": (0.0, 1.0),
    "top_n_sigma": (-1.0, 100.0),
    "xtc_probability": (0.0, 1.0),
    "xtc_threshold": (0.0, 1.0),
    "repeat_penalty": (0.01, 10.0),
    "repeat_last_n": (-1, 1_000_000),
    "presence_penalty": (-10.0, 10.0),
    "frequency_penalty": (-10.0, 10.0),
    "dry_multiplier": (0.0, 100.0),
    "dry_base": (0.0, 10.0),
    "dry_allowed_length": (0, 1_000_000),
    "dry_last_n": (-1, 1_000_000),
    "mirostat_tau": (0.0, 20.0),
    "mirostat_eta": (0.0, 1.0),
    "max_tokens": (1, _MOST_TOKENS),
    "min_tokens": (0, _MOST_TOKENS),
    "logprobs": (0, MAX_LOGPROBS),
}


@dataclass(frozen=True)
class Choice:
    """How tokens are chosen, every value decided. The defaults are those of a careful chat.

    Meanings are those of `protocol.Sampling`; only `seed`, `max_tokens` and `logprobs` may stay open.
    """

    temperature: float = 0.7
    dynamic_range: float = 0.0
    dynamic_exponent: float = 1.0
    top_k: int = 40
    top_p: float = 0.95
    min_p: float = 0.05
    typical_p: float = 1.0
    top_n_sigma: float = -1.0
    xtc_probability: float = 0.0
    xtc_threshold: float = 0.1
    repeat_penalty: float = 1.0
    repeat_last_n: int = 64
    presence_penalty: float = 0.0
    frequency_penalty: float = 0.0
    dry_multiplier: float = 0.0
    dry_base: float = 1.75
    dry_allowed_length: int = 2
    dry_last_n: int = -1
    dry_breakers: tuple[str, ...] = ("\n", ":", '"', "*")
    mirostat: int = 0
    mirostat_tau: float = 5.0
    mirostat_eta: float = 0.1
    logit_bias: Mapping[int, float] = field(default_factory=dict)
    seed: int | None = None
    max_tokens: int | None = None
    min_tokens: int = 0
    ignore_end: bool = False
    stop: tuple[str, ...] = ()
    logprobs: int | None = None

    @property
    def penalizes(self) -> bool:
        """Whether what was written lately becomes less (or more) likely."""
        neutral = self.repeat_penalty == 1.0 and self.presence_penalty == 0.0 and self.frequency_penalty == 0.0
        return self.repeat_last_n != 0 and not neutral

    @property
    def dries(self) -> bool:
        """Whether tokens that would go on with a repetition become less likely."""
        return self.dry_multiplier > 0.0 and self.dry_base >= 1.0 and self.dry_last_n != 0


_DECIDED = ("mirostat", *(_RANGES.keys() - {"max_tokens", "min_tokens", "logprobs"}))
_INTEGERS = frozenset({"top_k", "repeat_last_n", "dry_allowed_length", "dry_last_n", "mirostat"})


def decide(sampling: Sampling, recommended: Mapping[str, float]) -> Choice:
    """What was asked for, then what the model's file recommends where that makes sense, then the defaults."""
    decided: dict[str, Any] = {name: _pick(name, sampling, recommended) for name in _DECIDED}
    if sampling.dry_breakers is not None:
        decided["dry_breakers"] = sampling.dry_breakers
    return Choice(
        **decided,
        logit_bias=dict(sampling.logit_bias),
        seed=sampling.seed,
        max_tokens=sampling.max_tokens,
        min_tokens=sampling.min_tokens,
        ignore_end=sampling.ignore_end,
        stop=sampling.stop,
        logprobs=sampling.logprobs,
    )


def _pick(name: str, sampling: Sampling, recommended: Mapping[str, float]) -> float:
    number = int if name in _INTEGERS else float
    if (asked := getattr(sampling, name)) is not None:
        return number(asked)
    default: float = getattr(Choice, name)
    value = recommended.get(name, default)
    return number(value if _possible(name, value) else default)


def _possible(name: str, value: float) -> bool:
    if name == "mirostat":
        return value in (0, 2)
    low, high = _RANGES[name]
    return low <= value <= high  # false for NaN


def check_sampling(sampling: Sampling) -> None:
    """Raises AppError("bad_request") that names the first value no sampler can work with."""
    for name, (low, high) in _RANGES.items():
        value = getattr(sampling, name)
        if value is not None and not low <= value <= high:
            raise _refused(f"{name} must be between {low} and {high}, not {value}")
    if sampling.mirostat not in (None, 0, 2):
        raise _refused(f"mirostat must be 0 or 2, not {sampling.mirostat}")
    _check_texts(sampling)
    _check_biases(sampling.logit_bias)


def _check_texts(sampling: Sampling) -> None:
    if len(sampling.stop) > MAX_STOPS or any(len(stop) > MAX_STOP_LENGTH for stop in sampling.stop):
        raise _refused(f"stop: at most {MAX_STOPS} strings of {MAX_STOP_LENGTH} characters")
    breakers = sampling.dry_breakers or ()
    if len(breakers) > MAX_BREAKERS or any(len(text.encode()) > MAX_BREAKER_LENGTH for text in breakers):
        raise _refused(f"dry_breakers: at most {MAX_BREAKERS} strings of {MAX_BREAKER_LENGTH} bytes")
    if any(not text or "\0" in text for text in breakers):
        raise _refused("dry_breakers must not be empty or contain NUL")


def _check_biases(biases: Mapping[int, float]) -> None:
    if len(biases) > MAX_BIASES:
        raise _refused(f"logit_bias: at most {MAX_BIASES} tokens")
    for token, bias in biases.items():
        if token < 0:
            raise _refused(f"logit_bias: there is no token {token}")
        if math.isnan(bias) or bias == math.inf:
            raise _refused(f"logit_bias of token {token} must be a number or -inf, not {bias}")


def _refused(reason: str) -> AppError:
    return AppError("bad_request", reason=reason)
