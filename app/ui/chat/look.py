"""The theme worked out for the chat page: measure, spacing, rich text and code colours."""

from dataclasses import dataclass

from PySide6.QtGui import QColor, QTextBlockFormat, QTextCharFormat, QTextCursor, QTextDocument

from app.format import Language
from app.ui.chat.highlight import Kind
from app.ui.chat.markdown import Markdown, MarkdownStyle
from app.ui.theme import BODY, CODE, TITLE, Theme

LINE_HEIGHT = 1.55
MEASURE_EM = 48
PANEL_WIDTH = 320
"""Of the panel at the right, in units."""
BUBBLE_SHARE = 0.8
"""Widest bubble, as a share of the measure."""
_BODY_UNITS = 14.0


@dataclass(frozen=True)
class Look:
    """What rows are drawn with. Lengths in pixels."""

    theme: Theme
    language: Language
    markdown: Markdown
    code_formats: dict[Kind, QTextCharFormat]
    em: int
    line_height: int

    @property
    def measure(self) -> int:
        return MEASURE_EM * self.em

    def px(self, units: float) -> int:
        return self.theme.px(units)

    def set_line_height(self, document: QTextDocument) -> None:
        """Give every paragraph of plain text the conversation's line height."""
        block_format = QTextBlockFormat()
        block_format.setLineHeight(self.line_height, QTextBlockFormat.LineHeightTypes.FixedHeight.value)
        cursor = QTextCursor(document)
        cursor.select(QTextCursor.SelectionType.Document)
        cursor.mergeBlockFormat(block_format)


def look_for(theme: Theme, language: Language) -> Look:
    """The look of the chat page under a theme."""
    em = theme.px(_BODY_UNITS)
    line_height = round(em * LINE_HEIGHT)
    return Look(theme, language, Markdown(_markdown_style(theme, em)), _code_formats(theme), em, line_height)


def _markdown_style(theme: Theme, em: int) -> MarkdownStyle:
    colours = theme.colours
    return MarkdownStyle(
        muted=colours.muted,
        line=colours.line,
        accent=colours.accent,
        sunken=colours.sunken,
        code_family=", ".join(f"'{family}'" for family in theme.code_font().families()),
        code_size=round(em * CODE),
        title_size=round(em * TITLE),
        body_size=round(em * BODY),
        line_height=round(em * LINE_HEIGHT),
        gap=theme.px(10),
    )


def _code_formats(theme: Theme) -> dict[Kind, QTextCharFormat]:
    """The code style of this theme: the palette's own colours, and italics for comments."""
    names = {
        Kind.KEYWORD: "accent", Kind.STRING: "good", Kind.NUMBER: "warn", Kind.COMMENT: "muted",
        Kind.NAME: "text", Kind.REMOVED: "bad", Kind.ADDED: "good",
    }  # fmt: skip
    formats = {}
    for kind, name in names.items():
        shown = QTextCharFormat()
        shown.setForeground(QColor(theme.colour(name)))
        shown.setFontItalic(kind is Kind.COMMENT)
        shown.setFontWeight(700 if kind is Kind.NAME else 400)
        formats[kind] = shown
    return formats
