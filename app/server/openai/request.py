"""Reading a chat completion request: what is served, what is refused by name, what is ignored and said to be."""

import math
from typing import Any, Literal, TypeVar

import msgspec
from msgspec import UNSET, Struct, UnsetType

from app.errors import AppError
from app.protocol import ChatTurn, Role, Sampling
from app.server.openai.errors import BadParam

MAX_STOPS = 16
_LONGEST = 2**31 - 1
"""Answer tokens; a limit beyond is none."""
_ROLES = {"developer": Role.SYSTEM} | {str(role): role for role in Role}
_INERT: dict[str, tuple[object, ...]] = {
    "presence_penalty": (0, 0.0),
    "frequency_penalty": (0, 0.0),
    "logit_bias": ({},),
    "logprobs": (False,),
    "top_logprobs": (0,),
    "tools": ([],),
    "tool_choice": ("none", "auto"),
    "functions": ([],),
    "function_call": ("none", "auto"),
    "response_format": ({"type": "text"},),
    "modalities": (["text"],),
    "audio": (),
    "prediction": (),
    "web_search_options": (),
    "grammar": (),
}
"""Known fields that are not served yet, each with the values that ask for nothing (null always does)."""


class Part(Struct):
    type: str
    text: str | None = None
    refusal: str | None = None


class TurnBody(Struct):
    role: str
    content: str | list[Part] | None = None
    tool_calls: list[Any] | None = None
    function_call: Any = None


class StreamOptions(Struct):
    include_usage: bool | None = None


class ChatBody(Struct, kw_only=True):
    """The fields that are served. Numbers are checked for their range afterwards."""

    messages: list[TurnBody]
    model: str
    temperature: float | None = None
    top_p: float | None = None
    top_k: int | None = None
    min_p: float | None = None
    repeat_penalty: float | None = None
    max_tokens: int | None = None
    max_completion_tokens: int | None = None
    stop: str | list[str] | None = None
    seed: int | None = None
    stream: bool | None = None
    stream_options: StreamOptions | None = None
    n: int | None = None
    reasoning_effort: Literal["none", "minimal", "low", "medium", "high", "xhigh", "max"] | UnsetType | None = UNSET


class ChatRequest(Struct, frozen=True, kw_only=True):
    """A request that can be served."""

    model: str
    turns: tuple[ChatTurn, ...]
    sampling: Sampling
    thinking: bool
    stream: bool
    include_usage: bool
    ignored: tuple[str, ...]
    """Fields that were sent and mean nothing here."""


def read(body: bytes) -> ChatRequest:
    """The request of a body. Raises AppError("bad_request"), a BadParam where one field is to blame."""
    raw = _decode_object(body)
    _refuse_unserved(raw)
    served = set(ChatBody.__struct_fields__)
    for name in ("messages", "model"):
        if name not in raw:
            raise BadParam(name, f"Missing required parameter: '{name}'.")
    fields = _convert({name: value for name, value in raw.items() if name in served})
    if fields.n not in (None, 1):
        raise BadParam("n", "Only n=1 is supported.")
    return ChatRequest(
        model=fields.model,
        turns=_turns(fields.messages),
        sampling=_sampling(fields),
        thinking=fields.reasoning_effort not in (UNSET, None, "none", "minimal"),
        stream=bool(fields.stream),
        include_usage=bool(fields.stream_options and fields.stream_options.include_usage),
        ignored=tuple(sorted(name for name in raw if name not in served and name not in _INERT)),
    )


def _decode_object(body: bytes) -> dict[str, Any]:
    try:
        raw = msgspec.json.decode(body)
    except (msgspec.MsgspecError, RecursionError, UnicodeDecodeError) as error:
        raise AppError("bad_request", reason=f"The body is not valid JSON: {error}") from error
    if not isinstance(raw, dict):
        raise AppError("bad_request", reason="The body is not a JSON object.")
    return raw


def _convert(raw: dict[str, Any]) -> ChatBody:
    """The typed fields; a wrong type names its field ("Expected `int`, got `str` - at `$.seed`")."""
    try:
        return msgspec.convert(raw, ChatBody)
    except msgspec.ValidationError as error:
        _, at, path = str(error).partition(" - at `$.")
        raise BadParam(path.rstrip("`") if at else "", str(error)) from error


def _refuse_unserved(raw: dict[str, Any]) -> None:
    for name, inert in _INERT.items():
        value = raw.get(name)
        if value is not None and value not in inert:
            raise BadParam(name, f"'{name}' is not supported yet.")


def _turns(messages: list[TurnBody]) -> tuple[ChatTurn, ...]:
    if not messages:
        raise BadParam("messages", "'messages' needs at least one message.")
    return tuple(_turn(message, f"messages[{index}]") for index, message in enumerate(messages))


def _turn(message: TurnBody, at: str) -> ChatTurn:
    role = _ROLES.get(message.role)
    if role is None:
        raise BadParam(f"{at}.role", f"'{message.role[:40]}' is no role of a message.")
    if message.tool_calls or message.function_call:
        raise BadParam(f"{at}.tool_calls", "Tool calls are not supported yet.")
    if message.content is None and role is not Role.ASSISTANT:
        raise BadParam(f"{at}.content", "'content' is a string or a list of text parts.")
    return ChatTurn(role=role, content=_content(message.content, at))


def _content(content: str | list[Part] | None, at: str) -> str:
    if content is None or isinstance(content, str):
        return content or ""
    texts = []
    for index, part in enumerate(content):
        text = {"text": part.text, "refusal": part.refusal}.get(part.type)
        if text is None:
            raise BadParam(f"{at}.content[{index}]", f"Content of type '{part.type[:40]}' is not supported yet.")
        texts.append(text)
    return "\n".join(texts)


def _sampling(fields: ChatBody) -> Sampling:
    """What was asked for; the rest is left to the model, as in Alcove's own chats. A negative limit is no wish."""
    limit = fields.max_completion_tokens if fields.max_completion_tokens is not None else fields.max_tokens
    if limit == 0:
        raise BadParam("max_tokens", "'max_tokens' is at least 1.")
    return Sampling(
        temperature=_within("temperature", fields.temperature, 0, 2),
        top_p=_within("top_p", fields.top_p, 0, 1),
        top_k=_within("top_k", fields.top_k, 0, 1_000_000),
        min_p=_within("min_p", fields.min_p, 0, 1),
        repeat_penalty=_within("repeat_penalty", fields.repeat_penalty, 0.1, 10),
        seed=None if fields.seed is None else fields.seed & 0xFFFFFFFF,
        max_tokens=None if limit is None or not 0 < limit <= _LONGEST else limit,
        stop=_stops(fields.stop),
    )


Number = TypeVar("Number", int, float)


def _within(name: str, value: Number | None, least: float, most: float) -> Number | None:
    if value is not None and not (math.isfinite(value) and least <= value <= most):
        raise BadParam(name, f"'{name}' is between {least:g} and {most:g}.")
    return value


def _stops(stop: str | list[str] | None) -> tuple[str, ...]:
    stops = (stop,) if isinstance(stop, str) else tuple(stop or ())
    if len(stops) > MAX_STOPS or any(not text or len(text) > 1000 for text in stops):
        raise BadParam("stop", f"'stop' is a text, or at most {MAX_STOPS} of them, none of them empty.")
    return stops
