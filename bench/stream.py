"""How the window bears a long answer: the longest waits of its event loop while 20,000 characters arrive.

`sample` comes at 200 tok/s from a real backend process with its fake engine, through the real page; the other shapes
are put into the page in the same steps as fast as it takes them. `--engine` lets the real engine write beside it.
"""

import argparse
import contextlib
import os
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

os.environ.setdefault("QT_QPA_PLATFORM", "offscreen")

from PySide6.QtCore import QTimer
from PySide6.QtWidgets import QApplication

from app.protocol import Event, Message, MessageState, Role
from app.ui import garbage
from app.ui.chat.acts import Acts
from app.ui.chat.conversation import OpenConversation, Phase
from app.ui.chat.page import ChatPage
from app.ui.client import Client
from app.ui.library import Library
from app.ui.theme import ThemeSource
from bench.common import print_result
from bench.event_loop import Watchdog, spin
from tests.processes import RunningBackend, running_backend

STEP = 40
"""Characters of 50 ms at 200 tok/s."""
SHAPES = {
    "mixed": "A paragraph with `code` and [a link](https://example.org). 量化让模型变小。\n\n- one\n- two\n\n"
    "```python\ndef f(x: int) -> int:\n    return x * 2  # twice\n```\n\n| a | b |\n|---|--:|\n| 1 | 2 |\n\n",
    "one_code_block": "def f(x: int) -> int:\n    return x * 2  # a line of a program of seventy characters\n",
    "one_paragraph": "A sentence that goes on for a while, with **weight** and `code`, and has an end. ",
    "one_word": "量化让模型变小也让它更快",
    "one_list": "- an item with some **text** in it\n",
    "one_table": "| Q4_K_M | 4.9 GB | small | fits |\n",
}
HEADS = {"one_code_block": "```python\n", "one_table": "| a | b | c | d |\n|---|--:|---|---|\n"}


def main() -> None:
    """Print the result as one JSON object."""
    options = _options()
    application = QApplication(sys.argv[:1])
    ThemeSource(application)
    garbage.set_aside()
    figures = {shape: _feed(shape, options.characters) for shape in SHAPES}
    with _engine(options.engine):
        figures["sample"] = _stream(options.rate, options.characters)
    print_result("stream", characters=options.characters, rate=options.rate, engine=options.engine, shapes=figures)


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--characters", type=int, default=20_000)
    parser.add_argument("--rate", type=float, default=200.0, help="tokens per second")
    parser.add_argument("--engine", action="store_true", help="let the starter model write at the same time")
    return parser.parse_args()


def _feed(shape: str, characters: int) -> dict[str, float]:
    """Show an answer of that shape growing step by step."""
    page = _page(Client())
    text = (HEADS.get(shape, "") + SHAPES[shape] * (characters // len(SHAPES[shape]) + 1))[:characters]
    page.conversation.branch.show([Message(id=1, conversation_id=1, role=Role.ASSISTANT, created=0.0)])
    shown = 0

    def grow() -> None:
        nonlocal shown
        shown += STEP
        state = MessageState.STREAMING if shown < characters else MessageState.COMPLETE
        message = Message(id=1, conversation_id=1, role=Role.ASSISTANT, created=0.0, text=text[:shown], state=state)
        page.conversation.branch.put(message)

    timer = QTimer(interval=0)
    timer.timeout.connect(grow)
    watchdog = Watchdog()
    watchdog.start()
    timer.start()
    spin(lambda: shown >= characters, "the whole text")
    timer.stop()
    watchdog.stop()
    page.deleteLater()
    return watchdog.figures()


def _stream(rate: float, characters: int) -> dict[str, float]:
    """Send a message to a real backend and watch its answer come."""
    with tempfile.TemporaryDirectory() as home, _backend(Path(home), f"{rate:g}:{characters}") as backend:
        client = Client()
        client.attach(backend.handshake)
        page = _page(client)
        events = client.stream("/api/events?client=bench", Event)
        events.received.connect(page.take_event)
        watchdog = Watchdog()
        watchdog.start()
        page.acts.send("A long answer, please")
        spin(lambda: page.conversation.phase is Phase.ANSWERING, "the answer's beginning")
        spin(lambda: page.conversation.phase is Phase.READY, "the answer's end")
        watchdog.stop()
        assert len(page.conversation.messages[-1].text) == characters
        events.abort()
        page.deleteLater()
    return watchdog.figures()


def _page(client: Client) -> ChatPage:
    page = ChatPage(client, Library(client))
    page.resize(1020, 800)
    page.show()
    spin(page.isVisible, "the page")
    return page


@contextlib.contextmanager
def _backend(home: Path, plan: str) -> Iterator[RunningBackend]:
    with running_backend(home, ALCOVE_FAKE_ENGINE=plan) as backend:
        yield backend


@contextlib.contextmanager
def _engine(wanted: bool) -> Iterator[None]:
    """A second backend whose real engine writes one answer after the other."""
    if not wanted:
        yield
        return
    with tempfile.TemporaryDirectory() as home, running_backend(Path(home)) as backend:
        client = Client()
        client.attach(backend.handshake)
        writer = OpenConversation(client)
        acts = Acts(writer)
        writer.answer_finished.connect(lambda _message: acts.send("What is a quantization?"))
        acts.send("What is a quantization?")
        spin(lambda: writer.phase is Phase.ANSWERING, "the real engine's answer")
        yield
        writer.begin()


if __name__ == "__main__":
    main()
