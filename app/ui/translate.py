"""The window's languages: translators put in and taken out while it runs."""

from typing import Protocol

from PySide6.QtCore import QCoreApplication, QEvent, QLibraryInfo, QLocale, QObject, QTranslator
from PySide6.QtWidgets import QApplication

from app.errors import AppError
from app.format import Language
from app.paths import RESOURCES
from app.settings import LanguageChoice
from app.words import ErrorWords, choose_language, error_words

FOLDER = RESOURCES / "translations"
_LOCALES: dict[Language, QLocale] = {
    "en": QLocale(QLocale.Language.English, QLocale.Country.UnitedStates),
    "zh": QLocale(QLocale.Language.Chinese, QLocale.Country.China),
}


class Translations(QObject):
    """The translators of one application. A switch reaches every widget as `QEvent.LanguageChange`."""

    def __init__(self, app: QCoreApplication) -> None:
        super().__init__(app)
        self._app = app
        self._installed: list[QTranslator] = []
        self.language: Language = "en"

    def use(self, choice: LanguageChoice) -> None:
        """Speak this language from now on."""
        language = choose_language(choice)
        QLocale.setDefault(_LOCALES[language])
        if language == self.language:
            return
        self.language = language
        for translator in self._installed:
            self._app.removeTranslator(translator)
        self._installed.clear()
        if language == "zh":
            self._install("qtbase_zh_CN", QLibraryInfo.path(QLibraryInfo.LibraryPath.TranslationsPath))
            self._install("alcove_zh_CN", str(FOLDER))

    def _install(self, name: str, folder: str) -> None:
        translator = QTranslator(self)
        if translator.load(name, folder):
            self._app.installTranslator(translator)
            self._installed.append(translator)


def translations() -> Translations:
    """The application's translations; English where nobody has chosen. Needs a QApplication."""
    app = QApplication.instance()
    if app is None:
        raise TypeError("translations need an application")
    return app.findChild(Translations) or Translations(app)


def language() -> Language:
    """The language the window speaks."""
    return translations().language


def words_of(error: AppError) -> ErrorWords:
    """An error's words in the language of the window."""
    return error_words(error.code, error.values, language())


class _Speaker(Protocol):
    def retranslate(self) -> None: ...


class Retranslated:
    """Mixin, named before the Qt class: calls `retranslate()` when the language changes (call it in `__init__` too)."""

    def changeEvent(self: "_Speaker", event: QEvent) -> None:
        if event.type() is QEvent.Type.LanguageChange:
            self.retranslate()
        super().changeEvent(event)  # type: ignore[misc] # the Qt class behind the mixin
