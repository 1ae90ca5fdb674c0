"""The dialog with the loading parameters people set: how long the context is, what goes to the GPU, and so on."""

from msgspec.structs import replace
from PySide6.QtCore import Qt, Signal
from PySide6.QtWidgets import QDialog, QFrame, QHBoxLayout, QScrollArea, QVBoxLayout, QWidget

from app.format import count
from app.protocol import KvType, LoadParams, ModelEntry
from app.protocol.models import MOST_SLOTS
from app.ui.library import Library
from app.ui.models.path_field import PathField
from app.ui.theme import SMALL, TITLE, theme_of
from app.ui.widgets import Button, Choice, Label, Limits, NumberField, OptionRow, Switch, follow_theme
from app.ui.widgets.numbers import shown

_LARGEST = 2**31 - 1
_NUMBERS = {
    "context_length": Limits(1, _LARGEST, 1_024, whole=True),
    "slots": Limits(1, MOST_SLOTS, 1, whole=True),
    "gpu_layers": Limits(0, _LARGEST, 1, whole=True),
    "cpu_experts": Limits(0, _LARGEST, 1, whole=True),
    "threads": Limits(1, 1_024, 1, whole=True),
}
_KV_TYPES = (KvType.F16, KvType.Q8_0, KvType.Q5_1, KvType.Q4_0)
_WIDTH, _SCREEN_SHARE = 480, 0.85


class LoadDialog(QDialog):
    """`load_asked` carries the `LoadParams` that were set; what is left empty the engine chooses."""

    load_asked = Signal(object)

    def __init__(self, entry: ModelEntry, params: LoadParams | None = None, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        self.setWindowTitle(self.tr("Load {name}").format(name=entry.name))
        self._entry, self._params = entry, params or LoadParams()
        self.numbers = {name: NumberField(limits) for name, limits in _NUMBERS.items()}
        self.kv_type, self.flash = Choice(), Choice()
        self.mlock, self.swa_full = Switch(), Switch()
        self.projector, self.draft = PathField(), PathField()
        self.load_button = Button(self.tr("Load"), kind="primary")
        self._rows: dict[str, OptionRow] = {}
        self._list = QWidget()
        self._list.setObjectName("column")
        self._make_rows()
        self._lay_out()
        self._say()
        self._show()
        follow_theme(self._restyle)

    @property
    def params(self) -> LoadParams:
        """The parameters as they stand."""
        chosen = {name: field.value for name, field in self.numbers.items()}
        kv_type = self.kv_type.value
        return replace(
            self._params,
            **chosen,
            kv_type_k=kv_type,
            kv_type_v=kv_type,
            flash_attention=self.flash.value,
            mlock=self.mlock.isChecked(),
            swa_full=self.swa_full.isChecked(),
            projector=self.projector.path,
            draft_model=self.draft.path,
        )

    def _make_rows(self) -> None:
        for name, field in self.numbers.items():
            field.setPlaceholderText(self.tr("automatic"))
            row = self._rows[name] = OptionRow(field, resettable=False)
            field.accepted.connect(lambda good, row=row, field=field: self._judge(row, field, good))
        for name, control in (("kv_type", self.kv_type), ("flash_attention", self.flash)):
            self._rows[name] = OptionRow(control, resettable=False)
        for name, switch in (("mlock", self.mlock), ("swa_full", self.swa_full)):
            self._rows[name] = OptionRow(switch, resettable=False)
        for name, path in (("projector", self.projector), ("draft_model", self.draft)):
            self._rows[name] = OptionRow(path, below=True, resettable=False)

    def _say(self) -> None:
        for name, words in {**self._room_words(), **self._file_words()}.items():
            self._rows[name].set_words(*words)
        same = self.tr("automatic")
        precise = {KvType.F16: self.tr("f16, exact"), KvType.Q8_0: self.tr("q8_0, half the memory")}
        self.kv_type.set_options([(None, same), *((each, precise.get(each, each.value)) for each in _KV_TYPES)])
        self.flash.set_options([(None, same), (True, self.tr("on")), (False, self.tr("off"))])

    def _room_words(self) -> dict[str, tuple[str, str]]:
        trained = self._entry.context_length
        most = self.tr("Trained for {count}.").format(count=count(trained)) if trained else ""
        longer = self.tr("How many tokens it can hold in mind. Longer takes more memory.")
        return {
            "context_length": (self.tr("Context length"), f"{longer} {most}".strip()),
            "slots": (
                self.tr("Answers at once"),
                self.tr("So many answers are written side by side; they share the context."),
            ),
            "gpu_layers": (
                self.tr("GPU layers"),
                self.tr("So many layers go to the graphics card; the rest stays with the processor. 0 uses no card."),
            ),
            "cpu_experts": (
                self.tr("Experts on the processor"),
                self.tr("For mixture-of-experts models: the experts of so many layers stay in ordinary memory."),
            ),
            "threads": (self.tr("Threads"), self.tr("Processor threads at most.")),
            "kv_type": (
                self.tr("Context memory (KV type)"),
                self.tr("How exactly the context is kept: smaller types leave room for more of it."),
            ),
            "flash_attention": (
                self.tr("Flash attention"),
                self.tr("Faster on most cards, and needed by small KV types."),
            ),
        }

    def _file_words(self) -> dict[str, tuple[str, str]]:
        return {
            "mlock": (self.tr("Keep in memory"), self.tr("The system may not move the model out to disk.")),
            "swa_full": (
                self.tr("Whole sliding window"),
                self.tr("More memory; a changed question is then answered without reading all again."),
            ),
            "projector": (
                self.tr("Projector (mmproj)"),
                self.tr("With its projector file the model can see pictures."),
            ),
            "draft_model": (
                self.tr("Draft model"),
                self.tr("A smaller model with the same vocabulary writes ahead; the answer stays the same."),
            ),
        }

    def _show(self) -> None:
        for name, field in self.numbers.items():
            field.set_value(getattr(self._params, name))
        self.kv_type.set_value(self._params.kv_type_k)
        self.flash.set_value(self._params.flash_attention)
        self.mlock.setChecked(self._params.mlock)
        self.swa_full.setChecked(self._params.swa_full)
        self.projector.set_path(self._params.projector)
        self.draft.set_path(self._params.draft_model)

    def _judge(self, row: OptionRow, field: NumberField, good: bool) -> None:
        ends = (shown(int(end)) for end in (field.limits.least, field.limits.most))
        words = self.tr("A whole number from {least} to {most}.")
        row.set_error("" if good else words.format(**dict(zip(("least", "most"), ends, strict=True))))
        self.load_button.setEnabled(all(each.good for each in self.numbers.values()))

    def _lay_out(self) -> None:
        inside = QVBoxLayout(self._list)
        for row in self._rows.values():
            inside.addWidget(row)
        self._inside = inside
        self._scroll = QScrollArea()
        self._scroll.setWidget(self._list)
        self._scroll.setWidgetResizable(True)
        self._scroll.setFrameShape(QFrame.Shape.NoFrame)
        self._scroll.setFocusPolicy(Qt.FocusPolicy.NoFocus)
        self._scroll.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        cancel = Button(self.tr("Cancel"))
        cancel.clicked.connect(self.reject)
        self.load_button.clicked.connect(self._on_load)
        buttons = QHBoxLayout()
        buttons.addStretch(1)
        buttons.addWidget(cancel)
        buttons.addWidget(self.load_button)
        self._column = QVBoxLayout(self)
        self._column.addWidget(Label(self.windowTitle(), scale=TITLE, bold=True, wrap=True))
        note = self.tr("What you leave empty, the engine chooses.")
        self._column.addWidget(Label(note, role="muted", scale=SMALL, wrap=True))
        self._column.addWidget(self._scroll, 1)
        self._column.addLayout(buttons)

    def _on_load(self) -> None:
        self.load_asked.emit(self.params)
        self.accept()

    def _restyle(self) -> None:
        theme = theme_of(self)
        self._column.setContentsMargins(*(theme.px(24),) * 4)
        self._column.setSpacing(theme.px(12))
        self._inside.setContentsMargins(0, 0, theme.px(12), 0)
        self._inside.setSpacing(theme.px(16))
        room = self.screen().availableGeometry().size() * _SCREEN_SHARE
        self.resize(min(theme.px(_WIDTH), room.width()), min(theme.px(680), room.height()))


def open_load_dialog(parent: QWidget, entry: ModelEntry, library: Library) -> LoadDialog:
    """Ask for parameters, then load with them; a model that is loaded is loaded again."""
    dialog = LoadDialog(entry, library.params.get(entry.id), parent)
    dialog.load_asked.connect(lambda params: library.load(entry.id, params))
    dialog.open()
    return dialog
