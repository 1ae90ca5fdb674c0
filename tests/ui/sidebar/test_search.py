from PySide6.QtCore import Qt
from PySide6.QtTest import QTest
from pytestqt.qtbot import QtBot

from app.protocol import Conversation, ConversationChanged, SearchHit
from app.ui.conversations import Conversations
from app.ui.sidebar import Sidebar
from app.ui.sidebar.delegate import snippet_parts
from app.ui.sidebar.search import Search
from tests.ui.fake_client import FakeClient, Request

HIT = SearchHit(
    conversation_id=3, message_id=9, title="VRAM", snippet="how much 显存 is there", marks=((9, 11),), created=0
)


def sidebar(qtbot: QtBot, client: FakeClient) -> tuple[Sidebar, Conversations]:
    client.answers["GET /api/conversations"] = []
    conversations = Conversations(client)
    widget = Sidebar(client, conversations)
    qtbot.addWidget(widget)
    widget.resize(260, 600)
    widget.show()
    return widget, conversations


def test_only_the_last_of_quick_keys_is_asked(qtbot: QtBot, client: FakeClient) -> None:
    client.answers["GET /api/search"] = [HIT]
    search = Search(client)
    with qtbot.waitSignal(search.found) as found:
        for text in ("v", "vr", "vr am&x"):
            search.look_for(text)
    assert found.args == [[HIT]]
    assert [each.path for each in client.requests] == ["/api/search?q=vr%20am%26x&limit=100"]


def test_an_answer_that_comes_late_is_dropped(qtbot: QtBot, client: FakeClient) -> None:
    search = Search(client)

    def answer(request: Request) -> list[SearchHit]:
        if "q=first" in request.path:
            search.look_for("second")
        return [SearchHit(conversation_id=1, title=request.path, snippet="", created=0)]

    client.answers["GET /api/search"] = answer
    answers: list[list[SearchHit]] = []
    search.found.connect(answers.append)
    search.look_for("first")
    qtbot.waitUntil(lambda: any("q=second" in hits[0].title for hits in answers))
    assert "q=second" in answers[-1][0].title


def test_results_take_the_place_of_the_list_and_go_with_the_text(qtbot: QtBot, client: FakeClient) -> None:
    client.answers["GET /api/search"] = [HIT]
    widget, conversations = sidebar(qtbot, client)
    conversations.take_event(ConversationChanged(conversation=Conversation(id=3, title="VRAM", created=0, updated=0)))
    qtbot.waitUntil(widget.conversations.isVisible)
    QTest.keyClicks(widget.field, "vram")
    qtbot.waitUntil(widget.results.isVisible)
    assert widget.results.model().index(0, 0).data() == "VRAM"
    QTest.keyClick(widget.field, Qt.Key.Key_Escape)
    assert widget.field.text() == ""
    assert widget.conversations.isVisible()


def test_the_keyboard_goes_from_the_field_to_the_hit(qtbot: QtBot, client: FakeClient) -> None:
    client.answers["GET /api/search"] = [HIT]
    widget, _ = sidebar(qtbot, client)
    widget.focus_search()
    QTest.keyClicks(widget.field, "vram")
    qtbot.waitUntil(widget.results.isVisible)
    QTest.keyClick(widget.field, Qt.Key.Key_Down)
    assert widget.results.currentIndex().row() == 0
    with qtbot.waitSignal(widget.hit_chosen) as chosen:
        QTest.keyClick(widget.results, Qt.Key.Key_Return)
    assert chosen.args == [HIT]


def test_nothing_found_says_what_to_do(qtbot: QtBot, client: FakeClient) -> None:
    client.answers["GET /api/search"] = []
    widget, _ = sidebar(qtbot, client)
    QTest.keyClicks(widget.field, "zzz")
    qtbot.waitUntil(lambda: not widget.conversations.isVisible())
    said = [label.text() for label in widget.findChildren(type(widget._empty)) if label.isVisible()]
    assert any("Nothing found" in text for text in said)


def test_no_conversations_says_where_they_will_be(qtbot: QtBot, client: FakeClient) -> None:
    widget, conversations = sidebar(qtbot, client)
    assert widget.conversations.isVisible()  # nothing is known yet: nothing is claimed
    conversations.fetch()
    qtbot.waitUntil(lambda: not widget.conversations.isVisible() or conversations.loaded)
    conversations.take_event(ConversationChanged(conversation=Conversation(id=1, created=0, updated=0)))
    qtbot.waitUntil(widget.conversations.isVisible)


def test_hits_are_read_with_their_snippet(qtbot: QtBot, client: FakeClient) -> None:
    widget, _ = sidebar(qtbot, client)
    widget.results.show_hits([HIT])
    role = Qt.ItemDataRole.AccessibleTextRole
    assert widget.results.model().index(0, 0).data(role) == "VRAM: how much 显存 is there"


def test_snippets_are_cut_at_their_marks() -> None:
    assert snippet_parts(HIT, 12) == [("how much ", False), ("显存", True), (" is there", False)]
    assert snippet_parts(HIT, 4)[:2] == [("…", False), ("uch ", False)]
    title_only = SearchHit(conversation_id=1, title="a", snippet="one\ntwo", created=0)
    assert snippet_parts(title_only, 4) == [("one two", False)]
