"""The window's process: names, logs, one instance for each home, the window itself."""

import logging
import sys

from PySide6.QtCore import QMessageLogContext, QSettings, QTimer, QtMsgType, qInstallMessageHandler
from PySide6.QtWidgets import QApplication

from app import __version__
from app.errors import AppError
from app.launch import Launch
from app.logs import set_up_logging
from app.paths import Paths
from app.settings import Settings, load_settings
from app.ui import garbage
from app.ui.chat.conversation import Phase
from app.ui.client import Client
from app.ui.connection import Connection
from app.ui.icons import icon
from app.ui.instance import Instance
from app.ui.report import Reporter
from app.ui.window import Window

_SETTLED_MS = 2000
"""After the start, when the window stands and nobody has begun to type much."""

_QT_LEVELS = {
    QtMsgType.QtDebugMsg: logging.DEBUG,
    QtMsgType.QtInfoMsg: logging.INFO,
    QtMsgType.QtWarningMsg: logging.WARNING,
    QtMsgType.QtCriticalMsg: logging.ERROR,
    QtMsgType.QtFatalMsg: logging.CRITICAL,
}


def run(paths: Paths, launch: Launch) -> int:
    """Show the window and run until it is closed; the exit code."""
    set_up_logging("window", paths.logs)
    qInstallMessageHandler(_log_qt)
    app = _application()
    instance = Instance(paths.data)
    if not instance.is_first:
        instance.raise_first()
        return 0
    reporter = Reporter(paths.logs)
    client = Client(app)
    connection = Connection(client, launch, app)
    window = Window(client, connection, paths, _settings(paths), _geometry(paths))
    instance.asked.connect(window.come_forward)
    window.show()
    connection.start()
    QTimer.singleShot(_SETTLED_MS, garbage.set_aside)  # `app.ui.app` had switched the search off for the start
    garbage.QuietSearch(window.windowHandle(), lambda: window.chat.conversation.phase is Phase.ANSWERING)
    code = app.exec()
    reporter.close()
    instance.close()
    return code


def _application() -> QApplication:
    QApplication.setApplicationName("alcove")
    QApplication.setApplicationDisplayName("Alcove")
    QApplication.setApplicationVersion(__version__)
    QApplication.setOrganizationName("alcove")
    QApplication.setDesktopFileName("alcove")
    app = QApplication(sys.argv[:1])
    app.setWindowIcon(icon("alcove", "#000000"))
    return app


def _settings(paths: Paths) -> Settings:
    """The settings, read without waiting for the backend; it will say what is wrong with a damaged file."""
    try:
        return load_settings(paths.settings)
    except AppError:
        return Settings()


def _geometry(paths: Paths) -> QSettings:
    return QSettings(str(paths.data / "window.ini"), QSettings.Format.IniFormat)


def _log_qt(kind: QtMsgType, context: QMessageLogContext, message: str | None) -> None:
    logging.getLogger("qt").log(_QT_LEVELS.get(kind, logging.WARNING), "%s", message)
