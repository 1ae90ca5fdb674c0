"""Reading a chat completion request: what is served, what is refused by name, what is ignored and said to be."""

import math
from typing import Any, TypeVar

import msgspec
from msgspec import UNSET, Struct

from app.errors import AppError
from app.protocol import Generate, Priority, Sampling
from app.server.openai.body import ChatBody
from app.server.openai.errors import BadParam
from app.server.openai.shaping import choice_of, format_of, prediction_of, tools_of
from app.server.openai.turns import turns_of

MAX_STOPS = 16
MAX_LOGPROBS = 20
_LONGEST = 2**31 - 1
"""Answer tokens; a limit beyond is none."""
_INERT: dict[str, tuple[object, ...]] = {
    "functions": ([],),
    "function_call": ("none", "auto"),
    "modalities": (["text"],),
    "audio": (),
    "web_search_options": (),
    "grammar": (),
}
"""Known fields that are not served yet, each with the values that ask for nothing (null always does)."""


class ChatRequest(Struct, frozen=True, kw_only=True):
    """A request that can be served. `generate` has no `request_id` of its own yet."""

    model: str
    generate: Generate
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
        generate=_generate(fields),
        stream=bool(fields.stream),
        include_usage=bool(fields.stream_options and fields.stream_options.include_usage),
        ignored=tuple(sorted(name for name in raw if name not in served and name not in _INERT)),
    )


def _generate(fields: ChatBody) -> Generate:
    tools = tools_of(fields.tools)
    choice, name = choice_of(fields.tool_choice, tools)
    return Generate(
        request_id=0,
        turns=turns_of(fields.messages),
        sampling=_sampling(fields),
        format=format_of(fields.response_format),
        thinking=fields.reasoning_effort not in (UNSET, None, "none", "minimal"),
        tools=tools,
        tool_choice=choice,
        tool_name=name,
        parallel_tool_calls=fields.parallel_tool_calls is not False,
        priority=Priority.PORT,
        prediction=prediction_of(fields.prediction),
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
        presence_penalty=_within("presence_penalty", fields.presence_penalty, -2, 2),
        frequency_penalty=_within("frequency_penalty", fields.frequency_penalty, -2, 2),
        logit_bias=_biases(fields.logit_bias),
        seed=None if fields.seed is None else fields.seed & 0xFFFFFFFF,
        max_tokens=None if limit is None or not 0 < limit <= _LONGEST else limit,
        stop=_stops(fields.stop),
        logprobs=_logprobs(fields),
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


def _biases(biases: dict[str, float] | None) -> dict[int, float]:
    """Biases by token; -100 forbids one, as documented."""
    found: dict[int, float] = {}
    for token, bias in (biases or {}).items():
        if not (token.isascii() and token.isdigit() and len(token) < 10 and -100 <= bias <= 100):
            raise BadParam("logit_bias", "'logit_bias' maps token ids to numbers from -100 to 100.")
        found[int(token)] = -math.inf if bias == -100 else bias
    return found


def _logprobs(fields: ChatBody) -> int | None:
    """How many likeliest tokens to tell of beside each; None: tell of none at all."""
    count = _within("top_logprobs", fields.top_logprobs, 0, MAX_LOGPROBS)
    if not fields.logprobs:
        if count:
            raise BadParam("top_logprobs", "'top_logprobs' needs 'logprobs': true.")
        return None
    return count or 0
