"""What a fake backend says: its plan, and the parts of an answer that follow from it."""

import hashlib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from enum import StrEnum
from itertools import cycle, islice
from typing import TypeAlias

from app.protocol import (
    ChatTurn,
    Delta,
    DeltaKind,
    FormatKind,
    Generate,
    Role,
    ToolCall,
    ToolCallDelta,
    ToolChoice,
)

CHARACTERS_PER_TOKEN = 4
TURN_TOKENS = 4
"""What a turn costs besides its text."""

Written: TypeAlias = Delta | ToolCallDelta

SAMPLE = """A **quantization** stores the weights of a model with fewer bits each.

- `Q8_0` keeps almost everything
- `Q4_K_M` halves that again, at a small loss

```python
def size_in_bytes(parameters: int, bits: float) -> int:
    return round(parameters * bits / 8)
```

量化让模型变小，也让它更快。

"""


class Fault(StrEnum):
    """Where a fake backend fails."""

    LOAD = "load"
    """Loading is refused."""
    DIE = "die"
    """It dies after `fault_after` tokens of an answer."""
    FAIL = "fail"
    """The answer fails after `fault_after` tokens; the backend lives on."""


@dataclass(frozen=True)
class FakePlan:
    """How a fake backend behaves. Speeds are in tokens per second; 0 means as fast as it can."""

    text: str = SAMPLE
    thinking: str = "The question is about size.\n"
    """Written first when a request asks for thinking."""
    tool_calls: tuple[ToolCall, ...] = ()
    """Made in place of the text where tools are offered, until their results are in the conversation."""
    json: str = '{"answer": 42}'
    """Written where the answer shall be JSON."""
    tokens_per_second: float = 0.0
    load_s: float = 0.0
    context_length: int = 4096
    slots: int = 16
    """Answers written at once; more wait."""
    width: int = 0
    """Numbers of its embeddings; 0: it makes none."""
    fault: Fault | None = None
    fault_after: int = 10

    @classmethod
    def parse(cls, option: str) -> "FakePlan":
        """The plan of a hidden option "tokens_per_second[:characters]". Raises ValueError for anything else."""
        speed, _, characters = option.partition(":")
        plan = cls(tokens_per_second=float(speed))
        if not characters:
            return plan
        length = int(characters)
        return replace(plan, text=_text_of(length), context_length=max(plan.context_length, 2 * length))


def cut(text: str) -> list[str]:
    """The tokens of a text."""
    return [text[at : at + CHARACTERS_PER_TOKEN] for at in range(0, len(text), CHARACTERS_PER_TOKEN)]


def cost_of(turns: Sequence[ChatTurn]) -> int:
    """Tokens of a prompt."""
    return sum(-(-len(turn.content) // CHARACTERS_PER_TOKEN) + TURN_TOKENS for turn in turns)


def vector_of(text: str, width: int) -> list[float]:
    """Numbers that depend on the text alone; their squares add up to 1."""
    numbers = [1.0 + byte for byte in hashlib.shake_256(text.encode()).digest(width)]
    length = sum(number * number for number in numbers) ** 0.5
    return [number / length for number in numbers]


def calls_of(plan: FakePlan, request: Generate) -> tuple[ToolCall, ...]:
    """The calls that are made in place of a text: the planned ones, or the one that was demanded."""
    answered = bool(request.turns) and request.turns[-1].role is Role.TOOL
    if not request.tools or request.tool_choice is ToolChoice.NONE or answered:
        return ()
    if plan.tool_calls or request.tool_choice is not ToolChoice.REQUIRED:
        return plan.tool_calls
    return (ToolCall(id="call_1", name=request.tool_name or request.tools[0].name),)


def parts_of(plan: FakePlan, request: Generate) -> Iterator[Written]:
    """What is written, a token a part."""
    number = request.request_id
    if request.thinking:
        for piece in cut(plan.thinking):
            yield Delta(request_id=number, text=piece, kind=DeltaKind.THINKING)
    calls = calls_of(plan, request)
    for index, call in enumerate(calls):
        yield ToolCallDelta(request_id=number, index=index, call_id=call.id, name=call.name)
        for piece in cut(call.arguments):
            yield ToolCallDelta(request_id=number, index=index, arguments=piece)
    for piece in cut("" if calls else _text_for(plan, request)):
        yield Delta(request_id=number, text=piece)


def _text_for(plan: FakePlan, request: Generate) -> str:
    kind = request.format.kind
    if kind in (FormatKind.JSON, FormatKind.JSON_SCHEMA):
        return plan.json
    return request.format.choices[0] if kind is FormatKind.CHOICE and request.format.choices else plan.text


def _text_of(length: int) -> str:
    """That many characters of sample Markdown."""
    return "".join(islice(cycle(SAMPLE), length))
