"""Tests of the transcript: structure, streaming, scrolling, selecting, and what exists of a long conversation."""

from collections.abc import Iterable

import pytest
from PySide6.QtCore import QPoint, Qt
from PySide6.QtGui import QGuiApplication
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QPlainTextEdit, QTextBrowser
from pytestqt.qtbot import QtBot

from app.protocol import ErrorInfo, Message, MessageState
from app.ui.chat.bubble import BubbleRow
from app.ui.chat.code_block import CodeRow
from app.ui.chat.footer import FooterRow
from app.ui.chat.look import Look
from app.ui.chat.prose import ProseRow
from app.ui.chat.row_widget import Ask, RowWidget
from app.ui.chat.rows import Unfolding
from app.ui.chat.transcript import Transcript
from app.ui.widgets import Button, ErrorCard, IconButton
from tests.ui.chat.conftest import PATIENCE_MS, message, question, settle

ANSWER = """Take **Q4_K_M**. 量化让模型变小。

| File | Size |
|------|-----:|
| Q4 | 4.9 GB |

1. Type this:
   ```bash
   alcove chat  # hello
   ```
2. Wait

```python
def f(x: int) -> int:
    return x * 2
```

The end."""


def show(qtbot: QtBot, transcript: Transcript, messages: Iterable[Message], *, follow: bool = True) -> None:
    transcript.set_messages([(each, Unfolding()) for each in messages], follow=follow)
    settle(qtbot, transcript)


def pictures(transcript: Transcript, message_id: int) -> list[tuple[str, str, int]]:
    """What the rows of a message show: kind, text as laid out, height."""
    found = []
    for widget in transcript.widgets(message_id):
        view = widget.text_view()
        text = view.document().toHtml() if isinstance(view, QTextBrowser) else view.toPlainText() if view else ""
        found.append((type(widget).__name__, text, widget.height()))
    return found


def conversation(turns: int) -> list[Message]:
    return [
        each
        for turn in range(turns)
        for each in (
            question(2 * turn + 1, f"Question {turn}"),
            message(2 * turn + 2, text=f"Answer {turn}\n\n{ANSWER}"),
        )
    ]


def test_rows_become_widgets_of_their_kind_from_top_to_bottom(qtbot: QtBot, transcript: Transcript) -> None:
    show(qtbot, transcript, [question(1), message(2, text="Hi\n\n```py\nx = 1\n```\n\nBye")])
    kinds = [type(widget) for widget in transcript.column.widgets]
    assert kinds == [BubbleRow, FooterRow, ProseRow, CodeRow, ProseRow, FooterRow]
    tops = [widget.y() for widget in transcript.column.widgets]
    assert tops == sorted(tops)
    bottoms = [widget.y() + widget.height() for widget in transcript.column.widgets]
    assert all(bottom <= top for bottom, top in zip(bottoms, tops[1:], strict=False))


def test_text_is_as_wide_as_the_measure_and_centred(qtbot: QtBot, transcript: Transcript) -> None:
    transcript.resize(1400, 600)
    show(qtbot, transcript, [message(1, text="word " * 100)])
    row = transcript.widgets(1)[0]
    assert row.width() == transcript.look.measure
    assert 44 <= row.width() / transcript.look.em <= 48
    right = transcript.column.viewport().width() - row.x() - row.width()
    assert abs(row.x() - right) <= 1


def test_a_bubble_stands_to_the_right_and_takes_four_fifths_at_most(qtbot: QtBot, transcript: Transcript) -> None:
    show(qtbot, transcript, [question(1, "Hi"), question(2, "word " * 100)])
    short, long = transcript.widgets(1)[0].text_view(), transcript.widgets(2)[0].text_view()
    assert short is not None
    assert long is not None
    width = transcript.column.row_width
    assert short.x() > width / 2
    assert width * 0.6 < width - long.x() <= width * 0.8


def test_line_height_is_that_of_the_conversation(qtbot: QtBot, transcript: Transcript) -> None:
    show(qtbot, transcript, [message(1, text="a\\\nb\\\nc 量化 😀"), question(2, "a\nb\nc")])
    for message_id in (1, 2):
        view = transcript.widgets(message_id)[0].text_view()
        assert isinstance(view, QTextBrowser)
        assert abs(view.height() - 3 * transcript.look.line_height) <= 14


@pytest.mark.parametrize("step", [1, 7, 100])
def test_a_streamed_answer_ends_up_as_a_loaded_one(qtbot: QtBot, look: Look, transcript: Transcript, step: int) -> None:
    for end in range(0, len(ANSWER), step):
        streaming = message(1, text=ANSWER[:end], state=MessageState.STREAMING)
        transcript.show_message(streaming, Unfolding())
    transcript.show_message(message(1, text=ANSWER), Unfolding())
    settle(qtbot, transcript)
    loaded = Transcript(look)
    qtbot.addWidget(loaded)
    loaded.resize(transcript.size())
    with qtbot.waitExposed(loaded):
        loaded.show()
    show(qtbot, loaded, [message(1, text=ANSWER)])
    assert transcript.rows(1) == loaded.rows(1)
    assert pictures(transcript, 1) == pictures(loaded, 1)


def test_finished_rows_are_not_touched_while_the_rest_arrives(qtbot: QtBot, transcript: Transcript) -> None:
    text = "First.\n\n```py\nx = 1\n```\n\nSecond"
    show(qtbot, transcript, [message(1, text=text, state=MessageState.STREAMING)])
    before = transcript.widgets(1)
    code = before[1].text_view()
    assert isinstance(code, QPlainTextEdit)
    changes: list[int] = []
    code.document().contentsChange.connect(lambda at, _removed, _added: changes.append(at))
    transcript.show_message(message(1, text=text + " and more", state=MessageState.STREAMING), Unfolding())
    settle(qtbot, transcript)
    assert transcript.widgets(1) == before
    assert changes == []
    view = before[2].text_view()
    assert isinstance(view, QTextBrowser)
    assert view.toPlainText() == "Second and more"


def test_code_is_appended_to_while_it_arrives(qtbot: QtBot, transcript: Transcript) -> None:
    show(qtbot, transcript, [message(1, text="```py\na = 1\n", state=MessageState.STREAMING)])
    view = transcript.widgets(1)[0].text_view()
    assert isinstance(view, QPlainTextEdit)
    removed: list[int] = []
    view.document().contentsChange.connect(lambda _at, gone, _added: removed.append(gone))
    transcript.show_message(message(1, text="```py\na = 1\nb = 2\nc", state=MessageState.STREAMING), Unfolding())
    assert view.toPlainText() == "a = 1\nb = 2\nc"
    assert removed == [0]


def test_a_selection_outlives_the_next_words(qtbot: QtBot, transcript: Transcript) -> None:
    show(qtbot, transcript, [message(1, text="Some words", state=MessageState.STREAMING)])
    view = transcript.widgets(1)[0].text_view()
    assert isinstance(view, QTextBrowser)
    cursor = view.textCursor()
    cursor.setPosition(0)
    cursor.setPosition(4, cursor.MoveMode.KeepAnchor)
    view.setTextCursor(cursor)
    transcript.show_message(message(1, text="Some words more", state=MessageState.STREAMING), Unfolding())
    assert view.textCursor().selectedText() == "Some"


def test_code_scrolls_sideways_only_where_it_must(qtbot: QtBot, transcript: Transcript) -> None:
    show(qtbot, transcript, [message(1, text="```\nshort\n```"), message(2, text=f"```\n{'long ' * 80}\n```")])
    short, long = (transcript.widgets(number)[0].text_view() for number in (1, 2))
    assert isinstance(short, QPlainTextEdit)
    assert isinstance(long, QPlainTextEdit)
    assert short.horizontalScrollBar().maximum() == 0
    assert long.horizontalScrollBar().maximum() > 0
    for view in (short, long):
        assert view.verticalScrollBar().maximum() == 0
    assert long.height() > short.height()


def test_all_lines_of_code_are_in_view(qtbot: QtBot, transcript: Transcript) -> None:
    show(qtbot, transcript, [message(1, text="```\n" + "a 量化 line\n" * 40 + "```")])
    view = transcript.widgets(1)[0].text_view()
    assert isinstance(view, QPlainTextEdit)
    last = view.blockBoundingGeometry(view.document().lastBlock()).translated(view.contentOffset())
    assert last.bottom() <= view.viewport().height() + 1


def test_the_end_is_followed_while_the_reader_is_there(qtbot: QtBot, transcript: Transcript) -> None:
    show(qtbot, transcript, conversation(10))
    bar = transcript.column.verticalScrollBar()
    assert bar.value() == bar.maximum() > 0
    transcript.show_message(message(20, text=ANSWER * 3), Unfolding())
    settle(qtbot, transcript)
    assert bar.value() == bar.maximum()
    assert not transcript._jump.isVisible()


def test_who_reads_elsewhere_is_left_there_and_can_jump_back(qtbot: QtBot, transcript: Transcript) -> None:
    show(qtbot, transcript, conversation(10))
    bar = transcript.column.verticalScrollBar()
    bar.setValue(bar.maximum() - 900)
    settle(qtbot, transcript)
    value, seen = bar.value(), _first_in_view(transcript)
    transcript.show_message(message(20, text=ANSWER * 5), Unfolding())
    settle(qtbot, transcript)
    assert bar.value() == value
    assert _first_in_view(transcript) == seen
    assert transcript._jump.isVisible()
    transcript._jump.click()
    settle(qtbot, transcript)
    assert bar.value() == bar.maximum()
    assert not transcript._jump.isVisible()


def test_older_messages_are_put_before_without_moving_what_is_read(qtbot: QtBot, transcript: Transcript) -> None:
    messages = conversation(30)
    show(qtbot, transcript, messages[40:])
    with qtbot.waitSignal(transcript.older_wanted, timeout=PATIENCE_MS):
        transcript.column.verticalScrollBar().setValue(10)
    settle(qtbot, transcript)
    before = _place_of(transcript, 41)
    show(qtbot, transcript, messages, follow=False)
    assert _place_of(transcript, 41) == before
    assert transcript.message_ids == [each.id for each in messages]


def _place_of(transcript: Transcript, message_id: int) -> int:
    """Where a message begins, in pixels below the upper edge of the view."""
    return transcript.widgets(message_id)[0].y() - transcript.column.verticalScrollBar().value()


def _first_in_view(transcript: Transcript) -> tuple[int, int]:
    """The message at the top edge, and where its first row in view begins relative to that edge."""
    top = transcript.column.verticalScrollBar().value()
    row = next(widget for widget in transcript.column.widgets if widget.y() + widget.height() > top)
    return row.context.message_id, row.y() - top


def test_of_a_long_conversation_only_what_is_near_exists(qtbot: QtBot, transcript: Transcript) -> None:
    show(qtbot, transcript, conversation(1_000))
    assert len(transcript.message_ids) == 2_000
    assert len(transcript.column.widgets) < 60
    bar = transcript.column.verticalScrollBar()
    for share in (0.5, 0.0, 1.0):
        bar.setValue(round(share * bar.maximum()))
        settle(qtbot, transcript)
        assert len(transcript.column.widgets) < 120
        view_top, view_bottom = bar.value(), bar.value() + transcript.column.viewport().height()
        covered = [widget for widget in transcript.column.widgets if view_top <= widget.y() <= view_bottom]
        assert covered


def test_a_narrower_window_lays_the_text_out_again(qtbot: QtBot, transcript: Transcript) -> None:
    show(qtbot, transcript, [message(1, text="word " * 100)])
    height = transcript.widgets(1)[0].height()
    transcript.resize(400, 600)
    settle(qtbot, transcript)
    row = transcript.widgets(1)[0]
    assert row.width() < 400
    assert row.height() > height


def test_actions_appear_under_the_pointer_and_nothing_moves(qtbot: QtBot, transcript: Transcript) -> None:
    show(qtbot, transcript, [question(1), message(2, text="Hi")])
    places = [widget.geometry() for widget in transcript.column.widgets]
    assert _actions(transcript, 2) == []
    row = transcript.widgets(2)[0]
    row.entered.emit(2)
    assert _actions(transcript, 2) == ["Copy message", "Write the answer again", "Delete message and what follows"]
    assert [widget.geometry() for widget in transcript.column.widgets] == places
    transcript.column.left.emit()
    assert _actions(transcript, 2) == []


def test_actions_appear_for_the_keyboard_and_follow_the_text(qtbot: QtBot, transcript: Transcript) -> None:
    show(qtbot, transcript, [question(1), message(2, text="Hi")])
    transcript.activateWindow()
    transcript.focus_message(1)
    qtbot.waitUntil(lambda: _actions(transcript, 1) != [], timeout=PATIENCE_MS)
    assert _actions(transcript, 1) == ["Copy message", "Edit message", "Delete message and what follows"]


def _actions(transcript: Transcript, message_id: int) -> list[str]:
    """Names of the icon buttons of a message that can be seen."""
    buttons = [each for widget in transcript.widgets(message_id) for each in widget.findChildren(IconButton)]
    return [each.accessibleName() for each in buttons if each.isVisible()]


def test_versions_are_always_shown_and_end_where_they_end(qtbot: QtBot, transcript: Transcript) -> None:
    show(qtbot, transcript, [message(5, text="Hi", siblings=(2, 5))])
    transcript.column.left.emit()
    assert _actions(transcript, 5) == ["Previous version", "Next version"]
    previous, following = (each for each in _buttons(transcript, 5) if each.isVisible())
    assert previous.isEnabled()
    assert not following.isEnabled()
    with qtbot.waitSignal(transcript.desk.asked) as asked:
        previous.click()
    assert asked.args == [Ask.PREVIOUS_VERSION, 5]


def _buttons(transcript: Transcript, message_id: int) -> list[IconButton]:
    return [each for widget in transcript.widgets(message_id) for each in widget.findChildren(IconButton)]


def test_a_failed_answer_has_a_card_with_a_way_out(qtbot: QtBot, transcript: Transcript) -> None:
    error = ErrorInfo(code="worker_died", values={"model": "Tiny", "reason": "signal 9"})
    show(qtbot, transcript, [message(2, text="Half", state=MessageState.FAILED, error=error)])
    card = transcript.findChild(ErrorCard)
    assert card is not None
    assert card.accessibleName() == "The engine stopped"
    button = next(each for each in card.findChildren(Button) if each.text() == "Load again")
    with qtbot.waitSignal(transcript.desk.asked) as asked:
        button.click()
    assert asked.args == [Ask.REGENERATE, 2]


def test_unfolded_details_of_an_error_get_their_room(qtbot: QtBot, transcript: Transcript) -> None:
    error = ErrorInfo(code="worker_died", values={"model": "Tiny", "reason": "signal 9"})
    show(qtbot, transcript, [message(2, text="Half", state=MessageState.FAILED, error=error)])
    card = transcript.findChild(ErrorCard)
    assert card is not None
    before = card.height()
    next(each for each in card.findChildren(Button) if each.text() == "Details").click()
    qtbot.waitUntil(lambda: card.height() > before, timeout=PATIENCE_MS)


def test_a_stopped_answer_can_be_written_again(qtbot: QtBot, transcript: Transcript) -> None:
    show(qtbot, transcript, [message(2, text="Half", state=MessageState.STOPPED)])
    button = next(each for each in transcript.findChildren(Button) if each.text() == "Write it again")
    with qtbot.waitSignal(transcript.desk.asked) as asked:
        button.click()
    assert asked.args == [Ask.REGENERATE, 2]


def test_copy_of_a_block_is_its_code_alone(qtbot: QtBot, transcript: Transcript) -> None:
    show(qtbot, transcript, [message(1, text="Hi\n\n```py\nx = 1\ny = 2\n```")])
    row = next(widget for widget in transcript.widgets(1) if isinstance(widget, CodeRow))
    with qtbot.waitSignal(transcript.desk.copied) as copied:
        row._copy.click()
    assert copied.args == ["x = 1\ny = 2"]


def test_every_button_and_text_has_a_name(qtbot: QtBot, transcript: Transcript) -> None:
    show(qtbot, transcript, [question(1), message(2, thinking="Hm", text=ANSWER, siblings=(2, 3))])
    for widget in transcript.column.widgets:
        widget.reveal(True)
        view = widget.text_view()
        assert view is None or view.accessibleName()
    for kind in (IconButton, Button):
        assert all(each.accessibleName() or each.text() for each in transcript.findChildren(kind))


# ---------------------------------------------------------------- selecting


def press_and_drag(start: RowWidget, stop: RowWidget) -> None:
    """Drag the pointer from the start of one row's text to the end of another's."""
    first, last = start.text_view(), stop.text_view()
    assert first is not None
    assert last is not None
    QTest.mousePress(first.viewport(), Qt.MouseButton.LeftButton, pos=QPoint(1, 5))
    end = first.viewport().mapFromGlobal(last.viewport().mapToGlobal(QPoint(last.width() - 2, last.height() - 4)))
    for share in (0.3, 0.7, 1.0):
        QTest.mouseMove(first.viewport(), QPoint(round(end.x() * share), round(end.y() * share)))
    QTest.mouseRelease(first.viewport(), Qt.MouseButton.LeftButton, pos=end)


def test_dragging_selects_across_prose_and_code(qtbot: QtBot, transcript: Transcript) -> None:
    show(qtbot, transcript, [message(1, text="One\n\n```\ntwo\n```\n\nThree"), message(2, text="Other")])
    rows = transcript.widgets(1)
    press_and_drag(rows[0], rows[2])
    assert transcript.selection.text() == "One\n\ntwo\n\nThree"


def test_a_press_elsewhere_ends_the_selection(qtbot: QtBot, transcript: Transcript) -> None:
    show(qtbot, transcript, [message(1, text="One\n\n```\ntwo\n```"), message(2, text="Other")])
    rows = transcript.widgets(1)
    press_and_drag(rows[0], rows[1])
    view = transcript.widgets(2)[0].text_view()
    assert view is not None
    QTest.mouseClick(view.viewport(), Qt.MouseButton.LeftButton, pos=QPoint(1, 5))
    assert transcript.selection.text() == ""


def test_select_all_takes_the_message_and_copy_the_selection(qtbot: QtBot, transcript: Transcript) -> None:
    show(qtbot, transcript, [message(1, text="One\n\n```\ntwo\n```\n\nThree"), message(2, text="Other")])
    view = transcript.widgets(1)[1].text_view()
    assert view is not None
    QTest.keyClick(view, Qt.Key.Key_A, Qt.KeyboardModifier.ControlModifier)
    QTest.keyClick(view, Qt.Key.Key_C, Qt.KeyboardModifier.ControlModifier)
    assert QGuiApplication.clipboard().text() == "One\n\ntwo\n\nThree"


def test_selecting_by_keyboard_goes_on_in_the_next_row(qtbot: QtBot, transcript: Transcript) -> None:
    show(qtbot, transcript, [message(1, text="One\n\n```\ntwo\n```")])
    transcript.activateWindow()
    first, second = (transcript.widgets(1)[place].text_view() for place in (0, 1))
    assert first is not None
    assert second is not None
    transcript.focus_message(1)
    transcript.selection._begin(1)
    shift, control = Qt.KeyboardModifier.ShiftModifier, Qt.KeyboardModifier.ControlModifier
    QTest.keyClick(first, Qt.Key.Key_End, shift | control)
    QTest.keyClick(first, Qt.Key.Key_Right, shift)
    qtbot.waitUntil(second.hasFocus, timeout=PATIENCE_MS)
    QTest.keyClick(second, Qt.Key.Key_Right, shift)
    assert transcript.selection.text() == "One\n\nt"


def test_what_was_not_built_yet_is_copied_too(qtbot: QtBot, transcript: Transcript) -> None:
    text = "\n\n".join(f"Paragraph {number} {'word ' * 60}" for number in range(100))
    show(qtbot, transcript, [message(1, text=text)])
    assert len(transcript.widgets(1)) < len(transcript.rows(1))
    last = next(widget for widget in reversed(transcript.widgets(1)) if widget.text_view())
    view = last.text_view()
    assert view is not None
    QTest.keyClick(view, Qt.Key.Key_A, Qt.KeyboardModifier.ControlModifier)
    copied = transcript.selection.text()
    assert [f"Paragraph {number} " in copied for number in range(100)] == [True] * 100
