"""The title a conversation gets by itself: the first line of its first question."""

import re
import unicodedata

from app.store.segments import CJK

LONGEST = 60
"""Characters, the sign of omission included."""

_FENCE = re.compile(r"\s*(```|~~~)")
_LINE_SIGNS = re.compile(r"^\s*(?:#{1,6}\s+|>\s?|[-*+]\s+(?:\[[ xX]\]\s+)?|\d{1,3}[.)]\s+)+")
_LINK = re.compile(r"!?\[([^\[\]]*)\]\([^()\s]*(?:\s+\"[^\"]*\")?\)")
_STRONG = re.compile(r"(\*\*|~~|`+)(?=\S)(.+?)(?<=\S)\1")
_EMPHASIS = re.compile(r"(?<![\w*])\*(?=\S)([^*]+?)(?<=\S)\*(?![\w*])")
_RULE = re.compile(r"[\s#>*_=|`~+-]*")
_cjk = re.compile(f"[{CJK}\u3001-\u303f\uff01-\uff65]")


def automatic_title(text: str) -> str:
    """The first line that says something, without Markdown signs, cut at a word's border; empty for empty text."""
    return next((shorten(line) for line in map(_plain, text.splitlines()) if line), "")


def shorten(line: str) -> str:
    """At most LONGEST characters of one line; words and characters stay whole, what was left out is marked."""
    if len(line) <= LONGEST:
        return line
    room = LONGEST - 1
    cut = next((end for end in range(room, LONGEST // 3, -1) if _is_border(line, end)), None)
    if cut is None:
        cut = next((end for end in range(room, 1, -1) if not _belongs_together(line, end)), room)
    return line[:cut].rstrip(" ,;:，、；：") + "…"


def _plain(line: str) -> str:
    """The line without Markdown signs; empty where it is a fence, a rule or blank."""
    if _FENCE.match(line) or _RULE.fullmatch(line):
        return ""
    line = _LINE_SIGNS.sub("", line)
    for signs, kept in ((_LINK, r"\1"), (_STRONG, r"\2"), (_EMPHASIS, r"\1")):
        line = signs.sub(kept, line)
    return " ".join(_printable(line).split())


def _printable(line: str) -> str:
    return "".join(" " if unicodedata.category(sign) == "Cc" else sign for sign in line)


def _is_border(line: str, end: int) -> bool:
    """Whether a word may end before the character at `end`: at a space, and beside Chinese or Japanese anywhere."""
    if _belongs_together(line, end):
        return False
    return line[end].isspace() or bool(_cjk.match(line[end - 1]) or _cjk.match(line[end]))


def _belongs_together(line: str, end: int) -> bool:
    """Whether the characters around `end` are one to the eye: accents, joiners, shades of emoji."""
    before, after = line[end - 1], line[end]
    joined = "\u200d" in (before, after) or "\ufe00" <= after <= "\ufe0f" or "\U0001f3fb" <= after <= "\U0001f3ff"
    return joined or unicodedata.combining(after) > 0
