"""What the OpenAI dialect answers: every documented field with its documented type.

Source: the OpenAI API reference: the chat completion object, the chat completion chunk object and the model object.
Fields that are null by documentation are null here, not absent: strict clients refuse what is missing.
"""

from typing import Literal, TypeAlias

from msgspec import UNSET, Struct, UnsetType, field

FinishName: TypeAlias = Literal["stop", "length"]


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


class AnswerMessage(Struct, kw_only=True):
    role: Literal["assistant"] = "assistant"
    content: str
    refusal: None = None
    annotations: tuple[()] = ()
    reasoning_content: str | UnsetType = UNSET


class Choice(Struct, kw_only=True):
    index: int = 0
    message: AnswerMessage
    logprobs: None = None
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


class ChunkDelta(Struct, kw_only=True):
    role: Literal["assistant"] | UnsetType = UNSET
    content: str | UnsetType = UNSET
    refusal: UnsetType | None = UNSET
    reasoning_content: str | UnsetType = UNSET


class ChunkChoice(Struct, kw_only=True):
    index: int = 0
    delta: ChunkDelta
    logprobs: None = None
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
