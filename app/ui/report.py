"""An unexpected exception, shown once and kindly, with a report to copy."""

import platform
import sys
import traceback
from pathlib import Path
from types import TracebackType

from PySide6 import __version__ as qt_version
from PySide6.QtCore import QObject, QTimer
from PySide6.QtGui import QGuiApplication
from PySide6.QtWidgets import QApplication, QDialog, QHBoxLayout, QPlainTextEdit, QVBoxLayout, QWidget

from app import __version__
from app.ui.theme import TITLE, theme_of
from app.ui.widgets import Button, Label, follow_theme


class Reporter(QObject):
    """Stands behind `sys.excepthook` until closed: what came before it logs, the first exception is also shown."""

    def __init__(self, logs: Path, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._logs = logs
        self._shown = False
        self._dialog: ReportDialog | None = None
        self._before = sys.excepthook
        sys.excepthook = self._on_exception

    def close(self) -> None:
        sys.excepthook = self._before

    def _on_exception(self, kind: type[BaseException], error: BaseException, trace: TracebackType | None) -> None:
        self._before(kind, error, trace)
        if self._shown or issubclass(kind, KeyboardInterrupt):
            return
        self._shown = True
        report = report_of(error)
        QTimer.singleShot(0, self, lambda: self._show(report))

    def _show(self, report: str) -> None:
        self._dialog = ReportDialog(report, self._logs, QApplication.activeWindow())
        self._dialog.open()


class ReportDialog(QDialog):
    """What happened, and the report that helps to mend it."""

    def __init__(self, report: str, logs: Path, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.report = report
        self.setWindowTitle(self.tr("Something went wrong"))
        title = Label(self.tr("Something went wrong inside Alcove"), scale=TITLE, bold=True, wrap=True)
        said = self.tr(
            "Your conversations are safe. You can go on; if something looks odd, close the window and open it again. "
            "The report below holds nothing you wrote. The log is in {folder}."
        ).format(folder=logs)
        text = QPlainTextEdit(report, readOnly=True)
        text.setAccessibleName(self.tr("Report"))
        copy, close = Button(self.tr("Copy report"), name="copy"), Button(self.tr("Go on"), kind="primary")
        copy.clicked.connect(lambda: QGuiApplication.clipboard().setText(report))
        close.clicked.connect(self.accept)
        self._text = text
        self._column = QVBoxLayout(self)
        for widget in (title, Label(said, wrap=True), text):
            self._column.addWidget(widget)
        buttons = QHBoxLayout()
        buttons.addStretch(1)
        buttons.addWidget(copy)
        buttons.addWidget(close)
        self._column.addLayout(buttons)
        close.setFocus()
        follow_theme(self._restyle)

    def _restyle(self) -> None:
        theme = theme_of(self)
        self.resize(theme.px(560), theme.px(400))
        self._text.setFont(theme.code_font())
        self._column.setContentsMargins(*(theme.px(24),) * 4)
        self._column.setSpacing(theme.px(12))


def report_of(error: BaseException) -> str:
    """Versions and the traceback, which names code but no values."""
    head = f"Alcove {__version__}, Python {platform.python_version()}, PySide6 {qt_version}, {platform.platform()}"
    return f"{head}\n\n{''.join(traceback.format_exception(error))}"
