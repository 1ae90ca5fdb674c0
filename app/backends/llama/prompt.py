"""Turns a conversation into the tokens the model reads, so that nothing written in it can pose as a control token.

The chat template sees every message as it is, except that texts of control tokens inside messages are replaced by
unguessable stand-ins. The template's own text is then tokenised with control tokens, and what the stand-ins stand for
without. What this cannot cover: a template that deletes text from the middle of a message could join a new one there.
"""

import logging
import re
import secrets
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Protocol

import msgspec

from app.backends.llama.thinking import OPEN
from app.errors import AppError
from app.protocol import ChatTurn, Role, Wire

CHATML = """{% for message in messages %}<|im_start|>{{ message.role }}
{{ message.content }}<|im_end|>
{% endfor %}{% if add_generation_prompt %}<|im_start|>assistant
{% endif %}"""

_PRIVATE_USE = range(0xE000, 0xF8FF)
_NONCE_LENGTH = 9
"""Characters of 12.6 bits each: 113 bits nobody can guess."""

_log = logging.getLogger(__name__)


class Render(Wire, frozen=True):
    """One rendering of a template, as the template process is asked for it."""

    source: str
    turns: tuple[ChatTurn, ...]
    thinking: bool = False
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


class Tokenizer(Protocol):
    """What prompt building needs of a vocabulary."""

    bos: int
    eos: int
    adds_bos: bool
    special_texts: dict[int, str]

    def tokenize(self, text: str, *, parse_special: bool) -> list[int]: ...

    def text_of(self, token: int) -> str: ...


@dataclass(frozen=True)
class Prompt:
    tokens: list[int]
    opens_thinking: bool
    """Whether the template has already written `<think>`: the answer begins inside of it."""


class PromptBuilder:
    """Builds prompts for one model. An empty `template` means ChatML."""

    def __init__(self, tokenizer: Tokenizer, template: str, renderer: Renderer) -> None:
        self._tokenizer = tokenizer
        self._template = template or CHATML
        self._renderer = renderer
        self._special = special_pattern(tokenizer.special_texts.values())

    def build(self, turns: Sequence[ChatTurn], thinking: bool) -> Prompt:
        """The prompt up to where the answer begins. Raises AppError("template_failed")."""
        veil = Veil(self._special)
        hidden = tuple(ChatTurn(role=turn.role, content=veil.hide(turn.content)) for turn in turns)
        text = self._render(hidden, thinking)
        tokens: list[int] = []
        for piece, from_message in veil.split(text):
            tokens += self._tokenizer.tokenize(piece, parse_special=not from_message)
        if self._tokenizer.adds_bos and tokens[:1] != [self._tokenizer.bos]:
            tokens.insert(0, self._tokenizer.bos)
        if not tokens:
            raise AppError("template_failed", reason="template_writes_nothing")
        return Prompt(tokens, opens_thinking=text.rstrip().endswith(OPEN))

    def _render(self, turns: tuple[ChatTurn, ...], thinking: bool) -> str:
        tokenizer = self._tokenizer
        request = Render(
            source=self._template,
            turns=turns,
            thinking=thinking,
            bos=tokenizer.text_of(tokenizer.bos),
            eos=tokenizer.text_of(tokenizer.eos),
        )
        try:
            return self._renderer.render(request)
        except AppError:
            folded = fold_system(turns)
            if folded == turns:
                raise
            _log.warning("the chat template refused a system prompt; it is put before the first message")
            return self._renderer.render(msgspec.structs.replace(request, turns=folded))


def fold_system(turns: tuple[ChatTurn, ...]) -> tuple[ChatTurn, ...]:
    """The turns with a leading system prompt put before the first message, for templates that know none."""
    if len(turns) < 2 or turns[0].role is not Role.SYSTEM:
        return turns
    system, first, *rest = turns
    return (ChatTurn(role=first.role, content=f"{system.content}\n\n{first.content}"), *rest)


def special_pattern(texts: Iterable[str]) -> re.Pattern[str] | None:
    """Matches any of the texts, the longest first; None where there are none."""
    ordered = sorted({text for text in texts if text}, key=len, reverse=True)
    return re.compile("|".join(map(re.escape, ordered))) if ordered else None


class Veil:
    """Stand-ins for the texts of control tokens in the messages of one prompt."""

    def __init__(self, pattern: re.Pattern[str] | None) -> None:
        self._pattern = pattern
        self._nonce = "".join(chr(secrets.choice(_PRIVATE_USE)) for _ in range(_NONCE_LENGTH))
        self._texts: list[str] = []

    def hide(self, content: str) -> str:
        return self._pattern.sub(self._stand_in, content) if self._pattern else content

    def split(self, text: str) -> list[tuple[str, bool]]:
        """The pieces of a rendered text in order, each with whether it is a hidden text of a message."""
        if not self._texts:
            return [(text, False)] if text else []
        pieces = []
        for index, part in enumerate(re.split(f"{self._nonce}(.)", text, flags=re.DOTALL)):
            piece = self._texts[ord(part) - _PRIVATE_USE.start] if index % 2 else part
            if piece:
                pieces.append((piece, bool(index % 2)))
        return pieces

    def _stand_in(self, match: re.Match[str]) -> str:
        text = match.group()
        if text not in self._texts:
            self._texts.append(text)
        return self._nonce + chr(_PRIVATE_USE.start + self._texts.index(text))
