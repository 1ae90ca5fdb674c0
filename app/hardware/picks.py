"""The three that are named first: fast, balanced and best."""

from collections.abc import Sequence
from dataclasses import dataclass

from app.hardware.candidates import Candidate
from app.hardware.needs import EASY, LONG_WAIT_S

_IMPATIENCE = 0.5
"""Points of quality that each second beyond a long wait costs."""
_CLEARLY_FASTER = 1.5
_LEAST_OF_BALANCED = 0.6
"""A fast pick that is much worse than the balanced one is none."""


@dataclass(frozen=True)
class Picks:
    """May be the same one twice or three times."""

    fast: Candidate
    balanced: Candidate
    best: Candidate


def picks(ranked: Sequence[Candidate]) -> Picks | None:
    """Of the candidates, most useful first; None where there are none."""
    if not ranked:
        return None
    balanced = ranked[0]
    best = max(ranked, key=_ability)
    return Picks(_fast(ranked, balanced), balanced, best if best.quality > balanced.quality else balanced)


def _ability(candidate: Candidate) -> tuple[bool, float, float]:
    """The best is the ablest that has room, less what too long a wait costs; of equals the faster."""
    prediction = candidate.plan.prediction
    late = 0.0 if prediction is None else max(prediction.ttft_s.expected - LONG_WAIT_S, 0.0)
    return (candidate.disk_left or 0) >= 0, candidate.quality - late * _IMPATIENCE, candidate.rate


def _fast(ranked: Sequence[Candidate], balanced: Candidate) -> Candidate:
    """The ablest that is clearly faster than the balanced one, without being a toy beside it."""
    able = [one for one in ranked if one.quality >= balanced.quality * _LEAST_OF_BALANCED]
    quick = [one for one in able if one.rate >= max(balanced.rate * _CLEARLY_FASTER, EASY)]
    if quick:
        return max(quick, key=lambda one: (one.quality, one.rate))
    return max(able, key=lambda one: one.rate if one.rate >= balanced.rate * _CLEARLY_FASTER else balanced.rate)
