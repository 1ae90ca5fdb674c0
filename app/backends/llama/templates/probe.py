"""Finds out what a chat template can do and how its family writes, by rendering small conversations and reading them.

Words that occur nowhere else mark the places. The family is the one whose parser reads back, from the template's own
text, just the call that was put in: the model's name is never looked at.
"""

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from itertools import product

import msgspec

from app.backends.llama.output.families import Family, texts_of
from app.backends.llama.output.parser import OutputParser
from app.backends.llama.output.parts import CallPart, TextPart
from app.backends.llama.output.syntax import FAMILIES, HERMES, THINKING_TAGS, FamilySyntax, Layout
from app.backends.llama.templates.repairs import as_parts
from app.backends.llama.templates.request import Message, Render
from app.errors import AppError
from app.protocol import ToolSpec

_ASKED, _SAID, _RULE, _THOUGHT, _RESULT = "qzxasked", "qzxsaid", "qzxrule", "qzxthought", "qzxresult"
_TOOL = ToolSpec(
    name="qzx_tool",
    description="probe",
    parameters={"type": "object", "properties": {"qzx_key": {"type": "string"}}, "required": ["qzx_key"]},
)
_ARGUMENTS = {"qzx_key": "qzxvalue"}
_ARGUMENTS_TEXT = '{"qzx_key": "qzxvalue"}'
_CALL_ID, _NAMED_ID = "qzx000001", "functions.qzx_tool:0"
_USER: Message = {"role": "user", "content": _ASKED}
_ANSWER: Message = {"role": "assistant", "content": _SAID}
_TAG_BEFORE = re.compile(r"(<[^<>\s]{1,40}>|\[[A-Z_]{1,40}\])\s*$")
_TAG_AFTER = re.compile(r"\s*(<[^<>\s]{1,40}>|\[/[A-Z_]{1,40}\])")
_OPEN_TAG = re.compile(r"(<[^<>]*|\[[^\[\]]*)$")
_SWITCHES = ("enable_thinking", "thinking", "reasoning_effort")


@dataclass(frozen=True)
class Traits:
    """What a template can do."""

    family: Family = Family()  # noqa: RUF009 (frozen)
    knows_tools: bool = False
    """It writes tools, calls and results; otherwise they are told in plain text."""
    arguments_as_text: bool = False
    """It takes arguments as JSON text and not as a mapping."""
    named_ids: bool = False
    """It writes the id of a call and not its name: the id has to be made of the name."""
    wants_parts: bool = False
    """It takes contents as lists of parts only."""
    reads_system: bool = True
    """It writes system prompts."""
    switches_thinking: bool = False
    """Thinking can be turned on and off."""
    always_thinks: bool = False
    """It begins thinking even where it was asked not to."""
    names_thinking: bool = False
    """It knows tags of thinking."""

    @property
    def supports_thinking(self) -> bool:
        return self.switches_thinking or self.always_thinks or self.names_thinking


class TemplateProbe:
    """Probes one template. `base` holds its source, `control_tokens` the ids of control tokens by their texts."""

    def __init__(self, render: Callable[[Render], str], base: Render, control_tokens: Mapping[str, int]) -> None:
        self._render = render
        self._base = base
        self._control_tokens = control_tokens
        self._wants_parts = False
        self._call_id = _CALL_ID

    def run(self) -> Traits:
        """Raises AppError("template_failed") for a template that cannot write the simplest conversation."""
        self._wants_parts = self._looks_for_parts()
        tags = self._thinking_tags()
        syntax, as_text = self._find_family(tags or HERMES.thinking)
        knows_tools = as_text is not None and self._writes_tools(as_text)
        if tags is None or syntax.layout is Layout.CHANNELS:
            tags = syntax.thinking
        if not knows_tools and syntax.layout is Layout.PLAIN:
            syntax = HERMES  # as it is told in plain text
        return Traits(
            family=self._family(syntax, tags),
            knows_tools=knows_tools,
            arguments_as_text=bool(as_text),
            named_ids=self._call_id == _NAMED_ID,
            wants_parts=self._wants_parts,
            reads_system=_RULE in self._try([{"role": "system", "content": _RULE}, _USER]),
            switches_thinking=self._switches_thinking(),
            always_thinks=self._opening(False).rstrip().endswith(tags[0].strip()),
            names_thinking=any(text.strip() in self._base.source for text in (tags[0], tags[1])),
        )

    def _family(self, syntax: FamilySyntax, tags: tuple[str, str]) -> Family:
        known = {text: self._control_tokens[text] for text in texts_of(syntax, tags) if text in self._control_tokens}
        return Family(syntax, tags, known)

    # ------------------------------------------------------------ rendering

    def _write(self, messages: Sequence[Message], *, generate: bool = False, tools: bool = False, **on: bool) -> str:
        messages = as_parts(messages) if self._wants_parts else messages
        offered = ({"type": "function", "function": msgspec.to_builtins(_TOOL)},) if tools else ()
        switches: dict[str, object] = {"enable_thinking": False, "thinking": False, **on}
        request = msgspec.structs.replace(
            self._base, messages=tuple(messages), tools=offered, generate=generate, variables=switches
        )
        return self._render(request)

    def _try(self, messages: Sequence[Message], *, tools: bool = False) -> str:
        """The text, or nothing where the template refuses. Raises AppError where it takes too long."""
        try:
            return self._write(messages, tools=tools)
        except AppError as error:
            if error.values.get("reason") == "template_takes_too_much":
                raise
            return ""

    def _looks_for_parts(self) -> bool:
        try:
            if _ASKED in self._write([_USER], generate=True):
                return False
        except AppError as error:
            if error.values.get("reason") == "template_takes_too_much" or _ASKED not in self._in_parts():
                raise
            return True
        return _ASKED in self._in_parts()

    def _in_parts(self) -> str:
        return self._try(as_parts([_USER]))

    # ------------------------------------------------------------ thinking

    def _opening(self, thinks: bool) -> str:
        return self._write([_USER], generate=True, enable_thinking=thinks, thinking=thinks)

    def _switches_thinking(self) -> bool:
        return any(name in self._base.source for name in _SWITCHES) and (
            self._opening(True) != self._opening(False) or "reasoning_effort" in self._base.source
        )

    def _thinking_tags(self) -> tuple[str, str] | None:
        """As the template writes them round thinking, else as its source names them; None where it does neither."""
        thought = {**_ANSWER, "reasoning_content": _THOUGHT, "thinking": _THOUGHT}
        text = self._try([_USER, thought])
        if _THOUGHT in text and _SAID in text.partition(_THOUGHT)[2]:
            before, _, rest = text.partition(_THOUGHT)
            if tags := _tags_around(before.rpartition(_ASKED)[2], rest.partition(_SAID)[0]):
                return tags
        return next((tags for tags in THINKING_TAGS if tags[1].strip() in self._base.source), None)

    # ------------------------------------------------------------ tools

    def _find_family(self, tags: tuple[str, str]) -> tuple[FamilySyntax, bool | None]:
        """The family, and whether arguments have to be text; None where no family reads what the template writes."""
        for call_id, as_text in product((_CALL_ID, _NAMED_ID), (False, True)):
            self._call_id = call_id
            written = self._written_call(as_text)
            fits = [(misfit, syntax) for syntax in FAMILIES if (misfit := _misfit(syntax, tags, written)) is not None]
            if fits:
                return min(fits, key=lambda fit: fit[0])[1], as_text
        self._call_id = _CALL_ID
        return HERMES, None

    def _call(self, as_text: bool) -> Message:
        function = {"name": _TOOL.name, "arguments": _ARGUMENTS_TEXT if as_text else _ARGUMENTS}
        calls = [{"id": self._call_id, "type": "function", "function": function}]
        return {"role": "assistant", "content": "", "tool_calls": calls}

    def _written_call(self, as_text: bool) -> str:
        """What the template writes for an answer that is a call, from where the answer begins."""
        result = {"role": "tool", "content": _RESULT, "tool_call_id": self._call_id, "name": _TOOL.name}
        written = self._try([_USER, self._call(as_text)], tools=True)
        written = written or self._try([_USER, self._call(as_text), result], tools=True).partition(_RESULT)[0]
        plain = self._try([_USER, _ANSWER], tools=True).rpartition(_ASKED)[2].partition(_SAID)[0]
        answer = written.rpartition(_ASKED)[2]
        shared = next((i for i, pair in enumerate(zip(answer, plain, strict=False)) if pair[0] != pair[1]), len(plain))
        start = _OPEN_TAG.search(answer[:shared])
        return answer[start.start() if start else shared :]

    def _writes_tools(self, as_text: bool) -> bool:
        result = {"role": "tool", "content": _RESULT, "tool_call_id": self._call_id, "name": _TOOL.name}
        told = self._try([_USER], tools=True)
        return "qzx_tool" in told and _RESULT in self._try([_USER, self._call(as_text), result], tools=True)


def _tags_around(before: str, after: str) -> tuple[str, str] | None:
    """The tags at the end of one text and the beginning of the other, where they belong together."""
    for opens, closes in THINKING_TAGS:
        if before.rstrip().endswith(opens.strip()) and after.strip().startswith(closes.strip()):
            return opens, closes
    opened, closed = _TAG_BEFORE.search(before), _TAG_AFTER.match(after)
    if opened and closed and opened[1].strip("<[]>") == closed[1].strip("</[]>"):
        return opened[1], closed[1]
    return None


def _misfit(syntax: FamilySyntax, tags: tuple[str, str], written: str) -> tuple[int, int] | None:
    """How badly a family fits a call that it can read: text it leaves over, then texts of its own that are missing.

    None where it does not read just the call that was put in.
    """
    family = Family(syntax, syntax.thinking if syntax.layout is Layout.CHANNELS else tags)
    parser = OutputParser(family, tools=[_TOOL])
    parts = [*parser.feed(written), *parser.finish()]
    calls = [part for part in parts if isinstance(part, CallPart)]
    if {part.index for part in calls} != {0} or calls[0].name != _TOOL.name:
        return None
    try:
        arguments = msgspec.json.decode("".join(part.arguments for part in calls))
    except msgspec.DecodeError:
        return None
    if arguments != _ARGUMENTS:
        return None
    left = sum(len(part.text) for part in parts if isinstance(part, TextPart))
    return left, sum(text not in written for text in syntax.calls.texts)
