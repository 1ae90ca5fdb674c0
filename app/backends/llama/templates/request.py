"""What the template process is asked for and what it answers, with the renderer as prompt building sees it."""

from typing import Any, Protocol

from msgspec import field

from app.protocol import Wire

Message = dict[str, Any]
"""One turn in the shape chat templates know: role, content and, where there are any, tool_calls."""


class Render(Wire, frozen=True):
    """One rendering of a template."""

    source: str
    messages: tuple[Message, ...] = ()
    tools: tuple[dict[str, Any], ...] = ()
    variables: dict[str, Any] = field(default_factory=dict)
    """Further variables; they cannot take the place of those below and above."""
    generate: bool = True
    """Whether the beginning of the answer is written as well."""
    bos: str = ""
    eos: str = ""


class Rendered(Wire, frozen=True):
    """The text a template made, or why it made none."""

    text: str = ""
    error: str = ""


class Renderer(Protocol):
    def wait_ready(self) -> None:
        """Wait until rendering takes no more than its own time."""

    def render(self, request: Render) -> str:
        """The template's text. Raises AppError("template_failed")."""
