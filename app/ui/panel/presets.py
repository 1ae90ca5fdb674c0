"""The presets at the top of the panel: choose one, keep the present values as one, rename, delete."""

from collections.abc import Sequence

from msgspec.structs import replace
from PySide6.QtCore import Signal
from PySide6.QtWidgets import QHBoxLayout, QInputDialog, QMenu, QWidget

from app.protocol import Preset
from app.ui.chat.answer_options import AnswerOptions
from app.ui.theme import theme_of
from app.ui.translate import Retranslated
from app.ui.widgets import Choice, IconButton, follow_theme, show_toast

LONGEST_NAME = 60


class PresetBar(Retranslated, QWidget):
    """`changed` carries the presets as a person wants them; whoever keeps them hands them back with `set_presets`."""

    changed = Signal(object)

    def __init__(self, answers: AnswerOptions) -> None:
        super().__init__()
        self._answers = answers
        self._presets: list[Preset] = []
        self.choice = Choice()
        self.more = IconButton("ellipsis", "", size=32)
        self._line = QHBoxLayout(self)
        self._line.setContentsMargins(0, 0, 0, 0)
        self._line.addWidget(self.choice, 1)
        self._line.addWidget(self.more)
        self.choice.picked.connect(self._on_picked)
        self.more.clicked.connect(self._open_menu)
        answers.changed.connect(self.refresh)
        self.retranslate()
        follow_theme(self._restyle)

    def set_presets(self, presets: Sequence[Preset]) -> None:
        self._presets = list(presets)
        self.retranslate()

    @property
    def current(self) -> Preset | None:
        """The preset whose values are in force, if one is."""
        return next((each for each in self._presets if self._answers.as_preset(each.name) == each), None)

    def retranslate(self) -> None:
        self.choice.setAccessibleName(self.tr("Preset"))
        self.choice.setPlaceholderText(self.tr("Your own values"))
        self.more.set_label(self.tr("Keep, rename or delete presets"))
        self.choice.set_options(
            [("", self.tr("As the model comes")), *((each.name, each.name) for each in self._presets)]
        )
        self.refresh()

    def refresh(self) -> None:
        current = self.current
        plain = self._answers.as_preset("") == Preset(name="")
        self.choice.set_value(current.name if current else "" if plain else None)

    def menu(self) -> QMenu:
        """The menu as it would open now."""
        menu = QMenu(self)
        menu.addAction(self.tr("Save as a preset…"), self._ask_name)
        if (current := self.current) is not None:
            menu.addAction(self.tr("Rename “{name}”…").format(name=current.name), lambda: self._ask_new_name(current))
            menu.addAction(self.tr("Delete “{name}”").format(name=current.name), lambda: self._delete(current))
        return menu

    def save_as(self, name: str) -> None:
        """Keep the present values under that name, in place of a preset that has it already."""
        name = name.strip()[:LONGEST_NAME]
        if name:
            made = self._answers.as_preset(name)
            kept = [each for each in self._presets if each.name != name]
            self._offer(sorted([*kept, made], key=lambda each: each.name.casefold()))

    def rename(self, preset: Preset, name: str) -> None:
        """Call a preset otherwise. A name that is taken is left to its owner."""
        name = name.strip()[:LONGEST_NAME]
        if not name or name == preset.name:
            return
        if any(each.name == name for each in self._presets):
            show_toast(self, self.tr("Another preset is called “{name}”.").format(name=name))
            return
        self._offer([replace(each, name=name) if each == preset else each for each in self._presets])

    def _delete(self, preset: Preset) -> None:
        before = self._presets
        self._offer([each for each in before if each != preset])
        show_toast(self, self.tr("Preset deleted"), self.tr("Undo"), lambda: self._offer(before))

    def _offer(self, presets: list[Preset]) -> None:
        self.set_presets(presets)
        self.changed.emit(presets)

    def _on_picked(self, name: str) -> None:
        chosen = next((each for each in self._presets if each.name == name), Preset(name=""))
        self._answers.use(chosen)

    def _open_menu(self) -> None:
        menu = self.menu()
        menu.aboutToHide.connect(menu.deleteLater)
        menu.popup(self.more.mapToGlobal(self.more.rect().bottomLeft()))

    def _ask_name(self) -> None:
        dialog = self._name_dialog(self.tr("Save as a preset"), "")
        dialog.textValueSelected.connect(self.save_as)
        dialog.open()

    def _ask_new_name(self, preset: Preset) -> None:
        dialog = self._name_dialog(self.tr("Rename the preset"), preset.name)
        dialog.textValueSelected.connect(lambda name: self.rename(preset, name))
        dialog.open()

    def _name_dialog(self, title: str, name: str) -> QInputDialog:
        dialog = QInputDialog(self)
        dialog.setWindowTitle(title)
        dialog.setLabelText(self.tr("Name:"))
        dialog.setTextValue(name)
        dialog.finished.connect(dialog.deleteLater)
        return dialog

    def _restyle(self) -> None:
        self._line.setSpacing(theme_of(self).px(4))
