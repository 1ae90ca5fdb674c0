"""Lark grammars, in llguidance's dialect, of answers that are calls of tools in a family's own form."""

import json
import re
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from app.backends.llama.output.syntax import CallKind, CallSyntax, FamilySyntax, Layout
from app.backends.llama.output.values import properties_of
from app.protocol import ToolSpec

_NO_FREE_SPACE = {"whitespace_flexible": False, "item_separator": ", ", "key_separator": ": "}
_OPEN = {"additionalProperties", "patternProperties", "$ref", "allOf", "anyOf", "oneOf", "unevaluatedProperties"}
"""Keywords that say more of an object's properties than `properties` does."""
_JSON_TYPES = {"integer": "number", "number": "number", "boolean": "boolean", "array": "array", "null": "null"}
"""Types of values as families that name them call them; all others are objects."""
_SHAPED = {"enum", "const", "pattern", "format"}
"""Keywords that give a string a shape."""


def call_grammar(
    syntax: FamilySyntax, tools: Sequence[ToolSpec], control_tokens: Mapping[str, int], *, parallel: bool
) -> str:
    """A grammar of one call, or where `parallel` of at least one, of these tools."""
    return _Grammar(syntax, control_tokens).write(tools, parallel=parallel)


class _Grammar:
    def __init__(self, syntax: FamilySyntax, control_tokens: Mapping[str, int]) -> None:
        self._layout = syntax.layout
        self._calls: CallSyntax = syntax.calls
        self._tokens = control_tokens
        self._rules: list[str] = []
        self._writers: dict[CallKind, Callable[[int, ToolSpec], str]] = {
            CallKind.OBJECTS: self._object,
            CallKind.NAMED: self._named,
            CallKind.TAGGED: self._tagged,
            CallKind.PYTHONIC: self._python,
            CallKind.BRACES: self._braces,
        }

    def write(self, tools: Sequence[ToolSpec], *, parallel: bool) -> str:
        writer = self._writers[self._calls.kind]
        for number, tool in enumerate(tools):
            body = writer(number, tool)
            self._rules.append(f"call_{number}: {body}")
        self._rules.append("call: " + " | ".join(f"call_{number}" for number in range(len(tools))))
        start = self._start(parallel and self._layout is Layout.PLAIN)
        return "\n".join([f"start: {start}", *self._rules]) + "\n"

    def _start(self, parallel: bool) -> str:
        calls = self._calls
        opens, closes = calls.section
        if calls.bare:
            opens, closes = "", ""
        if self._layout is Layout.CHANNELS:
            return self._text("<|channel|>commentary to=functions.") + " call"
        if self._layout is Layout.RECIPIENTS:
            return "call"
        in_list = calls.as_list or calls.kind is CallKind.PYTHONIC
        one = " ".join(filter(None, (self._text(calls.opens), "call", self._text(calls.closes))))
        several = f"call ({self._text(', ')} call)*" if parallel else "call"
        if in_list:
            return " ".join(filter(None, (self._text(opens), '"["', several, '"]"', self._text(closes))))
        if calls.section_each:
            one = " ".join((self._text(f"{opens}\n"), one, self._text(f"\n{closes}")))
            return f"{one} ({self._text(chr(10))} {one})*" if parallel else one
        more = f"{one} ({one})*" if parallel and (calls.opens or calls.section[0]) and not calls.bare else one
        return " ".join(filter(None, (self._text(opens), more, self._text(closes))))

    # ------------------------------------------------------------ one call

    def _object(self, number: int, tool: ToolSpec) -> str:
        name_key, arguments_key = self._calls.keys
        head = f'{{"{name_key}": {json.dumps(tool.name)}, "{arguments_key}": '
        body = f"{self._text(head)} {self._json(number, _schema_of(tool))} {self._text('}')}"
        return f"{self._padding()}{body}{self._padding()}"

    def _padding(self) -> str:
        """Line breaks inside `<tool_call>`, as these families are taught."""
        return f" {self._text(chr(10))} " if self._calls.opens and not self._calls.section[0] else ""

    def _named(self, number: int, tool: ToolSpec) -> str:
        calls = self._calls
        arguments = self._json(number, _schema_of(tool))
        if self._layout is Layout.CHANNELS:
            return f"{self._text(f'{tool.name} <|constrain|>json<|message|>')} {arguments}"
        prefix = calls.name_begins
        suffix = ":0" if calls.id_is_name else ""
        first_id = f"{number}{calls.id_ends}" if calls.id_ends else ""
        head = self._text(f"{first_id}{prefix}{tool.name}{suffix}{calls.name_ends}{calls.fence[0]}")
        return " ".join(filter(None, (head, arguments, self._text(calls.fence[1]))))

    def _tagged(self, number: int, tool: ToolSpec) -> str:
        calls = self._calls
        head = f"{tool.name}{calls.name_ends}{calls.rest[0]}{calls.rest[1]}"
        space = "" if calls.rest[1] else "\n"
        parts = [self._text(head + space)]
        for index, (key, schema, required) in enumerate(_parameters(tool)):
            named = f"{key}{self._kind_of(schema)}"
            before = self._text(f"{calls.key[0]}{named}{calls.key[1]}{calls.value[0]}{calls.padding}")
            value = self._tag_value(f"{number}_{index}", schema, calls.value[1])
            pair = f"{before} {value} {self._text(space)}"
            parts.append(pair if required else f"({pair})?")
        return " ".join(parts)

    def _kind_of(self, schema: Any) -> str:
        """What says of which kind an argument is, where the family says that."""
        between, of_text, others = self._calls.kinds
        if not between:
            return ""
        kind = schema.get("type") if isinstance(schema, Mapping) else None
        if kind == "string" and (not _SHAPED.intersection(schema) or isinstance(schema.get("enum"), list)):
            return between + of_text
        return between + (others or _JSON_TYPES.get(str(kind), "object"))

    def _tag_value(self, number: str, schema: Any, ends: str) -> str:
        """A value with the tag that ends it: free text for strings, else JSON."""
        calls = self._calls
        kind = schema.get("type") if isinstance(schema, Mapping) else None
        if kind == "string" and not _SHAPED.intersection(schema):
            first = re.escape(ends[0])
            self._rules.append(f"text_{number}: /([^{first}]|{first}[^\\/])*/")
            return f"text_{number} {self._text(calls.padding + ends)}"
        if kind == "string" and isinstance(choices := schema.get("enum"), list):
            value = "(" + " | ".join(self._text(str(choice)) for choice in choices) + ")"
            return f"{value} {self._text(calls.padding + ends)}"
        return f"{self._json(number, schema)} {self._text(calls.padding + ends)}"

    def _python(self, number: int, tool: ToolSpec) -> str:
        return self._pairs(number, tool, f"{tool.name}(", "=", ")")

    def _braces(self, number: int, tool: ToolSpec) -> str:
        return self._pairs(number, tool, f"{self._calls.name_begins}{tool.name}{{", ":", "}")

    def _pairs(self, number: int, tool: ToolSpec, opens: str, between: str, closes: str) -> str:
        """The required arguments in their order, then any of the others in theirs."""
        first: list[str] = []
        rest: list[str] = []
        for index, (key, schema, required) in enumerate(_parameters(tool)):
            value = self._value(f"{number}_{index}", schema)
            (first if required else rest).append(f"{self._text(key + between)} {value}")
        comma = self._text(", " if between == "=" else ",")
        if first:
            body = f" {comma} ".join(first) + "".join(f" ({comma} {pair})?" for pair in rest)
        else:
            body = f"({' | '.join(rest)})?" if rest else ""
        return " ".join(filter(None, (self._text(opens), body, self._text(closes))))

    def _value(self, number: str, schema: Any) -> str:
        if self._calls.kind is not CallKind.BRACES:
            return self._json(number, schema)
        if isinstance(schema, Mapping) and schema.get("type") == "string" and not _SHAPED.intersection(schema):
            self._rules.append(f"text_{number}: /[^<]*/")
            return f"{self._text(self._calls.quote)} text_{number} {self._text(self._calls.quote)}"
        return self._json(number, schema)

    # ------------------------------------------------------------ terminals

    def _json(self, number: int | str, schema: Any) -> str:
        written = dict(schema) if isinstance(schema, Mapping) else {}
        written["x-guidance"] = _NO_FREE_SPACE
        self._rules.append(f"json_{number}: %json {json.dumps(written)}")
        return f"json_{number}"

    def _text(self, text: str) -> str:
        """A text as terminals: control tokens by their ids, the rest as strings."""
        if not text:
            return ""
        known = sorted((token for token in self._tokens if token in text), key=len, reverse=True)
        pieces = re.split("(" + "|".join(map(re.escape, known)) + ")", text) if known else [text]
        return " ".join(
            f"<[{self._tokens[piece]}]>" if piece in self._tokens else json.dumps(piece) for piece in pieces if piece
        )


def _schema_of(tool: ToolSpec) -> dict[str, Any]:
    """The schema of the arguments. What it lists is all there is, unless it says otherwise: small models invent."""
    schema = {"type": "object", **tool.parameters}
    if not _OPEN.intersection(schema):
        schema["additionalProperties"] = False
    return schema


def _parameters(tool: ToolSpec) -> list[tuple[str, Any, bool]]:
    """Name, schema and whether it is required, of each parameter, required ones first."""
    required = tool.parameters.get("required") or ()
    rows = [(key, schema, key in required) for key, schema in properties_of(tool).items()]
    return sorted(rows, key=lambda row: not row[2])
