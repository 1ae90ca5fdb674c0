"""The Server page: one switch that lets other programs on this computer use the models."""

from PySide6.QtGui import QGuiApplication, QIntValidator
from PySide6.QtWidgets import QLineEdit, QWidget

from app.errors import AppError
from app.protocol import PortRequest
from app.ui.server.port import DEFAULT_PORT, Port
from app.ui.theme import theme_of
from app.ui.widgets import (
    Button,
    Card,
    ErrorCard,
    FieldRow,
    Label,
    Page,
    Switch,
    follow_theme,
    section_title,
    show_toast,
)


class ServerPage(Page):
    """Shows and changes the `Port`."""

    def __init__(self, port: Port, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._port = port
        self.switch, self.number = Switch(), QLineEdit(str(DEFAULT_PORT))
        self.number.setValidator(QIntValidator(1024, 65535, self.number))
        self._address, self._copy = QLineEdit(readOnly=True), Button(name="copy")
        self._state_row = FieldRow(self.switch)
        self._number_row = FieldRow(self.number)
        self._address_row = FieldRow(self._address, self._copy)
        self._example, self._copy_example = Label(wrap=True), Button(name="copy")
        self._example_row = FieldRow(self._copy_example)
        self._error: ErrorCard | None = None
        self._lay_out()
        self.switch.clicked.connect(self._on_switched)
        self.number.editingFinished.connect(self._show)
        self._copy.clicked.connect(lambda: self._on_copied(self.address()))
        self._copy_example.clicked.connect(lambda: self._on_copied(self.example()))
        port.changed.connect(self._show)
        port.failed.connect(self._on_failed)
        self.retranslate()
        follow_theme(self._restyle)

    def address(self) -> str:
        """The base URL other programs are given."""
        state = self._port.state
        host, number = (state.host, state.port) if state else ("127.0.0.1", self._wanted())
        return f"http://{host}:{number}/v1"

    def example(self) -> str:
        """A request to try in a terminal."""
        body = '{"model": "starter", "messages": [{"role": "user", "content": "Hello"}]}'
        return f"curl {self.address()}/chat/completions -H 'Content-Type: application/json' -d '{body}'"

    def retranslate(self) -> None:
        self.title.setText(self.tr("Server"))
        self.sentence.setText(
            self.tr("Other programs on this computer can use your models through an OpenAI-compatible address.")
        )
        self._number_row.set_words(self.tr("Port"), self.tr("Another number is needed where this one is in use."))
        self._address_row.set_words(self.tr("Address"), self.tr("What other programs ask for as the base URL."))
        self._address.setAccessibleName(self.tr("Address"))
        self._copy.setText(self.tr("Copy"))
        self._copy.setAccessibleName(self.tr("Copy address"))
        self.number.setAccessibleName(self.tr("Port"))
        self._try.setText(self.tr("Try it in a terminal"))
        self._copy_example.setText(self.tr("Copy"))
        self._copy_example.setAccessibleName(self.tr("Copy example"))
        self._show()

    def _lay_out(self) -> None:
        card = Card()
        for row in (self._state_row, self._number_row, self._address_row):
            card.add_row(row)
        self.body.addWidget(card)
        self._try = section_title(self.body)
        trial = Card()
        trial.add_row(self._example_row)
        self._trial = trial
        self.body.addWidget(trial)

    def _show(self) -> None:
        state = self._port.state
        self.switch.setChecked(state is not None)
        self.number.setEnabled(state is None)
        if state is None:
            self._state_row.set_words(self.tr("Off"), self.tr("No other program can reach your models."))
        else:
            self._state_row.set_words(
                self.tr("On"),
                self.tr("It stays open as long as this window. A key is needed.")
                if state.needs_key
                else self.tr("It stays open as long as this window. Only programs on this computer can reach it."),
            )
            self.number.setText(str(state.port))
            self._forget_error()
        self.switch.setAccessibleName(self.tr("Public port"))
        self._address.setText(self.address())
        self._address_row.setEnabled(state is not None)
        self._example_row.set_words(self.example())
        self._copy_example.setAccessibleName(self.tr("Copy example"))

    def _wanted(self) -> int:
        """The port asked for; the usual one while the field holds no port."""
        return int(self.number.text()) if self.number.hasAcceptableInput() else DEFAULT_PORT

    def _on_switched(self, on: bool) -> None:
        if on:
            self._port.open(PortRequest(port=self._wanted()))
        else:
            self._port.close()

    def _on_copied(self, text: str) -> None:
        QGuiApplication.clipboard().setText(text)
        show_toast(self, self.tr("Copied"))

    def _on_failed(self, error: AppError) -> None:
        if self._error is None:
            self._error = ErrorCard(error)
            self._error.acted.connect(lambda: self._on_switched(True))
            self.body.insertWidget(0, self._error)
        self._error.show_error(error, self.tr("Try again"))
        self._error.show()

    def _forget_error(self) -> None:
        if self._error is not None:
            self._error.hide()

    def _restyle(self) -> None:
        theme = theme_of(self)
        self._address.setFixedWidth(theme.px(240))
        self._address.setFont(theme.code_font())
        self.number.setFixedWidth(theme.px(96))
        self._example_row.name.setFont(theme.code_font())
        self.number.setFont(theme.number_font())
