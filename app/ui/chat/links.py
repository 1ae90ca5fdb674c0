"""Opening a link of an answer: only after its address was shown."""

from PySide6.QtCore import Qt, QUrl
from PySide6.QtGui import QDesktopServices, QGuiApplication
from PySide6.QtWidgets import QMessageBox, QWidget


class LinkQuestion(QMessageBox):
    """Shows where a link leads, and opens it where that is wanted."""

    def __init__(self, address: str, parent: QWidget) -> None:
        super().__init__(parent)
        self.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        self.setTextFormat(Qt.TextFormat.PlainText)
        self.setWindowTitle(self.tr("Open this link?"))
        self.setText(self.tr("This link leads to:"))
        self.setInformativeText(address)
        open_button = self.addButton(self.tr("Open"), QMessageBox.ButtonRole.AcceptRole)
        copy_button = self.addButton(self.tr("Copy address"), QMessageBox.ButtonRole.ActionRole)
        self.addButton(QMessageBox.StandardButton.Cancel)
        open_button.clicked.connect(lambda: QDesktopServices.openUrl(QUrl(address)))
        copy_button.clicked.connect(lambda: QGuiApplication.clipboard().setText(address))
