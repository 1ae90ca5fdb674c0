"""Markdown to the rich text Qt understands: everything escaped, nothing fetched, colours handed in.

Raw HTML stays text and an image is shown as its description, so a model's answer can neither load a file nor reach a
network. Only http, https and mailto make links; whoever shows the text asks before opening one.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from urllib.parse import urlsplit

from markdown_it import MarkdownIt
from markdown_it.common.utils import escapeHtml
from markdown_it.renderer import RendererHTML
from markdown_it.token import Token
from markdown_it.utils import EnvType, OptionsDict

LINK_SCHEMES = frozenset({"http", "https", "mailto"})
_TABLE = '<table width="100%" cellspacing="0" cellpadding="0" style="margin-top: {above}px; margin-bottom: {gap}px">'


@dataclass(frozen=True)
class MarkdownStyle:
    """What the rich text is coloured and spaced with: colours as #RRGGBB, lengths in pixels."""

    muted: str
    line: str
    accent: str
    sunken: str
    code_family: str
    code_size: int
    body_size: int
    title_size: int
    line_height: int
    gap: int
    """Space between blocks."""

    @property
    def leading(self) -> str:
        """The line height as Qt's rich text spells it: fixed, so that a fallback font does not push lines apart."""
        return f"line-height: {self.line_height}px; -qt-line-height-type: fixed"


def is_link(address: str) -> bool:
    """Whether the address may be offered as a link."""
    try:
        return urlsplit(address).scheme.lower() in LINK_SCHEMES
    except ValueError:
        return False


class Markdown:
    """Renders prose in one style."""

    def __init__(self, style: MarkdownStyle) -> None:
        self._parser = _Parser("commonmark", {"html": False}).enable(["table", "strikethrough"])
        self._parser.renderer = _QtRenderer(style)

    def html(self, text: str) -> str:
        """The text as a fragment for QTextDocument."""
        return str(self._parser.render(text)).rstrip()  # Qt would show the last line break as a space


class _Parser(MarkdownIt):
    def validateLink(self, url: str) -> bool:
        return True  # `is_link` decides while rendering, so that a refused link still reads as its text


class _QtRenderer(RendererHTML):
    """One method a token type: markdown-it finds them by name."""

    def __init__(self, style: MarkdownStyle) -> None:
        super().__init__()
        self._style = style

    def paragraph_open(self, tokens: Sequence[Token], idx: int, options: OptionsDict, env: EnvType) -> str:
        return "" if tokens[idx].hidden else f'<p style="margin: 0 0 {self._style.gap}px 0; {self._style.leading}">'

    def heading_open(self, tokens: Sequence[Token], idx: int, options: OptionsDict, env: EnvType) -> str:
        style = self._style
        size = style.title_size if tokens[idx].tag in ("h1", "h2") else style.body_size
        above = style.gap // 2 if idx else 0
        return f'<p style="margin: {above}px 0 {style.gap // 2}px 0; font-size: {size}px; font-weight: 600">'

    def heading_close(self, tokens: Sequence[Token], idx: int, options: OptionsDict, env: EnvType) -> str:
        return "</p>"

    def bullet_list_open(self, tokens: Sequence[Token], idx: int, options: OptionsDict, env: EnvType) -> str:
        return f'<ul style="{self._list_margin(tokens[idx])}">'

    def ordered_list_open(self, tokens: Sequence[Token], idx: int, options: OptionsDict, env: EnvType) -> str:
        start = tokens[idx].attrGet("start")
        number = "" if start is None else f' start="{int(start)}"'
        return f'<ol{number} style="{self._list_margin(tokens[idx])}">'

    def list_item_open(self, tokens: Sequence[Token], idx: int, options: OptionsDict, env: EnvType) -> str:
        return f'<li style="margin: 0 0 {self._style.gap // 3}px 0; {self._style.leading}">'

    def link_open(self, tokens: Sequence[Token], idx: int, options: OptionsDict, env: EnvType) -> str:
        address = str(tokens[idx].attrGet("href") or "")
        if not is_link(address):
            return "<span>"
        href = escapeHtml(address)
        return f'<a href="{href}" title="{href}" style="color: {self._style.accent}">'

    def link_close(self, tokens: Sequence[Token], idx: int, options: OptionsDict, env: EnvType) -> str:
        opened = next(token for token in reversed(tokens[:idx]) if token.type == "link_open")  # links do not nest
        return "</a>" if is_link(str(opened.attrGet("href") or "")) else "</span>"

    def image(self, tokens: Sequence[Token], idx: int, options: OptionsDict, env: EnvType) -> str:
        return escapeHtml(self.renderInlineAsText(tokens[idx].children, options, env))

    def code_inline(self, tokens: Sequence[Token], idx: int, options: OptionsDict, env: EnvType) -> str:
        style = self._style
        look = f"font-family: {style.code_family}; font-size: {style.code_size}px; background-color: {style.sunken}"
        return f'<span style="{look}">{_keep_spaces(tokens[idx].content)}</span>'

    def code_block(self, tokens: Sequence[Token], idx: int, options: OptionsDict, env: EnvType) -> str:
        style = self._style
        look = f"font-family: {style.code_family}; font-size: {style.code_size}px; margin: 0 0 {style.gap}px 0"
        return f'<pre style="{look}">{escapeHtml(tokens[idx].content.rstrip())}</pre>'

    def fence(self, tokens: Sequence[Token], idx: int, options: OptionsDict, env: EnvType) -> str:
        return self.code_block(tokens, idx, options, env)

    def blockquote_open(self, tokens: Sequence[Token], idx: int, options: OptionsDict, env: EnvType) -> str:
        style = self._style
        bar = f"border-left: 2px solid {style.line}; padding-left: {style.gap}px; color: {style.muted}"
        return f'{self._table(idx)}<tr><td style="{bar}">'

    def blockquote_close(self, tokens: Sequence[Token], idx: int, options: OptionsDict, env: EnvType) -> str:
        return "</td></tr></table>"

    def hr(self, tokens: Sequence[Token], idx: int, options: OptionsDict, env: EnvType) -> str:
        style = self._style
        rule = f'<td style="border-bottom: 1px solid {style.line}; font-size: 1px">&nbsp;</td>'
        return f"{self._table(idx)}<tr>{rule}</tr></table>"

    def table_open(self, tokens: Sequence[Token], idx: int, options: OptionsDict, env: EnvType) -> str:
        return self._table(idx)

    def th_open(self, tokens: Sequence[Token], idx: int, options: OptionsDict, env: EnvType) -> str:
        return self._cell(tokens, idx, "font-weight: 600; ")

    def th_close(self, tokens: Sequence[Token], idx: int, options: OptionsDict, env: EnvType) -> str:
        return "</td>"

    def td_open(self, tokens: Sequence[Token], idx: int, options: OptionsDict, env: EnvType) -> str:
        return self._cell(tokens, idx, "")

    def thead_open(self, tokens: Sequence[Token], idx: int, options: OptionsDict, env: EnvType) -> str:
        return ""

    thead_close = tbody_open = tbody_close = thead_open

    def _table(self, idx: int) -> str:
        return _TABLE.format(above=self._style.gap if idx else 0, gap=self._style.gap)

    def _cell(self, tokens: Sequence[Token], idx: int, look: str) -> str:
        style = self._style
        side = str(tokens[idx].attrGet("style") or "").removeprefix("text-align:") or "left"
        left = 0 if tokens[idx - 1].type == "tr_open" else style.gap
        space = f"padding: {style.gap // 2}px {style.gap}px {style.gap // 2}px {left}px"
        return f'<td align="{side}" style="{look}{space}; border-bottom: 1px solid {style.line}">'

    def _list_margin(self, token: Token) -> str:
        return f"margin: 0 0 {0 if token.level else self._style.gap}px 0"


def _keep_spaces(text: str) -> str:
    return escapeHtml(text).replace("  ", " &nbsp;")
