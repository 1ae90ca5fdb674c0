"""Tests of the rich text: it looks as written, and an answer can neither load, run nor reach anything."""

import re
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest
from PySide6.QtCore import QUrl
from PySide6.QtGui import QTextDocument
from PySide6.QtWidgets import QWidget
from pytestqt.qtbot import QtBot

from app.ui.chat.look import Look
from app.ui.chat.markdown import is_link
from app.ui.chat.prose import ReadingView

NASTY = [
    "<img src='file:///etc/passwd'>",
    "![x](file:///etc/passwd)",
    "![x](/etc/passwd)",
    "![x](\\\\server\\share\\x.png)",
    "![x](//server/share/x.png)",
    "![x](http://127.0.0.1:9/x.png)",
    "![x](data:image/png;base64,iVBORw0KGgo=)",
    "![x][y]\n\n[y]: file:///etc/passwd",
    "<style>p { background-image: url(file:///etc/passwd) }</style>",
    "<p style='background-image: url(file:///etc/passwd)'>x</p>",
    "<table background='file:///etc/passwd'><tr><td>x</td></tr></table>",
    "<link rel=stylesheet href=file:///etc/passwd>",
    "<iframe src='http://127.0.0.1:9'></iframe><script>alert(1)</script>",
    "`<img src=/etc/passwd>`",
    '[x](http://a.b/\'onclick="x"<img src=/etc/passwd>)',
    '[x](http://a.b "title\'><img src=/etc/passwd>")',
    "| <img src=/etc/passwd> |\n|---|\n| ![x](/etc/passwd) |",
    "> <img src=/etc/passwd>\n\n- <img src=/etc/passwd>",
    "    <img src=/etc/passwd>",
    "&lt;img src=/etc/passwd&gt; &#60;img src=/etc/passwd&#62;",
    "<!-- x --><?php x ?><![CDATA[<img src=/etc/passwd>]]>",
]

TOUCHING = {"open", "socket.connect", "socket.getaddrinfo", "subprocess.Popen", "os.system"}
OUR_TAGS = {"p", "span", "a", "table", "tr", "td", "ul", "ol", "li", "pre", "code", "em", "strong", "s", "br"}

_watched: list[str] | None = None


def _hook(event: str, arguments: tuple[Any, ...]) -> None:
    if _watched is not None and event in (
        "open",
        "socket.connect",
        "socket.getaddrinfo",
        "subprocess.Popen",
        "os.system",
    ):
        _watched.append(f"{event} {arguments}")


sys.addaudithook(_hook)  # cannot be taken out again: it listens only while `watching`


@contextmanager
def watching() -> Iterator[list[str]]:
    """What is opened, connected to or started meanwhile."""
    global _watched  # noqa: PLW0603 - a hook has no other way to be told
    _watched = []
    try:
        yield _watched
    finally:
        _watched = None


def plain(html: str) -> str:
    document = QTextDocument()
    document.setHtml(html)
    return document.toPlainText()


@pytest.mark.parametrize("text", NASTY)
def test_nothing_is_opened_or_asked_for(qtbot: QtBot, look: Look, monkeypatch: pytest.MonkeyPatch, text: str) -> None:
    asked: list[str] = []

    def remember(_view: ReadingView, _kind: int, name: QUrl | str) -> None:
        asked.append(str(name))

    holder = QWidget()
    qtbot.addWidget(holder)
    view = ReadingView(holder)
    holder.resize(400, 300)
    with qtbot.waitExposed(holder):
        holder.show()
    monkeypatch.setattr(ReadingView, "loadResource", remember)
    with watching() as seen:
        view.setHtml(look.markdown.html(text))
        view.height_at(300)
        view.grab()
    assert asked == []
    assert seen == []


@pytest.mark.parametrize("text", NASTY)
def test_no_tag_of_an_answer_becomes_a_tag(look: Look, text: str) -> None:
    html = look.markdown.html(text)
    assert set(re.findall(r"<\s*([^\s>/]+)", html)) <= OUR_TAGS, html
    assert all("url" not in style for style in re.findall(r'style="([^"]*)"', html)), html


def test_the_hook_of_these_tests_sees_a_file_being_opened() -> None:
    with watching() as seen, open(__file__, encoding="utf-8"):
        pass
    assert len(seen) == 1


def test_html_is_shown_as_it_was_written(look: Look) -> None:
    assert plain(look.markdown.html("a <b>bold</b> & <i>x</i>")) == "a <b>bold</b> & <i>x</i>"


def test_an_image_is_its_description(look: Look) -> None:
    assert plain(look.markdown.html("before ![a cat](http://a.b/cat.png) after")) == "before a cat after"


@pytest.mark.parametrize("address", ["http://a.b", "https://a.b/c?d=e&f", "mailto:a@b.c", "HTTPS://A.B"])
def test_web_and_mail_addresses_are_links(look: Look, address: str) -> None:
    assert is_link(address)
    assert f'href="{address.replace("&", "&amp;")}"' in look.markdown.html(f"[text]({address})")


@pytest.mark.parametrize(
    "address",
    ["javascript:alert(1)", "file:///etc/passwd", "data:text/html,x", "vbscript:x", "/etc", "//a.b", "smb://a"],
)
def test_other_addresses_read_as_their_text(look: Look, address: str) -> None:
    assert not is_link(address)
    html = look.markdown.html(f"[text]({address}) and [good](http://a.b)")
    assert html.count("<a ") == 1
    assert html.count("</a>") == 1
    assert plain(html) == "text and good"


def test_bare_addresses_are_left_alone(look: Look) -> None:
    assert "<a " not in look.markdown.html("see www.example.org or http://example.org")


def test_typical_markdown_keeps_its_words(look: Look) -> None:
    html = look.markdown.html("# Title\n\n- a\n- **b**\n\n1. c\n\n> d\n\n~~e~~ `f`\n\n---\n\n    g")
    words = plain(html).split()
    assert [word for word in words if word.isalpha()] == ["Title", "a", "b", "c", "d", "e", "f", "g"]
    assert "<s>" in html
    assert "<strong>" in html


def test_a_numbered_list_begins_where_it_says(look: Look) -> None:
    assert '<ol start="4"' in look.markdown.html("4. four\n5. five")


def test_numbers_in_tables_stand_to_the_right(look: Look) -> None:
    html = look.markdown.html("| a | b |\n|---|--:|\n| x | 1 |")
    assert html.count('align="right"') == 2
    assert plain(html).split() == ["a", "b", "x", "1"]


def test_spaces_in_code_are_kept(look: Look) -> None:
    assert plain(look.markdown.html("`a   b`")).replace("\u00a0", " ") == "a   b"


def test_deep_nesting_is_survived(look: Look) -> None:
    assert plain(look.markdown.html(">" * 1_000 + "x"))
    assert plain(look.markdown.html("[" * 1_000 + "x"))
    assert plain(look.markdown.html("*" * 1_000 + "x"))
