"""Writes 1,000 strings with the ids `tokenizers` gives them: the yardstick for llama.cpp's reading of starter.gguf.

python strings.py BUILD_FOLDER ../../tests/starter/tokens.json
"""

import json
import random
import sys
from pathlib import Path

from corpus import LANGUAGES, load_intents
from tokenizers import Tokenizer

ODD = [
    "",
    " ",
    "  ",
    "\n",
    "\n\n\n",
    "\t\tx",
    " \n ",
    "a  b   c",
    "1234567890",
    "3.14159 / 2e10",
    "it's we're I'LL don't",
    "naïve café",
    "𝒳𝒴",
    "👍🏽 👩\u200d👩\u200d👧",
    "é",
    "\u200b\u200d",
    "全角，标点。「」",
    "日本語 한국어 العربية עברית",
    "ÀÉÎÕÜ",
    "def f(x):\n    return x**2",
    "SELECT * FROM t WHERE a = 'b';",
    "<html><b>x</b></html>",
    "C:\\Users\\x",
    "/usr/local/bin",
    "a\r\nb\rc",
    "…—–",
    "x" * 200,
    "显" * 50,
]


def strings(rng: random.Random) -> list[str]:
    """Odd ones, questions, pieces of answers, and mixtures of characters from everywhere."""
    intents = load_intents()
    asked = [text for intent in intents.values() for language in LANGUAGES for text in intent.ask[language]]
    asked = [text for text in asked if "<" not in text]  # special tokens in a text are another matter
    answers = [intent.answer[language] for intent in intents.values() for language in LANGUAGES]
    ranges = (
        (32, 126),
        (160, 0x24F),
        (0x370, 0x3FF),
        (0x400, 0x4FF),
        (0x3000, 0x30FF),
        (0x4E00, 0x9FFF),
        (0x1F300, 0x1F64F),
    )
    found = list(ODD) + rng.sample(asked, 500) + answers[:150]
    while len(found) < 1000:
        low, high = rng.choice(ranges)
        characters = [
            chr(rng.randint(low, high)) if rng.random() < 0.8 else rng.choice(" \n.,'1")
            for _ in range(rng.randint(1, 40))
        ]
        found.append("".join(characters))
    return found[:1000]


if __name__ == "__main__":
    tokenizer = Tokenizer.from_file(str(Path(sys.argv[1]) / "tokenizer.json"))
    rows = [{"text": text, "ids": tokenizer.encode(text).ids} for text in strings(random.Random(3))]
    Path(sys.argv[2]).write_text(
        "[\n" + ",\n".join(json.dumps(row, ensure_ascii=False) for row in rows) + "\n]\n", encoding="utf-8"
    )
    print(f"{len(rows)} strings, {sum(len(row['ids']) for row in rows)} tokens")
