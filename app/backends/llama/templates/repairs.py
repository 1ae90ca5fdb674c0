"""Changes to a conversation for templates that refuse it as it is: none of them leaves out what was written."""

from collections.abc import Callable, Sequence
from hashlib import sha256

from app.backends.llama.templates.request import Message

Repair = Callable[[Sequence[Message]], list[Message]]

_ID_LENGTH = 9


def fold_system(messages: Sequence[Message]) -> list[Message]:
    """A leading system prompt is put before the first message of the person."""
    if len(messages) < 2 or messages[0]["role"] != "system" or messages[1]["role"] != "user":
        return list(messages)
    system, first, *rest = messages
    return [{**first, "content": f"{system['content']}\n\n{first['content']}"}, *rest]


def join_same_roles(messages: Sequence[Message]) -> list[Message]:
    """Neighbours of one role become one message, for templates that want roles to take turns.

    A system prompt in the middle speaks as the person does.
    """
    joined: list[Message] = []
    for index, original in enumerate(messages):
        message = {**original, "role": "user"} if original["role"] == "system" and index else original
        last = joined[-1] if joined else None
        plain = last is not None and "tool_calls" not in last and "tool_calls" not in message
        if last is not None and plain and last["role"] == message["role"] and message["role"] in ("user", "assistant"):
            joined[-1] = {**last, "content": f"{last['content']}\n\n{message['content']}"}
        else:
            joined.append(message)
    return joined


def drop_thinking(messages: Sequence[Message]) -> list[Message]:
    """Thinking of earlier answers is left out: most templates do that by themselves."""
    return [
        {key: value for key, value in message.items() if key not in ("reasoning_content", "thinking")}
        for message in messages
    ]


def shorten_ids(messages: Sequence[Message]) -> list[Message]:
    """Ids of calls in the form Mistral's templates insist on: nine letters or digits."""
    repaired: list[Message] = []
    for message in messages:
        changed = dict(message)
        if "tool_calls" in message:
            changed["tool_calls"] = [{**call, "id": _short(call["id"])} for call in message["tool_calls"]]
        if message.get("tool_call_id"):
            changed["tool_call_id"] = _short(message["tool_call_id"])
        repaired.append(changed)
    return repaired


def _short(call_id: str) -> str:
    if len(call_id) == _ID_LENGTH and call_id.isalnum() and call_id.isascii():
        return call_id
    return sha256(call_id.encode("utf-8", "surrogatepass")).hexdigest()[:_ID_LENGTH]


REPAIRS: tuple[Repair, ...] = (fold_system, join_same_roles, drop_thinking, shorten_ids)
"""In the order in which they are tried, each on top of those before."""


def as_parts(messages: Sequence[Message]) -> list[Message]:
    """Contents as lists of parts, for templates that know no plain text."""
    return [{**message, "content": [{"type": "text", "text": message["content"]}]} for message in messages]
