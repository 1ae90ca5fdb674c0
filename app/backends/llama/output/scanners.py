"""Notice where a JSON value, or brackets of Python, end in text that is still arriving."""

import re
from enum import Enum, auto

DEPTH_LIMIT = 100
"""Nested deeper, nobody's JSON parser would read it."""
_SCALAR_LIMIT = 400
_SPACE = re.compile(r"[ \t\n\r]*")
_PLAIN = re.compile(r'[^"\\\x00-\x1f]*')
_SCALAR = re.compile(r"[-+.0-9a-zA-Z]*")
_SCALAR_VALUE = re.compile(r"-?(?:0|[1-9][0-9]*)(?:\.[0-9]+)?(?:[eE][-+]?[0-9]+)?|true|false|null")
_HEX = frozenset("0123456789abcdefABCDEF")


class ScanState(Enum):
    READING = auto()
    DONE = auto()
    FAILED = auto()


class _Expect(Enum):
    VALUE = auto()
    VALUE_OR_END = auto()
    KEY = auto()
    KEY_OR_END = auto()
    COLON = auto()
    COMMA_OR_END = auto()
    STRING = auto()
    ESCAPE = auto()
    SCALAR = auto()


class JsonScanner:
    """A strict reader of RFC 8259 for an object, array or string, a character at a time in linear time."""

    def __init__(self) -> None:
        self.state = ScanState.READING
        self._expect = _Expect.VALUE
        self._open: list[str] = []
        self._in_key = False
        self._hex_left = 0
        self._scalar: str = ""

    def feed(self, text: str, at: int) -> int:
        """Read `text` from `at` on; returns where reading stopped: its end, or where the value ended or failed."""
        while at < len(text) and self.state is ScanState.READING:
            at = self._step(text, at)
        return at

    def _step(self, text: str, at: int) -> int:
        if self._expect is _Expect.STRING:
            return self._read_string(text, at)
        if self._expect is _Expect.ESCAPE:
            return self._read_escape(text[at], at)
        if self._expect is _Expect.SCALAR:
            return self._read_scalar(text, at)
        match = _SPACE.match(text, at)
        if match is not None and match.end() > at:
            return match.end()
        return self._read_mark(text[at], at)

    def _read_mark(self, mark: str, at: int) -> int:
        """A character outside of strings and scalars."""
        expect = self._expect
        if mark == '"' and expect is not _Expect.COLON and expect is not _Expect.COMMA_OR_END:
            self._in_key = expect in (_Expect.KEY, _Expect.KEY_OR_END)
            self._expect = _Expect.STRING
        elif expect in (_Expect.VALUE, _Expect.VALUE_OR_END) and mark in "{[":
            self._enter(mark)
        elif mark in "}]" and expect in (_Expect.VALUE_OR_END, _Expect.KEY_OR_END, _Expect.COMMA_OR_END):
            self._leave(mark)
        elif expect in (_Expect.VALUE, _Expect.VALUE_OR_END) and self._open and _SCALAR.fullmatch(mark):
            self._scalar, self._expect = "", _Expect.SCALAR
            return at
        elif expect is _Expect.COLON and mark == ":":
            self._expect = _Expect.VALUE
        elif expect is _Expect.COMMA_OR_END and mark == ",":
            self._expect = _Expect.KEY if self._open[-1] == "{" else _Expect.VALUE
        else:
            self.state = ScanState.FAILED
        return at if self.state is ScanState.FAILED else at + 1

    def _enter(self, mark: str) -> None:
        self._open.append(mark)
        self._expect = _Expect.KEY_OR_END if mark == "{" else _Expect.VALUE_OR_END
        if len(self._open) > DEPTH_LIMIT:
            self.state = ScanState.FAILED

    def _leave(self, mark: str) -> None:
        if self._open.pop() != ("{" if mark == "}" else "["):
            self.state = ScanState.FAILED
        else:
            self._end_value()

    def _end_value(self) -> None:
        self._expect = _Expect.COMMA_OR_END
        if not self._open:
            self.state = ScanState.DONE

    def _read_string(self, text: str, at: int) -> int:
        match = _PLAIN.match(text, at)
        at = match.end() if match else at
        if at == len(text):
            return at
        if text[at] == '"':
            if self._in_key:
                self._expect = _Expect.COLON
            else:
                self._end_value()
        elif text[at] == "\\":
            self._expect, self._hex_left = _Expect.ESCAPE, 0
        else:
            self.state = ScanState.FAILED
            return at
        return at + 1

    def _read_escape(self, mark: str, at: int) -> int:
        if self._hex_left and mark in _HEX:
            self._hex_left -= 1
        elif not self._hex_left and mark == "u":
            self._hex_left = 4
        elif self._hex_left or mark not in '"\\/bfnrt':
            self.state = ScanState.FAILED
            return at
        if not self._hex_left:
            self._expect = _Expect.STRING
        return at + 1

    def _read_scalar(self, text: str, at: int) -> int:
        match = _SCALAR.match(text, at)
        end = match.end() if match else at
        self._scalar += text[at:end]
        if len(self._scalar) > _SCALAR_LIMIT:
            self.state = ScanState.FAILED
        elif end < len(text):
            if _SCALAR_VALUE.fullmatch(self._scalar):
                self._end_value()
            else:
                self.state = ScanState.FAILED
        return end


_OUTSIDE = re.compile(r"[^\[\](){}'\"]*")
_PAIRS = {")": "(", "]": "[", "}": "{"}


class BracketScanner:
    """Reads Python from an opening bracket to the one that closes it, heeding strings."""

    def __init__(self) -> None:
        self.state = ScanState.READING
        self._open: list[str] = []
        self._quote = ""
        self._escaped = False

    def feed(self, text: str, at: int) -> int:
        """Read `text` from `at` on; returns where reading stopped: its end, or where the brackets ended or failed."""
        while at < len(text) and self.state is ScanState.READING:
            at = self._read_string(text[at], at) if self._quote else self._read_code(text, at)
        return at

    def _read_string(self, mark: str, at: int) -> int:
        if self._escaped:
            self._escaped = False
        elif mark == "\\":
            self._escaped = True
        elif mark == self._quote:
            self._quote = ""
        return at + 1

    def _read_code(self, text: str, at: int) -> int:
        match = _OUTSIDE.match(text, at)
        at = match.end() if match else at
        if at == len(text):
            return at
        mark = text[at]
        if mark in "'\"":
            self._quote = mark
        elif mark in "([{":
            self._open.append(mark)
        elif not self._open or self._open.pop() != _PAIRS[mark]:
            self.state = ScanState.FAILED
            return at
        if len(self._open) > DEPTH_LIMIT:
            self.state = ScanState.FAILED
        elif not self._open and not self._quote:
            self.state = ScanState.DONE
        return at + 1
