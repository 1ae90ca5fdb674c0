"""The Models page: what is in the model folder, and what is loaded."""

from pathlib import Path

from PySide6.QtCore import QUrl
from PySide6.QtGui import QDesktopServices, QShowEvent
from PySide6.QtWidgets import QWidget

from app.errors import AppError
from app.ui.library import Library
from app.ui.models.load_dialog import open_load_dialog
from app.ui.models.row import ModelRow
from app.ui.widgets import Button, Card, EmptyState, IconButton, Page


class ModelsPage(Page):
    """Lists the library. `folder` is where GGUF files belong."""

    def __init__(self, library: Library, folder: Path, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._library, self._folder = library, folder
        self._rows: dict[str, ModelRow] = {}
        self._order: list[str] = []
        self._open = Button(name="folder-open")
        self._again = IconButton("refresh-cw", "", size=32)
        self._card = Card()
        self._empty = EmptyState("box")
        self.corner.addWidget(self._open)
        self.corner.addWidget(self._again)
        self.body.addWidget(self._card)
        self.body.addWidget(self._empty)
        self._open.clicked.connect(self.open_folder)
        self._empty.acted.connect(self.open_folder)
        self._again.clicked.connect(library.fetch)
        library.changed.connect(self._show)
        library.failed.connect(self._on_failed)
        self.retranslate()
        self._show()

    def set_folder(self, folder: Path) -> None:
        self._folder = folder
        self.retranslate()

    def retranslate(self) -> None:
        self.title.setText(self.tr("Models"))
        self.sentence.setText(
            self.tr("GGUF files in {folder}. Put a file there, and it appears here.").format(folder=self._folder)
        )
        self._open.setText(self.tr("Open folder"))
        self._again.set_label(self.tr("Look again"))
        self._empty.set_words(
            self.tr("No models of your own yet"),
            self.tr("Download a model as a GGUF file and put it into the model folder."),
            self.tr("Open folder"),
        )

    def open_folder(self) -> None:
        """Show the model folder in the desktop's file browser, made first where it is missing."""
        try:
            self._folder.mkdir(parents=True, exist_ok=True)
        except OSError:
            self._library.fetch()  # The backend says what is wrong with the folder better than a mkdir can.
        QDesktopServices.openUrl(QUrl.fromLocalFile(str(self._folder)))

    def showEvent(self, event: QShowEvent) -> None:
        super().showEvent(event)
        self._library.fetch()

    def _show(self) -> None:
        entries = self._library.entries
        if [each.id for each in entries] != self._order:
            self._build()
        for entry in entries:
            self._rows[entry.id].show_entry(entry)
        self._card.setVisible(bool(entries))
        self._empty.setVisible(self._library.fetched and all(each.builtin for each in entries))

    def _build(self) -> None:
        """New rows for another set of models."""
        self._card.clear()
        self._rows.clear()
        self._order = [each.id for each in self._library.entries]
        for entry in self._library.entries:
            row = ModelRow(entry)
            row.load_asked.connect(self._library.load)
            row.unload_asked.connect(self._library.unload)
            row.tune_asked.connect(self._on_tune_asked)
            self._rows[entry.id] = row
            self._card.add_row(row)

    def _on_tune_asked(self, model_id: str) -> None:
        open_load_dialog(self, self._rows[model_id].entry, self._library)

    def _on_failed(self, model_id: str, error: AppError) -> None:
        if model_id in self._rows:
            self._rows[model_id].show_failure(error)
