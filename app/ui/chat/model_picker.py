"""The pill at the top: which model answers, where it runs and how it stands, and a menu to change that."""

from PySide6.QtCore import Signal
from PySide6.QtGui import QAction, QActionGroup
from PySide6.QtWidgets import QMenu, QWidget

from app.errors import AppError
from app.protocol import ModelEntry, ModelState
from app.ui.library import Library
from app.ui.translate import Retranslated, words_of
from app.ui.verdicts import verdict_notes, verdict_words
from app.ui.widgets import Pill

_SHOWN = 20
"""Models in the menu; the others are on the Models page."""


class ModelPicker(Retranslated, Pill):
    """Follows the library. `picked` says which model the person wants to talk to."""

    picked = Signal(str)
    models_wanted = Signal()

    def __init__(self, library: Library, parent: QWidget | None = None) -> None:
        super().__init__("", parent, opens_menu=True)
        self._library = library
        self._wanted = ""
        library.changed.connect(self.retranslate)
        self.clicked.connect(self._open_menu)
        self.retranslate()

    @property
    def model(self) -> ModelEntry | None:
        """The model that will answer, as far as the window knows."""
        return model_for(self._wanted, self._library.entries)

    def set_wanted(self, model_id: str) -> None:
        """The id of the model the conversation asks for; empty for whichever is loaded."""
        self._wanted = model_id
        self.retranslate()

    def retranslate(self) -> None:
        model = self.model
        words = self._describe(model) if model else self.tr("No model yet")
        self.set_text(words)
        self.setAccessibleName(self.tr("Model: {words}").format(words=words))
        self.set_progress(model.progress if model and model.state is ModelState.LOADING else None)

    def menu(self) -> QMenu:
        """The menu as it would open now."""
        menu = QMenu(self)
        menu.setToolTipsVisible(True)
        group = QActionGroup(menu)
        for entry in self._library.entries[:_SHOWN]:
            self._add_model(menu, group, entry)
        menu.addSeparator()
        if (model := self.model) is not None:
            self._add_act(menu, model)
        menu.addAction(self.tr("All models…"), self.models_wanted.emit)
        return menu

    def _open_menu(self) -> None:
        menu = self.menu()
        menu.aboutToHide.connect(menu.deleteLater)
        menu.popup(self.mapToGlobal(self.rect().bottomLeft()))

    def _add_model(self, menu: QMenu, group: QActionGroup, entry: ModelEntry) -> None:
        parts = [entry.name, entry.quantization, *self._state_words(entry)]
        action = QAction("  ·  ".join(part for part in parts if part), group)
        action.setCheckable(True)
        action.setChecked(self.model is not None and entry.id == self.model.id)
        action.setEnabled(entry.state is not ModelState.BROKEN)
        action.setToolTip(verdict_notes(entry))
        action.triggered.connect(lambda _checked=False, model_id=entry.id: self._pick(model_id))
        menu.addAction(action)

    def _add_act(self, menu: QMenu, model: ModelEntry) -> None:
        match model.state:
            case ModelState.LOADED:
                menu.addAction(self.tr("Unload"), lambda: self._library.unload(model.id))
            case ModelState.LOADING:
                menu.addAction(self.tr("Cancel loading"), lambda: self._library.unload(model.id))
            case ModelState.AVAILABLE:
                menu.addAction(self.tr("Load"), lambda: self._library.load(model.id))
        if model.state in (ModelState.LOADED, ModelState.AVAILABLE):
            menu.addAction(self.tr("Load with…"), lambda: self._open_load_dialog(model))

    def _open_load_dialog(self, model: ModelEntry) -> None:
        from app.ui.models.load_dialog import open_load_dialog  # noqa: PLC0415 (the first paint needs none of it)

        open_load_dialog(self, model, self._library)

    def _pick(self, model_id: str) -> None:
        self.set_wanted(model_id)
        self.picked.emit(model_id)
        entry = self.model
        if entry is not None and entry.state is ModelState.AVAILABLE:
            self._library.load(model_id)

    def _describe(self, model: ModelEntry) -> str:
        return "  ·  ".join(part for part in (model.name, model.quantization, *self._state_words(model)) if part)

    def _state_words(self, model: ModelEntry) -> list[str]:
        match model.state:
            case ModelState.LOADED:
                return [model.device or self.tr("loaded")]
            case ModelState.LOADING:
                percent = round((model.progress or 0.0) * 100)
                return [self.tr("loading {percent} %").format(percent=percent)]
            case ModelState.BROKEN:
                return [words_of(AppError.from_info(model.error)).title if model.error else self.tr("broken")]
            case ModelState.AVAILABLE:
                return [verdict_words(model) or self.tr("not loaded")]


def model_for(wanted: str, entries: list[ModelEntry]) -> ModelEntry | None:
    """The model that answers: the wanted one, else what is loaded or loading, else the starter, else one that works."""
    ranks = (
        lambda entry: entry.id == wanted,
        lambda entry: entry.state in (ModelState.LOADED, ModelState.LOADING),
        lambda entry: entry.builtin,
        lambda entry: entry.state is ModelState.AVAILABLE,
    )
    return next((entry for fits in ranks for entry in entries if fits(entry)), None)
