"""The two tables of words agree, every error code used in the program has words, and sentences are filled."""

import ast
import string
import tomllib
from pathlib import Path

import pytest

from app.errors import AppError
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


def table(language: str) -> dict[str, str]:
    return leaves(tomllib.loads((RESOURCES / "words" / f"{language}.toml").read_text(encoding="utf-8")))


def placeholders(sentence: str) -> set[str]:
    return {name for _, name, _, _ in string.Formatter().parse(sentence) if name}


def codes_in_the_program() -> set[str]:
    """First argument of every AppError("…", …) in app/, as far as it is a literal."""
    codes = set()
    for path in APP.rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Call) and getattr(node.func, "id", "") == "AppError" and node.args:
                first = node.args[0]
                if isinstance(first, ast.Constant) and isinstance(first.value, str):
                    codes.add(first.value)
    return codes


def test_both_languages_have_the_same_keys() -> None:
    assert table("en").keys() == table("zh").keys()


@pytest.mark.parametrize("key", sorted(table("en")))
def test_both_languages_fill_the_same_values(key: str) -> None:
    assert placeholders(table("en")[key]) == placeholders(table("zh")[key])
    assert bool(table("en")[key]) == bool(table("zh")[key])


def test_every_error_raised_has_words() -> None:
    known = {key.split(".")[1] for key in table("en") if key.startswith("error.")}
    assert codes_in_the_program() <= known


@pytest.mark.parametrize("code", sorted(codes_in_the_program()))
def test_every_error_is_raised_with_the_values_its_words_need(code: str) -> None:
    needed = set().union(*(placeholders(table("en")[f"error.{code}.{part}"]) for part in ("title", "message", "hint")))
    for path in APP.rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if (
                isinstance(node, ast.Call)
                and getattr(node.func, "id", "") == "AppError"
                and node.args
                and isinstance(node.args[0], ast.Constant)
                and node.args[0].value == code
                and all(keyword.arg for keyword in node.keywords)
            ):
                assert {keyword.arg for keyword in node.keywords} >= needed, f"{path}:{node.lineno}"


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
