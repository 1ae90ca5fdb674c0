import sys
from pathlib import Path
from types import TracebackType

import pytest
from PySide6.QtGui import QGuiApplication
from PySide6.QtWidgets import QApplication, QLabel, QPlainTextEdit
from pytestqt.qtbot import QtBot

from app import __version__
from app.ui.report import ReportDialog, Reporter, report_of
from tests.ui.finding import button, child


def dialogs(app: QApplication) -> list[ReportDialog]:
    return [each for each in app.topLevelWidgets() if isinstance(each, ReportDialog) and each.isVisible()]


def fail(text: str) -> tuple[type[BaseException], BaseException, TracebackType | None]:
    try:
        raise RuntimeError(text)
    except RuntimeError as error:
        return type(error), error, error.__traceback__


@pytest.fixture
def seen(monkeypatch: pytest.MonkeyPatch) -> list[BaseException]:
    caught: list[BaseException] = []
    monkeypatch.setattr(sys, "excepthook", lambda _kind, error, _trace: caught.append(error))
    return caught


def test_the_first_exception_is_shown_once_and_all_are_logged(
    qtbot: QtBot, qapp: QApplication, seen: list[BaseException], tmp_path: Path
) -> None:
    reporter = Reporter(tmp_path)
    sys.excepthook(*fail("first"))
    qtbot.waitUntil(lambda: len(dialogs(qapp)) == 1)
    sys.excepthook(*fail("second"))
    qapp.processEvents()
    assert len(dialogs(qapp)) == 1
    assert "first" in dialogs(qapp)[0].report
    assert [str(error) for error in seen] == ["first", "second"]
    dialogs(qapp)[0].accept()
    reporter.close()


def test_leaving_by_keyboard_is_no_fault(
    qtbot: QtBot, qapp: QApplication, seen: list[BaseException], tmp_path: Path
) -> None:
    reporter = Reporter(tmp_path)
    sys.excepthook(KeyboardInterrupt, KeyboardInterrupt(), None)
    qapp.processEvents()
    assert dialogs(qapp) == []
    reporter.close()


def test_the_dialog_has_a_report_to_copy_and_names_the_log(qtbot: QtBot, tmp_path: Path) -> None:
    report = report_of(fail("boom")[1])
    dialog = ReportDialog(report, tmp_path)
    qtbot.addWidget(dialog)
    dialog.show()
    assert child(dialog, QPlainTextEdit).toPlainText().startswith(f"Alcove {__version__}, Python 3.")
    button(dialog, "Copy report").click()
    assert "RuntimeError: boom" in QGuiApplication.clipboard().text()
    assert any(str(tmp_path) in each.text() for each in dialog.findChildren(QLabel))


def test_closing_puts_the_old_hook_back(seen: list[BaseException], qapp: QApplication, tmp_path: Path) -> None:
    before = sys.excepthook
    Reporter(tmp_path).close()
    assert sys.excepthook is before
