"""What to run: picks, reasons, the list, another computer."""

from urllib.parse import parse_qs, urlsplit

import msgspec
import pytest
from msgspec.structs import replace
from PySide6.QtCore import Qt
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QBoxLayout
from pytestqt.qtbot import QtBot

from app.errors import AppError
from app.paths import RESOURCES
from app.protocol import Advice, Reason, Use
from app.settings import LanguageChoice
from app.ui.hardware.advice_view import AdviceView
from app.ui.hardware.advice_words import download_said, rate_said, speed_said, system_said
from app.ui.hardware.bar import Bar
from app.ui.hardware.builder import building
from app.ui.hardware.pick_card import PickCard
from app.ui.hardware.ranked_row import RankedRow
from app.ui.hardware.verdict_sign import quantization_words
from app.ui.translate import translations
from app.ui.widgets import ErrorCard
from tests.ui.fake_client import FakeClient
from tests.ui.finding import button, child, named, texts
from tests.ui.hardware.said import ADVICE, GIB, NOTHING, suggestion


@pytest.fixture
def view(qtbot: QtBot, told: FakeClient) -> AdviceView:
    view = AdviceView(told)
    qtbot.addWidget(view)
    view.resize(700, 900)
    view.show()
    view.fetch()
    qtbot.waitUntil(lambda: len(rows(view)) == 3 and not building())
    return view


def rows(view: AdviceView) -> list[RankedRow]:
    return [row for row in view.findChildren(RankedRow) if row.parent() is view._ranked]


def queries(client: FakeClient) -> list[dict[str, list[str]]]:
    paths = [request.path for request in client.requests if request.path.startswith("/api/advice")]
    return [parse_qs(urlsplit(path).query) for path in paths]


def test_a_model_picked_twice_is_one_card_with_everything_about_it(view: AdviceView) -> None:
    good, quick = view.findChildren(PickCard)
    assert (good.suggestion.name, quick.suggestion.name) == ("Good", "Quick")
    for words in (
        "Balanced, best", "Good", "smaller file, slightly less exact (Q4_K_M)", "partly on the graphics card",
        "30–50 tok/s", "first word after 2.0 s", "5.0 GB to download, then 95.0 GB left on the disk",
        "the KV cache", "CUDA0: 4.5 GiB of 7.0 GiB free",
    ):  # fmt: skip
        assert words in texts(good), words
    assert "Fast" in texts(quick)


def test_the_bar_of_a_plan_has_its_parts_and_the_limit(view: AdviceView) -> None:
    bar = child(view.findChildren(PickCard)[0], Bar)
    assert [piece.size for piece in bar.pieces] == [4 * GIB, GIB // 2]
    assert bar.limit == 7 * GIB - GIB // 2
    assert "KV cache 512 MiB" in bar.accessibleName()


def test_the_list_unfolds_to_everything_else(view: AdviceView) -> None:
    first = rows(view)[0]
    assert [row.suggestion.name for row in rows(view)] == ["Good", "Quick", "Third"]
    assert "quality" not in texts(first)
    named(first, "Details of Good").click()
    for words in ("quality 71 of 100 (arena)", "context of 8,192 tokens", "owner/repo/Good.gguf", "8B parameters"):
        assert words in texts(first)
    named(first, "Details of Good").click()
    assert "quality" not in texts(first)


def test_what_is_not_worth_it_and_what_would_help_are_said(view: AdviceView) -> None:
    said = texts(view)
    assert "Giant" in said
    assert "Most of it would have to run on the processor" in said
    assert "With a graphics card of 24 GB, Greater would run" in said


def test_another_use_is_asked_for(view: AdviceView, told: FakeClient, qtbot: QtBot) -> None:
    told.answers["GET /api/advice"] = [Advice(use=Use.CODE, balanced=suggestion("Coder"))]
    view.question.use.set_value(Use.CODE)
    view.question.use.picked.emit(Use.CODE)
    qtbot.waitUntil(lambda: "Coder" in texts(view))
    assert queries(told)[-1] == {"use": ["code"]}
    assert "Giant" not in texts(view)
    assert "Not worth" not in texts(view)


def test_another_computer_is_described_and_left_again(view: AdviceView, told: FakeClient, qtbot: QtBot) -> None:
    assumed = replace(ADVICE, balanced=suggestion("Bigger"), assumptions=(Reason(code="assumed_this_machine"),))
    told.answers["GET /api/advice"] = [assumed]
    question = view.question
    question.machine.setText("  what if I had 24 GB & more? ")
    QTest.keyClick(question.machine, Qt.Key.Key_Return)
    qtbot.waitUntil(lambda: "Bigger" in texts(view))
    assert queries(told)[-1]["machine"] == ["what if I had 24 GB & more?"]
    assert "Assumed: What was not named is as in this computer." in texts(view)
    told.answers["GET /api/advice"] = [ADVICE]
    button(question, "Back to this computer").click()
    qtbot.waitUntil(lambda: "Bigger" not in texts(view))
    assert "machine" not in queries(told)[-1]
    assert "Assumed" not in texts(view)
    assert not question.here.isVisibleTo(view)


def test_a_longer_context_is_asked_for_once(view: AdviceView, told: FakeClient) -> None:
    view.question.context.setText("32768")
    view.question.context.textEdited.emit("32768")
    view.question.context.editingFinished.emit()
    view.question.context.editingFinished.emit()
    assert [query.get("context") for query in queries(told)] == [None, ["32768"]]


def test_a_description_nobody_understands_is_said(view: AdviceView, told: FakeClient, qtbot: QtBot) -> None:
    told.answers["GET /api/advice"] = AppError("machine_not_understood", text="a toaster")
    view.question.machine.setText("a toaster")
    view.question.look.click()
    qtbot.waitUntil(lambda: view.findChild(ErrorCard) is not None)
    told.answers["GET /api/advice"] = [ADVICE]
    button(child(view, ErrorCard), "Try again").click()
    qtbot.waitUntil(lambda: not child(view, ErrorCard).isVisibleTo(view))


def test_only_the_newest_question_is_answered(view: AdviceView, told: FakeClient, qtbot: QtBot) -> None:
    told.answers["GET /api/advice"] = lambda asked: (
        [replace(ADVICE, balanced=suggestion("Old" if "old" in asked.path else "New"))]
    )
    for words in ("old", "new"):
        view.question.machine.setText(words)
        view.question.look.click()
    qtbot.waitUntil(lambda: "New" in texts(view))
    assert "Old" not in texts(view)


def test_nothing_that_runs_offers_another_way(view: AdviceView, told: FakeClient, qtbot: QtBot) -> None:
    told.answers["GET /api/advice"] = [NOTHING]
    view.fetch()
    qtbot.waitUntil(lambda: "Nothing runs well here" in texts(view))
    assert "remote server" in texts(view)
    with qtbot.waitSignal(view.settings_wanted):
        button(view, "Open settings").click()
    assert not rows(view) or not view._ranked.isVisibleTo(view)


def test_cards_are_stacked_where_it_is_narrow(view: AdviceView) -> None:
    card = view.findChildren(PickCard)[0]
    card.resize(700, 300)
    assert card._sides.direction() is QBoxLayout.Direction.LeftToRight
    card.resize(360, 300)
    assert card._sides.direction() is QBoxLayout.Direction.TopToBottom


def test_it_speaks_the_language_of_the_window(view: AdviceView, qtbot: QtBot) -> None:
    translations().use(LanguageChoice.CHINESE)
    qtbot.waitUntil(lambda: "每秒 30–50 词元" in texts(view))
    assert "tok/s" not in texts(view)


def test_speeds_and_sizes_in_words() -> None:
    one = suggestion("One", speed=4)
    assert speed_said(one) == "3.0–5.0 tok/s"
    assert speed_said(replace(one, plan=replace(one.plan, prediction=None))) == "speed unknown"
    assert rate_said(ADVICE.ranked[0].plan.prediction.decode) == "30–50 tok/s"  # type: ignore[union-attr]
    assert download_said(replace(one, disk_left=None)) == "5.0 GB to download"
    assert download_said(replace(one, disk_left=-(10**9))) == "5.0 GB to download, 1.0 GB too much for the disk"


@pytest.mark.parametrize(
    ("name", "said"),
    [
        ("Q8_0", "large file, practically exact (Q8_0)"),
        ("IQ2_XS", "very small file, clearly less exact (IQ2_XS)"),
        ("BF16", "very large file, exact (BF16)"),
        ("odd", "odd"),
    ],
)
def test_quantizations_in_plain_words(name: str, said: str) -> None:
    assert quantization_words(name) == said


def test_every_system_of_measurement_has_a_name() -> None:
    found = msgspec.json.decode((RESOURCES / "catalogue.json").read_bytes())
    systems = [system["id"] for system in found["systems"]]
    assert systems
    assert [system for system in systems if system_said(system) == system] == []
    assert system_said("of-a-newer-catalogue") == "of-a-newer-catalogue"
