"""What the OpenAI dialect answers: every documented field with its documented type.

Source: the OpenAI API reference: the chat completion object, the chat completion chunk object and the model object.
Fields that are null by documentation are null here, not absent: strict clients refuse what is missing.
"""

from typing import Literal, TypeAlias

from msgspec import UNSET, Struct, UnsetType, field

FinishName: TypeAlias = Literal["stop", "length", "tool_calls"]


class Model(Struct, kw_only=True):
    id: str
    object: Literal["model"] = "model"
    created: int
    owned_by: str = "alcove"


class ModelList(Struct, kw_only=True):
    object: Literal["list"] = "list"
    data: list[Model]


class PromptDetails(Struct, kw_only=True):
    cached_tokens: int = 0
    audio_tokens: int = 0


class CompletionDetails(Struct, kw_only=True):
    reasoning_tokens: int = 0
    audio_tokens: int = 0
    accepted_prediction_tokens: int = 0
    rejected_prediction_tokens: int = 0


class Usage(Struct, kw_only=True):
    prompt_tokens: int
    completion_tokens: int
    total_tokens: int
    prompt_tokens_details: PromptDetails = field(default_factory=PromptDetails)
    completion_tokens_details: CompletionDetails


class Function(Struct, kw_only=True):
    name: str
    arguments: str


class ToolCall(Struct, kw_only=True):
    id: str
    type: Literal["function"] = "function"
    function: Function


class TopLogprob(Struct, kw_only=True):
    token: str
    logprob: float
    bytes: list[int]


class Logprob(TopLogprob, kw_only=True):
    top_logprobs: list[TopLogprob]


class Logprobs(Struct, kw_only=True):
    content: list[Logprob]
    refusal: None = None


class AnswerMessage(Struct, kw_only=True):
    role: Literal["assistant"] = "assistant"
    content: str | None
    """Null where there are calls and nothing else."""
    refusal: None = None
    annotations: tuple[()] = ()
    tool_calls: list[ToolCall] | UnsetType = UNSET
    reasoning_content: str | UnsetType = UNSET


class Choice(Struct, kw_only=True):
    index: int = 0
    message: AnswerMessage
    logprobs: Logprobs | None = None
    finish_reason: FinishName


class Completion(Struct, kw_only=True):
    id: str
    object: Literal["chat.completion"] = "chat.completion"
    created: int
    model: str
    choices: list[Choice]
    usage: Usage
    service_tier: Literal["default"] = "default"
    system_fingerprint: str


class FunctionDelta(Struct, kw_only=True):
    name: str | UnsetType = UNSET
    arguments: str


class ToolCallDelta(Struct, kw_only=True):
    """A piece of a call; the first of each index says which function."""

    index: int
    id: str | UnsetType = UNSET
    type: Literal["function"] | UnsetType = UNSET
    function: FunctionDelta


class ChunkDelta(Struct, kw_only=True):
    role: Literal["assistant"] | UnsetType = UNSET
    content: str | UnsetType = UNSET
    refusal: UnsetType | None = UNSET
    reasoning_content: str | UnsetType = UNSET
    tool_calls: list[ToolCallDelta] | UnsetType = UNSET


class ChunkChoice(Struct, kw_only=True):
    index: int = 0
    delta: ChunkDelta
    logprobs: Logprobs | None = None
    finish_reason: FinishName | None = None


class Chunk(Struct, kw_only=True):
    id: str
    object: Literal["chat.completion.chunk"] = "chat.completion.chunk"
    created: int
    model: str
    choices: list[ChunkChoice]
    usage: Usage | UnsetType | None = UNSET
    """Null in every chunk but the last where usage was asked for, absent where it was not."""
    service_tier: Literal["default"] = "default"
    system_fingerprint: str
