"""What a use asks of a model: how much context, how fast it must write, how long one waits for it."""

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType

from app.protocol import Prediction, Use

CONVERSATION = 10.0
"""Tokens a second below which it is no conversation: about the pace of reading (inference_facts.md §5e)."""
SMOOTH = 20.0
"""Tokens a second from which it feels smooth."""
EASY = 40.0
"""Tokens a second above which more is hardly noticed."""
LONG_WAIT_S = 10.0
"""Seconds to the first word of an answer that people put up with."""

_SLOW_COST, _BRISK_COST = 16.0, 2.5
"""Points of quality that the pace of reading, and the pace from which it is smooth, cost against an easy one."""
_ALL = 70.0
"""Points of the ablest models: what slowness costs a lesser one is less in proportion."""
_SHORT_WAIT_S = 2.0
_WAIT_COST, _LONG_WAIT_COST, _MOST_WAIT_COST = 4.0, 0.5, 25.0
"""Points that a long wait costs, each second beyond it, and the most."""


@dataclass(frozen=True)
class Needs:
    """`context` is planned for, and it may be shortened to `least` where nobody named a number."""

    context: int = 8192
    least: int = 4096
    thinking: float = 1.0
    """How much longer than its answer a model thinks: the pace must be the higher."""
    reading: float = 1.0
    """How much longer than a usual question what it is given to read is."""
    writes: bool = True
    """False: it only reads (embeddings), so the pace of writing does not matter."""

    def slowness(self, prediction: Prediction | None) -> float:
        """Points of quality that slowness costs, from 0; infinite for what is too slow to be used."""
        if prediction is None:
            return _BRISK_COST
        cost = self.wait_cost(prediction.ttft_s.expected)
        if not self.writes:
            return cost
        rate = prediction.decode.expected
        return float("inf") if rate < CONVERSATION else cost + pace_cost(rate / self.thinking)

    def wait_cost(self, seconds: float) -> float:
        wait = seconds * self.reading
        short = min(max(wait - _SHORT_WAIT_S, 0) / (LONG_WAIT_S - _SHORT_WAIT_S), 1) * _WAIT_COST
        return min(short + max(wait - LONG_WAIT_S, 0) * _LONG_WAIT_COST, _MOST_WAIT_COST)


def worth(quality: float, cost: float) -> float:
    """What a model of that quality is worth where its slowness costs so many points of a model that could do all."""
    return quality * (1 - cost / _ALL)


def pace_cost(rate: float) -> float:
    """Points of quality that a pace costs against an easy one: falls steeply to the smooth one, then gently."""
    if rate >= EASY:
        return 0.0
    if rate >= SMOOTH:
        return _BRISK_COST * (EASY - rate) / (EASY - SMOOTH)
    return _BRISK_COST + (_SLOW_COST - _BRISK_COST) * (SMOOTH - rate) / (SMOOTH - CONVERSATION)


NEEDS: Mapping[Use, Needs] = MappingProxyType(
    {
        Use.CHAT: Needs(),
        Use.CHAT_ZH: Needs(),
        Use.CODE: Needs(context=16384, least=8192, reading=1.5),
        Use.WRITING: Needs(),
        Use.REASONING: Needs(context=16384, least=8192, thinking=1.5),
        Use.TRANSLATION: Needs(),
        Use.AGENTS: Needs(context=16384, least=8192, reading=2.0, thinking=1.25),
        Use.VISION: Needs(),
        Use.SMALL: Needs(),
        Use.EMBEDDINGS: Needs(context=2048, least=2048, writes=False),
    }
)
"""Thinking models answer after hundreds of tokens nobody reads; agents are given tools, files and results to read."""
