"""Text born below the window, rendered in English and Chinese: errors, checks, reasons and the command line's words.

The tables are resources/words/en.toml and zh.toml; a test holds them to the same keys and placeholders.
"""

import locale
import os
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from typing import Any, Literal

from app.format import Language, format_value
from app.paths import RESOURCES
from app.protocol import Value

LANGUAGES: tuple[Language, ...] = ("en", "zh")


@dataclass(frozen=True)
class ErrorWords:
    title: str
    message: str
    hint: str


def system_language() -> Language:
    """The language of the environment, as far as Alcove speaks it."""
    for name in ("LC_ALL", "LC_MESSAGES", "LANG"):
        if value := os.environ.get(name):
            return "zh" if value.lower().startswith("zh") else "en"
    return "zh" if (locale.getlocale()[0] or "").lower().startswith(("zh", "chinese")) else "en"


def choose_language(setting: str) -> Language:
    """The language for a setting of "system", "en" or "zh"."""
    return "zh" if setting == "zh" else "en" if setting == "en" else system_language()


def error_words(code: str, values: Mapping[str, Value], language: Language = "en") -> ErrorWords:
    """Title, message and hint of an error. Raises KeyError for a code without words."""
    table = _table(language)["error"][code]
    return ErrorWords(*(_fill(table.get(part, ""), values, language) for part in ("title", "message", "hint")))


def text(
    kind: Literal["check", "label", "cli", "reason", "system"],
    code: str,
    values: Mapping[str, Value],
    language: Language,
) -> str:
    """One sentence of the given kind. Raises KeyError for a code without words."""
    return _fill(_table(language)[kind][code], values, language)


def _fill(template: str, values: Mapping[str, Value], language: Language) -> str:
    """The sentence with its values. A `reason` may be a code with words of its own, or what a system or engine said."""
    shown = {name: format_value(name, value, language) for name, value in values.items()}
    reasons = _table(language)["reason"]
    if (reason := values.get("reason")) in reasons:
        shown["reason"] = reasons[reason].format_map(shown)
    return template.format_map(shown)


@cache
def _table(language: Language) -> dict[str, Any]:
    with (RESOURCES / "words" / f"{language}.toml").open("rb") as file:
        return tomllib.load(file)
