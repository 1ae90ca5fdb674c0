"""The two tables of words agree, every error code used in the program has words, and sentences are filled."""

import ast
import re
import string
import tomllib
from functools import cache
from pathlib import Path

import pytest

from app.errors import AppError
from app.format import Language
from app.paths import RESOURCES
from app.protocol import Value
from app.words import choose_language, error_words, text

APP = Path(__file__).resolve().parent.parent / "app"


def leaves(table: dict[str, object], prefix: str = "") -> dict[str, str]:
    found: dict[str, str] = {}
    for key, value in table.items():
        if isinstance(value, dict):
            found |= leaves(value, f"{prefix}{key}.")
        else:
            assert isinstance(value, str)
            found[prefix + key] = value
    return found


@cache
def table(language: str) -> dict[str, str]:
    return leaves(tomllib.loads((RESOURCES / "words" / f"{language}.toml").read_text(encoding="utf-8")))


def placeholders(sentence: str) -> set[str]:
    return {name for _, name, _, _ in string.Formatter().parse(sentence) if name}


def errors_in_the_program() -> list[tuple[str, str, set[str | None]]]:
    """(place, code, names of the values) of every AppError("…", …) in app/ whose code is a literal."""
    found = []
    for path in APP.rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Call) and getattr(node.func, "id", "") == "AppError" and node.args:
                first = node.args[0]
                if isinstance(first, ast.Constant) and isinstance(first.value, str):
                    place = f"{path.relative_to(APP)}:{node.lineno}"
                    found.append((place, first.value, {keyword.arg for keyword in node.keywords}))
    return found


ERRORS = errors_in_the_program()


def test_both_languages_have_the_same_keys() -> None:
    assert table("en").keys() == table("zh").keys()


@pytest.mark.parametrize("key", sorted(table("en")))
def test_both_languages_fill_the_same_values(key: str) -> None:
    assert placeholders(table("en")[key]) == placeholders(table("zh")[key])
    assert bool(table("en")[key]) == bool(table("zh")[key])


@pytest.mark.parametrize(("place", "code", "values"), ERRORS, ids=[place for place, _, _ in ERRORS])
def test_every_error_has_words_and_the_values_they_need(place: str, code: str, values: set[str | None]) -> None:
    sentences = [table("en")[f"error.{code}.{part}"] for part in ("title", "message", "hint")]
    needed = set().union(*(placeholders(sentence) for sentence in sentences))
    assert None in values or values >= needed, place


REASONS = {key.removeprefix("reason.") for key in table("en") if key.startswith("reason.")}
CODE = r'"([a-z]+(?:_[a-z]+)+)"'
"""A text in quotes that looks like a code."""


def texts_like(pattern: str) -> set[str]:
    return {code for path in APP.rglob("*.py") for code in re.findall(pattern, path.read_text(encoding="utf-8"))}


def test_every_reason_has_words_and_all_words_are_used() -> None:
    assert len(given := texts_like(rf"(?:reason=|RefusedError\(){CODE}")) > 10
    assert given <= REASONS <= texts_like(CODE)


def test_a_reason_is_a_code_with_words_or_what_somebody_said() -> None:
    def said(reason: str, language: Language) -> str:
        values: dict[str, Value] = {"model": "M", "reason": reason, "found": 1000, "expected": 2000}
        return error_words("model_broken", values, language).message

    assert said("file_cut_off", "en") == "M: the file is cut off: it has 1,000 of 2,000 bytes"
    assert said("file_cut_off", "zh") == "M：文件不完整：应有 2,000 字节，只有 1,000 字节"
    assert said("unknown model architecture", "zh") == "M：unknown model architecture"


def test_sizes_inside_a_sentence_are_formatted() -> None:
    values: dict[str, Value] = {
        "model": "Qwen3 8B",
        "needed_bytes": 6 * 1024**3,
        "available_bytes": 5 * 1024**3,
        "total_bytes": 16 * 1024**3,
    }
    words = error_words("model_too_large", values, "en")
    assert words.message == "Qwen3 8B needs about 6.0 GiB, and 5.0 GiB of 16.0 GiB are free."
    assert "6.0 GiB" in error_words("model_too_large", values, "zh").message


def test_an_error_crosses_a_border_unchanged() -> None:
    error = AppError("port_in_use", host="127.0.0.1", port=8484, next_port=8485)
    again = AppError.from_info(error.info)
    assert (again.title, again.message, again.hint) == (error.title, error.message, error.hint)
    assert again.title == "Port 8484 is in use"


def test_an_unknown_code_is_a_bug_not_a_blank() -> None:
    with pytest.raises(KeyError):
        error_words("no_such_code", {})


@pytest.mark.parametrize(
    ("setting", "environment", "chosen"),
    [("en", "zh_CN.UTF-8", "en"), ("system", "zh_TW", "zh"), ("system", "de_DE", "en"), ("zh", "C", "zh")],
)
def test_language_follows_the_setting_then_the_system(
    setting: str, environment: str, chosen: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("LC_ALL", "LC_MESSAGES"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("LANG", environment)
    assert choose_language(setting) == chosen


def test_checks_have_words() -> None:
    assert (
        text("check", "memory", {"available_bytes": 2**30, "total_bytes": 2**31}, "zh")
        == "内存：2.0 GiB 中可用 1.0 GiB"
    )
