"""Which characters form words: Chinese, Japanese and Korean are cut into single characters, so that any two are found.

SQLite's full-text tokenizer takes a run of Chinese for one word. `segment` sets such characters apart before text is
indexed, and a query becomes a phrase of them. The index forgets a text by being told it again, so what `segment`
returns for a given text may change only together with a schema step that builds the index anew.
"""

import re
import sqlite3

CJK = (
    "\u3005-\u3007\u3041-\u3096\u30a1-\u30fa\u31f0-\u31ff\u3400-\u4dbf\u4e00-\u9fff"
    "\uac00-\ud7a3\uf900-\ufaff\uff66-\uff9d\U00020000-\U0003ffff"
)
"""Kana, ideographs and syllables of Hangul, as the inside of a character class."""

_apart = re.compile(f"([{CJK}])")


def segment(text: str) -> str:
    """The text as it is indexed: every CJK character between spaces."""
    return text if text.isascii() else _apart.sub(r" \1 ", text)


def register_functions(connection: sqlite3.Connection) -> None:
    """Give a connection the function `seg` that the triggers of the full-text index call."""
    connection.create_function("seg", 1, segment, deterministic=True)
