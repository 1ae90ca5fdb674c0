"""What can be built, and what is refused: by name, in bounded time, without harm to the process."""

import json
import threading
from typing import Any

import pytest

from app.backends.llama.formats.builder import ConstraintBuilder
from app.backends.llama.formats.grammar import MOST_CHOICES, MOST_GRAMMAR_BYTES, MOST_RULES, MOST_SCHEMA_BYTES
from app.backends.llama.vocabulary import Vocabulary
from app.errors import AppError
from app.protocol import FormatKind, OutputFormat
from tests.backends.llama.formats.writing import feed, number_of, write


def schema(value: Any) -> OutputFormat:
    return OutputFormat(kind=FormatKind.JSON_SCHEMA, source=value if isinstance(value, str) else json.dumps(value))


def regex(source: str) -> OutputFormat:
    return OutputFormat(kind=FormatKind.REGEX, source=source)


def lark(source: str) -> OutputFormat:
    return OutputFormat(kind=FormatKind.LARK, source=source)


def gbnf(source: str) -> OutputFormat:
    return OutputFormat(kind=FormatKind.GBNF, source=source)


def choice(*choices: str) -> OutputFormat:
    return OutputFormat(kind=FormatKind.CHOICE, choices=choices)


def accepted(builder: ConstraintBuilder, vocabulary: Vocabulary, wanted: OutputFormat, text: str) -> bool:
    """Whether this text, whole, has the format."""
    constraint = builder.build(wanted)
    try:
        feed(constraint, vocabulary, text)
    except AppError:
        return False
    return constraint.complete


@pytest.mark.parametrize(
    ("wanted", "good", "bad"),
    [
        (OutputFormat(kind=FormatKind.JSON), '{"a": [1, "x"]}', "[1]"),
        (schema({}), "[1]", "[1"),
        (schema({"type": "integer"}), "-12", "1.5"),
        (regex(r"\d{4}-[a-f]+"), "1234-beef", "1234-"),
        (regex(r"^yes|no$"), "no", "maybe"),
        (regex(""), "", "a"),
        (regex("[äöü]{2}"), "äü", "aü"),
        (choice("yes", "no"), "no", "n"),
        (choice("a", "ab"), "ab", "abb"),
        (choice('say "hi"\n', "back\\slash", "日本"), 'say "hi"\n', 'say "hi"'),
        (choice('say "hi"\n', "back\\slash", "日本"), "back\\slash", "backslash"),
        (choice('say "hi"\n', "back\\slash", "日本"), "日本", "日"),
        (choice(""), "", "a"),
        (choice("<think>", "{x}", "a|b"), "<think>", "a"),
        (lark('start: "a" B*\nB: /[bc]/'), "abcb", "b"),
        (lark('start: %json {"type": "boolean"}'), "true", "yes"),
        (gbnf('root ::= "a" item{2,3}\nitem ::= [0-9] | "x"'), "a1x", "a1"),
        (gbnf('root ::= [^"\\\\x7F]* "日"'), "é日", 'é"日'),
    ],
)
def test_formats(builder: ConstraintBuilder, vocabulary: Vocabulary, wanted: OutputFormat, good: str, bad: str) -> None:
    assert accepted(builder, vocabulary, wanted, good)
    assert not accepted(builder, vocabulary, wanted, bad)


@pytest.mark.parametrize(
    ("wanted", "named"),
    [
        (schema({"type": "array", "uniqueItems": True}), "uniqueItems"),
        (schema({"not": {"type": "string"}}), "not"),
        (schema({"if": {}, "then": {}}), '"if", "then"'),
        (schema({"properties": {"deep": {"contains": {}}}}), "contains"),
        (schema({"$ref": "#/nowhere"}), "/nowhere"),
        (schema({"$ref": "http://example.com/other"}), "http://example.com/other"),
        (schema({"type": "zebra"}), "zebra"),
        (schema({"type": "string", "format": "zebra"}), "zebra"),
        (schema({"type": "string", "pattern": "(?=a)b"}), "look-ahead"),
        (schema({"type": "string", "pattern": "("}), "unclosed group"),
        (schema({"enum": []}), "anyOf is empty"),
        (schema({"type": "integer", "minimum": 5, "maximum": 3}), "minimum (5)"),
        (schema({"oneOf": [{"type": "string"}, {"type": "string", "maxLength": 3}]}), "oneOf"),
        (schema({"type": "object", "required": ["gone"], "additionalProperties": False}), "'gone'"),
        (schema(""), "not JSON"),
        (schema("{"), "not JSON"),
        (schema("[1]"), "JSON object"),
        (schema("true"), "JSON object"),
        (schema("[" * 100_000), "not JSON"),
        (schema('{"a":' * 5_000 + "{}" + "}" * 5_000), "not JSON"),
        (schema({"description": "x" * MOST_SCHEMA_BYTES}), "256 KiB"),
        (regex("a(?=b)"), "look-around"),
        (regex(r"(a)\1"), "backreferences"),
        (regex(r"\bword\b"), "lookarounds"),
        (regex("("), "unclosed group"),
        (regex("a" * (MOST_GRAMMAR_BYTES + 1)), "64 KiB"),
        (choice(), "nothing to choose"),
        (choice(*map(str, range(MOST_CHOICES + 1))), "4,096"),
        (lark(""), "Empty grammar"),
        (lark("start: nobody"), "nobody"),
        (lark("start: <|nobody|>"), "<|nobody|>"),
        (lark("start: @other"), "@other"),
        (lark('start: "a" %json {"type": "array", "uniqueItems": true}'), "uniqueItems"),
        (lark("start: start"), ""),
        (gbnf(""), "root"),
        (gbnf("root ::= nobody"), "nobody"),
        (gbnf('root ::= "a'), "line 1"),
        (gbnf('root ::= "a\\'), ""),
        (gbnf("root ::= " + "(" * 5000 + '"a"' + ")" * 5000), "nested"),
        (gbnf('root ::= "a"\n' + 'r ::= "a"\n' * MOST_RULES), "1,000"),
    ],
)
def test_what_cannot_be_is_refused_by_name(builder: ConstraintBuilder, wanted: OutputFormat, named: str) -> None:
    with pytest.raises(AppError) as caught:
        builder.build(wanted)
    assert caught.value.code == "bad_format"
    assert named in caught.value.message
    assert len(caught.value.message) < 500


REFERENCES = {f"d{i}": {"anyOf": [{"$ref": f"#/$defs/d{i + 1}"}] * 2} for i in range(25)}


@pytest.mark.parametrize(
    "wanted",
    [
        regex("a{1000000}"),
        regex("((a{1000}){1000}){1000}"),
        regex("((((a*)*)*)*)*b"),
        regex("(a|b)*a(a|b){18}"),
        regex(r"(\w{1,500} ){1,500}"),
        schema({"type": "string", "pattern": "(((a{1,100}){1,100}){1,100}){1,100}"}),
        schema({"type": "string", "maxLength": 10**9}),
        schema({"type": "array", "minItems": 10**6}),
        schema({"allOf": [{"type": "string", "pattern": f"a.{{{i}}}b"} for i in range(1, 12)]}),
        schema({"$defs": REFERENCES | {"d25": {"type": "integer"}}, "$ref": "#/$defs/d0"}),
        schema({"$defs": {"n": {"$ref": "#/$defs/n"}}, "$ref": "#/$defs/n"}),
        schema(
            {
                "$defs": {"n": {"type": "object", "properties": {"n": {"$ref": "#/$defs/n"}}, "required": ["n"]}},
                "$ref": "#/$defs/n",
            }
        ),
        schema({"type": "object", "properties": {f"key{i}": {"type": "integer"} for i in range(1500)}}),
        schema({"enum": [f"item number {i}" for i in range(5000)]}),
        lark('start: start start | "a"'),
        lark('start: s\ns: s s s | s s | "a" | ""'),
        lark("start: A\nA: /(.*a.{20})+/ & /(.*b.{30})+/ & /(.*c.{25})+/"),
        lark('start: x{1000000}\nx: "a" | "b" "c"'),
        lark('start: "' + "a" * 60_000 + '"'),
        gbnf('root ::= root root | "a" | ""'),
        gbnf('root ::= ("a"{1000}){1000}'),
    ],
    ids=lambda wanted: wanted.source[:30],
)
def test_what_explodes_is_refused_or_followed_or_an_error_of_its_own_answer(
    builder: ConstraintBuilder, vocabulary: Vocabulary, wanted: OutputFormat
) -> None:
    """Each of them in time and memory that are bounded: the test ends, and the next answer is well."""
    try:
        outcome = write(builder.build(wanted), vocabulary, seed=1, limit=40, end_bias=-9.0).tokens > 0
    except AppError as error:
        outcome = error.code == "bad_format"
    assert outcome
    assert accepted(builder, vocabulary, choice("fine"), "fine")


def test_control_tokens_are_meant_by_name_and_by_number(builder: ConstraintBuilder, vocabulary: Vocabulary) -> None:
    think = number_of(vocabulary, b"<think>")
    for source in ("start: <think> /a+/", f"start: <[{think}]> /a+/"):
        constraint = builder.build(lark(source))
        assert constraint.forced == think
        constraint.accept(think)
        assert constraint.allows(number_of(vocabulary, b"a"))
        assert not constraint.allows(think)


def test_text_that_looks_like_a_control_token_is_text(builder: ConstraintBuilder, vocabulary: Vocabulary) -> None:
    constraint = builder.build(lark('start: "<think>"'))
    assert not constraint.allows(number_of(vocabulary, b"<think>"))
    feed(constraint, vocabulary, "<think>")
    assert constraint.complete


def test_options_inside_a_schema_are_not_followed(builder: ConstraintBuilder, vocabulary: Vocabulary) -> None:
    wanted = schema({"type": "array", "x-guidance": {"lenient": True}, "uniqueItems": True})
    with pytest.raises(AppError, match="uniqueItems"):
        builder.build(wanted)


def test_answers_of_the_same_format_do_not_meet(builder: ConstraintBuilder, vocabulary: Vocabulary) -> None:
    first, second = builder.build(choice("yes", "no")), builder.build(choice("yes", "no"))
    feed(first, vocabulary, "ye")
    feed(second, vocabulary, "n")
    assert (first.complete, second.complete) == (False, False)
    feed(second, vocabulary, "o")
    feed(first, vocabulary, "s")
    assert (first.complete, second.complete) == (True, True)


def test_many_formats_at_once_and_one_after_the_other(vocabulary: Vocabulary) -> None:
    builder = ConstraintBuilder(vocabulary)
    builder.start()
    builder.start()
    done: list[bool] = []

    def work(number: int) -> None:
        several = (choice(f"n{number}", f"r{round_}") for round_ in range(12))
        done.extend(accepted(builder, vocabulary, wanted, f"n{number}") for wanted in several)

    threads = [threading.Thread(target=work, args=(number,)) for number in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert done == [True] * 48


def test_closing_waits_for_the_vocabulary(vocabulary: Vocabulary) -> None:
    ConstraintBuilder(vocabulary).close()
    builder = ConstraintBuilder(vocabulary)
    builder.start()
    builder.close()
    assert builder._tools is not None
    assert builder._tools.done()


def test_a_vocabulary_that_cannot_be_read_fails_every_build() -> None:
    builder = ConstraintBuilder(object())  # type: ignore[arg-type]
    for _ in range(2):
        with pytest.raises(AttributeError):
            builder.build(choice("a"))
    builder.close()
