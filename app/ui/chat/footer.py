"""The line under a message: what the answer cost, its versions, and the actions, which appear when they are wanted."""

from PySide6.QtCore import Qt
from PySide6.QtWidgets import QHBoxLayout, QToolTip, QWidget

from app.format import count, rate, seconds
from app.protocol import Role
from app.ui.chat.figures import FigureWords
from app.ui.chat.row_widget import Ask, RowContext, RowWidget
from app.ui.chat.rows import Footer, Row
from app.ui.theme import SMALL
from app.ui.widgets import ElidedLabel, IconButton, Label


class FooterRow(RowWidget):
    """Holds its place whether the actions are shown or not. They are made when they are first wanted."""

    def __init__(self, context: RowContext) -> None:
        super().__init__(context)
        self._shown: Footer | None = None
        self._revealed = False
        self._actions: QWidget | None = None
        self._versions: _Versions | None = None
        self._line = QHBoxLayout(self)
        self._line.setContentsMargins(0, 0, 0, 0)
        self._line.setSpacing(context.look.px(4))
        self._figures = ElidedLabel(role="muted", scale=SMALL)
        self._line.addWidget(self._figures, 1)

    def set_row(self, row: Row) -> None:
        if not isinstance(row, Footer) or row == self._shown:
            return
        rebuild = self._shown is None or (row.role, row.busy, row.stats) != (
            self._shown.role,
            self._shown.busy,
            self._shown.stats,
        )
        self._shown = row
        self._figures.setText("" if row.busy else self._describe(row))
        self._figures.set_hint("" if row.busy else self._details(row))
        if rebuild and self._actions is not None:
            self._actions.deleteLater()
            self._actions = None
        self._show_versions(row)
        self.reveal(self._revealed)

    def height_for(self, width: int) -> int:
        return self.look.px(32)

    def reveal(self, revealed: bool) -> None:
        self._revealed = revealed
        if revealed and self._actions is None and self._shown is not None:
            self._actions = self._make_actions(self._shown)
            self._line.addWidget(self._actions)
        if self._actions is not None:
            self._actions.setVisible(revealed)

    def _show_versions(self, row: Footer) -> None:
        if row.versions > 1 and self._versions is None:
            self._versions = _Versions(self)
            self._line.insertWidget(1, self._versions)
        if self._versions is not None:
            self._versions.setVisible(row.versions > 1)
            self._versions.show_version(row.version, row.versions, row.busy)

    def _make_actions(self, row: Footer) -> QWidget:
        box = QWidget()
        line = QHBoxLayout(box)
        line.setContentsMargins(0, 0, 0, 0)
        line.setSpacing(self.look.px(2))
        shown = [("copy", self.tr("Copy message"), Ask.COPY)]
        if row.role is Role.USER:
            shown.append(("pencil", self.tr("Edit message"), Ask.EDIT))
        elif not row.busy:
            shown.append(("rotate-ccw", self.tr("Write the answer again"), Ask.REGENERATE))
        if not row.busy:
            shown.append(("trash-2", self.tr("Delete message and what follows"), Ask.DELETE))
        if row.role is Role.ASSISTANT and self._details(row):
            line.addWidget(self._make_details_button())
        for name, label, ask in shown:
            button = IconButton(name, label)
            button.clicked.connect(lambda _checked=False, ask=ask: self.ask(ask))
            line.addWidget(button)
        return box

    def _make_details_button(self) -> IconButton:
        """For those who do not point: the figures at a press."""
        button = IconButton("info", self.tr("Figures of this answer"))
        button.setAccessibleDescription(self._details(self._shown))
        button.clicked.connect(
            lambda: QToolTip.showText(button.mapToGlobal(button.rect().topLeft()), self._details(self._shown), button)
        )
        return button

    def _details(self, row: Footer | None) -> str:
        if row is None or row.stats is None or row.busy:
            return ""
        return "\n".join(FigureWords().lines(row.stats, self.look.language))

    def _describe(self, row: Footer) -> str:
        parts = [row.model] if row.model else []
        if (stats := row.stats) and stats.context_length:
            language = self.look.language
            if (speed := stats.tokens_per_second) is not None:
                parts.append(rate(speed, language))
            parts.append(self.tr("first token {time}").format(time=seconds(stats.ttft_s, language)))
            parts.append(self.tr("{count} tokens").format(count=count(stats.answer_tokens)))
        return "  ·  ".join(parts)


class _Versions(QWidget):
    """‹ 2/3 ›: steps through the versions of a message."""

    def __init__(self, footer: FooterRow) -> None:
        super().__init__(footer)
        self._number = Label(role="muted", scale=SMALL)
        self._previous = IconButton("chevron-left", self.tr("Previous version"))
        self._next = IconButton("chevron-right", self.tr("Next version"))
        self._previous.clicked.connect(lambda: footer.ask(Ask.PREVIOUS_VERSION))
        self._next.clicked.connect(lambda: footer.ask(Ask.NEXT_VERSION))
        line = QHBoxLayout(self)
        line.setContentsMargins(0, 0, 0, 0)
        line.setSpacing(0)
        for widget in (self._previous, self._number, self._next):
            line.addWidget(widget, 0, Qt.AlignmentFlag.AlignVCenter)

    def show_version(self, version: int, versions: int, busy: bool) -> None:
        self._number.setText(f"{version}/{versions}")
        self._number.setAccessibleName(self.tr("Version {number} of {count}").format(number=version, count=versions))
        self._previous.setEnabled(version > 1 and not busy)
        self._next.setEnabled(version < versions and not busy)
