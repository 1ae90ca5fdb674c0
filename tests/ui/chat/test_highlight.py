"""Tests of the colours of code, as spans and as formats of a document."""

import pytest
from PySide6.QtGui import QTextDocument
from pytestqt.qtbot import QtBot

from app.protocol import MessageState
from app.ui.chat.highlight import MAX_CHARACTERS, MAX_LINE, Kind, lexer_for, spans
from app.ui.chat.rows import Unfolding
from app.ui.chat.segments import Code
from app.ui.chat.transcript import Transcript
from tests.ui.chat.conftest import PATIENCE_MS, message, settle

PROGRAM = 'class A:\n    """Two\n    lines."""\n    def f(self):\n        return 12  # twelve'


def kinds(text: str, language: str) -> dict[str, Kind]:
    return {text[span.start : span.start + span.length]: span.kind for span in spans(text, language)}


def test_kinds_of_python() -> None:
    found = kinds(PROGRAM, "python")
    assert found["class"] is Kind.KEYWORD
    assert found["A"] is Kind.NAME
    assert found["12"] is Kind.NUMBER
    assert found["# twelve"] is Kind.COMMENT


def test_a_comment_at_the_very_end_is_one() -> None:
    assert kinds("ls # all", "bash")["# all"] is Kind.COMMENT


@pytest.mark.parametrize("language", ["py", "js", "c++", "rust", "json", "yaml", "html", "sql", "diff", "bash"])
def test_spans_lie_within_the_text_in_order(language: str) -> None:
    text = 'if (x) { return "y"; } // z\n- a: 1\n+ <b c="d">'
    end = 0
    for span in spans(text, language):
        assert span.start >= end
        end = span.start + span.length
    assert end <= len(text)


@pytest.mark.parametrize("language", ["", "no-such-language", "💥"])
def test_unknown_languages_stay_plain(language: str) -> None:
    assert lexer_for(language) is None
    assert list(spans("x = 1", language)) == []


def test_enormous_programs_stay_plain() -> None:
    assert list(spans("x = 1\n" * MAX_CHARACTERS, "python")) == []
    assert list(spans("x" * (MAX_LINE + 1), "python")) == []


def coloured(document: QTextDocument) -> dict[str, str]:
    """Text to colour of every coloured stretch."""
    found = {}
    block = document.begin()
    while block.isValid():
        for part in block.layout().formats():
            found[block.text()[part.start : part.start + part.length]] = part.format.foreground().color().name().upper()
        block = block.next()
    return found


def test_a_closed_block_is_coloured_from_the_theme(qtbot: QtBot, transcript: Transcript) -> None:
    transcript.set_messages([(message(1, text=f"```python\n{PROGRAM}\n```"), Unfolding())])
    view = next(widget.text_view() for widget in transcript.widgets(1))
    assert view is not None
    document = view.document()
    qtbot.waitUntil(lambda: "# twelve" in coloured(document), timeout=PATIENCE_MS)
    found, colours = coloured(document), transcript.look.theme.colours
    assert found["class"] == colours.accent
    assert found["12"] == colours.warn
    assert found["# twelve"] == colours.muted
    assert found['"""Two'] == found['    lines."""'] == colours.good


def test_an_open_block_is_not_coloured_yet(qtbot: QtBot, transcript: Transcript) -> None:
    streaming = message(1, text=f"```python\n{PROGRAM}", state=MessageState.STREAMING)
    transcript.set_messages([(streaming, Unfolding())])
    settle(qtbot, transcript)
    view = next(widget.text_view() for widget in transcript.widgets(1))
    assert view is not None
    assert coloured(view.document()) == {}
    assert transcript.rows(1)[0] == Code(PROGRAM, "python")
