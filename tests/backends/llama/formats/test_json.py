"""Whatever the schema and however little the model knows: what is written parses and fits, cut or not."""

import json

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from app.backends.llama.formats.builder import ConstraintBuilder
from app.backends.llama.sampling.params import Choice
from app.backends.llama.vocabulary import Vocabulary
from app.errors import AppError
from app.protocol import FormatKind, OutputFormat
from tests.backends.llama.formats.schemas import SCHEMAS, Schema, fits
from tests.backends.llama.formats.writing import write

ANY_OBJECT = OutputFormat(kind=FormatKind.JSON)


def schema_format(schema: Schema) -> OutputFormat:
    return OutputFormat(kind=FormatKind.JSON_SCHEMA, source=json.dumps(schema))


def check_schema(builder: ConstraintBuilder, vocabulary: Vocabulary, schema: Schema, seed: int, limit: int) -> None:
    try:
        constraint = builder.build(schema_format(schema))
    except AppError as error:
        if "nsatisfiable" not in str(error.values["reason"]):
            raise
        return
    written = write(constraint, vocabulary, seed=seed, limit=limit)
    assert written.whole is not None, (schema, written.text)
    assert fits(json.loads(written.whole), schema), (schema, written.whole)


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(schema=SCHEMAS, seed=st.integers(0, 2**32 - 1), limit=st.integers(0, 60))
def test_any_schema_cut_anywhere(
    builder: ConstraintBuilder, vocabulary: Vocabulary, schema: Schema, seed: int, limit: int
) -> None:
    check_schema(builder, vocabulary, schema, seed, limit)


@pytest.mark.slow
@settings(max_examples=1500, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(schema=SCHEMAS, seed=st.integers(0, 2**32 - 1), limit=st.integers(0, 200))
def test_very_many_schemas_cut_anywhere(
    builder: ConstraintBuilder, vocabulary: Vocabulary, schema: Schema, seed: int, limit: int
) -> None:
    check_schema(builder, vocabulary, schema, seed, limit)


@pytest.mark.parametrize("limit", range(40))
def test_any_object_cut_anywhere(builder: ConstraintBuilder, vocabulary: Vocabulary, limit: int) -> None:
    written = write(builder.build(ANY_OBJECT), vocabulary, seed=limit, limit=limit, end_bias=-20.0)
    assert isinstance(json.loads(written.whole or ""), dict)


@pytest.mark.parametrize("temperature", [0.0, 2.0])
def test_an_answer_that_ends_needs_no_closing(
    builder: ConstraintBuilder, vocabulary: Vocabulary, temperature: float
) -> None:
    choice = Choice(seed=3, temperature=temperature)
    wanted = schema_format({"type": "array", "items": {"type": "boolean"}, "minItems": 2, "maxItems": 5})
    written = write(builder.build(wanted), vocabulary, seed=3, limit=200, choice=choice)
    assert written.ended
    assert written.whole == written.text.decode()
    assert 2 <= len(json.loads(written.whole)) <= 5


def test_white_space_is_bounded(builder: ConstraintBuilder, vocabulary: Vocabulary) -> None:
    """A model that likes nothing better than spaces and line breaks gets on nevertheless."""
    blank = {token for token in range(vocabulary.size) if not vocabulary.bytes_of(token).strip()}
    choice = Choice(seed=1, logit_bias=dict.fromkeys(blank, 50.0))
    wanted = schema_format({"type": "array", "items": {"type": "integer"}, "minItems": 3, "maxItems": 3})
    written = write(builder.build(wanted), vocabulary, seed=1, limit=400, choice=choice)
    assert written.ended
    assert len(json.loads(written.text)) == 3


def test_a_tree_of_trees(builder: ConstraintBuilder, vocabulary: Vocabulary) -> None:
    node = {
        "type": "object",
        "properties": {
            "value": {"type": "integer"},
            "next": {"anyOf": [{"$ref": "#/$defs/node"}, {"type": "null"}]},
        },
        "required": ["value", "next"],
        "additionalProperties": False,
    }
    wanted = schema_format({"$defs": {"node": node}, "$ref": "#/$defs/node"})
    for limit in range(0, 80, 7):
        value = json.loads(write(builder.build(wanted), vocabulary, seed=limit, limit=limit).whole or "")
        while value is not None:
            assert set(value) == {"value", "next"}
            value = value["next"]
