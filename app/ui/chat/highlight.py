"""Which stretches of a program are keywords, strings or comments: Pygments' tokens, brought down to a few kinds."""

from collections.abc import Iterator
from enum import Enum
from functools import cache, lru_cache
from typing import NamedTuple

from pygments.lexer import Lexer
from pygments.lexers import find_lexer_class_by_name
from pygments.token import Token, _TokenType
from pygments.util import ClassNotFound

MAX_CHARACTERS = 100_000
MAX_LINE = 2_000
"""Longer programs and lines stay plain: their colours are not worth the time, and an expression may take very long."""


class Kind(Enum):
    """What is told apart by colour."""

    KEYWORD = "keyword"
    STRING = "string"
    NUMBER = "number"
    COMMENT = "comment"
    NAME = "name"
    """The name of a function, class or tag where it is defined."""
    REMOVED = "removed"
    ADDED = "added"


class Span(NamedTuple):
    """A coloured stretch: `start` and `length` in characters of the text."""

    start: int
    length: int
    kind: Kind


_KINDS: dict[_TokenType, Kind] = {
    Token.Keyword: Kind.KEYWORD,
    Token.Operator.Word: Kind.KEYWORD,
    Token.Name.Tag: Kind.KEYWORD,
    Token.Name.Builtin.Pseudo: Kind.KEYWORD,
    Token.Literal.String: Kind.STRING,
    Token.Literal.Number: Kind.NUMBER,
    Token.Comment: Kind.COMMENT,
    Token.Name.Function: Kind.NAME,
    Token.Name.Class: Kind.NAME,
    Token.Name.Decorator: Kind.NAME,
    Token.Name.Builtin: Kind.NAME,
    Token.Name.Attribute: Kind.NAME,
    Token.Generic.Deleted: Kind.REMOVED,
    Token.Generic.Inserted: Kind.ADDED,
    Token.Generic.Heading: Kind.NAME,
}


def spans(text: str, language: str) -> Iterator[Span]:
    """The coloured stretches in order, found as they are asked for; none for unknown languages and enormous texts."""
    lexer = lexer_for(language)
    if lexer is None or len(text) > MAX_CHARACTERS or any(len(line) > MAX_LINE for line in text.split("\n")):
        return
    for start, token, value in lexer.get_tokens_unprocessed(text + "\n"):  # many rules want the end of the line
        kind = _kind(token)
        length = min(len(value), len(text) - start)
        if kind is not None and length > 0:
            yield Span(start, length, kind)


@lru_cache(maxsize=64)
def lexer_class(language: str) -> type[Lexer] | None:
    """The kind of lexer of that name or alias; None where there is none. Imports it: some 15 ms the first time."""
    try:
        return find_lexer_class_by_name(language)
    except ClassNotFound:
        return None


@lru_cache(maxsize=64)
def lexer_for(language: str) -> Lexer | None:
    """A lexer for that language; None where there is none. Compiles its rules: some 25 ms the first time."""
    found = lexer_class(language)
    return found() if found is not None else None


@cache
def _kind(token: _TokenType) -> Kind | None:
    step: _TokenType | None = token
    while step is not None:
        if step in _KINDS:
            return _KINDS[step]
        step = step.parent
    return None
