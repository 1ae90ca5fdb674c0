"""From what was asked for to a grammar of llguidance, refused with a reason where that cannot be."""

import json
import re
from typing import Any

from llguidance import LLMatcher
from llguidance.gbnf_to_lark import gbnf_to_lark

from app.errors import AppError
from app.protocol import FormatKind, OutputFormat

MOST_SCHEMA_BYTES = 256 * 1024
MOST_GRAMMAR_BYTES = 64 * 1024
MOST_RULES = 1000
"""Of GBNF: its conversion takes time in the square of them, 0.3 s for so many."""
MOST_CHOICES = 4096

_SPACE = r"( |\n[ ]{0,20})?"
"""Between the parts of JSON. With any number of spaces small models write nothing else for ever."""

_UNIMPLEMENTED = re.compile(r"Unimplemented keys: \[([^\]]{1,300})\]")
_MOST_REASON = 300


def grammar_of(wanted: OutputFormat) -> str:
    """The grammar as llguidance takes it; it has not been checked yet. Raises AppError("bad_format")."""
    _check_size(wanted)
    match wanted.kind:
        case FormatKind.JSON:
            return _json_grammar({"type": "object"})
        case FormatKind.JSON_SCHEMA:
            return _json_grammar(_parse_schema(wanted.source))
        case FormatKind.REGEX:
            return LLMatcher.grammar_from_regex(wanted.source)
        case FormatKind.CHOICE:
            return _choice_grammar(wanted.choices)
        case FormatKind.LARK:
            return LLMatcher.grammar_from_lark(wanted.source)
        case FormatKind.GBNF:
            return LLMatcher.grammar_from_lark(_converted(wanted.source))
    raise ValueError(f"{wanted.kind} needs no grammar")


def refusal(message: str) -> AppError:
    """The error for what llguidance says about a grammar: unsupported keywords by name, all else in its own words."""
    if found := _UNIMPLEMENTED.search(message):
        return AppError("bad_format", reason="keywords_unsupported", keywords=found[1])
    words = " ".join(message.replace("<non-verbose/>", "").split())
    return AppError("bad_format", reason=words[:_MOST_REASON] or "format_damaged")


def _check_size(wanted: OutputFormat) -> None:
    most = MOST_SCHEMA_BYTES if wanted.kind is FormatKind.JSON_SCHEMA else MOST_GRAMMAR_BYTES
    size = len(wanted.source.encode()) + sum(len(choice.encode()) for choice in wanted.choices)
    if size > most:
        raise AppError("bad_format", reason="format_too_large", size_bytes=size, limit_bytes=most)


def _parse_schema(source: str) -> dict[str, Any]:
    try:
        schema = json.loads(source)
    except (ValueError, RecursionError) as error:
        raise AppError("bad_format", reason="schema_not_json", detail=str(error)) from None
    if not isinstance(schema, dict):
        raise AppError("bad_format", reason="schema_no_object")
    schema.pop("x-guidance", None)  # llguidance would take options from there
    return schema


def _json_grammar(schema: dict[str, Any]) -> str:
    try:
        return LLMatcher.grammar_from_json_schema(schema, overrides={"whitespace_pattern": _SPACE})
    except (ValueError, RecursionError) as error:
        raise refusal(str(error)) from None


def _choice_grammar(choices: tuple[str, ...]) -> str:
    if not choices:
        raise AppError("bad_format", reason="format_no_choices")
    if len(choices) > MOST_CHOICES:
        raise AppError("bad_format", reason="format_too_many_choices", limit=MOST_CHOICES)
    texts = (json.dumps(choice, ensure_ascii=False) for choice in choices)
    return LLMatcher.grammar_from_lark("start: " + " | ".join(texts))


def _converted(source: str) -> str:
    """GBNF as Lark. The converter raises whatever comes; its words are good."""
    if source.count("::=") > MOST_RULES:
        raise AppError("bad_format", reason="format_too_many_rules", limit=MOST_RULES)
    try:
        return gbnf_to_lark(source)
    except RecursionError:
        raise AppError("bad_format", reason="format_too_deep") from None
    except IndexError:
        raise AppError("bad_format", reason="format_damaged") from None
    except Exception as error:  # noqa: BLE001 - the converter raises Exception itself
        raise refusal(str(error)) from None
