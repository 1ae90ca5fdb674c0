"""Random JSON Schemas of what people use, and a check of values against them written for these alone."""

import re
from typing import Any

from hypothesis import strategies as st

Schema = dict[str, Any]

_NAMES = st.sampled_from(["name", "a", "größe", "with space", 'qu"ote', "items", "日付"])
_PATTERNS = st.sampled_from([r"^[a-z]{3,5}$", r"^\d{4}-\d{2}$", r"^(north|south)$", r"^[A-Z][a-z]*!$"])


def _strings() -> st.SearchStrategy[Schema]:
    bounds = st.integers(0, 6).flatmap(
        lambda low: st.integers(low, 12).map(lambda high: {"minLength": low, "maxLength": high})
    )
    return st.one_of(
        st.just({"type": "string"}),
        bounds.map(lambda bound: {"type": "string", **bound}),
        _PATTERNS.map(lambda pattern: {"type": "string", "pattern": pattern}),
        st.just({"type": "string", "format": "date"}),
    )


def _numbers() -> st.SearchStrategy[Schema]:
    bounds = st.integers(-50, 50).flatmap(
        lambda low: st.integers(low, low + 200).map(lambda high: {"minimum": low, "maximum": high})
    )
    return st.one_of(
        st.just({"type": "integer"}),
        st.just({"type": "number"}),
        bounds.map(lambda bound: {"type": "integer", **bound}),
        bounds.map(lambda bound: {"type": "number", **bound}),
        st.just({"type": "number", "exclusiveMinimum": 0, "exclusiveMaximum": 1}),
        st.just({"type": "integer", "multipleOf": 7}),
    )


_values = st.one_of(st.none(), st.booleans(), st.integers(-99, 99), st.text(max_size=5))
_leaves = st.one_of(
    _strings(),
    _numbers(),
    st.just({"type": "boolean"}),
    st.just({"type": "null"}),
    st.lists(_values, min_size=1, max_size=4, unique_by=repr).map(lambda values: {"enum": values}),
    _values.map(lambda value: {"const": value}),
)


def _arrays(items: st.SearchStrategy[Schema]) -> st.SearchStrategy[Schema]:
    def array(item: Schema, low: int, more: int | None) -> Schema:
        most = {} if more is None else {"maxItems": low + more}
        return {"type": "array", "items": item, "minItems": low, **most}

    return st.builds(array, items, st.integers(0, 3), st.none() | st.integers(0, 2))


def _objects(values: st.SearchStrategy[Schema]) -> st.SearchStrategy[Schema]:
    def object_of(properties: dict[str, Schema], needed: list[bool], extra: Any) -> Schema:
        required = [name for name, is_needed in zip(properties, needed, strict=False) if is_needed]
        return {"type": "object", "properties": properties, "required": required, "additionalProperties": extra}

    return st.builds(
        object_of,
        st.dictionaries(_NAMES, values, max_size=4),
        st.lists(st.booleans(), min_size=4, max_size=4),
        st.just(False) | values,
    )


def _either(schemas: st.SearchStrategy[Schema]) -> st.SearchStrategy[Schema]:
    return st.lists(schemas, min_size=1, max_size=3).map(lambda several: {"anyOf": several})


SCHEMAS: st.SearchStrategy[Schema] = st.recursive(
    _leaves, lambda inner: st.one_of(_arrays(inner), _objects(inner), _either(inner)), max_leaves=6
)


def fits(value: Any, schema: Schema) -> bool:
    """Whether the value is one of the schema's, by the keywords above."""
    if "anyOf" in schema:
        return any(fits(value, each) for each in schema["anyOf"])
    if "enum" in schema:
        return any(_same(value, each) for each in schema["enum"])
    if "const" in schema:
        return _same(value, schema["const"])
    return _CHECKS[schema["type"]](value, schema)


def _same(value: Any, other: Any) -> bool:
    return type(value) is type(other) and value == other


def _is_number(value: Any, schema: Schema) -> bool:
    whole = schema["type"] == "integer"
    if isinstance(value, bool) or not isinstance(value, int if whole else int | float):
        return False
    low, high = schema.get("minimum", -1e400), schema.get("maximum", 1e400)
    inside = schema.get("exclusiveMinimum", -1e400) < value < schema.get("exclusiveMaximum", 1e400)
    open_ended = "exclusiveMinimum" not in schema
    fair = "multipleOf" not in schema or value % schema["multipleOf"] == 0
    return low <= value <= high and (inside or open_ended) and fair


def _is_string(value: Any, schema: Schema) -> bool:
    if not isinstance(value, str) or not schema.get("minLength", 0) <= len(value) <= schema.get("maxLength", 10**9):
        return False
    if schema.get("format") == "date":
        return re.fullmatch(r"\d{4}-\d{2}-\d{2}", value) is not None
    return re.search(schema.get("pattern", ""), value) is not None


def _is_array(value: Any, schema: Schema) -> bool:
    if not isinstance(value, list) or not schema["minItems"] <= len(value) <= schema.get("maxItems", 10**9):
        return False
    return all(fits(item, schema["items"]) for item in value)


def _is_object(value: Any, schema: Schema) -> bool:
    if not isinstance(value, dict) or not set(schema["required"]) <= set(value):
        return False
    known, extra = schema["properties"], schema["additionalProperties"]
    return all(
        fits(each, known[name]) if name in known else extra is not False and fits(each, extra)
        for name, each in value.items()
    )


_CHECKS = {
    "integer": _is_number,
    "number": _is_number,
    "string": _is_string,
    "boolean": lambda value, _schema: isinstance(value, bool),
    "null": lambda value, _schema: value is None,
    "array": _is_array,
    "object": _is_object,
}
