"""Reads the starter's corpus: intents with their answers and phrasings, and the templates of foreign questions."""

import re
import zlib
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal

Language = Literal["en", "zh"]
LANGUAGES: tuple[Language, ...] = ("en", "zh")
CORPUS = Path(__file__).parent / "corpus"
DECLINE = "decline"


@dataclass
class Intent:
    """One thing a person may want, with one answer and many phrasings in each language."""

    id: str
    topic: dict[Language, str] = field(default_factory=dict)
    answer: dict[Language, str] = field(default_factory=dict)
    ask: dict[Language, list[str]] = field(default_factory=lambda: {"en": [], "zh": []})

    def training(self, language: Language) -> list[str]:
        return [text for text in self.ask[language] if not is_held_out(text)]

    def held_out(self, language: Language) -> list[str]:
        return [text for text in self.ask[language] if is_held_out(text)]


def is_held_out(text: str) -> bool:
    """Whether this phrasing is kept out of training: one in twelve, chosen by its own bytes, so for good."""
    return zlib.crc32(text.encode()) % 12 == 0


def load_intents(folder: Path = CORPUS) -> dict[str, Intent]:
    """All intents, `decline` included, by id."""
    intents: dict[str, Intent] = {}
    for path in sorted(folder.glob("*.txt")):
        if path.name != "foreign_templates.txt":
            for key, argument, body in _blocks(path.read_text(encoding="utf-8")):
                if key == "intent":
                    intent = intents.setdefault(argument, Intent(argument))
                    continue
                part, language = key.split(".")
                assert language in LANGUAGES
                if part == "topic":
                    intent.topic[language] = argument
                elif part == "answer":
                    intent.answer[language] = body.strip()
                else:
                    intent.ask[language] += [line.strip() for line in body.splitlines() if line.strip()]
    return intents


def load_templates(path: Path = CORPUS / "foreign_templates.txt") -> dict[Language, list[str]]:
    """Foreign questions made from frames and fillers, every combination once."""
    made: dict[Language, list[str]] = {"en": [], "zh": []}
    for key, _, body in _blocks(path.read_text(encoding="utf-8")):
        language: Language = "en" if key.endswith("en") else "zh"
        for line in filter(str.strip, body.splitlines()):
            frame, fillers = line.split("\t", 1)
            made[language] += [
                frame.replace("{x}", filler.strip()) for filler in re.split(r"[,，、]", fillers) if filler.strip()
            ]
    return made


def _blocks(text: str) -> Iterator[tuple[str, str, str]]:
    """(key, argument, body) of every `@@ ` section."""
    for block in re.split(r"^@@ ", text, flags=re.MULTILINE)[1:]:
        head, _, body = block.partition("\n")
        key, _, argument = head.strip().partition(" ")
        yield key, argument.strip(), body
