"""The models as the window knows them: fetched, kept true by events, loaded and unloaded through the backend."""

from collections import Counter
from functools import partial
from pathlib import Path
from urllib.parse import quote

from msgspec.structs import replace
from PySide6.QtCore import QObject, Signal

from app.errors import AppError
from app.protocol import Event, Hello, LibraryChanged, LoadParams, ModelChanged, ModelEntry
from app.ui.client import Client


class Library(QObject):
    """The models in the order of the backend. Says `changed` after every change, and `failed` (id, AppError)."""

    changed = Signal()
    failed = Signal(str, object)

    def __init__(self, client: Client, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._client = client
        self.entries: list[ModelEntry] = []
        self.fetched = False
        self.params: dict[str, LoadParams] = {}
        """How models were last loaded from this window, by id; they are loaded so again."""
        self._told: dict[str, ModelEntry] = {}
        """What events said since the list was last asked for: its answer may be older than they are."""

    def take_event(self, event: Event) -> None:
        """Keep up with what happened in the backend."""
        if isinstance(event, Hello | LibraryChanged):
            self.fetch()
        elif isinstance(event, ModelChanged):
            self._put(event.model)

    def fetch(self) -> None:
        """Have the model folder read again."""
        told = self._told = {}
        self._client.get("/api/models", list[ModelEntry], lambda entries: self._on_entries(entries, told))

    def load(self, model_id: str, params: LoadParams | None = None) -> None:
        """Begin to load, as the last time where nothing else is asked; progress comes as events."""
        if params is not None:
            self.params[model_id] = params
        path = f"/api/models/{quote(model_id, safe='')}/load"
        fail = partial(self._on_failed, model_id)
        self._client.post(path, self.params.get(model_id, LoadParams()), ModelEntry, _wait_for_event, fail)

    def unload(self, model_id: str) -> None:
        """Unload, or stop loading."""
        path = f"/api/models/{quote(model_id, safe='')}/unload"
        self._client.post(path, None, ModelEntry, _wait_for_event, partial(self._on_failed, model_id))

    def _on_entries(self, entries: list[ModelEntry], told: dict[str, ModelEntry]) -> None:
        if told is not self._told:
            return  # it was asked for again since
        self.entries = _told_apart([told.get(entry.id, entry) for entry in entries])
        self.fetched = True
        self.changed.emit()

    def _put(self, model: ModelEntry) -> None:
        self._told[model.id] = model
        self.entries = [replace(model, name=each.name) if each.id == model.id else each for each in self.entries]
        self.changed.emit()

    def _on_failed(self, model_id: str, error: AppError) -> None:
        self.failed.emit(model_id, error)


def _wait_for_event(_: ModelEntry) -> None:
    """The answer to a request may arrive after events that are newer: only events tell a model's state."""


def _told_apart(entries: list[ModelEntry]) -> list[ModelEntry]:
    """Models in different files may give the same name: those that are not built in are then called like their file."""
    names = Counter((entry.name, entry.quantization) for entry in entries)
    return [
        replace(entry, name=Path(entry.path).stem)
        if names[entry.name, entry.quantization] > 1 and not entry.builtin
        else entry
        for entry in entries
    ]
