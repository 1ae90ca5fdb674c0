"""How soon a conversation of 2,000 messages can be read, and whether the window stays awake while it is put together.

The conversation lies in a real database and comes from a real backend. Time runs from the click to the first paint that
shows the newest message; then the reader scrolls to the very top.
"""

import argparse
import os
import sys
import tempfile
import time
from pathlib import Path

os.environ.setdefault("QT_QPA_PLATFORM", "offscreen")

from PySide6.QtCore import QEvent, QObject
from PySide6.QtWidgets import QApplication

from app.paths import Paths
from app.protocol import MessageState, NewConversation, NewMessage
from app.store.database import open_database
from app.store.store import Store
from app.ui import garbage
from app.ui.chat.page import ChatPage
from app.ui.chat.prose import ReadingView
from app.ui.client import Client
from app.ui.library import Library
from app.ui.theme import ThemeSource
from bench.common import print_result
from bench.event_loop import Watchdog, spin
from tests.processes import running_backend

ANSWER = (
    "A **quantization** stores the weights with fewer bits each. 量化让模型变小，也让它更快。\n\n"
    "- `Q8_0` keeps almost all\n- `Q4_K_M` halves that again\n\n"
    "```python\ndef size(parameters: int, bits: float) -> int:\n"
    "    return round(parameters * bits / 8)\n```\n\n| a | b |\n|---|--:|\n| 1 | 2 |\n"
)


def main() -> None:
    """Print the result as one JSON object."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--messages", type=int, default=2_000)
    parser.add_argument("--rounds", type=int, default=5)
    options = parser.parse_args()
    application = QApplication(sys.argv[:1])
    ThemeSource(application)
    garbage.set_aside()
    with tempfile.TemporaryDirectory() as folder:
        home = Path(folder)
        conversation_id = _fill(home, options.messages)
        with running_backend(home, ALCOVE_FAKE_ENGINE="0") as backend:
            client = Client()
            client.attach(backend.handshake)
            rounds = [_open(client, conversation_id) for _ in range(options.rounds)]
            scrolled = _scroll_to_top(client, conversation_id, options.messages)
    print_result(
        "open_conversation",
        messages=options.messages,
        first_paint_ms=[round(paint * 1000, 1) for paint, _ in rounds],
        opening=[figures for _, figures in rounds],
        scrolling_to_the_top=scrolled,
    )


def _fill(home: Path, messages: int) -> int:
    """Write the conversation into the database of that home. Returns its id."""
    database = open_database(Paths(data=home, cache=home, logs=home).database)
    store = Store(database)
    conversation = store.create(NewConversation(title="A long conversation"), time.time())
    for number in range(messages // 2):
        asked = NewMessage(text=f"Question {number}: what is a quantization?")
        answer = store.begin_answer(conversation.id, asked, "a model", time.time()).answer
        finished = {"text": f"Answer {number}. {ANSWER}", "state": MessageState.COMPLETE}
        store.finish(type(answer)(**{field: getattr(answer, field) for field in answer.__struct_fields__} | finished))
    store.close()
    return conversation.id


class FirstPaint(QObject):
    """Notes when text is painted for the first time."""

    def __init__(self) -> None:
        super().__init__()
        self.at: float | None = None

    def eventFilter(self, watched: QObject, event: QEvent) -> bool:  # noqa: N802
        if event.type() is QEvent.Type.Paint and self.at is None and isinstance(watched.parent(), ReadingView):
            self.at = time.perf_counter()
        return False


def _open(client: Client, conversation_id: int) -> tuple[float, dict[str, float]]:
    """Seconds to the first paint, and the waits of the event loop until everything stood."""
    page = ChatPage(client, Library(client))
    page.resize(1020, 800)
    page.show()
    spin(page.isVisible, "the page")
    paint, watchdog, settled = FirstPaint(), Watchdog(), []
    page.transcript.column.settled.connect(lambda: settled.append(paint.at is not None))
    watchdog.start()
    QApplication.instance().installEventFilter(paint)  # type: ignore[union-attr]
    began = time.perf_counter()
    page.open_conversation(conversation_id)
    spin(lambda: any(settled), "the conversation")
    watchdog.stop()
    QApplication.instance().removeEventFilter(paint)  # type: ignore[union-attr]
    page.deleteLater()
    assert paint.at is not None
    return paint.at - began, watchdog.figures()


def _scroll_to_top(client: Client, conversation_id: int, messages: int) -> dict[str, float]:
    """The waits of the event loop while every page is fetched and shown."""
    page = ChatPage(client, Library(client))
    page.resize(1020, 800)
    page.show()
    page.open_conversation(conversation_id)
    spin(lambda: bool(page.transcript.message_ids), "the conversation")
    bar = page.transcript.column.verticalScrollBar()
    watchdog = Watchdog()
    watchdog.start()

    def at_top() -> bool:
        bar.setValue(0)
        return len(page.transcript.message_ids) == messages

    spin(at_top, "the first message")
    watchdog.stop()
    page.deleteLater()
    return watchdog.figures()


if __name__ == "__main__":
    main()
