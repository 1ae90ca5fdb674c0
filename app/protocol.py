"""The messages that cross a process border: frozen msgspec structs, shared by window, command line, backend and worker.

Units: sizes in bytes, times in seconds, points in time as Unix seconds. Text born below the window travels as a code
with values (`ErrorInfo`) and is put into words where it is shown.
"""

from enum import StrEnum
from typing import Literal, TypeAlias

from msgspec import UNSET, Struct, UnsetType, field

Value: TypeAlias = str | int | float


class Wire(Struct, frozen=True, omit_defaults=True):
    """What all messages have in common: immutable, named fields, defaults left out on the wire."""


class ErrorInfo(Wire, frozen=True, kw_only=True):
    """An error on its way to whoever shows it: the code picks the words, the values fill them."""

    code: str
    values: dict[str, Value] = {}


# ---------------------------------------------------------------- conversations


class Role(StrEnum):
    SYSTEM = "system"
    USER = "user"
    ASSISTANT = "assistant"
    TOOL = "tool"


class MessageState(StrEnum):
    COMPLETE = "complete"
    STREAMING = "streaming"
    STOPPED = "stopped"
    """Ended by its reader, or found unfinished when the database was opened."""
    FAILED = "failed"


class FinishReason(StrEnum):
    STOP = "stop"
    LENGTH = "length"
    """The limit of answer tokens asked for was reached."""
    CONTEXT_FULL = "context_full"
    CANCELLED = "cancelled"


class GenerationStats(Wire, frozen=True, kw_only=True):
    """What one answer cost. Rates are derived from these, never stored."""

    prompt_tokens: int
    answer_tokens: int
    ttft_s: float
    """From the request's arrival at the engine to the first token."""
    decode_s: float
    """From the first token to the last."""
    context_length: int
    finish_reason: FinishReason = FinishReason.STOP
    thinking_s: float | None = None
    """From the first token of thinking to the first of the answer; None without thinking, or not measured."""

    @property
    def context_used(self) -> int:
        return self.prompt_tokens + self.answer_tokens

    @property
    def tokens_per_second(self) -> float | None:
        """Decode speed; None where fewer than two tokens were written."""
        if self.answer_tokens < 2 or self.decode_s <= 0:
            return None
        return (self.answer_tokens - 1) / self.decode_s


class Message(Wire, frozen=True, kw_only=True):
    """One node of a conversation's tree. `siblings`: ids of all its versions in order of creation, itself included."""

    id: int
    conversation_id: int
    parent_id: int | None = None
    role: Role
    text: str = ""
    thinking: str = ""
    state: MessageState = MessageState.COMPLETE
    created: float
    model: str = ""
    """Name of the model that wrote it; empty for the person's own messages."""
    stats: GenerationStats | None = None
    error: ErrorInfo | None = None
    siblings: tuple[int, ...] = ()


class Conversation(Wire, frozen=True, kw_only=True):
    """A conversation without its messages. `leaf_id` is the last message of the branch that is shown."""

    id: int
    title: str = ""
    created: float
    updated: float
    pinned: bool = False
    folder: str = ""
    model: str = ""
    """Id of the model it talks to; empty means whichever is loaded, else the starter model."""
    system_prompt: str = ""
    leaf_id: int | None = None


class ConversationChange(Wire, frozen=True, kw_only=True):
    """The fields of a conversation to set; those left out stay. Moving `leaf_id` shows another branch."""

    title: str | UnsetType = UNSET
    pinned: bool | UnsetType = UNSET
    folder: str | UnsetType = UNSET
    model: str | UnsetType = UNSET
    system_prompt: str | UnsetType = UNSET


class NewConversation(Wire, frozen=True, kw_only=True):
    title: str = ""
    folder: str = ""
    model: str = ""
    system_prompt: str = ""


class MessagePage(Wire, frozen=True, kw_only=True):
    """A stretch of the shown branch, oldest first; `has_more` says whether older messages precede it."""

    messages: list[Message]
    has_more: bool = False


class SearchHit(Wire, frozen=True, kw_only=True):
    """One conversation or message that matched. `marks` are (start, end) character ranges within `snippet`."""

    conversation_id: int
    message_id: int | None = None
    """None where the title matched."""
    title: str
    snippet: str
    marks: tuple[tuple[int, int], ...] = ()
    created: float


# ---------------------------------------------------------------- generation


class Sampling(Wire, frozen=True, kw_only=True):
    """How the next token is chosen. None: as the model's file recommends, else as a careful chat does.

    The engine clamps nothing, it refuses.
    """

    temperature: float | None = None
    top_k: int | None = None
    top_p: float | None = None
    min_p: float | None = None
    repeat_penalty: float | None = None
    seed: int | None = None
    max_tokens: int | None = None
    """None: until the model ends or the context is full."""
    stop: tuple[str, ...] = ()


class NewMessage(Wire, frozen=True, kw_only=True):
    """What a person sends. `parent_id` left out continues the shown branch; given, it makes a sibling branch (edit)."""

    text: str
    parent_id: int | UnsetType | None = UNSET
    model: str = ""
    thinking: bool = False
    sampling: Sampling = Sampling()


class Regenerate(Wire, frozen=True, kw_only=True):
    model: str = ""
    thinking: bool = False
    sampling: Sampling = Sampling()


class Started(Wire, frozen=True, kw_only=True):
    """The stored question and the (still empty) answer whose stream can now be read."""

    conversation: Conversation
    question: Message | None = None
    answer: Message


class DeltaKind(StrEnum):
    TEXT = "text"
    THINKING = "thinking"


class AnswerSnapshot(Wire, frozen=True, kw_only=True, tag="snapshot"):
    """First event of every answer stream: all that is there so far."""

    message: Message


class AnswerPrefill(Wire, frozen=True, kw_only=True, tag="prefill"):
    """How much of the prompt has been read."""

    done: int
    total: int


class AnswerDelta(Wire, frozen=True, kw_only=True, tag="delta"):
    text: str
    kind: DeltaKind = DeltaKind.TEXT


class AnswerFinished(Wire, frozen=True, kw_only=True, tag="finished"):
    """Last event of every answer stream, whatever its end; `message.state` and `.error` say how it ended."""

    message: Message


AnswerEvent: TypeAlias = AnswerSnapshot | AnswerPrefill | AnswerDelta | AnswerFinished


# ---------------------------------------------------------------- models


class ModelState(StrEnum):
    AVAILABLE = "available"
    LOADING = "loading"
    LOADED = "loaded"
    BROKEN = "broken"


class ModelEntry(Wire, frozen=True, kw_only=True):
    """A model in the library: one GGUF file (split parts joined), described by its header."""

    id: str
    """Slug made of the file name; what a person types and the port answers to."""
    name: str
    path: str
    size: int
    quantization: str = ""
    architecture: str = ""
    parameters: int | None = None
    context_length: int | None = None
    """The context length it was trained for."""
    builtin: bool = False
    state: ModelState = ModelState.AVAILABLE
    progress: float | None = None
    """Share loaded, 0 to 1, while `state` is loading."""
    loaded_context: int | None = None
    device: str = ""
    """Where it runs when loaded: "CPU", "GPU" or "GPU+CPU"."""
    supports_thinking: bool = False
    """Whether its template can be asked to think first; known while it is loaded."""
    error: ErrorInfo | None = None


class LoadParams(Wire, frozen=True, kw_only=True):
    """How a model is loaded. None leaves the choice to the engine."""

    context_length: int | None = None
    gpu_layers: int | None = None
    threads: int | None = None

    def __post_init__(self) -> None:
        for name, least in (("context_length", 1), ("gpu_layers", 0), ("threads", 1)):
            value = getattr(self, name)
            if value is not None and not least <= value < 2**31:
                raise ValueError(f"{name} is a number from {least} to {2**31 - 1}")


# ---------------------------------------------------------------- machine


class Device(Wire, frozen=True, kw_only=True):
    """A GPU as the engine or its driver reports it; unknown is None."""

    name: str
    kind: Literal["discrete", "integrated", "unified", "unknown"] = "unknown"
    backend: str = ""
    memory_total: int | None = None
    memory_free: int | None = None


class Machine(Wire, frozen=True, kw_only=True):
    """The machine as Alcove sees it; unknown is None, never a made-up default."""

    os: str
    cpu_name: str | None = None
    physical_cores: int | None = None
    logical_cores: int | None = None
    ram_total: int | None = None
    ram_available: int | None = None
    """What a process here may still take: the kernel's figure, lowered by container limits."""
    disk_free: int | None = None
    """On the disk of the model folder."""
    devices: tuple[Device, ...] = ()


class CheckState(StrEnum):
    GOOD = "good"
    WARN = "warn"
    BAD = "bad"


class Check(Wire, frozen=True, kw_only=True):
    """One line of `alcove doctor`: `code` with `values` says what was found, and for warn and bad how to mend it."""

    code: str
    state: CheckState
    values: dict[str, Value] = {}


# ---------------------------------------------------------------- backend


class Handshake(Wire, frozen=True, kw_only=True):
    """Content of backend.json (0600): where the running backend listens and what proves that one may talk to it."""

    port: int
    token: str
    pid: int
    version: str
    created: float
    """Start time of the process: a recycled pid is not mistaken for it."""


class PortRequest(Wire, frozen=True, kw_only=True):
    """Open the public port; `port` 0 takes any free one."""

    host: str = "127.0.0.1"
    port: int = 8484
    api_key: str = ""


class PortState(Wire, frozen=True, kw_only=True):
    host: str
    port: int
    needs_key: bool = False


class Status(Wire, frozen=True, kw_only=True):
    version: str
    pid: int
    home: str
    uptime_s: float
    clients: int
    answering: int
    """Answers being written at this moment."""
    loaded: tuple[ModelEntry, ...] = ()
    worker_pids: tuple[int, ...] = ()
    port: PortState | None = None


class Hello(Wire, frozen=True, kw_only=True, tag="hello"):
    """First event: the id under which this client's presence is known (header `X-Alcove-Client`)."""

    client_id: str
    status: Status


class ConversationChanged(Wire, frozen=True, kw_only=True, tag="conversation_changed"):
    conversation: Conversation


class ConversationRemoved(Wire, frozen=True, kw_only=True, tag="conversation_removed"):
    conversation_id: int


class MessageChanged(Wire, frozen=True, kw_only=True, tag="message_changed"):
    """A message was added, finished, edited or failed; text in progress comes over the answer's own stream."""

    message: Message


class MessageRemoved(Wire, frozen=True, kw_only=True, tag="message_removed"):
    conversation_id: int
    message_id: int


class ModelChanged(Wire, frozen=True, kw_only=True, tag="model_changed"):
    model: ModelEntry


class LibraryChanged(Wire, frozen=True, kw_only=True, tag="library_changed"):
    """Files came or went: fetch the list again."""


class SettingsChanged(Wire, frozen=True, kw_only=True, tag="settings_changed"):
    """Fetch the settings again."""


class PortChanged(Wire, frozen=True, kw_only=True, tag="port_changed"):
    port: PortState | None = None


Event: TypeAlias = (
    Hello
    | ConversationChanged
    | ConversationRemoved
    | MessageChanged
    | MessageRemoved
    | ModelChanged
    | LibraryChanged
    | SettingsChanged
    | PortChanged
)


# ---------------------------------------------------------------- worker (MessagePack frames on pipes)


class ChatTurn(Wire, frozen=True, kw_only=True):
    """One turn as the chat template sees it."""

    role: Role
    content: str


class Load(Wire, frozen=True, kw_only=True, tag="load"):
    path: str
    params: LoadParams = LoadParams()


class Generate(Wire, frozen=True, kw_only=True, tag="generate"):
    """Answer these turns. `request_id` is chosen by the caller and comes back with every event of the answer."""

    request_id: int
    turns: tuple[ChatTurn, ...]
    sampling: Sampling = Sampling()
    thinking: bool = False


class Cancel(Wire, frozen=True, kw_only=True, tag="cancel"):
    request_id: int


class Unload(Wire, frozen=True, kw_only=True, tag="unload"):
    """End the worker; its memory is free when it has gone."""


class GetStats(Wire, frozen=True, kw_only=True, tag="get_stats"):
    pass


ToWorker: TypeAlias = Load | Generate | Cancel | Unload | GetStats


class LoadProgress(Wire, frozen=True, kw_only=True, tag="load_progress"):
    fraction: float


class Loaded(Wire, frozen=True, kw_only=True, tag="loaded"):
    context_length: int
    device: str
    load_s: float
    has_template: bool
    supports_thinking: bool = False


class LoadFailed(Wire, frozen=True, kw_only=True, tag="load_failed"):
    error: ErrorInfo


class Prefill(Wire, frozen=True, kw_only=True, tag="prefill"):
    request_id: int
    done: int
    total: int


class Delta(Wire, frozen=True, kw_only=True, tag="delta"):
    request_id: int
    text: str
    kind: DeltaKind = DeltaKind.TEXT
    tokens: int = 1


class Finished(Wire, frozen=True, kw_only=True, tag="finished"):
    request_id: int
    stats: GenerationStats


class Failed(Wire, frozen=True, kw_only=True, tag="failed"):
    """This request failed; the worker lives on."""

    request_id: int
    error: ErrorInfo


class WorkerStats(Wire, frozen=True, kw_only=True, tag="stats"):
    pid: int
    resident: int
    """Resident memory of the worker, bytes."""
    active_requests: int
    answered: int
    tokens_written: int
    context_length: int = field(default=0)


FromWorker: TypeAlias = LoadProgress | Loaded | LoadFailed | Prefill | Delta | Finished | Failed | WorkerStats
