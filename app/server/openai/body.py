"""The body of a chat completion request, as typed as its documentation: the fields that are served."""

from typing import Any, Literal

from msgspec import UNSET, Struct, UnsetType


class Part(Struct):
    type: str
    text: str | None = None
    refusal: str | None = None


class CalledFunction(Struct):
    name: str
    arguments: str = "{}"


class CallBody(Struct):
    id: str
    function: CalledFunction
    type: str = "function"


class TurnBody(Struct):
    role: str
    content: str | list[Part] | None = None
    tool_calls: list[CallBody] | None = None
    tool_call_id: str | None = None
    name: str | None = None
    reasoning_content: str | None = None
    function_call: Any = None


class StreamOptions(Struct):
    include_usage: bool | None = None


class FunctionBody(Struct):
    name: str
    description: str | None = None
    parameters: dict[str, Any] | None = None
    strict: bool | None = None


class ToolBody(Struct):
    type: str
    function: FunctionBody | None = None


class NamedFunction(Struct):
    name: str


class NamedTool(Struct):
    type: str
    function: NamedFunction | None = None


class SchemaBody(Struct):
    schema: dict[str, Any] | None = None
    name: str = ""
    strict: bool | None = None


class FormatBody(Struct):
    type: str
    json_schema: SchemaBody | None = None


class PredictionBody(Struct):
    type: str
    content: str | list[Part] = ""


class ChatBody(Struct, kw_only=True):
    """The fields that are served. Numbers are checked for their range afterwards."""

    messages: list[TurnBody]
    model: str
    temperature: float | None = None
    top_p: float | None = None
    top_k: int | None = None
    min_p: float | None = None
    repeat_penalty: float | None = None
    presence_penalty: float | None = None
    frequency_penalty: float | None = None
    logit_bias: dict[str, float] | None = None
    logprobs: bool | None = None
    top_logprobs: int | None = None
    max_tokens: int | None = None
    max_completion_tokens: int | None = None
    stop: str | list[str] | None = None
    seed: int | None = None
    stream: bool | None = None
    stream_options: StreamOptions | None = None
    n: int | None = None
    response_format: FormatBody | None = None
    tools: list[ToolBody] | None = None
    tool_choice: Literal["none", "auto", "required"] | NamedTool | None = None
    parallel_tool_calls: bool | None = None
    prediction: PredictionBody | None = None
    reasoning_effort: Literal["none", "minimal", "low", "medium", "high", "xhigh", "max"] | UnsetType | None = UNSET
