"""Output that met its limit is completed with few bytes, or it is said that it cannot be."""

import json
import re

import pytest

from app.backends.llama.formats.builder import ConstraintBuilder
from app.backends.llama.vocabulary import Vocabulary
from app.protocol import FormatKind, OutputFormat
from tests.backends.llama.formats.writing import feed, number_of

PERSON = {
    "type": "object",
    "properties": {
        "name": {"type": "string", "minLength": 2},
        "age": {"type": "integer", "minimum": 18, "maximum": 99},
        "share": {"type": "number", "exclusiveMinimum": 0, "exclusiveMaximum": 1},
        "born": {"type": "string", "format": "date"},
        "code": {"type": "string", "pattern": "^[A-Z]{3}-\\d{4}$"},
        "tags": {"type": "array", "items": {"enum": ["red", "green"]}, "minItems": 2},
    },
    "required": ["name", "age", "share", "born", "code", "tags"],
    "additionalProperties": False,
}
PERSON_TEXT = (
    '{"name": "Joé \\n", "age": 27, "share": 0.05, "born": "1999-12-31", "code": "ABC-1234", "tags": ["red", "red"]}'
)


def closed(builder: ConstraintBuilder, vocabulary: Vocabulary, wanted: OutputFormat, start: str) -> bytes | None:
    constraint = builder.build(wanted)
    feed(constraint, vocabulary, start)
    return constraint.closing()


@pytest.mark.parametrize("length", range(len(PERSON_TEXT) + 1))
def test_a_form_is_filled_in_from_anywhere(builder: ConstraintBuilder, vocabulary: Vocabulary, length: int) -> None:
    wanted = OutputFormat(kind=FormatKind.JSON_SCHEMA, source=json.dumps(PERSON))
    closing = closed(builder, vocabulary, wanted, PERSON_TEXT[:length])
    assert closing is not None
    person = json.loads(PERSON_TEXT[:length].encode() + closing)
    assert len(person["name"]) >= 2
    assert 18 <= person["age"] <= 99
    assert 0 < person["share"] < 1
    assert re.fullmatch(r"\d{4}-\d{2}-\d{2}", person["born"])
    assert re.fullmatch(r"[A-Z]{3}-\d{4}", person["code"])
    assert len(person["tags"]) >= 2


@pytest.mark.parametrize(
    ("start", "expected"),
    [
        ("", b"{}"),
        ('{"a": "b', b'"}'),
        ('{"a": [[1, {"b": [', b"]}]]}"),
        ('{"a": t', b"rue}"),
        ('{"a": -', b"0}"),
        ('{"a": 1e', b"0}"),
        ('{"a": "\\', b'""}'),
        ('{"a": 1}', b""),
    ],
)
def test_the_shortest_way_out_of_an_object(
    builder: ConstraintBuilder, vocabulary: Vocabulary, start: str, expected: bytes
) -> None:
    assert closed(builder, vocabulary, OutputFormat(kind=FormatKind.JSON), start) == expected


def test_half_a_character_is_completed(builder: ConstraintBuilder, vocabulary: Vocabulary) -> None:
    constraint = builder.build(OutputFormat(kind=FormatKind.CHOICE, choices=("né",)))
    constraint.accept(number_of(vocabulary, b"n"))
    constraint.accept(number_of(vocabulary, "é".encode()[:1]))
    assert constraint.closing() == "é".encode()[1:]


@pytest.mark.parametrize(
    ("wanted", "start", "whole"),
    [
        (OutputFormat(kind=FormatKind.REGEX, source="[a-z]{8}-[0-9]{4}"), "xy", r"xy[a-z]{6}-[0-9]{4}"),
        (OutputFormat(kind=FormatKind.REGEX, source="(ab)*c!"), "aba", r"abab(ab)*c!"),
        (OutputFormat(kind=FormatKind.CHOICE, choices=("north", "south")), "s", "south"),
        (OutputFormat(kind=FormatKind.GBNF, source='root ::= "(" root ")" | "x"'), "((", r"\(\(x\)\)"),
        (OutputFormat(kind=FormatKind.LARK, source='start: <think> "a" </think> "b"'), "", "<think>a</think>b"),
    ],
)
def test_other_formats(
    builder: ConstraintBuilder, vocabulary: Vocabulary, wanted: OutputFormat, start: str, whole: str
) -> None:
    closing = closed(builder, vocabulary, wanted, start)
    assert closing is not None
    assert re.fullmatch(whole, start + closing.decode())


def test_text_without_choice_is_closed_by_whole_tokens(builder: ConstraintBuilder, vocabulary: Vocabulary) -> None:
    """Of such a text only the tokens the vocabulary itself would take are allowed, no single bytes."""
    constraint = builder.build(OutputFormat(kind=FormatKind.CHOICE, choices=("xhello!", "y")))
    feed(constraint, vocabulary, "x")
    assert not constraint.allows(number_of(vocabulary, b"h"))
    assert constraint.closing() == b"hello!"


def test_what_never_ends_is_not_closed(builder: ConstraintBuilder, vocabulary: Vocabulary) -> None:
    endless = {"type": "array", "minItems": 1_000_000, "items": {"type": "integer"}}
    wanted = OutputFormat(kind=FormatKind.JSON_SCHEMA, source=json.dumps(endless))
    assert closed(builder, vocabulary, wanted, "[1") is None


def test_closing_leaves_the_answer_as_it_is(builder: ConstraintBuilder, vocabulary: Vocabulary) -> None:
    constraint = builder.build(OutputFormat(kind=FormatKind.JSON))
    feed(constraint, vocabulary, '{"a')
    first = constraint.closing()
    feed(constraint, vocabulary, "b")
    assert constraint.closing() == first is not None
    assert not constraint.complete
