"""A family of models, as one model's template showed it: what the parser looks for, and how a call is enforced."""

import re
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field

from app.backends.llama.output.grammar import call_grammar
from app.backends.llama.output.syntax import HERMES, CallSyntax, FamilySyntax, Layout
from app.protocol import FormatKind, OutputFormat, ToolSpec

HARMONY_TEXTS = (
    "<|channel|>", "<|message|>", "<|start|>", "<|end|>", "<|call|>", "<|return|>", "<|constrain|>",
)  # fmt: skip
_HARMONY_ANSWER = "<|end|><|start|>assistant<|channel|>final<|message|>"

_BARS = re.compile(r"｜\w+｜")


@dataclass(frozen=True)
class Family:
    """A family's syntax with the tags of this model's thinking and the ids of the control tokens it uses."""

    syntax: FamilySyntax = HERMES
    thinking: tuple[str, str] = HERMES.thinking
    control_tokens: Mapping[str, int] = field(default_factory=dict, hash=False)
    """Of the family's texts those that are control tokens in the vocabulary, with their ids."""

    @property
    def name(self) -> str:
        return self.syntax.name

    @property
    def calls(self) -> CallSyntax:
        return self.syntax.calls

    @property
    def marker_texts(self) -> frozenset[str]:
        """Texts of control tokens that have to reach the parser; all others stay out of the answer."""
        return frozenset(texts_of(self.syntax, self.thinking))

    @property
    def thinking_end(self) -> str:
        """The text that ends thinking where its budget is spent."""
        if self.syntax.layout is Layout.CHANNELS:
            return _HARMONY_ANSWER
        return f"\n{self.thinking[1]}\n\n"

    def call_format(self, tools: Sequence[ToolSpec], name: str = "", parallel: bool = True) -> OutputFormat:
        """The format of an answer, after thinking, that is at least one call of these tools, or of the one named.

        Raises ValueError where there is no such tool.
        """
        chosen = [tool for tool in tools if not name or tool.name == name]
        if not chosen:
            raise ValueError(f"there is no tool {name!r}" if name else "there are no tools")
        source = call_grammar(self.syntax, chosen, self.control_tokens, parallel=parallel)
        return OutputFormat(kind=FormatKind.LARK, source=source)


def texts_of(syntax: FamilySyntax, thinking: tuple[str, str]) -> Collection[str]:
    """Every text of the family that may be a control token."""
    layout = HARMONY_TEXTS if syntax.layout is Layout.CHANNELS else ()
    parts = [text.strip() for text in (*syntax.calls.texts, *thinking, *syntax.wrappers, *layout)]
    inner = [text for part in parts for text in _control_like(part)]
    return {text for text in (*parts, *inner) if text}


def _control_like(text: str) -> list[str]:
    """Control tokens inside a longer text: `<|channel>thought` has one, `<a>b<c>` two; `<｜DSML｜x>` one inside."""
    found, start = _BARS.findall(text), text.find("<")
    while start >= 0:
        end = text.find(">", start)
        if end < 0:
            break
        found.append(text[start : end + 1])
        start = text.find("<", end)
    return found
