"""A field for the path of a file that may be left out, with a button that opens the file dialog."""

from PySide6.QtCore import Qt
from PySide6.QtWidgets import QFileDialog, QHBoxLayout, QLineEdit, QWidget

from app.ui.translate import Retranslated
from app.ui.widgets import IconButton


class PathField(Retranslated, QWidget):
    """Named like its row: the name goes to the field."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.line = QLineEdit()
        self._choose = IconButton("folder-open", "", size=32)
        row = QHBoxLayout(self)
        row.setContentsMargins(0, 0, 0, 0)
        row.addWidget(self.line, 1)
        row.addWidget(self._choose)
        self.setFocusProxy(self.line)
        self._choose.clicked.connect(self._on_choose)
        self.retranslate()

    @property
    def path(self) -> str:
        return self.line.text().strip()

    def set_path(self, path: str) -> None:
        self.line.setText(path)

    def setAccessibleName(self, name: str) -> None:
        super().setAccessibleName(name)
        self.line.setAccessibleName(name)
        self._choose.set_label(self.tr("Choose: {name}").format(name=name))

    def retranslate(self) -> None:
        self.line.setPlaceholderText(self.tr("none"))

    def _on_choose(self) -> None:
        dialog = QFileDialog(self, self.tr("Choose a file"), self.path)
        dialog.setFileMode(QFileDialog.FileMode.ExistingFile)
        dialog.setNameFilters([self.tr("GGUF files") + " (*.gguf)", self.tr("All files") + " (*)"])
        dialog.fileSelected.connect(self.set_path)
        dialog.finished.connect(dialog.deleteLater)
        dialog.setWindowModality(Qt.WindowModality.WindowModal)
        dialog.open()
