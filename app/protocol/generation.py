"""What an answer is asked with and what it is made of: sampling, output format, tools, context policy, figures."""

from enum import StrEnum
from typing import Any

from msgspec import field

from app.protocol.base import Wire


class Role(StrEnum):
    SYSTEM = "system"
    USER = "user"
    ASSISTANT = "assistant"
    TOOL = "tool"


class FinishReason(StrEnum):
    STOP = "stop"
    LENGTH = "length"
    """The limit of answer tokens asked for was reached."""
    CONTEXT_FULL = "context_full"
    CANCELLED = "cancelled"
    REPETITION = "repetition"
    """The answer went round in circles and was ended."""
    TOOL_CALLS = "tool_calls"
    """The model waits for the results of the tools it called."""


class DeltaKind(StrEnum):
    TEXT = "text"
    THINKING = "thinking"


class Sampling(Wire, frozen=True, kw_only=True):
    """How the next token is chosen. None: as the model's file recommends, else as a careful chat does.

    The engine clamps nothing, it refuses by name. Meanings and neutral values are llama.cpp's.
    """

    temperature: float | None = None
    """0 takes the likeliest token."""
    dynamic_range: float | None = None
    """Temperature moves by this much either way with the entropy; 0 is neutral."""
    dynamic_exponent: float | None = None
    top_k: int | None = None
    top_p: float | None = None
    min_p: float | None = None
    typical_p: float | None = None
    top_n_sigma: float | None = None
    xtc_probability: float | None = None
    xtc_threshold: float | None = None
    repeat_penalty: float | None = None
    repeat_last_n: int | None = None
    """Tokens the penalties look back on; -1 is the whole context."""
    presence_penalty: float | None = None
    frequency_penalty: float | None = None
    dry_multiplier: float | None = None
    dry_base: float | None = None
    dry_allowed_length: int | None = None
    dry_last_n: int | None = None
    dry_breakers: tuple[str, ...] | None = None
    mirostat: int | None = None
    """0 or 2."""
    mirostat_tau: float | None = None
    mirostat_eta: float | None = None
    logit_bias: dict[int, float] = field(default_factory=dict)
    """Added to the logits of these tokens; -inf forbids one."""
    seed: int | None = None
    max_tokens: int | None = None
    """None: until the model ends or the context is full."""
    min_tokens: int = 0
    """The model cannot end before it has written this many."""
    ignore_end: bool = False
    """The model's end token is never chosen."""
    stop: tuple[str, ...] = ()
    logprobs: int | None = None
    """Log-probabilities of each token and of this many likeliest ones (0 to 20); None: not computed."""


class FormatKind(StrEnum):
    TEXT = "text"
    JSON = "json"
    """Any JSON object."""
    JSON_SCHEMA = "json_schema"
    REGEX = "regex"
    CHOICE = "choice"
    LARK = "lark"
    GBNF = "gbnf"


class OutputFormat(Wire, frozen=True, kw_only=True):
    """What shape the answer must have. `source` is the schema, expression or grammar as text."""

    kind: FormatKind = FormatKind.TEXT
    source: str = ""
    choices: tuple[str, ...] = ()


class ContextPolicy(StrEnum):
    """What happens where the conversation is longer than the context."""

    STOP = "stop"
    """A prompt that is too long is refused; an answer that fills the context ends."""
    DROP_OLDEST = "drop_oldest"
    """The oldest whole turns are left out, the system prompt stays; which ones is said."""


class ToolSpec(Wire, frozen=True, kw_only=True):
    """A function the model may call. `parameters` is a JSON Schema of an object."""

    name: str
    description: str = ""
    parameters: dict[str, Any] = field(default_factory=dict)


class ToolCall(Wire, frozen=True, kw_only=True):
    """A call the model made. `arguments` is JSON text, as written by the model."""

    id: str
    name: str
    arguments: str = "{}"


class ToolChoice(StrEnum):
    AUTO = "auto"
    NONE = "none"
    REQUIRED = "required"
    """At least one call; together with a name, that function."""


class Options(Wire, frozen=True, kw_only=True):
    """How the answers of a conversation are made; also what a preset keeps."""

    sampling: Sampling = Sampling()
    format: OutputFormat = OutputFormat()
    thinking: bool | None = None
    """None: as asked with each message."""
    thinking_budget: int | None = None
    """Tokens of thinking after which it is closed."""
    context_policy: ContextPolicy = ContextPolicy.STOP
    stop_repetition: bool = True
    tools: tuple[str, ...] = ()
    """Names of the built-in tools that are offered to the model."""
    allowed_tools: tuple[str, ...] = ()
    """Those of them that run without asking."""


class Preset(Wire, frozen=True, kw_only=True):
    """A named way to answer."""

    name: str
    system_prompt: str = ""
    options: Options = Options()


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
    queue_s: float = 0.0
    """From the request's arrival to its first step."""
    prefill_s: float = 0.0
    """From the first step of the prompt to its last."""
    cached_tokens: int = 0
    """Tokens of the prompt that were not computed again."""
    drafted_tokens: int = 0
    accepted_tokens: int = 0
    """Of those drafted by speculation."""
    format_cut: bool = False
    """Constrained output met a limit before its end and had to be closed."""

    @property
    def context_used(self) -> int:
        return self.prompt_tokens + self.answer_tokens

    @property
    def tokens_per_second(self) -> float | None:
        """Decode speed; None where fewer than two tokens were written."""
        if self.answer_tokens < 2 or self.decode_s <= 0:
            return None
        return (self.answer_tokens - 1) / self.decode_s

    @property
    def prefill_per_second(self) -> float | None:
        """Speed of reading the part of the prompt that was computed; None where all was cached."""
        computed = self.prompt_tokens - self.cached_tokens
        return computed / self.prefill_s if computed > 0 and self.prefill_s > 0 else None
