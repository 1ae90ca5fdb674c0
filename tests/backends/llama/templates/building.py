"""Prompt builders for tests: a renderer without the process, and a tokenizer that shows what it was given."""

import re
from collections.abc import Sequence
from typing import Any

from app.backends.llama.templates.prompt import Prompt, PromptBuilder
from app.backends.llama.templates.request import Render
from app.backends.llama.templates.template import TemplateError, make_renderer
from app.errors import AppError
from app.protocol import ChatTurn, Generate, Role, ToolCall, ToolSpec

_render_here = make_renderer()

WEATHER = ToolSpec(
    name="get_weather",
    description="The weather",
    parameters={"type": "object", "properties": {"city": {"type": "string"}}, "required": ["city"]},
)


class InProcess:
    """The template process's renderer, without the process."""

    def __init__(self) -> None:
        self.asked: list[Render] = []

    def wait_ready(self) -> None:
        pass

    def render(self, request: Render) -> str:
        self.asked.append(request)
        try:
            return _render_here(request)
        except TemplateError as error:
            raise AppError("template_failed", reason=str(error)) from error


class Letters:
    """One token a character, and the control tokens given from 1,000,000 on."""

    def __init__(self, *control: str, adds_bos: bool = False) -> None:
        texts = ["<s>", "</s>", *control]
        self.special_texts = {1_000_000 + index: text for index, text in enumerate(texts)}
        self.bos, self.eos, self.adds_bos = 1_000_000, 1_000_001, adds_bos
        self._numbers = {text: token for token, text in self.special_texts.items()}
        self._pattern = re.compile("(" + "|".join(map(re.escape, sorted(texts, key=len, reverse=True))) + ")")

    def tokenize(self, text: str, *, parse_special: bool) -> list[int]:
        if not parse_special:
            return [ord(letter) for letter in text]
        pieces = self._pattern.split(text)
        return [
            token
            for piece in pieces
            for token in ([self._numbers[piece]] if piece in self._numbers else [ord(letter) for letter in piece])
        ]

    def text_of(self, token: int) -> str:
        return self.special_texts[token]

    def show(self, prompt: Prompt) -> str:
        """The prompt with control tokens in guillemets and pictures by their data."""
        parts = []
        for piece in prompt.pieces:
            if not isinstance(piece, int):
                parts.append(f"⟦{piece.data.decode()}⟧")
            else:
                parts.append(f"«{self.special_texts[piece]}»" if piece in self.special_texts else chr(piece))
        return "".join(parts)


def builder(template: str, tokenizer: Letters | None = None, **more: Any) -> PromptBuilder:
    return PromptBuilder(tokenizer or Letters(), template, InProcess(), **more)


def request(*turns: ChatTurn, **more: Any) -> Generate:
    return Generate(request_id=1, turns=turns, **more)


def system(text: str) -> ChatTurn:
    return ChatTurn(role=Role.SYSTEM, content=text)


def user(text: str, **more: Any) -> ChatTurn:
    return ChatTurn(role=Role.USER, content=text, **more)


def assistant(text: str = "", **more: Any) -> ChatTurn:
    return ChatTurn(role=Role.ASSISTANT, content=text, **more)


def calling(arguments: str = '{"city": "Paris"}', name: str = "get_weather", text: str = "") -> ChatTurn:
    return assistant(text, tool_calls=(ToolCall(id="abc123def", name=name, arguments=arguments),))


def result(text: str) -> ChatTurn:
    return ChatTurn(role=Role.TOOL, content=text, tool_call_id="abc123def")


def rendered(template: str, turns: Sequence[ChatTurn], **more: Any) -> str:
    """The text of the prompt that a template makes."""
    return builder(template).build(request(*turns, **more)).text
