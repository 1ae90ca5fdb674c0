"""The place of the panel at the right of the page: beside the conversation where there is room, over it where not."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from PySide6.QtCore import QObject, Signal
from PySide6.QtWidgets import QWidget

from app.protocol import Preset, PromptPreview, PromptRequest, ToolSpec
from app.ui.chat.answer_options import AnswerOptions
from app.ui.chat.conversation import OpenConversation, Phase
from app.ui.chat.look import PANEL_WIDTH
from app.ui.chat.prompt_dialog import PromptDialog
from app.ui.client import Client
from app.ui.theme import theme_of
from app.ui.widgets import IconButton

if TYPE_CHECKING:
    from app.ui.panel import Panel

_BESIDE = 520
"""Units that the conversation keeps when the panel stands beside it."""


class SidePanel(QObject):
    """`wanted` remembers whether a person wants the panel where there is room. It is made when it is first shown."""

    presets_changed = Signal(object)
    """The presets as the person wants them kept."""
    room_changed = Signal(int)
    """Pixels the page leaves free at its right."""
    prompt_asked = Signal()
    closed = Signal()

    def __init__(self, page: QWidget, answers: AnswerOptions, conversation: OpenConversation, client: Client) -> None:
        super().__init__(page)
        self._page, self._answers, self._conversation, self._client = page, answers, conversation, client
        self._presets: Sequence[Preset] = ()
        self._capable = True
        self._narrow: bool | None = None
        """Whether the page has no room for it beside the conversation; None before the page has a size."""
        self.wanted = False
        self.panel: Panel | None = None
        self.button = IconButton("sliders-horizontal", "", size=32)
        self.button.setCheckable(True)
        self.button.clicked.connect(self.toggle)
        conversation.phase_changed.connect(self._on_phase)

    @property
    def shown(self) -> bool:
        return self.panel is not None and self.panel.isVisibleTo(self._page)

    def toggle(self) -> None:
        self.show(not self.shown)
        if self.shown and self.panel is not None:
            self.panel.presets.choice.setFocus()

    def show(self, shown: bool) -> None:
        """Show or hide the panel; over a narrow page for now, else from now on."""
        if not self._narrow:
            self.wanted = shown
        self._put(shown)

    def fit(self) -> None:
        """The page has another size: the panel goes where it no longer fits, and comes back with the room."""
        theme = theme_of(self._page)
        narrow = self._page.width() < theme.px(PANEL_WIDTH + _BESIDE)
        if narrow != self._narrow:
            self._narrow = narrow
            self._put(self.wanted and not narrow)
        self._place()

    def set_presets(self, presets: Sequence[Preset]) -> None:
        self._presets = presets
        if self.panel is not None:
            self.panel.set_presets(presets)

    def set_capable(self, capable: bool) -> None:
        """Whether the model can call tools."""
        self._capable = capable
        if self.panel is not None:
            self.panel.tools.set_capable(capable)

    def show_prompt(self, request: PromptRequest) -> None:
        """Open the dialog with the prompt that this message would make."""
        dialog = PromptDialog(self._page.window())
        dialog.open()
        shown = self._conversation.id
        path = "/api/preview" if shown is None else f"/api/conversations/{shown}/preview"
        call = self._client.post(path, request, PromptPreview, dialog.show_prompt, dialog.show_error)
        dialog.finished.connect(call.abort)

    def _put(self, shown: bool) -> None:
        if shown and self.panel is None:
            self.panel = self._make()
        had_focus = self.panel is not None and self.panel.isAncestorOf(self._page.window().focusWidget())
        if self.panel is not None:
            self.panel.setVisible(shown)
        self.button.setChecked(shown)
        self._place()
        if not shown and had_focus:
            self.closed.emit()

    def _place(self) -> None:
        docked = self.shown and not self._narrow
        if self.panel is not None:
            width = min(self.panel.width(), self._page.width())
            self.panel.setGeometry(self._page.width() - width, 0, width, self._page.height())
            self.panel.raise_()
        self.room_changed.emit(self.panel.width() if docked and self.panel is not None else 0)

    def _make(self) -> Panel:
        """Imported now: the first paint of the window needs none of it."""
        from app.ui.panel import Panel  # noqa: PLC0415

        panel = Panel(self._answers, self._page)
        panel.set_presets(self._presets)
        panel.tools.set_capable(self._capable)
        panel.presets.changed.connect(self.presets_changed)
        panel.close_asked.connect(lambda: self.show(False))
        panel.prompt_asked.connect(self.prompt_asked)
        panel.setEnabled(self._conversation.phase not in (Phase.LOADING, Phase.UNREACHABLE))
        self._client.get("/api/tools", list[ToolSpec], panel.set_tools, lambda _error: panel.set_tools([]))
        return panel

    def _on_phase(self, phase: Phase) -> None:
        if self.panel is not None:
            self.panel.setEnabled(phase not in (Phase.LOADING, Phase.UNREACHABLE))
