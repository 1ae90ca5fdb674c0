"""The frame of every page but the chat: a title, one sentence, and a column that scrolls."""

from PySide6.QtCore import Qt
from PySide6.QtWidgets import QFrame, QHBoxLayout, QLabel, QLayout, QScrollArea, QVBoxLayout, QWidget

from app.ui.theme import PAGE_TITLE, SMALL, theme_of
from app.ui.translate import Retranslated
from app.ui.widgets.themed import Label, follow_theme

_MEASURE = 720


class Page(Retranslated, QWidget):
    """Fill `body`; put a page-wide button into `corner`. Say the title and the sentence in `retranslate()`."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setObjectName("page")
        self.setAttribute(Qt.WidgetAttribute.WA_StyledBackground)
        self.title = Label(scale=PAGE_TITLE, bold=True)
        self.sentence = Label(role="muted", wrap=True)
        self.corner = QHBoxLayout()
        self.body = QVBoxLayout()
        self._column = QWidget()
        self._column.setObjectName("column")
        self._scroll = QScrollArea()
        self._scroll.setWidgetResizable(True)
        self._scroll.setFocusPolicy(Qt.FocusPolicy.NoFocus)
        self._scroll.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self._build_frame()
        follow_theme(self._restyle_page)

    def retranslate(self) -> None:
        """Put every word of the page in place; pages override it."""

    def _build_frame(self) -> None:
        head = QHBoxLayout()
        head.addWidget(self.title, 1)
        head.addLayout(self.corner)
        self._inner = QVBoxLayout(self._column)
        self._inner.addLayout(head)
        self._inner.addWidget(self.sentence)
        self._inner.addLayout(self.body)
        self._inner.addStretch(1)
        holder = QWidget()
        holder.setObjectName("column")
        row = QHBoxLayout(holder)
        row.setContentsMargins(0, 0, 0, 0)
        row.addStretch(1)
        row.addWidget(self._column, 100)
        row.addStretch(1)
        self._scroll.setWidget(holder)
        outer = QVBoxLayout(self)
        outer.setContentsMargins(0, 0, 0, 0)
        outer.addWidget(self._scroll)
        self.setFocusProxy(self._scroll)  # so that the keys scroll a page that was just opened

    def _restyle_page(self) -> None:
        theme = theme_of(self)
        self._column.setMaximumWidth(theme.px(_MEASURE + 48))
        self._inner.setContentsMargins(theme.px(24), theme.px(24), theme.px(24), theme.px(32))
        self._inner.setSpacing(theme.px(8))
        self.body.setContentsMargins(0, theme.px(12), 0, 0)
        self.body.setSpacing(theme.px(12))


class Card(QFrame):
    """A surface with a hairline border; add rows, they are parted by hairlines."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setObjectName("card")
        self.rows = QVBoxLayout(self)
        self.rows.setContentsMargins(0, 0, 0, 0)
        self.rows.setSpacing(0)

    def add_row(self, row: QWidget) -> None:
        if self.rows.count():
            rule = QFrame()
            rule.setObjectName("rule")
            self.rows.addWidget(rule)
        self.rows.addWidget(row)

    def clear(self) -> None:
        """Take every row away."""
        while (item := self.rows.takeAt(0)) is not None:
            if (widget := item.widget()) is not None:
                widget.deleteLater()


class FieldRow(QWidget):
    """A name with a muted sentence at the left, its controls at the right."""

    def __init__(self, *controls: QWidget) -> None:
        super().__init__()
        self.name, self._text = Label(wrap=True), Label(role="muted", scale=SMALL, wrap=True)
        words = QVBoxLayout()
        words.addWidget(self.name)
        words.addWidget(self._text)
        self._words = words
        self._row = QHBoxLayout(self)
        self._row.addLayout(words, 1)
        for control in controls:
            self._row.addWidget(control, 0, Qt.AlignmentFlag.AlignVCenter)
        self._controls = controls
        follow_theme(self._restyle)

    def set_words(self, name: str, text: str = "") -> None:
        """Show and, for a single control, also name it so."""
        self.name.setText(name)
        self._text.setText(text)
        self._text.setVisible(bool(text))
        if len(self._controls) == 1 and not isinstance(self._controls[0], QLabel):
            self._controls[0].setAccessibleName(name)
            self._controls[0].setAccessibleDescription(text)

    def _restyle(self) -> None:
        theme = theme_of(self)
        self._row.setContentsMargins(theme.px(16), theme.px(12), theme.px(16), theme.px(12))
        self._row.setSpacing(theme.px(8))
        self._words.setSpacing(theme.px(2))


def section_title(layout: QLayout) -> Label:
    """A heading within a page, added to its body."""
    label = Label(bold=True)
    label.setContentsMargins(0, label.fontMetrics().height() // 2, 0, 0)
    layout.addWidget(label)
    return label
