"""Turns arguments that are not written as JSON into JSON: values between tags, Python calls, and Gemma's braces."""

import ast
import json
import re
import warnings
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from app.backends.llama.output.scanners import DEPTH_LIMIT
from app.format import well_formed
from app.protocol import ToolSpec

PYTHON_LIMIT = 200_000
"""Characters of Python calls that are read; no model writes that many in one answer."""
_BRACES = re.compile(r'[\w.\-]+|[{}\[\]:,]|\s+|"(?:[^"\\]|\\.)*"')
_JSON_NAMES = {"true": True, "false": False, "null": None}


@dataclass(frozen=True)
class WrittenCall:
    """A call that was read as a whole. `arguments` is JSON text."""

    name: str
    arguments: str


def to_json(value: Any) -> str:
    """JSON text. Raises ValueError or TypeError for what JSON cannot say."""
    return well_formed(json.dumps(value, ensure_ascii=False, allow_nan=False))


def typed_value(text: str, schema: Mapping[str, Any]) -> Any:
    """The value that text between tags stands for: text where the schema allows it, else JSON, else text after all."""
    kinds = _kinds(schema)
    if text == "null" and "null" in kinds:
        return None
    if "string" in kinds:
        return text
    try:
        value = json.loads(text)
        to_json(value)
    except (ValueError, RecursionError):
        return text
    return value


def _kinds(schema: Any) -> set[str]:
    """The types a schema allows, as far as it says so at its top."""
    if not isinstance(schema, Mapping):
        return set()
    kind = schema.get("type")
    kinds = {kind} if isinstance(kind, str) else set(kind) if isinstance(kind, list) else set()
    if all(isinstance(value, str) for value in schema.get("enum", [0])):
        kinds.add("string")
    for choice in (*schema.get("anyOf", ()), *schema.get("oneOf", ())):
        kinds |= _kinds(choice)
    return kinds


def properties_of(tool: ToolSpec | None) -> Mapping[str, Any]:
    properties = tool.parameters.get("properties") if tool else None
    return properties if isinstance(properties, Mapping) else {}


# ---------------------------------------------------------------- Python


def python_calls(source: str, tools: Mapping[str, ToolSpec]) -> list[WrittenCall]:
    """The calls of `[f(a=1), g()]`, `f(a=1)` or `print(f(a=1))`. Raises ValueError for anything else."""
    if len(source) > PYTHON_LIMIT:
        raise ValueError("too long")
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # unknown escapes in a model's strings
            tree = ast.parse(source.strip(), mode="eval").body
        calls = tree.elts if isinstance(tree, ast.List | ast.Tuple) else [tree]
        return [_python_call(call, tools) for call in calls]
    except (SyntaxError, TypeError, RecursionError, MemoryError) as error:
        raise ValueError(str(error)) from error


def _python_call(call: ast.expr, tools: Mapping[str, ToolSpec]) -> WrittenCall:
    if not isinstance(call, ast.Call) or not isinstance(call.func, ast.Name | ast.Attribute):
        raise ValueError("no call")  # noqa: TRY004 (it is about text)
    name = ast.unparse(call.func)
    if name == "print" and name not in tools and len(call.args) == 1:
        return _python_call(call.args[0], tools)
    names = list(properties_of(tools.get(name)))
    if len(call.args) > len(names):
        raise ValueError("more arguments than the tool has")
    arguments = {key: _literal(value) for key, value in zip(names, call.args, strict=False)}
    for keyword in call.keywords:
        if keyword.arg is None:
            raise ValueError("no name")
        arguments[keyword.arg] = _literal(keyword.value)
    return WrittenCall(name, to_json(arguments))


class _JsonNames(ast.NodeTransformer):
    def visit_Name(self, node: ast.Name) -> ast.expr:
        if node.id not in _JSON_NAMES:
            raise ValueError(f"{node.id} is no value")
        return ast.Constant(_JSON_NAMES[node.id])


def _literal(node: ast.expr) -> Any:
    """A value of Python or JSON. Raises ValueError for what is neither."""
    return ast.literal_eval(_JsonNames().visit(node))


# ---------------------------------------------------------------- braces


def brace_arguments(source: str, quote: str) -> str:
    """JSON of `{key:value,…}` with strings between `quote`s. Raises ValueError for anything else."""
    reader = _BraceReader(source, quote)
    value = reader.read_value(0)
    if not isinstance(value, dict) or reader.token:
        raise ValueError("no arguments")
    return to_json(value)


class _BraceReader:
    """A reader with one token of foresight; strings are tokens that begin with the quote."""

    def __init__(self, source: str, quote: str) -> None:
        self._quote = quote
        self._tokens = self._split(source)
        self.token = next(self._tokens, "")

    def read_value(self, depth: int) -> Any:
        if depth > DEPTH_LIMIT:
            raise ValueError("too deep")
        token = self._next()
        if token == "{":
            return dict(self._items("}", depth))
        if token == "[":
            return [value for _, value in self._items("]", depth)]
        if token.startswith(self._quote):
            return token[len(self._quote) :]
        if token.startswith('"'):
            return json.loads(token)
        if not token or token in "}]:,":
            raise ValueError("no value")
        return typed_value(token, {})

    def _items(self, end: str, depth: int) -> Iterator[tuple[str, Any]]:
        while self.token != end:
            key = ""
            if end == "}":
                key = self._next().removeprefix(self._quote).strip('"')
                self._expect(":")
            yield key, self.read_value(depth + 1)
            if self.token != end:
                self._expect(",")
        self._next()

    def _expect(self, mark: str) -> None:
        if self._next() != mark:
            raise ValueError(f"no {mark}")

    def _next(self) -> str:
        token, self.token = self.token, next(self._tokens, "")
        return token

    def _split(self, source: str) -> Iterator[str]:
        at = 0
        while at < len(source):
            if source.startswith(self._quote, at):
                end = source.find(self._quote, at + len(self._quote))
                if end < 0:
                    raise ValueError("a string does not end")
                yield source[at:end]
                at = end + len(self._quote)
                continue
            match = _BRACES.match(source, at)
            if match is None:
                raise ValueError("no value")
            if not match.group().isspace():
                yield match.group()
            at = match.end()
