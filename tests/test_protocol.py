"""Messages are immutable, leave defaults out on the wire, and derive rates instead of storing them."""

import msgspec
import pytest

from app.protocol import (
    AnswerDelta,
    AnswerEvent,
    ConversationChange,
    Event,
    GenerationStats,
    Message,
    MessageChanged,
    Role,
)


def test_messages_cannot_be_changed() -> None:
    delta = AnswerDelta(text="a")
    with pytest.raises(AttributeError):
        delta.text = "b"  # type: ignore[misc]


def test_events_are_told_apart_by_their_tag() -> None:
    event = MessageChanged(message=Message(id=1, conversation_id=2, role=Role.USER, text="量化", created=3.0))
    wire = msgspec.json.encode(event)
    assert b'"state"' not in wire
    assert msgspec.json.decode(wire, type=Event) == event
    assert msgspec.json.decode(b'{"type":"delta","text":"x"}', type=AnswerEvent) == AnswerDelta(text="x")


def test_a_change_tells_left_out_from_empty() -> None:
    assert msgspec.json.encode(ConversationChange(title="")) == b'{"title":""}'
    assert msgspec.json.decode(b"{}", type=ConversationChange).title is msgspec.UNSET


@pytest.mark.parametrize(
    ("tokens", "decode_s", "rate"), [(101, 2.0, 50.0), (1, 0.0, None), (0, 0.0, None), (5, 0.0, None)]
)
def test_speed_counts_the_gaps_between_tokens(tokens: int, decode_s: float, rate: float | None) -> None:
    stats = GenerationStats(prompt_tokens=20, answer_tokens=tokens, ttft_s=0.1, decode_s=decode_s, context_length=2048)
    assert stats.tokens_per_second == rate
    assert stats.context_used == 20 + tokens
