"""Turns a request into the tokens the model reads, so that nothing written in it can pose as a control token.

The chat template sees every message as it is, except that texts of control tokens inside messages, and pictures, are
replaced by unguessable stand-ins. The template's own text is then tokenised with control tokens, and what the stand-ins
stand for without.
"""

import logging
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Protocol

import msgspec

from app.backends.llama.output.families import Family
from app.backends.llama.output.syntax import Layout
from app.backends.llama.templates.fallbacks import choose_fallback
from app.backends.llama.templates.messages import MessageWriter, tool_dicts
from app.backends.llama.templates.probe import TemplateProbe, Traits
from app.backends.llama.templates.repairs import REPAIRS, as_parts, fold_system
from app.backends.llama.templates.request import Message, Render, Renderer
from app.backends.llama.templates.tool_text import write_tools_as_text
from app.backends.llama.templates.veil import Picture, Veil, special_pattern
from app.errors import AppError
from app.protocol import ChatTurn, ErrorInfo, Generate, Role, ToolChoice

__all__ = ["Picture", "Prompt", "PromptBuilder", "Renderer", "Tokenizer"]

_OWN_VARIABLES = frozenset({"messages", "tools", "add_generation_prompt", "bos_token", "eos_token", "raise_exception"})
_PICTURE_TEXT = "[picture]"

_log = logging.getLogger(__name__)


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
    """What the model reads, and where its answer begins."""

    pieces: Sequence[int | Picture]
    opens_thinking: bool = False
    """The prompt has already opened the thinking: the answer begins inside of it."""
    text: str = ""
    """The prompt as a person can read it; a picture is written as `[picture]`."""

    @property
    def tokens(self) -> list[int]:
        """The tokens of a prompt without pictures. Raises ValueError for one with pictures."""
        tokens = [piece for piece in self.pieces if isinstance(piece, int)]
        if len(tokens) != len(self.pieces):
            raise ValueError("the prompt has pictures")
        return tokens


@dataclass(frozen=True)
class _Draft:
    """A rendered prompt before it is tokenised."""

    text: str
    opens_thinking: bool


class PromptBuilder:
    """Builds prompts for one model.

    `own_template` takes the place of the file's `template`; raises AppError("template_failed") where it does not work.
    A file without a working template gets one of ours, which `warnings` say.
    """

    def __init__(
        self, tokenizer: Tokenizer, template: str, renderer: Renderer, *, own_template: str = "", architecture: str = ""
    ) -> None:
        self._tokenizer = tokenizer
        self._renderer = renderer
        self._special = special_pattern(tokenizer.special_texts.values())
        self._control_tokens = {text: token for token, text in tokenizer.special_texts.items()}
        self.warnings: tuple[ErrorInfo, ...] = ()
        if own_template or template:
            self._base, self.traits = self._probe(own_template or template, architecture, can_replace=not own_template)
        else:
            self._base, self.traits = self._fall_back(architecture, "template_missing")

    @property
    def family(self) -> Family:
        return self.traits.family

    @property
    def supports_thinking(self) -> bool:
        return self.traits.supports_thinking

    @property
    def always_thinks(self) -> bool:
        """Whether the model thinks even where it was asked not to."""
        return self.traits.always_thinks

    @property
    def supports_tools(self) -> bool:
        """Whether the template knows tools; others are told of them in plain text."""
        return self.traits.knows_tools

    def build(self, request: Generate) -> Prompt:
        """The prompt up to where the answer begins. Raises AppError("template_failed") or AppError("bad_request")."""
        if request.prompt is not None:
            return self._finish([(request.prompt, False)], self._opens_thinking(request.prompt))
        veil = Veil(self._special)
        draft = self._draft(request, veil)
        return self._finish(veil.split(draft.text), draft.opens_thinking)

    # ------------------------------------------------------------ the template

    def _probe(self, source: str, architecture: str, *, can_replace: bool) -> tuple[Render, Traits]:
        base = self._base_of(source)
        try:
            return base, TemplateProbe(self._renderer.render, base, self._control_tokens).run()
        except AppError as error:
            if not can_replace:
                raise
            _log.warning("the file's chat template does not work: %s", error)
            return self._fall_back(architecture, "template_broken", reason=error.values.get("reason", ""))

    def _fall_back(self, architecture: str, code: str, **values: Any) -> tuple[Render, Traits]:
        fallback = choose_fallback(architecture, self._control_tokens.keys())
        self.warnings = (ErrorInfo(code=code, values={"fallback": fallback.name, **values}),)
        base = self._base_of(fallback.source)
        return base, TemplateProbe(self._renderer.render, base, self._control_tokens).run()

    def _base_of(self, source: str) -> Render:
        tokenizer = self._tokenizer
        return Render(source=source, bos=tokenizer.text_of(tokenizer.bos), eos=tokenizer.text_of(tokenizer.eos))

    # ------------------------------------------------------------ rendering

    def _draft(self, request: Generate, veil: Veil) -> _Draft:
        base = msgspec.structs.replace(self._base, variables=self._variables(request, veil))
        last = request.turns[-1] if request.turns else None
        if request.continues and last is not None and last.role is Role.ASSISTANT and not last.tool_calls:
            return self._continue(request, last, base, veil)
        text = self._render(request, request.turns, base, veil)
        return _Draft(text, self._opens_thinking(text))

    def _continue(self, request: Generate, last: ChatTurn, base: Render, veil: Veil) -> _Draft:
        """The prompt that ends in the middle of the last turn: what the template adds after it is cut off."""
        thinks = bool(last.thinking) and not last.content
        mark = veil.mark()
        begun = veil.hide(last.thinking if thinks else last.content)
        turns = (*request.turns[:-1], _marked(last, mark, thinks=thinks))
        text = self._render(request, turns, msgspec.structs.replace(base, generate=False), veil)
        before, found, after = text.partition(mark)
        if found and mark not in after and before.endswith(begun.lstrip()):
            return _Draft(before, thinks)
        opening = self._render(request, request.turns[:-1], base, veil)
        if thinks and not self._opens_thinking(opening):
            opening += f"{self.family.thinking[0].strip()}\n"
        return _Draft(opening + begun, thinks)

    def _render(self, request: Generate, turns: Sequence[ChatTurn], base: Render, veil: Veil) -> str:
        traits = self.traits
        as_text, named_ids = traits.knows_tools and traits.arguments_as_text, traits.named_ids
        writer = MessageWriter(veil, arguments_as_text=as_text, named_ids=named_ids)
        messages = writer.write(turns)
        tools = () if request.tool_choice is ToolChoice.NONE else tool_dicts(request.tools, veil)
        if not traits.knows_tools:
            messages, tools = write_tools_as_text(messages, tools), ()
        if not traits.reads_system:
            messages = fold_system(messages)
        text = self._render_repaired(messages, msgspec.structs.replace(base, tools=tools))
        if not text:
            raise AppError("template_failed", reason="template_writes_nothing")
        return text

    def _render_repaired(self, messages: list[Message], base: Render) -> str:
        """The text of the messages as they are, else with what the template refuses put in another way."""
        try:
            return self._render_messages(messages, base)
        except AppError as error:
            refusal = error
        if refusal.values.get("reason") == "template_takes_too_much":
            raise refusal
        for repair in REPAIRS:
            before, messages = messages, repair(messages)
            if messages == before:
                continue
            try:
                text = self._render_messages(messages, base)
            except AppError:
                continue
            _log.info("the chat template takes this conversation after: %s", repair.__name__)
            return text
        raise refusal

    def _render_messages(self, messages: Sequence[Message], base: Render) -> str:
        messages = as_parts(messages) if self.traits.wants_parts else messages
        return self._renderer.render(msgspec.structs.replace(base, messages=tuple(messages)))

    def _variables(self, request: Generate, veil: Veil) -> dict[str, Any]:
        if refused := _OWN_VARIABLES & request.template_kwargs.keys():
            raise AppError("bad_request", reason=f"template_kwargs: {', '.join(sorted(refused))}")
        variables: dict[str, Any] = {"enable_thinking": request.thinking, "thinking": request.thinking}
        if self.family.syntax.layout is Layout.CHANNELS and not request.thinking:
            variables["reasoning_effort"] = "low"
        return variables | {name: veil.hide_deep(value) for name, value in request.template_kwargs.items()}

    def _opens_thinking(self, text: str) -> bool:
        return text.rstrip().endswith(self.family.thinking[0].strip())

    # ------------------------------------------------------------ tokens

    def _finish(self, parts: Sequence[tuple[str | Picture, bool]], opens_thinking: bool) -> Prompt:
        tokenizer = self._tokenizer
        pieces: list[int | Picture] = []
        for part, hidden in parts:
            if isinstance(part, Picture):
                pieces.append(part)
            else:
                pieces += tokenizer.tokenize(part, parse_special=not hidden)
        if tokenizer.adds_bos and pieces[:1] != [tokenizer.bos]:
            pieces.insert(0, tokenizer.bos)
        if not pieces:
            raise AppError("template_failed", reason="template_writes_nothing")
        text = "".join(_PICTURE_TEXT if isinstance(part, Picture) else part for part, _ in parts)
        return Prompt(tuple(pieces), opens_thinking, text)


def _marked(turn: ChatTurn, mark: str, *, thinks: bool) -> ChatTurn:
    """The turn with a mark at the end of its text, or of its thinking."""
    if thinks:
        return msgspec.structs.replace(turn, thinking=turn.thinking + mark)
    return msgspec.structs.replace(turn, content=turn.content + mark)
