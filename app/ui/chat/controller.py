"""Keeps the transcript in step with the conversation, and carries out what is asked of single messages."""

from msgspec.structs import replace
from PySide6.QtCore import QObject, Qt, QUrl, Signal
from PySide6.QtGui import QAccessible, QAccessibleAnnouncementEvent, QDesktopServices, QGuiApplication
from PySide6.QtWidgets import QMessageBox

from app.protocol import GenerationStats, Message
from app.ui.chat.conversation import OpenConversation, Phase, last_answer, last_question
from app.ui.chat.markdown import is_link
from app.ui.chat.row_widget import Ask
from app.ui.chat.rows import Unfolding
from app.ui.chat.transcript import Transcript
from app.ui.widgets import show_toast


class Controller(QObject):
    """Between one `OpenConversation` and one `Transcript`."""

    editing_ended = Signal()
    """The keyboard belongs to the composer again."""
    new_wanted = Signal()

    def __init__(self, conversation: OpenConversation, transcript: Transcript) -> None:
        super().__init__(transcript)
        self._conversation = conversation
        self._transcript = transcript
        self._unfoldings: dict[int, Unfolding] = {}
        self.thinking = False
        """Whether an answer that is written again is to be thought about first."""
        conversation.messages_changed.connect(self._on_messages_changed)
        conversation.message_changed.connect(self._show)
        conversation.prefill_changed.connect(self._on_prefill)
        conversation.target_loaded.connect(transcript.reveal_message)
        conversation.answer_finished.connect(self._announce)
        conversation.deleted.connect(self._on_deleted)
        transcript.older_wanted.connect(conversation.load_older)
        transcript.desk.asked.connect(self._on_asked)
        transcript.desk.edited.connect(self._on_edited)
        transcript.desk.link_clicked.connect(self._on_link)
        transcript.desk.copied.connect(lambda text: QGuiApplication.clipboard().setText(text))

    # ------------------------------------------------------------ actions without a message at hand

    def copy_last(self) -> None:
        if message := last_answer(self._conversation.messages):
            self._copy(message)

    def regenerate_last(self) -> None:
        if (message := last_answer(self._conversation.messages)) and self._conversation.phase is Phase.READY:
            self._conversation.regenerate(message, self.thinking)

    def edit_last(self) -> None:
        if message := last_question(self._conversation.messages):
            self._edit(message)

    # ------------------------------------------------------------ showing

    def refresh(self) -> None:
        """Show all messages as they are now."""
        shown = [(message, self._unfolding(message)) for message in self._conversation.messages]
        self._transcript.set_messages([(self._timed(message), unfolding) for message, unfolding in shown])

    def _on_messages_changed(self, follow: bool) -> None:
        known = {message.id for message in self._conversation.messages}
        self._unfoldings = {key: value for key, value in self._unfoldings.items() if key in known}
        if follow:
            self._transcript.column.follow()
        self.refresh()

    def _show(self, message: Message) -> None:
        self._transcript.show_message(self._timed(message), self._unfolding(message))

    def _timed(self, message: Message) -> Message:
        """The message with the duration of its thinking, where only this window has measured it."""
        seen = self._conversation.thought_s.get(message.id)
        if seen is None or (message.stats is not None and message.stats.thinking_s is not None):
            return message
        stats = message.stats or GenerationStats(
            prompt_tokens=0, answer_tokens=0, ttft_s=0.0, decode_s=0.0, context_length=0
        )
        return replace(message, stats=replace(stats, thinking_s=seen))

    def _unfolding(self, message: Message) -> Unfolding:
        return self._unfoldings.get(message.id, Unfolding())

    def _unfold(self, message: Message, unfolding: Unfolding) -> None:
        self._unfoldings[message.id] = unfolding
        self._show(message)

    def _on_prefill(self, message_id: int, share: float) -> None:
        if message := self._find(message_id):
            self._unfold(message, replace_prefill(self._unfolding(message), share))

    def _announce(self, message: Message) -> None:
        """Tell a screen reader once, when the answer is there."""
        QAccessible.updateAccessibility(QAccessibleAnnouncementEvent(self._transcript, message.text))

    # ------------------------------------------------------------ asks

    def _on_asked(self, ask: Ask, message_id: int) -> None:
        message = self._find(message_id)
        if message is None:
            return
        match ask:
            case Ask.COPY:
                self._copy(message)
            case Ask.EDIT:
                self._edit(message)
            case Ask.CANCEL_EDIT:
                self._end_edit(message)
            case Ask.REGENERATE:
                self._conversation.regenerate(message, self.thinking)
            case Ask.DELETE:
                self._conversation.delete(message)
            case Ask.PREVIOUS_VERSION:
                self._conversation.show_version(message, -1)
            case Ask.NEXT_VERSION:
                self._conversation.show_version(message, 1)
            case Ask.FOLD_THINKING | Ask.SHOW_WHOLE:
                self._unfold(message, toggled(self._unfolding(message), ask))
            case Ask.NEW_CONVERSATION:
                self.new_wanted.emit()

    def _copy(self, message: Message) -> None:
        QGuiApplication.clipboard().setText(message.text)
        show_toast(self._transcript, self.tr("Copied"))

    def _edit(self, message: Message) -> None:
        if self._conversation.phase is Phase.READY:
            self._unfold(message, Unfolding(editing=True))
            self._transcript.reveal_message(message.id)
            self._transcript.focus_message(message.id)

    def _end_edit(self, message: Message) -> None:
        self._unfold(message, Unfolding())
        self.editing_ended.emit()

    def _on_edited(self, message_id: int, text: str) -> None:
        if message := self._find(message_id):
            self._unfoldings.pop(message_id, None)
            self._conversation.send(text, self.thinking, message)
            self.editing_ended.emit()

    def _on_deleted(self, message_id: int) -> None:
        show_toast(
            self._transcript,
            self.tr("Message deleted"),
            self.tr("Undo"),
            lambda: self._conversation.restore(message_id),
        )

    def _on_link(self, address: str) -> None:
        """Show where a link leads before anything is opened."""
        if not is_link(address):
            return
        box = QMessageBox(self._transcript.window())
        box.setTextFormat(Qt.TextFormat.PlainText)
        box.setWindowTitle(self.tr("Open this link?"))
        box.setText(self.tr("This link leads to:"))
        box.setInformativeText(address)
        open_button = box.addButton(self.tr("Open"), QMessageBox.ButtonRole.AcceptRole)
        copy_button = box.addButton(self.tr("Copy address"), QMessageBox.ButtonRole.ActionRole)
        box.addButton(QMessageBox.StandardButton.Cancel)
        box.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        open_button.clicked.connect(lambda: QDesktopServices.openUrl(QUrl(address)))
        copy_button.clicked.connect(lambda: QGuiApplication.clipboard().setText(address))
        box.open()

    def _find(self, message_id: int) -> Message | None:
        return next((message for message in self._conversation.messages if message.id == message_id), None)


def toggled(unfolding: Unfolding, ask: Ask) -> Unfolding:
    """The setting after its thinking was folded or unfolded, or the whole message was asked for."""
    if ask is Ask.SHOW_WHOLE:
        return Unfolding(whole=True)
    return Unfolding(thinking=not unfolding.thinking, prefill=unfolding.prefill)


def replace_prefill(unfolding: Unfolding, share: float) -> Unfolding:
    """The setting with another share of the prompt read."""
    return Unfolding(unfolding.whole, unfolding.thinking, unfolding.editing, share)
