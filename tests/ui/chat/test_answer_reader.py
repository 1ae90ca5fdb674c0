"""Tests of reading along: tokens are put together, the end is the end, and a broken stream is told."""

import pytest
from pytestqt.qtbot import QtBot

from app.errors import AppError
from app.protocol import (
    AnswerDelta,
    AnswerEvent,
    AnswerFinished,
    AnswerPrefill,
    AnswerQueued,
    AnswerSnapshot,
    AnswerToolCall,
    DeltaKind,
    Message,
    MessageState,
    ToolCall,
)
from app.ui.chat.answer_reader import AnswerReader
from app.ui.client import Stream
from tests.ui.chat.conftest import PATIENCE_MS, message
from tests.ui.fake_client import FakeClient

STREAMING = message(7, state=MessageState.STREAMING)


class Reading:
    """A reader that follows one answer, and what it passed on."""

    def __init__(self, client: FakeClient) -> None:
        self.reader = AnswerReader(client, client)
        self.shown: list[Message] = []
        self.finished: list[Message] = []
        self.failed: list[AppError] = []
        self.progress: list[object] = []
        self.reader.advanced.connect(self.shown.append)
        self.reader.finished.connect(self.finished.append)
        self.reader.failed.connect(self.failed.append)
        self.reader.progressed.connect(self.progress.append)
        self.reader.follow(STREAMING)
        self.stream: Stream = client.streams["/api/messages/7/stream"]

    def tell(self, *events: AnswerEvent) -> None:
        for event in events:
            self.stream.received.emit(event)


@pytest.fixture
def reading(client: FakeClient) -> Reading:
    return Reading(client)


def test_the_snapshot_is_shown_at_once(reading: Reading) -> None:
    reading.tell(AnswerSnapshot(message=message(7, text="So far", state=MessageState.STREAMING)))
    assert [each.text for each in reading.shown] == ["So far"]


def test_tokens_are_shown_together(qtbot: QtBot, reading: Reading) -> None:
    reading.tell(AnswerSnapshot(message=STREAMING))
    reading.shown.clear()
    reading.tell(*(AnswerDelta(text=word) for word in ("a", "b", "c")))
    assert reading.shown == []
    qtbot.waitUntil(lambda: bool(reading.shown), timeout=PATIENCE_MS)
    assert [each.text for each in reading.shown] == ["abc"]


def test_thinking_and_text_are_kept_apart_and_timed(qtbot: QtBot, reading: Reading) -> None:
    reading.tell(AnswerDelta(text="Hm", kind=DeltaKind.THINKING), AnswerDelta(text="Yes"))
    qtbot.waitUntil(lambda: bool(reading.shown), timeout=PATIENCE_MS)
    assert (reading.shown[-1].thinking, reading.shown[-1].text) == ("Hm", "Yes")
    assert reading.reader.thought_s.keys() == {7}


def test_an_answer_without_thinking_has_no_duration_of_it(reading: Reading) -> None:
    reading.tell(AnswerDelta(text="Yes"))
    assert reading.reader.thought_s == {}


def test_progress_is_told_until_the_first_word(reading: Reading) -> None:
    queued, prefill = AnswerQueued(position=2), AnswerPrefill(done=1, total=4, eta_s=2.0)
    reading.tell(queued, prefill, AnswerDelta(text="a"), AnswerDelta(text="b"))
    assert reading.progress == [queued, prefill, None]


def test_an_answer_that_begins_at_once_tells_no_progress(reading: Reading) -> None:
    reading.tell(AnswerDelta(text="a"))
    assert reading.progress == []


def test_pieces_of_tool_calls_add_up(qtbot: QtBot, reading: Reading) -> None:
    reading.tell(
        AnswerToolCall(index=0, id="a", name="clock", arguments='{"zo'),
        AnswerToolCall(index=1, id="b", name="calculate"),
        AnswerToolCall(index=0, arguments='ne": "UTC"}'),
    )
    qtbot.waitUntil(lambda: bool(reading.shown), timeout=PATIENCE_MS)
    assert reading.shown[-1].tool_calls == (
        ToolCall(id="a", name="clock", arguments='{"zone": "UTC"}'),
        ToolCall(id="b", name="calculate", arguments=""),
    )


def test_the_end_is_told_once_and_nothing_comes_after_it(qtbot: QtBot, reading: Reading) -> None:
    whole = message(7, text="abc")
    reading.tell(AnswerDelta(text="a"), AnswerFinished(message=whole), AnswerDelta(text="late"))
    assert reading.finished == [whole]
    assert reading.reader.message_id is None
    assert all(each.text == "a" for each in reading.shown)


def test_who_leaves_is_shown_what_had_come_and_then_nothing(reading: Reading) -> None:
    reading.tell(AnswerDelta(text="a"))
    reading.reader.leave()
    assert [each.text for each in reading.shown] == ["a"]
    reading.tell(AnswerDelta(text="b"), AnswerFinished(message=message(7)))
    assert len(reading.shown) == 1
    assert reading.finished == []


def test_a_broken_stream_is_told(reading: Reading) -> None:
    reading.stream.failed.emit(AppError("backend_gone"))
    assert [error.code for error in reading.failed] == ["backend_gone"]


def test_a_stream_that_ends_before_the_answer_is_broken_too(reading: Reading) -> None:
    reading.tell(AnswerDelta(text="a"))
    reading.stream.ended.emit()
    assert [error.code for error in reading.failed] == ["backend_gone"]
    assert [each.text for each in reading.shown] == ["a"]


def test_following_another_answer_leaves_the_first(client: FakeClient, reading: Reading) -> None:
    reading.reader.follow(message(8, state=MessageState.STREAMING))
    reading.tell(AnswerDelta(text="of the first"))
    client.streams["/api/messages/8/stream"].received.emit(AnswerFinished(message=message(8, text="second")))
    assert [each.id for each in reading.finished] == [8]
