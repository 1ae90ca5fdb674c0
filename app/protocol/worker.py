"""What crosses the pipes between the backend and an engine worker: MessagePack frames."""

from enum import IntEnum
from typing import Any, TypeAlias

from msgspec import field

from app.protocol.base import ErrorInfo, Wire
from app.protocol.generation import (
    ContextPolicy,
    DeltaKind,
    GenerationStats,
    OutputFormat,
    Role,
    Sampling,
    ToolCall,
    ToolChoice,
    ToolSpec,
)
from app.protocol.models import LoadParams
from app.protocol.plan import MemoryUse


class ImagePart(Wire, frozen=True, kw_only=True):
    """A picture (PNG, JPEG …, as a file's bytes) at a character offset of its turn's text."""

    data: bytes
    at: int = 0


class ChatTurn(Wire, frozen=True, kw_only=True):
    """One turn as the chat template sees it."""

    role: Role
    content: str
    thinking: str = ""
    tool_calls: tuple[ToolCall, ...] = ()
    tool_call_id: str = ""
    name: str = ""
    """Of a tool's result: the tool."""
    images: tuple[ImagePart, ...] = ()


class StateFolder(Wire, frozen=True, kw_only=True):
    """Where states of the KV cache may be kept on disk, and how much."""

    path: str
    limit_bytes: int


class Load(Wire, frozen=True, kw_only=True, tag="load"):
    path: str
    params: LoadParams = LoadParams()
    states: StateFolder | None = None
    """None keeps nothing on disk."""


class Priority(IntEnum):
    """Whose requests go first; within one, first come first served."""

    WINDOW = 0
    PORT = 1


class LoraScale(Wire, frozen=True, kw_only=True):
    """An adapter by its index in `LoadParams.loras`."""

    index: int
    scale: float = 1.0


class Generate(Wire, frozen=True, kw_only=True, tag="generate"):
    """Answer these turns. `request_id` is chosen by the caller and comes back with every event of the answer."""

    request_id: int
    turns: tuple[ChatTurn, ...]
    prompt: str | None = None
    """Given: read this text as it is, without a template; `turns` are empty."""
    continues: bool = False
    """The last turn is the assistant's, and the answer goes on where it ends."""
    sampling: Sampling = Sampling()
    format: OutputFormat = OutputFormat()
    thinking: bool = False
    thinking_budget: int | None = None
    """Tokens of thinking after which it is closed."""
    tools: tuple[ToolSpec, ...] = ()
    tool_choice: ToolChoice = ToolChoice.AUTO
    tool_name: str = ""
    parallel_tool_calls: bool = True
    template_kwargs: dict[str, Any] = field(default_factory=dict)
    """Further variables of the chat template."""
    context_policy: ContextPolicy = ContextPolicy.STOP
    stop_repetition: bool = False
    priority: Priority = Priority.WINDOW
    speculate: bool = True
    prediction: str = ""
    """A text the answer is expected to resemble: drafts are taken from it."""
    loras: tuple[LoraScale, ...] = ()
    keep_as: str = ""
    """A name under which the KV state is kept on disk when the answer ends; empty keeps it in memory only."""


class PreviewPrompt(Wire, frozen=True, kw_only=True, tag="preview"):
    """Render the prompt of that request without answering it; comes back as `PromptText`."""

    request: Generate


class Tokenize(Wire, frozen=True, kw_only=True, tag="tokenize"):
    """Comes back as `Tokens`. `special`: texts of control tokens become these tokens."""

    request_id: int
    text: str
    special: bool = False


class Embed(Wire, frozen=True, kw_only=True, tag="embed"):
    """Comes back as `Embeddings`. Text alone; longer than the model can read is refused."""

    request_id: int
    texts: tuple[str, ...]
    normalize: bool = True


class Rerank(Wire, frozen=True, kw_only=True, tag="rerank"):
    """Comes back as `Scores`, in the order of the documents."""

    request_id: int
    query: str
    documents: tuple[str, ...]


class Cancel(Wire, frozen=True, kw_only=True, tag="cancel"):
    request_id: int


class SetThreads(Wire, frozen=True, kw_only=True, tag="set_threads"):
    """The most threads this worker may use from now on: its part of the budget all loaded models share."""

    threads: int


class Forget(Wire, frozen=True, kw_only=True, tag="forget"):
    """Keep nothing on disk any more of what was to be kept under that name, until a request has it again."""

    keep_as: str


class Unload(Wire, frozen=True, kw_only=True, tag="unload"):
    """End the worker; its memory is free when it has gone."""


class GetStats(Wire, frozen=True, kw_only=True, tag="get_stats"):
    pass


ToWorker: TypeAlias = (
    Load | Generate | PreviewPrompt | Tokenize | Embed | Rerank | Cancel | SetThreads | Forget | Unload | GetStats
)


class LoadProgress(Wire, frozen=True, kw_only=True, tag="load_progress"):
    fraction: float


class Loaded(Wire, frozen=True, kw_only=True, tag="loaded"):
    context_length: int
    device: str
    load_s: float
    has_template: bool
    supports_thinking: bool = False
    supports_tools: bool = False
    sees: bool = False
    """Pictures can be given to it."""
    embeds: bool = False
    reranks: bool = False
    slots: int = 1
    """Requests that can be answered at once."""
    warnings: tuple[ErrorInfo, ...] = ()
    """What a person should know: a missing template that was replaced, for example."""
    buffers: tuple[MemoryUse, ...] = ()
    """What llama.cpp itself says it took of each device."""


class LoadFailed(Wire, frozen=True, kw_only=True, tag="load_failed"):
    error: ErrorInfo


class Queued(Wire, frozen=True, kw_only=True, tag="queued"):
    """The request waits; `position` 1 is next."""

    request_id: int
    position: int


class TurnsDropped(Wire, frozen=True, kw_only=True, tag="turns_dropped"):
    """These turns (indexes of the request's) are not in the context."""

    request_id: int
    turns: tuple[int, ...]


class Prefill(Wire, frozen=True, kw_only=True, tag="prefill"):
    request_id: int
    done: int
    total: int
    cached: int = 0
    """Tokens of those done that did not have to be computed."""
    eta_s: float | None = None


class TokenLogprob(Wire, frozen=True, kw_only=True):
    token: int
    text: str
    """Empty where the token is no whole text; `raw` is what it is made of."""
    raw: bytes
    logprob: float
    top: tuple["TokenLogprob", ...] = ()


class Delta(Wire, frozen=True, kw_only=True, tag="delta"):
    request_id: int
    text: str
    kind: DeltaKind = DeltaKind.TEXT
    tokens: int = 1
    logprobs: tuple[TokenLogprob, ...] = ()


class ToolCallDelta(Wire, frozen=True, kw_only=True, tag="tool_call"):
    """A piece of a tool call; the first of each `index` has its id and name, pieces of `arguments` add up to JSON."""

    request_id: int
    index: int
    call_id: str = ""
    name: str = ""
    arguments: str = ""
    tokens: int = 1


class Finished(Wire, frozen=True, kw_only=True, tag="finished"):
    request_id: int
    stats: GenerationStats


class Failed(Wire, frozen=True, kw_only=True, tag="failed"):
    """This request failed; the worker lives on."""

    request_id: int
    error: ErrorInfo


class PromptText(Wire, frozen=True, kw_only=True, tag="prompt_text"):
    request_id: int
    text: str
    tokens: int
    """Pictures included."""
    dropped: tuple[int, ...] = ()


class Tokens(Wire, frozen=True, kw_only=True, tag="tokens"):
    request_id: int
    tokens: tuple[int, ...]


class Embeddings(Wire, frozen=True, kw_only=True, tag="embeddings"):
    """One vector a text, as little-endian float32."""

    request_id: int
    vectors: tuple[bytes, ...]
    tokens: int


class Scores(Wire, frozen=True, kw_only=True, tag="scores"):
    request_id: int
    scores: tuple[float, ...]
    tokens: int


class WorkerStats(Wire, frozen=True, kw_only=True, tag="stats"):
    pid: int
    resident: int
    """Resident memory of the worker, bytes."""
    active_requests: int
    answered: int
    tokens_written: int
    context_length: int = 0
    queued: int = 0
    slots: int = 1
    slots_busy: int = 0
    cached_tokens: int = 0
    """Prompt tokens that did not have to be computed, in all."""
    prompt_tokens: int = 0
    """Prompt tokens in all."""
    states_bytes: int = 0
    """KV states held in memory besides the context."""
    threads: int = 0
    """Used by the last step."""
    step_s: float = 0.0
    """How long the step being computed has taken so far; 0 between two."""


FromWorker: TypeAlias = (
    LoadProgress
    | Loaded
    | LoadFailed
    | Queued
    | TurnsDropped
    | Prefill
    | Delta
    | ToolCallDelta
    | Finished
    | Failed
    | PromptText
    | Tokens
    | Embeddings
    | Scores
    | WorkerStats
)
