"""The Settings page: changes apply at once."""

from pathlib import Path

from PySide6.QtCore import QUrl
from PySide6.QtGui import QDesktopServices
from PySide6.QtWidgets import QFileDialog, QWidget

from app.errors import AppError
from app.paths import Paths
from app.settings import LanguageChoice, Theme
from app.ui.preferences import Preferences
from app.ui.settings.about import About
from app.ui.settings.accents import Accents
from app.ui.widgets import Button, Card, Choice, ErrorCard, FieldRow, Page, section_title

TEXT_SIZES = (80, 90, 100, 110, 125, 150, 175, 200)


class SettingsPage(Page):
    """Shows `Preferences` and changes them."""

    def __init__(self, preferences: Preferences, paths: Paths, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._preferences, self._paths = preferences, paths
        self.language, self.theme, self.text_size = Choice(), Choice(), Choice()
        self.accents = Accents()
        self._choose, self._reset, self._show_models = Button(), Button(kind="quiet"), Button(kind="quiet")
        self._logs = Button(name="folder-open")
        self._error: ErrorCard | None = None
        self._lay_out()
        self._connect()
        self.retranslate()

    def folder(self) -> Path:
        """Where the models are."""
        chosen = self._preferences.settings.model_folder
        return Path(chosen) if chosen else self._paths.default_models

    def retranslate(self) -> None:
        self.title.setText(self.tr("Settings"))
        self.sentence.hide()
        self._say_rows()
        self._choose.setText(self.tr("Choose…"))
        self._choose.setAccessibleName(self.tr("Choose the model folder"))
        self._reset.setText(self.tr("Reset"))
        self._reset.setAccessibleName(self.tr("Reset the model folder"))
        self._show_models.setText(self.tr("Open"))
        self._show_models.setAccessibleName(self.tr("Open the model folder"))
        self._logs.setText(self.tr("Open folder"))
        self._logs.setAccessibleName(self.tr("Open the log folder"))
        self._appearance.setText(self.tr("Appearance"))
        self._files.setText(self.tr("Files"))
        self._about_title.setText(self.tr("About"))
        self._say_options()
        self._show()

    def _say_rows(self) -> None:
        self._rows["language"].set_words(self.tr("Language"))
        self._rows["theme"].set_words(self.tr("Theme"))
        self._rows["accent"].set_words(self.tr("Accent colour"))
        self._rows["text_size"].set_words(self.tr("Text size"), self.tr("Percent of your system's own size."))
        self._rows["logs"].set_words(
            self.tr("Logs"), self.tr("They hold times, names and errors, never what you write or read here.")
        )

    def _say_options(self) -> None:
        system = self.tr("Like the system")
        chosen = LanguageChoice
        self.language.set_options([(chosen.SYSTEM, system), (chosen.ENGLISH, "English"), (chosen.CHINESE, "简体中文")])
        self.theme.set_options(
            [
                (Theme.SYSTEM, system),
                (Theme.LIGHT, self.tr("Light")),
                (Theme.DARK, self.tr("Dark")),
                (Theme.CONTRAST, self.tr("High contrast")),
            ]
        )
        self.text_size.set_options([(size, f"{size} %") for size in TEXT_SIZES])

    def _lay_out(self) -> None:
        self._rows = {
            "language": FieldRow(self.language),
            "theme": FieldRow(self.theme),
            "accent": FieldRow(self.accents),
            "text_size": FieldRow(self.text_size),
            "folder": FieldRow(self._show_models, self._reset, self._choose),
            "logs": FieldRow(self._logs),
        }
        self._appearance = section_title(self.body)
        self._add_card("language", "theme", "accent", "text_size")
        self._files = section_title(self.body)
        self._add_card("folder", "logs")
        self._about_title = section_title(self.body)
        self.body.addWidget(About(self._paths))

    def _add_card(self, *names: str) -> None:
        card = Card()
        for name in names:
            card.add_row(self._rows[name])
        self.body.addWidget(card)

    def _connect(self) -> None:
        change = self._preferences.change
        self.language.picked.connect(lambda value: change(language=value))
        self.theme.picked.connect(lambda value: change(theme=value))
        self.accents.picked.connect(lambda value: change(accent=value))
        self.text_size.picked.connect(lambda value: change(text_size=value))
        self._choose.clicked.connect(self._on_choose)
        self._reset.clicked.connect(lambda: change(model_folder=""))
        self._show_models.clicked.connect(lambda: _open(self.folder()))
        self._logs.clicked.connect(lambda: _open(self._paths.logs))
        self._preferences.changed.connect(self._show)
        self._preferences.failed.connect(self._on_failed)

    def _show(self) -> None:
        settings = self._preferences.settings
        self.language.set_value(settings.language)
        self.theme.set_value(settings.theme)
        self.accents.set_value(settings.accent)
        if self.text_size.findData(settings.text_size) < 0:
            self.text_size.addItem(f"{settings.text_size} %", settings.text_size)
        self.text_size.set_value(settings.text_size)
        self._rows["folder"].set_words(self.tr("Model folder"), str(self.folder()))
        self._reset.setVisible(bool(settings.model_folder))

    def _on_choose(self) -> None:
        dialog = QFileDialog(self, self.tr("Choose the model folder"), str(self.folder()))
        dialog.setFileMode(QFileDialog.FileMode.Directory)
        dialog.setOption(QFileDialog.Option.ShowDirsOnly)
        dialog.fileSelected.connect(lambda folder: self._preferences.change(model_folder=folder))
        dialog.finished.connect(dialog.deleteLater)
        dialog.open()

    def _on_failed(self, error: AppError) -> None:
        if self._error is None:
            self._error = ErrorCard(error)
            self.body.insertWidget(0, self._error)
        self._error.show_error(error)
        self._error.show()


def _open(folder: Path) -> None:
    QDesktopServices.openUrl(QUrl.fromLocalFile(str(folder)))
