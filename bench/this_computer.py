"""How long the page of this computer keeps the window's event loop from anything else: this thread's own work in the
busiest turn of the first opening, of each tab, of a benchmark's result, of more of the record, of a change of language.

A client in memory answers, so that only the page is measured. Prints one JSON object, in milliseconds.
"""

import argparse
import os
import sys
from collections import defaultdict
from collections.abc import Callable

os.environ.setdefault("QT_QPA_PLATFORM", "offscreen")

from msgspec.structs import replace
from PySide6.QtWidgets import QApplication

from app.protocol import ModelEntry
from app.settings import LanguageChoice
from app.ui import garbage
from app.ui.hardware import HardwarePage
from app.ui.hardware.page import ADVICE, SPEED
from app.ui.library import Library
from app.ui.measuring import Measuring
from app.ui.theme import ThemeSource
from app.ui.translate import translations
from app.ui.widgets import Button
from bench.common import print_result
from bench.event_loop import Watchdog, spin
from tests.ui.fake_client import FakeClient
from tests.ui.hardware.said import ADVICE as SAID
from tests.ui.hardware.said import REPORT, ROWS, suggestion, tell_everything

_TURNS = 100
"""Ticks after which everything stands: it is at most a few dozen parts, one a turn."""


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=3)
    options = parser.parse_args()
    application = QApplication(sys.argv[:1])
    ThemeSource(application)
    garbage.set_aside()
    found = defaultdict(list)
    for _ in range(options.rounds):
        for name, worst in _round().items():
            found[name].append(worst)
    print_result("this_computer", **found)


def _client() -> FakeClient:
    client = FakeClient()
    tell_everything(client)
    client.answers["GET /api/measurements"] = [
        replace(row, id=number, created=number) for number, row in enumerate(ROWS * 3)
    ]
    client.answers["GET /api/advice"] = [
        replace(SAID, best=suggestion("Best"), ranked=tuple(suggestion(f"Model {number}") for number in range(12)))
    ]
    client.answers["GET /api/models"] = [ModelEntry(id="qwen", name="Qwen", path="/x", size=1, quantization="Q4_0")]
    client.answers["POST /api/bench"] = REPORT
    return client


def _round() -> dict[str, float]:
    client = _client()
    library, measuring = Library(client, client), Measuring(client, client)
    library.fetch()
    page = HardwarePage(client, library, measuring)
    page.resize(1000, 800)
    spin(lambda: bool(library.entries), "the library")
    steps: dict[str, Callable[[], object]] = {
        "opening": page.show,
        "advice": lambda: page.show_part(ADVICE),
        "speed": lambda: page.show_part(SPEED),
        "result": lambda: measuring.bench("qwen"),
        "more": lambda: _press(page, "Show more"),
        "language": lambda: translations().use(LanguageChoice.CHINESE),
    }
    found = {name: _worst(step) for name, step in steps.items()}
    translations().use(LanguageChoice.ENGLISH)
    page.deleteLater()
    return found


def _press(page: HardwarePage, words: str) -> None:
    next(each for each in page.findChildren(Button) if each.text() == words).click()


def _worst(step: Callable[[], object]) -> float:
    """The own work of the busiest turn from that step until the page stands."""
    watchdog = Watchdog()
    _rest()
    watchdog.start()
    step()
    _rest()
    watchdog.stop()
    return watchdog.figures()["worst_own_work_ms"]


def _rest() -> None:
    """Let the loop turn for long enough that nothing more comes."""
    turns = iter(range(_TURNS))
    spin(lambda: next(turns, None) is None, "the page at rest")


if __name__ == "__main__":
    main()
