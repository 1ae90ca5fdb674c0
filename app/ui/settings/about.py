"""About: the version, where the data is, and the licences of everything shipped."""

from PySide6.QtCore import Qt
from PySide6.QtWidgets import QDialog, QTextBrowser, QVBoxLayout, QWidget

from app import __version__
from app.paths import RESOURCES, Paths
from app.ui.theme import theme_of
from app.ui.translate import Retranslated
from app.ui.widgets import Button, Card, FieldRow, follow_theme


class About(Retranslated, Card):
    """Rows for the settings page."""

    def __init__(self, paths: Paths) -> None:
        super().__init__()
        self._paths = paths
        self._licences = Button()
        self._licences.clicked.connect(self._on_licences)
        self._version_row, self._data_row, self._licence_row = FieldRow(), FieldRow(), FieldRow(self._licences)
        for row in (self._version_row, self._data_row, self._licence_row):
            self.add_row(row)
        self.retranslate()

    def retranslate(self) -> None:
        self._version_row.set_words(f"Alcove {__version__}", self.tr("Talk to open models on your own computer."))
        self._data_row.set_words(self.tr("Your data"), str(self._paths.data))
        self._licence_row.set_words(
            self.tr("Licences"), self.tr("Alcove is free software (Apache-2.0), made with the work of others.")
        )
        self._licences.setText(self.tr("Show"))
        self._licences.setAccessibleName(self.tr("Show licences"))

    def _on_licences(self) -> None:
        dialog = Licences(self)
        dialog.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        dialog.open()


class Licences(QDialog):
    """The licence texts of everything that is shipped."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setWindowTitle(self.tr("Licences"))
        self._text = QTextBrowser()
        self._text.setOpenLinks(False)
        self._text.setAccessibleName(self.tr("Licences"))
        self._text.setMarkdown(licence_text())
        self._column = QVBoxLayout(self)
        self._column.addWidget(self._text)
        close = Button(self.tr("Close"))
        close.clicked.connect(self.accept)
        self._column.addWidget(close, 0, Qt.AlignmentFlag.AlignRight)
        follow_theme(self._restyle)

    def _restyle(self) -> None:
        theme = theme_of(self)
        self.resize(theme.px(640), theme.px(480))
        self._column.setContentsMargins(*(theme.px(16),) * 4)


def licence_text() -> str:
    """resources/LICENCES.md followed by the texts it names, as Markdown."""
    texts = [RESOURCES / "fonts" / "Inter-OFL.txt", RESOURCES / "fonts" / "JetBrainsMono-OFL.txt"]
    texts.append(RESOURCES / "icons" / "LUCIDE-LICENSE.txt")
    parts = [(RESOURCES / "LICENCES.md").read_text(encoding="utf-8")]
    parts += [f"## {path.name}\n\n{path.read_text(encoding='utf-8')}" for path in texts]
    return "\n\n".join(parts)
