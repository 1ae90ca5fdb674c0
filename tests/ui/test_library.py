"""The window's list of models stays true whatever the order in which answers and events arrive."""

from PySide6.QtCore import QTimer
from pytestqt.qtbot import QtBot

from app.protocol import ModelChanged, ModelEntry, ModelState
from app.ui.library import Library
from tests.ui.fake_client import FakeClient, Request

AVAILABLE = ModelEntry(id="a", name="A", path="/a.gguf", size=1)
LOADED = ModelEntry(id="a", name="A", path="/a.gguf", size=1, state=ModelState.LOADED)


def test_an_event_that_overtakes_the_list_is_not_undone_by_it(qtbot: QtBot) -> None:
    client = FakeClient()
    library = Library(client)

    def list_before_loading(_request: Request) -> list[ModelEntry]:
        library.take_event(ModelChanged(model=LOADED))
        return [AVAILABLE]

    client.answers["GET /api/models"] = list_before_loading
    library.fetch()
    qtbot.waitUntil(lambda: library.fetched)
    assert [entry.state for entry in library.entries] == [ModelState.LOADED]


def test_a_list_that_is_asked_for_after_an_event_counts(qtbot: QtBot) -> None:
    client = FakeClient()
    library = Library(client)
    library.take_event(ModelChanged(model=LOADED))
    client.answers["GET /api/models"] = [AVAILABLE]
    library.fetch()
    qtbot.waitUntil(lambda: library.fetched)
    assert [entry.state for entry in library.entries] == [ModelState.AVAILABLE]


def test_of_two_lists_the_one_asked_for_later_counts(qtbot: QtBot) -> None:
    client = FakeClient()
    library = Library(client)
    answers = iter([[AVAILABLE], [AVAILABLE, LOADED]])
    client.answers["GET /api/models"] = lambda _request: next(answers)
    library.fetch()
    QTimer.singleShot(0, library.fetch)
    qtbot.waitUntil(lambda: client.answered == 2)
    assert len(library.entries) == 2
